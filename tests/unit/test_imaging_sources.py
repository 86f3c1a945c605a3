"""One patient is one patient: sources that name a person agree one to one, or the run stops."""

from __future__ import annotations

from pathlib import Path

import pytest
from imaging_samples import CLASSES, SENTINEL, dicom, ramp, table, written

from privxray.deid.sources.source import Source
from privxray.errors import MalformedError
from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.ingest import ingest
from privxray.imaging.ingest_report import IngestOptions
from privxray.imaging.labelling.file_sources import expect_one_patient_each
from privxray.imaging.labelling.patient_sources import (
    Sources,
    contradictions,
    id_of_file,
    plain_id,
    spelling_variants,
)
from privxray.imaging.labels import read_labels
from privxray.naming.patient_id import PatientId


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("007", "7"),
        ("p1", "P1"),
        ("7.0", "7"),
        ("7.00", "007"),
        (" 7\u00a0", "7"),
        ("P\u200b1", "P1"),
        ("p 1", "p1"),
        ("\uff17", "7"),
        ("0", "000"),
    ],
)
def test_spelling_alone(one: str, other: str) -> None:
    assert plain_id(PatientId(one)) == plain_id(PatientId(other))


@pytest.mark.parametrize(
    ("one", "other"), [("7", "70"), ("7.5", "7"), ("p1", "p01"), ("7.0a", "7"), ("0", "1")]
)
def test_more_than_spelling(one: str, other: str) -> None:
    assert plain_id(PatientId(one)) != plain_id(PatientId(other))


def test_a_dummy_says_nothing() -> None:
    assert id_of_file(PatientId("ANONYMOUS")) is None
    assert id_of_file(PatientId("0000")) is None
    assert id_of_file(PatientId("007")) == PatientId("7")


def seen(*rows: tuple[str, str | None, str | None]) -> list[Sources]:
    """Patient, PatientID and study of each image."""
    return [
        Sources(f"row {number}", patient, plain_id(PatientId(patient)), id_, visit)
        for number, (patient, id_, visit) in enumerate(rows, start=2)
    ]


def found(*rows: tuple[str, str | None, str | None]) -> list[tuple[str, str]]:
    return [(error.reason, places) for error, places in contradictions("labels.csv", seen(*rows))]


def test_sources_that_agree() -> None:
    assert found(("a", "1", "s1"), ("a", "1", "s2"), ("b", "2", "s3"), ("c", None, None)) == []


def test_each_contradiction_has_a_reason_and_its_rows() -> None:
    assert found(("a", "1", None), ("b", "1", None)) == [("labels.id-of-two-patients", "row 2, row 3")]
    assert found(("a", "1", None), ("a", "2", None)) == [("labels.patient-of-two-ids", "row 2, row 3")]
    assert found(("a", None, "s"), ("b", None, "s")) == [("labels.study-of-two-patients", "row 2, row 3")]
    both = found(("a", "1", "s"), ("b", "2", "s"))
    assert [reason for reason, _ in both] == ["labels.study-of-two-patients", "labels.study-of-two-ids"]


def test_what_all_files_share_says_nothing_from_three_patients_on() -> None:
    assert found(("a", "x", "s"), ("b", "x", "s"), ("c", "x", "s")) == []
    assert len(found(("a", "x", "s"), ("b", "x", "s"))) == 2
    assert len(found(("a", "x", "s"), ("b", "x", "s"), ("c", "y", "t"))) == 2
    # three spellings of one patient are no three patients
    assert len(found(("7", "x", "s"), ("07", "x", "s"), ("007", "x", "s"))) == 2


def test_variants_are_found_by_person() -> None:
    assert spelling_variants(seen(("007", None, None), ("7", None, None), ("8", None, None))) == [
        "row 2",
        "row 3",
    ]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "ws/data", bytes(32))


def files(folder: Path, *ids: tuple[str, str]) -> Path:
    """DICOM files of other pictures, each with a PatientID and the last part of its StudyInstanceUID."""
    folder.mkdir(exist_ok=True)
    for number, (patient, visit) in enumerate(ids):
        uids = {"StudyInstanceUID": f"1.2.840.99.{visit}", "SOPInstanceUID": f"1.2.840.98.{number}"}
        ds = dicom(ramp(32 + number), PatientID=patient, PatientName=patient, **uids)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        (folder / f"im{number}.dcm").write_bytes(written(ds))
    return folder


def test_one_examination_of_two_spellings_stops_ingest_and_deidentify(
    tmp_path: Path, dataset: Dataset
) -> None:
    images = files(tmp_path / "images", ("case0042", "1"), ("case0042", "1"))
    labels = table(tmp_path, ["im0.dcm,007,normal", "im1.dcm,7,normal"])
    with pytest.raises(MalformedError) as caught:
        ingest(images, labels, dataset, CLASSES)
    assert caught.value.reason == "ingest.several-problems"
    expected = {"labels.id-of-two-patients", "labels.study-of-two-patients"}
    assert caught.value.places.keys() == expected
    with pytest.raises(MalformedError) as caught:
        expect_one_patient_each(read_labels(labels, images, None), Source(images), "labels.csv")
    assert caught.value.places.keys() == expected
    assert not dataset.entries()


def test_a_second_csv_is_held_against_the_first(tmp_path: Path, dataset: Dataset) -> None:
    images = files(tmp_path / "images", ("case01", "1"), ("case01", "2"), ("case02", "3"))
    ingest(images, table(tmp_path, ["im0.dcm,a,normal", "im2.dcm,b,normal"]), dataset, CLASSES)
    second = table(tmp_path, [f"im1.dcm,{SENTINEL},normal"])
    with pytest.raises(MalformedError) as caught:
        ingest(images, second, dataset, CLASSES)
    assert caught.value.reason == "labels.id-of-two-patients"
    assert "an image of the data set" in str(caught.value)
    assert SENTINEL not in str(caught.value)
    ingest(images, second, dataset, CLASSES, IngestOptions(replace=True))
    assert len(dataset.entries()) == 1


def test_other_spellings_are_remarked_on_and_share_a_split(tmp_path: Path, dataset: Dataset) -> None:
    images = files(tmp_path / "images", ("ANONYMOUS", "1"), ("ANONYMOUS", "2"), ("ANONYMOUS", "3"))
    rows = ["im0.dcm,007,normal", "im1.dcm,7,normal", "im2.dcm,8,normal"]
    report = ingest(images, table(tmp_path, rows), dataset, CLASSES)
    assert report.spellings == ("row 2", "row 3")
    splits = {entry.patient: entry.split for entry in dataset.entries()}
    one, other = (splits[dataset.patient_key(PatientId(patient))] for patient in ("007", "7"))
    assert one == other


def test_a_patient_in_two_splits_is_refused_whatever_the_spelling(tmp_path: Path, dataset: Dataset) -> None:
    images = files(tmp_path / "images", ("ANONYMOUS", "1"), ("ANONYMOUS", "2"))
    header = "image,patient,label,split"
    with pytest.raises(MalformedError) as caught:
        ingest(
            images,
            table(tmp_path, ["im0.dcm,P7 ,normal,train", "im1.dcm,p7,normal,val"], header),
            dataset,
            CLASSES,
        )
    assert caught.value.reason == "labels.patient-in-two-splits"
