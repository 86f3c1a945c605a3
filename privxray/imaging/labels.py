"""``labels.csv``: which image is of which patient and shows what.

A header row names the columns: ``image`` or ``file`` (a path below the folder of images), ``label``, and
optionally ``patient`` (else (0010,0020) of each DICOM file counts), ``split`` (train, val or test) and
``site`` (read by the demo only). UTF-8, with or without a byte order mark; separated by commas, or by
semicolons as spreadsheets write them where the comma is the decimal sign. Other columns are passed over.

Each error names the csv, the row as a spreadsheet counts it (the header is row 1) and the column. It never
quotes a cell, for any of them may hold what identifies a patient.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal

from privxray.errors import MalformedError, SystemTroubleError
from privxray.naming.public_names import public_name

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

MAX_BYTES = 10_000_000
"""Most bytes of a csv; a row is about 50."""

_HEADER = "Its first row is to read: image,patient,label"
_MAX_CELL = 4096
_COLUMNS = ("image", "file", "patient", "label", "split", "site")


@dataclass(frozen=True, slots=True)
class Row:
    """One image. ``repr`` shows the number only, so that no debugging output names a patient.

    :ivar number: the row's number in a spreadsheet.
    :ivar relative: the image's path below the folder.
    :ivar patient: None where the csv has no such column.
    :ivar split: None where the csv leaves it to the data set.
    """

    number: int
    relative: PurePosixPath
    patient: str | None
    label: str
    split: Split | None
    site: str | None

    def __repr__(self) -> str:
        return f"Row({self.number})"


def read_labels(path: Path, images: Path, classes: Sequence[str] | None) -> list[Row]:
    """The rows of a csv, in its order, checked against each other and against the folder.

    :param images: the folder that the paths start from.
    :param classes: the labels that the study knows; None where no study is known yet.
    :raises MalformedError: not UTF-8, no header or no rows, a needed column missing or doubled, a row with
        too many or too few cells, an empty cell, an unknown label or split, a path that is absolute or
        leaves the folder, an image named twice or not there, a patient in two splits or at two sites.
    :raises SystemTroubleError: the csv can't be read, or there is no such folder.
    """
    if not images.is_dir():
        raise SystemTroubleError("the folder of images is not there", advice="Check the path that was typed")
    reader = _Reader(csv_name(path), images, classes)
    return reader.rows(_text(path))


def csv_name(path: Path) -> str:
    """What an error calls the csv."""
    shown = public_name(PurePath(path.name), 0)
    return shown if shown == path.name else "the csv of labels"


class Patients:
    """Notes where each patient is, and refuses one in two places.

    A patient in two splits would be trained on and tested on; one at two sites would be counted as two.
    """

    def __init__(self, csv: str) -> None:
        self._csv = csv
        self._first: dict[object, tuple[int, str | None, str | None]] = {}

    def add(self, patient: object, number: int, split: str | None, site: str | None) -> None:
        """Note one row. :raises MalformedError: the patient was in another split or at another site."""
        first, first_split, first_site = self._first.setdefault(patient, (number, split, site))
        if split != first_split:
            raise _bad(self._csv, f"puts a patient in another split than row {first} does", number, "split")
        if site != first_site:
            raise _bad(self._csv, f"puts a patient at another site than row {first} does", number, "site")


def _bad(csv: str, what: str, number: int, column: str | None = None, advice: str = "") -> MalformedError:
    where = f"row {number}, column `{column}`," if column else f"row {number}"
    return MalformedError(f"{where} {what}", file=csv, advice=advice)


def _text(path: Path) -> str:
    name = csv_name(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SystemTroubleError("there is no such file", file=name, advice="Check the path") from None
    except OSError:
        raise SystemTroubleError("it can't be read", file=name, advice="Check its permissions") from None
    if len(data) > MAX_BYTES:
        raise MalformedError("larger than 10 MB", file=name, advice="Split it, and ingest the parts")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedError(
            "this csv is not UTF-8", file=name, advice="Save it again as `CSV UTF-8`"
        ) from None


class _Reader:
    def __init__(self, name: str, images: Path, classes: Sequence[str] | None) -> None:
        self._name = name
        self._images = images
        self._root = images.resolve()
        self._classes = classes
        self._places: dict[str, int] = {}
        self._seen: dict[PurePosixPath, int] = {}
        self._patients = Patients(name)

    def rows(self, text: str) -> list[Row]:
        first = text.split("\n", 1)[0]
        delimiter = ";" if first.count(";") > first.count(",") else ","
        cells = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows: list[Row] = []
        number = 0
        try:
            for number, record in enumerate(cells, start=1):
                if number == 1:
                    self._read_header(record)
                elif any(cell.strip() for cell in record):
                    rows.append(self._row(number, record))
        except csv.Error:
            raise self._bad("is not valid csv", number + 1) from None
        if not rows:
            raise MalformedError("this csv has no rows under a header", file=self._name, advice=_HEADER)
        return rows

    def _read_header(self, record: list[str]) -> None:
        header = [cell.strip().lower() for cell in record]
        for column in _COLUMNS:
            if header.count(column) > 1:
                raise MalformedError(f"this csv has two columns `{column}`", file=self._name)
        self._places = {column: header.index(column) for column in _COLUMNS if column in header}
        self._width = len(header)
        if ("image" in header) == ("file" in header):
            raise MalformedError(
                "this csv needs one of the columns `image` and `file`", file=self._name, advice=_HEADER
            )
        if "label" not in header:
            raise MalformedError("this csv has no column `label`", file=self._name, advice=_HEADER)

    def _row(self, number: int, record: list[str]) -> Row:
        if len(record) != self._width or max(map(len, record)) > _MAX_CELL:
            raise self._bad("has not the cells that the header names", number)
        column = "image" if "image" in self._places else "file"
        relative = self._image(self._cell(record, column, number), number, column)
        label = self._cell(record, "label", number)
        if self._classes is not None and label not in self._classes:
            allowed = ", ".join(self._classes)
            raise self._bad("has a label that this study doesn't know", number, "label", f"Use: {allowed}")
        row = Row(
            number,
            relative,
            self._patient(record, number),
            label,
            self._split(record, number),
            self._cell(record, "site", number) if "site" in self._places else None,
        )
        if row.patient is not None:
            self._patients.add(row.patient, number, row.split, row.site)
        return row

    def _cell(self, record: list[str], column: str, number: int) -> str:
        value = record[self._places[column]].strip()
        if not value:
            raise self._bad("is empty", number, column)
        return value

    def _patient(self, record: list[str], number: int) -> str | None:
        if "patient" not in self._places:
            return None
        # One name has several encodings in Unicode, and they must not make two patients of one.
        return unicodedata.normalize("NFC", self._cell(record, "patient", number))

    def _split(self, record: list[str], number: int) -> Split | None:
        if "split" not in self._places:
            return None
        value = self._cell(record, "split", number)
        if value not in SPLITS:
            raise self._bad("names no split", number, "split", "Use: train, val, test")
        return value

    def _image(self, value: str, number: int, column: str) -> PurePosixPath:
        relative = PurePosixPath(value.replace("\\", "/"))  # written on Windows, read here
        if relative.is_absolute() or ".." in relative.parts or "\0" in value or value[1:2] == ":":
            raise self._bad("is not a path below the folder of images", number, column)
        if relative in self._seen:
            raise self._bad(f"names the same image as row {self._seen[relative]}", number, column)
        self._seen[relative] = number
        try:
            found = (self._images / relative).resolve()
            there = found.is_file() and found.is_relative_to(self._root)
        except (OSError, RuntimeError):  # a name too long, a loop of links
            there = False
        if not there:
            advice = "Check the folder that you named, and the spelling in that row"
            raise self._bad("names an image that is not in the folder", number, column, advice)
        return relative

    def _bad(self, what: str, number: int, column: str | None = None, advice: str = "") -> MalformedError:
        return _bad(self._name, what, number, column, advice)
