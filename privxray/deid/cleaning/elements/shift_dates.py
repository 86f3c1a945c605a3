"""Moving dates: DA and DT values by whole days, times kept, and ages (PS3.5 6.2, PS3.15 E.3.6).

Moving by whole days keeps every interval between a patient's examinations, and the time of day of each. What
is no date can't be moved, and may be anything. So the functions answer None for it, and the caller empties
the value. That holds for partial dates too: ``2019`` moved by 200 days is no year.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_OLD_DATE = re.compile(r"([0-9]{4})\.([0-9]{2})\.([0-9]{2})")  # ACR-NEMA, which PS3.5 6.2 lets readers accept
_TIME = r"(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?"
_OLD_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?")
_STAMP = re.compile(rf"([0-9]{{8}})({_TIME})?([+-](?:0[0-9]|1[0-4])[0-5][0-9])?")
_ONLY_TIME = re.compile(_TIME)
_AGE = re.compile(r"([0-9]{3})([DWMY])")

MAX_AGE = 89
"""Highest age in years that may be told; older people are few (45 CFR 164.514(b)(2)(i)(C))."""

OLD_AGE = "090Y"
"""What replaces every age above :data:`MAX_AGE`."""

_YEARS = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}


def shifted(vr: str, value: str, days: int) -> str | None:
    """A DA, DT or TM value ``days`` further in the past; None where it is none, or would leave the calendar.

    Times of day and offsets from UTC stay as they are.
    """
    value = value.strip(" \0")
    if vr == "DA":
        return _shifted_date(value, days)
    if vr == "DT":
        found = _STAMP.fullmatch(value)
        day = _shifted_date(found[1], days) if found else None
        return None if found is None or day is None else day + (found[2] or "") + (found[3] or "")
    if vr == "TM":
        return value if _ONLY_TIME.fullmatch(value) or _OLD_TIME.fullmatch(value) else None
    return None


def is_temporal(vr: str, value: str) -> bool:
    """Whether this is a whole date, a date with a time, or a time, and nothing else."""
    return shifted(vr, value, 0) is not None


def capped_age(value: str) -> str | None:
    """An AS value, or :data:`OLD_AGE` above :data:`MAX_AGE`; None where it is no age."""
    found = _AGE.fullmatch(value.strip(" \0"))
    if found is None:
        return None
    return OLD_AGE if int(found[1]) / _YEARS[found[2]] >= MAX_AGE + 1 else found[0]


def _shifted_date(value: str, days: int) -> str | None:
    found = _DATE.fullmatch(value) or _OLD_DATE.fullmatch(value)
    if found is None:
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) - timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"
