"""Text in which a word is no term of the field, or a number may be somebody's.

An attribute that Table E.1-1 does not name stays as it is. What people typed into it by mistake is most often
a name or a number of a person whom no file of the set names, so no search finds it. But such attributes hold
technical words, which can be listed (:mod:`privxray.deid.values.vocabulary`). So a word that is no term is
worth a look. What counts:

* A word of two letters or more that is no term; next to digits (``tfl2d1``), in code strings and in codes, of
  four. Words that are written as one with capitals in it are looked at one by one.
* Any text in a script other than Latin, for the vocabulary is English.
* A number of six digits or more, unless it is a code; in a code string six digits, however they are parted.
* In an address of the web, a number of five digits or more.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from privxray.deid import tags
from privxray.deid.values.defined_terms import is_listed
from privxray.deid.values.printable import folded
from privxray.deid.values.unspaced_scripts import RUN
from privxray.deid.values.vocabulary import is_term

_CODES: Final = frozenset({tags.CODE_VALUE, tags.CODING_SCHEME_DESIGNATOR, tags.LONG_CODE_VALUE})
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TOKEN: Final = re.compile(r"[^\W_]+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_SHORTEST: Final = 2
_SHORTEST_IN_CODE: Final = 4
_NUMBER: Final = re.compile(r"(?<![0-9.])[0-9]{6,}(?![0-9.])")
_DIRECTORY: Final = 0x0004  # the group of the index of a medium, which names files
_MOST_DIGITS: Final = 6  # of a code string
_IN_ADDRESS: Final = re.compile(r"[0-9]{5,}")
_MOST: Final = 1 << 16  # characters that are looked at; a longer text is unknown in any case


def is_unknown(tag: int, vr: str, value: str) -> bool:
    """True if a value says something that is no term.

    :param value: one value, decoded.
    """
    if len(value) > _MOST:
        return True
    if vr == "UR":
        return _IN_ADDRESS.search(value) is not None
    in_digits = vr == "CS" and tag >> 16 != _DIRECTORY and sum(map(str.isdigit, value)) >= _MOST_DIGITS
    if not in_digits and not _is_unknown(value, vr == "CS" or tag in _CODES):
        return False
    # The words of all code meanings are in the vocabulary, and loading the meanings takes long.
    return tag == tags.CODE_MEANING or not is_listed(tag, value)


@lru_cache(maxsize=8192)
def _is_unknown(value: str, code: bool) -> bool:
    plain = folded(_CAPITAL.sub(" ", value))
    if not plain.isascii() and (RUN.search(plain) or any(ord(letter) > _LAST_LATIN for letter in plain)):
        return any(letter.isalpha() for letter in plain if ord(letter) > _LAST_LATIN)
    if not code and _NUMBER.search(plain):
        return True
    for token in _TOKEN.findall(plain):
        letters = _LETTERS.findall(token)
        shortest = _SHORTEST if letters == [token] and not code else _SHORTEST_IN_CODE
        if any(len(word) >= shortest and not is_term(word) for word in letters):
            return True
    return False


_LAST_LATIN: Final = 0x24F
