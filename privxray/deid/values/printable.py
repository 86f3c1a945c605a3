"""Text in binary data: words and runs of printable characters, as ASCII, Latin-1, UTF-8 and UTF-16.

Nobody knows how a private element or a block of data encodes its text, so all four encodings are tried. Most
binary data is noise, and a file holds megabytes of it. So each function makes one pass of a regular
expression over a whole block, and a table of 256 bytes folds the text (no accents, no case) before it is cut
into words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

SHORTEST: Final = 4
"""Fewest bytes that count as a word."""

_ASCII_RUN: Final = re.compile(rb"[\x20-\x7e\t\r\n]{6,}")
_ASCII_WORD: Final = re.compile(rb"[0-9a-z]{4,}")
# The same for folded Latin-1: the letters ae, eth, o with a stroke and thorn have no ASCII form to fold to.
_LATIN_RUN: Final = re.compile(rb"[\x20-\x7e\t\r\n\xe6\xf0\xf8\xfe]{6,}")
_LATIN_WORD: Final = re.compile(rb"[0-9a-z\xe6\xf0\xf8\xfe]{4,}")
_UTF8_RUN: Final = re.compile(
    rb"(?:[\x20-\x7e\t\r\n]+|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{3}){2,}"
)
_UTF16_RUN: Final = re.compile(
    rb"(?:[^\0]\0){3,}[^\0]?"
)  # finds big-endian text too, from its first letter on
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")


def folded(text: str) -> str:
    """The text without accents and case, in Unicode's compatibility form (NFKD)."""
    if text.isascii():
        return text.lower()
    plain = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(plain).casefold()


def views(block: bytes) -> Iterator[bytes]:
    """The bytes as they are, then what looks like UTF-16 in them, as 8-bit text."""
    yield block
    if b"\0" in block:
        yield b"\0".join(run.replace(b"\0", b"") for run in _UTF16_RUN.findall(block))


def ascii_words(view: bytes) -> list[bytes]:
    """Words of at least :data:`SHORTEST` ASCII letters and digits, in lower case."""
    return _ASCII_WORD.findall(view.lower())


def latin_words(view: bytes) -> list[bytes]:
    """Words of at least :data:`SHORTEST` Latin-1 letters and digits, folded."""
    return _LATIN_WORD.findall(_folded_latin(view))


def texts(view: bytes, *, beyond_ascii: bool) -> Iterator[str]:
    """Runs of printable characters; at least six of them where a character is one byte.

    :param beyond_ascii: look for Latin-1 (given folded) and UTF-8 as well as ASCII.
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
    """A table for :meth:`bytes.translate` that folds each byte whose folded form is one letter of Latin-1."""
    forms = [folded(chr(code)) for code in range(256)]
    return bytes(ord(form) if len(form) == 1 and form < "\u0100" else code for code, form in enumerate(forms))
