"""The two bounds of one audit that hold a Gaussian curve against it.

Tested in tests/unit/test_audit_bounds.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from privxray.audit.bounds.curve_bound import largest_refuted, refutes_curve
from privxray.audit.bounds.epsilon_bound import CONFIDENCE
from privxray.audit.bounds.gaussian_curves import epsilon_of, mu_of
from privxray.audit.bounds.mean_bound import distance, least_mu
from privxray.audit.guessing import Coins, Scores, clearest_guesses
from privxray.privacy.guarantee import Guarantee

FLAG_LEVEL = 0.001
"""Each of the two bounds flags an intact training with at most this probability."""

_SHARE = 4  # one canary of so many is guessed


@dataclass(frozen=True)
class GaussianTest:
    """What scores show of a training whose claim is that of Gaussian noise.

    :ivar claim: what the training promises.
    :ivar canaries: how many there were.
    :ivar guesses: how many were guessed for the curve. :ivar right: how many of these were right.
    :ivar curve_bound: epsilon is at least this, if the trade-off curve is that of Gaussian noise of some
    size.
    :ivar distance: how far apart scores of canaries in and out are, in standard deviations.
    :ivar mean_bound: epsilon is at least this, if scores are Gaussian and independent as well.
    :ivar refuted: either bound exceeds the claim at :data:`FLAG_LEVEL`.
    """

    claim: Guarantee
    canaries: int
    guesses: int
    right: int
    curve_bound: float
    distance: float
    mean_bound: float
    refuted: bool

    @property
    def seen_factor(self) -> float:
        """Noise that is too small by this factor is refuted by the distance in 19 of 20 audits.

        It holds for canaries that show all that the claim allows.
        """
        from scipy.special import ndtri

        shift = float(-ndtri(FLAG_LEVEL) - ndtri(0.05)) * 2.0 / math.sqrt(self.canaries)
        return 1.0 + shift / mu_of(self.claim)


def judge_gaussian(scores: Scores, coins: Coins, claim: Guarantee) -> GaussianTest:
    """Hold the curve of a claim against scores.

    :param scores: [m], computed without the coins; larger for canaries that seem to be in.
    :param coins: [m] which canaries were in.
    """
    guesses, level, mu = max(1, len(coins) // _SHARE), 1.0 - CONFIDENCE, mu_of(claim)
    guessed = clearest_guesses(scores, guesses)
    right = int(np.where(guessed > 0, coins, ~coins)[guessed != 0].sum())
    apart, error = distance(scores, coins)
    return GaussianTest(
        claim=claim,
        canaries=len(coins),
        guesses=guesses,
        right=right,
        curve_bound=epsilon_of(largest_refuted(len(coins), guesses, right, level), claim.delta),
        distance=apart,
        mean_bound=epsilon_of(least_mu(apart, error, level), claim.delta),
        refuted=refutes_curve(len(coins), guesses, right, mu, FLAG_LEVEL)
        or least_mu(apart, error, FLAG_LEVEL) > mu,
    )
