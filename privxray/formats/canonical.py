"""The one way to write a JSON object as bytes, and a reader that accepts no other.

A signature is over a header's bytes, so it needs no canonical JSON. The format demands it all the same: two
files that mean the same are then the same bytes, and nobody can hide anything in duplicate keys or spaces.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from privxray.errors import MalformedError

_COPY = "Copy the file again; if it still fails, ask its sender for it"


def encode(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, ASCII only.

    :raises ValueError: a number is not finite.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def decode(data: bytes, what: str, *, reason: str) -> Any:
    """Read bytes that :func:`encode` wrote.

    :param what: names the part in the message, for instance ``the header``.
    :param reason: of the error, for each part has its own.
    :raises MalformedError: not JSON, nested too deeply, or not in the one form that is allowed.
    """
    try:
        value = json.loads(data)
        if encode(value) == data:
            return value
    except (ValueError, RecursionError):
        pass
    raise MalformedError(f"{what} is damaged (not canonical JSON)", reason=reason, advice=_COPY)


def to_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str, what: str, *, reason: str, length: int | None = None) -> bytes:
    """Read standard base64, strictly.

    :param what: and :param reason: as for :func:`decode`.
    :param length: the number of bytes that there must be, if the format fixes it.
    :raises MalformedError: other characters, missing padding, spare bits, or another length.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or to_base64(data) != text or (length is not None and len(data) != length):
        raise MalformedError(
            f"{what} is damaged (not the base64 that is expected)", reason=reason, advice=_COPY
        )
    return data
