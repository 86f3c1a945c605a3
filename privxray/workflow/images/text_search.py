"""Text in the pixels of files that were checked: ``--ocr``.

This runs after the check of the metadata, file by file, and adds its findings to each file's. A file is read
again for it; where the check has digested it, the digest must still fit.

Every frame is searched. A cine's captions stand still, so a place is named once, with the first frame that
has it; whoever blacks it must do so in every frame. A frame whose bytes were just searched is not searched
again. Memory: one file, one frame and its pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_whole
from privxray.deid.findings import rules
from privxray.deid.findings.report import FileReport, Finding, Report, verdict_of
from privxray.deid.pixels.text.boxes import TextBox, same_place
from privxray.errors import MalformedError
from privxray.imaging.planes import Plane, planes

Find = Callable[..., list[TextBox]]
"""As :meth:`privxray.deid.pixels.text.text_finder.TextFinder.find`."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found in one file.

    :param boxes: one a place.
    :param frames: how many were looked at; 0 for a file that has no pixels.
    :param trouble: why the search ended early; a fixed text, empty if it did not.
    """

    boxes: tuple[TextBox, ...]
    frames: int
    trouble: str = ""


def search_report(
    report: Report, find: Find, *, progress: Callable[[int, int], None] | None = None
) -> tuple[Report, dict[int, Searched]]:
    """The report with the findings in the pixels, and what was found by the file's position in it.

    Files that could not be checked at all are passed over: they fail already.
    """
    files: list[FileReport] = []
    found: dict[int, Searched] = {}
    for place, file in enumerate(report.files):
        if file.verdict == "error":
            files.append(file)
        else:
            found[place] = search_file(file, find)
            files.append(with_findings(file, found[place]))
        if progress is not None:
            progress(place + 1, len(report.files))
    return replace(report, files=tuple(files)), found


def search_file(file: FileReport, find: Find) -> Searched:
    """Search one file that was checked. Raises nothing for whatever is in it."""
    try:
        data = read_whole(file.path)
    except UnreadFileError as trouble:
        return Searched((), 0, str(trouble))
    if file.sha256 and hashlib.sha256(data).hexdigest() != file.sha256:
        return Searched((), 0, "the file was changed while it was checked")
    return search(planes(data, name=file.name), find)


def findings_in(data: bytes, find: Find) -> tuple[Finding, ...]:
    """What there is to say about the pixels of one file."""
    return tuple(_findings(search(planes(data, name="file"), find)))


def search(pictures: Iterable[Plane], find: Find) -> Searched:
    """Search the planes of one file."""
    boxes: list[TextBox] = []
    frames = 0
    last = b""
    try:
        for plane in pictures:
            frames = max(frames, plane.frame + 1)
            digest = _digest(plane.pixels)
            if digest != last:
                _add(boxes, find(plane.pixels, frame=plane.frame))
            last = digest
    except MalformedError as trouble:
        return Searched(tuple(boxes), frames, trouble.what)
    return Searched(tuple(boxes), frames)


def with_findings(file: FileReport, found: Searched) -> FileReport:
    """The file's report with what was found in its pixels."""
    findings = (*file.findings, *_findings(found))
    return replace(file, findings=findings, verdict=verdict_of(findings))


def where(box: TextBox) -> str:
    """A box in words: ``pixels 280x23 at 5,1, frame 0, confidence 0.79``."""
    return (
        f"pixels {box.width}x{box.height} at {box.x},{box.y}, frame {box.frame}, "
        f"confidence {box.confidence:.2f}"
    )


def texts(found: Mapping[int, Searched], files: Sequence[FileReport]) -> Iterator[tuple[str, str, str]]:
    """File, place and text of every box, for ``--show-text`` and nothing else."""
    for place, searched in found.items():
        for box in searched.boxes:
            yield files[place].name, where(box), box.text


def silent(found: Mapping[int, Searched]) -> int:
    """In how many files, searched to the end, no text was found."""
    return sum(not one.boxes and not one.trouble for one in found.values())


def _findings(found: Searched) -> Iterator[Finding]:
    for box in found.boxes:
        rule = rules.PIXEL_TEXT if box.severity == "error" else rules.PIXEL_MARKER
        yield rule.at(where(box))
    if found.trouble:
        yield rules.PIXELS_UNSEEN.because(found.trouble)


def _add(boxes: list[TextBox], more: Iterable[TextBox]) -> None:
    for box in more:
        for place, known in enumerate(boxes):
            if same_place(box, known):
                if known.severity == "notice" and box.severity == "error":
                    boxes[place] = box
                break
        else:
            boxes.append(box)


def _digest(pixels: npt.NDArray[np.generic]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).digest()
