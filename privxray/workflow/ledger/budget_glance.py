"""What is left of a budget, as ``status`` shows it: by the ledger's own rule, without the accountant.

``budget`` tells more, and takes longer to start. Tested in tests/unit/test_privacy_adaptive_filter.py and
tests/cli/test_status.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from privxray.privacy.adaptive_filter import filter_of
from privxray.privacy.gaussian_curve import gaussian_epsilon
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger_chain import Book


@dataclass(frozen=True)
class BudgetGlance:
    """A hospital's budget over all its studies.

    :param used: what the lifetime limit is held against, as epsilon at the limit's delta.
    :param left: the largest epsilon, rounded down to hundredths, that one more training with Gaussian noise
        can have; 0 where none fits.
    """

    used: float
    limit: Guarantee
    left: float

    def __str__(self) -> str:
        """One sentence without a full stop."""
        still = (
            f"you can still train once with epsilon {self.left:g}"
            if self.left
            else "no further training fits"
        )
        return (
            f"epsilon {self.used:.4g} of {self.limit.epsilon:g} is used (per patient, delta "
            f"{self.limit.delta:g}); {still}"
        )


def budget_glance(book: Book) -> BudgetGlance:
    """What a ledger says at a glance."""
    rule, events = filter_of(book.limit), book.events()
    room = rule.room(events)
    left = gaussian_epsilon(room, book.limit.delta) if room else 0.0
    return BudgetGlance(rule.epsilon(events), book.limit, math.floor(left * 100) / 100)
