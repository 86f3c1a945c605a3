"""What the tests' comments say of chance is computed here, and is little enough: for each, and for the suite.

A figure that no formula gives was measured, and its comment says from how many runs. This file holds the
formulas against it where there is one: that of the distribution with the measured mean and deviation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from chance import Seeded, once_in, seed_noise
from scipy.stats import binom, chi2, norm, poisson

from privxray.imaging.labelling.patient_traits import AGE_BANDS, SEXES
from privxray.privacy.noise import SecureNoise

TESTS = Path(__file__).parents[1]


def two_sided(deviations: float) -> float:
    return 2.0 * float(norm.sf(deviations))


def skewed(deviations: float, skewness: float) -> float:
    """The upper tail of a sum that is still skew, by Edgeworth's leading term."""
    return float(norm.sf(deviations)) * math.exp(skewness * deviations**3 / 6.0)


def mean_of_uniform(number: int, distance: float) -> float:
    """That the mean of so many uniform numbers is so far above 1/2: Lugannani and Rice 1980."""
    from scipy.optimize import brentq

    def generating(t: float) -> float:
        return math.log((math.exp(t) - 1.0) / t)

    def slope(t: float) -> float:
        return (generating(t + 1e-5) - generating(t - 1e-5)) / 2e-5

    t = brentq(lambda t: slope(t) - 0.5 - distance, 1e-3, 100.0)
    curvature = (slope(t + 1e-3) - slope(t - 1e-3)) / 2e-3
    w = math.sqrt(2.0 * number * (t * (0.5 + distance) - generating(t)))
    return float(norm.sf(w) + norm.pdf(w) * (1.0 / (t * math.sqrt(number * curvature)) - 1.0 / w))


def spread(number: int, share: float) -> float:
    """That the standard deviation of so many Gaussians, about their mean, is wrong by this share."""
    low, high = (number * (1.0 + sign * share) ** 2 for sign in (-1, 1))
    return float(chi2.cdf(low, number - 1) + chi2.sf(high, number - 1))


@dataclass(frozen=True)
class Said:
    """What a comment says.

    :ivar file: below ``tests``. :ivar words: in it; the last figure is the chance. :ivar chance: computed.
    :ivar times: how often a run of the suite takes it: parameters, or assertions of the same form.
    """

    file: str
    words: str
    chance: float
    times: int = 1


NOISE, ONE_RUN, CONFORM = "test_privacy_noise.py", "test_audit_one_run.py", "test_audit_conformance.py"
HARDNESS = "test_inference_hardness.py"
SCHEME, LEAK = "test_inference_scheme.py", "../attacks/test_inference_leak.py"
CELLS = 3 * (len(AGE_BANDS) + 1) * (len(SEXES) + 1) + 3 + len(AGE_BANDS) + 1 + len(SEXES) + 1
BY_CHANCE = [
    Said(NOISE, "two-sided tail 6e-10", two_sided(6.2), 12),
    Said(NOISE, "9e-10", skewed(6.2, 10.1 / 1000.0) + skewed(6.2, -10.1 / 1000.0)),
    Said(NOISE, "2 exp(-2 * 3.3^2) = 7e-10", 2.0 * math.exp(-2.0 * 3.3**2), 3),
    Said(NOISE, "binom.isf(1e-10", 1e-10, 10),
    Said(NOISE, "skewness\n    .15, exceeds with 1e-9", skewed(0.45 / 0.059, 0.15), 2),
    Said(NOISE, "1,225 pairs: 2e-9", 1225 * two_sided(7.2) * math.exp(0.762 / 4000**0.5 * 7.2**3 / 6)),
    Said(NOISE, "two pairs: 1e-12", (1.1e-6) ** 2 / 2.0, 3),
    Said("test_privacy_mechanism.py", "80,000 coins: 6e-10", two_sided(6.2)),
    Said("test_exchange_mask.py", "with probability 1e-11", 6 * 2e-12, 2),
    Said("../attacks/simulator.py", "with probability 2e-12", 2e-12, 40),
    Said(ONE_RUN, "with 5e-9", float(binom.sf(3, 20, 1e-3))),
    Said(ONE_RUN, "are flagged: 3e-7", float(norm.sf((96.5 - 66) / 6.1)), 0),  # of which 4 of 20 must be
    Said(ONE_RUN, "some 2e-4", float(norm.sf((26.5 - 17.2) / 2.6)), 0),
    Said(ONE_RUN, "or 4e-5", float(poisson.sf(19, 7)), 0),
    Said(ONE_RUN, "together with 1e-13", float(poisson.sf(19, 7)) ** 3),
    Said(ONE_RUN, "are flagged: 1e-4", float(norm.sf((42.5 - 29.45) / 3.48)), 0),
    Said(ONE_RUN, "together with 1e-12", 1e-4**3),
    Said(CONFORM, "all three do with 1e-9", 1e-3**3, 11),
    Said(CONFORM, "are flagged: 2e-10", float(binom.cdf(232, 384, 0.75))),
    Said(
        "test_audit_membership.py", "three together with 1e-15", float(norm.sf((149.3 - 126.5) / 5.16)) ** 3
    ),
    Said("test_audit_membership.py", "beyond 0.3 with 6e-10", float(norm.sf((0.3 - 0.02) / 0.046)), 2),
    Said("test_audit_inversion.py", "Eight do with 1e-8", 0.1**8),
    Said("test_audit_inversion.py", "6e-10 each", two_sided(6.2), 2),
    Said(SCHEME, "beyond .4 with 1.5e-9", 3 * spread(126, 0.4)),
    Said(SCHEME, "beyond .6 with 5e-11", 3 * two_sided(0.6 * 126**0.5)),
    Said(SCHEME, "of 10 values: 3e-11", 10 * two_sided(7.0), 2),
    Said(SCHEME, "12 of these: 8e-19", (1.0 - two_sided(12.0 / 10_000.0)) ** 6),
    Said(HARDNESS, "outside with 1e-15", float(chi2.cdf(126 * (0.5 / 0.92) ** 2, 125)), 1),
    Said("test_inference_ring.py", "so 7e-11", 3 * two_sided(0.009 / (2 / 9 / 122_880) ** 0.5)),
    Said("../cli/test_tasks.py", "deviations with 3e-10", CELLS * two_sided(7.0)),
    Said("../cli/test_infer.py", "one is beyond with 5e-12", 6 * two_sided(0.5e-3 / 7e-5), 6),
    Said(LEAK, "abs=10 * NOISE", 48 * two_sided(10.0 / 2**0.5)),
    Said(LEAK, "beyond 7 with 5e-11", 18 * two_sided(7.0)),
    Said(LEAK, "beyond 8 with 3e-11", 18 * 1280 * two_sided(8.0)),
    Said(LEAK, "is beyond: 5e-11", 49_152 * 2 * mean_of_uniform(42, 0.33)),
    Said(LEAK, "of 180: 3e-13", spread(180, 0.4)),
    Said(LEAK, "are expected: 2e-11", 12 * float(poisson.sf(7, 128 / 1024))),
    Said(LEAK, "6 / DEGREE**0.5", 6 * two_sided(6.0)),
    Said(LEAK, "6.5 * answer_noise(1)", 6 * two_sided(6.5)),
]
THRESHOLDS = ("binom.isf(1e-10", "6 / DEGREE**0.5", "6.5 * answer_noise(1)", "abs=10 * NOISE")
"""What no comment tells in words: it is in the line itself."""


@pytest.mark.parametrize("said", BY_CHANCE, ids=lambda said: f"{said.file}: {said.words}")
def test_a_comment_says_the_chance_that_is_computed(said: Said) -> None:
    assert said.words in (TESTS / "unit" / said.file).read_text("utf-8")
    if said.words not in THRESHOLDS:
        figure = float(said.words.split()[-1 if said.words[-1].isdigit() else -2].strip("(,."))
        assert figure == pytest.approx(said.chance, rel=0.5)
    if said.times:
        assert said.chance < 1e-7


def test_the_suite_fails_by_chance_in_less_than_one_run_of_a_million() -> None:
    assert sum(said.chance * said.times for said in BY_CHANCE) < 1e-6


# The helpers


def counting(outcomes: list[bool]) -> Callable[[], int]:
    """An attempt that fails where an outcome is false, and else gives the number of those that are left."""

    def attempt() -> int:
        assert outcomes.pop(0), f"{len(outcomes)} left"
        return len(outcomes)

    return attempt


def test_one_good_attempt_of_several_is_enough_and_the_last() -> None:
    assert once_in(3, counting([True, False, False])) == 2
    assert once_in(3, counting([False, True, True])) == 1
    assert once_in(3, counting([False, False, True])) == 0


def test_what_fails_every_time_fails() -> None:
    outcomes = [False] * 5
    with pytest.raises(AssertionError, match="2 left"):
        once_in(3, counting(outcomes))
    assert len(outcomes) == 2
    with pytest.raises(ZeroDivisionError):  # no matter of chance, so at once
        once_in(3, lambda: 1 // 0)


def test_seeded_noise_is_the_same_again_and_gaussian(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for _ in range(2):
        with monkeypatch.context() as patch:
            seed_noise(patch, 3)
            seen.append(np.concatenate([SecureNoise().gaussian((4, 5000), 2.0)[2], SecureNoise().uniform(9)]))
    assert np.array_equal(*seen)
    assert seen[0][:5000].std() == pytest.approx(2.0, rel=0.05)
    assert not np.array_equal(Seeded(1).uniform(9), Seeded(2).uniform(9))
    assert not np.array_equal(SecureNoise().uniform(9), SecureNoise().uniform(9))
