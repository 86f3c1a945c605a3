"""Where images come from: media with a DICOMDIR, what it names, and what must not be followed."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath

import pydicom.data
import pytest
from deid_samples import clean, encode, jpeg, png
from pydicom import Dataset

from privxray.deid.findings import rules
from privxray.deid.judging.check import check_paths
from privxray.deid.sources.gathered import REFERENCE_OUTSIDE
from privxray.deid.sources.kinds import is_image, is_other_archive, is_zip, promises_image
from privxray.deid.sources.medium_index import leads_outside, references
from privxray.deid.sources.on_medium import OnMedium, OutsideError
from privxray.deid.sources.packed_files import NumberedFiles, PackedFiles
from privxray.deid.sources.selection import select
from privxray.deid.sources.source import Source
from privxray.deid.sources.source_file import SourceFile
from privxray.errors import UsageError

SENTINEL = "Zyxwvutsen"
MEDIUM = Path(str(pydicom.data.get_testdata_file("DICOMDIR", download=False))).parent


def medium(folder: Path, images: int = 3) -> Path:
    """A medium as burners write it: a DICOMDIR, and files without suffix."""
    parts = [("DICOM", "PT000000", f"IM{number:06}") for number in range(images)]
    (folder / "DICOM" / "PT000000").mkdir(parents=True)
    for one in parts:
        folder.joinpath(*one).write_bytes(encode(clean()))
    (folder / "DICOMDIR").write_bytes(index(parts))
    return folder


def index(named: Sequence[Sequence[str]], in_use: int = 0xFFFF) -> bytes:
    """A DICOMDIR with a record for each file, whatever they are called."""
    ds = clean()
    directory = Dataset()
    directory.file_meta = ds.file_meta
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.FileSetID = "SET"
    directory.DirectoryRecordSequence = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for parts in named:
            record = Dataset()
            record.OffsetOfTheNextDirectoryRecord = 0
            record.RecordInUseFlag = in_use
            record.DirectoryRecordType = "IMAGE"
            record.ReferencedFileID = list(parts)
            directory.DirectoryRecordSequence.append(record)
        return encode(directory)


def names(paths: Sequence[Path]) -> list[str]:
    return [file.relative.as_posix() for file in select(paths).files]


# What a DICOMDIR names


@pytest.mark.parametrize("variant", ["", "-bigEnd", "-implicit", "-reordered", "-nopatient"])
def test_the_files_of_an_index_in_any_encoding_and_order(variant: str) -> None:
    found = references((MEDIUM / f"DICOMDIR{variant}").read_bytes())
    assert found is not None
    assert len(found) == 31
    assert all(found.values())
    assert ("TINY_ALPHA",) not in found
    assert ("77654033", "CR1", "6154") in found


def test_an_empty_index_and_what_is_none() -> None:
    assert references((MEDIUM / "DICOMDIR-empty.dcm").read_bytes()) == {}
    assert references(encode(clean())) is None
    assert references(jpeg()) is None
    data = (MEDIUM / "DICOMDIR").read_bytes()
    assert references(data[:3000]) is None
    assert references((MEDIUM / "DICOMDIR-nooffset").read_bytes()) is None  # an item is cut off
    both = clean()
    both.DirectoryRecordSequence = []
    assert references(encode(both)) is None  # an image could hide so


def test_a_record_that_is_not_in_use_is_followed_but_not_missed(tmp_path: Path) -> None:
    assert references(index([["A"], ["B"]], in_use=0)) == {("A",): False, ("B",): False}
    (tmp_path / "DICOMDIR").write_bytes(index([["A.TXT"], ["B"]], in_use=0))
    (tmp_path / "A.TXT").write_bytes(b"anything")
    found = select([tmp_path / "DICOMDIR"])
    assert [file.relative for file in found.files] == [PurePath("A.TXT")]
    assert found.missing == ()


@pytest.mark.parametrize(
    "parts",
    [("..", "A"), ("A", "..", "B"), ("", "etc", "passwd"), ("C:", "A"), ("C:A",), ("A", "."), ("A\0",)],
)
def test_references_that_lead_outside(parts: tuple[str, ...], tmp_path: Path) -> None:
    assert leads_outside(parts)
    with pytest.raises(OutsideError):
        OnMedium(tmp_path).find(parts)


def test_names_as_disks_show_those_of_media(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "im1").touch()
    (tmp_path / "images" / "IM2;1").touch()
    (tmp_path / "images" / "x").touch()
    (tmp_path / "images" / "X;1").touch()
    disk = OnMedium(tmp_path)
    assert disk.find(("IMAGES", "IM1")) == tmp_path / "images" / "im1"
    assert disk.find(("IMAGES", "IM2")) == tmp_path / "images" / "IM2;1"
    assert disk.find(("IMAGES", "X")) is None  # two files are meant as much as each other
    assert disk.find(("IMAGES",)) is None  # a folder
    assert disk.find(("IMAGES", "IM3")) is None


def test_separators_of_both_kinds_in_one_component(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(index([["IMAGES/IM1"], ["IMAGES", "IM2"]]))
    (tmp_path / "IMAGES").mkdir()
    for name in ("IM1", "IM2"):
        (tmp_path / "IMAGES" / name).write_bytes(encode(clean()))
    assert names([tmp_path / "DICOMDIR"]) == ["IMAGES/IM1", "IMAGES/IM2"]


# A DICOMDIR as a source


def test_a_medium_passes_by_its_index_and_by_its_folder(tmp_path: Path) -> None:
    folder = medium(tmp_path / "medium")
    by_index = check_paths([folder / "DICOMDIR"])
    by_folder = check_paths([folder])
    assert [file.name for file in by_index.files] == [file.name for file in by_folder.files]
    assert by_index.files[0].name == "DICOM/PT000000/IM000000"
    for report in (by_index, by_folder):
        assert (report.verdict, len(report.files), report.indexes, report.missing) == ("pass", 3, 1, ())


def test_the_index_alone_stands_for_what_it_names_and_the_folder_for_all(tmp_path: Path) -> None:
    folder = medium(tmp_path / "medium", images=1)
    (folder / "more.png").write_bytes(png())
    assert names([folder / "DICOMDIR"]) == ["DICOM/PT000000/IM000000"]
    assert names([folder]) == ["DICOM/PT000000/IM000000", "more.png"]


def test_what_an_index_names_is_an_image_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(index([["NOTES.TXT"]]))
    (tmp_path / "NOTES.TXT").write_text("no image")
    report = check_paths([tmp_path])
    assert [(file.name, file.verdict) for file in report.files] == [("NOTES.TXT", "error")]


def test_missing_files_are_named_and_counted_and_stop_nothing(tmp_path: Path) -> None:
    folder = medium(tmp_path / "medium")
    place = folder / "DICOM" / "PT000000"
    (place / "IM000001").unlink()
    for source in (folder, folder / "DICOMDIR"):
        report = check_paths([source])
        assert report.verdict == "pass"
        assert report.missing == ("DICOM/PT000000/IM000001",)
    (folder / "DICOMDIR").write_bytes(index([["DICOM", "PT000000", "IM000000"], [SENTINEL, "IM1"]]))
    assert select([folder]).missing == ("reference no. 2",)


def test_nothing_outside_its_folder_is_followed_and_the_check_fails(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(encode(clean()))
    folder = tmp_path / "medium"
    folder.mkdir()
    (folder / "IM1").write_bytes(encode(clean()))
    (folder / "OUT").symlink_to(tmp_path)
    (folder / "LINK").symlink_to(tmp_path / "secret")
    outside = [["..", "secret"], ["OUT", "secret"], ["LINK"]]
    (folder / "DICOMDIR").write_bytes(index([["IM1"], *outside]))
    for source in (folder, folder / "DICOMDIR"):
        report = check_paths([source])
        reasons = [(file.verdict, file.findings) for file in report.files if file.name != "IM1"]
        assert reasons == [("error", (rules.UNREADABLE.because(REFERENCE_OUTSIDE),))] * 3
        assert {file.name for file in report.files} >= {"IM1"}
        assert not any("secret" in file.name for file in report.files)


def test_a_file_called_dicomdir_that_is_none_is_checked(tmp_path: Path) -> None:
    ds = clean()
    ds.PatientName = SENTINEL
    (tmp_path / "DICOMDIR").write_bytes(encode(ds))
    report = check_paths([tmp_path])
    assert (len(report.files), report.verdict, report.indexes) == (1, "fail", 0)
    (tmp_path / "DICOMDIR").write_bytes((MEDIUM / "DICOMDIR").read_bytes()[:4000])
    assert [file.verdict for file in check_paths([tmp_path]).files] == ["error"]


def test_an_index_of_another_name_is_followed_where_it_is_named(tmp_path: Path) -> None:
    shutil.copytree(MEDIUM / "77654033", tmp_path / "77654033")
    shutil.copy(MEDIUM / "DICOMDIR-implicit", tmp_path)
    found = select([tmp_path / "DICOMDIR-implicit"])
    here = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "77654033").rglob("*"))
    assert {file.relative.as_posix() for file in found.files} <= set(here)
    assert len(found.files) + len(found.missing) == 31


def test_an_index_without_a_file_is_nothing_to_check(tmp_path: Path) -> None:
    shutil.copy(MEDIUM / "DICOMDIR", tmp_path)
    with pytest.raises(UsageError) as caught:
        check_paths([tmp_path / "DICOMDIR"])
    assert caught.value.reason == "check.nothing"


# One file of a source, and the source by name


def test_what_a_head_tells() -> None:
    assert is_image(encode(clean())[:264])
    assert is_image(jpeg()[:264])
    assert not is_image(b"image,patient,label\n")
    assert is_zip(b"PK\5\6" + bytes(18))
    assert not is_zip(b"PK")
    tar = bytes(257) + b"ustar\x0000"
    for head in (tar, b"\x1f\x8b\x08\0", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\0"):
        assert is_other_archive(head)
    assert not is_other_archive(b"image,patient,label\n")
    assert promises_image(PurePath("series/IM1"))
    assert promises_image(PurePath("1.2.3"))
    assert not promises_image(PurePath(".series/IM1"))
    assert not promises_image(PurePath("notes.txt"))


def test_a_file_names_nobody_and_survives_the_pipe(tmp_path: Path) -> None:
    file = SourceFile(tmp_path / SENTINEL, PurePosixPath(SENTINEL), (3, 1), f"a.zip/{SENTINEL}", "trouble")
    assert SENTINEL not in repr(file)
    assert SourceFile.from_json(file.to_json()) == file
    assert file.order == f"{(tmp_path / SENTINEL).as_posix()}/a.zip/{SENTINEL}"


def test_a_source_finds_files_by_name(tmp_path: Path) -> None:
    folder = medium(tmp_path / "medium", images=1)
    path = PurePosixPath("DICOM/PT000000/IM000000")
    for source in (Source(folder), Source(folder / "DICOMDIR")):
        assert source.is_there
        assert source.folder == folder
        assert source.holds(path)
        assert not source.holds(PurePosixPath("other"))
        assert source.file(path).read_whole() == (folder / path).read_bytes()
    assert not Source(tmp_path / "nowhere").is_there
    assert not Source(folder / path).is_there


def test_packed_files_are_what_was_added_in_order_and_once() -> None:
    files = [
        SourceFile(Path("/data/b/im1.dcm"), PurePosixPath("b/im1.dcm")),
        SourceFile(Path("/data/b"), PurePosixPath("b")),
        SourceFile(Path("/data/M\udcfcller.dcm"), PurePosixPath("M\udcfcller.dcm")),
        SourceFile(Path("a.zip"), PurePosixPath("a.zip/x"), (3,), "x"),
        SourceFile(Path("a.zip"), PurePosixPath(".."), (4, 1), "y\0z", "its name leads out of the zip"),
        SourceFile(Path("/data/b.dcm"), PurePosixPath("b.dcm")),
        SourceFile(Path("/other/b.dcm"), PurePosixPath("elsewhere.dcm")),
        SourceFile(Path("Übung.dcm"), PurePosixPath("Übung.dcm")),
    ]
    packed = PackedFiles()
    for file in [*files, *files]:
        packed.add(file, file.address)
    packed.sort()
    expected = sorted(files, key=lambda file: file.order)
    assert list(packed) == expected
    assert packed[1:3] == expected[1:3]
    assert packed[-1] == expected[-1]
    some = NumberedFiles(packed, range(1, len(files), 3))
    assert list(some) == some[:] == [(place, expected[place]) for place in (1, 4, 7)]
    with pytest.raises(IndexError):
        some[3]
