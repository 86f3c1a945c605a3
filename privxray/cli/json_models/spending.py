"""What is printed on what was spent, what left, and who withdrew. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from typing import Literal

from privxray.cli.json_models.printed import Printed, Spent, absent


class ReplaceOne(Printed):
    """The same by the other adjacency, with ``--replace-one``."""

    epsilon: float | None
    adjacency: str


class Cost(Spent):
    """What something has cost a patient."""

    unit: Literal["patient"]
    replace_one: ReplaceOne = absent()


class StudyCost(Cost):
    """What a study has cost a patient."""

    study: str
    planned: float | None
    """The epsilon that its plan allows."""
    left: float | None


class PrivacyEvent(Printed):
    """One Gaussian mechanism, applied ``count`` times."""

    kind: Literal["gaussian", "poisson-gaussian"]
    noise: float
    """Standard deviation of the noise divided by the sensitivity to one patient."""
    count: int
    q: float
    """The probability with which each application sees a patient."""


class RunCost(Cost):
    """What a run has cost a patient."""

    study: str
    run: str
    state: str
    events: list[PrivacyEvent]


class Affords(Printed):
    """How many steps the budget still affords."""

    steps: int
    noise: float
    sampling_rate: float


class BudgetSeen(Printed):
    """What is spent, and what is left."""

    spent: Cost
    charged: Cost
    """With what is reserved."""
    admitted: float
    limit: float
    left: float
    delta: float
    studies: list[StudyCost]
    runs: list[RunCost]
    remarks: list[str]
    affords: Affords | None
    """With ``--noise`` and ``--steps``."""


class FileThatLeft(Printed):
    """A file that left."""

    left: str
    """When first, in UTC."""
    kind: str
    file: str
    study: str | None
    round: int | None
    to: str
    bytes: int
    sha256: str
    epsilon: float | None
    delta: float | None


class Exports(Printed):
    """Each file that ever left."""

    files: list[FileThatLeft]


class SeenIn(Printed):
    """A training that saw the patient."""

    study: str
    round: int
    left: bool
    """Its result has left the hospital."""
    pending: bool
    """It is trained and has not left yet."""
    spent: Spent


class CountedIn(Printed):
    """A round that described the patients, or evaluated a model on some of them."""

    study: str
    round: int
    task: Literal["describe", "evaluate"]
    left: bool
    """Its counts have left the hospital."""


class Withdrawn(Printed):
    """A patient is taken out of all later training. It names nobody."""

    at: str
    """When the patient withdrew first, in UTC."""
    before: bool
    images: int
    """How many were taken out of data sets now."""
    seen: list[SeenIn]
    counted: list[CountedIn]
    """The rounds that counted the patient."""
    not_noted: list[CountedIn]
    """Rounds of which an earlier version of privxray did not note whom they counted."""
