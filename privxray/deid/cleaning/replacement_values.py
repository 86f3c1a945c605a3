"""What is written where the profile wants a dummy (code D): valid for its value representation, and nobody's.

The words and dates are those that :mod:`privxray.deid.values.dummies` knows for dummies.
"""

from __future__ import annotations

from privxray.deid.dicomfile.element import TEXT

WORD = "ANONYMIZED"
"""The dummy of every kind of text; ten capitals fit even CS, SH and AE."""

_TEXTS = {
    "AS": "000D",
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "IS": "0",
    "TM": "000000",
}


def dummy(vr: str, length: int) -> bytes:
    """A dummy value, not for UI (a new UID) nor SQ (its items are gone through).

    :param length: bytes of the original. Numbers and bytes become as many zeros, for their count is part of
        the object's structure; a text tells nothing of its original, not even its length.
    """
    if vr in TEXT:
        return _TEXTS.get(vr, WORD).encode("ascii")
    return bytes(length + length % 2)
