"""Testing a claimed guarantee by guesses of fair coins, and what the test could not have shown.

Where a claim is refuted, the confidence holds for every attacker, every training and every dependence between
canaries: only the coins have to be fair, and the number of guesses fixed beforehand (see
:mod:`privxray.audit.bounds.epsilon_bound`).

The converse does not hold. Even if every guess is right, the lower bound is finite
(:func:`~privxray.audit.bounds.epsilon_bound.ceiling`). So few canaries can't refute a claim above it,
whatever the training does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from privxray.audit.bounds.epsilon_bound import CONFIDENCE, ceiling, largest, lower_bound
from privxray.audit.guessing import Coins, Scores, clearest_guesses, require_guesses
from privxray.privacy.accountant import calibrate
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee


@dataclass(frozen=True)
class ClaimTest:
    """A claim, the guesses that were held against it, and what they show.

    :ivar claim: what the training promises.
    :ivar canaries: how many coins were tossed.
    :ivar guesses: how many of them were guessed.
    :ivar right: how many guesses were right.
    :ivar lower_bound: the training is not (e, delta)-private for any e below this, at ``confidence``.
    :ivar ceiling: what ``lower_bound`` would be with every guess right.
    :ivar unseen_factor: noise that is too small by up to about this factor would not have been noticed;
        infinite where nothing could have been. It holds for the best attacker and Gaussian noise; a weaker
        attacker notices less.
    """

    claim: Guarantee
    canaries: int
    guesses: int
    right: int
    lower_bound: float
    ceiling: float
    unseen_factor: float
    confidence: float = CONFIDENCE

    @property
    def refuted(self) -> bool:
        """Whether the claim is refuted at ``confidence``."""
        return self.lower_bound > self.claim.epsilon


def judge(scores: Scores, coins: Coins, guesses: int, claim: Guarantee) -> ClaimTest:
    """Guess by the scores, and compare the guesses with the coins.

    :param scores: [m], computed without the coins.
    :param guesses: how many to make, fixed before the scores were known.
    :raises UsageError: no guess, or more guesses than coins.
    """
    require_guesses(len(coins), guesses)
    guessed = clearest_guesses(scores, guesses)
    right = int(((guessed > 0) & coins | (guessed < 0) & ~coins).sum())
    return ClaimTest(
        claim=claim,
        canaries=len(coins),
        guesses=guesses,
        right=right,
        lower_bound=lower_bound(len(coins), guesses, right, claim.delta),
        ceiling=ceiling(len(coins), guesses, claim.delta),
        unseen_factor=unseen_factor(len(coins), guesses, claim),
    )


@lru_cache(maxsize=64)
def unseen_factor(canaries: int, guesses: int, claim: Guarantee) -> float:
    """By what factor the noise can be too small before this test is expected to refute the claim.

    The claim is taken for that of a Gaussian mechanism, N(0, 1) against N(mu, 1). Noise that is too small by
    a factor f moves the two f mu apart. The best guesses on the clearest r of m canaries are then right with
    the probability of :func:`_accuracy`.
    """

    def passes(factor: float) -> bool:
        right = int(guesses * _accuracy(factor * mu, guesses / canaries))
        return lower_bound(canaries, guesses, right, claim.delta) <= claim.epsilon

    if ceiling(canaries, guesses, claim.delta) <= claim.epsilon:
        return math.inf
    mu = 1.0 / calibrate(lambda scale: [Event(kind="gaussian", noise=scale)], claim)
    return largest(passes, tolerance=1e-2)


def _accuracy(distance: float, share: float) -> float:
    """How often the sign is right for N(+-distance / 2, 1), on the share of values that lie farthest out."""
    from scipy.special import ndtr

    half = distance / 2.0
    if share >= 1.0:
        return float(ndtr(half))
    near = largest(lambda t: bool(ndtr(half - t) + ndtr(-half - t) >= share))
    right, wrong = ndtr(half - near), ndtr(-half - near)
    return float(right / (right + wrong))
