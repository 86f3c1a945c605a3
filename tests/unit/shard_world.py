"""A folder of images whose faults show only in the whole set, for the tests of checks on several machines."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import deid_samples as samples
from pydicom.dataset import Dataset

SENTINEL = "Zwiebelmann"
NUMBER = "MRN765881234"


def _source(ds: Dataset) -> None:
    ds.PatientName, ds.PatientID = f"{SENTINEL}^Anna", NUMBER
    ds.PatientBirthDate, ds.InstitutionName = "19520130", "Elmwood Park Clinic"


def _uids(ds: Dataset, *, study: str, series: str) -> None:
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"2.25.9{study}", f"2.25.8{series}"


CHANGES: dict[str, Callable[[Dataset], None] | None] = {
    "a/source.dcm": _source,
    "a/leak.dcm": lambda ds: setattr(ds, "ContrastBolusAgent", f"with {SENTINEL.upper()}"),
    "a/first.dcm": lambda ds: _uids(ds, study="1", series="1"),
    "b/series.dcm": lambda ds: _uids(ds, study="2", series="1"),
    f"b/{SENTINEL}.dcm": None,
    "b/number.dcm": lambda ds: setattr(ds, "ContrastBolusAgent", f"no {NUMBER[3:]} {NUMBER}"),
    "b/good.dcm": None,
    "c.dcm": lambda ds: setattr(ds, "PatientName", f"{SENTINEL}^Anna"),
}


def make_set(folder: Path, *, more: int = 0) -> Path:
    """Ten images, of which one is cut off, two in a zip, a text file, and ``more`` good images."""
    for number, (name, change) in enumerate(CHANGES.items()):
        ds = samples.clean()
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"2.25.7{number}"
        if change is not None:
            change(ds)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(samples.encode(ds))
    (folder / "b" / "cut.dcm").write_bytes(samples.encode(samples.clean())[:-9])
    (folder / "b" / "picture.png").write_bytes(samples.png())
    (folder / "b" / "notes.txt").write_text("no image")
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.writestr("e/leak.dcm", (folder / "a" / "leak.dcm").read_bytes())
        archive.writestr("e/good.dcm", samples.encode(samples.clean()))
    for number in range(more):
        (folder / f"good{number:03}.dcm").write_bytes(samples.encode(samples.clean()))
    return folder
