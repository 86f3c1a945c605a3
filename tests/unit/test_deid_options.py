"""Each option of PS3.15 E.3 on files, and the consistency of what a file says about itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom.data
import pytest
from deid_samples import clean, element, encode, sequence
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from privxray.deid.judging.check import check_bytes
from privxray.deid.profile.profile import ProfileOption
from privxray.deid.profile.profile_file import load_profile
from privxray.deid.profile.pseudonym_forms import pseudonym_of, uid_of

BASIC = load_profile("basic")


def findings(data: bytes, *options: ProfileOption, severity: str = "error") -> set[tuple[str, str]]:
    report = check_bytes(data, name="x", path=Path("x"), profile=BASIC.with_options(set(options)))
    return {(f.rule, f.where) for f in report.findings if f.severity == severity}


def declared(ds: Dataset, *options: ProfileOption) -> None:
    for option in options:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = option.code, "DCM", option.meaning
        ds.DeidentificationMethodCodeSequence.append(code)
    if ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES in options:
        ds.LongitudinalTemporalInformationModified = "MODIFIED"
    if ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES in options:
        ds.LongitudinalTemporalInformationModified = "UNMODIFIED"


def sex_and_age(ds: Dataset) -> None:
    ds.PatientSex, ds.PatientAge, ds.PatientWeight = "F", "061Y", "70"


def device(ds: Dataset) -> None:
    ds.StationName, ds.DeviceSerialNumber, ds.DetectorID = "Roe, Jane", "4711", "77"


def institution(ds: Dataset) -> None:
    ds.InstitutionName, ds.InstitutionAddress = "Elmwood Park Clinic", "12 Elm Street"


def dates(ds: Dataset) -> None:
    ds.StudyDate = ds.AcquisitionDate = "20240131"
    ds.StudyTime = "101530"


def described(ds: Dataset) -> None:
    ds.StudyDescription, ds.SeriesDescription = "chest image", "PORTABLE"


def overlay(ds: Dataset) -> None:
    ds.add_new(0x60003000, "OW", b"\1" * 8)
    ds.add_new(0x50003000, "OW", b"\1" * 8)


DATED = {("E.1-1/Z", f"(0008,{number})") for number in ("0020", "0022", "0030")} | {
    ("temporal", "(0028,0303)")
}


@pytest.mark.parametrize(
    ("option", "change", "without"),
    [
        (
            ProfileOption.RETAIN_PATIENT_CHARACTERISTICS,
            sex_and_age,
            {("E.1-1/Z", "(0010,0040)"), ("E.1-1/X", "(0010,1010)"), ("E.1-1/X", "(0010,1030)")},
        ),
        (ProfileOption.RETAIN_DEVICE_IDENTITY, device, {("E.1-1/name", "(0008,1010)")}),
        (
            ProfileOption.RETAIN_INSTITUTION_IDENTITY,
            institution,
            {("E.1-1/institution", "(0008,0080)"), ("E.1-1/X", "(0008,0081)")},
        ),
        (
            ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES,
            dates,
            DATED,
        ),
        (
            ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES,
            dates,
            DATED,
        ),
        (
            ProfileOption.CLEAN_DESCRIPTORS,
            described,
            {("E.1-1/X", "(0008,1030)"), ("E.1-1/X", "(0008,103E)")},
        ),
        (ProfileOption.CLEAN_GRAPHICS, overlay, {("E.1-1/X", "(6000,3000)"), ("E.1-1/X", "(5000,3000)")}),
    ],
)
def test_an_option_lets_pass_what_it_names(
    option: ProfileOption, change: Callable[[Dataset], None], without: set[tuple[str, str]]
) -> None:
    ds = clean()
    change(ds)
    declared(ds, option)
    data = encode(ds)
    assert findings(data, option) == set()
    assert findings(data) == without
    assert ("method-options", "(0012,0064)") in findings(data, severity="notice")
    assert ("method-options", "(0012,0064)") not in findings(data, option, severity="notice")


@pytest.mark.parametrize(
    ("option", "keyword", "unsaid", "without"),
    [
        (ProfileOption.CLEAN_PIXEL_DATA, "BurnedInAnnotation", "burned-in-unsaid", "burned-in-unknown"),
        (
            ProfileOption.CLEAN_RECOGNIZABLE_VISUAL_FEATURES,
            "RecognizableVisualFeatures",
            "features-unsaid",
            None,
        ),
    ],
)
def test_cleaned_pixels_must_be_said_to_be_clean(
    option: ProfileOption, keyword: str, unsaid: str, without: str | None
) -> None:
    where = "(0028,0301)" if option is ProfileOption.CLEAN_PIXEL_DATA else "(0028,0302)"
    ds = clean()
    declared(ds, option)
    setattr(ds, keyword, "NO")
    assert findings(encode(ds), option) == set()
    assert "method-options" not in {rule for rule, _ in findings(encode(ds), option, severity="notice")}
    for value in (None, ""):
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
        assert findings(encode(ds), option) == {(unsaid, where)}
        notices = {rule for rule, place in findings(encode(ds), severity="notice") if place == where}
        assert notices == ({without} if without else set())
    del ds.PixelData
    assert findings(encode(ds), option) == set()


def test_a_file_that_says_that_somebody_can_be_recognised() -> None:
    ds = clean()
    ds.RecognizableVisualFeatures = "YES"
    assert ("features", "(0028,0302)") in findings(encode(ds), severity="notice")
    option = ProfileOption.CLEAN_RECOGNIZABLE_VISUAL_FEATURES
    assert ("features-unsaid", "(0028,0302)") in findings(encode(ds), option)


def test_an_index_of_a_medium_fails_and_its_records_are_judged() -> None:
    path = pydicom.data.get_testdata_file("DICOMDIR", download=False)
    found = findings(Path(str(path)).read_bytes())
    assert ("directory", "file") in found
    assert any(place.startswith("(0004,1220)[0]/(0010,0010)") for _, place in found)


def test_retained_uids_and_new_ones_pass_without_a_notice() -> None:
    ds = clean()
    assert {rule for rule, _ in findings(encode(ds), severity="notice")} == {"E.1-1/U", "E.1-1/pseudonym"}
    assert "E.1-1/U" not in {
        rule for rule, _ in findings(encode(ds), ProfileOption.RETAIN_UIDS, severity="notice")
    }
    for number, keyword in enumerate(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")):
        setattr(ds, keyword, uid_of(bytes([number]) * 16))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.PatientName = ds.PatientID = pseudonym_of(b"0123456789")
    assert findings(encode(ds)) == findings(encode(ds), severity="notice") == set()


def test_cleaned_descriptors_are_judged_by_their_shape() -> None:
    def of(text: str) -> tuple[set[str], set[str]]:
        ds = clean()
        ds.StudyDescription = text
        declared(ds, ProfileOption.CLEAN_DESCRIPTORS)
        data = encode(ds)
        found = [
            {r for r, w in findings(data, ProfileOption.CLEAN_DESCRIPTORS, severity=s) if w == "(0008,1030)"}
            for s in ("error", "notice")
        ]
        return found[0], found[1]

    assert of("CHEST LATERAL VIEW") == (set(), set())
    assert of("chest for Zwiebel") == (set(), {"E.1-1/C"})
    assert of("chest of Dr. Roe") == ({"E.1-1/name"}, set())
    assert of("chest of 30.01.1952") == ({"E.1-1/free-text"}, set())
    assert of("chest, 12 Elm Street") == ({"E.1-1/address"}, set())


def test_graphics_that_were_cleaned_are_to_be_looked_at() -> None:
    ds = clean()
    overlay(ds)
    assert ("E.1-1/C-graphics", "(6000,3000)") in findings(
        encode(ds), ProfileOption.CLEAN_GRAPHICS, severity="notice"
    )


def test_safe_private_attributes() -> None:
    ds = clean()
    declared(ds, ProfileOption.RETAIN_SAFE_PRIVATE)
    tail = element(0x00190010, "LO", b"GEMS_ACQU_01") + element(0x00191027, "DS", b"1.5 ")
    unsafe = element(0x00191028, "DS", b"1.5 ")
    data = encode(ds)
    assert findings(data + tail, ProfileOption.RETAIN_SAFE_PRIVATE) == set()
    assert findings(data + tail) == {("private", "(0019,0010)"), ("private", "(0019,1027)")}
    assert findings(data + tail + unsafe, ProfileOption.RETAIN_SAFE_PRIVATE) == {("private", "(0019,1028)")}
    # without its creator at the same place nobody knows what it is
    nested = sequence(0x00081115, [element(0x00191027, "DS", b"1.5 ")])
    assert findings(data + tail + nested, ProfileOption.RETAIN_SAFE_PRIVATE) == {
        ("private", "(0008,1115)[0]/(0019,1027)")
    }


def item(code: str, kind: str, *values: bytes, scheme: str = "DCM") -> bytes:
    concept = element(0x00080100, "SH", code.encode()) + element(0x00080102, "SH", scheme.encode())
    return element(0x0040A040, "CS", kind.encode()) + sequence(0x0040A043, [concept]) + b"".join(values)


def test_content_items_of_structured_reports() -> None:
    text = element(0x0040A160, "UT", b"4711")
    kept = item("121071", "TEXT", text)  # not in the table
    removed = item("121022", "TEXT", text)  # Accession Number, X
    replaced = item("113815", "TEXT", text)  # Patient Model, D
    named = item("113850", "PNAME", element(0x0040A123, "PN", b"Roe^Jane"))  # Irradiation Authorizing, D
    inner = sequence(0x0040A730, [removed])
    data = encode(clean()) + sequence(
        0x0040A730, [kept, removed, replaced, named, item("121071", "TEXT", inner)]
    )
    place = "(0040,A730)"
    assert findings(data, ProfileOption.CLEAN_STRUCTURED_CONTENT) == {
        ("E.3.4-1/X", f"{place}[1]"),
        ("E.1-1/name", f"{place}[3]/(0040,A123)"),
        ("E.3.4-1/X", f"{place}[4]/(0040,A730)[0]"),
    }
    assert ("E.3.4-1/D", f"{place}[2]/(0040,A160)") in findings(data, severity="notice")


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        (0x00880200, "icon image"),
        (0x04000561, "original attributes"),
        (0xFFFAFFFA, "digital signatures"),
        (0x04000550, "modified attributes"),
    ],
)
def test_sequences_that_must_go(tag: int, name: str) -> None:
    data = encode(clean()) + sequence(tag, [element(0x00280010, "US", b"\1\0")])
    where = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    assert findings(data) == {("E.1-1/X", where)}, name


@pytest.mark.parametrize(("age", "fails"), [("090Y", False), ("089Y", False), ("091Y", True), ("104Y", True)])
def test_ages(age: str, fails: bool) -> None:
    ds = clean()
    ds.PatientAge = age
    declared(ds, ProfileOption.RETAIN_PATIENT_CHARACTERISTICS)
    found = findings(encode(ds), ProfileOption.RETAIN_PATIENT_CHARACTERISTICS)
    assert found == ({("age", "(0010,1010)")} if fails else set())


def test_a_birth_year_that_makes_somebody_over_89() -> None:
    ds = clean()
    ds.PatientBirthDate, ds.StudyDate = "19100101", "20240131"
    declared(ds, ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES)
    assert findings(encode(ds), ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES) == {("age", "(0010,0030)")}


@pytest.mark.parametrize(
    ("says", "options", "fails"),
    [
        ("", (), False),
        ("REMOVED", (), False),
        ("MODIFIED", (), True),
        ("", (ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES,), True),
        ("MODIFIED", (ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES,), True),
        ("UNMODIFIED", (ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES,), False),
        ("MODIFIED", (ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES,), False),
    ],
)
def test_what_the_file_says_of_its_dates(says: str, options: tuple[ProfileOption, ...], fails: bool) -> None:
    ds = clean()
    if says:
        ds.LongitudinalTemporalInformationModified = says
    assert (("temporal", "(0028,0303)") in findings(encode(ds), *options)) is fails


def test_codes_of_the_method() -> None:
    ds = clean()
    declared(ds, ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES)
    declared(ds, ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES)
    assert ("method-contradiction", "(0012,0064)") in findings(encode(ds))
    other = clean()
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113199", "DCM", "x"
    other.DeidentificationMethodCodeSequence.append(code)
    assert ("method-code", "(0012,0064)") in findings(encode(other), severity="notice")


def test_uids_of_the_standard_must_stay() -> None:
    ds = clean()
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = generate_uid(prefix="2.25.")
    assert findings(encode(ds)) == {("uid-class", "(0002,0002)"), ("uid-class", "(0008,0016)")}
    other = encode(clean()).replace(b"1.2.840.10008.5.1.4.1.1.1\0", b"1.2.840.10008.5.1.4.1.1.2\0", 1)
    assert findings(other) == {("file-meta/class", "(0002,0002)")}


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00080060, "CS", b"DOE^J"),
        (0x00080060, "CS", "MÜLLER".encode("latin-1")),
        (0x00180050, "DS", b"Doe John"),
        (0x00200013, "IS", b"Doe John"),
        (0x00189074, "DT", b"Doe John"),
        (0x00100021, "LO", b"Doe^John"),
    ],
)
def test_text_in_disguise(tag: int, vr: str, value: bytes) -> None:
    nested = encode(clean()) + sequence(0x00081115, [element(tag, vr, value)])
    where = f"(0008,1115)[0]/({tag >> 16:04X},{tag & 0xFFFF:04X})"
    assert where in {place for _, place in findings(nested)}


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("DS", b"1.5e-3\\2 "),
        ("DS", b"NaN "),
        ("IS", b"+12 "),
        ("TM", b"10:15:30"),
        ("CS", b"ORIGINAL\\PRIMARY"),
    ],
)
def test_legal_content_is_no_finding(vr: str, value: bytes) -> None:
    tag = {"DS": 0x00180050, "IS": 0x00200013, "TM": 0x00189999, "CS": 0x00080008}[vr]
    tag = 0x00180035 if vr == "TM" else tag  # Intervention Drug Start Time has its own row
    nested = encode(clean()) + sequence(0x00081115, [element(tag, vr, value)])
    assert not [rule for rule, _ in findings(nested) if rule == "vr-content"]
