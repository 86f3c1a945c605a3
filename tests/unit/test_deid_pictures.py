"""JPEG and PNG containers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from deid_samples import chunk, jpeg, png, segment
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from privxray.deid.judging.check import check_bytes

JPEG = jpeg()
PNG = png()
FIRST_CHUNK_END = 33


def found(data: bytes) -> tuple[str, set[tuple[str, str, str]]]:
    report = check_bytes(data, name="x", path=Path("x"))
    return report.verdict, {(f.rule, f.severity, f.where) for f in report.findings}


def exif() -> Image.Exif:
    tags = Image.Exif()
    tags[0x010E] = "a description"
    return tags


@pytest.mark.parametrize(
    "data",
    [
        JPEG,
        jpeg(progressive=True),
        jpeg(optimize=True, quality=95),
        PNG,
        png(optimize=True),
        png(dpi=(72, 72)),
    ],
)
def test_plain_pictures_have_no_finding(data: bytes) -> None:
    assert found(data) == ("pass", set())


def test_colour_jpeg_with_adobe_segment_has_no_finding() -> None:
    stream = io.BytesIO()
    Image.new("CMYK", (16, 16)).save(stream, "JPEG")
    assert b"Adobe" in stream.getvalue()
    assert found(stream.getvalue()) == ("pass", set())


@pytest.mark.parametrize(
    ("data", "rule", "where"),
    [
        (jpeg(exif=exif()), "picture/exif", "APP1"),
        (jpeg(comment="a comment"), "picture/comment", "COM"),
        (jpeg(xmp=b"<x:xmpmeta/>"), "picture/xmp", "APP1"),
        (JPEG[:2] + segment(0xED, b"Photoshop 3.0\0" + b"8BIM") + JPEG[2:], "picture/iptc", "APP13"),
        (JPEG[:2] + segment(0xE0, b"JFXX\0\x10") + JPEG[2:], "picture/thumbnail", "APP0"),
        (JPEG[:2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\1abc") + JPEG[20:], "picture/thumbnail", "APP0"),
        (JPEG[:2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0abc") + JPEG[20:], "picture/extra", "APP0"),
        (JPEG[:2] + segment(0xE1, b"something") + JPEG[2:], "picture/extra", "APP1"),
        (JPEG[:2] + segment(0xE2, b"MPF\0") + JPEG[2:], "picture/extra", "APP2"),
        (JPEG[:2] + segment(0xEE, b"Adobe" + bytes(20)) + JPEG[2:], "picture/extra", "APP14"),
        (JPEG[:-2] + segment(0xFE, b"late") + JPEG[-2:], "picture/comment", "COM"),
        (JPEG + b"PK\3\4", "picture/trailing", "file"),
        (png(exif=exif()), "picture/exif", "eXIf"),
        (PNG[:FIRST_CHUNK_END] + chunk(b"tIME", bytes(7)) + PNG[FIRST_CHUNK_END:], "picture/time", "tIME"),
        (PNG[:FIRST_CHUNK_END] + chunk(b"joHn", b"Doe") + PNG[FIRST_CHUNK_END:], "picture/extra", "chunk"),
        (PNG[:FIRST_CHUNK_END] + chunk(b"sTER", b"Doe") + PNG[FIRST_CHUNK_END:], "picture/extra", "sTER"),
        (PNG[:-12] + chunk(b"IEND", b"Doe"), "picture/extra", "IEND"),
        (PNG + b"Doe", "picture/trailing", "file"),
    ],
)
def test_what_is_beside_the_picture_fails_it(data: bytes, rule: str, where: str) -> None:
    assert found(data) == ("fail", {(rule, "error", where)})


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt"])
def test_png_text(kind: str) -> None:
    info = PngInfo()
    if kind == "iTXt":
        info.add_itxt("Author", "somebody")
    else:
        info.add_text("Author", "somebody", zip=kind == "zTXt")
    assert found(png(pnginfo=info)) == ("fail", {("picture/text", "error", kind)})


def test_colour_profiles_are_a_notice() -> None:
    assert found(jpeg(icc_profile=b"profile")) == ("pass", {("picture/profile", "notice", "APP2")})
    assert found(png(icc_profile=b"profile")) == ("pass", {("picture/profile", "notice", "iCCP")})


def test_zero_bytes_at_the_end_are_a_notice() -> None:
    assert found(JPEG + bytes(5)) == ("pass", {("picture/trailing-zeros", "notice", "file")})
    assert found(PNG + bytes(5)) == ("pass", {("picture/trailing-zeros", "notice", "file")})


@pytest.mark.parametrize("whole", [JPEG, jpeg(progressive=True), PNG])
def test_every_truncation_is_an_error(whole: bytes) -> None:
    assert {found(whole[:cut])[0] for cut in range(len(whole))} == {"error"}


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xfe\x00\x01" + JPEG[2:],
        JPEG[:2] + b"gap" + JPEG[2:],
        JPEG[:2] + segment(0xF1, b"") + JPEG[2:],
        JPEG[:-2] + JPEG[2:],  # two pictures in one
        PNG[:8] + PNG[-12:],
        PNG[:FIRST_CHUNK_END] + PNG[-12:],
        PNG[:40] + bytes([PNG[40] ^ 1]) + PNG[41:],
        b"GIF89a" + bytes(200),
    ],
)
def test_broken_pictures_are_an_error(data: bytes) -> None:
    assert found(data)[0] == "error"


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([JPEG[:2], JPEG[:100], PNG[:8], PNG[:FIRST_CHUNK_END]]), st.binary(max_size=200))
def test_arbitrary_bytes_never_pass(head: bytes, tail: bytes) -> None:
    assert found(head + tail)[0] == "error"


@settings(max_examples=200, deadline=None)
@given(st.integers(8, len(PNG) - 1), st.integers(1, 255))
def test_no_altered_png_passes(position: int, change: int) -> None:
    altered = PNG[:position] + bytes([PNG[position] ^ change]) + PNG[position + 1 :]
    assert found(altered)[0] == "error"


def test_real_radiographs_have_no_finding(xrays: Path) -> None:
    pictures = sorted((xrays / "images").iterdir())[::9]
    assert len(pictures) > 400
    assert {found(path.read_bytes()) == ("pass", set()) for path in pictures} == {True}
