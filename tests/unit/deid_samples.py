"""DICOM and picture files for the tests of privxray.deid, made afresh each time."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterable

import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}


def clean() -> Dataset:
    """A radiograph as the Basic Profile leaves it: nothing but notices."""
    instance = generate_uid()
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1")
    ds.file_meta.MediaStorageSOPInstanceUID = instance
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    ds.SOPInstanceUID = instance
    ds.StudyInstanceUID = generate_uid()
    ds.SeriesInstanceUID = generate_uid()
    ds.Modality = "CR"
    ds.StudyDate = ""
    ds.StudyTime = ""
    ds.AccessionNumber = ""
    ds.ReferringPhysicianName = ""
    ds.PatientName = "case0042"
    ds.PatientID = "case0042"
    ds.PatientBirthDate = ""
    ds.PatientSex = ""
    ds.StudyID = ""
    ds.SeriesNumber = 1
    ds.InstanceNumber = 1
    ds.PatientIdentityRemoved = "YES"
    code = Dataset()
    code.CodeValue = "113100"
    code.CodingSchemeDesignator = "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    ds.DeidentificationMethodCodeSequence = [code]
    ds.BurnedInAnnotation = "NO"
    ds.Rows = ds.Columns = 8
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelRepresentation = 0
    ds.PixelData = bytes(range(64))
    return ds


def encode(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The data set as a file in one of the four ways that data sets are written."""
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()


def element(tag: int, vr: str, value: bytes) -> bytes:
    """One data element in explicit VR little endian, legal or not."""
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr in LONG:
        return head + struct.pack("<HL", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def sequence(tag: int, items: Iterable[bytes]) -> bytes:
    """A sequence of defined length in explicit VR little endian."""
    return element(
        tag, "SQ", b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<L", len(item)) + item for item in items)
    )


def jpeg(**options: object) -> bytes:
    """A small picture as Pillow writes it."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((64, 48)).save(stream, "JPEG", **options)
    return stream.getvalue()


def png(**options: object) -> bytes:
    """A small picture as Pillow writes it."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((64, 48)).save(stream, "PNG", **options)
    return stream.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    """One JPEG segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk with a right checksum."""
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))
