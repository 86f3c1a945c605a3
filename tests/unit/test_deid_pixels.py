"""Boxes blacked in stored pixels, of every kind that radiographs and ultrasound come in."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import deid_samples as samples
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import RLELossless
from test_deid_deidentify import BASIC, KEY, identified

from privxray.deid.cleaning import black_text
from privxray.deid.cleaning import deidentify_dicom as deid
from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.pixels.box import Box
from privxray.deid.pixels.text.text_box import Severity, TextBox
from privxray.imaging.display.dicom_file import display_dicom


def text_box(x: int, y: int, width: int, height: int, severity: Severity = "error") -> TextBox:
    return TextBox(0, x, y, width, height, 0.9, severity)


class Finder:
    """Finds the same texts in each frame, once."""

    def __init__(self, *texts: TextBox, times: int = 1) -> None:
        self.texts = texts
        self.times = times
        self.seen: list[Any] = []
        self._asked: dict[int, int] = {}

    def __call__(self, frame: Any, number: int) -> Sequence[TextBox]:
        self.seen.append(frame)
        self._asked[number] = self._asked.get(number, 0) + 1
        return self.texts if self._asked[number] <= self.times else ()


TEXT = text_box(12, 10, 6, 4)
INSIDE = (slice(8, 16), slice(10, 20))


def image(values: np.ndarray, photometric: str = "MONOCHROME2", **attributes: Any) -> Dataset:
    ds = identified()
    ds.Rows, ds.Columns = 32, 40
    ds.PhotometricInterpretation = photometric
    ds.BitsAllocated = ds.BitsStored = values.dtype.itemsize * 8
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(values.dtype.kind == "i")
    ds.PixelData = values.tobytes()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def blacked(ds: Dataset, finder: Any = None, syntax: str = "1.2.840.10008.1.2.1") -> Dataset:
    settings = CopySettings(BASIC, Pseudonyms(KEY), finder or Finder(TEXT))
    return pydicom.dcmread(io.BytesIO(deidentify(samples.encode(ds, syntax), settings).data))


def noise(dtype: str, low: int, high: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(low, high, shape or (32, 40)).astype(dtype)


@pytest.mark.parametrize(
    ("values", "photometric", "attributes", "black"),
    [
        (noise("u1", 40, 200), "MONOCHROME2", {}, 0),
        (noise("u1", 40, 200), "MONOCHROME1", {}, 255),
        (noise("<u2", 500, 3000), "MONOCHROME2", {"BitsStored": 12, "HighBit": 11}, 500),
        (noise("<u2", 500, 3000), "MONOCHROME1", {"BitsStored": 12, "HighBit": 11}, 2999),
        (
            noise("<u2", 500, 3000),
            "MONOCHROME2",
            {"BitsStored": 12, "HighBit": 11, "PixelPaddingValue": 3},
            3,
        ),
        (noise("<i2", -900, 900), "MONOCHROME2", {"WindowCenter": 40, "WindowWidth": 2400}, -1160),
        (
            noise("<i2", -900, 900),
            "MONOCHROME2",
            {"RescaleSlope": "-1", "RescaleIntercept": "0"},
            899,
        ),
        (
            noise("<u2", 500, 3000),
            "MONOCHROME1",
            {"WindowCenter": 2000, "WindowWidth": 4000, "BitsStored": 12, "HighBit": 11},
            4000,
        ),
    ],
)
def test_a_box_is_black_and_nothing_else_changes(
    values: np.ndarray, photometric: str, attributes: dict[str, Any], black: int
) -> None:
    ds = image(values, photometric, **attributes)
    new = blacked(ds)
    after = np.frombuffer(new.PixelData, values.dtype).reshape(values.shape)
    expected = values.copy()
    expected[INSIDE] = black
    # Extremes of random values are what the generator made them, not the bounds that it was given.
    if black in (500, 2999, 899):
        expected[INSIDE] = values.min() if black == 500 else values.max()
    assert np.array_equal(after, expected)
    assert new.BurnedInAnnotation == "NO"
    assert [code.CodeValue for code in new.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    shown = display_dicom(_bytes(new), name="x")
    assert shown[INSIDE].max() <= shown.min() + 1


def _bytes(ds: Dataset) -> bytes:
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize(("photometric", "black"), [("RGB", [0, 0, 0]), ("YBR_FULL", [0, 128, 128])])
def test_colour_in_both_plane_orders_and_several_frames(
    planar: int, photometric: str, black: list[int]
) -> None:
    values = noise("u1", 40, 200, 2, 32, 40, 3)
    stored = np.moveaxis(values, -1, 1) if planar else values
    ds = image(stored, photometric, SamplesPerPixel=3, PlanarConfiguration=planar, NumberOfFrames=2)
    finder = Finder(TEXT)
    new = blacked(ds, finder)
    after = np.frombuffer(new.PixelData, np.uint8).reshape(stored.shape)
    after = np.moveaxis(after, 1, -1) if planar else after
    expected = values.copy()
    expected[:, INSIDE[0], INSIDE[1]] = black
    assert np.array_equal(after, expected)
    assert finder.seen[0].shape == ((32, 40, 3) if photometric == "RGB" else (32, 40))


def test_uncompressed_half_colour() -> None:
    values = noise("u1", 40, 200, 32, 20, 4)
    ds = image(values, "YBR_FULL_422", SamplesPerPixel=3, PlanarConfiguration=0)
    after = np.frombuffer(blacked(ds).PixelData, np.uint8).reshape(values.shape)
    assert (after[8:16, 5:10] == [0, 0, 128, 128]).all()
    assert np.array_equal(after[:8], values[:8])


def test_a_palette_gets_its_darkest_index() -> None:
    values = noise("u1", 0, 4)
    levels = np.array([200, 90, 10, 250], "<u2") * 257
    ds = image(values, "PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [4, 0, 16])
        setattr(ds, f"{colour}PaletteColorLookupTableData", levels.tobytes())
    finder = Finder(TEXT)
    after = np.frombuffer(blacked(ds, finder).PixelData, np.uint8).reshape(32, 40)
    assert (after[INSIDE] == 2).all()
    assert set(np.unique(finder.seen[0])) == {10, 90, 200, 250}


def test_compressed_pixels_leave_uncompressed_and_unchanged_outside_the_box() -> None:
    values = noise("<u2", 500, 3000)
    ds = image(values, BitsStored=12, HighBit=11)
    ds.file_meta.TransferSyntaxUID = RLELossless
    frame = RLELosslessEncoder.encode(
        values, rows=32, columns=40, samples_per_pixel=1, bits_allocated=16, bits_stored=12,
        photometric_interpretation="MONOCHROME2", pixel_representation=0, number_of_frames=1,
    )  # fmt: skip
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].is_undefined_length = True
    new = blacked(ds, syntax=RLELossless)
    assert new.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    expected = values.copy()
    expected[INSIDE] = values.min()
    assert np.array_equal(new.pixel_array, expected)
    kept = blacked(ds, Finder(), syntax=RLELossless)
    assert kept.file_meta.TransferSyntaxUID == RLELossless
    assert kept.PixelData == ds.PixelData


@pytest.mark.parametrize(
    ("name", "lossy"),
    [("JPEG2000.dcm", None), ("SC_rgb_jpeg_dcmtk.dcm", "01"), ("MR_small_jpeg_ls_lossless.dcm", None)],
)
def test_real_compressed_files(name: str, lossy: str | None) -> None:
    path = pydicom.data.get_testdata_file(name)
    data = open(path, "rb").read()  # noqa: PTH123, SIM115
    before = pydicom.dcmread(io.BytesIO(data))
    settings = CopySettings(BASIC, Pseudonyms(KEY), Finder(TEXT))
    new = pydicom.dcmread(io.BytesIO(deidentify(data, settings).data))
    assert new.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    old, now = before.pixel_array, new.pixel_array
    outside = np.ones(old.shape[:2], bool)
    outside[INSIDE] = False
    assert np.array_equal(old[outside], now[outside])
    assert len(np.unique(now[INSIDE].reshape(-1, *old.shape[2:]), axis=0)) == 1
    if lossy:
        assert new.LossyImageCompression == lossy


def test_of_tilted_text_only_the_pieces_are_blacked() -> None:
    values = noise("u1", 40, 200)
    steps = Box(4, 4, 8, 8), Box(9, 9, 13, 13), Box(14, 14, 18, 18)
    new = blacked(image(values), Finder(replace(text_box(4, 4, 14, 14), pieces=steps)))
    outside = np.ones(values.shape, bool)
    for left, top, right, bottom in steps:
        outside[top - 2 : bottom + 2, left - 2 : right + 2] = False
    assert np.array_equal(new.pixel_array[outside], values[outside])
    assert not new.pixel_array[~outside].any()


def test_markers_stay_and_pixels_without_text_keep_their_bytes() -> None:
    values = noise("u1", 40, 200)
    new = blacked(image(values), Finder(text_box(1, 1, 5, 5, "notice")))
    assert new.PixelData == values.tobytes()
    assert new.BurnedInAnnotation == "NO"


def test_without_a_search_nothing_is_claimed() -> None:
    ds = image(noise("u1", 40, 200))
    del ds.BurnedInAnnotation
    settings = CopySettings(BASIC, Pseudonyms(KEY))
    new = pydicom.dcmread(io.BytesIO(deidentify(samples.encode(ds), settings).data))
    assert "BurnedInAnnotation" not in new
    assert [code.CodeValue for code in new.DeidentificationMethodCodeSequence] == ["113100"]


@pytest.mark.parametrize(
    ("claims", "finder", "reason"),
    [("NO", Finder(TEXT, times=9), black_text.STUBBORN), ("YES", Finder(), deid.CLAIMED)],
)
def test_text_that_stays_or_is_claimed_and_not_found(claims: str, finder: Finder, reason: str) -> None:
    with pytest.raises(NotCleanError) as error:
        blacked(image(noise("u1", 40, 200), BurnedInAnnotation=claims), finder)
    assert str(error.value) == reason


def test_an_overlay_in_unused_bits_goes_with_its_group() -> None:
    values = noise("<u2", 0, 4096)
    ds = image(values | 0x8000, BitsStored=12, HighBit=11)
    ds.add_new(0x60000010, "US", 32)
    ds.add_new(0x60000011, "US", 40)
    ds.add_new(0x60000100, "US", 16)
    ds.add_new(0x60000102, "US", 15)
    assert np.array_equal(np.frombuffer(blacked(ds, Finder()).PixelData, "<u2").reshape(32, 40), values)


def test_what_viewers_hide_goes_where_the_pixels_are_searched() -> None:
    values = noise("<i2", -900, 900)
    ds = image(values ^ np.int16(0x2000), BitsStored=12, HighBit=11)
    assert np.array_equal(np.frombuffer(blacked(ds, Finder()).PixelData, "<i2").reshape(32, 40), values)
    kept = image(values, BitsStored=12, HighBit=11)
    assert blacked(kept, Finder()).PixelData == values.tobytes()


def test_bytes_beyond_the_last_pixel_go() -> None:
    ds = image(noise("u1", 40, 200))
    ds.PixelData += b"and a name after it!"
    assert len(blacked(ds, Finder()).PixelData) == 32 * 40
