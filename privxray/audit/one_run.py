"""A lower bound on epsilon from one training run.

After Steinke, Nasr and Jagielski 2023, "Privacy auditing with one (1) training run".

m canaries are put into the data, each on the toss of a fair coin. From what the engine releases an attacker
guesses r of the coins and abstains on the others. Were the engine (epsilon, delta)-private, the number of
right guesses could hardly exceed a binomial variable with r draws of probability e^epsilon / (1 + e^epsilon)
(ibid., theorem 5.2). Where it does, the claim is refuted, with a confidence that holds for every attacker,
every engine and every dependence between canaries: only the coins have to be fair and r fixed beforehand.

The converse does not hold. r right guesses out of r bound epsilon by a finite number too
(:func:`ceiling`), so a claim above it can't be refuted by so few canaries, whatever the engine does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from privxray.errors import UsageError
from privxray.privacy.accountant import calibrate
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import NoiseSource

CONFIDENCE = 0.95
_MOST = 100.0  # of epsilon and of a factor that is searched for

Bits = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class OneRun:
    """What one audited run shows.

    :param claim: what the engine promises. :param right: right ones among ``guesses``.
    :param lower_bound: the engine is not (e, delta)-private for any e below this, at ``confidence``.
    :param ceiling: what ``lower_bound`` would be with every guess right.
    :param unseen: noise that is too small by up to about this factor would not have been noticed; infinite
        where nothing could have been. It holds for the best attacker and Gaussian noise; a weaker one sees
        less.
    """

    claim: Guarantee
    canaries: int
    guesses: int
    right: int
    lower_bound: float
    ceiling: float
    unseen: float
    confidence: float = CONFIDENCE

    @property
    def refuted(self) -> bool:
        """Whether the claim is refuted at ``confidence``."""
        return self.lower_bound > self.claim.epsilon


def toss(number: int, source: NoiseSource) -> Bits:
    """[number] fair coins; whether each canary is in."""
    return source.uniform(number) < 0.5


def require_guesses(canaries: int, guesses: int) -> None:
    """:raises UsageError: no canary, or more guesses than canaries."""
    if not 1 <= guesses <= canaries:
        raise UsageError("an audit needs at least one guess, and has at most one a canary")


def judge(scores: Scores, coins: Bits, guesses: int, claim: Guarantee) -> OneRun:
    """Guess by ``scores``, and hold the guesses against the coins.

    :param scores: [m], larger where a canary seems to be in; from releases alone.
    :param guesses: r, fixed before the scores were known.
    """
    require_guesses(len(coins), guesses)
    guessed = guess(scores, guesses)
    right = int(((guessed > 0) & coins | (guessed < 0) & ~coins).sum())
    return OneRun(
        claim=claim,
        canaries=len(coins),
        guesses=guesses,
        right=right,
        lower_bound=lower_bound(len(coins), guesses, right, claim.delta),
        ceiling=ceiling(len(coins), guesses, claim.delta),
        unseen=unseen_factor(len(coins), guesses, claim),
    )


def p_value(canaries: int, guesses: int, right: int, epsilon: float, delta: float) -> float:
    """The most probable that ``right`` or more right guesses can be under (epsilon, delta)-privacy.

    Theorem 5.2: beta + alpha m delta, with W ~ Binomial(r, e^epsilon / (1 + e^epsilon)), beta = P[W >= v] and
    alpha the maximum over i of 2 P[v - i <= W < v] / i.
    """
    from scipy.special import betainc, gammaln

    if not right:
        return 1.0
    q = 1.0 / (1.0 + math.exp(-epsilon))
    beta = float(betainc(right, guesses - right + 1, q))  # a binomial's upper tail
    if not delta:
        return beta
    w = np.arange(right - 1, -1, -1)
    ways = gammaln(guesses + 1) - gammaln(w + 1) - gammaln(guesses - w + 1)
    below = np.cumsum(np.exp(ways + w * math.log(q) + (guesses - w) * (math.log(q) - epsilon)))
    alpha = 2.0 * float((below / np.arange(1, right + 1)).max())
    return min(1.0, beta + alpha * canaries * delta)


def lower_bound(
    canaries: int, guesses: int, right: int, delta: float, confidence: float = CONFIDENCE
) -> float:
    """The largest epsilon that ``right`` right guesses refute, rounded down; 0 where they refute none."""
    level = 1.0 - confidence
    return _last(lambda epsilon: p_value(canaries, guesses, right, epsilon, delta) <= level)


def ceiling(canaries: int, guesses: int, delta: float, confidence: float = CONFIDENCE) -> float:
    """What :func:`lower_bound` is where every guess is right."""
    return lower_bound(canaries, guesses, guesses, delta, confidence)


def guess(scores: Scores, guesses: int) -> NDArray[np.int8]:
    """[m] guesses: 1 in, -1 out, 0 abstained; the clearest ``guesses`` of them.

    Scores are split in two where that leaves the least squares within the parts (two-means, exact in one
    dimension); the clearest are those farthest from the middle between the parts' means.
    """
    order = np.sort(scores)
    m = len(order)
    if m == 1 or order[0] == order[-1]:
        middle = float(order[0]) - 1.0  # nothing tells them apart: any guess will do
    else:
        sums, counts = np.cumsum(order)[:-1], np.arange(1, m)
        low, high = sums / counts, (order.sum() - sums) / (m - counts)
        split = int(np.argmax(counts * (m - counts) * (high - low) ** 2))
        middle = float(low[split] + high[split]) / 2.0
    clearest = np.argsort(-np.abs(scores - middle), kind="stable")[:guesses]
    result = np.zeros(m, np.int8)
    result[clearest] = np.where(scores[clearest] > middle, 1, -1)
    return result


@lru_cache(maxsize=64)
def unseen_factor(canaries: int, guesses: int, claim: Guarantee) -> float:
    """How much too small the noise can be before this audit is expected to refute the claim.

    The claim is taken for that of a Gaussian mechanism, N(0, 1) against N(mu, 1). Noise that is too small by
    a factor f moves the two f mu apart, and the best guesses on the clearest r of m are right with a
    probability that follows.
    """

    def stays(factor: float) -> bool:
        right = int(guesses * _accuracy(factor * mu, guesses / canaries))
        return lower_bound(canaries, guesses, right, claim.delta) <= claim.epsilon

    if ceiling(canaries, guesses, claim.delta) <= claim.epsilon:
        return math.inf
    mu = 1.0 / calibrate(lambda scale: [Event(kind="gaussian", noise=scale)], claim)
    return _last(stays, tolerance=1e-2)


def _accuracy(distance: float, share: float) -> float:
    """How often the sign is right for N(+-distance / 2, 1), on the share of values that lie farthest out."""
    from scipy.special import ndtr

    half = distance / 2.0
    if share >= 1.0:
        return float(ndtr(half))
    near = _last(lambda t: bool(ndtr(half - t) + ndtr(-half - t) >= share))
    right, wrong = ndtr(half - near), ndtr(-half - near)
    return float(right / (right + wrong))


def _last(holds: Callable[[float], bool], tolerance: float = 1e-6) -> float:
    """The largest number up to 100 at which a condition holds that holds below it; 0 where it never does."""
    low, high = 0.0, _MOST
    while high - low > tolerance:
        middle = (low + high) / 2.0
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
