"""The demo's drawings: real DICOM that passes the check, and some that must not."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest

from privxray.deid.judging.check import check_paths
from privxray.demo.leaky_xrays import draw_leaky
from privxray.demo.synthetic_xrays import draw_study
from privxray.imaging.chest_picture import FINDINGS, Child, draw
from privxray.imaging.decode import decode_path
from privxray.imaging.labels import read_labels


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_study(folder, patients_per_site=25)
    return folder


def test_the_csv_is_one_that_ingest_takes(drawn: Path) -> None:
    rows = read_labels(drawn / "labels.csv", drawn / "images", FINDINGS)
    assert {row.site for row in rows} == {"A", "B", "C"}
    assert {row.split for row in rows} == {"train", "val"}
    assert {row.label for row in rows} == set(FINDINGS)
    counts = np.unique([row.patient.reveal() for row in rows], return_counts=True)[1]
    assert len(counts) == 75
    assert counts.min() == 1
    assert 1 < counts.max() <= 4
    header = next(csv.reader((drawn / "labels.csv").open()))
    assert header == ["image", "patient", "label", "site", "split"]


def test_every_file_passes_the_check_and_may_be_named(drawn: Path) -> None:
    report = check_paths([drawn / "images"])
    assert {file.verdict for file in report.files} == {"pass"}
    assert all(file.name.endswith(".dcm") for file in report.files)


def test_the_files_are_of_many_kinds(drawn: Path) -> None:
    files = [pydicom.dcmread(path) for path in (drawn / "images").iterdir()]
    assert {file.PhotometricInterpretation for file in files} == {"MONOCHROME1", "MONOCHROME2"}
    assert {file.Modality for file in files} == {"CR", "DX"}
    assert len({file.file_meta.TransferSyntaxUID for file in files}) == 3
    assert {"WindowCenter" in file for file in files} == {True, False}
    assert len({file.SOPInstanceUID for file in files}) == len(files)
    assert all(256 <= side <= 320 for file in files for side in (file.Rows, file.Columns))
    for file in files:
        assert file.SOPInstanceUID == file.file_meta.MediaStorageSOPInstanceUID


def test_bone_is_bright_and_lung_dark_in_every_file(drawn: Path) -> None:
    for path in (drawn / "images").iterdir():
        image = decode_path(path, path.name).astype(float)
        spine = image[90:200, 122:138].mean()
        lungs = (image[90:130, 55:85].mean() + image[90:130, 175:205].mean()) / 2
        assert spine > lungs + 30, path.name


def test_the_seed_decides_every_byte(tmp_path: Path, drawn: Path) -> None:
    once, twice, other = (tmp_path / name for name in ("once", "twice", "other"))
    for folder, seed in ((once, 4), (twice, 4), (other, 5)):
        draw_study(folder, patients_per_site=3, seed=seed)
    files = sorted(path.relative_to(once) for path in once.rglob("*") if path.is_file())
    assert all((once / file).read_bytes() == (twice / file).read_bytes() for file in files)
    assert (once / files[0]).read_bytes() != (other / files[0]).read_bytes()


def test_the_check_finds_each_leak_and_prints_none(tmp_path: Path) -> None:
    report = check_paths([draw_leaky(tmp_path / "leaky")])
    assert len(report.files) == 6
    assert {file.verdict for file in report.files} == {"fail"}
    shown = repr([(file.name, file.findings) for file in report.files])
    for value in ("Hannah", "Muster", "INVENTED", "20190314", "555-0100"):
        assert value not in shown


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_picture_stays_in_range(finding: str) -> None:
    rng = np.random.default_rng(0)
    picture = draw(Child.invent(finding, rng), 256, 300, rng)
    assert picture.shape == (256, 300)
    assert picture.dtype == np.float32
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert picture.std() > 0.1
