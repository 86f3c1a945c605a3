"""Text in opaque bytes: words and runs of printable signs, as ASCII, Latin-1, UTF-8 and UTF-16.

Nobody knows how a private element or a block of data is written, so all four are tried. Most such bytes are
noise, megabytes of it in a file, so everything here is one pass of a regular expression over a whole block;
text is folded (no accents, no case) by a table of 256 bytes before it is cut into words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

SHORTEST: Final = 4
"""Fewest bytes that are a word."""

_ASCII_RUN: Final = re.compile(rb"[\x20-\x7e\t\r\n]{6,}")
_ASCII_WORD: Final = re.compile(rb"[0-9a-z]{4,}")
# The same of folded Latin-1, where ae, eth, o with a stroke and thorn are letters that fold to nothing else.
_LATIN_RUN: Final = re.compile(rb"[\x20-\x7e\t\r\n\xe6\xf0\xf8\xfe]{6,}")
_LATIN_WORD: Final = re.compile(rb"[0-9a-z\xe6\xf0\xf8\xfe]{4,}")
_UTF8_RUN: Final = re.compile(
    rb"(?:[\x20-\x7e\t\r\n]+|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{3}){2,}"
)
_UTF16_RUN: Final = re.compile(rb"(?:[^\0]\0){3,}[^\0]?")  # big-endian text as well, from its first sign on
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")


def folded(text: str) -> str:
    """The text without accents and case, in compatibility forms."""
    if text.isascii():
        return text.lower()
    plain = (sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return "".join(plain).casefold()


def views(block: bytes) -> Iterator[bytes]:
    """The bytes as they are, and as 8-bit text what looks like UTF-16 in them."""
    yield block
    if b"\0" in block:
        yield b"\0".join(run.replace(b"\0", b"") for run in _UTF16_RUN.findall(block))


def ascii_words(view: bytes) -> list[bytes]:
    """Words of :data:`SHORTEST` ASCII letters and digits and more, in small letters."""
    return _ASCII_WORD.findall(view.lower())


def latin_words(view: bytes) -> list[bytes]:
    """The same of Latin-1, folded."""
    return _LATIN_WORD.findall(_folded_latin(view))


def texts(view: bytes, *, beyond_ascii: bool) -> Iterator[str]:
    """Runs of printable signs, of six and more where they are of one byte each.

    :param beyond_ascii: also as Latin-1, then folded, and as UTF-8.
    """
    if not beyond_ascii or not _BEYOND_ASCII.search(view):
        yield from (run.decode("ascii") for run in _ASCII_RUN.findall(view))
        return
    yield from (run.decode("latin-1") for run in _LATIN_RUN.findall(_folded_latin(view)))
    for run in _UTF8_RUN.findall(view):
        if len(run) >= SHORTEST and not run.isascii():
            yield run.decode("utf-8", "replace")


def _folded_latin(view: bytes) -> bytes:
    return view.replace(b"\xdf", b"ss").translate(_latin())


@cache
def _latin() -> bytes:
    """Folds a byte of Latin-1 where the folded form is one sign of Latin-1, too."""
    signs = [folded(chr(code)) for code in range(256)]
    return bytes(ord(sign) if len(sign) == 1 and sign < "\u0100" else code for code, sign in enumerate(signs))
