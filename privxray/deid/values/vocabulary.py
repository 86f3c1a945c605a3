"""Which words are terms of the field: 10,000 of them, in ``tables/vocabulary.txt``.

They are the words of the names of attributes and UIDs (PS3.6), of the code meanings (PS3.16), of defined
terms (:mod:`privxray.deid.values.defined_terms`), and of a list of technical and general words. What is also
a common name is left out, unless an attribute or a defined term has it. ``tests/benchmarks/vocabulary.py``
writes the list. General words (:mod:`privxray.naming.common_words`) count as well.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from privxray.naming.common_words import neutral_words


def is_term(word: str) -> bool:
    """True for a word, folded, that is a term, a general word, or the plural of a term."""
    known = _terms()
    return word in known or (word.endswith("s") and word[:-1] in known)


@cache
def _terms() -> frozenset[str]:
    table = resources.files("privxray.deid.values").joinpath("tables/vocabulary.txt")
    return neutral_words() | frozenset(table.read_text(encoding="ascii").split())
