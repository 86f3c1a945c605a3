"""Files that are not what they should be: each is one verdict with its reason, and the run goes on."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
import typer
from deid_samples import chunk, clean, element, encode, png, sequence
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from privxray.cli.commands.check_command import check
from privxray.deid.dicomfile.element_reader import NOT_ELEMENTS, TOO_DEEP, TRUNCATED
from privxray.deid.dicomfile.file_reader import NO_SYNTAX, NOT_INFLATED, is_dicom
from privxray.deid.findings import rules
from privxray.deid.findings.report import FileReport, Finding
from privxray.deid.judging.check import check_bytes, check_paths
from privxray.deid.judging.dicom_scan import MAX_PLACES
from privxray.deid.judging.file_scan import NO_IMAGE, STUMBLED, scan_bytes
from privxray.deid.judging.leak_findings import leaks_in_dicom
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.profile.profile_file import load_profile
from privxray.errors import FindingsError

BASE = encode(clean())


def nested(depth: int) -> bytes:
    head = b"\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return head * depth + b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0" * depth


def deflated_bomb() -> bytes:
    """A data set of one element of 1 GiB and more, in about a megabyte."""
    data = encode(clean(), DeflatedExplicitVRLittleEndian)
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    body = bytearray(deflater.compress(b"\x08\x00\x80\x00UT\0\0\0\0\0\x48"))
    zeros = bytes(1 << 24)
    for _ in range(72):
        body += deflater.compress(zeros)
    start = data.index(DeflatedExplicitVRLittleEndian.encode()) + len(DeflatedExplicitVRLittleEndian)
    return data[: start + start % 2] + bytes(body + deflater.flush())


def multi_frame() -> bytes:
    ds = clean()
    ds.NumberOfFrames = 3
    ds.PixelData = bytes(3 * 64)
    return encode(ds)


def without_pixels() -> bytes:
    ds = clean()
    del ds.PixelData
    return encode(ds)


def strange_charset() -> bytes:
    ds = clean()
    data = encode(ds)
    at = data.index(b"\x08\x00\x16\x00UI")
    return data[:at] + element(0x00080005, "CS", b"ISO_IR 999") + data[at:]


def wrong_syntax() -> bytes:
    return BASE.replace(ExplicitVRLittleEndian.encode() + b"\0", b"1.2.840.10008.9.9.9\0")


UNREADABLE = {
    "text.dcm": (b"Doe^John", NO_IMAGE),
    "empty.dcm": (b"", NO_IMAGE),
    "truncated.dcm": (BASE[:-7], TRUNCATED),
    "deep.dcm": (BASE + nested(1000), TOO_DEEP),
    "length.dcm": (BASE + b"\x08\x00\x80\x00UT\0\0\xfe\xff\xff\xff", TRUNCATED),
    "undefined.dcm": (BASE + b"\x08\x00\x80\x00UT\0\0\xff\xff\xff\xff", NOT_ELEMENTS),
    "no_vr.dcm": (BASE + b"\x08\x00\x80\x00ZZ\x02\0XX", NOT_ELEMENTS),
    "syntax.dcm": (wrong_syntax(), NO_SYNTAX),
    "bomb.dcm": (deflated_bomb(), NOT_INFLATED),
}
BOMB = b"a\0\0" + zlib.compress(bytes(1 << 24))
FAILING = {
    "vr.dcm": (BASE + element(0x00081199, "UT", b"4711"), "vr"),
    "bomb.png": (png()[:33] + chunk(b"zTXt", BOMB) + png()[33:], "picture/text"),
    "number.dcm": (BASE + sequence(0x00081115, [element(0x00280010, "US", b"Doe^John")]), None),
}
PASSING = {
    "charset.dcm": strange_charset(),
    "deflated.dcm": encode(clean(), DeflatedExplicitVRLittleEndian),
    "big.dcm": encode(clean(), ExplicitVRBigEndian),
    "frames.dcm": multi_frame(),
    "no_pixels.dcm": without_pixels(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, (data, _) in (UNREADABLE | FAILING).items():
        (tmp_path / name).write_bytes(data)
    for name, data in PASSING.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_each_file_has_its_verdict_and_its_reason(folder: Path) -> None:
    reports = {file.path.name: file for file in check_paths([folder]).files}
    for name, (_, reason) in UNREADABLE.items():
        assert reports[name].verdict == "error", name
        unreadable = [f for f in reports[name].findings if f.rule == "unreadable"]
        assert [f.reason for f in unreadable] == [f"can't be checked: {reason}"], name
    for name, (_, rule) in FAILING.items():
        if rule:
            assert reports[name].verdict == "fail"
            assert rule in {f.rule for f in reports[name].findings}
    for name in PASSING:
        assert reports[name].verdict == "pass", name


def test_the_command_ends_with_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()
    app.command()(check)
    app.command("other")(lambda: None)
    with pytest.raises(FindingsError) as caught:
        app(["check", str(folder), "--json"], standalone_mode=False)
    assert caught.value.exit_code == 3
    files = json.loads(capsys.readouterr().out)["files"]
    assert len(files) == len(UNREADABLE | FAILING | PASSING)
    assert all(file["findings"] for file in files if file["verdict"] != "pass")


LEAKS = LeakSearch([("name", "Zwiebelmann^Anna"), ("id", "MRN-881234"), ("date", "19520130")])


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([BASE, encode(clean(), ExplicitVRBigEndian), multi_frame(), strange_charset()]),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(max_size=6), st.integers(0, 6)), max_size=6),
)
def test_the_whole_reader_path_survives_anything(data: bytes, cuts: list[tuple[int, bytes, int]]) -> None:
    """Rules, facts, terms and the search, on files that are altered in several places."""
    for at, put, drop in cuts:
        at %= len(data)
        data = data[:at] + put + data[at + drop :]
    scan = scan_bytes(data, PROFILE)
    assert scan.damage != STUMBLED
    if is_dicom(data):
        list(leaks_in_dicom(LEAKS, data))


PROFILE = load_profile("research")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["png", "jpeg", "dicom"]))
def test_pictures_and_headers_of_any_bytes(tail: bytes, kind: str) -> None:
    head = {"png": png()[:33], "jpeg": b"\xff\xd8\xff", "dicom": BASE[:400]}[kind]
    scan = scan_bytes(head + tail, PROFILE)
    assert scan.damage != STUMBLED


def test_many_findings_of_one_rule_are_counted_not_listed() -> None:
    body = b"".join(element(0x00091000 + number, "LO", b"x ") for number in range(0xEFF))
    scan = scan_bytes(BASE + body, PROFILE)
    private = [f for f in scan.findings if f.rule == "private"]
    assert len(private) == 201
    assert private[-1].reason.endswith(f"{0xEFF - 200} more places, not listed")


def test_many_pseudonyms_displace_no_other_finding_and_fail_no_file() -> None:
    ds = clean()
    few = check_bytes(encode(ds), name="x", path=Path("x"))
    items = [Dataset() for _ in range(MAX_PLACES + 50)]
    for number, item in enumerate(items):
        item.PatientID = f"case{number:04}"
    ds.PatientSpeciesCodeSequence = items
    many = check_bytes(encode(ds), name="x", path=Path("x"))

    def others(report: FileReport) -> list[Finding]:
        return [finding for finding in report.findings if finding.rule != rules.PSEUDONYM.id]

    assert others(many) == others(few) != []
    # Beyond the places that are listed they are counted: with Patient's Name and Patient ID, 52 of them.
    assert [finding for finding in many.findings if finding.where == "file"] == [rules.PSEUDONYM.more(52)]
    assert many.verdict == "pass"
