"""The last day on which votes for a new coordinator count: a day of UTC, which the candidacy fixes.

It is one of the few rules that look at a clock, and the clock is the reader's own. A clock that is slow keeps
votes alive for longer; so the first rule against old votes is the plan that they are over
(:mod:`privxray.exchange.admission.admit_election`).

Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

DEFAULT_DAYS = 30
MOST_DAYS = 90
"""A candidacy asks for at most so many."""

_OTHER_CLOCK = 1
"""Days by which the clock of whoever made a candidacy may be ahead of its reader's."""


def _real(text: str) -> str:
    """:raises ValueError: there is no such day."""
    date.fromisoformat(text)
    return text


Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_real)]
"""A day of UTC as ``2026-01-31``."""


def day_after(today: date, days: int) -> Day:
    """The day that is so many days from today."""
    return (today + timedelta(days)).isoformat()


def is_past(until: Day, today: date) -> bool:
    """Whether the last day is over."""
    return date.fromisoformat(until) < today


def is_too_far(until: Day, today: date) -> bool:
    """Whether the last day is later than any candidacy of today may ask for."""
    return date.fromisoformat(until) > today + timedelta(MOST_DAYS + _OTHER_CLOCK)
