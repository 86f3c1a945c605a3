"""Is a value that identifies a patient in one place repeated in another? A search over a whole set of files.

What is searched for: the undisguised values of identifying attributes of any file of the set (names, numbers,
birth dates, institutions). A set that is de-identified has none, so nothing is searched for and nothing can
be found by chance. What is searched: every other attribute, the printable parts of binary, unknown and
private ones, comments in compressed pixel data (:mod:`privxray.deid.dicomfile.frame_segments`), and the
names of files and folders. The pixels are not.

How a value is matched, so that chance matches stay rare:

* text is folded (compatibility forms, no accents, no case) and cut into words of letters and digits, bytes
  likewise (:mod:`privxray.deid.values.printable`);
* a name matches by one of its words of four letters or more that is no general word
  (:mod:`privxray.naming.common_words`), or by two of its words side by side in either order, not both of
  them general;
* a number matches as a word, or as up to four words side by side (``00-12 34``); it needs four characters
  with a letter and a digit, or five digits; a part of it with six digits matches by itself;
* a birth date matches as year, month, day in the usual three orders, with or without separators;
* an institution matches by all its words in a row, a single word from five letters on.

Memory: at most :data:`MAX_TERMS` values, whatever the set's size; each file is read again by itself. The
values are handed to worker processes through a pipe, are never written anywhere, and no finding shows one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import codec_of, decoded
from privxray.deid.dicomfile.element import TEXT, DamagedError, Data, Element
from privxray.deid.dicomfile.file_reader import FileReader
from privxray.deid.dicomfile.frame_segments import non_picture_parts
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.dicom_scan import MAX_PLACES
from privxray.deid.judging.scan import IdentifyingValue
from privxray.deid.profile.identifying import IDENTIFIERS, INSTITUTIONS
from privxray.deid.values.printable import SHORTEST, ascii_words, folded, latin_words, texts, views
from privxray.naming.common_words import neutral_words

MAX_TERMS: Final = 100_000
"""Most values that are searched for at once."""

_LONGEST_PHRASE: Final = 8
_JOINED: Final = 4
_WORD: Final = re.compile(r"[^\W_]+")
_REMEMBERED: Final = 64
_MOST_REMEMBERED: Final = 16_384
_BLOCK: Final = 1 << 20
_OVERLAP: Final = 256
_FLOATS: Final = frozenset({tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA})
_OWN: Final = IDENTIFIERS | INSTITUTIONS | {tags.PATIENT_NAME, tags.PATIENT_ID, tags.PATIENT_BIRTH_DATE}
_NUMERIC: Final = frozenset({"DS", "IS", "TM", "UI"})


class _Index:
    """What makes looking up fast: the words as bytes, and how everything longer begins."""

    def __init__(self, leaks: LeakSearch) -> None:
        numbers = [word for word in leaks.words if any(map(str.isdigit, word))]
        self.singles = leaks.words | leaks.dates
        self.number_heads = {word[:length] for word in numbers for length in range(1, min(len(word), 65))}
        self.phrase_heads = {phrase.partition(" ")[0] for phrase in leaks.phrases}
        date_heads = {date[:length] for date in leaks.dates for length in range(1, 9)}
        self.heads = self.number_heads | self.phrase_heads | date_heads
        self.in_bytes = {word.encode("ascii") for word in self.singles if word.isascii()}
        self.in_latin = {word.encode("latin-1") for word in self.singles if max(word) < "\u0100"}
        self.beyond_ascii = leaks.accented or any(not text.isascii() for text in self.singles | leaks.phrases)


class LeakSearch:
    """The values to search for, in the folded forms that are looked up."""

    def __init__(self, terms: Iterable[IdentifyingValue] = ()) -> None:
        self.words: set[str] = set()
        self.dates: set[str] = set()
        self.phrases: set[str] = set()
        self.limited = False
        self.accented = False  # a value had signs beyond ASCII, which bytes then may have too
        self._index: _Index | None = None
        self._without: set[tuple[bytes, bool]] = set()  # short texts that hold none of the values
        for kind, value in terms:
            self.add(kind, value)

    @classmethod
    def of(
        cls, words: Sequence[str], dates: Sequence[str], phrases: Sequence[str], *, accented: bool
    ) -> LeakSearch:
        """What another process collected."""
        leaks = cls()
        leaks.words, leaks.dates, leaks.phrases = set(words), set(dates), set(phrases)
        leaks.accented = accented
        return leaks

    def __bool__(self) -> bool:
        return bool(self.words or self.dates or self.phrases)

    def add(self, kind: str, value: str) -> None:
        """Search for this value, too; beyond :data:`MAX_TERMS` only ``limited`` is set."""
        if len(self.words) + len(self.dates) + len(self.phrases) >= MAX_TERMS:
            self.limited = True
            return
        self._index = None
        self._without.clear()
        self.accented |= not value.isascii()
        tokens = _tokens(value)
        if kind == "name":
            self._add_name(tokens)
        elif kind == "date":
            self._add_date("".join(tokens))
        elif kind == "place":
            self._add_place(tokens)
        else:
            joined = "".join(tokens)
            if _is_telling_number(joined):
                self.words.add(joined)
            self.words.update(token for token in tokens if sum(map(str.isdigit, token)) >= 6)

    def in_text(self, text: str, *, joined: bool = True) -> bool:
        """Does a text hold one of the values?

        :param joined: also look for numbers that are parted by separators; dates always are.
        """
        return self._in_tokens(_tokens(text), joined=joined)

    def _in_tokens(self, tokens: list[str], *, joined: bool) -> bool:
        index = self._indexed()
        if not index.singles.isdisjoint(tokens):
            return True
        heads = index.heads
        if len(tokens) < 2 or heads.isdisjoint(tokens):
            return False
        words, phrases, dates = self.words, self.phrases, self.dates
        for start, token in enumerate(tokens):
            if token not in heads:
                continue
            if token[0].isdigit() and dates and "".join(tokens[start : start + 3]) in dates:
                return True
            if joined and token in index.number_heads:
                run = token
                for follower in tokens[start + 1 : start + _JOINED]:
                    run += follower
                    if run in words:
                        return True
                    if run not in index.number_heads:
                        break
            if token in index.phrase_heads:
                phrase = token
                for follower in tokens[start + 1 : start + _LONGEST_PHRASE]:
                    phrase += " " + follower
                    if phrase in phrases:
                        return True
        return False

    def _indexed(self) -> _Index:
        if self._index is None:
            self._index = _Index(self)
        return self._index

    def in_bytes(self, data: Data, start: int, end: int) -> bool:
        """Do the printable parts of some bytes hold one of the values, as 8-bit text or as UTF-16?

        Most binary values are noise, so single words are looked for first, all of a block's at once.
        """
        if end - start < SHORTEST:
            return False
        index = self._indexed()
        for at in range(start, end, _BLOCK):
            for view in views(data[at : min(at + _BLOCK + _OVERLAP, end)]):
                if not index.in_bytes.isdisjoint(ascii_words(view)):
                    return True
                if index.beyond_ascii and not index.in_latin.isdisjoint(latin_words(view)):
                    return True
                if any(map(self.in_text, texts(view, beyond_ascii=index.beyond_ascii))):
                    return True
        return False

    def in_path(self, relative: PurePath) -> bool:
        """Does the name of a file or a folder hold one of the values?"""
        return any(self.in_text(part) for part in relative.parts)

    def in_dicom(self, data: Data) -> Iterator[Finding]:
        """Findings for the places of one DICOM file, at most
        :data:`~privxray.deid.judging.dicom_scan.MAX_PLACES`.

        A damaged file is searched as far as it can be read.
        """
        found = 0
        codec = "ascii"
        reader = FileReader(data)
        try:
            for element in _elements(reader):
                if element.tag == tags.SPECIFIC_CHARACTER_SET and not element.prefix:
                    codec = codec_of(element.value)
                finding = self._in_element(element, reader.data, codec)
                if finding is not None:
                    found += 1
                    if found <= MAX_PLACES:
                        yield finding
        except DamagedError:
            pass
        if found > MAX_PLACES:
            yield rules.LEAK.more(found - MAX_PLACES)

    def _in_element(self, element: Element, data: Data, codec: str) -> Finding | None:
        tag, vr = element.tag, element.vr
        if vr == "SQ" or tag in _FLOATS or not element.filled:
            return None
        if tag == tags.PIXEL_DATA:
            parts = non_picture_parts(data, element.start, element.end, whole=False)
            found = any(self.in_bytes(part, 0, len(part)) for part in parts)
            return rules.LEAK_BYTES.at(element.where) if found else None
        if vr not in TEXT:
            found = self.in_bytes(data, element.start, element.end)
            return rules.LEAK_BYTES.at(element.where) if found else None
        if not self.in_value(element.value, codec, joined=vr not in _NUMERIC):
            return None
        own = tag in _OWN or vr == "PN"
        return (rules.LEAK_PSEUDONYM if own else rules.LEAK).at(element.where)

    def in_value(self, value: bytes, codec: str, *, joined: bool = True) -> bool:
        """As :meth:`in_text`; most short values are the same in every file of a series, so they are kept."""
        key = value, joined
        if key in self._without:
            return False
        found = self.in_text(decoded(value, codec), joined=joined)
        if not found and len(value) <= _REMEMBERED and value.isascii() and b"\x1b" not in value:
            if len(self._without) >= _MOST_REMEMBERED:
                self._without.clear()
            self._without.add(key)
        return found

    def _add_name(self, tokens: list[str]) -> None:
        tokens = [token for token in tokens if not token.isdigit()][:6]
        for number, token in enumerate(tokens):
            if len(token) >= 4 and token not in neutral_words():
                self.words.add(token)
            for other in tokens[:number] + tokens[number + 1 :]:
                general = {token, other} & neutral_words()
                if min(len(token), len(other)) >= (3 if general else 2) and len(general) < 2:
                    self.phrases.add(f"{token} {other}")

    def _add_date(self, digits: str) -> None:
        if len(digits) == 8 and digits.isdigit():
            year, month, day = digits[:4], digits[4:6], digits[6:]
            self.dates.update((digits, day + month + year, month + day + year))

    def _add_place(self, tokens: list[str]) -> None:
        if all(token in neutral_words() or token.isdigit() for token in tokens):
            return
        if len(tokens) == 1 and len(tokens[0]) >= 5:
            self.words.add(tokens[0])
        elif 1 < len(tokens) <= _LONGEST_PHRASE:
            self.phrases.add(" ".join(tokens))


def beyond(findings: Iterable[Finding], leaks: Iterable[Finding]) -> list[Finding]:
    """The leaks that say something new: not those in identifying attributes that are errors already."""
    known = {finding.where for finding in findings if finding.severity == "error"}
    return [leak for leak in leaks if leak.rule != rules.LEAK_PSEUDONYM.id or leak.where not in known]


def _elements(reader: FileReader) -> Iterator[Element]:
    yield from reader.walk_meta()
    yield from reader.walk_data_set()


def _tokens(text: str) -> list[str]:
    return _WORD.findall(folded(text))


def _is_telling_number(joined: str) -> bool:
    digits = sum(map(str.isdigit, joined))
    return len(joined) >= 5 if digits == len(joined) else len(joined) >= 4 and digits > 0
