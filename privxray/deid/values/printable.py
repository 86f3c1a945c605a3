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
_UTF8_RUN: Final = re.compile(
    rb"(?:[\x20-\x7e\t\r\n]+|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{3}){2,}"
)
_UTF16_RUN: Final = re.compile(
    rb"(?:[^\0]\0){3,}[^\0]?"
)  # finds big-endian text too, from its first letter on
_BETWEEN: Final = b" qzqzq "
_ANY_ASCII: Final = re.compile(rb"[\x20-\x7e\t\r\n]{4}")
_ANY_LATIN: Final = re.compile(rb"[\x20-\x7e\t\r\n\x80-\xff]{3}")  # three, for a sharp s folds to two letters

WORD: Final = re.compile(r"(?:[^\W_]|[\u0900-\u0963\u0966-\u0dff])+")
"""A word of letters and digits; the vowel signs of Indian scripts belong to it."""

_PLAIN_WORD: Final = re.compile(r"[0-9a-z]+")
_KATAKANA: Final = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_PLAIN: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h", "ŋ": "n"}
    | {chr(code): chr(other) for code, other in _KATAKANA.items()}
)


def folded(text: str) -> str:
    """The text without accents, case and width, in one form for all ways to write it.

    That is Unicode's compatibility form (NFKD) without combining marks, case-folded, with the Latin letters
    that have no decomposition written in ASCII, katakana as hiragana, and Hangul in whole syllables.
    """
    if text.isascii():
        return text.lower()
    plain = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", "".join(plain).casefold().translate(_PLAIN))


def words(plain: str) -> list[str]:
    """The words of letters and digits in a folded text."""
    return (_PLAIN_WORD if plain.isascii() else WORD).findall(plain)


def views(block: bytes) -> Iterator[bytes]:
    """The bytes as they are, then what looks like UTF-16 in them, as 8-bit text."""
    yield block
    if b"\0" in block:
        yield b"\0".join(run.replace(b"\0", b"") for run in _UTF16_RUN.findall(block))


def may_hold_text(view: bytes, *, beyond_ascii: bool) -> bool:
    """False if no word and no text can be in some bytes, which is quickly seen of most numbers.

    :param beyond_ascii: look for Latin-1 and UTF-8 as well as ASCII.
    """
    return (_ANY_LATIN if beyond_ascii else _ANY_ASCII).search(view) is not None


def ascii_words(view: bytes) -> list[bytes]:
    """Words of at least :data:`SHORTEST` ASCII letters and digits, in lower case."""
    return _ASCII_WORD.findall(view.lower())


def folded_latin(view: bytes) -> bytes:
    """The bytes as Latin-1 text without accents; letters that have no ASCII form stay."""
    for letter, pair in _PAIRS:
        view = view.replace(letter, pair)
    return view.translate(_latin())


def texts(view: bytes, latin: bytes | None) -> Iterator[str]:
    """All runs of printable characters, in one text for each way to read the bytes; of at least six bytes.

    Between two runs stands a word that is in no name, so that nothing is found across them.

    :param latin: the same bytes as :func:`folded_latin` gives them, to look for Latin-1 and UTF-8 as well.
    """
    for plain in (view,) if latin is None else (view, latin):
        yield _BETWEEN.join(_ASCII_RUN.findall(plain)).decode("ascii")
    if latin is not None:
        runs = (run for run in _UTF8_RUN.findall(view) if len(run) >= SHORTEST and not run.isascii())
        yield _BETWEEN.join(runs).decode("utf-8", "replace")


_PAIRS: Final = ((b"\xdf", b"ss"), (b"\xc6", b"ae"), (b"\xe6", b"ae"), (b"\xde", b"th"), (b"\xfe", b"th"))
"""The letters of Latin-1 that fold to two: sharp s, ae and thorn."""


@cache
def _latin() -> bytes:
    """A table for :meth:`bytes.translate` that folds each byte whose folded form is one letter of Latin-1."""
    forms = [folded(chr(code)) for code in range(256)]
    return bytes(ord(form) if len(form) == 1 and form < "\u0100" else code for code, form in enumerate(forms))
