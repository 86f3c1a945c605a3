"""Attributes of a data set as numbers: an empty one is an absent one, and what is no number is an error.

pydicom quotes a bad value in what it raises; the errors from here name the attribute instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

from privxray.imaging.display.limits import AttributeTroubleError

_WORD = 1 << 16


def reals(file: Dataset, keyword: str, reason: str) -> list[float | None]:
    """The values of an attribute of VR DS; None for each that is empty, and no values where all are.

    :raises AttributeTroubleError: a value is no finite number.
    """
    try:
        value = file.get(keyword)
        values = [value] if value is None or isinstance(value, (str, float, int)) else list(value)
        numbers = [None if one is None or not str(one).strip() else float(one) for one in values]
    except Exception:  # noqa: BLE001 - pydicom raises several kinds for text that is no number
        raise AttributeTroubleError(reason, keyword) from None
    if not all(number is None or math.isfinite(number) for number in numbers):
        raise AttributeTroubleError(reason, keyword)
    return numbers if any(number is not None for number in numbers) else []


def real(file: Dataset, keyword: str, default: float, reason: str) -> float:
    """The one value of an attribute of VR DS, or a default where it is absent or empty.

    :raises AttributeTroubleError: it is no finite number, or has several values.
    """
    values = reals(file, keyword, reason)
    if len(values) > 1:
        raise AttributeTroubleError(reason, keyword)
    return default if not values or values[0] is None else values[0]


def words(file: Dataset, item: Dataset, keyword: str, reason: str) -> list[int]:
    """The values of an attribute of VR US or SS, each from 0 to 65,535; empty where it is absent or empty.

    Its sign is left to the caller: these attributes take it from the pixels, and where the file names no VR,
    or the wrong one, what pydicom makes of it is a guess.

    :param file: the whole data set, for its byte order. :param item: the part that the attribute is in.
    :raises AttributeTroubleError: it holds something other than whole numbers.
    """
    try:
        value = item.get(keyword)
        if value is None or value == "":
            return []
        if isinstance(value, bytes):
            return [int(word) for word in np.frombuffer(value, word_type(file))]
        values: Sequence[int] = [value] if isinstance(value, int) else list(value)
        return [int(one) % _WORD for one in values]
    except Exception:  # noqa: BLE001 - as above
        raise AttributeTroubleError(reason, keyword) from None


def word(file: Dataset, keyword: str, reason: str) -> int | None:
    """The one value of an attribute of VR US or SS, as :func:`words` gives it; None where it is absent."""
    values = words(file, file, keyword, reason)
    if len(values) > 1:
        raise AttributeTroubleError(reason, keyword)
    return values[0] if values else None


def word_type(file: Dataset) -> str:
    """The numpy type of 16 bits without a sign in the byte order of the file."""
    return ">u2" if file.original_encoding[1] is False else "<u2"


def signed_word(number: int) -> int:
    """A number from 0 to 65,535 as 16 bits of two's complement."""
    return number - _WORD if number >= _WORD // 2 else number
