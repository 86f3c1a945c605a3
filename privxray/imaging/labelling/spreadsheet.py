"""The cells of an .xlsx file (ECMA-376): the first sheet of the workbook, as text.

Read with the standard library alone, for a list of labels is all that is wanted. What is unfolded is bounded,
and a document type, which XML bombs need, is refused. A formula counts by the value that was saved with it.

Tested in tests/unit/test_imaging_spreadsheet.py.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from typing import Final
from xml.etree import ElementTree as Xml

MAX_PART: Final = 60_000_000
"""Most bytes of one unfolded part; a sheet has some 100 bytes a cell."""

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ID: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class NoSpreadsheetError(Exception):
    """It is no .xlsx file, or is damaged or too large."""


def first_sheet(data: bytes) -> list[tuple[int, list[str]]]:
    """The rows of the first sheet that have a cell, each with its number as the spreadsheet shows it.

    All rows are as wide as the first one at least; cells that are not there are empty.

    :raises NoSpreadsheetError: see there.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as file:
            shared = _shared_strings(file)
            return _rows(_part(file, _sheet_path(file)), shared)
    except NoSpreadsheetError:
        raise
    except Exception:  # noqa: BLE001 - zipfile and expat raise whatever a damaged file leads them to
        raise NoSpreadsheetError from None


def _part(file: zipfile.ZipFile, name: str) -> Xml.Element:
    if file.getinfo(name).file_size > MAX_PART:
        raise NoSpreadsheetError
    with file.open(name) as stream:
        data = stream.read(MAX_PART + 1)
    if len(data) > MAX_PART or b"<!DOCTYPE" in data:
        raise NoSpreadsheetError
    return Xml.fromstring(data)  # noqa: S314 - without a document type there is nothing to expand


def _sheet_path(file: zipfile.ZipFile) -> str:
    """Where the first sheet of the workbook lies."""
    first = _part(file, "xl/workbook.xml").find(f"{_MAIN}sheets/{_MAIN}sheet")
    if first is None:
        raise NoSpreadsheetError
    for relation in _part(file, "xl/_rels/workbook.xml.rels"):
        if relation.get("Id") == first.get(_ID):
            target = relation.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise NoSpreadsheetError


def _shared_strings(file: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in file.namelist():
        return []
    return [_text(item) for item in _part(file, "xl/sharedStrings.xml")]


def _text(item: Xml.Element) -> str:
    """The text of a string, plain or in pieces; how it is read aloud (``rPh``) is no part of it."""
    pieces = [item, *item.findall(f"{_MAIN}r")]
    return "".join(part.text or "" for piece in pieces for part in piece.findall(f"{_MAIN}t"))


def _rows(sheet: Xml.Element, shared: list[str]) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, list[str]]] = []
    number = 0
    for row in sheet.iterfind(f"{_MAIN}sheetData/{_MAIN}row"):
        number, cells = int(row.get("r") or number + 1), dict[int, str]()
        column = -1
        for cell in row.iterfind(f"{_MAIN}c"):
            column, number = _place(cell, column + 1, number)
            cells[column] = _value(cell, shared)
        width = max([*cells, len(found[0][1]) - 1 if found else 0], default=0) + 1
        if cells:
            found.append((number, [cells.get(place, "") for place in range(width)]))
    return found


def _place(cell: Xml.Element, column: int, row: int) -> tuple[int, int]:
    """Column and row of a cell: by its reference, or the next ones where a writer left it out (18.3.1.4)."""
    name = cell.get("r")
    if name is None:
        return column, row
    reference = _REFERENCE.fullmatch(name)
    if reference is None:
        raise NoSpreadsheetError
    return _column(reference[1]), int(reference[2])


def _value(cell: Xml.Element, shared: list[str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{_MAIN}v") or ""
    if kind == "inlineStr":
        inline = cell.find(f"{_MAIN}is")
        return "" if inline is None else _text(inline)
    if kind == "s":
        return shared[int(value)]
    if kind == "n" and "E" in value.upper():
        number = float(value)
        return f"{number:.0f}" if number.is_integer() else value
    return value


def _column(letters: str) -> int:
    """The place of a column, from 0."""
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1
