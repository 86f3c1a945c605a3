"""Searching the pixels of checked files for text: ``--ocr``.

This runs after the check of the metadata, file by file, and adds its findings to each file's. A file is read
again for it; where the check has computed its digest, the digest must still fit.

Every frame is searched. A cine's captions stand still, so a place is named once, with the first frame that
has it; whoever blacks it must do so in every frame. A frame with the same bytes as the one before is not
searched again. One file, one frame and its pictures are in memory at a time. What was found lies on
the disk (:mod:`privxray.workspace.spool`).
"""

from __future__ import annotations

import hashlib
import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.findings import rules
from privxray.deid.findings.file_record import SpooledReports
from privxray.deid.findings.report import FileReport, Finding, Report, verdict_of
from privxray.deid.pixels.text.text_box import FindText, TextBox
from privxray.deid.sources.zip_archive import zips_closed
from privxray.errors import MalformedError
from privxray.imaging.planes import Plane, planes
from privxray.workspace.spool import Spool


@dataclass(frozen=True, slots=True)
class SearchedPixels:
    """What was found in one file.

    :ivar boxes: one for each place.
    :ivar frames: how many were searched; 0 for a file that has no pixels.
    :ivar trouble: why the search ended early, a fixed text; empty if it did not.
    """

    boxes: tuple[TextBox, ...]
    frames: int
    trouble: str = ""

    def to_json(self) -> list[Any]:
        """As JSON, with what was read. Private."""
        return [list(map(astuple, self.boxes)), self.frames, self.trouble]

    def without_texts(self) -> SearchedPixels:
        """The same without what was read."""
        return replace(self, boxes=tuple(replace(box, text="") for box in self.boxes))

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> SearchedPixels:
        """The inverse of :meth:`to_json`.

        :raises ValueError, TypeError: it is no such value.
        """
        boxes, frames, trouble = value
        return cls(tuple(TextBox(*box) for box in boxes), frames, trouble)


class SearchedFiles(Mapping[int, SearchedPixels]):
    """What was found in the pixels of a set's files, by their positions; it lies on the disk."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._places = array("Q")

    def add(self, place: int, found: SearchedPixels) -> None:
        """Add what was found in a file; files come in order."""
        self._places.append(place)
        self._spool.append(json.dumps(found.to_json(), separators=(",", ":")).encode("ascii"))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __getitem__(self, place: int) -> SearchedPixels:
        at = bisect_left(self._places, place)
        if at == len(self) or self._places[at] != place:
            raise KeyError(place)
        return SearchedPixels.from_json(json.loads(self._spool[at]))


@zips_closed()
def search_report(
    report: Report, find_text: FindText, *, progress: Callable[[int, int], None] | None = None
) -> tuple[Report, Mapping[int, SearchedPixels]]:
    """The report with the findings in the pixels, and what was found, by the file's position in the report.

    Files that could not be checked at all are passed over: they fail already.
    """
    files, found = SpooledReports(), SearchedFiles()
    for place, file in enumerate(report.files):
        if file.verdict == "error":
            files.append(file)
        else:
            searched = search_file(file, find_text)
            found.add(place, searched)
            files.append(with_findings(file, searched))
        if progress is not None:
            progress(place + 1, len(report.files))
    return replace(report, files=files), found


def search_file(file: FileReport, find_text: FindText) -> SearchedPixels:
    """Search one file that was checked. Raises nothing, whatever is in it."""
    try:
        data = file.source.read_whole()
    except UnreadFileError as trouble:
        return SearchedPixels((), 0, str(trouble))
    if file.sha256 and hashlib.sha256(data).hexdigest() != file.sha256:
        return SearchedPixels((), 0, "the file was changed while it was checked")
    return search_planes(planes(data, name=file.name), find_text)


def findings_in_pixels(data: bytes, find_text: FindText) -> tuple[Finding, ...]:
    """The findings in the pixels of one file."""
    return tuple(_findings(search_planes(planes(data, name="file"), find_text)))


def search_planes(pictures: Iterable[Plane], find_text: FindText) -> SearchedPixels:
    """Search the planes of one file."""
    boxes: list[TextBox] = []
    frames = 0
    last = b""
    try:
        for plane in pictures:
            frames = max(frames, plane.frame + 1)
            digest = _digest(plane.pixels)
            if digest != last:
                _add(boxes, find_text(plane.pixels, plane.frame))
            last = digest
    except MalformedError as trouble:
        return SearchedPixels(tuple(boxes), frames, trouble.what)
    return SearchedPixels(tuple(boxes), frames)


def with_findings(file: FileReport, found: SearchedPixels) -> FileReport:
    """The file's report with what was found in its pixels."""
    findings = (*file.findings, *_findings(found))
    return replace(file, findings=findings, verdict=verdict_of(findings))


def where(box: TextBox) -> str:
    """A box in words: ``pixels 280x23 at 5,1, frame 0, confidence 0.79``."""
    return (
        f"pixels {box.width}x{box.height} at {box.x},{box.y}, frame {box.frame}, "
        f"confidence {box.confidence:.2f}"
    )


def texts(found: Mapping[int, SearchedPixels], files: Sequence[FileReport]) -> Iterator[tuple[str, str, str]]:
    """File, place and text of every box, for ``--show-text`` and nothing else."""
    for place, searched in found.items():
        for box in searched.boxes:
            yield files[place].name, where(box), box.text


def without_text(found: Mapping[int, SearchedPixels]) -> int:
    """In how many files, searched to the end, no text was found."""
    return sum(not one.boxes and not one.trouble for one in found.values())


def _findings(found: SearchedPixels) -> Iterator[Finding]:
    for box in found.boxes:
        rule = rules.PIXEL_TEXT if box.severity == "error" else rules.PIXEL_MARKER
        yield rule.at(where(box))
    if found.trouble:
        yield rules.PIXELS_UNSEEN.because(found.trouble)


def _add(boxes: list[TextBox], more: Iterable[TextBox]) -> None:
    """Add boxes in places that are new. Text that identifies takes the place of a marker."""
    for box in more:
        for place, known in enumerate(boxes):
            if box.is_where(known):
                if known.severity == "notice" and box.severity == "error":
                    boxes[place] = box
                break
        else:
            boxes.append(box)


def _digest(pixels: npt.NDArray[np.generic]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).digest()
