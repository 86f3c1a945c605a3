"""What a csv of labels may say of a patient to split a model's figures by: sex, age, groups of one's own.

Kept is a coarse value and never what stands in the cell: an age becomes a band, and a column ``group_NAME``
may have a dozen short values at most, so that no column of names or dates can enter.

Tested in tests/unit/test_imaging_traits.py.
"""

from __future__ import annotations

import re
from typing import Final

MOST_VALUES: Final = 12
"""Different values that one column may have."""
OTHER: Final = "other"

_SEXES: Final = {"f": "F", "w": "F", "female": "F", "weiblich": "F", "m": "M", "male": "M", "männlich": "M"}
_BANDS: Final = ((1, "under 1"), (6, "1 to 5"), (13, "6 to 12"), (18, "13 to 17"), (65, "18 to 64"))
_OLDEST: Final = "65 and over"
AGE_BANDS: Final = (*(band for _, band in _BANDS), _OLDEST)
"""All bands of age."""
SEXES: Final = ("F", "M", OTHER)
"""All that is kept of a sex."""
_AGE = re.compile(r"0*(\d{1,3})(?:[.,]\d+)?\s*([ymwd]?)", re.IGNORECASE)  # in years, or as DICOM's VR AS
_IN_YEARS: Final = {"": 1.0, "y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
_GROUP = re.compile(r"[\w .+-]{1,24}")


def is_trait(column: str) -> bool:
    """Whether a column of the csv groups patients. :param column: in lower case."""
    return column in ("sex", "age") or (column.startswith("group_") and len(column) > len("group_"))


def trait(column: str, cell: str) -> str | None:
    """What is kept of a cell; None where it says nothing.

    :param column: one that :func:`is_trait`.
    """
    text = cell.strip()
    if not text:
        return None
    if column == "sex":
        return _SEXES.get(text.lower(), OTHER)
    if column == "age":
        return _band(text)
    return text if _GROUP.fullmatch(text) else OTHER


def place_of_value(value: str) -> tuple[int, str]:
    """For sorting values: bands of age by age, all others by the alphabet."""
    return (AGE_BANDS.index(value) if value in AGE_BANDS else len(AGE_BANDS), value)


def _band(text: str) -> str | None:
    if text in AGE_BANDS:
        return text  # of a csv that privxray has written
    found = _AGE.fullmatch(text)
    if found is None:
        return None
    years = int(found[1]) * _IN_YEARS[found[2].lower()]
    return next((band for limit, band in _BANDS if years < limit), _OLDEST)
