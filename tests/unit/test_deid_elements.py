"""The reader of data elements: it agrees with pydicom, accounts for every byte, and survives anything."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from deid_samples import clean, element, encode, sequence
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from privxray.deid.dicomfile.element import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, DamagedError
from privxray.deid.dicomfile.element_reader import MAX_DEPTH, NOT_ELEMENTS, TOO_DEEP, TRUNCATED, ElementReader
from privxray.deid.dicomfile.file_reader import NOT_INFLATED
from privxray.deid.dicomfile.part10 import completed, read_part10, write_part10
from privxray.deid.judging.check import check_bytes
from privxray.deid.judging.dicom_scan import scan_dicom

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
BASE = encode(clean())
UNDEFINED = 0xFFFFFFFF
NOT_WHOLE = {
    # no file meta, and more than one way to read it
    "no_meta.dcm",
    # what their names say
    "MR_truncated.dcm",
    "rtplan_truncated.dcm",
    "meta_missing_tsyntax.dcm",
}


def verdict(data: bytes) -> str:
    return check_bytes(data, name="x", path=Path("x")).verdict


def places(ds: Dataset, prefix: str = "") -> Iterator[str]:
    for item in ds:
        where = f"{prefix}({item.tag.group:04X},{item.tag.element:04X})"
        yield where
        if item.VR == "SQ":
            for number, nested in enumerate(item.value):
                yield from places(nested, f"{where}[{number}]/")


@pytest.mark.parametrize("path", sorted(FILES.glob("*.dcm")), ids=lambda path: path.name)
def test_sees_the_same_elements_as_pydicom(path: Path) -> None:
    data = path.read_bytes()
    scan = scan_dicom(data)
    assert bool(scan.damage) == (path.name in NOT_WHOLE)
    if path.name in NOT_WHOLE:
        return
    data = completed(data)  # pydicom wants a preamble and file meta
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(BytesIO(data))
        syntax = ds.file_meta.TransferSyntaxUID
        if syntax.is_deflated:
            return  # compared by its findings elsewhere
        start = data.index(b"DICM") + 4
        meta = ElementReader(data, start, EXPLICIT_LITTLE, only_group=2)
        assert [e.where for e in meta.walk()] == list(places(ds.file_meta))
        encoding = IMPLICIT_LITTLE if syntax.is_implicit_VR else EXPLICIT_LITTLE
        encoding = EXPLICIT_BIG if syntax == ExplicitVRBigEndian else encoding
        seen = [e.where for e in ElementReader(data, meta.position, encoding).walk()]
        expected = list(places(ds))
    # pydicom iterates in the order of the tags, the file need not be in it
    assert sorted(seen) == sorted(expected)


def test_every_truncation_fails() -> None:
    whole = BASE
    # A cut between two elements leaves a whole file; that the pixel data is gone is not this check's matter.
    boundary = whole.index(b"\xe0\x7f\x10\x00")
    passing = [cut for cut in range(0, len(whole)) if verdict(whole[:cut]) == "pass"]
    assert all(cut < len(whole) - 64 for cut in passing)
    read = {e.where for e in ElementReader(whole, whole.index(b"\x08\0\x16\0UI"), EXPLICIT_LITTLE).walk()}
    assert len(passing) <= len(read)  # only between two elements
    assert boundary in passing


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian])
def test_truncation_in_nested_sequences_never_passes_in_silence(syntax: str) -> None:
    ds = clean()
    inner = Dataset()
    inner.CodeMeaning = "x" * 30
    outer = Dataset()
    outer.ConceptNameCodeSequence = [inner, inner]
    ds.ProcedureCodeSequence = [outer]
    data = encode(ds, syntax)
    tag = b"\x00\x08\x10\x32" if syntax == ExplicitVRBigEndian else b"\x08\x00\x32\x10"
    start = data.index(tag)
    end = start + (8 if syntax == ImplicitVRLittleEndian else 12) + 90
    assert {verdict(data[:cut]) for cut in range(start + 2, end)} == {"error"}


def nested(depth: int, *, undefined: bool) -> bytes:
    if not undefined:
        body = element(0x00100030, "DA", b"19520130")
        for _ in range(depth):
            body = sequence(0x00081115, [body])
        return body
    head = (
        b"\x08\x00\x15\x11SQ\0\0"
        + struct.pack("<L", UNDEFINED)
        + b"\xfe\xff\x00\xe0"
        + struct.pack("<L", UNDEFINED)
    )
    tail = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    return head * depth + element(0x00100030, "DA", b"19520130") + tail * depth


@pytest.mark.parametrize("undefined", [True, False])
def test_depth(undefined: bool) -> None:
    deepest = scan_dicom(BASE + nested(MAX_DEPTH, undefined=undefined))
    assert not deepest.damage
    where = "(0008,1115)[0]/" * MAX_DEPTH + "(0010,0030)"
    assert ("E.1-1/birth-date", where) in {(f.rule, f.where) for f in deepest.findings}
    for depth in (MAX_DEPTH + 1, 1000, 50_000 if undefined else 1000):
        assert scan_dicom(BASE + nested(depth, undefined=undefined)).damage == TOO_DEEP


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        (b"\x08\x00\x80\x00LO\xff\xff", TRUNCATED),
        (b"\x08\x00\x80\x00UT\0\0\xfe\xff\xff\xff", TRUNCATED),
        (b"\x08\x00\x80\x00UT\0\0\xff\xff\xff\xff", NOT_ELEMENTS),  # text of undefined length
        (b"\x08\x00\x80\x00UT\0\0", TRUNCATED),
        (b"\x08\x00\x80\x00ZZ\0\0", NOT_ELEMENTS),
        (b"\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff", TRUNCATED),
        (b"\x08\x00\x15\x11SQ\0\0\x08\0\0\0" + b"\xfe\xff\x00\xe0\x20\0\0\0", TRUNCATED),
        (b"\x08\x00\x15\x11SQ\0\0\x08\0\0\0" + b"Doe^John", NOT_ELEMENTS),
        (b"\xfe\xff\x0d\xe0\0\0\0\0", NOT_ELEMENTS),
        (b"\xfe\xff\x00\xe0\0\0\0\0", NOT_ELEMENTS),
        (b"\xe0\x7f\x08\x00OB\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff", NOT_ELEMENTS),
        (b"\xe0\x7f\x08\x00OB\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\x04\0\0\0abcd", TRUNCATED),
    ],
)
def test_damage(tail: bytes, why: str) -> None:
    assert scan_dicom(BASE + tail).damage == why


def test_an_element_can_not_reach_out_of_its_item() -> None:
    inside = element(0x00080060, "CS", b"CR")[:-2]  # its value would end in what follows the item
    with pytest.raises(DamagedError, match="ends in the middle"):
        list(ElementReader(sequence(0x00081115, [inside]) + bytes(100), 0, EXPLICIT_LITTLE).walk())


def test_encapsulated_pixel_data_is_stepped_over() -> None:
    data = BASE[: BASE.index(b"\xe0\x7f\x10\x00")]
    pixels = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\0\0\0\0"
    pixels += b"\xfe\xff\x00\xe0\x08\0\0\0\xff\xd8\xff\xff\xff\xff\xff\xd9\xfe\xff\xdd\xe0\0\0\0\0"
    assert verdict(data + pixels) == "pass"
    assert verdict(data + pixels + element(0xFFFAFFFA, "SQ", sequence(0x00081115, [])[:0])) == "pass"
    assert verdict(data + pixels + element(0x7FE10010, "LO", b"late")) == "fail"


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 131, b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM" + b"\2\0" * 9, b"x" * 500]
)
def test_no_dicom(data: bytes) -> None:
    assert verdict(data) == "error"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_a_verdict(tail: bytes) -> None:
    assert verdict(b"\0" * 128 + b"DICM" + tail) == "error"
    assert verdict(BASE + tail) in ("pass", "fail", "error")


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(BASE) - 1), st.integers(1, 255), st.sampled_from(["xor", "drop", "insert"]))
def test_altered_files_are_a_verdict(position: int, byte: int, how: str) -> None:
    middle = {"xor": bytes([BASE[position] ^ byte]), "drop": b"", "insert": bytes([byte, BASE[position]])}[
        how
    ]
    assert verdict(BASE[:position] + middle + BASE[position + 1 :]) in ("pass", "fail", "error")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFFFFFF),
            st.sampled_from(["SQ", "UN", "OB", "LO", "UI", "PN", "US", "UT"]),
            st.binary(max_size=24),
        ),
        max_size=6,
    )
)
def test_whole_elements_of_any_kind_are_seen(parts: list[tuple[int, str, bytes]]) -> None:
    data = b"".join(element(tag, vr, value) for tag, vr, value in parts)
    try:
        seen = [e.tag for e in ElementReader(data, 0, EXPLICIT_LITTLE).walk() if not e.prefix]
    except DamagedError:
        return
    if not parts or parts[0][0] & 0xFFFFFFFF:
        assert seen == [tag for tag, _, _ in parts][: len(seen)]
        assert len(seen) == len(parts) or 0 in [tag for tag, _, _ in parts]


def test_deflated_data_sets_are_whole() -> None:
    data = encode(clean(), DeflatedExplicitVRLittleEndian)
    start = scan_start(data)
    assert verdict(data) == "pass"
    assert {verdict(data[:cut]) for cut in range(start, len(data) - 2)} == {"error"}
    assert scan_dicom(data + b"Doe^John").damage == NOT_INFLATED
    plain = zlib.decompress(data[start:], -zlib.MAX_WBITS)
    trailer = struct.pack("<LL", zlib.crc32(plain), len(plain))
    late = raw_deflate(plain + element(0x7FE10010, "LO", b"late"))
    assert verdict(data[:start] + late) == "fail"
    assert verdict(data[:start] + raw_deflate(plain) + trailer) == "pass"
    assert verdict(data[:start] + raw_deflate(plain) + trailer[::-1]) == "error"


def scan_start(data: bytes) -> int:
    meta = ElementReader(data, 132, EXPLICIT_LITTLE, only_group=2)
    assert list(meta.walk())
    return meta.position


def raw_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def test_unknown_sequences_in_big_endian_are_little_endian() -> None:
    inside = b"\x10\x00\x30\x00\x08\x00\x00\x0019520130"
    item = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(inside)) + inside
    head = b"\x00\x08\x11\x15UN\0\0"
    data = head + b"\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    data += head + struct.pack(">L", len(item)) + item
    seen = [(e.where, e.value) for e in ElementReader(data, 0, EXPLICIT_BIG).walk()]
    assert seen == [("(0008,1115)", b""), ("(0008,1115)[0]/(0010,0030)", b"19520130")] * 2


def test_a_length_that_looks_like_letters_is_a_length() -> None:
    # 0x4141 bytes: in implicit VR the length then reads "AA", where explicit VR has its code
    inside = struct.pack("<HHL", 0x0010, 0x4000, 0x4141) + b"x" * 0x4141
    item = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(inside)) + inside
    data = (
        struct.pack("<HHL", 0x0008, 0x0060, 2) + b"CR" + struct.pack("<HHL", 0x0008, 0x1115, len(item)) + item
    )
    assert [e.where for e in ElementReader(data, 0, IMPLICIT_LITTLE).walk()] == [
        "(0008,0060)",
        "(0008,1115)",
        "(0008,1115)[0]/(0010,4000)",
    ]


def test_a_group_length_that_is_a_sequence_is_no_reason_to_stumble() -> None:
    hidden = sequence(0x00100000, [element(0x00100010, "PN", b"Doe^John")])
    place = BASE.index(b"\x10\0\x10\0PN")
    data = BASE[:place] + hidden + BASE[place:]
    assert verdict(data) == "fail"
    assert write_part10(read_part10(data).tree, ExplicitVRLittleEndian) == write_part10(
        read_part10(BASE).tree, ExplicitVRLittleEndian
    )
