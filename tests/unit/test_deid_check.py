"""Files, folders, and the command's output."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path, PurePath
from types import SimpleNamespace

import pytest
import typer
from deid_samples import clean, encode, jpeg, png

import privxray.deid.dicomfile.untrusted_bytes as files_module
from privxray.cli.commands.check_command import check
from privxray.deid.dicomfile.untrusted_bytes import TOO_LARGE
from privxray.deid.findings import rules
from privxray.deid.judging.check import check_bytes, check_file, check_paths
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.set_check import SetCheck
from privxray.deid.sources.source_file import SourceFile
from privxray.errors import FindingsError, SystemTroubleError, UsageError

LINKS = os.name == "posix"
"""Whether links can be made by anybody, and lead to nowhere."""


def dirty() -> bytes:
    ds = clean()
    ds.PatientName = "Grid^Chest"
    ds.InstitutionalDepartmentName = "Radiology"
    return encode(ds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "Doe_John"
    (root / "series_2").mkdir(parents=True)
    (root / "a.dcm").write_bytes(encode(clean()))
    (root / "b").write_bytes(dirty())
    (root / "series_2" / "image.jpeg").write_bytes(jpeg())
    (root / "series_2" / "image.qkzbv").write_bytes(png())  # found by its content
    (root / "labels.csv").write_text("image,label\n")
    (root / "notes.txt").write_text("Doe, John")
    return root


def run(*arguments: str) -> FindingsError | None:
    app = typer.Typer()
    app.command()(check)
    app.command("other")(lambda: None)
    try:
        app(["check", *arguments], standalone_mode=False)
    except FindingsError as error:
        return error
    return None


def test_a_folder(folder: Path) -> None:
    steps: list[tuple[int, int]] = []
    report = check_paths([folder], progress=lambda done, total: steps.append((done, total)))
    assert [(f.name, f.verdict) for f in report.files] == [
        ("a.dcm", "pass"),
        ("b", "fail"),
        ("series_2/image.jpeg", "pass"),
        ("file #4", "pass"),
    ]
    assert report.skipped == 2
    assert report.verdict == "fail"
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4), (5, 6), (6, 6)]  # two DICOM files are searched for leaks
    assert [f.path for f in report.files][1] == folder / "b"


def test_hidden_files_and_folders_are_checked_by_their_content(tmp_path: Path) -> None:
    (tmp_path / ".series" / "deep").mkdir(parents=True)
    (tmp_path / ".series" / "deep" / "im1.dcm").write_bytes(dirty())
    (tmp_path / ".im2.dcm").write_bytes(dirty())
    (tmp_path / ".im3").write_bytes(png())
    (tmp_path / ".series" / "im4.txt").write_bytes(jpeg())
    (tmp_path / "im5.png").write_bytes(png())
    (tmp_path / "._im5.png").write_bytes(b"\0\5\x16\7 what macOS writes beside an image")
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    if LINKS:
        (tmp_path / ".gone").symlink_to(tmp_path / "nowhere")
    report = check_paths([tmp_path])
    verdicts = {file.path.relative_to(tmp_path).as_posix(): file.verdict for file in report.files}
    assert verdicts == {
        ".im2.dcm": "fail",
        ".im3": "pass",
        ".series/deep/im1.dcm": "fail",
        ".series/im4.txt": "pass",
        "im5.png": "pass",
    }
    assert report.skipped == (3 if LINKS else 2)
    assert report.verdict == "fail"


def test_json_has_exactly_these_keys(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = run(str(folder), "--json")
    assert error is not None
    assert error.exit_code == 3
    out = capsys.readouterr().out
    value = json.loads(out)
    assert set(value) == {"verdict", "profile", "pixels", "files"}
    assert all(set(file) == {"file", "verdict", "findings"} for file in value["files"])
    findings = [finding for file in value["files"] for finding in file["findings"]]
    assert {tuple(finding) for finding in findings} == {("rule", "severity", "where", "reason")}
    assert {
        "rule": "E.1-1/X",
        "severity": "error",
        "where": "(0008,1040)",
        "reason": "Institutional Department Name: must be removed",
    } in findings
    assert "Doe" not in out


def test_a_folder_that_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "image.jpeg").write_bytes(jpeg())
    assert run(str(tmp_path)) is None
    out, err = capsys.readouterr()
    assert out == ""
    assert "no finding" in err
    assert "pixels were not searched for text" in " ".join(err.split())
    assert "clean" not in err


def test_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = run(str(folder))
    out, err = capsys.readouterr()
    assert error is not None
    assert "1 of 4 files" in str(error)
    assert "error E.1-1/X" in out
    assert "(0008,1040)" in out
    assert "notice E.1-1/U" in out
    assert "2 passed over" in err
    assert max(map(len, out.splitlines())) <= 80


def test_many_alike_files_are_few_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = dirty()
    for number in range(150):
        (tmp_path / f"img{number}.dcm").write_bytes(data)
    assert run(str(tmp_path)) is not None
    out = capsys.readouterr().out
    assert "img0.dcm and 149 more" in out
    assert len(out.splitlines()) < 40


def test_what_is_checked_is_hashed(tmp_path: Path) -> None:
    data = encode(clean())
    path = tmp_path / "a.dcm"
    path.write_bytes(data)
    assert check_file(path, name="n").sha256 == hashlib.sha256(data).hexdigest()
    assert check_file(path, name="n") == check_bytes(data, name="n", path=path)


def test_own_values_hide_the_path_and_declared_pseudonyms_do_not() -> None:
    def name_of(data: bytes, path: str) -> str:
        whole = SetCheck()
        scan = scan_bytes(data, whole.profile)
        whole.add(scan, source=SourceFile.on_disk(Path(path), PurePath(path)), number=5)
        return whole.reports()[0].name

    assert name_of(dirty(), "chest.dcm") == "file #5"
    assert name_of(dirty(), "xray.dcm") == "xray.dcm"
    assert name_of(encode(clean()), "case0042.dcm") == "case0042.dcm"
    undeclared = clean()
    del undeclared.PatientIdentityRemoved
    assert name_of(encode(undeclared), "case0042.dcm") == "file #5"


def test_images_that_can_not_be_checked_are_errors(tmp_path: Path) -> None:
    (tmp_path / "scan.tif").write_bytes(b"II*\0")
    (tmp_path / "noname").write_bytes(b"text")
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "1.2.3.4.5").write_bytes(b"text")
    if LINKS:
        (tmp_path / "broken.dcm").symlink_to(tmp_path / "nowhere.dcm")
    report = check_paths([tmp_path])
    assert [f.verdict for f in report.files] == ["error"] * (5 if LINKS else 4)
    assert {tuple(f.rule for f in file.findings) for file in report.files} == {("unreadable",)}
    assert report.verdict == "fail"


def test_nothing_to_check_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,label\n")
    for paths in ([tmp_path], []):
        with pytest.raises(UsageError) as caught:
            check_paths(paths)
        assert caught.value.reason == "check.nothing"


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        check_paths([tmp_path / "Doe_John.dcm"])
    assert caught.value.reason == "check.absent"
    assert "Doe" not in str(caught.value)
    assert "path no. 1" in str(caught.value)


def test_a_named_file_is_checked_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "Doe_John.txt"
    path.write_text("Doe, John")
    assert [(f.name, f.verdict) for f in check_paths([path]).files] == [("file #1", "error")]


@pytest.mark.skipif(not LINKS, reason="links on Windows need a right of their own")
def test_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.dcm").write_bytes(dirty())
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.dcm").write_bytes(encode(clean()))
    (root / "again.dcm").symlink_to(root / "a.dcm")
    (root / "out.dcm").symlink_to(outside / "secret.dcm")
    (root / "folder").symlink_to(outside)
    (root / "loop.dcm").symlink_to(root / "loop.dcm")
    report = check_paths([root, root / "a.dcm"])
    assert [(f.name, f.verdict) for f in report.files] == [("a.dcm", "pass"), ("loop.dcm", "error")]
    assert report.skipped == 1


def test_the_same_name_below_two_folders(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "image.jpeg").write_bytes(jpeg(quality=50))
    report = check_paths([tmp_path / "one", tmp_path / "two"])
    assert [f.name for f in report.files] == ["image.jpeg", "file #2"]


def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no more memory is asked for than there are bytes: Windows would take its time for a whole GiB."""
    (tmp_path / "im1.dcm").write_bytes(bytes(5000))
    found = SimpleNamespace(st_size=10, st_mode=stat.S_IFREG)
    monkeypatch.setattr(files_module.os, "fstat", lambda *_: found)
    assert files_module.read_whole(tmp_path / "im1.dcm") == bytes(5000)
    monkeypatch.setattr(files_module, "MAX_FILE", 4999)
    with pytest.raises(files_module.UnreadFileError, match=TOO_LARGE):
        files_module.read_whole(tmp_path / "im1.dcm")


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "MAX_FILE", 500)
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(clean()))
    report = check_file(path, name="a.dcm")
    assert (report.verdict, report.sha256) == ("error", "")
    assert report.findings == (rules.UNREADABLE.because(TOO_LARGE),)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    assert check_paths([tmp_path]).files[0].verdict == "error"


def test_a_folder_that_can_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = os.scandir

    def scandir(place: str | Path) -> object:
        if Path(place).name == "Doe_John":
            raise PermissionError(13, "Permission denied", str(place))
        return listing(place)

    (tmp_path / "Doe_John").mkdir()
    (tmp_path / "a.dcm").write_bytes(encode(clean()))
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(SystemTroubleError) as caught:
        check_paths([tmp_path])
    assert caught.value.reason == "check.closed-folder"
    assert "Doe" not in str(caught.value)
