"""What Gaussian noise promises, in closed form: mu-GDP (Dong, Roth and Su 2022). No accountant is used.

Tested in tests/unit/test_audit_bounds.py.
"""

from __future__ import annotations

import math

from privxray.audit.bounds.epsilon_bound import largest
from privxray.privacy.guarantee import Guarantee


def delta_at(epsilon: float, mu: float) -> float:
    """The delta of N(0, 1) against N(mu, 1) at ``epsilon``: Balle and Wang 2018, theorem 8.

    :param mu: the sensitivity over the standard deviation, > 0.
    """
    from scipy.special import log_ndtr, ndtr

    inner, outer = mu / 2.0 - epsilon / mu, -mu / 2.0 - epsilon / mu
    return float(ndtr(inner) - math.exp(epsilon + float(log_ndtr(outer))))


def epsilon_of(mu: float, delta: float) -> float:
    """The epsilon of mu-GDP at ``delta``, rounded down: 0 where mu is 0."""
    if mu <= 0.0:
        return 0.0
    return largest(lambda epsilon: delta_at(epsilon, mu) > delta)


def mu_of(claim: Guarantee) -> float:
    """The largest mu whose promise keeps the claim, rounded down."""
    return largest(lambda mu: mu <= 0.0 or delta_at(claim.epsilon, mu) <= claim.delta)
