"""The tables of DICOM PS3.15 Annex E: E.1-1 by tag, E.3.4-1 by concept, E.3.10-1 by private creator.

The csv files in ``tables`` are the standard's; ``tables/PROVENANCE.md`` says which edition they are and where
they come from. What a profile makes of them is in :mod:`privxray.deid.profile.profile`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from privxray.deid.tags import from_label

EDITION = "2026d"
"""Edition of PS3.15 that the tables are from."""

_PLAIN = re.compile(r"\([0-9A-F]{4},[0-9A-F]{4}\)")
_PRIVATE_ROW = "(gggg,eeee) odd gggg"
_CURVE_ROW = "(50xx,xxxx)"
_OVERLAY_ROWS = {0x3000: "(60xx,3000)", 0x4000: "(60xx,4000)"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    :param tag: the tag as the table writes it, masks included.
    :param name: the attribute's name in the table; safe to print.
    :param vr: its value representation, or empty where the table has none.
    :param action: the Basic Profile's action, such as ``X/Z/D``: alternatives among ``X Z D U``.
    :param options: the action that each option puts in its place, by the option's column in the csv.
    """

    tag: str
    name: str
    vr: str
    action: str
    options: dict[str, str]


@dataclass(frozen=True, slots=True)
class ContentRow:
    """One row of Table E.3.4-1: a kind of content item of a structured report, by its concept name.

    :param scheme: coding scheme of the concept, such as ``DCM``.
    :param code: code value of the concept.
    :param meaning: its meaning in the table; safe to print.
    :param action: the Basic Profile's action, such as ``X/D``.
    :param options: the action that each option puts in its place, by the option's column in the csv.
    """

    scheme: str
    code: str
    meaning: str
    action: str
    options: dict[str, str]


@cache
def rows() -> tuple[Row, ...]:
    """All rows, in the table's order."""
    return tuple(
        Row(
            tag=line["tag"],
            name=line["name"],
            vr=line["vr"],
            action=line["basic_profile_action"],
            options=_options(line),
        )
        for line in _read("table_e1_1.csv")
    )


@cache
def content_rows() -> dict[tuple[str, str, str], ContentRow]:
    """The rows of Table E.3.4-1 by coding scheme, code value and value type, such as ``TEXT``."""
    return {
        (line["scheme"], line["code"], line["value_type"]): ContentRow(
            line["scheme"], line["code"], line["meaning"], line["basic_profile_action"], _options(line)
        )
        for line in _read("table_e3_4_1_sr_content_items.csv")
    }


def content_row(scheme: str, code: str, value_type: str) -> ContentRow | None:
    """The row for a content item; None where the table does not have its concept.

    For a concept that the table only has with other value types, the first of its rows.
    """
    found = content_rows().get((scheme, code, value_type))
    return found or _concepts().get((scheme, code))


@cache
def safe_private() -> frozenset[tuple[int, str, int]]:
    """Table E.3.10-1: group, private creator, and the element's number in the creator's block, 0 to 255."""
    found = set()
    for line in _read("table_e3_10_1_safe_private.csv"):
        group, number = line["data_element"].strip("()").split(",")
        found.add((int(group, 16), line["private_creator"], int(number.removeprefix("xx"), 16)))
    return frozenset(found)


def lookup(tag: int) -> Row | None:
    """The row that governs an attribute, or None where the table has none.

    An element of an odd group is private, whatever else it looks like. Curves are all elements of the even
    groups 50xx. Overlays are two elements of each even group 60xx.

    :param tag: the group in the upper 16 bits.
    """
    plain, masks = _index()
    if tag & 0x10000:
        return masks[_PRIVATE_ROW]
    row = plain.get(tag)
    if row is not None:
        return row
    repeating = tag >> 24
    if repeating == 0x50:
        return masks[_CURVE_ROW]
    if repeating == 0x60 and tag & 0xFFFF in _OVERLAY_ROWS:
        return masks[_OVERLAY_ROWS[tag & 0xFFFF]]
    return None


def _read(name: str) -> Iterator[dict[str, str]]:
    source = resources.files("privxray.deid.profile").joinpath("tables", name)
    yield from csv.DictReader(source.read_text(encoding="utf-8").splitlines())


def _options(line: dict[str, str]) -> dict[str, str]:
    return {key: code for key, code in line.items() if key.startswith(("retain_", "clean_")) and code}


@cache
def _concepts() -> dict[tuple[str, str], ContentRow]:
    first: dict[tuple[str, str], ContentRow] = {}
    for row in content_rows().values():
        first.setdefault((row.scheme, row.code), row)
    return first


@cache
def _index() -> tuple[dict[int, Row], dict[str, Row]]:
    plain: dict[int, Row] = {}
    masks: dict[str, Row] = {}
    for row in rows():
        if _PLAIN.fullmatch(row.tag):
            plain[from_label(row.tag)] = row
        else:
            masks[row.tag] = row
    return plain, masks
