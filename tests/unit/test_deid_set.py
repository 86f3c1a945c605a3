"""What only a set of files tells: values that leak from one place to another, and relations that broke."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from deid_samples import clean, element, encode, sequence
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from privxray.deid.findings.report import Report
from privxray.deid.judging.check import check_paths
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.profile.profile import ProfileOption
from privxray.deid.profile.profile_file import load_profile

MODIFIED = load_profile("basic").with_options({ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES})


def put(folder: Path, name: str, change: Callable[[Dataset], None] | None = None, tail: bytes = b"") -> None:
    ds = clean()
    if change:
        change(ds)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(ds) + tail)


def rules_of(report: Report, name: str) -> set[tuple[str, str]]:
    """Rules and places of one file, by its real name."""
    return {(f.rule, f.where) for file in report.files if file.path.name == name for f in file.findings}


def leaks_of(report: Report, name: str) -> set[tuple[str, str]]:
    return {found for found in rules_of(report, name) if found[0].startswith("leak")}


def identified(ds: Dataset) -> None:
    ds.PatientName = "Zwiebelmann^Anna Li"
    ds.PatientID = "MRN-88 1234"
    ds.PatientBirthDate = "19520130"
    ds.AccessionNumber = "ACC 7788123"
    ds.InstitutionName = "Elmwood Park Clinic"


LEAKING = {
    "name.dcm": ("SeriesNumber", None),
    "family.dcm": ("ContrastBolusAgent", "with ZWIEBELMANN there"),
    "both.dcm": ("ContrastBolusAgent", "li, anna"),
    "id.dcm": ("ContrastBolusAgent", "mrn881234"),
    "id_parts.dcm": ("ContrastBolusAgent", "x MRN 88 1234 y"),
    "accession.dcm": ("ContrastBolusAgent", "no 7788123"),
    "birth.dcm": ("ContrastBolusAgent", "30/01/1952"),
    "birth_us.dcm": ("ContrastBolusAgent", "01301952"),
    "place.dcm": ("ContrastBolusAgent", "at elmwood park clinic"),
    "accents.dcm": ("ContrastBolusAgent", "Zwíebelmann"),
}


def test_values_of_one_file_are_found_in_others(tmp_path: Path) -> None:
    put(tmp_path, "source.dcm", identified)
    for name, (keyword, text) in LEAKING.items():
        put(tmp_path, name, (lambda ds, k=keyword, t=text: setattr(ds, k, t)) if text else None)
    put(tmp_path, "innocent.dcm", lambda ds: setattr(ds, "ContrastBolusAgent", "881 clinic 1952 park li"))
    report = check_paths([tmp_path])
    assert leaks_of(report, "innocent.dcm") == leaks_of(report, "name.dcm") == set()
    for name, (_, text) in LEAKING.items():
        if text:
            assert leaks_of(report, name) == {("leak", "(0018,0010)")}, name
    said = json.dumps(report.to_json()).lower()
    for value in ("zwiebel", "881234", "88 1234", "7788123", "19520130", "elmwood"):
        assert value not in said


def test_private_unknown_and_numeric_bytes_are_searched(tmp_path: Path) -> None:
    wide = "zwiebelmann".encode("utf-16-le")
    private = element(0x00090010, "LO", b"ACME") + element(
        0x00091001, "OB", bytes(9) + b"anna^li zwiebelmann\0" + bytes(9)
    )
    put(tmp_path, "source.dcm", identified)
    put(tmp_path, "private.dcm", tail=private)
    put(tmp_path, "wide.dcm", tail=element(0x00091001, "UN", b"\0\1\2" + wide))
    put(tmp_path, "unknown.dcm", tail=element(0x00280FFE, "UN", b"....zwiebelmann...."))
    put(tmp_path, "number.dcm", tail=sequence(0x00081115, [element(0x00280010, "US", b"7788123\0")]))
    put(tmp_path, "noise.dcm", tail=element(0x00091001, "OB", bytes(range(256)) * 40))
    report = check_paths([tmp_path])
    assert leaks_of(report, "private.dcm") == {("leak-bytes", "(0009,1001)")}
    assert leaks_of(report, "wide.dcm") == {("leak-bytes", "(0009,1001)")}
    assert leaks_of(report, "unknown.dcm") == {("leak-bytes", "(0028,0FFE)")}
    assert leaks_of(report, "number.dcm") == {("leak-bytes", "(0008,1115)[0]/(0028,0010)")}
    assert leaks_of(report, "noise.dcm") == set()


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_the_search_does_not_depend_on_the_transfer_syntax(tmp_path: Path, syntax: str) -> None:
    ds = clean()
    identified(ds)
    item = Dataset()
    item.CodeMeaning = "as in Zwiebelmann's case"
    ds.ProcedureCodeSequence = [item]
    (tmp_path / "a.dcm").write_bytes(encode(ds, syntax))
    assert leaks_of(check_paths([tmp_path]), "a.dcm") == {("leak", "(0008,1032)[0]/(0008,0104)")}


@pytest.mark.parametrize(
    ("charset", "name", "text"),
    [
        ("ISO_IR 100", "Müller^Jörg", "herr müller"),
        ("ISO_IR 192", "Дубровский^Иван", "пациент дубровский"),
        ("ISO_IR 144", "Дубровский^Иван", "дубровский"),
        ("GB18030", "张伟^伟伟", "张伟 伟伟"),
    ],
)
def test_names_in_other_scripts(tmp_path: Path, charset: str, name: str, text: str) -> None:
    def source(ds: Dataset) -> None:
        ds.SpecificCharacterSet = charset
        ds.PatientName = name

    def other(ds: Dataset) -> None:
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.ContrastBolusAgent = text

    put(tmp_path, "source.dcm", source)
    put(tmp_path, "other.dcm", other)
    report = check_paths([tmp_path])
    assert ("E.1-1/Z", "(0010,0010)") in rules_of(report, "source.dcm")
    assert leaks_of(report, "other.dcm") == {("leak", "(0018,0010)")}


def test_file_and_folder_names(tmp_path: Path) -> None:
    put(tmp_path, "source.dcm", identified)
    put(tmp_path, "zwiebelmann/im1.dcm")
    put(tmp_path, "series/x_7788123.dcm")
    put(tmp_path, "series/im2.dcm")
    report = check_paths([tmp_path])
    assert leaks_of(report, "im1.dcm") == leaks_of(report, "x_7788123.dcm") == {("leak-path", "path")}
    assert leaks_of(report, "im2.dcm") == set()
    names = {file.path.name: file.name for file in report.files}
    assert names["im2.dcm"] == "series/im2.dcm"
    assert names["im1.dcm"].startswith("file #")
    assert names["x_7788123.dcm"].startswith("file #")


def test_nothing_is_searched_for_in_a_set_that_is_deidentified(tmp_path: Path) -> None:
    for number in range(3):
        put(
            tmp_path,
            f"case0042_{number}.dcm",
            lambda ds: setattr(ds, "ClinicalTrialSubjectReadingID", "case0042"),
        )
    report = check_paths([tmp_path])
    assert report.verdict == "pass"
    assert not [f for file in report.files for f in file.findings if f.severity == "error"]


@pytest.mark.parametrize("trouble", [MemoryError, ValueError])
def test_a_file_over_which_the_search_stumbles_does_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    def stumble(leaks: LeakSearch, data: bytes) -> list[object]:
        raise trouble("Zwiebelmann")

    put(tmp_path, "a.dcm", identified)
    put(tmp_path, "b.dcm")
    monkeypatch.setattr("privxray.deid.judging.file_scan.leaks_in_dicom", stumble)
    report = check_paths([tmp_path])
    assert ("unreadable", "file") in rules_of(report, "b.dcm")
    assert [file.verdict for file in report.files] == ["fail", "fail"]
    assert "Zwiebelmann" not in str([file.findings for file in report.files])


def test_the_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("privxray.deid.judging.leaks.MAX_VALUES", 3)
    put(tmp_path, "source.dcm", identified)
    report = check_paths([tmp_path])
    assert ("leak-limit", "file") in rules_of(report, "source.dcm")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("name", "Chest^Pa", "CHEST PA"),  # general words
        ("name", "Li^Wu", "li"),
        ("id", "1234", "1234"),  # too short to tell
        ("id", "abcd", "abcd"),
        ("date", "1952", "1952"),
        ("place", "Hospital", "the hospital"),
        ("place", "North Hospital", "north"),
    ],
)
def test_what_would_match_by_chance_is_not_searched_for(kind: str, value: str, text: str) -> None:
    assert not LeakSearch([(kind, value)]).in_text(text)  # type: ignore[list-item]


def test_relations_that_broke(tmp_path: Path) -> None:
    first = clean()
    study, series, instance = first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID

    def same(ds: Dataset) -> None:
        ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series

    def other_patient(ds: Dataset) -> None:
        same(ds)
        ds.PatientID = ds.PatientName = "case0043"

    def other_study(ds: Dataset) -> None:
        ds.SeriesInstanceUID = series

    def other_name(ds: Dataset) -> None:
        ds.PatientName = "case0044"

    def again(ds: Dataset) -> None:
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = instance

    (tmp_path / "a.dcm").write_bytes(encode(first))
    (tmp_path / "a_copy.dcm").write_bytes(encode(first))
    put(tmp_path, "b.dcm", same)
    put(tmp_path, "c.dcm", other_patient)
    put(tmp_path, "d.dcm", other_study)
    put(tmp_path, "e.dcm", other_name)
    put(tmp_path, "f.dcm", again)
    report = check_paths([tmp_path])

    def sets(name: str) -> set[tuple[str, str]]:
        return {found for found in rules_of(report, name) if found[0].startswith("set-")}

    assert sets("a.dcm") == sets("a_copy.dcm") == sets("b.dcm") == set()
    assert sets("c.dcm") == {("set-study", "(0020,000D)")}
    assert sets("d.dcm") == {("set-series", "(0020,000E)")}
    assert sets("e.dcm") == {("set-patient", "(0010,0010)")}
    assert sets("f.dcm") == {("set-instance", "(0008,0018)")}
    assert report.verdict == "fail"


def test_shifted_dates_of_a_study_agree(tmp_path: Path) -> None:
    first = clean()

    def shifted(ds: Dataset, date: str = "20310506") -> None:
        ds.StudyInstanceUID = first.StudyInstanceUID
        ds.StudyDate = ds.AcquisitionDate = date
        ds.AcquisitionDateTime = date + "101530"
        ds.LongitudinalTemporalInformationModified = "MODIFIED"
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113107", "DCM", "x"
        ds.DeidentificationMethodCodeSequence.append(code)

    def odd(ds: Dataset) -> None:
        shifted(ds)
        ds.AcquisitionDateTime = "20240131101530"

    put(tmp_path, "a.dcm", shifted)
    put(tmp_path, "b.dcm", shifted)
    put(tmp_path, "c.dcm", lambda ds: shifted(ds, "20310507"))
    put(tmp_path, "d.dcm", odd)
    report = check_paths([tmp_path], profile=MODIFIED)
    verdicts = {file.path.name: file.verdict for file in report.files}
    assert verdicts == {"a.dcm": "pass", "b.dcm": "pass", "c.dcm": "fail", "d.dcm": "fail"}
    assert ("set-dates", "(0008,0020)") in rules_of(report, "c.dcm")
    assert ("set-dates", "(0008,002A)") in rules_of(report, "d.dcm")
    assert {f.rule for f in report.files[0].findings} == {"E.1-1/U", "E.1-1/pseudonym"}
    basic = check_paths([tmp_path])
    assert {
        ("E.1-1/Z", "(0008,0020)"),
        ("temporal", "(0028,0303)"),
        ("method-options", "(0012,0064)"),
    } <= rules_of(basic, "a.dcm")
