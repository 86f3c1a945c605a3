"""The demo's X-rays: invented radiographs as real DICOM files, de-identified, with a csv that labels them.

The pictures come from :mod:`privxray.demo.radiograph`. The files vary as a hospital's do: CR and DX, dark or
light values for bone (MONOCHROME1 and 2), with a window or without, uncompressed, RLE and JPEG 2000. All is
decided by the seed: the same seed writes the same bytes. That is right for invented patients and would be
wrong for anything private, which is why nothing here is used elsewhere.
"""

from __future__ import annotations

import csv
import hashlib
import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from privxray.demo.radiograph import FINDINGS, Child, Map, draw

PATIENTS_PER_SITE = 200
"""Enough for a linear probe to learn at epsilon 6, few enough for the demo's three minutes."""

VAL_SHARE = 0.25
_HEADER = ("image", "patient", "label", "site", "split")
_MIX = ((0.40, 0.35, 0.25), (0.25, 0.45, 0.30), (0.30, 0.30, 0.40))  # of the findings, site by site
_BITS = 12
_OTHER_KINDS = 0.2  # share of RLE, and half of it again of JPEG 2000


def draw_study(
    folder: Path,
    *,
    sites: Sequence[str] = ("A", "B", "C"),
    patients_per_site: int = PATIENTS_PER_SITE,
    seed: int = 1,
) -> Path:
    """Draw a study's images into ``folder/images`` and write ``folder/labels.csv``.

    A patient is at one site and in one split, has one label, and one to four images (most have one).

    :returns: the path of the csv, with the columns image, patient, label, site and split.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, str, str, str, str]] = []
    for place, site in enumerate(sites):
        for number in range(1, patients_per_site + 1):
            rng = np.random.default_rng((seed, place, number))
            finding = str(rng.choice(FINDINGS, p=_MIX[place % len(_MIX)]))
            child = Child.invent(finding, rng)
            patient = f"px{place * patients_per_site + number:04d}"
            split = "val" if rng.random() < VAL_SHARE else "train"
            for view in range(1, 1 + int(rng.choice((1, 2, 3, 4), p=(0.76, 0.16, 0.05, 0.03)))):
                name = f"{patient}-{view}.dcm"
                (images / name).write_bytes(_file(child, patient, view, 0.85 + 0.15 * place, rng))
                rows.append((name, patient, finding, site, split))
    labels = folder / "labels.csv"
    with labels.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows(rows)
    return labels


def draw_leaky(folder: Path, *, seed: int = 1) -> Path:
    """Draw a few files that say too much, for the check to find; returns the folder.

    The persons are invented: a name and a birth date, an institution, a private element, a name inside a
    sequence, an application's title in the file meta, and a file called after its patient.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, leak) in enumerate(_LEAKS.items(), start=1):
        rng = np.random.default_rng((seed, 999, number))
        child = Child.invent(str(rng.choice(FINDINGS)), rng)
        file = _data_set(child, f"px{9000 + number}", 1, 1.0, rng)
        leak(file)
        (folder / name).write_bytes(_encoded(file))
    return folder


def _file(child: Child, patient: str, view: int, noise: float, rng: np.random.Generator) -> bytes:
    file = _data_set(child, patient, view, noise, rng)
    kind = rng.random()
    if kind < _OTHER_KINDS:
        # Compressing gives the file another instance UID unless it is told not to.
        file.compress(RLELossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    elif kind < 1.5 * _OTHER_KINDS:
        file.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    return _encoded(file)


def _encoded(file: Dataset) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _data_set(child: Child, patient: str, view: int, noise: float, rng: np.random.Generator) -> Dataset:
    rows, columns = (int(side) for side in rng.integers(256, 321, 2))
    dx = rng.random() < 0.5
    file = Dataset()
    storage = DigitalXRayImageStorageForPresentation if dx else ComputedRadiographyImageStorage
    instance = _uid(f"{patient}/{view}/{rng.integers(2**32)}")
    file.file_meta = FileMetaDataset()
    file.file_meta.MediaStorageSOPClassUID = storage
    file.file_meta.MediaStorageSOPInstanceUID = instance
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.SOPClassUID = storage
    file.SOPInstanceUID = instance
    file.StudyInstanceUID = _uid(f"{patient}/study")
    file.SeriesInstanceUID = _uid(f"{patient}/series")
    for empty in ("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID"):
        setattr(file, empty, "")
    file.Modality = "DX" if dx else "CR"
    file.PatientName = patient
    file.PatientID = patient
    file.PatientBirthDate = ""
    file.PatientSex = ""
    file.PatientIdentityRemoved = "YES"
    method = Dataset()
    method.CodeValue, method.CodingSchemeDesignator = "113100", "DCM"
    method.CodeMeaning = "Basic Application Confidentiality Profile"
    file.DeidentificationMethodCodeSequence = [method]
    file.BodyPartExamined, file.ViewPosition = "CHEST", "AP"
    file.SeriesNumber, file.InstanceNumber = 1, view
    file.BurnedInAnnotation = "NO"
    if dx:
        file.PresentationIntentType = "FOR PRESENTATION"
    _expose(file, draw(child, rows, columns, rng, noise=noise), rng)
    return file


def _expose(file: Dataset, density: Map, rng: np.random.Generator) -> None:
    """Turn density into stored values, with another exposure and another window each time."""
    low, high = rng.uniform(100, 500), rng.uniform(2600, 3900)
    stored = np.rint(low + density * (high - low)).astype("<u2")
    centre, width = (low + high) / 2 + rng.normal(0, 60), (high - low) * rng.uniform(0.9, 1.1)
    top = 2**_BITS - 1
    dark_bone = rng.random() < 0.4
    if dark_bone:
        stored, centre = top - stored, top - centre
    file.SamplesPerPixel = 1
    file.PhotometricInterpretation = "MONOCHROME1" if dark_bone else "MONOCHROME2"
    file.Rows, file.Columns = density.shape
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, _BITS, _BITS - 1
    file.PixelRepresentation = 0
    if rng.random() < 0.85:
        file.WindowCenter, file.WindowWidth = round(centre), round(width)
    if rng.random() < 0.5:
        file.RescaleIntercept, file.RescaleSlope, file.RescaleType = 0, 1, "US"
    file.PixelData = stored.tobytes()
    file["PixelData"].VR = "OW"


def _uid(text: str) -> UID:
    """A UID under 2.25 (PS3.5 Annex B.2) that the text decides."""
    return UID(f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}")


def _name(file: Dataset) -> None:
    file.PatientName = "Example^Hannah"
    file.PatientBirthDate = "20190314"


def _place(file: Dataset) -> None:
    file.InstitutionAddress = "1 Invented Street"
    file.PatientTelephoneNumbers = "555-0100"


def _private(file: Dataset) -> None:
    block = file.private_block(0x0011, "INVENTED DEVICE", create=True)
    block.add_new(0x01, "LO", "Example, Hannah")


def _nested(file: Dataset) -> None:
    request = Dataset()
    request.ScheduledProcedureStepDescription = "Thorax"
    request.RequestingPhysician = "Muster^Erika"
    file.RequestAttributesSequence = [request]


def _meta(file: Dataset) -> None:
    file.file_meta.SourceApplicationEntityTitle = "INVENTED_WARD"
    file.PatientIdentityRemoved = "NO"


_LEAKS: dict[str, Callable[[Dataset], None]] = {
    "xr-0001.dcm": _name,
    "xr-0002.dcm": _place,
    "xr-0003.dcm": _private,
    "xr-0004.dcm": _nested,
    "xr-0005.dcm": _meta,
    "Example_Hannah.dcm": _name,
}
