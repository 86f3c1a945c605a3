"""The dummy values that are written for action D: valid for their value representation, and nobody's.

Their words and dates are among those that :mod:`privxray.deid.values.dummies` recognises.
"""

from __future__ import annotations

from privxray.deid.dicomfile.element import TEXT

WORD = "ANONYMIZED"
"""The dummy for every kind of text; ten capitals fit even CS, SH and AE."""

_TEXTS = {
    "AS": "000D",
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "IS": "0",
    "TM": "000000",
}


def dummy(vr: str, length: int) -> bytes:
    """A dummy value; not for UI, which gets a new UID, nor for SQ, whose items are cleaned one by one.

    :param length: bytes of the original. Numbers and bytes become as many zeros, for their count is part of
        the object's structure. A text reveals nothing of its original, not even the length.
    """
    if vr in TEXT:
        return _TEXTS.get(vr, WORD).encode("ascii")
    return bytes(length + length % 2)
