"""A name in a comment of compressed pixel data is found, wherever the codestream allows one."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from deid_samples import clean, encode
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import IN_STREAM, CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.dicomfile.file_reader import FileReader
from privxray.deid.dicomfile.frame_segments import non_picture_parts
from privxray.deid.judging.leak_findings import leaks_in_dicom
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.profile.profile_file import load_profile

NAME = b"for Zwiebelmann, Anna"
LEAKS = LeakSearch([("name", "Zwiebelmann^Anna")])
PICTURE = np.random.default_rng(1).integers(0, 256, (16, 16)).astype(np.uint8)


def stream(kind: str, **options: object) -> bytes:
    out = BytesIO()
    Image.fromarray(PICTURE).save(out, kind, **options)
    return out.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


JPEG = stream("JPEG", progressive=True)
J2K = stream("JPEG2000", no_jp2=True)
SCAN = JPEG.index(b"\xff\xda")
SECOND_SCAN = JPEG.index(b"\xff\xda", SCAN + 2)
TILE = J2K.index(b"\xff\x90")
DATA = J2K.index(b"\xff\x93", TILE)


def in_tile_header() -> bytes:
    """The tile's header grows, and so does the length that it states."""
    comment = segment(0x64, b"\0\1" + NAME)
    size = int.from_bytes(J2K[TILE + 6 : TILE + 10], "big") + len(comment)
    return J2K[: TILE + 6] + size.to_bytes(4, "big") + J2K[TILE + 10 : DATA] + comment + J2K[DATA:]


EARLY = {
    "COM": JPEG[:2] + segment(0xFE, NAME) + JPEG[2:],
    "APP1": JPEG[:2] + segment(0xE1, b"Exif\0\0" + NAME) + JPEG[2:],
    "after 40 KB of tables": JPEG[:2] + segment(0xDB, bytes(40_000)) + segment(0xFE, NAME) + JPEG[2:],
    "COM of JPEG 2000": J2K[:TILE] + segment(0x64, b"\0\1" + NAME) + J2K[TILE:],
    "box of JP2": b"\0\0\0\x0cjP  \r\n\x87\n" + (len(NAME) + 8).to_bytes(4, "big") + b"xml " + NAME + J2K,
    "user data of video": b"\0\0\1\xb3" + bytes(40) + b"\0\0\1\xb2" + NAME,
}
LATE = {
    "between two scans": JPEG[:SECOND_SCAN] + segment(0xFE, NAME) + JPEG[SECOND_SCAN:],
    "after the end": JPEG + NAME,
    "in a tile's header": in_tile_header(),
    "after the end of JPEG 2000": J2K + NAME,
}


def file_with(frames: list[bytes], per_frame: int = 1) -> bytes:
    ds = clean()
    ds.Rows = ds.Columns = 16
    ds.NumberOfFrames = len(frames)
    ds.PatientName = "Zwiebelmann^Anna"
    ds.PixelData = encapsulate(frames, fragments_per_frame=per_frame)
    ds["PixelData"].VR = "OB"
    return encode(ds, JPEGBaseline8Bit)


def leaks_of(data: bytes) -> set[str]:
    return {finding.where for finding in leaks_in_dicom(LEAKS, data) if finding.rule == "leak-bytes"}


@pytest.mark.parametrize("per_frame", [1, 3])
@pytest.mark.parametrize("place", EARLY)
def test_the_check_finds_it_before_the_first_scan(place: str, per_frame: int) -> None:
    before = [J2K] if "2" in place else [JPEG] if "video" not in place else []  # a video is one stream
    assert leaks_of(file_with([*before, EARLY[place]], per_frame=per_frame)) == {"(7FE0,0010)"}
    assert leaks_of(file_with([JPEG, J2K])) == set()


@pytest.mark.parametrize("place", [*EARLY, *LATE])
def test_deidentify_finds_it_everywhere(place: str) -> None:
    settings_ = CopySettings(load_profile("basic"), Pseudonyms(b"k" * 32))
    data = (EARLY | LATE)[place]
    with pytest.raises(NotCleanError, match=IN_STREAM):
        deidentify(file_with([data]), settings_)
    deidentify(file_with([JPEG]), settings_)


def test_native_pixels_are_left_alone() -> None:
    ds = clean()
    ds.PixelData = (NAME * 8)[:64]
    data = encode(ds)
    assert leaks_of(data) == set()
    reader = FileReader(data)
    list(reader.walk_meta())
    (element,) = (each for each in reader.walk_data_set() if each.tag == 0x7FE00010)
    assert b"".join(non_picture_parts(data, element.start, element.end, whole=True)) == b""


def test_the_offset_table_is_searched_and_rle_gives_its_beginning() -> None:
    parts = (NAME, bytes(64) + b"frame")
    data = b"".join(b"\xfe\xff\x00\xe0" + len(part).to_bytes(4, "little") + part for part in parts)
    assert list(non_picture_parts(data, 0, len(data), whole=False)) == [*parts]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([*EARLY.values(), *LATE.values()]),
    st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=4), st.integers(0, 4)), max_size=4),
    st.booleans(),
)
def test_damaged_streams_end_somewhere(data: bytes, cuts: list[tuple[int, bytes, int]], whole: bool) -> None:
    for at, put, drop in cuts:
        data = data[: at % len(data)] + put + data[at % len(data) + drop :]
    value = encapsulate([data or b"\0"])
    parts = list(non_picture_parts(value, 0, len(value), whole=whole))
    assert all(part in value for part in parts)
