"""What is looked for of a person's name: its words, joined words and pairs of words (VR PN, PS3.5 6.2.1.2).

A name has up to three groups (Latin, ideographic, phonetic) parted by ``=``, and each has components parted
by carets. Nobody keeps to this in free text, so what is looked for is, of each group:

* a word that has four letters or more and is no general word, in every spelling and case
  (:mod:`privxray.deid.values.spellings`), by itself;
* words of one component without what parts them (``O'Brien`` as OBRIEN), and two components without a blank,
  in either order (``ZorvathKwimbley``), from five letters on;
* two words side by side in either order, not both general, where neither counts by itself;
* parts in scripts without word separators, see :mod:`privxray.deid.values.unspaced_scripts`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice, permutations, product
from typing import Final

from privxray.deid.values.glued import SHORTEST as GLUED
from privxray.deid.values.printable import WORD, folded
from privxray.deid.values.spellings import declined, spellings
from privxray.deid.values.unspaced_scripts import RUN, unspaced_terms, without_runs
from privxray.naming.common_words import neutral_words

SHORTEST_WORD: Final = 4
"""Fewest letters of a name that counts by itself, as a whole word."""

_SHORTEST_JOINED: Final = 5
_MOST_PARTS: Final = 6
_MOST_PAIRS: Final = 64
_COMPONENT: Final = re.compile(r"\^+")
_GROUP: Final = re.compile(r"=+")


@dataclass
class NameTerms:
    """What to look for of one name, folded.

    :ivar words: whole words. :ivar phrases: words in a row. :ivar anywhere, alone: runs of scripts without
        word separators, see :class:`~privxray.deid.values.unspaced_scripts.UnspacedTerms`.
    :ivar written: parts beyond Latin-1 as they are written, for a search in bytes of any encoding.
    """

    words: set[str] = field(default_factory=set)
    phrases: set[str] = field(default_factory=set)
    anywhere: set[str] = field(default_factory=set)
    alone: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)


def name_terms(name: str) -> NameTerms:
    """What to look for of a name, which may be of any form."""
    terms = NameTerms()
    for group in _GROUP.split(name):
        components = [part for part in _COMPONENT.split(group) if part.strip()]
        _add_words(terms, [_words(part) for part in components])
        _add_unspaced(terms, components)
    return terms


def _words(text: str) -> list[str]:
    """The words of a component in scripts that part their words, in the case of the file."""
    return [word for word in WORD.findall(without_runs(text)) if not word.isdigit()]


def _add_words(terms: NameTerms, components: list[list[str]]) -> None:
    words = [word for component in components for word in component][:_MOST_PARTS]
    forms = {word: spellings(word) for word in words}
    for word in words:
        known = forms[word] & neutral_words()
        if not known:
            forms_of_it = forms[word] | declined(word)
            terms.words.update(form for form in forms_of_it if len(form) >= SHORTEST_WORD)
            if not word.isascii() and len(word) >= SHORTEST_WORD:
                terms.written.update((word, word.upper(), word.lower(), word.title()))
    for component in components:
        if 1 < len(component) <= _MOST_PARTS:
            _add_joined(terms, [forms.get(word) or spellings(word) for word in component])
    for one, other in permutations(words, 2):
        if one != other:
            _add_pair(terms, forms[one], forms[other])


def _add_joined(terms: NameTerms, parts: list[set[str]]) -> None:
    """The words of one component without what parts them."""
    for way in islice(product(*parts), _MOST_PAIRS):
        joined = "".join(way)
        if len(joined) >= _SHORTEST_JOINED and not set(way) <= neutral_words():
            terms.words.add(joined)


def _add_pair(terms: NameTerms, first: set[str], second: set[str]) -> None:
    for one, other in islice(product(first, second), _MOST_PAIRS):
        general = {one, other} & neutral_words()
        if min(len(one), len(other)) < (3 if general else 2) or len(general) == 2:
            continue
        if not {one, other} & terms.words:
            terms.phrases.add(f"{one} {other}")
        found_within = any(len(word) >= GLUED and word in terms.words for word in (one, other))
        if len(one + other) >= _SHORTEST_JOINED and not found_within:
            terms.words.add(one + other)


def _add_unspaced(terms: NameTerms, components: list[str]) -> None:
    parts = [run for component in components for run in RUN.findall(folded(component))]
    found = unspaced_terms(parts)
    terms.anywhere |= found.anywhere
    terms.alone |= found.alone
    # The same of the parts as they are written, which folding may have changed.
    written = unspaced_terms([run for component in components for run in RUN.findall(component)])
    terms.written |= written.anywhere | written.alone
    if len(components) == 2 and all(RUN.fullmatch(component) for component in components):
        one, other = components
        terms.written.update(
            f"{a}{between}{b}" for a, b in ((one, other), (other, one)) for between in " ^\u3000"
        )
