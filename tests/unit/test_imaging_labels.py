"""The csv: what is read, and what is refused by row and column without quoting a cell."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from imaging_samples import CLASSES, SENTINEL, picture, png, table

from privxray.errors import MalformedError, SystemTroubleError
from privxray.imaging.labelling import table_file
from privxray.imaging.labelling.file_names import AmbiguousNameError, FileNames
from privxray.imaging.labelling.row import Row
from privxray.imaging.labels import read_labels
from privxray.naming.patient_id import PatientId


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "b.png", "c.png", f"{SENTINEL}.png", "sub/d.png"):
        (folder / name).write_bytes(png(picture(1)))
    (tmp_path / "outside.png").write_bytes(png(picture(1)))
    (folder / "sub/b.jpg").write_bytes(png(picture(1)))
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    return folder


def read(images: Path, rows: list[str], header: str = "image,patient,label") -> list[Row]:
    return read_labels(table(images.parent, rows, header), images, CLASSES)


def test_all_columns_in_any_order(images: Path) -> None:
    rows = read(images, ["A,val,virus,p1,sub/d.png,x"], "Site, SPLIT ,label,patient,file,remark")
    (row,) = rows
    assert (row.number, str(row.relative), row.patient) == (2, "sub/d.png", PatientId("p1"))
    assert (row.label, row.split, row.site) == ("virus", "val", "A")


def test_only_an_image_and_a_label_are_needed(images: Path) -> None:
    (row,) = read(images, ["a.png,normal"], "image,label")
    assert (row.patient, row.split, row.site) == (None, None, None)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfimage,patient,label\r\na.png,p1,normal\r\n",
        b"image;patient;label\na.png;p1;normal\n",
        b"sep=;\r\nimage;patient;label\r\na.png;p1;normal\r\n",
        b'\xef\xbb\xbf"sep=,"\nimage,patient,label\na.png,p1,normal\n',
        b"SEP=\t\nimage\tpatient\tlabel\na.png\tp1\tnormal\n",
        b"image\tpatient\tlabel\na.png\tp1\tnormal\n",
        b'"image","patient","label"\n"a.png","p1","normal"\n\n,,\n',
        b"image,patient,label\n a.png , p1 , normal",
    ],
)
def test_what_spreadsheets_write(images: Path, data: bytes) -> None:
    path = images.parent / "labels.csv"
    path.write_bytes(data)
    (row,) = read_labels(path, images, CLASSES)
    assert (row.number, str(row.relative), row.patient, row.label) == (2, "a.png", PatientId("p1"), "normal")


@pytest.mark.parametrize("head", [b"PK\3\4", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_spreadsheet_is_no_csv(images: Path, head: bytes) -> None:
    path = images.parent / "labels.csv"
    path.write_bytes(head + bytes(100))
    with pytest.raises(MalformedError, match="CSV UTF-8") as caught:
        read_labels(path, images, CLASSES)
    assert caught.value.reason == "labels.spreadsheet"


NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(("typed", "stored"), [(NFC, NFD), (NFD, NFC), (NFC, NFC)])
def test_names_are_matched_in_any_encoding_and_spelled_as_on_the_disk(
    images: Path, typed: str, stored: str
) -> None:
    (images / stored).mkdir()
    (images / stored / f"{stored}.png").write_bytes(png(picture(1)))
    (row,) = read(images, [f"{typed}/{typed}.png,p1,normal"])
    assert str(row.relative) == f"{stored}/{stored}.png"


def test_both_encodings_on_the_disk_are_two_images_and_in_the_csv_one_image_twice(images: Path) -> None:
    for stored in (NFC, NFD):
        (images / f"{stored}.png").write_bytes(png(picture(1)))
    rows = read(images, [f"{NFC}.png,p1,normal", f"{NFD}.png,p1,normal"])
    assert [str(row.relative) for row in rows] == [f"{NFC}.png", f"{NFD}.png"]
    (images / f"{NFC}.png").unlink()
    with pytest.raises(MalformedError) as caught:
        read(images, [f"{NFC}.png,p1,normal", f"{NFD}.png,p1,normal"])
    assert caught.value.reason == "labels.image-twice"


def test_of_two_other_spellings_neither_is_meant(tmp_path: Path) -> None:
    """A letter with two accents has three encodings."""
    spellings = ("\u1ec7", "\u1eb9\u0302", "e\u0323\u0302")
    for stored in spellings[:2]:
        (tmp_path / stored).touch()
    typed = PurePosixPath(spellings[2])
    with pytest.raises(AmbiguousNameError):
        FileNames(tmp_path).find(typed)
    (tmp_path / spellings[0]).unlink()
    assert FileNames(tmp_path).find(typed) == PurePosixPath(spellings[1])


def test_a_name_that_is_nowhere_stays_as_typed(images: Path) -> None:
    with pytest.raises(MalformedError) as caught:
        read(images, [f"{NFC}.png,p1,normal"])
    assert caught.value.reason == "labels.no-such-image"


def test_two_encodings_of_one_name_are_one_patient(images: Path) -> None:
    rows = read(images, ["a.png,Zo\u00eb,normal", "b.png,Zoe\u0308,normal"])
    assert rows[0].patient == rows[1].patient


def test_a_row_shows_nothing_but_its_number(images: Path) -> None:
    (row,) = read(images, [f"a.png,{SENTINEL},normal"])
    assert repr(row) == "Row(2)"
    assert row.patient == PatientId(SENTINEL) != PatientId("p1")
    assert (repr(row.patient), f"{row.patient}", f"{[row.patient]}", str(row.patient)) == (
        ("<patient>", "<patient>", "[<patient>]", "<patient>")
    )
    assert row.patient.reveal() == SENTINEL
    with pytest.raises(TypeError):
        json.dumps(row.patient)


BAD: dict[str, tuple[list[str], str, str, str]] = {
    "unknown label": (
        [f"a.png,p1,{SENTINEL}"],
        "",
        "labels.unknown-label",
        "unknown labels: one that is not shown, for a label may name somebody (row 2); the study has normal, "
        "bacteria, virus",
    ),
    "a name without an extension that fits two": (
        ["b,p1,normal"],
        "",
        "labels.ambiguous-image",
        "row 2, column `image`, names an image of which the folder has several",
    ),
    "doubled image": (
        ["a.png,p1,normal", "./a.png,p1,normal"],
        "",
        "labels.image-twice",
        "row 3, column `image`, names the same image as row 2",
    ),
    "missing image": ([f"{SENTINEL}-.png,p1,normal"], "", "labels.no-such-image", "row 2, column `image`,"),
    "a folder": (["sub,p1,normal"], "", "labels.no-such-image", "row 2"),
    "empty patient": (["a.png, ,normal"], "", "labels.empty-cell", "row 2, column `patient`, is empty"),
    "empty image": ([",p1,normal"], "", "labels.empty-cell", "row 2, column `image`, is empty"),
    "absolute": (["/etc/passwd,p1,normal"], "", "labels.path-outside", "row 2, column `image`"),
    "a drive": (["C:\\a.png,p1,normal"], "", "labels.path-outside", "row 2"),
    "climbing out": (["sub/../../outside.png,p1,normal"], "", "labels.path-outside", "row 2"),
    "climbing out by a link": (["link.png,p1,normal"], "", "labels.no-such-image", "row 2"),
    "a nul": (["a.png\0,p1,normal"], "", "labels.path-outside", "row 2"),
    "an endless name": ([f"{'a' * 3000},p1,normal"], "", "labels.no-such-image", "row 2"),
    "an endless cell": ([f"a.png,{'p' * 5000},normal"], "", "labels.long-cell", "row 2"),
    "too many cells": (
        ["a.png,p1,normal,more"],
        "",
        "labels.cells",
        "row 2 has 4 cells, and the header has 3",
    ),
    "too few cells": (["a.png,p1"], "", "labels.cells", "row 2 has 2 cells, and the header has 3"),
    "a quote that never ends": (['a.png,"p1,normal'], "", "labels.not-csv", "row 2"),
    "no rows": ([], "", "labels.no-rows", "no rows"),
    "no header": (["b.png,p1,normal"], "a.png,p1,normal", "labels.image-column", "one of the columns"),
    "both names of the image": (
        ["a.png,a.png,normal"],
        "image,file,label",
        "labels.image-column",
        "one of the columns",
    ),
    "no label": (["a.png,p1"], "image,patient", "labels.label-column", "no column `label`"),
    "two labels": (
        ["a.png,normal,virus"],
        "image,label,label",
        "labels.column-twice",
        "two columns `label`",
    ),
    "unknown split": (
        [f"a.png,p1,normal,{SENTINEL}"],
        "image,patient,label,split",
        "labels.unknown-split",
        "Use: train, val, test",
    ),
    "empty split": (
        ["a.png,p1,normal,"],
        "image,patient,label,split",
        "labels.empty-cell",
        "column `split`, is empty",
    ),
    "two splits": (
        [f"a.png,{SENTINEL},normal,train", f"b.png,{SENTINEL},normal,val"],
        "image,patient,label,split",
        "labels.patient-in-two-splits",
        "row 3, column `split`, puts a patient in a different split from row 2",
    ),
    "two sites": (
        [f"a.png,{SENTINEL},normal,A", f"b.png,{SENTINEL},normal,B"],
        "image,patient,label,site",
        "labels.patient-at-two-sites",
        "row 3, column `site`, puts a patient at a different site from row 2",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_impossible_csv_is_refused_by_row_and_column(images: Path, kind: str) -> None:
    rows, header, reason, words = BAD[kind]
    with pytest.raises(MalformedError) as caught:
        read(images, rows, header or "image,patient,label")
    assert caught.value.reason == reason
    assert words in str(caught.value)
    assert str(caught.value).startswith("labels.csv: ")
    assert SENTINEL not in str(caught.value)


def test_not_utf8(images: Path) -> None:
    path = images.parent / "labels.csv"
    path.write_bytes("image,patient,label\na.png,Zo\u00eb,normal\n".encode("latin-1"))
    with pytest.raises(MalformedError) as caught:
        read_labels(path, images, CLASSES)
    assert caught.value.reason == "labels.not-utf8"


def test_too_large(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_file, "MAX_BYTES", 30)
    with pytest.raises(MalformedError) as caught:
        read(images, ["a.png,p1,normal"])
    assert caught.value.reason == "labels.too-large"


def test_no_folder_of_images(images: Path) -> None:
    with pytest.raises(SystemTroubleError) as caught:
        read_labels(table(images.parent, ["a.png,p1,normal"]), images / SENTINEL, CLASSES)
    assert caught.value.reason == "labels.no-folder"
    assert SENTINEL not in str(caught.value)


def test_a_csv_that_is_not_there_or_is_called_after_a_patient(images: Path) -> None:
    with pytest.raises(SystemTroubleError) as caught:
        read_labels(images / f"{SENTINEL}.csv", images, CLASSES)
    assert caught.value.reason == "labels.absent"
    assert SENTINEL not in str(caught.value)
