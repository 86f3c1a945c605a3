"""The parts of ``check --against``: what tells files apart, what documents say, whose copy a file is."""

from __future__ import annotations

import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from deid_samples import clean, encode
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from test_deid_deidentify import BASIC, identified

from privxray.deid.comparing.compared_file import compare
from privxray.deid.comparing.document_text import MOST, document_texts
from privxray.deid.comparing.file_traits import FileTraits, traits_of
from privxray.deid.comparing.originals import Match, Originals
from privxray.deid.comparing.remaining_attributes import OriginalsByAttributes
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.judging.check import check_bytes
from privxray.deid.profile.profile import ProfileOption
from privxray.deid.sources.source_file import SourceFile

NAME = b"Zyxwvutsen"
WHOLE = encode(identified())
PDF = b"%%PDF-1.7\n1 0 obj <<>> stream\n%b\nendstream endobj\n%%%%EOF"


def holds(document: bytes) -> bool:
    return any(NAME in text for text in document_texts(document))


@pytest.mark.parametrize(
    "document",
    [
        b"<ClinicalDocument><name>Zyxwvutsen</name>",
        b"<name>Zyxwv&#117;tsen</name>",
        b"solid Zyxwvutsen\nfacet",
        PDF % b"(Zyxwvutsen) Tj",
        PDF % zlib.compress(b"BT (Zyxwvutsen) Tj ET"),
        PDF % zlib.compress(b"BT [(Zyx) -20 (wv)12.5(utsen)] TJ ET"),
        PDF % b"(Zyxwv\\165tsen) Tj",
        PDF % b"<5a7978 77767574 73656e> Tj",
    ],
)
def test_text_of_documents(document: bytes) -> None:
    assert holds(document)


def test_documents_that_are_none_or_too_large() -> None:
    assert list(document_texts(b"")) == [b""]
    assert not holds(PDF % b"x\x9cnothing packed")
    bomb = zlib.compress(bytes(MOST + 1000))
    assert max(map(len, document_texts(PDF % bomb))) <= max(MOST, len(bomb) + 100)


def document(says: bytes) -> Dataset:
    ds = clean()
    del ds.PixelData
    ds.EncapsulatedDocument, ds.MIMETypeOfEncapsulatedDocument = says, "application/pdf"
    return ds


def compared(copy: Dataset, original: Dataset) -> set[str]:
    """The rules that the comparison of a copy with its original gives."""
    originals = Originals()
    before = traits_of(encode(original), BASIC)
    originals.add(SourceFile.on_disk(Path("x")), before, {("name", "Zyxwvutsen^Anna")})
    data = encode(copy)
    traits = traits_of(data, BASIC)
    return {one.rule for one in compare(data, (traits, [before]), Match((0,), (0,), "uid"), originals, BASIC)}


def test_a_document_is_an_error_and_with_its_original_a_notice() -> None:
    ds = document(PDF % b"nothing")
    findings = check_bytes(encode(ds), name="x", path=Path("x")).findings
    assert [one.severity for one in findings if one.rule == "document"] == ["error"]
    assert compared(ds, identified()) == {"against/document"}
    named = document(PDF % zlib.compress(b"BT [(Zyx) -20 (wv)12.5(utsen)] TJ ET"))
    assert compared(named, identified()) == {"leak-bytes"}
    assert compared(document(b"Zyxwvutsen"), identified()) == {"leak-bytes"}


def test_a_document_is_found_again_by_its_bytes() -> None:
    originals = Originals()
    before = document(PDF % b"the same")
    originals.add(SourceFile.on_disk(Path("x")), traits_of(encode(before), BASIC), ())
    copy = traits_of(encode(document(PDF % b"the same")), BASIC)
    assert originals.find(copy, {}) == Match((0,), (0,), "document")
    assert originals.find(traits_of(encode(document(PDF % b"other")), BASIC), {}) == Match()


def test_stored_pixels_have_one_digest_in_each_byte_order() -> None:
    ds = clean()
    ds.Rows = ds.Columns = 8
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.KVP, ds.ExposureTime, ds.InstanceNumber = 70, 12, 3
    samples = np.arange(64, dtype="<u2") * 300
    ds.PixelData = samples.tobytes()
    ds["PixelData"].VR = "OW"
    little = traits_of(encode(ds), BASIC)
    implicit = traits_of(encode(ds, ImplicitVRLittleEndian), BASIC)
    ds.PixelData = samples.byteswap().tobytes()
    big = traits_of(encode(ds, ExplicitVRBigEndian), BASIC)
    assert little.pixels == implicit.pixels == big.pixels != b""
    assert little.technical == implicit.technical == big.technical != b""


def test_a_patient_without_a_number_is_a_study() -> None:
    for number, patient in (("MRN1", "MRN1"), ("", "study 1.2.3"), ("ANONYMIZED", "study 1.2.3")):
        assert FileTraits(b"", patient_id=number, study="1.2.3").patient == patient


def test_uids_that_the_profile_keeps_are_not_compared() -> None:
    ds = identified()
    ds.DeviceUID = "1.2.276.0.99.1"
    device = BASIC.with_options({ProfileOption.RETAIN_DEVICE_IDENTITY})
    assert "1.2.276.0.99.1" in {uid for _, uid in traits_of(encode(ds), BASIC).uids}
    assert "1.2.276.0.99.1" not in {uid for _, uid in traits_of(encode(ds), device).uids}


def traits(patient: str, **more: bytes | str) -> FileTraits:
    return FileTraits(b"", patient_id=patient, **more)  # type: ignore[arg-type]


def test_the_original_of_a_copy() -> None:
    originals = Originals()
    files = [
        traits("A", instance="1.1", pixels=b"same", technical=b"a"),
        traits("B", instance="1.2", pixels=b"same", technical=b"b"),
        traits("B", instance="1.3", pixels=b"own", technical=b"c"),
        traits("B", instance="1.4", pixels=b"own", technical=b"d"),
        *(traits(f"P{number}", instance=f"2.{number}", pixels=b"black") for number in range(9)),
    ]
    for number, file in enumerate(files):
        originals.add(SourceFile.on_disk(Path(f"{number}.dcm")), file, ())
    assert originals.patients == 11
    find = originals.find
    assert find(traits("x", pixels=b"same"), {}) == Match((0, 1), (0, 1), "pixels")
    assert find(traits("x", pixels=b"same", technical=b"b"), {}) == Match((1,), (1,), "pixels")
    assert find(traits("x", pixels=b"same"), {"x": "B"}) == Match((1,), (1,), "crosswalk")
    assert find(traits("x", pixels=b"own", technical=b"d"), {}) == Match((1,), (3,), "pixels")
    assert find(traits("x", instance="1.1", pixels=b"own"), {}) == Match((0,), (0,), "uid")
    assert find(traits("x", pixels=b"new"), {"x": "A"}) == Match((0,), (), "crosswalk")
    assert find(traits("x", pixels=b"new"), {"x": "nobody"}) == Match()
    # What the originals of nine patients have in common tells nothing.
    assert find(traits("x", pixels=b"black"), {}) == Match()
    assert find(traits("x", pixels=b"black", instance="2.4"), {}) == Match((6,), (8,), "uid")


def report_of(patient: int, says: str) -> Dataset:
    """A structured report, which has no pixels."""
    ds = document(b"")
    del ds.EncapsulatedDocument
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    ds.PatientID = f"MRN{patient}"
    ds.CompletionFlag, ds.VerificationFlag, ds.InstanceNumber = "PARTIAL", "UNVERIFIED", "1"
    ds.ContentSequence = [clean() for _ in range(2)]
    for item, text in zip(ds.ContentSequence, says.split(), strict=True):
        del item.file_meta
        item.FilterType, item.ReceiveCoilName, item.ImagedNucleus = text, text + "1", text + "2"
    return ds


def test_what_has_no_pixels_is_found_by_what_is_left_if_clearly(tmp_path: Path) -> None:
    originals = Originals()
    for number, says in enumerate(("left right", "up down", "in down", "to fro", "to fro")):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(encode(report_of(number, says)))
        originals.add(SourceFile.on_disk(path), traits_of(path.read_bytes(), BASIC), ())
    search = OriginalsByAttributes(originals, BASIC)
    copy = traits_of(encode(report_of(7, "left right")), BASIC)
    assert search.find(copy, Match()) == Match((0,), (0,), "attributes")
    other = Match((1,), (), "crosswalk")
    assert search.find(copy, other) == other
    same = traits_of(encode(report_of(7, "to fro")), BASIC)
    assert search.find(same, Match()) == Match((3, 4), (3, 4), "attributes")
    changed = traits_of(encode(report_of(7, "no down")), BASIC)
    assert search.find(changed, Match()) == Match()  # as near to the one as to the other
    assert search.find(changed, Match((2,), (), "crosswalk")) == Match((2,), (2,), "crosswalk")
    assert search.find(traits_of(encode(clean()), BASIC), Match()) == Match()


@settings(max_examples=300, deadline=None)
@given(st.integers(132, len(WHOLE) - 1), st.integers(1, 255), st.sampled_from(["xor", "drop", "insert"]))
def test_altered_files_are_read_or_named_damaged(position: int, byte: int, how: str) -> None:
    middle = {"xor": bytes([WHOLE[position] ^ byte]), "drop": b"", "insert": bytes([byte, WHOLE[position]])}[
        how
    ]
    with suppress(DamagedError):
        made = traits_of(WHOLE[:position] + middle + WHOLE[position + 1 :], BASIC)
        assert made.patient
