"""What the audits and the demo print. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from privxray.cli.json_models.evaluation import Metrics
from privxray.cli.json_models.printed import Lifetime, Printed, Spent, absent


class AuditDone(Spent):
    """What an audit found, and the claim that was tried. More than is claimed ends the command with 3."""

    method: str
    patients: str
    """Whose."""
    flagged: bool
    cannot_show: list[str]
    """What the audit could not have shown."""


class OwnAudit(AuditDone):
    """What is said besides of an audit on own patients."""

    report: str = absent()
    """With ``--own``: its page, which stays in the workspace."""
    lifetime: Lifetime = absent()
    already: Literal[True] = absent()
    """It was done before with the same options, and nothing was spent."""


class ConformanceCheck(Printed):
    """Noisy answers that were computed again."""

    name: str
    fault: str | None


class NoiseTest(Printed):
    """A test of the noise."""

    name: str
    p: float
    seen: str
    flagged: bool


class ConformanceAudited(AuditDone):
    """``audit conformance``."""

    audit: Literal["conformance"]
    trainings: int
    values: int
    error: float
    """The chance of a false alarm."""
    level: float
    """The p-value below which a test is flagged."""
    checks: list[ConformanceCheck]
    tests: list[NoiseTest]


class Guesses(OwnAudit):
    """Guesses at who was trained on, and what they show."""

    canaries: int
    guesses: int
    right: int
    confidence: float
    lower_bound: float
    """On epsilon."""
    ceiling: float
    """The most that could be shown, with every guess right."""
    unseen_factor: float | None
    """Null stands for infinite."""


class GaussianGuesses(Printed):
    """The bounds that hold if the noise is Gaussian of some size."""

    guesses: int
    right: int
    curve_bound: float
    distance: float
    mean_bound: float
    refuted: bool


class OneRunAudited(Guesses):
    """``audit one-run``."""

    audit: Literal["one-run"]
    gaussian: GaussianGuesses | None


class MembershipAudited(Guesses):
    """``audit membership``."""

    audit: Literal["membership"]
    members: int
    others: int
    auc: float
    tpr: float = Field(alias="tpr_at_fpr_0.01")


class Rebuilt(Printed):
    """The best image that was found from an update."""

    ssim: float
    psnr: float
    decoy_ssim: float
    """The largest SSIM to an image that has nothing to do with the update."""
    recognised: bool


class Search(Printed):
    """How hard was searched."""

    steps: int
    restarts: int


class InversionAudited(AuditDone):
    """``audit inversion``."""

    audit: Literal["inversion"]
    search: Search
    images: list[dict[str, Rebuilt]]
    """By the kind of update."""


class Difference(Printed):
    """How far the global model's macro AUC is above that of a hospital alone."""

    value: float
    low: float
    high: float
    verdict: str


class DemoSeconds(Printed):
    """How long each step took."""

    features: float
    train: float
    export: float
    aggregate: float
    evaluate: float
    total: float


class DemoBytes(Printed):
    """Sizes of files."""

    update: int
    model: int


class EncryptedInference(Printed):
    """The last part of the demo."""

    label: str
    probabilities: dict[str, float]
    bytes: dict[str, int]
    seconds: dict[str, float]


class DemoPlayed(Printed):
    """A whole study was played."""

    method: str
    rounds: int
    epsilon: dict[str, float]
    """What each hospital spent on a patient, by site."""
    delta: float
    metrics: dict[str, Metrics]
    """Of the global model, by split."""
    alone: dict[str, dict[str, Metrics]]
    """Of each hospital by itself, by site."""
    reference: dict[str, Metrics]
    """Of all data pooled, without privacy."""
    compared: dict[str, Difference]
    seconds: DemoSeconds
    bytes: DemoBytes
    inference: EncryptedInference | None
    """Null where the method is another than linear-probe."""
