"""The part of ``privxray check`` that looks at pixels and writes files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.cli.output import progress, table, tell
from privxray.cli.written_files import require_free
from privxray.errors import UsageError

if TYPE_CHECKING:
    from privxray.deid.findings.report import Report
    from privxray.deid.pixels.text.text_finder import TextFinder
    from privxray.workflow.images.search_pixels import SearchedPixels


def ready(ocr: bool, show_text: bool, files: Mapping[str, Path | None], force: bool) -> TextFinder | None:
    """All that can be refused before an hour of checking: the finder, or None where none is wanted.

    :param files: what is to be written, by the option that names it.
    :raises UsageError: ``--show-text`` without ``--ocr``, the extra is not installed, or no such folder.
    :raises RefusedError: a file to write is there.
    """
    if show_text and not ocr:
        raise UsageError("--show-text has nothing to show without --ocr", advice="Type both, or neither.")
    require_free(files, force=force)
    if not ocr:
        return None
    from privxray.deid.pixels.text.text_finder import TextFinder

    return TextFinder()


def searched(report: Report, finder: TextFinder | None) -> tuple[Report, dict[int, SearchedPixels] | None]:
    """The report with the findings in the pixels; None beside it where the pixels were not searched."""
    if finder is None:
        return report, None
    from privxray.workflow.images.search_pixels import search_report

    with progress("Searching pixels") as bar:
        return search_report(report, finder.find, progress=bar)


def show(report: Report, found: Mapping[int, SearchedPixels] | None, show_text: bool) -> None:
    """Say on the terminal what was searched, and what was read where that was typed."""
    if found is None:
        tell("Only what is written beside the pixels was checked; the pixels were not searched for text.")
        return
    from privxray.workflow.images.search_pixels import texts, without_text

    if show_text:
        rows = list(texts(found, report.files))
        if rows:
            table("Text in the pixels (may name patients)", ("file", "where", "text"), rows)
    tell(
        f"Pixels of {len(found)} of {len(report.files)} files were searched: no text found in "
        f"{without_text(found)}. That is no proof that there is none."
    )


def to_json(report: Report, found: Mapping[int, SearchedPixels] | None, show_text: bool) -> dict[str, Any]:
    """What ``--json`` says of the pixels."""
    if found is None:
        return {"pixels": None}
    from privxray.workflow.images.search_pixels import without_text

    boxes = [
        {
            "file": report.files[place].name,
            "frame": box.frame,
            "x": box.x,
            "y": box.y,
            "width": box.width,
            "height": box.height,
            "confidence": box.confidence,
            "severity": box.severity,
        }
        | ({"text": box.text} if show_text else {})
        for place, one in found.items()
        for box in one.boxes
    ]
    return {"pixels": {"searched": len(found), "no_text_found": without_text(found), "boxes": boxes}}


def write(
    report: Report,
    found: Mapping[int, SearchedPixels] | None,
    page_to: Path | None,
    csv_to: Path | None,
    *,
    force: bool,
) -> None:
    """Write the files that were asked for, whole or not at all. Neither ever holds what was read."""
    from privxray.workspace.atomic import write_atomic

    if csv_to is not None:
        from privxray.reports.findings_csv import findings_csv

        write_atomic(csv_to, findings_csv(report), overwrite=force)
        tell("Every finding is in the file that --csv names.")
    if page_to is not None:
        from privxray.workflow.images.compose_check_page import compose_check_page

        options = [] if found is None else ["--ocr"]
        with progress("Drawing") as bar:
            html = compose_check_page(report, found, options=options, progress=bar)
        write_atomic(page_to, html.encode(), overwrite=force)
        tell("The page that --report names can be printed and signed. It stays in the hospital.")
