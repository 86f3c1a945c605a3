"""``labels.csv``: which image is of which patient and shows what.

A header row names the columns: ``image`` or ``file`` (a path below the folder of images), ``label``, and
optionally ``patient`` (without it, (0010,0020) of each DICOM file counts), ``split`` (train, val or test),
``site`` (read by the demo only), and ``sex``, ``age`` and ``group_NAME``, of which only a coarse value is
kept (:mod:`privxray.imaging.labelling.patient_traits`). Other columns are passed over. The file is UTF-8,
with or without a byte order mark. Commas separate the cells, or semicolons, as spreadsheets write them where
the comma is the decimal sign, or tabs. A first line ``sep=;``, which Excel heeds and hides, is heeded and
not counted. An .xlsx file is read likewise: the first sheet of its workbook.

Each error names the csv, the row as a spreadsheet counts it (the header is row 1) and the column. It never
quotes a cell, for a cell may hold what identifies a patient; of unknown labels it names those that can't
(:mod:`privxray.imaging.labelling.label_names`). All bad rows are told at once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath

from privxray.deid.sources.source import Source
from privxray.errors import MalformedError, SystemTroubleError
from privxray.imaging.labelling.file_names import AmbiguousNameError, FileNames
from privxray.imaging.labelling.label_names import LabelNames, UnknownLabels
from privxray.imaging.labelling.label_rules import broken_row
from privxray.imaging.labelling.patient_places import PatientPlaces
from privxray.imaging.labelling.patient_sources import plain_id
from privxray.imaging.labelling.patient_traits import MOST_VALUES, is_trait, trait
from privxray.imaging.labelling.problems import Problems
from privxray.imaging.labelling.row import SPLITS, Row, Split
from privxray.imaging.labelling.table_file import records
from privxray.naming.patient_id import PatientId
from privxray.naming.public_names import public_name

_HEADER = "The first row must name the columns: image,patient,label"
_MAX_CELL = 4096
_COLUMNS = ("image", "file", "patient", "label", "split", "site")


def read_labels(
    path: Path, images: Path, classes: Sequence[str] | None, mapped: Mapping[str, str] | None = None
) -> list[Row]:
    """The rows of a csv in its order, once they agree with each other and with the folder.

    :param images: the folder that the paths start from.
    :param classes: the labels that the study knows; None where no study is known yet. Capitals and blanks
        don't count.
    :param mapped: further labels, and the class that each means.
    :raises UsageError: a label is mapped to something that is no class.
    :raises MalformedError: the csv is not UTF-8, has no header or no rows, or a needed column is missing or
        doubled; a row has too many or too few cells, an empty cell, an unknown label or split, a path that is
        absolute or leaves the folder, an image that another row has too or that is not there, or a patient
        who is in another split or at another site in another row.
    :raises SystemTroubleError: the csv can't be read, or there is no such folder.
    """
    rows, problems = rows_and_problems(path, Source(images, on_disk_only=True), classes, mapped)
    problems.raise_any()
    return rows


def rows_and_problems(
    path: Path, images: Source, classes: Sequence[str] | None, mapped: Mapping[str, str] | None = None
) -> tuple[list[Row], Problems]:
    """As :func:`read_labels`, but rows that break a rule are noted: the files of the others can be looked at.

    The images may lie in zips as well, see :mod:`privxray.deid.sources`.

    A row whose label is unknown is noted and still given, with an empty label.
    """
    if not images.is_there:
        raise SystemTroubleError(
            "the folder of images is not there",
            reason="labels.no-folder",
            advice="Check the path of the folder, DICOMDIR or zip",
        )
    reader = _Reader(csv_name(path), images, LabelNames(classes, mapped))
    return reader.rows(records(path, csv_name(path))), reader.problems


def csv_name(path: Path) -> str:
    """What an error calls the csv: its name, or neutral words where the name may identify somebody."""
    shown = public_name(PurePath(path.name), 0)
    return shown if shown == path.name else "the csv of labels"


class _Reader:
    """Reads the rows of one csv, and remembers what later rows are compared with."""

    def __init__(self, name: str, images: Source, labels: LabelNames) -> None:
        self._name = name
        self._images = images
        self._files = FileNames(images.folder, images.names_in_zips)
        self._labels = labels
        self._unknown = UnknownLabels()
        self.problems = Problems(name)
        self._places: dict[str, int] = {}
        self._seen: dict[PurePosixPath, int] = {}
        self._patients = PatientPlaces(name)
        self._traits: dict[str, int] = {}
        self._values: dict[str, set[str]] = {}

    def rows(self, records: Iterable[tuple[int, list[str]]]) -> list[Row]:
        rows: list[Row] = []
        number = 0
        try:
            for place, (number, record) in enumerate(records):
                if place == 0:
                    self._read_header(record)
                elif any(cell.strip() for cell in record):
                    self._take(number, record, rows)
        except MalformedError as error:
            if error.reason != "labels.not-csv":
                raise
            self.problems.add(error, f"row {number + 1}")
        if self._unknown:
            unknown = self._unknown.error(self._name, self._labels.classes or ())
            rows_of = sorted(row for listed in self._unknown.rows.values() for row in listed)
            self.problems.add(unknown, *(f"row {row}" for row in rows_of))
        if not rows and not self.problems:
            raise self._bad_header("this csv has no rows under a header", reason="labels.no-rows")
        return rows

    def _take(self, number: int, record: list[str], rows: list[Row]) -> None:
        """Read a row, or note what is wrong with it."""
        try:
            rows.append(self._row(number, record))
        except MalformedError as error:
            self.problems.add(error, f"row {number}")

    def _read_header(self, record: list[str]) -> None:
        header = [cell.strip().lower() for cell in record]
        for column in _COLUMNS:
            if header.count(column) > 1:
                raise self._bad_header(f"this csv has two columns `{column}`", reason="labels.column-twice")
        self._places = {column: header.index(column) for column in _COLUMNS if column in header}
        self._traits = {column: place for place, column in enumerate(header) if is_trait(column)}
        self._width = len(header)
        if ("image" in header) == ("file" in header):
            raise self._bad_header(
                "this csv needs one of the columns `image` and `file`", reason="labels.image-column"
            )
        if "label" not in header:
            raise self._bad_header("this csv has no column `label`", reason="labels.label-column")

    def _bad_header(self, what: str, *, reason: str) -> MalformedError:
        return MalformedError(what, reason=reason, file=self._name, advice=_HEADER)

    def _row(self, number: int, record: list[str]) -> Row:
        if len(record) != self._width:
            cells = "1 cell" if len(record) == 1 else f"{len(record)} cells"
            raise broken_row(self._name, number, reason="labels.cells", cells=cells, columns=self._width)
        if max(map(len, record)) > _MAX_CELL:
            raise broken_row(self._name, number, reason="labels.long-cell", most=_MAX_CELL)
        column = "image" if "image" in self._places else "file"
        patient = self._patient(record, number)
        typed = self._cell(record, "label", number)
        row = Row(
            number,
            self._image(self._cell(record, column, number), number, column),
            patient,
            self._label(typed, number, patient),
            self._split(record, number),
            self._cell(record, "site", number) if "site" in self._places else None,
            self._traits_of(record),
            typed,
        )
        if patient is not None:
            self._patients.add(plain_id(patient), number, row.split, row.site)
        return row

    def _cell(self, record: list[str], column: str, number: int) -> str:
        value = record[self._places[column]].strip()
        if not value:
            raise broken_row(self._name, number, column, reason="labels.empty-cell")
        return value

    def _traits_of(self, record: list[str]) -> dict[str, str]:
        kept = {column: trait(column, record[place]) for column, place in self._traits.items()}
        for column, value in kept.items():
            if value is not None:
                self._values.setdefault(column, set()).add(value)
                if len(self._values[column]) > MOST_VALUES:
                    raise MalformedError(
                        f"the column `{column}` has more than {MOST_VALUES} different values: too many "
                        "groups",
                        reason="labels.too-many-groups",
                        file=self._name,
                        advice="Write coarser groups into it, or rename it: other columns are passed over",
                    )
        return {column: value for column, value in kept.items() if value is not None}

    def _patient(self, record: list[str], number: int) -> PatientId | None:
        if "patient" not in self._places:
            return None
        # Unicode has several encodings of one name, and they must not make two patients of one.
        return PatientId(unicodedata.normalize("NFC", self._cell(record, "patient", number)))

    def _label(self, typed: str, number: int, patient: PatientId | None) -> str:
        found = self._labels.find(typed)
        if found is None:
            self._unknown.add(typed, number, patient)
        return found or ""

    def _split(self, record: list[str], number: int) -> Split | None:
        if "split" not in self._places:
            return None
        value = self._cell(record, "split", number)
        if value not in SPLITS:
            raise broken_row(
                self._name, number, "split", reason="labels.unknown-split", allowed=", ".join(SPLITS)
            )
        return value

    def _image(self, value: str, number: int, column: str) -> PurePosixPath:
        relative = PurePosixPath(value.replace("\\", "/"))  # written on Windows, read here
        if relative.is_absolute() or ".." in relative.parts or "\0" in value or value[1:2] == ":":
            raise broken_row(self._name, number, column, reason="labels.path-outside")
        try:
            relative = self._files.find(relative)
        except AmbiguousNameError:
            raise broken_row(self._name, number, column, reason="labels.ambiguous-image") from None
        if relative in self._seen:
            raise broken_row(
                self._name, number, column, reason="labels.image-twice", first=self._seen[relative]
            )
        self._seen[relative] = number
        if not self._images.holds(relative):
            raise broken_row(self._name, number, column, reason="labels.no-such-image")
        return relative
