"""JPEG Lossless by an encoder of the test's own, with differences that wrap and that don't."""

from __future__ import annotations

import io
import struct

import numpy as np
import pydicom
import pytest
from imaging_samples import dicom, picture, ramp, written
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLossless, JPEGLosslessSV1

from privxray.deid.dicomfile.part10 import read_part10
from privxray.deid.pixels import lossless_jpeg
from privxray.deid.pixels.compressed_frames import plugin_for
from privxray.deid.pixels.dicom_pixels import DicomPixels
from privxray.imaging.decode import display
from privxray.imaging.planes import planes


def predictions(image: np.ndarray, precision: int, predictor: int) -> np.ndarray:
    """T.81 Table H.1, and H.1.2.1 for the first row and column."""
    wide = np.pad(image.astype(np.int64), ((1, 0), (1, 0)))
    a, b, c = wide[1:, :-1], wide[:-1, 1:], wide[:-1, :-1]
    found = {
        1: a,
        2: b,
        3: c,
        4: a + b - c,
        5: a + (b - c >> 1),
        6: b + (a - c >> 1),
        7: a + b >> 1,
    }[predictor].copy()
    found[0], found[:, 0] = a[0], b[:, 0]
    found[0, 0] = 1 << precision - 1
    return found


def encoded(image: np.ndarray, precision: int, *, wrap: bool, predictor: int = 1) -> bytes:
    """One component. With ``wrap`` a difference is stored modulo ``2 ** precision``, always below 0."""
    difference = image.astype(np.int64) - predictions(image, precision, predictor)
    if wrap:
        difference = np.where(difference > 0, difference - (1 << precision), difference)
    difference = (difference + 32768) % 65536 - 32768
    text = []
    for value in map(int, difference.ravel()):
        size = abs(value).bit_length()
        text.append(f"{size:05b}")
        if 0 < size < 16:
            text.append(f"{value if value > 0 else value + (1 << size) - 1:0{size}b}")
    joined = "".join(text)
    joined += "1" * (-len(joined) % 8)
    data = int(joined, 2).to_bytes(len(joined) // 8, "big").replace(b"\xff", b"\xff\0")
    rows, columns = image.shape
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xFE, b"a comment"),
            segment(0xC3, struct.pack(">BHHB", precision, rows, columns, 1) + bytes([1, 0x11, 0])),
            segment(0xC4, bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])),  # 17 codes of 5 bits
            segment(0xDA, bytes([1, 1, 0, predictor, 0, 0])),
            data,
            b"\xff\xd9",
        )
    )


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def compressed(image: np.ndarray, precision: int, *, wrap: bool, predictor: int = 1) -> Dataset:
    ds = dicom(image, bits=precision)
    ds.PixelData = encapsulate([encoded(image, precision, wrap=wrap, predictor=predictor)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGLosslessSV1 if predictor == 1 else JPEGLossless
    return ds


def sample(precision: int) -> np.ndarray:
    """A ramp with edges from one end of the range to the other, and noise."""
    top = (1 << precision) - 1
    image = ramp(24, 32, top)
    image[4:9, 5:11] = top
    image[12:15, 20:28] = 0
    image[18:, :8] = np.random.default_rng(precision).integers(0, top + 1, (6, 8))
    return image.astype(np.uint8 if precision <= 8 else np.uint16)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("predictor", [1, 2, 3, 4])
@pytest.mark.parametrize("precision", [2, 7, 8, 10, 12, 15])
def test_every_sample_comes_back(precision: int, predictor: int, wrap: bool) -> None:
    image = sample(precision)
    file = pydicom.dcmread(io.BytesIO(written(compressed(image, precision, wrap=wrap, predictor=predictor))))
    file.pixel_array_options(decoding_plugin=plugin_for(file.file_meta.TransferSyntaxUID))
    np.testing.assert_array_equal(file.pixel_array, image)


@pytest.mark.parametrize(("precision", "predictor"), [(8, 5), (12, 6), (12, 7), (16, 1), (16, 4)])
def test_what_must_not_be_moved_is_left_to_libjpeg(precision: int, predictor: int) -> None:
    image = ramp(24, 32, (1 << precision) - 1).astype(np.uint8 if precision == 8 else np.uint16)
    file = pydicom.dcmread(io.BytesIO(written(compressed(image, precision, wrap=False, predictor=predictor))))
    file.pixel_array_options(decoding_plugin=plugin_for(file.file_meta.TransferSyntaxUID))
    np.testing.assert_array_equal(file.pixel_array, image)


def test_signed_samples() -> None:
    signed = np.array([[-2048, -1], [0, 2047]], np.int16)
    ds = compressed((signed & 0xFFF).astype(np.uint16), 12, wrap=True)
    ds.PixelRepresentation = 1
    ds.WindowCenter, ds.WindowWidth = "0", "4096"
    grey = display(written(ds), name="x")
    np.testing.assert_allclose(grey, (signed + 2048.0) / 4095 * 255, atol=0.05)


@pytest.mark.parametrize("wrap", [False, True])
def test_the_picture_and_what_is_searched_for_text_are_the_same(wrap: bool) -> None:
    image = picture(5)
    data = written(compressed(image, 8, wrap=wrap))
    np.testing.assert_array_equal(display(data, name="x"), image)
    (plane,) = planes(data, name="x")
    np.testing.assert_array_equal(plane.pixels, image)
    part10 = read_part10(data)
    (frame,) = DicomPixels(part10.tree, part10.syntax, data).for_reading()
    np.testing.assert_array_equal(frame, image)


def test_no_flipped_byte_leads_to_anything_but_an_error_or_a_picture() -> None:
    from privxray.errors import MalformedError

    data = written(compressed(picture(5), 8, wrap=True))
    start, rng = data.index(b"\xff\xd8\xff\xfe"), np.random.default_rng(1)
    for _ in range(60):
        broken = bytearray(data)
        broken[int(rng.integers(start, len(data)))] ^= int(rng.integers(1, 256))
        try:
            assert display(bytes(broken), name="x").shape == (24, 24)
        except MalformedError:
            continue


def test_registering_twice_is_once() -> None:
    lossless_jpeg.register()
    lossless_jpeg.register()
    for syntax in lossless_jpeg.SYNTAXES:
        assert plugin_for(syntax) == "privxray"
        assert lossless_jpeg.is_available(syntax)
    assert not lossless_jpeg.is_available("1.2.840.10008.1.2.4.50")
