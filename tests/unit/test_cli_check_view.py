"""What ``check`` prints about the pixels that it searched."""

from __future__ import annotations

from pathlib import Path

import pytest

from privxray.cli.check_view import show_pixels
from privxray.deid.findings.report import FileReport, Report
from privxray.deid.pixels.text.text_box import TextBox
from privxray.deid.sources.source_file import SourceFile
from privxray.workflow.images.search_pixels import SearchedPixels

REPORT = Report(
    tuple(FileReport(name, SourceFile.on_disk(Path(name)), "pass", (), "") for name in ("a.dcm", "b.dcm"))
)
CLEAR = SearchedPixels((), 1)
MARKED = SearchedPixels((TextBox(0, 1, 2, 3, 4, 0.5, "notice", "R"),), 1)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({0: CLEAR, 1: MARKED}, "No text was found in 1; that is no proof that there is none."),
        ({0: MARKED, 1: MARKED}, "Each has text or markers, or could not be searched to the end."),
    ],
)
def test_how_many_have_no_text(
    found: dict[int, SearchedPixels], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    show_pixels(REPORT, found, show_text=False)
    assert capfd.readouterr().err == f"The pixels of 2 of 2 files were searched. {said}\n"
