"""The forms of pseudonyms and new UIDs: ``deidentify`` writes them and ``check`` recognises them.

They are made from the digest of a keyed hash. This module sees no key and no original; it only says what a
digest looks like as a name, an id or a UID. No record holds one of these forms by chance. A pseudonym is
``PX-`` and 80 bits in base 32. A UID is ``2.25.`` and a UUID (PS3.5 B.2) of version 8, which RFC 9562 section
5.8 reserves for vendors' own schemes. Modalities and archives make UUIDs of versions 1, 3, 4 and 5.
"""

from __future__ import annotations

import base64
import re

_ROOT = "2.25."
_DECIMAL = re.compile(r"2\.25\.(0|[1-9][0-9]{0,38})")


def pseudonym_of(digest: bytes) -> str:
    """``PX-`` and 16 characters ``A-Z2-7``, for a name or an id.

    :param digest: at least 10 bytes of a keyed hash.
    :raises ValueError: it is shorter.
    """
    if len(digest) < 10:
        raise ValueError("a pseudonym needs ten bytes of a keyed hash")
    return "PX-" + base64.b32encode(digest[:10]).decode("ascii")


def uid_of(digest: bytes) -> str:
    """A UID of at most 44 characters, made of 122 bits of the digest.

    :param digest: at least 16 bytes of a keyed hash.
    :raises ValueError: it is shorter.
    """
    if len(digest) < 16:
        raise ValueError("a UID needs sixteen bytes of a keyed hash")
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 0x8 << 76  # version 8
    number = number & ~(0x3 << 62) | 0x2 << 62  # variant of RFC 9562
    return _ROOT + str(number)


def is_uuid8(uid: str) -> bool:
    """True for a UID of the form that :func:`uid_of` gives."""
    matched = _DECIMAL.fullmatch(uid)
    if not matched:
        return False
    number = int(matched[1])
    return number >> 128 == 0 and number >> 76 & 0xF == 8 and number >> 62 & 3 == 2
