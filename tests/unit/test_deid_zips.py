"""Zips as sources: read like folders, bounded, and whatever is wrong with them has a reason."""

from __future__ import annotations

import gzip
import io
import itertools
import random
import stat
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import pytest
from deid_samples import clean, encode, png
from test_deid_sources import index

import privxray.deid.sources.zip_limits as limits
from privxray.deid.dicomfile import untrusted_bytes
from privxray.deid.findings import rules
from privxray.deid.judging.check import check_paths
from privxray.deid.sources import zip_archive
from privxray.deid.sources.gathered import REFERENCE_OUTSIDE
from privxray.deid.sources.selection import select
from privxray.deid.sources.source import Source
from privxray.deid.sources.source_file import SourceFile
from privxray.errors import MalformedError

SENTINEL = "Zyxwvutsen"

Edit = Callable[[zipfile.ZipFile], None]


def zipped(
    files: Mapping[str, bytes], edit: Edit = lambda _: None, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        edit(archive)
    return stream.getvalue()


def image(name: str = "case0042") -> bytes:
    ds = clean()
    ds.PatientName = name
    return encode(ds)


def outcome(path: Path) -> dict[str, tuple[str, str]]:
    """Verdict and first reason by public name."""
    return {
        file.name: (file.verdict, file.findings[0].reason if file.verdict == "error" else "")
        for file in check_paths([path]).files
    }


def unreadable(text: str) -> tuple[str, str]:
    return "error", rules.UNREADABLE.because(text).reason


@pytest.fixture
def at(tmp_path: Path) -> Path:
    return tmp_path / "export.zip"


# Read like a folder


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_zip_is_judged_as_the_folder_would_be(tmp_path: Path, method: int) -> None:
    files = {
        "a.dcm": image(),
        "series/IM1": image("Grid^Chest"),
        "series/1": b"text",
        "series/.im.dcm": png(),
        "series/x.qkzbv": png(),
        "labels.csv": b"image,label\n",
        "notes.txt": b"notes",
    }
    for name, data in files.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "export.zip").write_bytes(zipped(files, method=method))
    by_folder, by_zip = check_paths([tmp_path / "folder"]), check_paths([tmp_path / "export.zip"])
    assert by_zip.to_json() == by_folder.to_json()
    assert [file.sha256 for file in by_zip.files] == [file.sha256 for file in by_folder.files]
    assert by_zip.skipped == by_folder.skipped == 2


def test_workers_read_the_same_from_a_zip(tmp_path: Path, at: Path) -> None:
    at.write_bytes(zipped({f"im{number}.dcm": image(f"Zwiebel^{number}") for number in range(30)}))
    assert check_paths([at], jobs=2) == check_paths([at])


def test_a_zip_within_a_folder_and_within_a_zip_is_a_folder(tmp_path: Path) -> None:
    inner = zipped({"IM1": image(), "notes.txt": b"notes"})
    (tmp_path / "a.zip").write_bytes(zipped({"deep/b.zip": inner, "IM2": image()}))
    assert outcome(tmp_path) == {"a.zip/IM2": ("pass", ""), "a.zip/deep/b.zip/IM1": ("pass", "")}
    assert outcome(tmp_path / "a.zip") == {"IM2": ("pass", ""), "deep/b.zip/IM1": ("pass", "")}
    first = select([tmp_path])
    assert [path.as_posix() for path in first.passed_over] == ["a.zip/deep/b.zip/notes.txt"]


def test_three_zips_within_each_other_are_read_and_no_fourth(tmp_path: Path, at: Path) -> None:
    data = zipped({"IM1": image()})
    for level in range(limits.MAX_DEPTH - 1):
        data = zipped({f"{level}.zip": data})
    at.write_bytes(data)
    assert outcome(at) == {"1.zip/0.zip/IM1": ("pass", "")}
    at.write_bytes(zipped({"2.zip": data}))
    assert outcome(at) == {"2.zip/1.zip/0.zip": unreadable(limits.TOO_DEEP)}


def test_nothing_is_left_in_the_folder_of_temporary_files(
    tmp_path: Path, at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    at.write_bytes(zipped({"a.zip": zipped({"IM1": image()})}))
    (found,) = select([at]).files
    assert found.read_whole()[128:132] == b"DICM"
    assert list((tmp_path / "tmp").iterdir()) == []  # while it is still open


def test_an_index_in_a_zip_is_followed(at: Path) -> None:
    files = {
        "media/DICOMDIR": index(
            [["IMAGES", "NOTE.TXT"], ["IMAGES", "IM2"], ["IMAGES", "IM9"], ["..", "IM3"]]
        ),
        "media/IMAGES/NOTE.TXT": b"named, so an image",
        "media/images/im2": image(),
        "IM3": image(),
    }
    at.write_bytes(zipped(files))
    report = check_paths([at])
    assert (report.indexes, report.missing) == (1, ("media/IMAGES/IM9",))
    assert sorted((file.name, file.verdict) for file in report.files) == [
        ("IM3", "pass"),
        ("file #2", "error"),
        ("media/IMAGES/NOTE.TXT", "error"),
        ("media/images/im2", "pass"),
    ]
    assert [f.reason for file in report.files for f in file.findings if file.name == "file #2"] == [
        rules.UNREADABLE.because(REFERENCE_OUTSIDE).reason
    ]


def test_names_of_any_alphabet_are_printed_as_those_of_files(at: Path) -> None:
    at.write_bytes(zipped({f"{SENTINEL}/Müller.dcm": image(), "im1.dcm": image(), "患者.dcm": image()}))
    assert sorted(outcome(at)) == ["file #1", "file #3", "im1.dcm"]
    old = zipped({"M_ller.dcm": image()}).replace(b"M_ller", b"M\x81ller")  # code page 437, no flag
    at.write_bytes(old)
    assert [file.relative for file in select([at]).files] == [PurePosixPath("Müller.dcm")]


def test_a_document_of_an_office_is_no_archive_of_images(tmp_path: Path) -> None:
    (tmp_path / "labels.xlsx").write_bytes(zipped({"[Content_Types].xml": b"<x/>", "xl/a.xml": b"<x/>"}))
    (tmp_path / "im1.dcm").write_bytes(image())
    assert outcome(tmp_path) == {"im1.dcm": ("pass", "")}
    assert outcome(tmp_path / "labels.xlsx") == {"file #1": unreadable(limits.DOCUMENT)}
    hiding = {"mimetype": b"application/zip", "notes.txt": b"", "series/im1.dcm": image()}
    (tmp_path / "a.zip").write_bytes(zipped(hiding))
    assert outcome(tmp_path) == {"im1.dcm": ("pass", ""), "a.zip/series/im1.dcm": ("pass", "")}


# What can't be read counts as not checked


@pytest.mark.parametrize("name", ["old.tar", "old.tgz", "volume.nii.gz", "all.7z"])
def test_archives_of_other_kinds_fail_the_check(tmp_path: Path, name: str) -> None:
    magic = {"tar": bytes(257) + b"ustar\x0000", "7z": b"7z\xbc\xaf\x27\x1c\0\4"}
    (tmp_path / name).write_bytes(magic.get(name.rpartition(".")[2], gzip.compress(image())))
    (tmp_path / "im1.dcm").write_bytes(image())
    report = check_paths([tmp_path])
    assert report.verdict == "fail"
    assert [f.reason for file in report.files for f in file.findings if file.verdict == "error"] == [
        rules.UNREADABLE.because(limits.OTHER_ARCHIVE).reason
    ]


@pytest.mark.parametrize(
    "name",
    ["../IM1", "a/../../IM1", "/etc/IM1", "C:/IM1", "C:IM1", "..\\IM1", "\\\\host\\IM1", "a\nb", "IM\x001"],
)
def test_names_that_lead_out_of_the_zip(at: Path, name: str) -> None:
    def rename(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].filename = name

    at.write_bytes(zipped({"x" * len(name): image(), "IM2": image()}, rename))
    found = check_paths([at])
    assert [file.verdict for file in found.files if file.name == "IM2"] == ["pass"]
    (bad,) = [file for file in found.files if file.verdict == "error"]
    assert bad.findings[0].reason == rules.UNREADABLE.because(limits.OUTSIDE).reason
    assert bad.name.startswith("file #")


def test_names_with_backslashes_and_points_are_paths(at: Path) -> None:
    at.write_bytes(zipped({"series\\IM1": image(), "./series//IM2": image()}))
    assert sorted(outcome(at)) == ["series/IM1", "series/IM2"]


def test_links_devices_and_folders_with_bytes_in_them(at: Path) -> None:
    def edit(archive: zipfile.ZipFile) -> None:
        for entry, kind in zip(
            archive.filelist, (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFDIR, stat.S_IFDIR), strict=True
        ):
            entry.external_attr = (kind | 0o644) << 16

    at.write_bytes(zipped({"LINK": b"/etc/passwd", "DEVICE": b"", "IM1": image(), "empty": b""}, edit))
    assert outcome(at) == {
        "LINK": unreadable(limits.LINK),
        "DEVICE": unreadable(limits.LINK),
        "IM1": unreadable(limits.LINK),  # it says that it is a folder
    }


def test_encrypted_entries_and_unknown_compression_are_named(at: Path) -> None:
    def edit(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].flag_bits |= 1
        archive.filelist[1].compress_type = 9  # Deflate64, which Windows writes for large files

    at.write_bytes(zipped({"IM1": image(), "IM2": image(), "IM3": image()}, edit))
    assert outcome(at) == {
        "IM1": unreadable(limits.ENCRYPTED),
        "IM2": unreadable(limits.COMPRESSION),
        "IM3": ("pass", ""),
    }


def test_the_second_of_two_files_of_one_name_is_not_read(at: Path) -> None:
    def rename(archive: zipfile.ZipFile) -> None:
        archive.filelist[1].filename = "IM1"

    at.write_bytes(zipped({"IM1": image(), "IM2": image("Grid^Chest")}, rename).replace(b"IM2", b"IM1"))
    report = check_paths([at])
    assert [file.verdict for file in report.files] == ["pass", "error"]
    assert report.files[1].findings[0].reason == rules.UNREADABLE.because(limits.TWICE).reason


def test_damaged_bytes_are_found_by_their_checksum(at: Path) -> None:
    data = bytearray(zipped({"IM1": image(), "IM2": image()}, method=zipfile.ZIP_STORED))
    data[500] ^= 1
    at.write_bytes(data)
    assert outcome(at) == {"IM1": unreadable(limits.ENTRY_DAMAGED), "IM2": ("pass", "")}


@pytest.mark.parametrize("stated", [10, 5000])
def test_an_entry_of_another_size_than_stated(at: Path, stated: int) -> None:
    def lie(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].file_size = stated

    at.write_bytes(zipped({"IM1": image()}, lie))
    assert outcome(at) == {"IM1": unreadable(limits.ENTRY_DAMAGED)}


# Bombs


def state_size(size: int) -> Edit:
    def edit(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].file_size = size

    return edit


def test_an_entry_that_would_unfold_too_far(at: Path) -> None:
    filler = random.Random(1).randbytes(2 << 20)
    at.write_bytes(zipped({"IM1": image(), "filler.bin": filler}, state_size(300 << 20)))
    assert outcome(at)["IM1"] == unreadable(limits.ENTRY_UNFOLDS)


def twice(archive: zipfile.ZipFile) -> None:
    other = zipfile.ZipInfo("IM2")
    first = archive.filelist[0]
    other.header_offset, other.compress_type = first.header_offset, first.compress_type
    other.file_size, other.compress_size, other.CRC = first.file_size, first.compress_size, first.CRC
    archive.filelist.append(other)


def unlist(archive: zipfile.ZipFile) -> None:
    archive.filelist.pop()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (zipped({"IM1": b"x"}, state_size(300 << 20)), limits.UNFOLDS),
        (zipped({"IM1": b"x"}, state_size(2 << 40)), limits.UNFOLDS),
        (zipped({"IM1": b"x" * 100}, twice), limits.OVERLAPS),
        (zipped({"IM1": image(), "IM2": random.Random(1).randbytes(3000)}, unlist), limits.UNLISTED),
        (zipped({"IM1": random.Random(1).randbytes(3000)}, unlist), limits.UNLISTED),
        (zipped({"IM1": b"x" * 100})[:-30], limits.DAMAGED),
        (zipped({"IM1": b"x" * 100})[:60], limits.DAMAGED),
        (b"PK\3\4" + b"no zip", limits.DAMAGED),
    ],
    ids=itertools.count(),  # zips hold the time, and workers have to collect the same tests
)
def test_a_whole_zip_that_is_refused(at: Path, tmp_path: Path, data: bytes, text: str) -> None:
    at.write_bytes(data)
    assert outcome(at) == {"export.zip": unreadable(text)}
    assert outcome(tmp_path) == {"export.zip": unreadable(text)}  # not passed over in a folder
    with pytest.raises(MalformedError) as caught:
        _ = Source(at).selection
    assert caught.value.reason == limits.REASONS[text]
    assert caught.value.file == "export.zip"
    outer = tmp_path / "outer.zip"
    outer.write_bytes(zipped({"a.zip": data}))
    assert outcome(outer) == {"a.zip": unreadable(text)}


def test_too_many_entries(at: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at.write_bytes(zipped({f"IM{number}": b"" for number in range(5)}))
    (tmp_path / "b.zip").write_bytes(zipped({f"IM{number}": image() for number in range(3)}))
    monkeypatch.setattr(limits, "MAX_LISTED", 7)
    reasons = [reason for _, reason in outcome(tmp_path).values()]
    assert rules.UNREADABLE.because(limits.TOO_MANY_IN_ALL).reason in reasons
    monkeypatch.setattr(limits, "MAX_ENTRIES", 4)
    at.write_bytes(zipped({f"IM{number}": b"" for number in range(6)}))
    assert outcome(at) == {"export.zip": unreadable(limits.TOO_MANY)}


def test_many_entries_are_counted_before_the_list_is_read(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the list was read"))
    for stated in (b"PK\5\6" + bytes(4) + b"\xfe\xff\xfe\xff" + b"\0\0\0\x10" + bytes(6),):
        at.write_bytes(b"PK\3\4" + bytes(100) + stated)
        assert outcome(at) == {"export.zip": unreadable(limits.TOO_MANY)}


def test_entries_and_inner_zips_that_are_too_large(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at.write_bytes(zipped({"IM1": image(), "a.zip": zipped({"IM2": image()})}))
    monkeypatch.setattr(zip_archive, "MAX_FILE", 100)
    monkeypatch.setattr(limits, "MAX_INNER", 100)
    assert outcome(at) == {
        "IM1": unreadable(untrusted_bytes.TOO_LARGE),
        "a.zip": unreadable(limits.TOO_LARGE_INSIDE),
    }


def test_no_zip_ends_the_check_whatever_is_in_it(at: Path) -> None:
    whole = zipped({"IM1": image(), "a.zip": zipped({"IM2": image()}), "DICOMDIR": index([["IM1"]])})
    rng = random.Random(7)
    at.write_bytes(whole)
    verdicts = {check_paths([at]).verdict}
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(4, len(data))] = rng.randrange(256)
        at.write_bytes(data[: rng.choice((len(data), rng.randrange(4, len(data))))])
        verdicts.add(check_paths([at]).verdict)
    assert verdicts == {"pass", "fail"}


def test_a_zip_that_is_replaced_while_it_is_read(at: Path) -> None:
    at.write_bytes(zipped({"IM1": image(), "IM2": image()}))
    files = select([at]).files
    at.write_bytes(zipped({"IM1": image()}))
    with pytest.raises(untrusted_bytes.UnreadFileError, match=limits.CHANGED):
        files[1].read()
    at.unlink()
    with pytest.raises(untrusted_bytes.UnreadFileError, match=limits.CHANGED):
        files[0].read()


def test_few_zips_stay_open(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}.zip").write_bytes(zipped({"IM1": image()}))
    for file in select([tmp_path]).files:
        file.read()
    assert 0 < len(zip_archive._open) <= limits.MAX_DEPTH + 1
    check_paths([tmp_path])
    assert not zip_archive._open


def test_a_source_finds_files_in_zips_by_name(tmp_path: Path, at: Path) -> None:
    data = image()
    at.write_bytes(zipped({"series/IM1": data}))
    by_zip, by_folder = Source(at), Source(tmp_path)
    assert by_zip.is_there
    for source, path in ((by_zip, "series/IM1"), (by_folder, "export.zip/series/IM1")):
        assert source.holds(PurePosixPath(path))
        assert not source.holds(PurePosixPath("IM2"))
        assert source.file(PurePosixPath(path)).read_whole() == data
        assert source.file(PurePosixPath(path)).head(4) == data[:4]
        assert source.file(PurePosixPath(path)).stamp() == (len(data), at.stat().st_mtime_ns)
    assert isinstance(by_zip.file(PurePosixPath("IM2")), SourceFile)
