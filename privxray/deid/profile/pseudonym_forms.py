"""The forms of pseudonyms and new UIDs: written by ``deidentify``, recognised by ``check``.

A pseudonym is made from the digest of a keyed hash, so this module holds no key and no original; it only says
what the digest looks like as a name, a number or a UID. The forms are chosen so that no record holds one by
chance: ``PX-`` and 80 bits in base 32, and UIDs below 2.25 (PS3.5 B.2) of a UUID of version 8, which RFC 9562
section 5.8 reserves for vendors' own schemes. Modalities and archives make UUIDs of versions 1, 3, 4 and 5.
"""

from __future__ import annotations

import base64
import re

_ROOT = "2.25."
_DECIMAL = re.compile(r"2\.25\.(0|[1-9][0-9]{0,38})")


def pseudonym_of(digest: bytes) -> str:
    """``PX-`` and 16 characters ``A-Z2-7``: a name or an id of 19 characters.

    :param digest: at least 10 bytes of a keyed hash.
    :raises ValueError: it is shorter.
    """
    if len(digest) < 10:
        raise ValueError("a pseudonym needs ten bytes of a keyed hash")
    return "PX-" + base64.b32encode(digest[:10]).decode("ascii")


def uid_of(digest: bytes) -> str:
    """A UID of at most 44 characters, from at least 16 bytes of a keyed hash (122 of their bits are used).

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
