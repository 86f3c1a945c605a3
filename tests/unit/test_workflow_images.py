"""Folders of copies, their labels, and the search of pixels with a search that is played."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import deid_samples as samples
import numpy as np
import pytest
from imaging_samples import dicom, ramp, written
from PIL import Image

from privxray.deid.cleaning.copies.manifest import Entry, Manifest
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.findings import rules
from privxray.deid.findings.report import Report
from privxray.deid.judging.check import check_paths
from privxray.deid.pixels.text.text_box import TextBox
from privxray.deid.sources.source import Source
from privxray.deid.sources.source_file import SourceFile
from privxray.errors import MalformedError, RefusedError
from privxray.imaging.labelling.row import Row
from privxray.naming.patient_id import PatientId
from privxray.reports.check_page import CheckFacts, check_page, set_digest
from privxray.reports.findings_csv import COLUMNS, findings_csv
from privxray.reports.rendering import render
from privxray.reports.thumbnails import SIDE, thumbnail
from privxray.workflow.images.compose_check_page import compose_check_page
from privxray.workflow.images.copies_folder import digest_of, open_copies, problem_of_copy
from privxray.workflow.images.labels_of_copies import labels_of_copies, write_labels
from privxray.workflow.images.make_copies import CopyRun
from privxray.workflow.images.search_pixels import (
    SearchedPixels,
    findings_in_pixels,
    search_planes,
    search_report,
    where,
    without_text,
)

KEY = bytes(range(32))
NAMES = Pseudonyms(KEY)
READ = "QUACKENBUSH"


def box(severity: Any = "error", frame: int = 0, x: int = 4) -> TextBox:
    return TextBox(frame, x, 6, 12, 8, 0.9, severity, READ)


@pytest.fixture
def manifest(tmp_path: Path) -> Any:
    with Manifest(tmp_path / "data", KEY) as opened:
        yield opened


# Copies


def test_a_copy_stands_for_its_source_while_neither_has_changed(tmp_path: Path, manifest: Manifest) -> None:
    dest, source = tmp_path / "copies", tmp_path / "source.dcm"
    open_copies(manifest, dest, "settings")
    source.write_bytes(b"source")
    (dest / "copy.dcm").write_bytes(b"copy")
    file = SourceFile.on_disk(source)
    state = source.stat()
    entry = Entry(
        state.st_size, state.st_mtime_ns, digest_of(source), digest_of(dest / "copy.dcm"), "copy.dcm"
    )
    manifest.note(dest, file, entry)
    assert problem_of_copy(manifest, dest, file, entry) == ""
    touched = replace(entry, changed=1)
    assert problem_of_copy(manifest, dest, file, touched) == ""
    assert manifest.find(dest, file) == entry  # the manifest knows the new time
    (dest / "copy.dcm").write_bytes(b"other")
    assert "not what an earlier run wrote" in problem_of_copy(manifest, dest, file, entry)
    (dest / "copy.dcm").unlink()
    assert "not what an earlier run wrote" in problem_of_copy(manifest, dest, file, entry)
    source.write_bytes(b"another source")
    assert "it has changed since" in problem_of_copy(manifest, dest, file, entry)
    run = CopyRun(dest, manifest)
    assert (run.made, run.before, run.quarantined) == (0, 0, ())


def test_a_folder_of_copies_is_for_one_kind(tmp_path: Path, manifest: Manifest) -> None:
    open_copies(manifest, tmp_path / "copies", "settings")
    open_copies(manifest, tmp_path / "copies", "settings")
    with pytest.raises(RefusedError) as caught:
        open_copies(manifest, tmp_path / "copies", "others")
    assert caught.value.reason == "copies.other-settings"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(RefusedError) as caught:
        open_copies(manifest, tmp_path / "full", "settings")
    assert caught.value.reason == "copies.folder-not-empty"


def test_labels_have_the_copies_names_and_pseudonyms(tmp_path: Path, manifest: Manifest) -> None:
    rows = [
        Row(2, PurePosixPath("a.png"), PatientId("Anna"), "normal", "train", None),
        Row(3, PurePosixPath("b.png"), PatientId("Berta"), "virus", "val", None),
    ]
    copies = {os.path.realpath(tmp_path / "a.png"): "x/y.png"}
    text, count = labels_of_copies(copies, Source(tmp_path), rows, NAMES, "labels.csv")
    assert count == 1
    assert text == f"image,patient,label,split\nx/y.png,{NAMES.patient('Anna')},normal,train\n".encode()
    bad = [replace(rows[0], label="Anna (8 years)")]
    with pytest.raises(MalformedError, match="row 2") as caught:
        labels_of_copies(copies, Source(tmp_path), bad, NAMES, "labels.csv")
    assert caught.value.reason == "labels.not-a-class"
    open_copies(manifest, tmp_path / "copies", "settings")
    write_labels(manifest, tmp_path / "copies", text)
    write_labels(manifest, tmp_path / "copies", text + b"more")
    (tmp_path / "copies" / "labels.csv").write_text("mine")
    with pytest.raises(RefusedError) as refused:
        write_labels(manifest, tmp_path / "copies", text)
    assert refused.value.reason == "copies.other-labels"


# The search of pixels


def searched_set(tmp_path: Path) -> Report:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "im1.dcm").write_bytes(written(dicom(ramp())))
    (folder / "im2.dcm").write_bytes(written(dicom(ramp() + 1)))
    (folder / "im3.dcm").write_bytes(samples.encode(samples.clean())[:-9])
    return check_paths([folder])


def test_findings_in_pixels_join_those_of_the_check(tmp_path: Path) -> None:
    report = searched_set(tmp_path)
    seen: list[int] = []

    def find(pixels: Any, frame: int) -> list[TextBox]:
        seen.append(frame)
        return [box()] if len(seen) == 1 else []

    steps: list[tuple[int, int]] = []
    found_report, found = search_report(report, find, progress=lambda *step: steps.append(step))
    assert [file.verdict for file in found_report.files] == ["fail", "pass", "error"]
    assert set(found) == {0, 1}  # a file that can't be checked fails already
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert without_text(found) == 1
    (finding,) = [one for one in found_report.files[0].findings if one.rule == rules.PIXEL_TEXT.id]
    assert finding.where == where(box()) == "pixels 12x8 at 4,6, frame 0, confidence 0.90"
    assert READ not in repr(found_report) + repr(found)


def test_a_caption_is_named_once_and_text_takes_the_place_of_a_marker() -> None:
    frames = np.stack([ramp(), ramp(), ramp()[::-1], ramp()[:, ::-1]])
    ds = dicom(ramp(), NumberOfFrames=4)
    ds.PixelData = frames.tobytes()
    answers = {0: [box("notice")], 2: [box("error", 2, x=5)], 3: [box("error", 3, x=30)]}
    from privxray.imaging.planes import planes

    asked: list[int] = []

    def find(pixels: Any, frame: int) -> list[TextBox]:
        asked.append(frame)
        return answers[frame]

    found = search_planes(planes(written(ds), name="im"), find)
    assert asked == [0, 2, 3]  # frame 1 has the bytes of frame 0
    assert (found.frames, found.trouble) == (4, "")
    assert [(one.severity, one.frame) for one in found.boxes] == [("error", 2), ("error", 3)]


def test_a_search_that_ends_early_says_so() -> None:
    findings = findings_in_pixels(written(dicom(ramp()))[:-50], lambda *_: [])
    assert [finding.rule for finding in findings] == [rules.PIXELS_UNSEEN.id]


# The page and the csv


def test_the_page_shows_covered_pictures_and_no_text(tmp_path: Path) -> None:
    report = searched_set(tmp_path)
    found = {0: SearchedPixels((box(), box("notice", 0, 20)), 1), 1: SearchedPixels((), 1)}
    html = "".join(compose_check_page(report, found, options=["--ocr"]))
    assert html.count("data:image/png;base64,") == 1
    assert "1 × text" in html
    assert "1 × marker" in html
    assert "text or markers in 1, no text found in 1" in html
    assert READ not in html
    facts = CheckFacts("1", "today", (), left_out=3)
    assert "The pixels were not searched for text." in "".join(check_page(report, facts))
    digest, count = set_digest(report.files)
    assert (len(digest), count) == (64, 3)
    assert digest in html


def test_values_in_a_page_are_escaped_and_a_missing_one_is_an_error() -> None:
    with pytest.raises(Exception, match="undefined"):
        render("check.html")


def test_under_a_box_no_pixel_of_a_thumbnail_depends_on_the_text() -> None:
    plain = np.full((64, 64), 90, np.uint8)
    text = plain.copy()
    text[6:14, 4:16] = np.random.default_rng(1).integers(0, 256, (8, 12))
    assert thumbnail(plain, [box()]) == thumbnail(text, [box()])
    large = thumbnail(np.zeros((2000, 1000), np.uint16), [])
    assert Image.open(io.BytesIO(base64.b64decode(large.split(",")[1]))).size == (SIDE // 2, SIDE)


def test_a_csv_has_a_row_for_each_finding_and_for_each_file_without_any(tmp_path: Path) -> None:
    report = searched_set(tmp_path)
    named = replace(report, files=(replace(report.files[0], name="=cmd()", findings=()),))
    lines = b"".join(findings_csv(named)).decode("utf-8-sig").split("\r\n")
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1].startswith("'=cmd(),pass,,,")
    assert len(b"".join(findings_csv(report)).decode("utf-8-sig").splitlines()) > 3
