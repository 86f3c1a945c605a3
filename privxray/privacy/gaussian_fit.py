"""Whether further Gaussian noise fits a lifetime limit, and how much does: closed forms, without numpy.

``status`` foresees by them what ``train`` will be refused. The accountant decides, and takes a third of a
second to load; where the two might differ, these functions say so. Tested in
tests/unit/test_privacy_gaussian_fit.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from privxray.privacy.adaptive_filter import filter_of
from privxray.privacy.events import Event
from privxray.privacy.gaussian_curve import gaussian_epsilon, gaussian_mu, mass
from privxray.privacy.guarantee import MAX_EPSILON, Guarantee
from privxray.privacy.ledger_chain import Book

_NEAR = 1e-6
"""Relative: the roots of the closed forms and of the accountant are a thousand times as precise."""


@dataclass(frozen=True)
class GaussianFit:
    """Whether rounds of Gaussian noise fit what a ledger has left.

    :param fits: the next round does.
    :param possible: where it doesn't, the largest epsilon, in hundredths, with which all rounds fit; 0 for
        none. It may be a hundredth below what the accountant would find.
    """

    fits: bool
    possible: float = 0.0


def gaussian_fit(
    book: Book, asked: Guarantee, *, before: Sequence[Event] = (), rounds: int = 1
) -> GaussianFit | None:
    """Whether rounds that cost ``asked`` together fit a ledger. None where it is too close to call.

    :param before: what earlier rounds of the same study have cost, which is a part of ``asked``: Gaussian
        events alone.
    :param rounds: how many are left, all with the same noise.
    """
    room = filter_of(book.limit).room(book.events()) ** 2
    spent = mass(before)
    needed = gaussian_mu(min(asked.epsilon, MAX_EPSILON), asked.delta) ** 2 - spent
    if abs(needed) <= _NEAR * spent or abs(needed / rounds - room) <= _NEAR * room:
        return None
    if 0 < needed / rounds < room:
        return GaussianFit(fits=True)
    cost = gaussian_epsilon(math.sqrt(spent + room), asked.delta)
    possible = math.floor((cost - _NEAR) * 100) / 100
    return GaussianFit(fits=False, possible=possible if _is_new(possible, spent, asked.delta) else 0.0)


def _is_new(epsilon: float, spent: float, delta: float) -> bool:
    """Whether an epsilon of all rounds leaves something for those to come."""
    return epsilon > 0 and epsilon > gaussian_epsilon(math.sqrt(spent), delta) * (1 + _NEAR)
