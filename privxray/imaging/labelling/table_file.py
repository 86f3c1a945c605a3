"""The cells of a table that a person wrote: a csv as spreadsheets save it, or an .xlsx file.

Tested in tests/unit/test_imaging_labels.py and tests/unit/test_imaging_spreadsheet.py.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from privxray.errors import MalformedError, SystemTroubleError
from privxray.imaging.labelling.label_rules import broken_row
from privxray.imaging.labelling.spreadsheet import NoSpreadsheetError, first_sheet
from privxray.system.regular_files import open_regular

MAX_BYTES = 10_000_000
"""Most bytes of a table; a row of a csv is about 50."""

_SPREADSHEETS = (b"PK\3\4", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods; .xls
_SEPARATORS = ",;\t"


def records(path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a csv or of an .xlsx, each with its number as a spreadsheet counts it.

    :param name: what an error calls the file.
    :raises MalformedError: it is too large, not UTF-8, not valid csv, or a spreadsheet that can't be read.
    :raises SystemTroubleError: it is not there, or can't be read.
    """
    data = _bytes(path, name)
    if data.startswith(_SPREADSHEETS):
        try:
            yield from first_sheet(data)
        except NoSpreadsheetError:
            raise MalformedError(
                "this is a spreadsheet that can't be read here",
                reason="labels.spreadsheet",
                file=name,
                advice="Open it and save it as `CSV UTF-8`",
            ) from None
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedError(
            "this csv is not UTF-8",
            reason="labels.not-utf8",
            file=name,
            advice="Save it again as `CSV UTF-8`",
        ) from None
    delimiter, text = _separated(text)
    number = 0
    try:
        cells = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for number, record in enumerate(cells, start=1):
            yield number, record
    except csv.Error:
        raise broken_row(name, number + 1, reason="labels.not-csv") from None


def _bytes(path: Path, name: str) -> bytes:
    try:
        with open_regular(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SystemTroubleError(
            "there is no such file", reason="labels.absent", file=name, advice="Check the path"
        ) from None
    except OSError:
        raise SystemTroubleError(
            "this csv can't be read", reason="labels.unread", file=name, advice="Check its permissions"
        ) from None
    if len(data) > MAX_BYTES:
        raise MalformedError(
            "this csv is larger than 10 MB",
            reason="labels.too-large",
            file=name,
            advice="Split it, and ingest one part after the other",
        )
    return data


def _separated(text: str) -> tuple[str, str]:
    """What separates the cells, and the text without a line that says so."""
    first, _, rest = text.partition("\n")
    named = first.strip('\r"')
    if named[:4].lower() == "sep=" and named[4:] in tuple(_SEPARATORS):
        return named[4:], rest
    return max(_SEPARATORS, key=first.count), text
