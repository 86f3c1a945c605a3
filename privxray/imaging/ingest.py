"""Taking the images of a csv into the data set: all of them, or none.

Each file is read once, and the same bytes are checked, hashed and decoded, so that nobody can exchange it in
between. One image is in memory at a time.

Every ingest checks every file, also one that is in the data set already, for the rules of the check may have
become stricter. An image that was decoded before is not decoded again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_whole
from privxray.deid.findings.report import FileReport, Finding
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.selection import select
from privxray.deid.judging.set_check import SetCheck
from privxray.deid.profile.profile import Profile
from privxray.errors import MalformedError, NotTakenInError, SystemTroubleError
from privxray.imaging.dataset import Dataset
from privxray.imaging.decode import decode
from privxray.imaging.index_rows import IndexRows
from privxray.imaging.labels import Row, csv_name, read_labels
from privxray.naming.patient_id import PatientKey
from privxray.naming.public_names import public_name

Progress = Callable[[int, int], None]

Look = Callable[[bytes], Sequence[Finding]]
"""Gives the findings in the pixels of a file."""

STAGE = 64
"""Images a transaction: an interrupted ingest has at most so many to decode again."""

_SHOWN = 3


@dataclass(frozen=True)
class IngestOptions:
    """How images are judged, and what becomes of those that are in the data set.

    :ivar profile: what may become of each attribute; the Basic Profile where it is None.
    :ivar look: looks at the pixels, too; None to check only what is written beside them.
    :ivar replace: the csv is the whole data set from now on. Otherwise it adds to what is there.
    """

    profile: Profile | None = None
    look: Look | None = None
    replace: bool = False


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did. Its counts are exact, so they stay inside the hospital.

    :ivar images: rows of the csv. :ivar unlisted: images of the folder that no row names.
    :ivar added: images that were not in the data set before.
    :ivar patients: patients in the data set now.
    :ivar counts: images and patients in the data set now, by split and label.
    :ivar profile: the profile that the images were judged by, in words.
    """

    images: int
    unlisted: int
    added: int
    patients: int
    counts: dict[tuple[str, str], tuple[int, int]]
    profile: str = ""


def ingest(
    images: Path,
    labels: Path,
    dataset: Dataset,
    classes: Sequence[str],
    options: IngestOptions = IngestOptions(),
    progress: Progress | None = None,
) -> IngestReport:
    """Check, decode and take in the images that a csv names.

    :param images: the folder that the csv's paths start from.
    :param labels: the csv. :param classes: the labels that the study knows.
    :param progress: called after each file with how many are done, and how many there are.
    :raises NotTakenInError: a file did not pass the check.
    :raises MalformedError: the csv contradicts itself (see :func:`~privxray.imaging.labels.read_labels` and
        :meth:`privxray.imaging.index_rows.IndexRows.add`); an image does not decode.
    :raises RefusedError: the csv contradicts the data set.
    :raises SystemTroubleError: a file can't be read.

    Whatever is raised, Ctrl-C included, the index is what it was.
    """
    rows = read_labels(labels, images, classes)
    work = _Ingest(images, csv_name(labels), dataset, options)
    for done, row in enumerate(rows, start=1):
        work.take(row)
        if progress is not None:
            progress(done, len(rows))
    added = work.finish()
    return IngestReport(
        len(rows), work.unlisted, added, dataset.patients(), dataset.counts(), work.checked.profile.summary
    )


class _Ingest:
    """Takes one row after the other; nothing is in the index before :meth:`finish`."""

    def __init__(self, images: Path, csv: str, dataset: Dataset, options: IngestOptions) -> None:
        self.checked = SetCheck(options.profile)
        self._options = options
        self._images = images
        self._dataset = dataset
        # Numbered as `privxray check FOLDER` numbers them, so that the user finds a file by its number.
        found, _ = select([images])
        self._numbers = {path.resolve(): number for number, (path, _) in enumerate(found, start=1)}
        self._taken: set[Path] = set()
        self._total = 0
        self._failing = False
        self._rows = IndexRows(csv, dataset, replace=options.replace)
        self._pending: dict[bytes, npt.NDArray[np.uint8]] = {}
        self._traits: dict[PatientKey, dict[str, str]] = {}

    def take(self, row: Row) -> None:
        """Check one file and, while none has failed, decode it."""
        data, report = self._check(row)
        self._failing |= report.verdict != "pass"
        if self._failing:
            return  # nothing of this csv will enter: the rest is only checked, so that all failures are told
        entry = self._rows.add(row, data, report.name)
        self._traits.setdefault(entry.patient, {}).update(row.traits)
        if entry.content not in self._pending and not self._dataset.has_pixels(entry.content):
            self._pending[entry.content] = self._decode(data, report.name, row)
        if len(self._pending) == STAGE:
            self._keep_pending()

    @property
    def unlisted(self) -> int:
        """How many images of the folder no row has named so far."""
        return len(self._numbers.keys() - self._taken)

    def finish(self) -> int:
        """Write the index; how many rows are new.

        :raises NotTakenInError: a file did not pass the check.
        """
        if self._failing:
            failed = [report.name for report in self.checked.reports() if report.verdict != "pass"]
            some = ", ".join(failed[:_SHOWN]) + (", ..." if len(failed) > _SHOWN else "")
            raise NotTakenInError(
                f"{len(failed)} of {self._total} {'file' if self._total == 1 else 'files'} did not pass the "
                f"check ({some}), so no image was taken in",
                reason="ingest.check-failed",
                advice="See why: privxray check FOLDER",
            )
        self._keep_pending()
        return self._dataset.commit(self._rows.entries, replace=self._options.replace, traits=self._traits)

    def _check(self, row: Row) -> tuple[bytes, FileReport]:
        """The bytes of a row's file and what the check says about them."""
        path = self._images / row.relative
        self._taken.add(path.resolve())
        number = self._numbers.get(path.resolve(), len(self._numbers) + row.number)
        try:
            data = read_whole(path)
        except UnreadFileError as trouble:
            raise SystemTroubleError(
                f"{trouble} ({self._rows.place_of(row)})",
                reason="image.unread",
                file=public_name(row.relative, number),
                advice="Check its permissions and its size, then type the command again",
            ) from None
        scan = scan_bytes(data, self.checked.profile)
        if self._options.look is not None and not scan.damage:
            scan.findings += self._options.look(data)
        self._total += 1
        report = self.checked.add(
            self._total - 1,
            scan,
            digest="",
            path=path,
            relative=PurePath(row.relative),
            number=number,
        )
        return data, report

    def _decode(self, data: bytes, name: str, row: Row) -> npt.NDArray[np.uint8]:
        try:
            return decode(data, name=name)
        except MalformedError as error:
            error.what += f" ({self._rows.place_of(row)})"
            raise

    def _keep_pending(self) -> None:
        if self._pending:
            self._dataset.keep_pixels(self._pending)
            self._pending.clear()
