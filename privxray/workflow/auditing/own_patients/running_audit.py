"""An audit on own patients that is under way: its charge in the ledger, and what it keeps in its folder.

Tested in tests/cli/test_audit.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from privxray.audit.kept_answers import KeptAnswers
from privxray.errors import BudgetError
from privxray.privacy.events import Event
from privxray.privacy.ledger import Ledger
from privxray.privacy.releases import ReleaseStore
from privxray.workflow.auditing.own_patients.terms import OwnAuditKind, Terms
from privxray.workflow.ledger.runs import AUDITS, audit_number
from privxray.workflow.ledger.saved_answers import SavedAnswers
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


def running_folder(workspace: Workspace, kind: OwnAuditKind) -> Path:
    """Where an audit is kept until it is finished."""
    return workspace.audits / f"{kind}.running"


def discard(folder: Path) -> None:
    """Delete a running audit's folder in one step: half a folder would pass for an audit that was begun."""
    gone = folder.with_suffix(".done")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


@dataclass(frozen=True)
class RunningAudit:
    """An audit between its first step and its report.

    :ivar folder: see :func:`running_folder`.
    """

    terms: Terms
    folder: Path
    ledger: Ledger
    state: State

    def reserve(self, events: Sequence[Event]) -> None:
        """Charge the ledger, before anything is drawn; an audit that goes on is charged already.

        :raises BudgetError: the lifetime limit; nothing was spent, and the folder is gone.
        """
        try:
            self.ledger.reserve(AUDITS, self.terms.run, events)
        except BudgetError:
            discard(self.folder)
            raise

    def begin_drawing(self) -> None:
        """From now on the charge stays. Where every answer is saved already, none is drawn again."""
        if self.ledger.state(AUDITS, self.terms.run) != "released":
            self.ledger.begin(AUDITS, self.terms.run)

    def give_back(self) -> None:
        """Take the charge back and delete the folder, if nothing was drawn yet."""
        if self.ledger.state(AUDITS, self.terms.run) == "reserved":
            self.ledger.withdraw(AUDITS, self.terms.run)
            discard(self.folder)

    def end_drawing(self) -> None:
        """Every answer is drawn and saved."""
        self.ledger.finish(AUDITS, self.terms.run)

    def planted(self) -> ReleaseStore:
        """Where it is kept which canaries, or which patients, are in."""
        return ReleaseStore(self.folder / "planted", self._key())

    def answers(self) -> KeptAnswers:
        """The noisy answers that were drawn so far."""
        witness = SavedAnswers(
            self.state,
            AUDITS,
            audit_number(self.terms.run),
            advice=f"Restore the folder from a backup "
            f"(privxray help backup), or delete {self.folder} to give the audit up. What it "
            "was charged stays charged",
        )
        return KeptAnswers(self.folder / "answers", self._key(), witness)

    def _key(self) -> bytes:
        return self.state.secret(f"audit {self.terms.run}")
