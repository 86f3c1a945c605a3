"""``privxray labels``: the csv to fill in, with Patient IDs, for its owner alone."""

from __future__ import annotations

import csv
import stat
import sys
from pathlib import Path

import pytest
from crash import killed_at
from played_study import At, World, typed

from privxray.cli.app import run

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from imaging_samples import dicom, picture, png, ramp, written

PATIENT = "Quackenbush0042"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    (folder / "sub").mkdir(parents=True)
    ids = {"PatientID": PATIENT, "AccessionNumber": "A-17", "StudyDate": "20240131"}
    (folder / "sub" / "im1.dcm").write_bytes(written(dicom(ramp(), **ids)))
    (folder / "im2.png").write_bytes(png(picture(2)))
    (folder / "notes.txt").write_text("no image")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_csv_has_a_row_for_each_image_and_nobody_else_can_read_it(images: Path) -> None:
    out = images.parent / "filled.csv"
    done = typed(["labels", str(images), "--out", str(out)])
    assert done.code == 0, done.err
    assert PATIENT not in done.out + done.err
    assert "1 row has no Patient ID" in done.err
    assert "keep it inside the hospital" in done.err
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    empty = {"patient": "", "accession_number": "", "study_date": "", "label": ""}
    assert rows(out) == [
        {"file": "im2.png", **empty},
        {
            "file": "sub/im1.dcm",
            "patient": PATIENT,
            "accession_number": "A-17",
            "study_date": "20240131",
            "label": "",
        },
    ]


def test_labels_that_were_filled_in_are_not_overwritten(images: Path) -> None:
    out = images.parent / "labels.csv"
    out.write_text("a day of work")
    words = ["-C", str(images.parent), "labels", "export", "--json"]
    refused = typed(words)
    assert refused.code == 4
    assert refused.json["error"]["reason"] == "file.exists"
    assert out.read_text() == "a day of work"
    assert typed([*words, "--force"]).json["images"] == 2
    named = typed([*words, "--out", f"{PATIENT}.csv"])
    assert named.code == 0
    assert PATIENT not in named.out + named.err


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / PATIENT).mkdir()
    refused = typed(["-C", str(tmp_path), "labels", PATIENT, "--json"])
    assert (refused.code, refused.json["error"]["reason"]) == (2, "labels.no-image")
    assert PATIENT not in refused.out + refused.err


def test_kill_9_leaves_no_half_csv(images: Path) -> None:
    out = images.parent / "labels.csv"
    steps, killed = 0, True
    while killed:
        steps += 1
        words = ["-C", str(images.parent), "labels", "export"]
        killed = killed_at(steps, lambda words=words: run(words))  # type: ignore[misc]
        assert not out.exists() or len(rows(out)) == 2
        out.unlink(missing_ok=True)
    assert steps > 3


def test_a_filled_csv_is_ingested(at: At) -> None:
    world: World = at("joined")
    folder = world["hospital-a"] / "source/images"
    assert world.type("hospital-a", "labels", "source/images").code == 0
    out = world["hospital-a"] / "labels.csv"
    listed = rows(out)
    with out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(listed[0])
        for row in listed:
            name = Path(row["file"]).stem
            writer.writerow([name, name[:9], "", "", "NORMAL "])
    told = world.ok("hospital-a", "ingest", folder, "--labels", "labels.csv")
    assert (told["images"], told["patients"]) == (24, 12)
    assert told["labels_mapped"] == [{"label": "NORMAL", "class": "normal", "rows": 24}]
