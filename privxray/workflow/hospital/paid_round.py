"""A round that costs privacy, as one thing: what it is charged as, and where its noisy answers rest.

Tested in tests/cli/test_ledger.py and tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from privxray.errors import BudgetError, MalformedError
from privxray.exchange.messages.plan import PlanHeader
from privxray.learning.interface import Drawing
from privxray.privacy.events import Event, merge
from privxray.privacy.guarantee import Promise
from privxray.privacy.ledger import Ledger
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.hospital.training_results import results_folder
from privxray.workflow.ledger.runs import run_name
from privxray.workflow.ledger.saved_answers import SavedAnswers
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round


@dataclass(frozen=True)
class PaidRound:
    """A round, with all that the steps of paying for it and drawing its noise share.

    :param round: as the state has it now; it changes when noise and key are chosen.
    """

    session: Session
    ledger: Ledger
    round: Round
    plan: PlanHeader

    def chosen(self, **fields: float | bytes | None) -> Self:
        """The round after a choice (``epsilon``, ``noise``, ``vector_key``) was made durable."""
        state, round_ = self.session.state, self.round
        with state.transaction():
            state.set_training(round_.study, round_.number, **fields)
        return replace(self, round=state.rounds(round_.study)[-1])

    @property
    def run(self) -> str:
        """How the ledger names it."""
        return run_name(self.session.state, self.round)

    @property
    def folder(self) -> Path:
        """Where its results rest."""
        return results_folder(self.session, self.round)

    @property
    def noise(self) -> float:
        """The noise scale that was chosen. :raises ValueError: none was."""
        if self.round.noise is None:
            raise ValueError("no noise was chosen")
        return self.round.noise

    @property
    def key(self) -> bytes:
        """The key of its results. :raises ValueError: none was made."""
        if self.round.vector_key is None:
            raise ValueError("no key was made")
        return self.round.vector_key

    @property
    def promise(self) -> Promise | None:
        """The plan's delta, and for how many patients it is meant; None where no hospital states its size."""
        bound = self.plan.size_bound
        return None if bound is None else Promise(self.plan.delta, bound)

    def expect_known(self, charged: str | None) -> None:
        """Check that the state knows of what the ledger was charged for.

        :param charged: how far the ledger has the run.
        :raises MalformedError: noise was drawn already, and the state does not know of it.
        """
        if charged not in (None, "reserved") and self.round.epsilon is None:
            raise MalformedError(
                f"the workspace's state is an old copy: it lacks the training of round {self.round.number} "
                "that the privacy ledger was charged for; nothing was drawn",
                reason="state.lacks-training",
                advice="Restore the newest backup of state.db "
                "(privxray help backup), or have the round planned anew and charged again",
            )

    def expect_charged(self, events: Sequence[Event]) -> None:
        """Check that the ledger was charged for what is about to be drawn.

        :raises BudgetError: it was not.
        """
        if self.ledger.events(self.round.study, self.run) != merge(events):
            raise BudgetError(
                "what this round would draw is not what the privacy ledger was charged; nothing was drawn",
                reason="budget.other-events",
                advice="The workspace was altered: restore state.db and ledger.db from one backup "
                "(privxray help backup)",
            )

    def drawing(self, progress: Progress | None) -> Drawing:
        """How its noise is drawn: each answer is saved before it is used, and none is drawn twice."""
        advice = (
            "Restore the folder from a backup (privxray help backup), or have the round planned and paid anew"
        )
        witness = SavedAnswers(self.session.state, self.round.study, self.round.trained_in, advice)
        return Drawing(
            self.noise, SecureNoise(), ReleaseStore(self.folder / "steps", self.key, witness), progress
        )
