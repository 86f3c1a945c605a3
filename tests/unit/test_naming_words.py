"""The lists of words that name nobody: no name, no month, and the words that files are called by."""

from __future__ import annotations

from mnemonic import Mnemonic

from privxray.naming import common_words
from privxray.naming.common_words import neutral_words, short_names


def test_words_and_their_plurals_are_neutral() -> None:
    assert {"abandon", "thorax", "xray", "boxes", "hospital", "findings"} <= neutral_words()


def test_names_and_months_are_not() -> None:
    assert neutral_words().isdisjoint(short_names())
    assert neutral_words().isdisjoint({"april", "rose", "grant", "victory", "may", "jan"})


def test_every_word_that_is_taken_out_is_in_the_base() -> None:
    assert set(common_words._ALSO_NAMES.split()) <= set(Mnemonic("english").wordlist)


def test_all_words_are_in_lower_case_without_anything_else() -> None:
    assert all(word.isascii() and word.islower() and word.isalpha() for word in neutral_words())
    assert all(len(name) <= 4 for name in short_names())
