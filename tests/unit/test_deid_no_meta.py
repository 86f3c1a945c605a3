"""Data sets without file meta: read where they can be read one way only, else refused with the reason."""

from __future__ import annotations

import io
import mmap
import random
import struct
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from deid_samples import clean, element, encode
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.dicomfile.element import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, DamagedError
from privxray.deid.dicomfile.element_reader import TRUNCATED
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.no_meta import AMBIGUOUS, COMPRESSED, bare_syntax, shown_encoding
from privxray.deid.dicomfile.part10 import completed, read_part10
from privxray.deid.findings import rules
from privxray.deid.judging.check import check_bytes, check_paths
from privxray.deid.profile.basic import basic_profile
from privxray.errors import MalformedError
from privxray.imaging.decode import display
from privxray.imaging.display.dicom_file import attributes
from privxray.imaging.planes import planes

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
SETTINGS = CopySettings(basic_profile(), Pseudonyms(b"k" * 32))


def whole(syntax: str = ExplicitVRLittleEndian) -> bytes:
    ds = clean()
    ds.PatientName = "Grid^Chest"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelData = np.arange(64, dtype="<u2" if syntax != ExplicitVRBigEndian else ">u2").tobytes()
    return encode(ds, syntax)


def split(data: bytes) -> tuple[bytes, bytes]:
    """The file meta and the data set."""
    end = 144 + int.from_bytes(data[140:144], "little")
    return data[132:end], data[end:]


def without_syntax(meta: bytes) -> bytes:
    """File meta without its group length and its transfer syntax."""
    at = meta.index(b"\2\0\x10\0UI")
    end = at + 8 + int.from_bytes(meta[at + 6 : at + 8], "little")
    return meta[12:at] + meta[end:]


# What is read


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kept", ["data set", "preamble and data set", "meta and data set", "no syntax"])
def test_the_same_is_found_shown_and_copied_as_with_preamble_and_meta(syntax: str, kept: str) -> None:
    data = whole(syntax)
    meta, data_set = split(data)
    bare = {
        "data set": data_set,
        "preamble and data set": data[:132] + data_set,
        "meta and data set": meta + data_set,
        "no syntax": data[:132] + without_syntax(meta) + data_set,
    }[kept]
    assert is_dicom(bare)
    assert is_dicom(bare[:264])
    expected, found = (check_bytes(one, name="x", path=Path("x")) for one in (data, bare))
    of_meta = {finding for finding in expected.findings if finding.where.startswith("(0002,")}
    assert {*found.findings} - of_meta == {*expected.findings} - of_meta
    assert found.verdict == "fail"  # by the name
    assert np.array_equal(display(bare, name="x"), display(data, name="x"))
    assert attributes(bare, ("Modality",)) == {"Modality": "CR"}
    assert [plane.pixels.tolist() for plane in planes(bare, name="x")] == [
        plane.pixels.tolist() for plane in planes(data, name="x")
    ]
    copy = deidentify(bare, SETTINGS).data
    assert copy == deidentify(data, SETTINGS).data
    assert copy[128:132] == b"DICM"
    assert pydicom.dcmread(io.BytesIO(copy)).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


@pytest.mark.parametrize("name", ["ExplVR_LitEndNoMeta.dcm", "ExplVR_BigEndNoMeta.dcm", "rtstruct.dcm"])
def test_files_of_pydicom(name: str) -> None:
    data = Path(str(pydicom.data.get_testdata_file(name, download=False))).read_bytes()
    report = check_bytes(data, name="x", path=Path("x"))
    assert report.verdict == "fail"  # they name patients
    assert rules.UNREADABLE.id not in {finding.rule for finding in report.findings}
    copy = pydicom.dcmread(io.BytesIO(deidentify(data, SETTINGS).data))
    assert copy.PatientIdentityRemoved == "YES"
    assert copy.file_meta.MediaStorageSOPInstanceUID == copy.SOPInstanceUID


def test_a_whole_file_is_completed_by_nothing() -> None:
    data = whole()
    assert completed(data) == data
    assert read_part10(completed(split(data)[1])).syntax == ExplicitVRLittleEndian


def test_a_mapped_file_is_read_alike(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(split(whole())[1])
    with (
        (tmp_path / "a").open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        assert is_dicom(data)
        assert bare_syntax(data, 0) == ExplicitVRLittleEndian


def test_in_a_folder_the_content_decides(tmp_path: Path) -> None:
    for name, syntax in zip(("a.bin", "b", "c.dat"), SYNTAXES, strict=True):
        (tmp_path / name).write_bytes(split(encode(clean(), syntax))[1])
    (tmp_path / "notes.txt").write_text("notes")
    report = check_paths([tmp_path])
    assert (report.verdict, len(report.files), report.skipped) == ("pass", 3, 1)


# What is refused


def test_a_data_set_that_can_be_read_both_ways() -> None:
    """Explicit: an empty element, then one that fills the rest. Implicit: one element of all the rest."""
    length = struct.unpack("<L", b"DA\0\0")[0]
    rest = element(0x00080021, "UN", bytes(length - 12))
    data = struct.pack("<HH", 8, 0x20) + b"DA\0\0" + rest
    assert len(data) == 8 + length
    assert is_dicom(data)
    with pytest.raises(DamagedError, match=AMBIGUOUS):
        bare_syntax(data, 0)
    (finding,) = check_bytes(data, name="x", path=Path("x")).findings
    assert finding == rules.UNREADABLE.because(AMBIGUOUS)
    with pytest.raises(NotCleanError, match=AMBIGUOUS):
        deidentify(data, SETTINGS)
    with pytest.raises(MalformedError) as caught:
        display(data, name="x")
    assert caught.value.reason == "image.no-meta"


def test_compressed_pixels_of_an_unknown_kind() -> None:
    data = Path(str(pydicom.data.get_testdata_file("SC_rgb_small_odd_jpeg.dcm", download=False))).read_bytes()
    assert pydicom.dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    bare = split(data)[1]
    assert rules.UNREADABLE.because(COMPRESSED) in check_bytes(bare, name="x", path=Path("x")).findings
    with pytest.raises(NotCleanError, match=COMPRESSED):
        deidentify(bare, SETTINGS)
    assert list(attributes(bare, ("Modality",)).values()) == [""]


def test_a_data_set_that_is_cut_off() -> None:
    bare = split(whole())[1][:-9]
    findings = check_bytes(bare, name="x", path=Path("x")).findings
    assert rules.UNREADABLE.because(TRUNCATED) in findings


# What is none


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08\0\x05\0",
        b"image,patient,label\n" * 20,
        "image;patient\n".encode("utf-16"),
        b"\x08\0\x05\0\x11\0\0\0" + b"x" * 300,  # an odd length
        b"\x08\0\x05\0\xff\xff\0\0" + b"x" * 300,  # too long for the first element
        b"\x08\0\x05\0XX\x0a\0ISO_IR 100",  # no value representation
        b"\x08\0\x05\0US\x02\0\0\0" + bytes(20),  # not that of the dictionary
        b"\x08\0\xff\xffCS\x02\0xx" + bytes(20),  # no element of the standard
        b"\x10\0\x10\0PN\x04\0Anna" + bytes(20),  # another group
        b"\x08\0\x16\0UI\x02\x001\0\x08\0\x05\0CS\0\0",  # tags that go down
        bytes(400),
    ],
)
def test_what_does_not_begin_like_a_data_set(data: bytes) -> None:
    assert shown_encoding(data) is None
    assert not is_dicom(data)
    with pytest.raises(DamagedError):
        bare_syntax(data, 0)


def test_what_begins_like_one() -> None:
    assert shown_encoding(b"\x08\0\x05\0CS\x02\0xx") == EXPLICIT_LITTLE
    assert shown_encoding(b"\0\x08\0\x05CS\0\x02xx") == EXPLICIT_BIG
    assert shown_encoding(b"\x08\0\x05\0\x02\0\0\0xx") == IMPLICIT_LITTLE
    assert shown_encoding(b"\x08\0\0\0UL\x04\0" + bytes(4)) == EXPLICIT_LITTLE


def test_no_random_bytes_are_taken_for_one() -> None:
    rng = random.Random(3)
    assert not any(is_dicom(rng.randbytes(264)) for _ in range(20_000))
