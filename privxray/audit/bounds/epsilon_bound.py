"""From right guesses to a lower bound on epsilon: theorem 5.2 of the one-run audit.

After Steinke, Nasr and Jagielski 2023, "Privacy auditing with one (1) training run". Canaries are put into
the training data, each on the toss of a fair coin, and an attacker guesses r of the coins. If the training is
(epsilon, delta)-private, the number of right guesses is hardly larger than a binomial variable with r draws
of probability e^epsilon / (1 + e^epsilon).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

CONFIDENCE = 0.95
_LARGEST = 100.0  # of the numbers that are searched


def p_value(canaries: int, guesses: int, right: int, epsilon: float, delta: float) -> float:
    """The largest probability that (epsilon, delta)-privacy leaves to ``right`` or more right guesses.

    Theorem 5.2: beta + alpha m delta, with W ~ Binomial(r, e^epsilon / (1 + e^epsilon)), beta = P[W >= v] and
    alpha the maximum over i of 2 P[v - i <= W < v] / i, for m canaries, r guesses and v right ones.
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
    return largest(lambda epsilon: p_value(canaries, guesses, right, epsilon, delta) <= level)


def ceiling(canaries: int, guesses: int, delta: float, confidence: float = CONFIDENCE) -> float:
    """The lower bound if every guess were right: no audit with these numbers can show more."""
    return lower_bound(canaries, guesses, guesses, delta, confidence)


def largest(holds: Callable[[float], bool], tolerance: float = 1e-6) -> float:
    """The largest number up to 100 at which a condition holds; 0 where it never does.

    :param holds: true up to some number, and false above it.
    """
    low, high = 0.0, _LARGEST
    while high - low > tolerance:
        middle = (low + high) / 2.0
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
