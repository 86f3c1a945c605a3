"""Long words in pixels and other bulk: as 8-bit text, with the bytes of 16-bit words swapped, and as UTF-16.

Among the bytes of an image there are letters and digits by chance. So only words are looked for that chance
hardly ever spells, wherever they stand: in a row of other letters, too. How rare a word is, is counted in
powers of ten: each of its letters is one of 26, each digit one of 10, as if all bytes around were of that
kind. With ``n`` words to look for, one must be rarer than one in ``10^10 n``: eight letters or ten digits
where one is looked for. In 187 files of pydicom and pydicom-data at most three places in ten begin eight
letters in a row, and at most one in eighteen eight digits. So in an image of ten million bytes the chance of
a false alarm is 3e-4 at most, and 1e-9 in uniformly random bytes.

Words in other scripts than ASCII are not looked for here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from mmap import mmap
from typing import Final

RAREST: Final = 10.0
"""How rare a single word must be, in powers of ten."""

_LETTER: Final = math.log10(26)
_SHORTEST: Final = 8  # 26^7 < 10^10: no shorter word is rare enough
_LONGEST: Final = 256  # characters of a word; with a zero after each they fit into the overlap
_BLOCK: Final = 1 << 20
_OVERLAP: Final = 1024
_FEW: Final = 24  # words that are looked for one by one, which is faster than to read all runs of letters
_RUN: Final = re.compile(rb"[0-9a-z]{8,}")
_WIDE_RUN: Final = re.compile(rb"(?:[0-9a-z]\0){7,}[0-9a-z]")


class LongWords:
    """The words of a list that are rare enough. False if none is.

    :param words: in lower case.
    """

    def __init__(self, words: Iterable[str]) -> None:
        plain = {word for word in words if word.isascii() and word.isalnum() and len(word) <= _LONGEST}
        least = RAREST + math.log10(max(len(plain), 1))
        self._words = {word.encode() for word in plain if rarity(word) >= least and len(word) >= _SHORTEST}
        self._lengths = sorted(set(map(len, self._words)))
        few = len(self._words) <= _FEW
        self._patterns = [form for word in sorted(self._words) for form in _forms(word)] if few else None

    def __bool__(self) -> bool:
        return bool(self._words)

    def found(self, data: bytes | mmap, start: int, end: int) -> bool:
        """True if one of the words is in these bytes; one block after the other is in memory.

        :param start: where the bytes begin in ``data``. :param end: where they end.
        """
        if not self._words:
            return False
        return any(
            self._in_block(data[at : min(at + _BLOCK + _OVERLAP, end)].lower())
            for at in range(start, end, _BLOCK)
        )

    def _in_block(self, block: bytes) -> bool:
        if self._patterns is not None:
            return any(pattern in block for pattern in self._patterns)
        return any(map(self._in_run, _runs(block)))

    def _in_run(self, run: bytes) -> bool:
        return any(
            run[start : start + length] in self._words
            for length in self._lengths
            for start in range(len(run) - length + 1)
        )


def rarity(word: str) -> float:
    """How many powers of ten there are to a chance that stands for this word."""
    digits = sum(map(str.isdigit, word))
    return digits + (len(word) - digits) * _LETTER


def swapped(block: bytes, width: int) -> bytes:
    """The bytes with those of each whole word of ``width`` bytes in reverse order."""
    whole = len(block) - len(block) % width
    turned = bytearray(block)
    for place in range(width):
        turned[place:whole:width] = block[width - 1 - place : whole : width]
    return bytes(turned)


def _forms(word: bytes) -> Iterator[bytes]:
    """How a word is written: in 8 bits, in UTF-16, and in 8 bits with swapped pairs, from either letter on.

    Of a swapped word, a letter at its beginning or its end may be outside the form.
    """
    yield word
    yield b"\0".join(word[place : place + 1] for place in range(len(word)))
    for begin in (0, 1):
        yield swapped(word[begin : len(word) - (len(word) - begin) % 2], 2)


def _runs(block: bytes) -> Iterator[bytes]:
    """The long runs of letters and digits in a block of lower case, in each of the ways of writing."""
    yield from _RUN.findall(block)
    yield from _RUN.findall(swapped(block, 2))
    yield from (run[::2] for run in _WIDE_RUN.findall(block))
