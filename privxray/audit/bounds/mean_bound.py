"""From how far apart scores are to a lower bound on mu, where scores are Gaussian and independent.

The score of a canary that is in and that of one that is out are taken for N(d, v) and N(0, v), independent of
each other and of all others. Then d / sqrt(v) apart is what mu-GDP with a smaller mu forbids (Nasr et al.
2023, "Tight auditing of differentially private machine learning", section 4, estimate mu in this way from
many runs; here many canaries of one run take their place, as in Andrew et al. 2024, "One-shot empirical
privacy estimation for federated learning").

Neither is guaranteed: canaries may blur each other, and a score may have other tails. So this bound is the
sharpest and the one that takes most for granted. Tested in tests/unit/test_audit_bounds.py.
"""

from __future__ import annotations

import math

import numpy as np

from privxray.audit.guessing import Coins, Scores

_MOST = 100.0  # deviations: without noise, scores are as far apart as rounding leaves them


def distance(scores: Scores, coins: Coins) -> tuple[float, float]:
    """How far apart scores of canaries in and out are, in standard deviations, and the error of that.

    Hedges 1981: the error of an estimated distance d is sqrt(1 / n + 1 / n' + d^2 / (2 (n + n'))).

    :param scores: [m]. :param coins: [m], at least two of each side.
    :returns: the distance and its standard error; 0 and infinity where nothing can be said.
    """
    inside, outside = scores[coins], scores[~coins]
    if min(len(inside), len(outside)) < 2:
        return 0.0, math.inf
    squares = np.square(inside - inside.mean()).sum() + np.square(outside - outside.mean()).sum()
    apart = float(inside.mean() - outside.mean())
    deviation = math.sqrt(float(squares) / (len(scores) - 2))
    found = max(-_MOST, min(_MOST, apart / max(deviation, 1e-300)))
    return found, math.sqrt(1 / len(inside) + 1 / len(outside) + found**2 / (2 * len(scores)))


def least_mu(found: float, error: float, level: float) -> float:
    """The largest mu that a distance refutes at ``level``; 0 where it refutes none."""
    from scipy.stats import norm

    if math.isinf(error):
        return 0.0
    return max(0.0, found - float(norm.isf(level)) * error)
