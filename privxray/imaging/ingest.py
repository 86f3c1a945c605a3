"""Taking the images of a csv into the data set: a comparison with what is in it.

All of them enter, or none; one that shows nothing (:data:`~privxray.imaging.judging.one_picture.REFUSED`) is
left out by itself and named. Whatever is wrong with the csv and its files is gathered and told at once.

Each file is read once, and the same bytes are checked, hashed and decoded, so that nobody can exchange it in
between. One image is in memory at a time.

Every ingest checks every file, also one that is in the data set already, for the rules of the check may have
become stricter. An image that was decoded before is not decoded again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.findings.report import FileReport
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.set_check import SetCheck
from privxray.deid.sources.source import Source
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.sources.zip_archive import zips_closed
from privxray.errors import (
    MalformedError,
    NotTakenInError,
    PrivxrayError,
    RefusedError,
    SystemTroubleError,
)
from privxray.imaging.comparison import compare, one_picture_each
from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.data_set.entries import IndexChange
from privxray.imaging.data_set.stored_pictures import Picture
from privxray.imaging.decode import decode
from privxray.imaging.index_rows import IndexedRow, IndexRows
from privxray.imaging.ingest_report import IngestOptions, IngestReport
from privxray.imaging.judging.header_facts import header_facts
from privxray.imaging.judging.one_picture import Judgement, Remark, judge
from privxray.imaging.labelling.label_names import LABEL_MAP
from privxray.imaging.labelling.problems import Problems, listed
from privxray.imaging.labelling.row import Row
from privxray.imaging.labels import rows_and_problems
from privxray.imaging.seen_pictures import SeenPicture, names_by_remark, seen_pictures
from privxray.naming.patient_id import PatientKey
from privxray.naming.public_names import public_name

Progress = Callable[[int, int], None]

STAGE = 64
"""Images a transaction: an interrupted ingest has at most so many to decode again."""

_SHOWN = 3


@zips_closed()
def ingest(
    images: Path,
    labels: Path,
    dataset: Dataset,
    classes: Sequence[str],
    options: IngestOptions = IngestOptions(),
    progress: Progress | None = None,
) -> IngestReport:
    """Check, decode and take in the images that a csv names.

    :param images: the folder that the csv's paths start from, or a DICOMDIR or zip.
    :param labels: the csv. :param classes: the labels that the study knows.
    :param progress: called after each file with how many are done, and how many there are.
    :raises NotTakenInError: a file did not pass the check.
    :raises MalformedError: the csv contradicts itself (see :func:`~privxray.imaging.labels.read_labels` and
        :meth:`privxray.imaging.index_rows.IndexRows.add`); an image does not decode; or there are problems of
        several kinds.
    :raises RefusedError: the csv contradicts the data set.
    :raises SystemTroubleError: a file can't be read.

    Whatever is raised, Ctrl-C included, the index is what it was.
    """
    source = Source(images)
    rows, problems = rows_and_problems(labels, source, classes, options.label_map)
    work = _Ingest(source, problems, dataset, options)
    for done, row in enumerate(rows, start=1):
        work.take(row)
        if progress is not None:
            progress(done, len(rows))
    return work.finish(rows)


class _Ingest:
    """Takes one row after the other; nothing is in the index before :meth:`finish`."""

    def __init__(self, images: Source, problems: Problems, dataset: Dataset, options: IngestOptions) -> None:
        self._checked = SetCheck(options.profile)
        self._options = options
        self._images = images
        self._csv = problems.csv
        self._dataset = dataset
        # Numbered as `privxray check FOLDER` numbers them, so that the user finds a file by its number.
        found = images.selection.files
        self._numbers = {file.address: number for number, file in enumerate(found, start=1)}
        self._taken: set[str] = set()
        self._total = 0
        self._problems = problems
        self._rows = IndexRows(problems.csv, dataset, options.ways)
        self._pending: dict[bytes, Picture] = {}
        self._refused: list[SeenPicture] = []

    def take(self, row: Row) -> None:
        """Check one file, decode it and look at it; what is wrong with it is noted."""
        try:
            data, report = self._check(row)
            if report.verdict == "pass":
                self._take_checked(row, data, report.name)
        except PrivxrayError as error:
            self._problems.add(error, f"row {row.number}")
        if len(self._pending) >= STAGE:
            self._keep_pending()

    def finish(self, rows: Sequence[Row]) -> IngestReport:
        """Write the index.

        :raises PrivxrayError: anything was wrong; see :func:`ingest`.
        """
        self._keep_pending()
        for error, place in self._rows.contradictions():
            self._problems.add(error, place)
        taken, found = one_picture_each(self._rows.rows, self._dataset, self._csv, self._options.ways)
        for error, place in found:
            self._problems.add(error, place)
        self._expect_checked()
        self._problems.raise_any()
        if not taken:
            raise MalformedError(
                "every image of this csv was refused, for its picture is of one grey value all over; nothing "
                "was changed",
                reason="ingest.all-refused",
                file=self._csv,
                advice="Look at some of them, and export them again from their source",
            )
        both = list(zip(self._rows.rows, taken, strict=True))
        both = [(old, new) for old, new in both if not self._dataset.has_withdrawn(new.entry)]
        withdrawn = len(taken) - len(both)
        if not both:
            raise RefusedError(
                "every image of this csv is of a patient who withdrew; nothing was changed",
                reason="ingest.all-withdrawn",
                file=self._csv,
                advice="Take these patients out of the csv",
            )
        rows_kept, taken = [old for old, _ in both], [new for _, new in both]
        sources = self._rows.sources
        change = IndexChange(
            entries=[one.entry for one in taken],
            sources={new.entry.content: sources[old.entry.content] for old, new in both},
            replace=self._options.replace,
            update=self._options.update,
            choices=_choices(self._options),
            traits=_traits(rows_kept),
        )
        comparison = compare(rows_kept, taken, self._dataset)
        added = self._dataset.commit(change)
        pictures = seen_pictures(taken, self._dataset)
        return IngestReport(
            images=len(rows),
            unlisted=len(self._numbers.keys() - self._taken),
            added=added,
            patients=self._dataset.patients(),
            counts=self._dataset.counts(),
            profile=self._checked.profile.summary,
            comparison=comparison,
            refused=tuple((one.name, one.remarks[0].kind) for one in self._refused),
            remarks=names_by_remark(pictures),
            spellings=tuple(self._rows.spelling_variants()),
            mapped=_mapped(rows),
            pictures=(*self._refused, *pictures),
            missing=self._images.selection.missing,
            withdrawn=withdrawn,
        )

    def _expect_checked(self) -> None:
        """:raises NotTakenInError: a file did not pass the check."""
        reports = [report for report in self._checked.reports() if report.verdict != "pass"]
        failed = [report.name for report in reports]
        if not failed:
            return
        rules = _by_rule(reports)
        kinds = listed((f"{rule} in {len(names):,}" for rule, names in rules.items()), _SHOWN)
        besides = f". Besides: {self._problems.summary()}" if self._problems else ""
        error = NotTakenInError(
            f"{len(failed)} of {self._total} {'file' if self._total == 1 else 'files'} did not pass the "
            f"check ({listed(failed, _SHOWN)}), judged by {self._checked.profile.summary} "
            f"(by rule: {kinds}), so no image was taken in{besides}",
            reason="ingest.check-failed",
            advice="See why: privxray check FOLDER",
        )
        error.places = {error.reason: failed, **rules, **self._problems.places()}
        raise error

    def _take_checked(self, row: Row, data: bytes, name: str) -> None:
        """Decode and judge a file that passed the check; a picture that shows nothing is left out."""
        content = self._dataset.content_key(data)
        if content in self._pending:
            judgement = self._pending[content][1]
        elif self._dataset.is_ready(content):
            judgement = self._dataset.judgement(content)
        else:
            image = self._decode(data, name, row)
            judgement = judge(image, header_facts(data))
            if judgement.refused:
                self._refuse(row, name, image, judgement)
            else:
                self._pending[content] = image, judgement
        if not judgement.refused:
            self._rows.add(row, data, name)

    def _refuse(self, row: Row, name: str, image: npt.NDArray[np.uint8], judgement: Judgement) -> None:
        kind = Remark(judgement.refused)
        self._refused.append(SeenPicture(name, row.number, row.label, row.split or "", (kind,), image))

    def _check(self, row: Row) -> tuple[bytes, FileReport]:
        """The bytes of a row's file and what the check says about them."""
        file = self._images.file(row.relative)
        self._taken.add(file.address)
        number = self._numbers.get(file.address, len(self._numbers) + row.number)
        try:
            data = file.read_whole()
        except UnreadFileError as trouble:
            raise self._unread(file, f"{trouble} ({self._rows.place_of(row)})", number) from None
        scan = scan_bytes(data, self._checked.profile)
        if self._options.look is not None and not scan.damage:
            scan.findings += self._options.look(data)
        self._total += 1
        return data, self._checked.add(scan, source=file, number=number)

    def _unread(self, file: SourceFile, what: str, number: int) -> PrivxrayError:
        name = public_name(file.relative, number)
        if file.inside:
            return MalformedError(
                what,
                reason="archive.entry-unread",
                file=name,
                advice="Unpack the zip yourself, and name the folder; or leave the image out of the csv",
            )
        return SystemTroubleError(
            what,
            reason="image.unread",
            file=name,
            advice="Check its permissions and its size, then type the command again",
        )

    def _decode(self, data: bytes, name: str, row: Row) -> npt.NDArray[np.uint8]:
        try:
            return decode(data, name=name)
        except MalformedError as error:
            error.what += f" ({self._rows.place_of(row)})"
            raise

    def _keep_pending(self) -> None:
        if self._pending:
            self._dataset.keep_pictures(self._pending)
            self._pending.clear()


def _traits(rows: Sequence[IndexedRow]) -> dict[PatientKey, dict[str, str]]:
    """What the csv says of each patient."""
    found: dict[PatientKey, dict[str, str]] = {}
    for one in rows:
        found.setdefault(one.entry.patient, {}).update(one.row.traits)
    return found


def _choices(options: IngestOptions) -> dict[str, str]:
    if not options.label_map:
        return {}
    return {LABEL_MAP: json.dumps(dict(options.label_map))}


def _by_rule(reports: Sequence[FileReport]) -> dict[str, list[str]]:
    """The files that broke each rule, the rule that most broke first."""
    found: dict[str, list[str]] = {}
    for report in reports:
        errors = {finding.rule for finding in report.findings if finding.severity == "error"}
        for rule in sorted(errors):
            found.setdefault(rule, []).append(report.name)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _mapped(rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    return dict(Counter((row.typed_label, row.label) for row in rows if row.typed_label != row.label))
