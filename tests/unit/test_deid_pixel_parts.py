"""The parts of changing pixels, each alone: layouts, black values, palettes, bits, frames and boxes."""

from __future__ import annotations

import io

import deid_samples as samples
import numpy as np
import pytest
from imaging_samples import dicom, ramp, written
from PIL import Image
from pydicom.uid import MPEG2MPML, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.dicomfile.part10 import read_part10
from privxray.deid.pixels import palette
from privxray.deid.pixels.black_value import black_value
from privxray.deid.pixels.box import Box
from privxray.deid.pixels.compressed_frames import GUARDED, fits, plugin_for
from privxray.deid.pixels.decoded_frames import decoded_frames
from privxray.deid.pixels.dicom_pixels import DicomPixels
from privxray.deid.pixels.layout import Layout
from privxray.deid.pixels.picture_pixels import PicturePixels
from privxray.deid.pixels.trouble import NOT_DECODED, NOT_FRAMES, TOO_LARGE, PixelTroubleError
from privxray.deid.pixels.unused_bits import has_embedded_overlay, without_unused_bits


def number(value: int) -> bytes:
    return value.to_bytes(2, "little")


def tree_of(**changes: int | str) -> Tree:
    """What a data set says of 8 rows by 6 columns of 16 bits, of which 12 are used."""
    says: dict[str, int | str] = {
        "ROWS": 8,
        "COLUMNS": 6,
        "BITS_ALLOCATED": 16,
        "BITS_STORED": 12,
        "HIGH_BIT": 11,
        "PHOTOMETRIC_INTERPRETATION": "MONOCHROME2",
    }
    tree = Tree()
    for name, value in (says | changes).items():
        tag = getattr(tags, name)
        tree.put(tag, *(("CS", value) if isinstance(value, str) else ("US", number(value))))
    return tree


def layout_of(tree: Tree) -> Layout:
    return Layout.of(tree, native=True)


# Boxes


def test_boxes() -> None:
    box = Box(2, 3, 6, 5)
    assert (box.width, box.height, box.area) == (4, 2, 8)
    assert box.grown(3) == (-1, 0, 9, 8)
    assert box.grown(3).within(7, 8) == (0, 0, 8, 7)
    assert Box(20, 20, 30, 30).within(7, 8).area == 0
    assert box.around(Box(0, 4, 3, 9)) == (0, 3, 6, 9)


# Layouts


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ROWS": 0}, NOT_FRAMES),
        ({"BITS_ALLOCATED": 0}, NOT_FRAMES),
        ({"SAMPLES_PER_PIXEL": 4}, NOT_FRAMES),
        ({"ROWS": 20_000, "COLUMNS": 20_000}, TOO_LARGE),
    ],
)
def test_impossible_images_have_no_layout(changes: dict[str, int], why: str) -> None:
    with pytest.raises(PixelTroubleError, match=why):
        layout_of(tree_of(**changes))


def test_samples_are_taken_and_filled_where_they_lie() -> None:
    stored = np.arange(48, dtype="<u2").reshape(1, 8, 6)
    grey = layout_of(tree_of())
    assert grey.native_bytes == 96
    assert np.array_equal(grey.array(stored.tobytes() + b"more"), stored)
    with pytest.raises(PixelTroubleError):
        grey.array(stored.tobytes()[:-1])
    filled = stored[0].copy()
    grey.fill(filled, Box(-2, 6, 2, 99), np.array([7]))
    assert (filled[6:, :2] == 7).all()
    assert np.array_equal(filled[:6], stored[0, :6])
    signed = layout_of(tree_of(PIXEL_REPRESENTATION=1))
    assert signed.array(b"\xff" * 96).min() == -1


@pytest.mark.parametrize("planar", [0, 1])
def test_colour_in_both_plane_orders(planar: int) -> None:
    tree = tree_of(SAMPLES_PER_PIXEL=3, PLANAR_CONFIGURATION=planar, BITS_ALLOCATED=8, BITS_STORED=8)
    layout = layout_of(tree)
    picture = np.arange(144, dtype="u1").reshape(8, 6, 3)
    stored = np.moveaxis(picture, -1, 0) if planar else picture
    frame = layout.array(stored.tobytes())[0].copy()
    assert np.array_equal(layout.picture(frame), picture)
    layout.fill(frame, Box(0, 0, 2, 1), np.array([1, 2, 3], "u1"))
    assert layout.picture(frame)[0, :2].tolist() == [[1, 2, 3], [1, 2, 3]]
    assert layout.pixel_bytes == 3


# Black


@pytest.mark.parametrize(
    ("changes", "black"),
    [
        ({}, 100),  # the darkest of the frame
        ({"PHOTOMETRIC_INTERPRETATION": "MONOCHROME1"}, 900),
        ({"BITS_STORED": 8, "HIGH_BIT": 7}, 0),  # the very end of the range
        ({"PIXEL_PADDING_VALUE": 5}, 5),
        ({"PIXEL_PADDING_VALUE": 500}, 100),
        ({"VOI_LUT_SEQUENCE": 0}, 0),
    ],
)
def test_a_black_pixel(changes: dict[str, int | str], black: int) -> None:
    tree = tree_of(**changes)
    frame = np.linspace(100, 900, 48).astype("<u2").reshape(8, 6)
    assert black_value(tree, layout_of(tree), frame).tolist() == [black]


def test_a_black_pixel_in_colour() -> None:
    frame = np.zeros((8, 6, 3), "u1")
    for colour, black in (("RGB", [0, 0, 0]), ("YBR_FULL", [0, 128, 128])):
        tree = tree_of(
            SAMPLES_PER_PIXEL=3, BITS_ALLOCATED=8, BITS_STORED=8, PHOTOMETRIC_INTERPRETATION=colour
        )
        assert black_value(tree, layout_of(tree), frame).tolist() == black


def with_palette(first: int, bits: int, *entries: int) -> Tree:
    tree = tree_of(BITS_ALLOCATED=8, BITS_STORED=8, PHOTOMETRIC_INTERPRETATION="PALETTE COLOR")
    for colour in ("RED", "GREEN", "BLUE"):
        tag = getattr(tags, f"{colour}_PALETTE_COLOR_LOOKUP_TABLE_DATA")
        tree.put(tag - 0x100, "US", number(len(entries)) + number(first) + number(bits))
        tree.put(tag, "OW", b"".join(map(number, entries)))
    return tree


def test_a_palette_says_how_indices_look() -> None:
    tree = with_palette(2, 16, 200 * 257, 10 * 257, 90 * 257)
    assert palette.is_palette(tree)
    assert palette.darkest(tree, 8) == 3
    frame = np.array([[0, 2, 3], [4, 5, 255]], "u1")  # outside the table the nearest entry counts
    assert palette.shown(tree, frame, 8).tolist() == [[200, 200, 10], [90, 90, 90]]
    assert black_value(tree, layout_of(tree), frame).tolist() == [3]
    plain = tree_of(PHOTOMETRIC_INTERPRETATION="PALETTE COLOR")  # no table: an index is its own grey
    assert palette.shown(plain, frame, 8)[1, 2] == 255
    with pytest.raises(PixelTroubleError, match=NOT_FRAMES):
        palette.shown(with_palette(0, 16), frame, 8)


# Bits that are not the sample's


def test_unused_bits_are_zeroed_and_those_of_negative_numbers_are_ones() -> None:
    values = np.array([0, 1, 0x7FF], "<u2")
    tree = tree_of()
    assert without_unused_bits(tree, layout_of(tree), (values | 0xA000).tobytes()) == values.tobytes()
    signed = tree_of(PIXEL_REPRESENTATION=1)
    numbers = np.array([-5, -1, 5], "<i2")
    hidden = (numbers & 0x0FFF | 0x5000).astype("<i2")
    assert without_unused_bits(signed, layout_of(signed), hidden.tobytes()) == numbers.tobytes()
    full = tree_of(BITS_STORED=16, HIGH_BIT=15)
    assert without_unused_bits(full, layout_of(full), b"\xff" * 4) == b"\xff" * 4


def test_overlays_in_unused_bits_are_noticed_in_every_group() -> None:
    tree = tree_of()
    tree.put(0x60020102, "US", number(0))
    assert not has_embedded_overlay(tree)
    tree.put(0x60040102, "US", number(15))
    assert has_embedded_overlay(tree)


# Compressed frames


def compressed(syntax: str) -> bytes:
    ds = dicom(ramp())
    ds.compress(syntax, encoding_plugin="pylibjpeg")
    return written(ds)


def test_a_frame_must_have_the_size_of_its_header() -> None:
    frame = samples.jpeg()
    assert fits(frame, JPEGBaseline8Bit, (48, 64), 1)
    assert not fits(frame, JPEGBaseline8Bit, (48, 65), 1)
    assert not fits(b"no codestream", JPEGBaseline8Bit, (48, 64), 1)
    assert fits(bytes(64 + 200), RLELossless, (10, 10), 1)
    assert not fits(bytes(64 + 201), RLELossless, (10, 10), 1)
    assert {RLELossless, JPEGBaseline8Bit, JPEG2000Lossless} <= GUARDED
    assert plugin_for(RLELossless) == "pydicom"
    assert plugin_for(JPEG2000Lossless) == ""


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_frames_are_decoded_whole_or_not_at_all(syntax: str) -> None:
    file = compressed(syntax)
    layout = Layout.of(read_part10(file).tree, native=False)
    (frame,) = decoded_frames(file, syntax, layout)
    assert np.array_equal(frame.samples, ramp())
    assert frame.colour == "MONOCHROME2"
    for wrong, why in ((file[: len(file) // 2], NOT_DECODED), (file.replace(b"RLE", b"x"), "")):
        if wrong != file:
            with pytest.raises(PixelTroubleError, match=why):
                list(decoded_frames(wrong, syntax, layout))


def test_videos_are_not_decoded() -> None:
    layout = Layout.of(tree_of(), native=False)
    with pytest.raises(PixelTroubleError, match=NOT_DECODED):
        list(decoded_frames(b"", MPEG2MPML, layout))


def test_a_data_set_without_pixels() -> None:
    with pytest.raises(PixelTroubleError, match=NOT_FRAMES):
        DicomPixels(tree_of(), "1.2.840.10008.1.2.1", b"")


def test_a_segmentation_is_read_and_never_changed() -> None:
    tree = tree_of(BITS_ALLOCATED=1, BITS_STORED=1, HIGH_BIT=0)
    tree.put(tags.PIXEL_DATA, "OB", b"\x01" + bytes(5))
    pixels = DicomPixels(tree, "1.2.840.10008.1.2.1", b"")
    (frame,) = pixels.for_reading()
    assert (frame[0, 0], frame.sum()) == (255, 255)
    with pytest.raises(PixelTroubleError):
        pixels.black([Box(0, 0, 1, 1)])


# JPEG and PNG


def test_a_picture_is_blacked_and_written_without_loss() -> None:
    pixels = PicturePixels(samples.png())
    (before,) = [frame.copy() for frame in pixels.for_reading()]
    pixels.black([Box(2, 1, 5, 99)])
    after = np.asarray(Image.open(io.BytesIO(pixels.as_png())))
    assert not after[1:, 2:5].any()
    assert np.array_equal(after[:, 5:], before[:, 5:])


def test_a_deep_picture_gets_its_own_darkest_value() -> None:
    stream = io.BytesIO()
    Image.fromarray(ramp() + np.uint16(50)).save(stream, "PNG")
    pixels = PicturePixels(stream.getvalue())
    pixels.black([Box(0, 0, 40, 32)])
    (frame,) = pixels.for_reading()
    assert (frame.dtype, set(frame.ravel().tolist())) == (np.uint16, {50})


@pytest.mark.parametrize(
    ("data", "why"), [(samples.png()[:90], NOT_DECODED), (b"", NOT_DECODED), (b"\xff\xd8text", NOT_DECODED)]
)
def test_a_damaged_picture(data: bytes, why: str) -> None:
    with pytest.raises(PixelTroubleError, match=why):
        PicturePixels(data)
