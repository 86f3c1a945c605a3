"""What an audit on own patients was begun with: ``terms.json`` in its folder.

Tested in tests/cli/test_audit.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from privxray.errors import MalformedError, RefusedError
from privxray.formats.header import PlanHash, Strict
from privxray.privacy.guarantee import Guarantee
from privxray.workspace.atomic import PRIVATE, make_private_folder, sweep, write_atomic

OwnAuditKind = Literal["one-run", "membership"]
"""The audits that can be done on own patients, by the names of their commands."""


class Terms(Strict):
    """What an audit was begun with. An interrupted one goes on with the same.

    :ivar run: its name in the ledger; the part after the last dash is random.
    :ivar plan: digest of the plan. :ivar data: fingerprint of the data set.
    :ivar noise: the noise scale. :ivar canaries: 0 for membership inference, like ``guesses``.
    """

    run: Annotated[str, Field(pattern=r"^(one-run|membership)-[0-9a-f]{12}$")]
    study: str
    plan: PlanHash
    data: str
    epsilon: float
    delta: float
    noise: float
    canaries: int
    guesses: int

    @property
    def claim(self) -> Guarantee:
        """What the audit costs a patient, and what it tries to refute."""
        return Guarantee(self.epsilon, self.delta)


def begun_or_new(folder: Path, wanted: Terms) -> Terms:
    """The terms of the audit that was begun in ``folder``; if there is none, ``wanted`` from now on.

    :raises MalformedError: the terms there are damaged.
    :raises RefusedError: the audit there has other patients, another plan or other options.
    """
    make_private_folder(folder.parent)  # parents that mkdir makes by the way are not private
    make_private_folder(folder)
    sweep(folder)
    path = folder / "terms.json"
    if not path.exists():
        write_atomic(path, wanted.model_dump_json().encode(), mode=PRIVATE)
        return wanted
    try:
        begun = Terms.model_validate_json(path.read_bytes())
    except ValidationError:
        raise MalformedError(
            "the terms of the audit that was begun are damaged",
            reason="audit.terms-damaged",
            file=path,
            advice="Restore this file from a backup (privxray help backup)",
        ) from None
    if (begun.plan, begun.data) != (wanted.plan, wanted.data):
        raise RefusedError(
            "an audit was begun on other patients or under another plan, and can't go on",
            reason="audit.other-patients",
            file=folder,
            advice="Delete this folder to give that audit up. What it was charged stays charged",
        )
    if begun.model_copy(update={"run": wanted.run}) != wanted:
        options = f"--epsilon {begun.epsilon:g} --delta {begun.delta:g}"
        if begun.canaries:
            options += f" --canaries {begun.canaries} --guesses {begun.guesses}"
        raise RefusedError(
            "an audit was begun with other options, and can only go on with those",
            reason="audit.other-options",
            file=folder,
            advice=f"Type the same command with {options}",
        )
    return begun
