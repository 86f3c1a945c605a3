"""Defined terms, enumerated values and manufacturers: what an attribute's own definition lists (PS3.3).

A patient may be called Perfusion, Sharp or Canon. The word in Image Type, or the company in Manufacturer, is
still no name. So where an attribute's definition lists a value, the search for names spares it there, and
only there. ``tables/defined_terms.toml`` has the terms with the sections that define them,
``tables/manufacturers.toml`` the companies. Code Meaning has the meanings of PS3.16.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final

from privxray.deid import tags
from privxray.deid.pydicom_tables import table as pydicom_table
from privxray.deid.values.printable import folded, words
from privxray.deid.values.vocabulary import is_term

_NO_LETTERS: Final = re.compile(r"[.,&-]")
_ONE_VALUE: Final = frozenset({"LT", "ST", "UR", "UT"})
"""Value representations that hold one value, in which a backslash parts nothing (PS3.5 6.2)."""


def has_several_values(vr: str) -> bool:
    """True if a backslash parts the values of a text of this value representation."""
    return vr not in _ONE_VALUE


def values_of(vr: str, text: str) -> list[str]:
    """The single values of a text element.

    :param text: decoded, of all values.
    """
    return text.split("\\") if has_several_values(vr) else [text]


def is_listed(tag: int, value: str) -> bool:
    """True if an attribute's definition lists a value; an empty one is listed everywhere.

    :param value: one value, decoded.
    """
    plain = _plain(value)
    if not plain:
        return True
    if tag == tags.CODE_MEANING:
        # The vocabulary has the words of all meanings but for names, and is loaded much faster.
        known = all(len(word) < 2 or not word.isalpha() or is_term(word) for word in words(folded(plain)))
        return known and plain in _meanings()
    if tag in _makers_tags():
        return _only_company(plain)
    return plain in _terms().get(tag, ())


def unlisted(tag: int, vr: str, text: str) -> list[str]:
    """The values of a text that the attribute's definition does not list."""
    return [value for value in values_of(vr, text) if not is_listed(tag, value)]


def _only_company(plain: str) -> bool:
    makers, others = _companies()
    rest = _NO_LETTERS.sub(" ", plain).split()
    named = False
    while rest:
        two = " ".join(rest[:2])
        size = 2 if two in makers else 1
        if two not in makers and rest[0] not in makers | others:
            return False
        named |= two in makers or rest[0] in makers
        rest = rest[size:]
    return named


def _plain(value: str) -> str:
    return " ".join(value.strip(" \0").upper().replace("_", " ").split())


@cache
def _terms() -> dict[int, frozenset[str]]:
    return {
        tags.from_label(label): frozenset(map(_plain, row["terms"]))
        for label, row in _table("defined_terms").items()
    }


@cache
def _companies() -> tuple[frozenset[str], frozenset[str]]:
    table = _table("manufacturers")
    makers, others = (frozenset(map(_plain, table[name]["terms"])) for name in ("manufacturers", "company"))
    return makers, others


@cache
def _makers_tags() -> frozenset[int]:
    return frozenset(map(tags.from_label, _table("manufacturers")["attributes"]["tags"]))


def code_meanings() -> set[str]:
    """The meanings of all codes in the context groups and templates of PS3.16, as pydicom has them."""
    schemes: dict[str, dict[str, dict[str, tuple[str, list[int]]]]] = pydicom_table(
        "sr._concepts_dict"
    ).concepts
    return {meaning for codes in schemes.values() for code in codes.values() for meaning, _ in code.values()}


@cache
def _meanings() -> frozenset[str]:
    return frozenset(map(_plain, code_meanings()))


def _table(name: str) -> dict[str, dict[str, Any]]:
    table = resources.files("privxray.deid.values").joinpath(f"tables/{name}.toml")
    return tomllib.loads(table.read_text(encoding="utf-8"))
