"""Images and folders for the tests of privxray.imaging, made afresh each time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from deid_samples import clean
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

CLASSES = ("normal", "bacteria", "virus")
SENTINEL = "Zebra^Quagga"


def ramp(rows: int = 32, columns: int = 40, top: int = 4095) -> np.ndarray:
    """uint16 values from 0 to ``top``, growing to the right and a little downwards."""
    plane = np.arange(columns)[None] * 10 + np.arange(rows)[:, None]
    return np.rint(plane / plane.max() * top).astype(np.uint16)


def dicom(stored: np.ndarray, *, bits: int = 12, **attributes: object) -> Dataset:
    """A clean radiograph with these stored values; attributes are set last."""
    ds = clean()
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated = stored.dtype.itemsize * 8
    ds.BitsStored, ds.HighBit = bits, bits - 1
    ds.PixelRepresentation = int(stored.dtype.kind == "i")
    ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OW"
    for name, value in attributes.items():
        setattr(ds, name, value)
    return ds


def written(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The bytes of a file in a syntax that is not compressed, or in the one that it was compressed to."""
    if not ds.file_meta.TransferSyntaxUID.is_compressed:
        ds.file_meta.TransferSyntaxUID = UID(syntax)
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def png(pixels: np.ndarray) -> bytes:
    """A PNG file of 8 or 16 bits."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def jpeg(pixels: np.ndarray) -> bytes:
    """A JPEG file of good quality."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def picture(seed: int, size: int = 24) -> np.ndarray:
    """An 8-bit image that no other seed gives."""
    return np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)


def study(folder: Path, count: int = 6, header: str = "image,patient,label") -> tuple[Path, Path]:
    """A folder of PNG files and a csv; patient k has the images 2k and 2k + 1."""
    images = folder / "images"
    images.mkdir(parents=True)
    rows = []
    for number in range(count):
        (images / f"im{number}.png").write_bytes(png(picture(number)))
        rows.append(f"im{number}.png,{SENTINEL}{number // 2},{CLASSES[number // 2 % 3]}")
    return images, table(folder, rows, header)


def table(folder: Path, rows: Sequence[str], header: str = "image,patient,label") -> Path:
    """A csv."""
    path = folder / "labels.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path
