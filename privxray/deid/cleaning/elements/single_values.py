"""Replacing single values of an element, so that one that offends does not take the others with it.

Tested in tests/unit/test_deid_defined_terms.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from privxray.deid.cleaning.elements.replacement_values import dummy
from privxray.deid.dicomfile.character_sets import decoded
from privxray.deid.dicomfile.data_set_tree import Node
from privxray.deid.values.defined_terms import has_several_values, is_listed

_BACKSLASH_WITHIN: Final = frozenset({"gb18030", "gbk", "shift_jis", "iso2022_jp", "iso2022_jp_2"})
"""Codecs that use the byte of a backslash within a character, so that bytes can't be parted at it."""


def replace_offending(node: Node, codec: str, offends: Callable[[bytes], bool]) -> None:
    """Put dummies in place of the values that offend, except those that the attribute's definition lists.

    :param codec: of the file's character set.
    :param offends: is asked of each value, then of all that are not listed, together: two values that say
        nothing by themselves may say something side by side.
    """
    values = _single_values(node, codec)
    listed = [is_listed(node.tag, decoded(value, codec)) for value in values]
    rest = [value for value, spared in zip(values, listed, strict=True) if not spared]
    bad = {value for value in rest if offends(value)}
    if not bad and rest and offends(b"\\".join(rest)):
        bad = set(rest)
    if bad:
        made_up = dummy(node.vr, 0)
        node.value = b"\\".join(made_up if value in bad else value for value in values)


def _single_values(node: Node, codec: str) -> list[bytes]:
    value = node.value
    plain = b"\x1b" not in value and (value.isascii() or codec not in _BACKSLASH_WITHIN)
    return value.split(b"\\") if plain and has_several_values(node.vr) else [value]
