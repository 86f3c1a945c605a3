"""Exports as Orthanc and dcm4chee write them, the first by a real Orthanc on the loopback interface."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pydicom
import pytest
from played_study import CLASSES, At, World

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from test_deid_sources import index
from test_deidentify import HOSPITAL, SENTINEL, radiograph, results

ORTHANC = shutil.which("Orthanc")
EXPORT = Path(__file__).parents[1] / "orthanc" / "export.py"
PATIENTS = 3


@pytest.fixture
def world(at: At) -> World:
    """A hospital with the images of three patients as a device made them."""
    world = at("joined")
    folder = world[HOSPITAL] / "dicom"
    folder.mkdir()
    for number in range(2 * PATIENTS):
        ds = pydicom.dcmread(io.BytesIO(radiograph(number // 2, number % 2)))
        ds.StudyDescription, ds.SeriesDescription = f"Thorax {SENTINEL}", "PA"
        ds.save_as(folder / f"{number}.dcm")
    return world


def labels_of(path: Path) -> str:
    """A csv for a zip, written as somebody would who lists what is in it."""
    rows = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith(("/", "DICOMDIR")):
                patient = pydicom.dcmread(io.BytesIO(archive.read(name))).PatientID
                rows.append((name, patient, CLASSES[int(patient[-1]) % 3]))
    target = path.with_suffix(".csv")
    with target.open("w", newline="") as stream:
        csv.writer(stream).writerows([("image", "patient", "label"), *rows])
    return target.name


@pytest.fixture
def exported(world: World) -> World:
    if ORTHANC is None:
        pytest.skip("Orthanc is not installed (Debian: apt-get install orthanc)")
    line = [sys.executable, "-I", EXPORT, ORTHANC, world[HOSPITAL] / "dicom", world[HOSPITAL] / "out"]
    subprocess.run(line, check=True, timeout=600)
    return world


def test_the_exports_of_a_real_orthanc_are_read(exported: World) -> None:
    world = exported
    zips = sorted((world[HOSPITAL] / "out").iterdir())
    assert [path.name for path in zips] == [
        f"{n}-{kind}.zip" for n in range(PATIENTS) for kind in ("archive", "media")
    ]
    for path in zips:
        checked = world.type(HOSPITAL, "check", f"out/{path.name}", "--json")
        assert checked.code == 3  # these are originals
        assert len(checked.json["files"]) == 2
        assert {file["verdict"] for file in checked.json["files"]} == {"fail"}
        assert checked.json.get("medium_indexes", 0) == ("media" in path.name)
        assert "missing_references" not in checked.json
        assert SENTINEL not in checked.out + checked.err
    everything = world.type(HOSPITAL, "check", "out", "--json")
    assert len(everything.json["files"]) == 4 * PATIENTS


def test_copies_of_both_forms_of_an_orthanc_export_are_those_of_the_folder(exported: World) -> None:
    world = exported
    by_folder = world.ok(HOSPITAL, "deidentify", "dicom", "clean", "--jobs", "1")
    assert by_folder["made"] == 2 * PATIENTS
    expected = set(results(world[HOSPITAL] / "clean").values())
    copies = {"archive": set(), "media": set()}
    for path in sorted((world[HOSPITAL] / "out").glob("*.zip")):
        dest = f"clean-{path.stem}"
        labels = labels_of(path)
        line = ("deidentify", f"out/{path.name}", dest, "--labels", f"out/{labels}", "--jobs", "1")
        assert world.ok(HOSPITAL, *line)["labels"] == 2
        copies[path.stem.partition("-")[2]] |= set(results(world[HOSPITAL] / dest).values())
        assert world.type(HOSPITAL, "check", dest).code == 0
    assert copies["archive"] == copies["media"]
    assert len(copies["media"]) == len(expected)
    told = world.ok(HOSPITAL, "ingest", "clean-0-media", "--labels", "clean-0-media/labels.csv")
    assert (told["images"], told["patients"]) == (2, 1)


class Unseekable(io.RawIOBase):
    """A stream that a web server writes to: sizes come behind each file."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("wb")

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._stream.write(data)  # type: ignore[arg-type]

    def close(self) -> None:
        self._stream.close()
        super().close()


def test_an_export_of_dcm4chee_is_read(world: World) -> None:
    """Folders and files called by hashes, without suffix, a DICOMDIR, streamed (dcm4chee-arc-light)."""
    files = sorted((world[HOSPITAL] / "dicom").iterdir())
    named = [("DICOM", f"{0xA1B2C3D4 + n // 2:08X}", f"{0x5E6F7A8B + n:08X}") for n in range(len(files))]
    with Unseekable(world[HOSPITAL] / "export.zip") as stream, zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("DICOMDIR", index(named))
        for parts, file in zip(named, files, strict=True):
            archive.writestr("/".join(parts), file.read_bytes(), zipfile.ZIP_DEFLATED)
    labels = labels_of(world[HOSPITAL] / "export.zip")
    told = world.ok(HOSPITAL, "deidentify", "export.zip", "clean", "--labels", labels, "--jobs", "1")
    assert (told["made"], told["labels"], told["medium_indexes"]) == (2 * PATIENTS, 2 * PATIENTS, 1)
    assert world.type(HOSPITAL, "check", "clean").code == 0
    taken = world.ok(HOSPITAL, "ingest", "clean", "--labels", "clean/labels.csv")
    assert (taken["images"], taken["patients"]) == (2 * PATIENTS, PATIENTS)
