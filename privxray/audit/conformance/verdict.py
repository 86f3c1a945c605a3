"""All tests of a conformance audit, under one error rate. Tested in tests/unit/test_audit_conformance.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from privxray.audit.conformance.noise_tape import Floats
from privxray.audit.conformance.noise_tests import NoiseTest
from privxray.privacy.guarantee import Guarantee

ERROR = 0.001
"""An intact engine is flagged with at most this probability, over all tests of an audit together."""


EDGES: Floats = np.linspace(-6.0, 6.0, 61)
"""Of a picture of all noise, in standard deviations."""


@dataclass(frozen=True)
class Check:
    """What has to hold exactly, without chance.

    :ivar name: what has to hold.
    :ivar fault: what was seen otherwise; nothing where it holds.
    """

    name: str
    fault: str = ""


@dataclass(frozen=True)
class Conformance:
    """What a conformance audit found.

    :ivar claim: what the trainings promised.
    :ivar trainings: how many there were.
    :ivar values: how many noisy numbers were looked at.
    :ivar histogram: how many of them lie between two of :data:`EDGES`, in claimed deviations.
    :ivar checks: what holds exactly, or does not.
    :ivar tests: what could have come by chance.
    """

    claim: Guarantee
    trainings: int
    values: int
    checks: Sequence[Check]
    tests: Sequence[NoiseTest]
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(EDGES) - 1, np.int64))

    @property
    def level(self) -> float:
        """The p-value at which one test is flagged: Bonferroni's share of :data:`ERROR`."""
        return ERROR / max(1, len(self.tests))

    @property
    def faults(self) -> list[str]:
        """What was found, in words."""
        failed = [f"{check.name}: {check.fault}" for check in self.checks if check.fault]
        unlikely = [f"{test.name}: {test.seen} (p {test.p:.1e})" for test in self.flagged_tests]
        return failed + unlikely

    @property
    def flagged_tests(self) -> list[NoiseTest]:
        """Tests that an intact engine passes with probability 1 - ``level`` each."""
        return [test for test in self.tests if test.p <= self.level]

    @property
    def flagged(self) -> bool:
        """Whether anything is otherwise than claimed."""
        return bool(self.faults)

    @property
    def smallest_seen(self) -> float:
        """Noise that is too small by this factor everywhere is noticed in 19 of 20 audits.

        By the variance of all values, which is chi-square: normal for so many.
        """
        from scipy.stats import norm

        if not self.values:
            return math.inf
        shift = (norm.isf(self.level / 2.0) + norm.isf(0.05)) * math.sqrt(2.0 / self.values)
        return math.inf if shift >= 1.0 else 1.0 / math.sqrt(1.0 - shift)
