"""A csv against the data set: new, changed, unchanged, gone, and there under another name."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from imaging_samples import CLASSES, picture, png, study, table
from PIL import Image, PngImagePlugin

from privxray.errors import MalformedError, NotTakenInError, PrivxrayError, RefusedError
from privxray.imaging.comparison import Comparison
from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.ingest import ingest
from privxray.imaging.ingest_report import IngestOptions
from privxray.naming.patient_id import PatientId
from privxray.workflow.hospital.compose_contact_sheet import compose_contact_sheet

UPDATE, REPLACE = IngestOptions(update=True), IngestOptions(replace=True)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "ws/data", bytes(32))


def rewritten(source: Path, target: Path) -> None:
    """The same picture in another file."""
    text = PngImagePlugin.PngInfo()
    with Image.open(source) as opened:
        opened.save(target, "PNG", compress_level=1, pnginfo=text)
    assert source.read_bytes() != target.read_bytes()


ROWS = ["im0.png,p1,normal", "im1.png,p1,normal", "im2.png,p2,virus", "im3.png,p3,bacteria"]


def start(tmp_path: Path, dataset: Dataset) -> Path:
    images, _ = study(tmp_path, 6)
    report = ingest(images, table(tmp_path, ROWS), dataset, CLASSES)
    assert report.comparison == Comparison(new=4)
    return images


def test_unchanged_and_gone(tmp_path: Path, dataset: Dataset) -> None:
    images = start(tmp_path, dataset)
    again = ingest(images, table(tmp_path, ROWS), dataset, CLASSES)
    assert again.comparison == Comparison(unchanged=4)
    fewer = ingest(images, table(tmp_path, [*ROWS[:2], "im4.png,p4,virus"]), dataset, CLASSES)
    assert fewer.comparison == Comparison(new=1, unchanged=2, gone=2)
    assert len(dataset.entries()) == 5
    ingest(images, table(tmp_path, ROWS[:2]), dataset, CLASSES, REPLACE)
    assert len(dataset.entries()) == 2


def test_all_changes_are_told_at_once_and_update_takes_them(tmp_path: Path, dataset: Dataset) -> None:
    images = start(tmp_path, dataset)
    other = table(tmp_path, ["im0.png,p1,virus", "im1.png,p1,virus", "im2.png,p9,virus"])
    with pytest.raises(MalformedError) as caught:
        ingest(images, other, dataset, CLASSES)
    assert caught.value.places == {
        "dataset.other-label": ("row 2", "row 3"),
        "dataset.other-patient": ("row 4",),
    }
    report = ingest(images, other, dataset, CLASSES, UPDATE)
    assert report.comparison == Comparison(changed=3, gone=1)
    assert report.added == 0
    labels = {entry.content: entry.label for entry in dataset.entries()}
    assert sorted(labels.values()) == ["bacteria", "virus", "virus", "virus"]
    assert dataset.patients() == 3
    assert dataset.patient_key(PatientId("p2")) not in {entry.patient for entry in dataset.entries()}


def test_update_moves_all_images_of_a_patient(tmp_path: Path, dataset: Dataset) -> None:
    images = start(tmp_path, dataset)
    header = "image,patient,label,split"
    before = dataset.split_of(dataset.patient_key(PatientId("p1")))
    moved = "val" if before == "train" else "train"
    one = table(tmp_path, [f"im0.png,p1,normal,{moved}"], header)
    with pytest.raises(RefusedError) as caught:
        ingest(images, one, dataset, CLASSES)
    assert caught.value.reason == "dataset.patient-in-other-split"
    assert "--update" in caught.value.advice
    ingest(images, one, dataset, CLASSES, UPDATE)
    own = [e.split for e in dataset.entries() if e.patient == dataset.patient_key(PatientId("p1"))]
    assert own == [moved, moved]


def test_copies_under_other_names_count_once(tmp_path: Path, dataset: Dataset) -> None:
    images = start(tmp_path, dataset)
    for number in range(4):
        rewritten(images / f"im{number}.png", images / f"copy{number}.png")
    before = dataset.fingerprint()
    report = ingest(images, table(tmp_path, [row.replace("im", "copy") for row in ROWS]), dataset, CLASSES)
    assert report.comparison == Comparison(unchanged=4, renamed=4)
    assert dataset.fingerprint() == before
    dataset.keep_features("x", {})
    replaced = ingest(
        images, table(tmp_path, [row.replace("im", "copy") for row in ROWS]), dataset, CLASSES, REPLACE
    )
    assert replaced.comparison == Comparison(unchanged=4, renamed=4)
    assert dataset.fingerprint() == before


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("copy0.png,someone,normal", "dataset.picture-of-other-patient"),
        ("copy0.png,p1,virus", "dataset.picture-of-other-label"),
    ],
)
def test_a_kept_picture_with_another_owner_stops_the_run(
    tmp_path: Path, dataset: Dataset, row: str, reason: str
) -> None:
    images = start(tmp_path, dataset)
    rewritten(images / "im0.png", images / "copy0.png")
    with pytest.raises(RefusedError) as caught:
        ingest(images, table(tmp_path, ["im5.png,p5,virus", row]), dataset, CLASSES)
    assert caught.value.reason == reason
    assert "(row 3)" in str(caught.value)
    assert len(dataset.entries()) == 4
    report = ingest(images, table(tmp_path, [row]), dataset, CLASSES, REPLACE)
    assert report.comparison.gone == (4 if reason.endswith("patient") else 3)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("copy.png,p2,normal", "labels.picture-of-two-patients"),
        ("copy.png,p1,virus", "labels.picture-of-two-labels"),
    ],
)
def test_one_picture_twice_in_a_csv(tmp_path: Path, dataset: Dataset, row: str, reason: str) -> None:
    images, _ = study(tmp_path, 1)
    rewritten(images / "im0.png", images / "copy.png")
    with pytest.raises(MalformedError) as caught:
        ingest(images, table(tmp_path, ["im0.png,p1,normal", row]), dataset, CLASSES)
    assert caught.value.reason == reason
    report = ingest(images, table(tmp_path, ["im0.png,p1,normal", "copy.png,p1,normal"]), dataset, CLASSES)
    assert report.remarks["same-patient"] == ("im0.png", "copy.png")
    assert [one.twins for one in report.pictures] == [("copy.png",), ("im0.png",)]
    assert (
        compose_contact_sheet(report, dataset).count("the same picture twice, of one patient; see copy.png")
        == 2
    )
    assert report.added == 2


def torn_png() -> bytes:
    """Whole chunks, but a picture whose data ends early: the check has nothing against it."""
    data = png(picture(7))
    place = data.index(b"IDAT")
    body = b"IDAT" + zlib.compress(b"\0" * 30)
    chunk = struct.pack(">L", len(body) - 4) + body + struct.pack(">L", zlib.crc32(body))
    return data[: place - 4] + chunk + data[data.index(b"IEND") - 4 :]


def test_bad_rows_bad_files_and_failed_checks_are_told_in_one_run(tmp_path: Path, dataset: Dataset) -> None:
    images, _ = study(tmp_path, 3)
    (images / "im8.png").write_bytes(torn_png())
    rows = ["im0.png,p1,normal", "no.png,p2,virus", "im1.png,,virus", "im2.png,p3,cold", "gone.png,p4,virus"]
    rows.append("im8.png,p5,virus")
    with pytest.raises(MalformedError) as caught:
        ingest(images, table(tmp_path, rows), dataset, CLASSES)
    assert caught.value.places == {
        "labels.no-such-image": ("row 3", "row 6"),
        "labels.empty-cell": ("row 4",),
        "labels.unknown-label": ("row 5",),
        "image.picture-damaged": ("row 7",),
    }
    (images / "im7.dcm").write_bytes(b"no image")
    rows.append("im7.dcm,p6,virus")
    with pytest.raises(NotTakenInError) as failed:
        ingest(images, table(tmp_path, rows), dataset, CLASSES)
    by_rule = {"ingest.check-failed": ["im7.dcm"], "unreadable": ["im7.dcm"]}
    assert failed.value.places == {**caught.value.places, **by_rule}
    assert "Besides: (1) row 3, column `image`, names an image that is not in the folder" in str(failed.value)
    assert not dataset.entries()


def test_a_flat_picture_is_refused_by_itself(tmp_path: Path, dataset: Dataset) -> None:
    images, _ = study(tmp_path, 2)
    (images / "im8.png").write_bytes(png(picture(1) * 0))
    (images / "im9.png").write_bytes(png(picture(1) * 0 + 90))
    rows = ["im0.png,p1,normal", "im8.png,p2,virus", "im9.png,p3,virus", "im1.png,p1,normal"]
    report = ingest(images, table(tmp_path, rows), dataset, CLASSES)
    assert report.refused == (("im8.png", "empty"), ("im9.png", "flat"))
    assert len(dataset.entries()) == 2
    assert not dataset.has_pixels(dataset.content_key((images / "im9.png").read_bytes()))


def test_where_every_picture_is_refused_nothing_is_changed(tmp_path: Path, dataset: Dataset) -> None:
    images = start(tmp_path, dataset)
    (images / "im8.png").write_bytes(png(picture(1) * 0))
    with pytest.raises(MalformedError) as caught:
        ingest(images, table(tmp_path, ["im8.png,p2,virus"]), dataset, CLASSES, REPLACE)
    assert caught.value.reason == "ingest.all-refused"
    assert len(dataset.entries()) == 4


def test_each_study_has_its_labels_and_no_ingest_touches_the_others(tmp_path: Path) -> None:
    images, labels = study(tmp_path, 4)
    header, *listed = labels.read_text().splitlines()
    folder = tmp_path / "ws/data"
    with Dataset(folder, bytes(32), "one", ["one", "two"]) as one:
        ingest(images, labels, one, CLASSES)
        kept = one.fingerprint()
    rows = [row.rsplit(",", 1)[0] + ",sick" for row in listed[:2]]
    with Dataset(folder, bytes(32), "two", ["one", "two"]) as two:
        assert two.entries() == []
        report = ingest(images, table(tmp_path, rows), two, ("healthy", "sick"), REPLACE)
        assert report.comparison == Comparison(new=2)
        assert {entry.label for entry in two.entries()} == {"sick"}
    with Dataset(folder, bytes(32), "one", ["one", "two"]) as one:
        assert one.fingerprint() == kept
        ingest(images, table(tmp_path, listed[2:], header), one, CLASSES, REPLACE)
    with Dataset(folder, bytes(32), "two", ["one", "two"]) as two:
        assert all(two.pixels(entry.content).any() for entry in two.entries())


def test_rows_of_an_earlier_version_go_to_every_study_that_is_joined(tmp_path: Path) -> None:
    images, labels = study(tmp_path, 4)
    folder = tmp_path / "ws/data"
    with Dataset(folder, bytes(32)) as before:
        ingest(images, labels, before, CLASSES)
        rows = before.entries()
    for study_name in ("one", "two"):
        with Dataset(folder, bytes(32), study_name, ["one", "two"]) as dataset:
            assert dataset.entries() == rows
    with Dataset(folder, bytes(32), "three", ["one", "three", "two"]) as later:
        assert later.entries() == []


def test_a_wrong_map_and_every_error_here_names_its_reason() -> None:
    from privxray.imaging.labelling.label_names import LabelNames, read_map

    assert read_map("Bacterial=bacteria, Viral = virus") == {"Bacterial": "bacteria", "Viral": "virus"}
    for text in ("Bacterial", "=bacteria", "Bacterial=", ""):
        with pytest.raises(PrivxrayError) as caught:
            read_map(text)
        assert caught.value.reason == "map.form"
    with pytest.raises(PrivxrayError) as caught:
        LabelNames(CLASSES, {"Bacterial": "bacterium"})
    assert caught.value.reason == "map.no-such-class"
