"""``check --json`` and ``--jsonl``: printed file by file, and what a whole object would be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from privxray.cli.check_json import print_lines, print_object
from privxray.deid.findings import rules
from privxray.deid.findings.report import FileReport, Report
from privxray.deid.pixels.text.text_box import TextBox
from privxray.deid.sources.source_file import SourceFile
from privxray.workflow.images.search_pixels import SearchedFiles, SearchedPixels

FILE = SourceFile.on_disk(Path("a.dcm"))
REPORT = Report(
    (
        FileReport(
            "a.dcm",
            SourceFile.on_disk(Path("a.dcm")),
            "fail",
            (rules.REMOVE.at("(0010,0010)", 'A "name"'),),
            "",
        ),
        FileReport("b.dcm", FILE, "pass", (), ""),
    )
)
BOX = TextBox(0, 1, 2, 3, 4, 0.5, "error", "Anna")


def searched(*found: SearchedPixels) -> SearchedFiles:
    files = SearchedFiles()
    for place, one in enumerate(found):
        files.add(place, one)
    return files


FOUND = searched(SearchedPixels((BOX, BOX), 1), SearchedPixels((), 1))


def expected(found: SearchedFiles | None, more: Mapping[str, Any], *, text: bool) -> dict[str, Any]:
    box = {"file": "a.dcm", "frame": 0, "x": 1, "y": 2, "width": 3, "height": 4, "confidence": 0.5}
    box |= {"severity": "error"} | ({"text": "Anna"} if text else {})
    boxes = [box] * sum(len(one.boxes) for one in (found or {}).values())
    pixels = None if found is None else {"searched": len(found), "no_text_found": 1, "boxes": boxes}
    return {**REPORT.to_json(), "pixels": pixels, **more}


@pytest.mark.parametrize("found", [None, FOUND, searched(SearchedPixels((), 1))], ids=["no", "text", "none"])
@pytest.mark.parametrize("more", [{}, {"passed_over_files": ["x.csv"]}], ids=["", "listed"])
@pytest.mark.parametrize("text", [False, True])
def test_an_object_is_printed_as_if_it_were_whole(
    found: SearchedFiles | None, more: dict[str, Any], text: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    print_object(REPORT, found, more, show_text=text)
    assert capsys.readouterr().out == json.dumps(expected(found, more, text=text), indent=2) + "\n"


def test_lines_say_the_same_file_by_file(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(REPORT, FOUND, {"passed_over_files": []}, show_text=False)
    first, second, last = map(json.loads, capsys.readouterr().out.splitlines())
    whole = expected(FOUND, {}, text=False)
    boxes = [{key: value for key, value in box.items() if key != "file"} for box in whole["pixels"]["boxes"]]
    assert first == whole["files"][0] | {"boxes": boxes}
    assert second == whole["files"][1] | {"boxes": []}
    counts = {"searched": 2, "no_text_found": 1}
    assert last == {
        "verdict": "fail",
        "profile": "profile basic",
        "files": 2,
        "pixels": counts,
        "passed_over_files": [],
    }


def test_where_pixels_were_not_searched_a_line_has_no_boxes(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(REPORT, None, {}, show_text=False)
    *files, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert files == REPORT.to_json()["files"]
    assert last["pixels"] is None
    print_lines(REPORT, searched(), {}, show_text=False)
    assert json.loads(capsys.readouterr().out.splitlines()[0])["boxes"] is None
