"""``privxray check --ocr``, ``--report`` and ``--csv`` as they are typed."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import io
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from played_study import Result, typed

sys.path.append(str(Path(__file__).parents[1] / "unit"))
import deid_samples as samples

NAME = "QUACKENBUSH ANNA"
READ = re.compile("quackenbush|anna", re.IGNORECASE)
BOX = (20, 150)


def radiograph(text: str, **changes: object) -> bytes:
    """De-identified in what is written beside the pixels."""
    ds = samples.clean()
    picture = Image.fromarray(np.random.default_rng(len(text)).normal(90, 3, (256, 320)).astype(np.uint8))
    ImageDraw.Draw(picture).text(BOX, text, fill=240, font=ImageFont.load_default(24))
    ds.Rows, ds.Columns = 256, 320
    ds.PixelData = np.asarray(picture).tobytes()
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"2.25.{100 + len(text)}"
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return samples.encode(ds)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("rapidocr") is None:
        pytest.skip("the extra ocr is not installed")
    folder = tmp_path_factory.mktemp("checked")
    (folder / "set").mkdir()
    (folder / "set" / "im1.dcm").write_bytes(radiograph(NAME, BurnedInAnnotation="NO"))
    (folder / "set" / "im2.dcm").write_bytes(radiograph("R"))
    (folder / "set" / "im3.dcm").write_bytes(radiograph(""))
    (folder / "set" / "Quackenbush.dcm").write_bytes(radiograph("")[:-9])
    (folder / "set" / "=im4.png").write_bytes(samples.png())
    return folder


@pytest.fixture(scope="module")
def checked(folder: Path) -> Result:
    return check(folder, "--ocr", "--report", folder / "out.html", "--csv", folder / "out.csv", "--json")


def check(folder: Path, *options: str | Path) -> Result:
    return typed(["check", str(folder / "set"), "--jobs", "1", *map(str, options)])


def test_what_is_found_is_told_and_what_was_read_is_not(folder: Path, checked: Result) -> None:
    assert checked.code == 3
    pixels = checked.json["pixels"]
    assert (pixels["searched"], pixels["no_text_found"]) == (4, 2)
    (name, marker) = sorted(pixels["boxes"], key=lambda box: box["severity"])
    assert (name["file"], name["severity"], marker["severity"]) == ("im1.dcm", "error", "notice")
    assert name["x"] <= BOX[0] + 4
    assert name["x"] + name["width"] > 220
    assert abs(name["y"] - BOX[1]) < 12
    assert "text" not in name
    files = {file["file"]: file for file in checked.json["files"]}
    assert files["im1.dcm"]["verdict"] == "fail"  # whatever (0028,0301) says
    assert files["im2.dcm"]["verdict"] == files["im3.dcm"]["verdict"] == "pass"
    said = checked.out + checked.err + (folder / "out.html").read_text() + (folder / "out.csv").read_text()
    assert not READ.search(said)


def test_the_text_is_shown_only_where_that_is_typed_and_in_no_file(folder: Path, tmp_path: Path) -> None:
    shown = check(
        folder, "--ocr", "--show-text", "--report", tmp_path / "a.html", "--csv", tmp_path / "a.csv"
    )
    assert READ.search(shown.out + shown.err)
    assert "no proof" in shown.out + shown.err
    assert "clean" not in (shown.out + shown.err).replace("must be cleaned", "")
    assert not READ.search((tmp_path / "a.html").read_text() + (tmp_path / "a.csv").read_text())
    assert any(
        "text" in box for box in check(folder, "--ocr", "--show-text", "--json").json["pixels"]["boxes"]
    )


def test_without_ocr_nobody_looked(folder: Path) -> None:
    plain = check(folder, "--json")
    assert plain.json["pixels"] is None
    assert "pixels were not searched" in check(folder).err + check(folder).out


class Page(HTMLParser):
    """The pictures, and whatever would fetch something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pictures: list[str] = []
        self.tags: set[str] = set()
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for key, value in attrs:
            if key in ("src", "href", "action", "data") and value and not value.startswith(("#", "data:")):
                self.outside.append(value)
            if key == "src" and value:
                self.pictures.append(value)


@pytest.mark.usefixtures("checked")
def test_the_page_needs_nothing_else_and_covers_the_text(folder: Path) -> None:
    text = (folder / "out.html").read_text()
    page = Page(text)
    assert page.outside == []
    assert "script" not in page.tags
    assert "default-src 'none'" in text
    assert 'href="#findings"' in text  # the keyboard skips to them
    assert text.index("Not passed: 2 of 5") < text.index("Findings by what to do") < text.index("Signature")
    digests = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "set").iterdir())
    assert hashlib.sha256("".join(f"{one}\n" for one in digests).encode()).hexdigest() in text
    assert len(page.pictures) == 2
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(page.pictures[0].split(",")[1]))))
    inside = shown[BOX[1] + 8 : BOX[1] + 20, BOX[0] + 8 : 200]
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) == 1  # one flat colour, where the name was
    assert "PS3.15 E.3.1" in text


@pytest.mark.usefixtures("checked")
def test_the_csv_has_every_finding_and_no_formula(folder: Path, checked: Result) -> None:
    rows = list(csv.DictReader(io.StringIO((folder / "out.csv").read_text())))
    assert {row["verdict"] for row in rows} == {"pass", "fail", "error"}
    found = sum(len(file["findings"]) for file in checked.json["files"])
    assert sum(bool(row["rule"]) for row in rows) == found
    assert all(len(row["sha256"]) == 64 for row in rows)
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


@pytest.mark.usefixtures("checked")
def test_files_to_write_are_refused_before_the_check(folder: Path, tmp_path: Path) -> None:
    for option, name in (("--report", "out.html"), ("--csv", "out.csv")):
        before = (folder / name).read_bytes()
        taken = check(folder, option, folder / name)
        assert taken.code == 4
        assert taken.err.count("\n") == 1
        assert f"{name}: it exists already" in taken.err
        assert (folder / name).read_bytes() == before
        assert check(folder, option, tmp_path / "none" / name).code == 2
    (tmp_path / "again.csv").write_text("old")
    assert check(folder, "--csv", tmp_path / "again.csv", "--force").code == 3
    assert "verdict" in (tmp_path / "again.csv").read_text()
    assert (tmp_path / "again.csv").stat().st_mode & 0o077 == 0
    alone = check(folder, "--show-text")
    assert alone.code == 2
    assert "--ocr" in alone.err


def test_a_set_that_passes_says_so_on_its_page(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "im3.dcm").write_bytes(radiograph(""))
    done = check(tmp_path, "--report", tmp_path / "out.html")
    assert done.code == 0
    text = (tmp_path / "out.html").read_text()
    assert "Passed: no rule found an error" in text
    assert "The pixels were not searched for text." in text
    assert "does not prove" in text
