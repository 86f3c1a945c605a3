"""The rules of Table E.1-1 and of the whole file, on DICOM files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from deid_samples import clean, element, encode, sequence
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from privxray.deid.findings.report import FileReport
from privxray.deid.judging.check import check_bytes
from privxray.deid.profile.annex_e import Row, lookup, rows
from privxray.deid.profile.profile import alternatives
from privxray.deid.values.dummies import is_dummy, is_pseudonym

SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]

# What a filled attribute is, by the Basic Profile's code. Written out, not derived.
EXPECTED = {
    "X": ("E.1-1/X", "error"),
    "Z": ("E.1-1/Z", "error"),
    "X/Z": ("E.1-1/Z", "error"),
    "D": ("E.1-1/D", "notice"),
    "Z/D": ("E.1-1/D", "notice"),
    "X/D": ("E.1-1/D", "notice"),
    "X/Z/D": ("E.1-1/D", "notice"),
    "U": ("E.1-1/U", "notice"),
    "X/Z/U*": ("E.1-1/U", "notice"),
}
MASKS = {
    "(gggg,eeee) odd gggg": (0x00091001, "private"),
    "(50xx,xxxx)": (0x50020010, "E.1-1/X"),
    "(60xx,3000)": (0x60023000, "E.1-1/X"),
    "(60xx,4000)": (0x60024000, "E.1-1/X"),
}
UNLISTED_SEQUENCE = 0x00081115
BASE = encode(clean())


def check(data: bytes) -> FileReport:
    return check_bytes(data, name="sample.dcm", path=Path("sample.dcm"))


def found(data: bytes) -> set[tuple[str, str, str]]:
    return {(f.rule, f.severity, f.where) for f in check(data).findings}


def errors(data: bytes) -> set[tuple[str, str]]:
    return {(f.rule, f.where) for f in check(data).findings if f.severity == "error"}


def changed(change: Callable[[Dataset], None]) -> bytes:
    ds = clean()
    change(ds)
    return encode(ds)


def sample_of(row: Row) -> tuple[int, str, bytes, str, str]:
    """Tag, VR, a filled value, and the rule and severity to expect."""
    if row.tag in MASKS:
        tag, rule = MASKS[row.tag]
        return tag, "LO", b"SENTINEL", rule, "error"
    tag = int(row.tag[1:5] + row.tag[6:10], 16)
    vr = row.vr or ("SQ" if "Sequence" in row.name else "LO")
    rule, severity = EXPECTED[row.action]
    value = {
        "SQ": b"\xfe\xff\x00\xe0\x0a\x00\x00\x00" + element(0x00080060, "CS", b"CR"),
        "UI": b"1.2.3.4567",
        "DA": b"19520130",
        "TM": b"101530",
        "DT": b"19520130101530",
        "AS": b"051Y",
        "PN": b"Sentinel^S",
    }.get(vr, b"SENTINEL")
    if row.tag in ("(0010,0020)", "(0010,0010)"):
        rule, severity = "E.1-1/Z", "error"
    elif row.tag in ("(0010,0030)", "(0010,0033)", "(0010,0034)"):
        rule = rule if row.action == "X" else "E.1-1/birth-date"
    elif vr == "PN" and row.action != "X":
        rule, severity = "E.1-1/name", "error"
    elif row.tag in ("(0008,0080)", "(0012,0031)", "(0012,0010)", "(0012,0060)", "(0040,A027)"):
        rule, severity = "E.1-1/institution", "error"
    elif row.tag == "(0042,0011)":
        rule, severity = "document", "error"
    return tag, vr, value, rule, severity


@pytest.mark.parametrize(
    ("tag", "vr", "value", "expected"),
    [
        (0x00081070, "PN", b"Roe^Jane", "E.1-1/name"),  # X/Z/D
        (0x00081070, "PN", b"JANE", "E.1-1/name"),
        (0x00081010, "SH", b"Dr. Roe", "E.1-1/name"),
        (0x00181030, "LO", b"Roe, Jane", "E.1-1/name"),  # X/D
        (0x00180010, "LO", b"12 Elm Street", "E.1-1/address"),  # Z/D
        (0x00180010, "LO", b"jane@example.org", "E.1-1/address"),
        (0x00180010, "LO", b"call +49 171 2345678", "E.1-1/address"),
        (0x00180010, "LO", b"since 30.01.1952", "E.1-1/free-text"),
        (0x00181030, "LO", b"her knee hurts badly", "E.1-1/free-text"),
        (0x00080080, "LO", b"Elmwood Clinic", "E.1-1/institution"),
        (0x00080080, "LO", b"hospital", "E.1-1/D"),
        (0x00181000, "LO", b"SN-4711", "E.1-1/D"),
        (0x00181030, "LO", b"KNEE", "E.1-1/D"),
        (0x00181030, "LO", b"UNKNOWN", None),  # a listed dummy
        (0x00200010, "SH", b"1", "E.1-1/D"),  # Z, and a number of one digit
        (0x00200010, "SH", b"4711 B", "E.1-1/Z"),
        (0x00100030, "DA", b"19520130", "E.1-1/birth-date"),
        (0x00100030, "DA", b"19520101", "E.1-1/D"),
    ],
)
def test_a_filled_attribute_is_judged(tag: int, vr: str, value: bytes, expected: str | None) -> None:
    nested = sequence(UNLISTED_SEQUENCE, [element(tag, vr, value)])
    rules = [f.rule for f in check(BASE + nested).findings if f.where.startswith("(0008,1115)[0]")]
    assert rules == ([expected] if expected else [])


REFERENCES = {"(0008,1140)", "(0008,2112)"}  # X/Z/U*: sequences whose items' UIDs are judged


@pytest.mark.parametrize("tag", [0x00081140, 0x00082112])
def test_references_are_judged_by_their_uids(tag: int) -> None:
    item = element(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2\0") + element(
        0x00081155, "UI", b"1.2.3.4567"
    )
    nested = sequence(UNLISTED_SEQUENCE, [sequence(tag, [item])])
    where = f"(0008,1115)[0]/(0008,{tag & 0xFFFF:04X})"
    assert {f for f in found(BASE + nested) if f[2].startswith("(0008,1115)")} == {
        ("E.1-1/U", "notice", f"{where}[0]/(0008,1155)")
    }


@pytest.mark.parametrize("row", [row for row in rows() if row.tag not in REFERENCES], ids=lambda row: row.tag)
def test_every_row_is_found_at_the_top_and_in_a_sequence(row: Row) -> None:
    tag, vr, value, rule, severity = sample_of(row)
    filled = element(tag, vr, value)
    where = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"

    assert (rule, severity, where) in found(BASE + filled)

    nested = sequence(UNLISTED_SEQUENCE, [b"", sequence(UNLISTED_SEQUENCE, [filled])])
    assert (rule, severity, f"(0008,1115)[1]/(0008,1115)[0]/{where}") in found(BASE + nested)


EMPTIABLE = [row for row in rows() if row.tag not in MASKS and row.tag[1:5] not in ("0000", "0002")]


@pytest.mark.parametrize("row", EMPTIABLE, ids=lambda row: row.tag)
def test_an_empty_attribute_never_fails_a_file(row: Row) -> None:
    tag, vr, *_ = sample_of(row)
    report = check(BASE + sequence(UNLISTED_SEQUENCE, [element(tag, vr, b"")]))
    assert report.verdict == "pass"
    empties = [f for f in report.findings if f.where == f"(0008,1115)[0]/{row.tag}"]
    assert [f.rule for f in empties] == (["E.1-1/X-empty"] if row.action == "X" else [])


def test_the_table_is_whole() -> None:
    assert len(rows()) == 657
    assert set(EXPECTED) == {row.action for row in rows()}
    assert all(set(alternatives(row.action)) <= {"X", "Z", "D", "U"} for row in rows())
    plain = [row for row in rows() if row.tag not in MASKS]
    assert all(lookup(int(row.tag[1:5] + row.tag[6:10], 16)) is row for row in plain)


@pytest.mark.parametrize(
    ("tag", "row"),
    [
        (0x50000000, "(50xx,xxxx)"),
        (0x50FEFFFE, "(50xx,xxxx)"),
        (0x601E3000, "(60xx,3000)"),
        (0x60014000, "(gggg,eeee) odd gggg"),  # odd comes first
        (0x60003001, None),
        (0x52000010, None),
        (0x00280010, None),
        (0xFFFF0010, "(gggg,eeee) odd gggg"),
    ],
)
def test_masks(tag: int, row: str | None) -> None:
    governing = lookup(tag)
    assert (governing.tag if governing else None) == row


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_deidentified_file_passes_with_notices(syntax: str) -> None:
    report = check(encode(clean(), syntax))
    assert report.verdict == "pass"
    assert {f.severity for f in report.findings} == {"notice"}
    assert {(f.rule, f.where) for f in report.findings} == {
        ("E.1-1/U", "(0002,0003)"),
        ("E.1-1/U", "(0008,0018)"),
        ("E.1-1/U", "(0020,000D)"),
        ("E.1-1/U", "(0020,000E)"),
        ("E.1-1/pseudonym", "(0010,0010)"),
        ("E.1-1/pseudonym", "(0010,0020)"),
    }


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_findings_do_not_depend_on_the_transfer_syntax(syntax: str) -> None:
    ds = clean()
    ds.PatientName = "Doe^John"
    ds.InstitutionName = "Elmwood Clinic"
    block = ds.private_block(0x0011, "ACME 1.1", create=True)
    block.add_new(1, "LO", "anything")
    item = Dataset()
    item.PersonName = "Doe^John"
    item.TextValue = "seen by Dr Roe"
    item.PatientBirthDate = "19520130"
    ds.ContentSequence = [Dataset(), item]
    assert errors(encode(ds, syntax)) == {
        ("E.1-1/Z", "(0010,0010)"),
        ("E.1-1/institution", "(0008,0080)"),
        ("private", "(0011,0010)"),
        ("private", "(0011,1001)"),
        ("E.1-1/name", "(0040,A730)[1]/(0040,A123)"),
        ("kept-text", "(0040,A730)[1]/(0040,A160)"),
        ("E.1-1/birth-date", "(0040,A730)[1]/(0010,0030)"),
    }


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small.dcm", "test-SR.dcm", "rtplan.dcm", "image_dfl.dcm"]
)
def test_unclean_files_fail(name: str) -> None:
    report = check(Path(str(get_testdata_file(name, download=False))).read_bytes())
    assert report.verdict == "fail"
    assert {"declared", "method"} <= {f.rule for f in report.findings}


def test_standard_uids_are_no_finding_but_text_in_a_uid_is_an_error() -> None:
    registered = sequence(UNLISTED_SEQUENCE, [element(0x00081155, "UI", b"1.2.840.10008.1.2\0")])
    assert not [f for f in check(BASE + registered).findings if f.where.endswith("(0008,1155)")]
    words = sequence(UNLISTED_SEQUENCE, [element(0x00081155, "UI", b"DOE^JOHN")])
    assert ("uid", "(0008,1115)[0]/(0008,1155)") in errors(BASE + words)


def test_file_meta() -> None:
    def add(ds: Dataset) -> None:
        ds.file_meta.SourceApplicationEntityTitle = "WARD7"
        ds.file_meta.SendingApplicationEntityTitle = "WARD7"
        ds.file_meta.ReceivingApplicationEntityTitle = ""
        ds.file_meta.SourcePresentationAddress = "dicom://ward7.example"
        ds.file_meta.PrivateInformationCreatorUID = "1.2.3.4"
        ds.file_meta.PrivateInformation = b"\1\2"

    assert errors(changed(add)) == {
        ("file-meta/network", "(0002,0016)"),
        ("file-meta/network", "(0002,0017)"),
        ("file-meta/network", "(0002,0026)"),
        ("file-meta/private", "(0002,0100)"),
        ("file-meta/private", "(0002,0102)"),
    }


def test_file_meta_names_another_instance() -> None:
    data = encode(clean())
    uid = pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID.encode()
    first = data.index(uid)
    other = uid[:-1] + (b"1" if uid[-1:] != b"1" else b"2")
    assert errors(data[:first] + other + data[first + len(uid) :]) == {("file-meta/uid", "(0002,0003)")}


def test_file_meta_inside_the_data_set() -> None:
    assert ("file-meta/place", "(0002,0016)") in errors(BASE + element(0x00020016, "AE", b"WARD"))


@pytest.mark.parametrize("position", [0, 64, 127])
def test_preamble(position: int) -> None:
    data = bytearray(encode(clean()))
    data[position] = 0x49
    assert errors(bytes(data)) == {("preamble", "preamble")}


def test_declaration() -> None:
    assert errors(changed(lambda ds: ds.pop("PatientIdentityRemoved"))) == {
        ("declared", "(0012,0062)"),
        # without a declaration a filled name or id is no pseudonym
        ("E.1-1/Z", "(0010,0010)"),
        ("E.1-1/Z", "(0010,0020)"),
    }
    assert ("declared", "(0012,0062)") in errors(
        changed(lambda ds: setattr(ds, "PatientIdentityRemoved", "NO"))
    )


def test_method() -> None:
    def words_only(ds: Dataset) -> None:
        del ds.DeidentificationMethodCodeSequence
        ds.DeidentificationMethod = "by hand"

    def another_code(ds: Dataset) -> None:
        ds.DeidentificationMethodCodeSequence[0].CodeValue = "113101"

    def another_scheme(ds: Dataset) -> None:
        ds.DeidentificationMethodCodeSequence[0].CodingSchemeDesignator = "99X"

    assert ("method", "(0012,0064)") in errors(
        changed(lambda ds: ds.pop("DeidentificationMethodCodeSequence"))
    )
    assert errors(changed(words_only)) == set()
    assert ("method-text", "notice", "(0012,0064)") in found(changed(words_only))
    assert errors(changed(another_code)) == {("method", "(0012,0064)")}
    assert errors(changed(another_scheme)) == {("method", "(0012,0064)")}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("YES", {("burned-in", "error", "(0028,0301)")}),
        ("NO", set()),
        ("", {("burned-in-unknown", "notice", "(0028,0301)")}),
        (None, {("burned-in-unknown", "notice", "(0028,0301)")}),
    ],
)
def test_burned_in(value: str | None, expected: set[tuple[str, str, str]]) -> None:
    def put(ds: Dataset) -> None:
        del ds.BurnedInAnnotation
        if value is not None:
            ds.BurnedInAnnotation = value

    assert {f for f in found(changed(put)) if f[0].startswith("burned-in")} == expected


def test_what_follows_the_pixel_data_is_checked() -> None:
    signature = sequence(0xFFFAFFFA, [element(0x04000105, "DT", b"20240101")])
    assert ("E.1-1/X", "(FFFA,FFFA)") in errors(BASE + signature)
    assert errors(BASE + element(0xFFFCFFFC, "OB", bytes(64))) == set()  # zeros are nothing
    assert ("E.1-1/X-empty", "notice", "(FFFC,FFFC)") in found(BASE + element(0xFFFCFFFC, "OB", bytes(64)))
    assert errors(BASE + element(0xFFFCFFFC, "OB", b"Doe^John")) == {("E.1-1/X", "(FFFC,FFFC)")}
    assert errors(BASE + bytes(512)) == set()
    assert ("trailing-zeros", "notice", "file") in found(BASE + bytes(512))
    assert ("trailing-zeros", "notice", "file") in found(BASE + bytes(3))


@pytest.mark.parametrize(
    "tail", [b"Doe", b"Doe^John was here", b"\xfe\xff\x0d\xe0\0\0\0\0Doe^John", bytes(9) + b"D"]
)
def test_bytes_after_the_data_set_fail_the_file(tail: bytes) -> None:
    assert check(BASE + tail).verdict == "error"


def test_a_duplicate_hides_nothing() -> None:
    # pydicom would only show the second, empty one
    data = BASE + element(0x00080080, "LO", b"Hospital") + element(0x00081030, "LO", b"Doe^John")
    data += element(0x00081030, "LO", b"")
    assert errors(data) == {("E.1-1/X", "(0008,1030)"), ("duplicate", "(0008,1030)")}


def test_unknown_attributes_and_wrong_value_representations() -> None:
    assert errors(BASE + element(0x00280FFE, "LO", b"Doe^John")) == {("unknown", "(0028,0FFE)")}
    assert errors(BASE + element(0x00280002, "LO", b"Doe^John")) >= {("vr", "(0028,0002)")}
    assert errors(BASE + element(0x00081199, "UT", b"Doe^John")) == {
        ("vr", "(0008,1199)"),
        ("kept-text", "(0008,1199)"),
    }
    assert errors(BASE + element(0x00280106, "SS", b"\0\0")) == set()  # US or SS


def test_sequences_in_disguise_are_entered() -> None:
    implicit = b"\x10\x00\x30\x00\x08\x00\x00\x0019520130"
    item = b"\xfe\xff\x00\xe0" + len(implicit).to_bytes(4, "little") + implicit
    unknown = element(UNLISTED_SEQUENCE, "UN", item)
    assert errors(BASE + unknown) == {("E.1-1/birth-date", "(0008,1115)[0]/(0010,0030)")}
    undefined = b"\x08\x00\x15\x11UN\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    assert errors(BASE + undefined) == {("E.1-1/birth-date", "(0008,1115)[0]/(0010,0030)")}
    # implicit items inside an explicit data set, as some writers make them
    mixed = element(UNLISTED_SEQUENCE, "SQ", item)
    assert errors(BASE + mixed) == {("E.1-1/birth-date", "(0008,1115)[0]/(0010,0030)")}


@pytest.mark.parametrize(
    ("name", "identifier", "failing"),
    [
        ("case0042", "case0042", set()),
        ("", "00042-ab", set()),
        ("ANONYMOUS", "ANON", set()),
        ("Anonymized^Patient", "12345678", set()),  # a bare number is an id as public collections have it
        ("Doe^John", "case0042", {"(0010,0010)"}),
        ("John Doe", "case0042", {"(0010,0010)"}),
        ("Doe", "case0042", {"(0010,0010)"}),
        ("12345678", "case0042", {"(0010,0010)"}),  # but as a name it is a hospital number
        ("case0042", "Doe^John", {"(0010,0020)"}),
        ("case0042", "19520130", {"(0010,0020)"}),
        ("case0042", "1952-01-30", {"(0010,0020)"}),
        ("case0042", "Doe, John 1", {"(0010,0020)"}),
    ],
)
def test_patient_name_and_id(name: str, identifier: str, failing: set[str]) -> None:
    def put(ds: Dataset) -> None:
        ds.PatientName = name
        ds.PatientID = identifier

    data = changed(put)
    assert errors(data) == {("E.1-1/Z", where) for where in failing}
    noticed = {where for rule, _, where in found(data) if rule == "E.1-1/pseudonym"}
    filled = {"(0010,0020)": identifier, "(0010,0010)": name}
    dummies = {where for where, value in filled.items() if not value or is_dummy("LO", value.encode())}
    assert noticed == set(filled) - dummies - failing  # a pseudonym is never taken in silence


def test_dummies() -> None:
    assert is_dummy("DA", b"19000101")
    assert not is_dummy("DA", b"19520130")
    assert is_dummy("TM", b"000000.000000 ")
    assert not is_dummy("TM", b"101530")
    assert is_dummy("DT", b"19000101000000.000+0000")
    assert not is_dummy("DT", b"20240101000000")
    assert is_dummy("PN", b"Anonymous^^^^")
    assert is_dummy("LO", b"XXXX\\0000")
    assert not is_dummy("LO", b"XXXX\\Doe")
    assert not is_dummy("PN", "Müller".encode("latin-1"))
    assert not is_dummy("CS", b"M")
    assert not is_pseudonym("Müller1".encode(), as_name=False)
    assert not is_pseudonym(b"abc", as_name=False)
    assert not is_pseudonym(b"a1" * 33, as_name=False)


@pytest.mark.parametrize(
    ("vr", "value", "kept"),
    [
        (
            "ST",
            b"College of American Pathologists, 325 Waukegan Road",
            True,
        ),  # a scheme's owner has an address
        ("PN", b"Doe^John", False),  # stored as a person's name it is one
    ],
)
def test_who_defines_a_coding_scheme_may_be_kept(vr: str, value: bytes, kept: bool) -> None:
    nested = sequence(UNLISTED_SEQUENCE, [element(0x00080116, vr, value)])
    assert errors(BASE + nested) == (set() if kept else {("kept-text", "(0008,1115)[0]/(0008,0116)")})


@pytest.mark.parametrize(
    ("age", "fails"),
    [("090Y", False), ("091Y", True), ("1080M", False), ("1081M", True), ("4680W", False), ("4681W", True)],
)
def test_an_age_over_89_is_an_error_in_whatever_unit(age: str, fails: bool) -> None:
    found_there = {
        rule for rule, _, where in found(BASE + element(0x00101010, "AS", age.encode())) if "1010)" in where
    }
    assert ("age" in found_there) == fails
