"""The page of a check, with small pictures of the frames that text was found in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_whole
from privxray.deid.findings.report import FileReport, Report
from privxray.errors import MalformedError
from privxray.imaging.planes import planes
from privxray.reports.findings_page import Facts, Shown, page
from privxray.reports.thumbnails import thumbnail
from privxray.version import __version__
from privxray.workflow.images.text_search import Searched, silent

MOST = 200
"""Pictures of a page: about 15 MB."""

FRAMES = 3
"""Pictures of one file."""


def check_page(
    report: Report,
    found: Mapping[int, Searched] | None,
    *,
    options: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """The page as HTML text. It holds image data of patients where text was found.

    :param found: as :func:`privxray.workflow.images.text_search.search_report` gives it; None where nothing
        was searched.
    """
    flagged = [place for place, one in (found or {}).items() if one.boxes]
    pictures: list[Shown] = []
    left_out = 0
    for done, place in enumerate(flagged, start=1):
        assert found is not None
        if len(pictures) < MOST:
            pictures.extend(_pictures(report.files[place], found[place]))
        else:
            left_out += len(_frames(found[place]))
        if progress is not None:
            progress(done, len(flagged))
    quiet = silent(found or {})
    facts = Facts(
        version=__version__,
        when=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M (UTC%z)"),
        options=options,
        searched=None if found is None else len(found),
        with_text=len(flagged),
        silent=quiet,
        cut_short=len(found or {}) - len(flagged) - quiet,
        pictures=pictures,
        left_out=left_out,
    )
    return page(report, facts)


def _frames(found: Searched) -> list[int]:
    return sorted({box.frame for box in found.boxes})[:FRAMES]


def _pictures(file: FileReport, found: Searched) -> Iterator[Shown]:
    wanted = _frames(found)
    # A file that can be read no more has its findings in the report all the same.
    with suppress(UnreadFileError, MalformedError):
        for plane in planes(read_whole(file.path), name=file.name):
            if plane.frame > wanted[-1]:
                return
            if plane.frame in wanted and not plane.hidden:
                # A place is named by the first frame that has it, and covered in every one.
                here = [box for box in found.boxes if box.frame == plane.frame]
                yield Shown(
                    file.name,
                    plane.frame,
                    thumbnail(plane.pixels, found.boxes),
                    sum(box.severity == "error" for box in here),
                    sum(box.severity == "notice" for box in here),
                )
