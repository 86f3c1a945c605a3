"""What the rest of the budget affords: ``budget --steps`` and ``budget --noise``.

Tested in tests/unit/test_workflow_ledger.py and tests/cli/test_budget.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.errors import UsageError
from privxray.privacy import affordable
from privxray.privacy.ledger import Ledger

MOST_NOISE = 1e6


@dataclass(frozen=True)
class FurtherSteps:
    """A question about further steps of a training that the limit may still admit.

    :param steps: ask for the least noise with which so many still fit.
    :param noise: ask how many of this noise still fit. Not both. Noise is its standard deviation over the
        clipping norm.
    :param q: their sampling rate.
    """

    steps: int | None = None
    noise: float | None = None
    q: float = 1.0

    def check(self) -> None:
        """:raises UsageError: an option is out of its range, or goes without the one that it needs."""
        if self.steps is not None and self.noise is not None:
            raise UsageError(
                "--steps asks for the noise and --noise for the steps: type one of the two",
                reason="budget.steps-and-noise",
            )
        if self.steps is not None and not 1 <= self.steps <= affordable.MOST_STEPS:
            raise UsageError(
                f"--steps can't be '{self.steps}': it has to be a number from 1 to {affordable.MOST_STEPS:,}",
                reason="budget.steps-out-of-range",
            )
        if self.noise is not None and not 0.0 < self.noise < MOST_NOISE:
            raise UsageError(
                f"--noise can't be '{self.noise:g}': it has to be a number above 0 and below "
                f"{MOST_NOISE:,.0f}",
                reason="budget.noise-out-of-range",
                advice="It is the standard deviation of the noise over the clipping norm",
            )
        if not 0.0 < self.q <= 1.0:
            raise UsageError(
                f"--sampling-rate can't be '{self.q:g}': it has to be a number above 0 and at most 1",
                reason="budget.rate-out-of-range",
            )
        if self.q != 1.0 and self.steps is None and self.noise is None:
            raise UsageError("--sampling-rate goes with --steps or --noise", reason="budget.rate-alone")

    def answer(self, ledger: Ledger) -> Affords | None:
        """What the ledger's limit still admits; None where nothing was asked."""
        past, limit = ledger.events(), ledger.limit
        if self.steps is not None:
            noise = affordable.least_noise(self.steps, self.q, limit, past=past)
            return Affords(self.steps, noise, self.q)
        if self.noise is not None:
            steps = affordable.most_steps(self.noise, self.q, limit, past=past)
            return Affords(steps, self.noise, self.q)
        return None


@dataclass(frozen=True)
class Affords:
    """The answer to :class:`FurtherSteps`: ``steps`` of them with at least ``noise`` at sampling rate ``q``.

    ``noise`` is None where not even one step fits.
    """

    steps: int
    noise: float | None
    q: float
