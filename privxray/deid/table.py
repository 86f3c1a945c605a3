"""Table E.1-1 of DICOM PS3.15 (Basic Application Level Confidentiality Profile), as a lookup by tag.

The csv beside this module is the standard's table of edition 2026d; ``tables/PROVENANCE.md`` says where it
comes from. Only the Basic Profile's column is used here.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

EDITION = "2026d"

_PLAIN = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)")
_PRIVATE_ROW = "(gggg,eeee) odd gggg"
_CURVE_ROW = "(50xx,xxxx)"
_OVERLAY_ROWS = {0x3000: "(60xx,3000)", 0x4000: "(60xx,4000)"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    :param tag: the tag as the table writes it, masks included.
    :param name: the attribute's name in the table; safe to print.
    :param vr: its value representation, or empty where the table has none.
    :param action: the Basic Profile's code, such as ``X/Z/D``.
    :param allowed: the alternatives in it: a subset of ``X Z D U``. Which of them a given object must use
        depends on the attribute's type in its IOD. The check has no IOD tables, so it accepts any.
    """

    tag: str
    name: str
    vr: str
    action: str
    allowed: frozenset[str]


@cache
def rows() -> tuple[Row, ...]:
    """All rows, in the table's order."""
    source = resources.files("privxray.deid").joinpath("tables", "table_e1_1.csv")
    return tuple(
        Row(
            tag=line["tag"],
            name=line["name"],
            vr=line["vr"],
            action=line["basic_profile_action"],
            allowed=frozenset(line["basic_profile_action"].replace("*", "").split("/")),
        )
        for line in csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    )


def lookup(tag: int) -> Row | None:
    """The row that governs ``tag`` (group in the upper 16 bits), or None where the profile keeps it.

    The masks are tried in the order in which they can apply: an odd group is private whatever else it looks
    like; curves are every element of an even group 50xx; overlays are two elements of an even group 60xx.
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


def label(tag: int) -> str:
    """``(gggg,eeee)`` with upper-case hexadecimal digits."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


@cache
def _index() -> tuple[dict[int, Row], dict[str, Row]]:
    plain: dict[int, Row] = {}
    masks: dict[str, Row] = {}
    for row in rows():
        matched = _PLAIN.fullmatch(row.tag)
        if matched:
            plain[int(matched[1] + matched[2], 16)] = row
        else:
            masks[row.tag] = row
    return plain, masks
