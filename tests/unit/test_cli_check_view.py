"""What ``check`` prints: findings by what to do about them, and what was searched in the pixels."""

from __future__ import annotations

from pathlib import Path

import pytest

from privxray.cli.check_view import show_findings, show_pixels
from privxray.deid.findings import rules
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


def test_findings_are_grouped_by_what_to_do_about_them(capfd: pytest.CaptureFixture[str]) -> None:
    found = (
        rules.TRAILING_ZEROS.at("file"),
        rules.REPLACE.at(0x00100010),
        rules.UNREADABLE.because("cut off"),
        rules.REMOVE.at(0x00101000),
        rules.PIXEL_TEXT.at("frame 1"),
    )
    file = FileReport("a.dcm", SourceFile.on_disk(Path("a.dcm")), "fail", found, "")
    show_findings(Report((file,)))
    shown = capfd.readouterr().out
    headings = [
        "Must be mended before use.\nprivxray deidentify FOLDER COPIES writes",
        "Must be mended before use: text in the picture",
        "Can't be judged.\nLeave the file out",
        "Look at each and decide",
        "To know.\nThere is nothing to do.",
    ]
    places = [shown.index(heading) for heading in headings]
    assert places == sorted(places)
    assert shown.index("E.1-1/X") < places[1] < shown.index("pixels/text") < places[2]
    assert "name of a file" not in shown  # a group without findings
