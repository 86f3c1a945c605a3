"""What each row of a csv of labels must keep to, and the error of a row that doesn't.

Tested in tests/unit/test_imaging_labels.py.
"""

from __future__ import annotations

from typing import Final

from privxray.errors import MalformedError

RULES: Final[dict[str, tuple[str, str]]] = {
    "labels.not-csv": ("is not valid csv", "Look for a quotation mark that is not closed"),
    "labels.cells": (
        "has {cells}, and the header has {columns}",
        "Check its separators; a cell that holds a separator needs quotation marks",
    ),
    "labels.long-cell": (
        "has a cell of more than {most} characters",
        "Look for a quotation mark that is not closed",
    ),
    "labels.empty-cell": ("is empty", "Fill the cell in, or remove the row"),
    "labels.unknown-split": ("doesn't name a split", "Use: {allowed}"),
    "labels.path-outside": (
        "is not a path below the folder of images",
        "Write the path as it is below the folder that you typed",
    ),
    "labels.image-twice": ("names the same image as row {first}", "Remove one of the two rows"),
    "labels.ambiguous-image": (
        "names an image of which the folder has several",
        "Write more of the path in that row: the folders above the image, and its extension",
    ),
    "labels.no-such-image": (
        "names an image that is not in the folder",
        "Check the folder that you typed, and the spelling in that row",
    ),
    "labels.patient-in-two-splits": (
        "puts a patient in a different split from row {first} does",
        "Name one split for all images of a patient",
    ),
    "labels.patient-at-two-sites": (
        "puts a patient at a different site from row {first} does",
        "Name one site for all images of a patient",
    ),
}
"""By its reason: what is wrong with a row, as a predicate that quotes no cell, and what to do."""


def broken_row(csv: str, number: int, column: str = "", *, reason: str, **facts: object) -> MalformedError:
    """The error of one row of a csv.

    :param csv: what an error calls the csv.
    :param number: the row as a spreadsheet counts it: the header is row 1.
    :param column: the cell that is wrong; empty where it is the whole row.
    :param reason: one of :data:`RULES`. :param facts: what its texts leave open.
    """
    what, advice = RULES[reason]
    where = f"row {number}, column `{column}`," if column else f"row {number}"
    return MalformedError(
        f"{where} {what.format(**facts)}", reason=reason, file=csv, advice=advice.format(**facts)
    )
