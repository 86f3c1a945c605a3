"""``check COPIES --against ORIGINALS``: copies that other tools made, with the originals at hand."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless, generate_uid
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from deid_samples import clean, encode
from test_deid_deidentify import BASIC, KEY, identified

from privxray.cli.app import app
from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.comparing.crosswalk import read_crosswalk
from privxray.deid.judging.check import check_paths
from privxray.errors import MalformedError, UsageError
from privxray.workflow.images.compare_copies import ComparedWith, compare_report

SENTINELS = ("Artelbach", "MRN7654", "ACC99", "Elsewhere", "20150302", "20230514", "1.2.826", "House")
Change = Callable[[Dataset], None]


def original(number: int) -> Dataset:
    """A radiograph of one of four patients, with pixels of its own."""
    ds = identified()
    ds.PatientName, ds.PatientID = f"{'ABCD'[number % 4]}rtelbach^Uwe", f"MRN765432{number % 4}"
    ds.AccessionNumber = f"ACC99{number}77"
    ds.DeviceSerialNumber = f"SN-{number}-4711"
    ds.InstanceNumber, ds.KVP, ds.ExposureTime = number, 60 + number, 10 + number
    ds.Rows = ds.Columns = 16
    ds.PixelData = np.random.default_rng(number).integers(0, 256, 256, np.uint8).tobytes()
    return ds


def copy_of(ds: Dataset, number: int) -> Dataset:
    """What a tool makes of it that is as good as ours."""
    copy = clean()
    for keyword in ("InstanceNumber", "KVP", "ExposureTime", "Rows", "Columns", "PixelData"):
        copy[keyword] = ds[keyword]
    copy.PatientName = copy.PatientID = f"case00{number:02}"
    return copy


def sets(tmp_path: Path, changes: dict[int, Change], count: int = 4) -> list[str]:
    """Folders of originals and of copies, with changes to some copies; what is typed after ``check``."""
    for number in range(count):
        ds = original(number)
        for folder, made in (("originals", ds), ("copies", copy_of(ds, number))):
            if folder == "copies" and number in changes:
                made.update({})
                changes[number](made)
            path = tmp_path / folder / f"{number}.dcm"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encode(made))
    return [str(tmp_path / "copies"), "--against", str(tmp_path / "originals")]


def checked(*typed: str, code: int | None = None) -> dict[str, object]:
    result = CliRunner().invoke(app, ["check", *typed, "--json"])
    assert code is None or result.exit_code == code, result.output
    assert not any(value.lower() in result.output.lower() for value in SENTINELS)
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def found(report: dict[str, object], number: int) -> set[tuple[str, str]]:
    """Rules of the comparison and of the leaks, and their places, for one copy."""
    (file,) = (one for one in report["files"] if one["file"] in (f"{number}.dcm", f"file #{number + 1}"))  # type: ignore[attr-defined]
    return {
        (one["rule"], one["where"])
        for one in file["findings"]
        if one["rule"].startswith(("against", "leak", "doc"))
    }


def setting(**values: object) -> Change:
    return lambda ds: [setattr(ds, keyword, value) for keyword, value in values.items()] and None


def test_copies_that_keep_nothing_pass(tmp_path: Path) -> None:
    report = checked(*sets(tmp_path, {}), code=0)
    assert report["against"] == {
        "originals": 4,
        "originals_without_copy": 0,
        "compared": {"pixels": 4},
        "patient_only": 0,
        "unmatched": 0,
        "pictures": 0,
        "pixels": {"same": 4},
        "files_with": {},
    }
    assert all(found(report, number) == set() for number in range(4))


@pytest.mark.parametrize(
    ("change", "rule", "where"),
    [
        (setting(FilterType="for ARTELBACH"), "leak", "(0018,1160)"),
        (setting(PatientID="MRN7654320"), "leak-pseudonym", "(0010,0020)"),
        (setting(PatientID="MRN7654320"), "against/value", "(0010,0020)"),
        (setting(FilterType="seen 14.05.2023"), "leak", "(0018,1160)"),  # a date of the study
        (setting(DeviceSerialNumber="SN-0-4711"), "against/value", "(0018,1000)"),
        (setting(StudyDate="20230514"), "against/date", "(0008,0020)"),
        (setting(SeriesTime="101501"), "against/date", "(0008,0031)"),
    ],
)
def test_values_and_dates_that_stayed(tmp_path: Path, change: Change, rule: str, where: str) -> None:
    report = checked(*sets(tmp_path, {0: change}), code=3)
    assert (rule, where) in found(report, 0)
    assert found(report, 1) == set()


def test_a_name_of_another_patient(tmp_path: Path) -> None:
    report = checked(*sets(tmp_path, {0: setting(FilterType="Drtelbach")}), code=3)
    assert found(report, 0) == {("leak", "(0018,1160)")}


def test_uids_that_stayed_unless_the_profile_keeps_them(tmp_path: Path) -> None:
    uid = generate_uid()

    def keep(ds: Dataset) -> None:
        ds.StudyInstanceUID = uid
        ds.FilterType = "see"
        ds.add_new(0x0040E030, "UI", uid)
        ds.ImageComments = f"study {uid}."
        ds.CodingSchemeUID = uid

    typed = sets(tmp_path, {0: keep})
    ds = pydicom.dcmread(tmp_path / "originals" / "2.dcm")  # of whatever original it is
    ds.StudyInstanceUID = ds.CodingSchemeUID = uid
    ds.save_as(tmp_path / "originals" / "2.dcm")
    where = {place for rule, place in found(checked(*typed, code=3), 0) if rule == "against/uid"}
    assert where == {"(0020,000D)", "(0040,E030)", "(0020,4000)"}
    kept = found(checked(*typed, "--retain-uids"), 0)
    assert not any(rule == "against/uid" for rule, _ in kept)


@pytest.mark.parametrize(
    ("option", "date", "stays"),
    [
        ("--retain-longitudinal-full-dates", "20230514", False),
        ("--retain-longitudinal-modified-dates", "20230514", True),
    ],
)
def test_dates_are_compared_by_the_profile(tmp_path: Path, option: str, date: str, stays: bool) -> None:
    typed = sets(tmp_path, {0: setting(StudyDate=date, StudyTime="101500")})
    rules = {one for one in found(checked(*typed, option), 0) if one[0] == "against/date"}
    assert rules == ({("against/date", "(0008,0020)")} if stays else set())


def test_pixels_that_changed_are_told_and_counted(tmp_path: Path) -> None:
    def blacked(ds: Dataset) -> None:
        ds.PixelData = bytes(128) + ds.PixelData[128:]

    typed = sets(tmp_path, {0: blacked})
    made = pydicom.dcmread(tmp_path / "copies" / "1.dcm")
    made.compress(RLELossless)
    made.save_as(tmp_path / "copies" / "1.dcm")
    report = checked(*typed, code=0)
    assert report["against"]["compared"] == {"exposure": 2, "pixels": 2}  # type: ignore[index]
    assert report["against"]["pixels"] == {"changed": 1, "same": 3}  # type: ignore[index]
    assert found(report, 0) == {("against/pixels", "(7FE0,0010)")}
    assert found(report, 1) == set()


def strange(ds: Dataset) -> None:
    """Nothing by which its original could be found."""
    ds.PixelData, ds.KVP, ds.ExposureTime = bytes(255) + b"x", 41, 42


def test_a_copy_without_an_original_fails(tmp_path: Path) -> None:
    typed = sets(tmp_path, {0: strange})
    report = checked(*typed, code=3)
    assert found(report, 0) == {("against/unmatched", "file")}
    assert report["against"]["originals_without_copy"] == 1  # type: ignore[index]


def test_a_crosswalk_or_other_files_tell_whose_copy_it_is(tmp_path: Path) -> None:
    typed = sets(tmp_path, {0: lambda ds: (strange(ds), setattr(ds, "FilterType", "rtelbach 7654320"))[0]})
    crosswalk = tmp_path / "crosswalk.csv"
    crosswalk.write_text("copy;original\ncase0000;MRN7654320\n", encoding="utf-8-sig")
    report = checked(*typed, "--crosswalk", str(crosswalk), code=3)
    assert found(report, 0) == {("against/no-file", "file"), ("leak", "(0018,1160)")}
    assert report["against"]["patient_only"] == 1  # type: ignore[index]
    made = pydicom.dcmread(tmp_path / "copies" / "1.dcm")
    made.PatientID = "case0000"
    made.save_as(tmp_path / "copies" / "1.dcm")
    others = checked(
        *typed, code=3
    )  # the file beside it has the same Patient ID, and pixels of another patient
    assert ("against/no-file", "file") in found(others, 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\nc,d\n", "crosswalk.columns"),
        ("original,copy,x\nc,d,e\n", "crosswalk.columns"),
        ("original,copy\nc\n", "crosswalk.row"),
        ("original,copy\nc,d,e\n", "crosswalk.row"),
        ("original,copy\nMRN7654320,p\nMRN7654321,p\n", "crosswalk.second-original"),
        ("original,copy\n\xff\xfe", "crosswalk.unreadable"),
    ],
)
def test_crosswalks_that_are_none(tmp_path: Path, text: str, reason: str) -> None:
    crosswalk = tmp_path / "crosswalk.csv"
    crosswalk.write_bytes(text.encode("latin-1"))
    with pytest.raises(MalformedError) as caught:
        read_crosswalk(crosswalk)
    assert caught.value.reason == reason
    result = CliRunner().invoke(app, ["check", *sets(tmp_path, {}, 1), "--crosswalk", str(crosswalk)])
    assert result.exit_code == 11
    assert "MRN7654" not in result.output


def test_originals_that_are_none(tmp_path: Path) -> None:
    typed = sets(tmp_path, {}, 1)
    (tmp_path / "originals" / "0.dcm").write_bytes((tmp_path / "originals" / "0.dcm").read_bytes()[:400])
    terms = ComparedWith([tmp_path / "originals"], BASIC)
    report = check_paths([tmp_path / "copies"])
    with pytest.raises(MalformedError) as unreadable:
        compare_report(report, terms)
    assert unreadable.value.reason == "against.original-unreadable"
    assert "(0.dcm)" in str(unreadable.value)
    (tmp_path / "originals" / "0.dcm").unlink()
    (tmp_path / "originals" / "a.txt").write_text("x")
    with pytest.raises(UsageError) as none:
        compare_report(report, terms)
    assert none.value.reason == "against.no-originals"
    alone = CliRunner().invoke(app, ["check", typed[0], "--crosswalk", "x.csv"])
    assert alone.exit_code == 2
    assert "--against" in alone.output
    shard = CliRunner().invoke(app, ["check", *typed, "--shard", "1/2", "--key-file", "x", "--out", "y"])
    assert shard.exit_code == 2
    assert "--against" in shard.output


def test_a_path_that_names_an_original_is_hidden_and_fails(tmp_path: Path) -> None:
    typed = sets(tmp_path, {})
    (tmp_path / "copies" / "0.dcm").rename(tmp_path / "copies" / "Artelbach.dcm")
    report = checked(*typed, code=3)
    named = [one["file"] for one in report["files"]]  # type: ignore[attr-defined]
    assert "file #4" in named
    assert not any("rtelbach" in name for name in named)


def test_page_csv_and_terminal_hold_no_value(tmp_path: Path) -> None:
    change = setting(FilterType="ARTELBACH", StudyDate="20230514", DeviceSerialNumber="SN-0-4711")
    typed = [
        *sets(tmp_path, {0: change}),
        "--report",
        str(tmp_path / "page.html"),
        "--csv",
        str(tmp_path / "all.csv"),
    ]
    result = CliRunner().invoke(app, ["check", *typed])
    assert result.exit_code == 3
    assert "Compared with the originals" in result.stdout
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Compared with the originals" in page
    assert "copies with UIDs of originals" in page
    listed = (tmp_path / "all.csv").read_text(encoding="utf-8")
    assert "against/date" in listed
    for text in (result.output, page, listed):
        assert not any(value.lower() in text.lower() for value in (*SENTINELS, "SN-0"))


def test_copies_that_deidentify_made_pass(tmp_path: Path) -> None:
    typed = sets(tmp_path, {})
    settings = CopySettings(BASIC, Pseudonyms(KEY))
    for path in (tmp_path / "originals").iterdir():
        (tmp_path / "copies" / path.name).write_bytes(deidentify(path.read_bytes(), settings).data)
    report = checked(*typed, code=0)
    assert report["against"]["files_with"] == {}  # type: ignore[index]


def test_zips_and_lines_of_json(tmp_path: Path) -> None:
    sets(tmp_path, {0: setting(StudyDate="20230514")})
    for name in ("originals", "copies"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for path in sorted((tmp_path / name).iterdir()):
                archive.write(path, f"folder/{path.name}")
    typed = [str(tmp_path / "copies.zip"), "--against", str(tmp_path / "originals.zip"), "--jsonl"]
    result = CliRunner().invoke(app, ["check", *typed])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 3
    assert [line["verdict"] for line in lines] == ["fail", "pass", "pass", "pass", "fail"]
    assert lines[-1]["against"]["files_with"] == {"against/date": 1}


def test_files_compared_with_themselves_keep_everything(tmp_path: Path) -> None:
    sets(tmp_path, {})
    folder = str(tmp_path / "originals")
    report = checked(folder, "--against", folder, code=3)
    assert report["against"]["compared"] == {"uid": 4}  # type: ignore[index]
    found_in = report["against"]["files_with"]  # type: ignore[index]
    assert {rule for rule, files in found_in.items() if files == 4} >= {
        "against/uid",
        "against/date",
        "against/value",
    }
