"""One way to write a JSON object as bytes, and a reader that accepts no other.

A header is signed as the bytes that it is, so signatures do not need canonical JSON. It is demanded all the
same: two files that mean the same are then the same bytes, and nothing hides in duplicate keys or spaces.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from privxray.errors import MalformedError


def encode(value: Any) -> bytes:
    """Sorted keys, no spaces, ASCII; NaN and infinities are refused with ValueError."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def decode(data: bytes, what: str) -> Any:
    """Read bytes that :func:`encode` wrote.

    :param what: names the part in the error, for instance ``the header``.
    :raises MalformedError: not JSON, nested beyond reason, or not in the one permitted form.
    """
    try:
        value = json.loads(data)
        if encode(value) == data:
            return value
    except (ValueError, RecursionError):
        pass
    raise MalformedError(f"{what} is damaged (not canonical JSON)")


def to_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str, what: str, *, length: int | None = None) -> bytes:
    """Strict standard base64.

    :param length: the exact number of bytes expected, where there is one.
    :raises MalformedError: other characters, missing padding, spare bits, or a wrong length.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or to_base64(data) != text or (length is not None and len(data) != length):
        raise MalformedError(f"{what} is damaged (not the base64 that is expected)")
    return data
