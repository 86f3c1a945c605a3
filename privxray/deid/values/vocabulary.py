"""Which words are terms of the field, and so part of no name by chance. Tested in test_deid_names."""

from __future__ import annotations

from privxray.naming.common_words import neutral_words


def is_term(word: str) -> bool:
    """True for a word, folded, that is a term."""
    return word in neutral_words()
