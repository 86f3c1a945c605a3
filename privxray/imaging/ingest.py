"""Letting files into the data set: all of a csv's images, or none.

Each file is read once, and the same bytes are checked, hashed and decoded, so that nothing can be exchanged
in between. One image is in memory at a time.

Every file is checked on every ingest, also one that is in already, for the rules of the check may have
become stricter. A file that was decoded before is not decoded again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_whole
from privxray.deid.findings.report import Finding
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.selection import select
from privxray.deid.judging.set_check import SetCheck
from privxray.deid.profile.profile import Profile
from privxray.errors import FindingsError, MalformedError, RefusedError, SystemTroubleError
from privxray.imaging.dataset import Dataset, Entry
from privxray.imaging.decode import decode
from privxray.imaging.labels import Patients, Row, csv_name, read_labels
from privxray.naming.public_names import public_name

Progress = Callable[[int, int], None]

Look = Callable[[bytes], Sequence[Finding]]
"""Findings in a file's pixels."""

STAGE = 64
"""Images a transaction: an interrupted ingest has at most so many to decode again."""

_SHOWN = 3
_REPLACE = "If the new csv is right, build the data set anew: privxray ingest FOLDER --labels FILE --replace"


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did. Its counts are exact, so they stay inside the hospital.

    :ivar images: rows of the csv. :ivar unlisted: images of the folder that no row names.
    :ivar added: those that were not in before.
    :ivar patients: patients in the data set now.
    :ivar counts: images and patients in the data set now, by split and label.
    :ivar profile: by what profile the images were judged, in words.
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
    *,
    profile: Profile | None = None,
    look: Look | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> IngestReport:
    """Check, decode and take in the images that a csv names.

    :param images: the folder that the csv's paths start from.
    :param profile: what may become of each attribute; the Basic Profile without one.
    :param look: looks at the pixels, too; None to check what is written beside them only.
    :param replace: the csv is the whole data set from now on. Otherwise it adds to what is there.
    :param progress: called after each file with how many are done, and how many there are.
    :raises FindingsError: a file did not pass the check.
    :raises MalformedError: the csv is impossible (see :func:`~privxray.imaging.labels.read_labels`), names no
        patient for an image, or gives the same bytes to two patients or two labels; an image does not decode.
    :raises RefusedError: a file or a patient is in the data set already, in another place.
    :raises SystemTroubleError: a file can't be read.

    Whatever is raised, Ctrl-C included, the index is what it was.
    """
    rows = read_labels(labels, images, classes)
    work = _Ingest(images, csv_name(labels), dataset, SetCheck(profile), look, replace=replace)
    for done, row in enumerate(rows, start=1):
        work.take(row)
        if progress is not None:
            progress(done, len(rows))
    added = work.finish()
    return IngestReport(
        len(rows), work.unlisted, added, dataset.patients(), dataset.counts(), work.checked.profile.summary
    )


class _Ingest:
    def __init__(
        self,
        images: Path,
        csv: str,
        dataset: Dataset,
        checked: SetCheck,
        look: Look | None,
        *,
        replace: bool,
    ) -> None:
        self.checked = checked
        self._look = look
        self._images = images
        self._csv = csv
        self._dataset = dataset
        self._replace = replace
        # Numbered as `privxray check FOLDER` numbers them, so that the user finds a file by it.
        found, _ = select([images])
        self._numbers = {path.resolve(): number for number, (path, _) in enumerate(found, start=1)}
        self._taken: set[Path] = set()
        self._total = 0
        self._failing = False
        self._patients = Patients(csv)
        self._entries: list[Entry] = []
        self._first: dict[bytes, tuple[int, Entry]] = {}
        self._pending: dict[bytes, npt.NDArray[np.uint8]] = {}

    def take(self, row: Row) -> None:
        """Check one file and, while none has failed, decode it."""
        self._total += 1
        path = self._images / row.relative
        self._taken.add(path.resolve())
        number = self._numbers.get(path.resolve(), len(self._numbers) + row.number)
        try:
            data = read_whole(path)
        except UnreadFileError as trouble:
            name = public_name(row.relative, number)
            raise SystemTroubleError(f"{trouble} ({self._in(row)})", file=name) from None
        scan = scan_bytes(data, self.checked.profile)
        if self._look is not None and not scan.damage:
            scan.findings += self._look(data)
        report = self.checked.add(
            self._total - 1,
            scan,
            digest="",
            path=path,
            relative=PurePath(row.relative),
            number=number,
        )
        self._failing |= report.verdict != "pass"
        if self._failing:
            return  # nothing of this csv will enter: the rest is only checked, so that all are counted
        entry = self._entry(row, data, report.name)
        if entry.content not in self._pending and not self._dataset.has_pixels(entry.content):
            self._pending[entry.content] = self._decode(data, report.name, row)
        if len(self._pending) == STAGE:
            self._stage()
        self._entries.append(entry)

    @property
    def unlisted(self) -> int:
        """How many images of the folder no row named so far."""
        return len(self._numbers.keys() - self._taken)

    def finish(self) -> int:
        """Write the index; how many rows are new."""
        if self._failing:
            failed = [report.name for report in self.checked.reports() if report.verdict != "pass"]
            some = ", ".join(failed[:_SHOWN]) + (", ..." if len(failed) > _SHOWN else "")
            verb = "file did" if self._total == 1 else "files did"
            raise FindingsError(
                f"{len(failed)} of {self._total} {verb} not pass the check ({some}), so none is in",
                advice="See why: privxray check FOLDER",
            )
        self._stage()
        return self._dataset.commit(self._entries, replace=self._replace)

    def _entry(self, row: Row, data: bytes, name: str) -> Entry:
        patient = self._dataset.patient_key(self._patient_of(row, data, name))
        split = row.split
        known = None if self._replace else self._dataset.split_of(patient)
        if row.patient is None:
            self._patients.add(patient, row.number, row.split, row.site)
        if known is not None and split is not None and known != split:
            raise RefusedError(
                f"{self._in(row)} puts a patient into another split than the data set has", advice=_REPLACE
            )
        place = split or known or self._dataset.default_split(patient)
        entry = Entry(self._dataset.content_key(data), patient, row.label, place)
        self._expect_one_owner(row, entry, name)
        return entry

    def _expect_one_owner(self, row: Row, entry: Entry, name: str) -> None:
        first, before = self._first.setdefault(entry.content, (row.number, entry))
        if (before.patient, before.label) != (entry.patient, entry.label):
            differs = "patient" if before.patient != entry.patient else "label"
            raise MalformedError(
                f"rows {first} and {row.number} name files with the same bytes, but another {differs}",
                file=self._csv,
                advice="Correct or leave out one of the two rows",
            )
        inside = None if self._replace else self._dataset.find(entry.content)
        if inside is not None and (inside.patient, inside.label) != (entry.patient, entry.label):
            differs = "patient" if inside.patient != entry.patient else "label"
            raise RefusedError(
                f"it is in the data set already, with another {differs} ({self._in(row)})",
                file=name,
                advice=_REPLACE,
            )

    def _patient_of(self, row: Row, data: bytes, name: str) -> str:
        if row.patient is not None:
            return row.patient
        if is_dicom(data):
            from privxray.imaging.dicom_display import patient_id

            found = patient_id(data)
            if found:
                return found
        raise MalformedError(
            f"no patient is known for this image ({self._in(row)})",
            file=name,
            advice="Add a column `patient` to the csv, with one pseudonym for all of a patient's images",
        )

    def _decode(self, data: bytes, name: str, row: Row) -> npt.NDArray[np.uint8]:
        try:
            return decode(data, name=name)
        except MalformedError as error:
            raise MalformedError(f"{error.what} ({self._in(row)})", file=name, advice=error.advice) from None

    def _stage(self) -> None:
        if self._pending:
            self._dataset.stage(self._pending)
            self._pending.clear()

    def _in(self, row: Row) -> str:
        return f"row {row.number} of {self._csv}"
