"""Composing the page of a check: its facts, and small pictures of the frames that text was found in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.findings.report import FileReport, Report
from privxray.errors import MalformedError
from privxray.imaging.planes import planes
from privxray.reports.check_page import CheckFacts, FlaggedFrame, check_page
from privxray.reports.thumbnails import thumbnail
from privxray.version import __version__
from privxray.workflow.images.compare_copies import Comparison
from privxray.workflow.images.search_pixels import SearchedPixels

MOST = 200
"""Pictures of a page: about 15 MB."""

FRAMES = 3
"""Pictures of one file."""


def compose_check_page(
    report: Report,
    found: Mapping[int, SearchedPixels] | None,
    compared: Comparison | None = None,
    *,
    options: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[str]:
    """The page as pieces of HTML text. Where text was found it holds image data of patients.

    :param found: what :func:`privxray.workflow.images.search_pixels.search_report` gives; None where the
        pixels were not searched.
    :param compared: what came of comparing with the originals; None where they were not.
    :param options: what was typed, in public words.
    """
    searched = found or {}
    flagged = clear = left_out = 0
    pictures: list[FlaggedFrame] = []
    for done, (place, one) in enumerate(searched.items(), start=1):
        flagged += bool(one.boxes)
        clear += not one.boxes and not one.trouble
        if one.boxes and len(pictures) < MOST:
            drawn = list(_pictures(report.files[place], one))
            pictures.extend(drawn)
            left_out += max(len(_frames(one)) - len(drawn), 0)
        elif one.boxes:
            left_out += len(_frames(one))
        if progress is not None:
            progress(done, len(searched))
    facts = CheckFacts(
        version=__version__,
        when=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M (UTC%z)"),
        options=options,
        searched=None if found is None else len(found),
        with_text=flagged,
        without_text=clear,
        cut_short=len(searched) - flagged - clear,
        pictures=pictures,
        left_out=left_out,
        compared=() if compared is None else compared.rows(),
    )
    return check_page(report, facts)


def _frames(found: SearchedPixels) -> list[int]:
    """The frames that are shown of a file."""
    return sorted({box.frame for box in found.boxes})[:FRAMES]


def _pictures(file: FileReport, found: SearchedPixels) -> Iterator[FlaggedFrame]:
    wanted = _frames(found)
    # A file that can't be read any more has its findings in the report all the same.
    with suppress(UnreadFileError, MalformedError):
        for plane in planes(file.source.read_whole(), name=file.name):
            if plane.frame > wanted[-1]:
                return
            if plane.frame in wanted and not plane.hidden:
                # A place is named by the first frame that has it, and covered in every one.
                here = [box for box in found.boxes if box.frame == plane.frame]
                yield FlaggedFrame(
                    file.name,
                    plane.frame,
                    thumbnail(plane.pixels, found.boxes),
                    sum(box.severity == "error" for box in here),
                    sum(box.severity == "notice" for box in here),
                )
