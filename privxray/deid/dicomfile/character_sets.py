"""Text from the bytes of an element, by the file's Specific Character Set (PS3.3 C.12.1.1.2).

Nothing here fails. Bytes that the character set does not have are read as Latin-1: a check must look at what
is there, not at what ought to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_CODECS: Final = {
    "": "ascii",
    "ISO_IR 6": "ascii",
    "ISO_IR 100": "latin-1",
    "ISO_IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 127": "iso8859-6",
    "ISO_IR 126": "iso8859-7",
    "ISO_IR 138": "iso8859-8",
    "ISO_IR 148": "iso8859-9",
    "ISO_IR 203": "iso8859-15",
    "ISO_IR 166": "tis-620",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO 2022 IR 87": "iso2022_jp",
    "ISO 2022 IR 159": "iso2022_jp_2",
    "ISO 2022 IR 149": "euc_kr",
    "ISO 2022 IR 58": "gb2312",
}
_DESIGNATED: Final = {  # the escape sequences of PS3.3 Tables C.12-3 and C.12-4
    b"(J": "shift_jis",  # JIS X 0201, romaji
    b")I": "shift_jis",  # JIS X 0201, katakana
    b"-A": "latin-1",
    b"-B": "iso8859-2",
    b"-C": "iso8859-3",
    b"-D": "iso8859-4",
    b"-L": "iso8859-5",
    b"-G": "iso8859-6",
    b"-F": "iso8859-7",
    b"-H": "iso8859-8",
    b"-M": "iso8859-9",
    b"-b": "iso8859-15",
    b"-T": "tis-620",
    b"$)C": "euc_kr",
    b"$)A": "gb2312",
}
_TWO_BYTES: Final = {b"$B": "iso2022_jp", b"$@": "iso2022_jp", b"$(D": "iso2022_jp_2"}
"""Japanese sets of two bytes a character; Python decodes them with their escape sequences."""

_ESCAPE: Final = re.compile(rb"\x1b(\$[()][A-D]|\$[@B]|[()-][A-Za-z])")


def codec_of(character_set: bytes) -> str:
    """The Python codec for a value of Specific Character Set; ``latin-1`` for terms that PS3.3 does not have.

    With code extensions, so with several values, it is that of the first one that can write more than ASCII
    without an escape sequence: what an escape sequence begins, :func:`decoded` knows by itself.
    """
    terms = list(filter(None, plain_parts(character_set)))
    codecs = list(map(_codec, terms))
    single = [codec for codec in codecs if not codec.startswith("iso2022") and codec != "ascii"]
    return next(iter(single), (codecs or ["ascii"])[-1])


def _codec(term: str) -> str:
    if term.startswith("ISO 2022 IR ") and term not in _CODECS:
        term = "ISO_IR " + term.removeprefix("ISO 2022 IR ")
    return _CODECS.get(term, "latin-1")


def plain_text(value: bytes) -> str:
    """The text of a code, UID, date or number, which needs no character set, without padding."""
    return value.decode("latin-1").strip(" \0")


def plain_parts(value: bytes) -> list[str]:
    """The values of an element of several values, each without padding; as :func:`plain_text`."""
    return [part.strip(" \0") for part in value.decode("latin-1").split("\\")]


def decoded(value: bytes, codec: str) -> str:
    """The text of a value, without padding.

    :param codec: from :func:`codec_of`.
    """
    if b"\x1b" in value:
        return "".join(_segments(value, codec)).strip(" \0")
    if value.isascii():
        return value.decode("ascii").strip(" \0")
    for known in (codec, "utf-8"):  # many writers use UTF-8 and don't say so
        try:
            return value.decode(known).strip(" \0")
        except (UnicodeDecodeError, LookupError):
            continue
    return plain_text(value)


def _segments(value: bytes, codec: str) -> Iterator[str]:
    """The text between the escape sequences (ISO/IEC 2022, PS3.5 6.1.2.5); each speaks up to the next.

    PS3.5 lets a delimiter end what a sequence began. Writers forget to repeat the sequence behind it, so here
    it goes on.
    """
    first, *rest = _ESCAPE.split(value)
    yield _read(first, codec)
    for sequence, segment in zip(rest[::2], rest[1::2], strict=True):
        if sequence in _TWO_BYTES:
            even = segment[: len(segment) // 2 * 2]
            yield _read(b"\x1b" + sequence + even, _TWO_BYTES[sequence])
            yield _read(segment[len(even) :], codec)
        else:
            codec = _DESIGNATED.get(sequence, codec)  # ASCII leaves the upper half as it was
            yield _read(segment, codec)


def _read(segment: bytes, codec: str) -> str:
    try:
        return segment.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return segment.decode("latin-1")
