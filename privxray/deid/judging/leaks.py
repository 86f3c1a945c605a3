"""The search for values that identify a patient of the set: which values, and what counts as a match.

The values are those that stand undisguised in an identifying attribute of any file: names, numbers, birth
dates and institutions. A set that is de-identified has none, so nothing is searched for and nothing can be
found by chance. :mod:`privxray.deid.judging.leak_findings` says where in a file is searched. The names of
files and folders are searched too.

How a value is matched, so that matches by chance stay rare:

* Text is folded (compatibility forms, no accents, no case) and cut into words of letters and digits, and so
  are bytes (:mod:`privxray.deid.values.printable`).
* A name matches by one of its words, by two that stand side by side or are written as one, and in scripts
  without word separators by its characters: :mod:`privxray.deid.values.name_terms` has the rules.
* A number matches as a word, or as up to four words side by side (``00-12 34``). It needs five digits, or
  four characters with both a letter and a digit. A part of it with six digits matches by itself.
* A birth date matches as year, month and day in the usual three orders, with separators or without.
* An institution matches by all its words in a row; a single word needs five letters.
* What is long enough matches directly beside other letters and digits, too
  (:mod:`privxray.deid.values.glued`).

Memory: at most :data:`MAX_VALUES` values, however large the set is. They reach worker processes through a
pipe and are never written anywhere. Tested with whole sets, and word by word in ``test_deid_printable``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, Final

from privxray.deid.dicomfile.character_sets import decoded
from privxray.deid.dicomfile.element import Data
from privxray.deid.judging.leak_index import LeakIndex
from privxray.deid.judging.scan import IdentifyingValue, ValueKind
from privxray.deid.values.name_terms import name_terms
from privxray.deid.values.printable import (
    SHORTEST,
    ascii_words,
    folded,
    folded_latin,
    may_hold_text,
    texts,
    views,
    words,
)
from privxray.deid.values.unspaced_scripts import RUN, without_runs
from privxray.naming.common_words import neutral_words

MAX_VALUES: Final = 100_000
"""Most values that are searched for at once."""

_LONGEST_PHRASE: Final = 8  # words
_JOINED: Final = 4  # words that may make up a number
_WITHIN_WORD: Final = re.compile(r"(?<=[^\W\d_])['’ʼ`´‐-](?=[^\W\d_])")
_NUMBER: Final = re.compile(r"[0-9]{6,}")
_TELLING_PART: Final = 6  # digits
_SHORTEST_PLACE: Final = 5
_SETS: Final = ("words", "dates", "phrases", "anywhere", "alone", "written")
_REMEMBERED: Final = 64  # bytes of a value that is remembered to hold nothing
_MOST_REMEMBERED: Final = 16_384
_BLOCK: Final = 1 << 20  # bytes that are searched at once
_OVERLAP: Final = 256  # so that no value is cut in two between blocks


class LeakSearch:
    """The values to search for, in the folded forms that are looked up.

    :ivar limited: there were more values than :data:`MAX_VALUES`.
    """

    def __init__(self, values: Iterable[IdentifyingValue] = ()) -> None:
        self.words: set[str] = set()
        self.dates: set[str] = set()
        self.phrases: set[str] = set()
        self.anywhere: set[str] = set()  # in scripts without word separators
        self.alone: set[str] = set()
        self.written: set[str] = set()  # as they are written, for bytes of any encoding
        self.limited = False
        self.accented = False  # a value was not ASCII, so bytes are read as Latin-1 and UTF-8 too
        self._index: LeakIndex | None = None
        self._without: set[tuple[bytes, bool]] = set()  # short texts that hold none of the values
        self._bytes_without: set[bytes] = set()  # and short bytes
        for kind, value in values:
            self.add(kind, value)

    def to_json(self) -> dict[str, Any]:
        """What is searched for, as JSON for a worker."""
        return {name: sorted(getattr(self, name)) for name in _SETS} | {"accented": self.accented}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> LeakSearch:
        """The inverse of :meth:`to_json`."""
        leaks = cls()
        for name in _SETS:
            setattr(leaks, name, set(value[name]))
        leaks.accented = value["accented"]
        return leaks

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in _SETS)

    def add(self, kind: ValueKind, value: str) -> None:
        """Search for one more value; beyond :data:`MAX_VALUES` only ``limited`` is set."""
        if sum(len(getattr(self, name)) for name in _SETS) >= MAX_VALUES:
            self.limited = True
            return
        self._index = None
        self._without.clear()
        self._bytes_without.clear()
        self.accented |= not value.isascii()
        if kind == "name":
            self._add_name(value)
            return
        tokens = words(folded(value))
        if kind == "date":
            self._add_date("".join(tokens))
        elif kind == "place":
            self._add_place(value)
        else:
            self._add_number(tokens)

    def in_text(self, text: str, *, joined: bool = True) -> bool:
        """True if a text holds one of the values.

        :param joined: look for numbers whose parts are separated, too; for dates this is always done.
        """
        index = self._indexed()
        plain = folded(text)
        if not plain.isascii():
            if index.unspaced.found(plain):
                return True
            plain = without_runs(plain)
        tokens = words(plain)
        if not index.singles.isdisjoint(tokens):
            return True
        if joined and (index.glued.found_in(tokens) or self._across_hyphens(plain)):
            return True
        if len(tokens) < 2 or index.heads.isdisjoint(tokens):
            return False
        return any(
            self._date_at(tokens, start)
            or (joined and self._number_at(tokens, start))
            or self._phrase_at(tokens, start)
            for start, token in enumerate(tokens)
            if token in index.heads
        )

    def _across_hyphens(self, plain: str) -> bool:
        """True if a word is one of the values without the hyphens and apostrophes in it."""
        if "-" not in plain and "'" not in plain and plain.isascii():
            return False
        whole = _WITHIN_WORD.sub("", plain)
        return len(whole) < len(plain) and not self._indexed().singles.isdisjoint(words(whole))

    def _date_at(self, tokens: list[str], start: int) -> bool:
        return tokens[start][0].isdigit() and "".join(tokens[start : start + 3]) in self.dates

    def _number_at(self, tokens: list[str], start: int) -> bool:
        run, heads = "", self._indexed().number_heads
        for token in tokens[start : start + _JOINED]:
            run += token
            if run in self.words:
                return True
            if run not in heads:
                break
        return False

    def _phrase_at(self, tokens: list[str], start: int) -> bool:
        if tokens[start] not in self._indexed().phrase_heads:
            return False
        phrase = tokens[start]
        for token in tokens[start + 1 : start + _LONGEST_PHRASE]:
            phrase += " " + token
            if phrase in self.phrases:
                return True
        return False

    def _indexed(self) -> LeakIndex:
        if self._index is None:
            self._index = LeakIndex(self)
        return self._index

    def in_bytes(self, data: Data, start: int, end: int) -> bool:
        """True if the printable parts of some bytes hold one of the values, as 8-bit text or as UTF-16.

        Most binary values are noise, so single words are looked for first, all words of a block at once.

        :param start: where the bytes begin in ``data``. :param end: where they end.
        """
        if end - start < SHORTEST:
            return False
        if end - start > _REMEMBERED:
            return any(
                self._in_block(data[at : min(at + _BLOCK + _OVERLAP, end)])
                for at in range(start, end, _BLOCK)
            )
        value = data[start:end]
        if value in self._bytes_without:
            return False
        found = self._in_block(value)
        if not found:
            if len(self._bytes_without) >= _MOST_REMEMBERED:
                self._bytes_without.clear()
            self._bytes_without.add(value)
        return found

    def _in_block(self, block: bytes) -> bool:
        index = self._indexed()
        if index.encoded is not None and index.encoded.found(block):
            return True
        for view in views(block):
            if not may_hold_text(view, beyond_ascii=index.beyond_ascii):
                continue
            latin = folded_latin(view) if index.beyond_ascii and not view.isascii() else None
            if not index.in_bytes.isdisjoint(ascii_words(view)):
                return True
            if latin is not None and not index.in_bytes.isdisjoint(ascii_words(latin)):
                return True
            if any(map(self.in_text, texts(view, latin))):
                return True
        return False

    def in_pixels(self, data: Data, start: int, end: int) -> bool:
        """True if pixels or other bulk hold one of the values that chance hardly ever spells.

        :param start: where the bytes begin in ``data``. :param end: where they end.
        """
        return self._indexed().long.found(data, start, end)

    def in_path(self, relative: PurePath) -> bool:
        """True if the name of a file or a folder in the path holds one of the values."""
        return any(self.in_text(part) for part in relative.parts)

    def in_value(self, value: bytes, codec: str, *, joined: bool = True) -> bool:
        """As :meth:`in_text`, for the bytes of a text element.

        Short values that hold nothing are remembered, for most of them are the same in a whole series.

        :param codec: of the file.
        """
        key = value, joined
        if key in self._without:
            return False
        found = self.in_text(decoded(value, codec), joined=joined)
        if not found and len(value) <= _REMEMBERED and value.isascii() and b"\x1b" not in value:
            if len(self._without) >= _MOST_REMEMBERED:
                self._without.clear()
            self._without.add(key)
        return found

    def _add_name(self, value: str) -> None:
        terms = name_terms(value)
        self.words |= terms.words
        self.phrases |= terms.phrases
        self.anywhere |= terms.anywhere
        self.alone |= terms.alone
        self.written |= terms.written

    def _add_number(self, tokens: list[str]) -> None:
        joined = "".join(tokens)
        if _is_telling_number(joined):
            self.words.add(joined)
        self.words.update(token for token in tokens if sum(map(str.isdigit, token)) >= _TELLING_PART)
        self.words.update(_NUMBER.findall(" ".join(tokens)))

    def _add_date(self, digits: str) -> None:
        if len(digits) == 8 and digits.isdigit():
            year, month, day = digits[:4], digits[4:6], digits[6:]
            self.dates.update((digits, day + month + year, month + day + year))

    def _add_place(self, value: str) -> None:
        plain = folded(value)
        self.anywhere.update(run for run in RUN.findall(plain) if len(run) >= _SHORTEST_PLACE)
        tokens = words(without_runs(plain))
        if all(token in neutral_words() or token.isdigit() for token in tokens):
            return
        if len(tokens) == 1 and len(tokens[0]) >= _SHORTEST_PLACE:
            self.words.add(tokens[0])
        elif 1 < len(tokens) <= _LONGEST_PHRASE:
            self.phrases.add(" ".join(tokens))


def _is_telling_number(joined: str) -> bool:
    digits = sum(map(str.isdigit, joined))
    return len(joined) >= 5 if digits == len(joined) else len(joined) >= 4 and digits > 0
