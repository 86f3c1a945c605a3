"""A drawn picture as a de-identified DICOM file.

The files vary as a hospital's do: CR and DX, dark or light values for bone (MONOCHROME1 and 2), with a window
or without, uncompressed, RLE and JPEG 2000.

Tested in tests/unit/test_demo_synthetic_xrays.py.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass

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

from privxray.imaging.chest_picture import Child, DensityMap, draw

_BITS = 12
_RLE_SHARE = 0.2
_JPEG_2000_SHARE = 0.1


@dataclass(frozen=True)
class Exposure:
    """One picture that is taken of a child.

    :param patient: the pseudonym that the file carries.
    :param view: from 1, among the patient's pictures.
    :param grain: how grainy the detector is; 1 is usual.
    """

    child: Child
    patient: str
    view: int
    grain: float


def compressed(file: Dataset, rng: np.random.Generator) -> Dataset:
    """The file in one of three transfer syntaxes, by chance; it is changed in place."""
    kind = rng.random()
    if kind < _RLE_SHARE:
        # Compressing gives the file another instance UID unless it is told not to.
        file.compress(RLELossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    elif kind < _RLE_SHARE + _JPEG_2000_SHARE:
        file.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    return file


def encoded(file: Dataset) -> bytes:
    """The bytes of a file as PS3.10 has them."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def dicom_file(taken: Exposure, rng: np.random.Generator) -> Dataset:
    """The picture as an uncompressed file. Generator and arguments decide every byte of it."""
    patient, view = taken.patient, taken.view
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
    _store_pixels(file, draw(taken.child, rows, columns, rng, grain=taken.grain), rng)
    return file


def _store_pixels(file: Dataset, density: DensityMap, rng: np.random.Generator) -> None:
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
    """A UID under 2.25 (PS3.5 Annex B.2), computed from the text."""
    return UID(f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}")
