"""Tables as csv files that a spreadsheet opens. Tested in tests/cli/test_folders.py."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

import typer

DecimalComma = Annotated[
    bool,
    typer.Option(
        "--decimal-comma",
        help="Write --csv with decimal commas and semicolons, as some spreadsheets want it.",
    ),
]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Collection[int],
    decimal_comma: bool,
) -> bytes:
    """A csv (RFC 4180) in UTF-8 with a byte order mark, by which spreadsheets know the encoding.

    :param numbers: the places of columns of numbers, written with a decimal point.
    :param decimal_comma: numbers get a comma, and semicolons separate the cells.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";" if decimal_comma else ",")
    writer.writerow(header)
    for row in rows:
        cells = []
        for place, cell in enumerate(row):
            if place in numbers:
                cells.append(cell.replace(".", ",") if decimal_comma else cell)
            else:
                cells.append(f"'{cell}" if cell.startswith(_FORMULA) else cell)
        writer.writerow(cells)
    return out.getvalue().encode("utf-8-sig")
