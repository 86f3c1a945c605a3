"""Text from the bytes of an element, by the file's Specific Character Set (PS3.3 C.12.1.1.2).

Nothing here fails. Bytes that the character set does not have are read as Latin-1: a check must look at what
is there, not at what ought to be.
"""

from __future__ import annotations

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
_KOREAN_ESCAPE: Final = b"\x1b$)C"
_CHINESE_ESCAPE: Final = b"\x1b$)A"


def codec_of(character_set: bytes) -> str:
    """The Python codec for a value of Specific Character Set; ``latin-1`` for terms that PS3.3 does not have.

    With code extensions, so with several values, the last one counts, which can write ASCII too.
    """
    last = next(filter(None, reversed(plain_parts(character_set))), "")
    if last.startswith("ISO 2022 IR ") and last not in _CODECS:
        last = "ISO_IR " + last.removeprefix("ISO 2022 IR ")
    return _CODECS.get(last, "latin-1")


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
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii").strip(" \0")
    try:
        plain = value.replace(_KOREAN_ESCAPE, b"").replace(_CHINESE_ESCAPE, b"")
        return plain.decode(codec).strip(" \0")
    except (UnicodeDecodeError, LookupError):
        return plain_text(value)
