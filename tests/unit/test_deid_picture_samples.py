"""PNG of 16 bits in colour or with alpha, and pictures that EXIF says have to be turned."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from deid_samples import chunk
from imaging_samples import jpeg, picture, png, ramp
from PIL import Image, ImageOps

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.pixels import picture_samples as samples_module
from privxray.deid.pixels.box import Box
from privxray.deid.pixels.picture_pixels import PicturePixels
from privxray.deid.pixels.picture_samples import (
    deep_colour,
    is_deep_colour,
    orientation_of,
    png_of_deep_colour,
    turned,
)
from privxray.deid.pixels.trouble import PixelTroubleError
from privxray.deid.profile.profile import Profile
from privxray.deid.sources.kinds import is_jpeg, is_png
from privxray.imaging.decode import display
from privxray.imaging.planes import planes

COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
SETTINGS = CopySettings(Profile(), Pseudonyms(b"k" * 32))


def deep_png(samples: np.ndarray, *, filters: bool = True) -> bytes:
    """16 bits, ``[rows, columns, channels]``; each line has another of the five filters."""
    rows, columns, channels = samples.shape
    width = 2 * channels
    lines = samples.astype(">u2").tobytes()
    size = columns * width
    out, above = [], bytes(size)
    for row in range(rows):
        line = lines[row * size : (row + 1) * size]
        kind = row % 5 if filters else 0
        out.append(bytes([kind]) + filtered(kind, line, above, width))
        above = line
    header = struct.pack(">IIBBBBB", columns, rows, 16, COLOURS[channels], 0, 0, 0)
    data = zlib.compress(b"".join(out))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def filtered(kind: int, line: bytes, above: bytes, width: int) -> bytes:
    """PNG specification, 9.2."""
    left, corner = bytes(width) + line[:-width], bytes(width) + above[:-width]
    guesses = {
        0: lambda a, b, c: 0,
        1: lambda a, b, c: a,
        2: lambda a, b, c: b,
        3: lambda a, b, c: (a + b) // 2,
        4: lambda a, b, c: min((a, b, c), key=lambda one: abs(a + b - c - one)),
    }
    guess = guesses[kind]
    return bytes((x - guess(a, b, c)) % 256 for x, a, b, c in zip(line, left, above, corner, strict=True))


def channels(*planes_: np.ndarray) -> np.ndarray:
    return np.dstack([plane.astype(np.uint16) for plane in planes_])


def noise(seed: int, rows: int = 13, columns: int = 17) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (rows, columns)).astype(np.uint16)


def exif(orientation: object) -> Image.Exif:
    made = Image.Exif()
    made[0x112] = orientation
    return made


def tagged(pixels: np.ndarray, orientation: int, kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(
        stream, kind, exif=exif(orientation), **({"quality": 95} if kind == "JPEG" else {})
    )
    return stream.getvalue()


# 16 bits


@pytest.mark.parametrize("count", [2, 3, 4])
def test_all_bits_of_every_channel_come(count: int) -> None:
    samples = channels(*(noise(seed) for seed in range(count)))
    data = deep_png(samples)
    assert is_deep_colour(data)
    np.testing.assert_array_equal(deep_colour(data), samples)


def test_what_is_not_deep_colour() -> None:
    for data in (png(picture(1)), png(ramp()), jpeg(picture(1)), png(np.dstack([picture(1)] * 3))):
        assert not is_deep_colour(data)


def test_it_is_shown_by_its_luma_and_stretched() -> None:
    grey = ramp(13, 17, 4095)
    expected = grey / 4095 * 255
    opaque = np.full_like(grey, 65535)
    for samples in (channels(grey, opaque), channels(grey, grey, grey), channels(grey, grey, grey, noise(1))):
        np.testing.assert_allclose(display(deep_png(samples), name="x"), expected, atol=0.02)
    red, nothing = channels(grey, 0 * grey, 0 * grey), 0 * grey
    np.testing.assert_allclose(display(deep_png(red), name="x"), expected, atol=0.02)
    mixed = channels(nothing + 1000, nothing + 2000, nothing + 3000)
    mixed[0, 0], mixed[0, 1] = 0, 10000  # luma 0 and 10000; the rest 299 + 1174 + 342 = 1815
    shown = display(deep_png(mixed), name="x")
    assert (shown[0, 0], round(float(shown[0, 1]))) == (0, 255)
    assert shown[5, 5] == pytest.approx(1815 / 10000 * 255, abs=0.02)


def test_each_channel_is_searched_in_its_full_depth() -> None:
    colour = channels(noise(1), noise(2), noise(3), noise(4))
    shown, hidden = planes(deep_png(colour), name="x")
    np.testing.assert_array_equal(shown.pixels, colour[..., :3])
    np.testing.assert_array_equal(hidden.pixels, colour[..., 3])
    (shown,) = planes(deep_png(channels(noise(1), 0 * noise(1))), name="x")
    np.testing.assert_array_equal(shown.pixels, noise(1))
    (shown,) = planes(deep_png(colour[..., :3]), name="x")
    np.testing.assert_array_equal(shown.pixels, colour[..., :3])


@pytest.mark.parametrize("count", [2, 3, 4])
def test_blacking_keeps_all_bits_of_the_rest(count: int) -> None:
    samples = channels(*(noise(seed) | 1 for seed in range(count)))
    pixels = PicturePixels(deep_png(samples))
    pixels.black([Box(0, 0, 4, 3)])
    again = PicturePixels(pixels.as_png())
    (frame,) = again.for_reading()
    expected = samples[..., 0] if count == 2 else samples[..., :3]
    np.testing.assert_array_equal(frame[3:], expected[3:])
    assert (frame[:3, :4] == expected.min()).all()
    if count > 2:
        np.testing.assert_array_equal(deep_colour(png_of_deep_colour(expected)), expected)


def test_a_deep_png_cut_off_is_damaged() -> None:
    from privxray.errors import MalformedError

    data = deep_png(channels(noise(1), noise(2), noise(3)))
    for cut in (24, 30, 60, len(data) // 2):
        with pytest.raises(MalformedError):
            display(data[:cut], name="x")
        with pytest.raises(PixelTroubleError):
            PicturePixels(data[:cut])


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_samples_are_turned_as_pillow_turns_them(orientation: int) -> None:
    pixels = picture(3)[:20, :13]
    image = Image.fromarray(pixels)
    image.getexif()[0x112] = orientation
    np.testing.assert_array_equal(turned(pixels, orientation), np.asarray(ImageOps.exif_transpose(image)))
    colour = np.dstack([pixels, pixels + 1, pixels + 2])
    for channel in range(3):
        np.testing.assert_array_equal(
            turned(colour, orientation)[..., channel], turned(colour[..., channel], orientation)
        )


def test_orientation_6_is_a_quarter_turn_clockwise() -> None:
    assert turned(np.array([[1, 2, 3], [4, 5, 6]]), 6).tolist() == [[4, 1], [5, 2], [6, 3]]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_shown_as_its_exif_data_says(orientation: int, kind: str) -> None:
    pixels = ramp(20, 12, 255).astype(np.uint8)
    data = tagged(pixels, orientation, kind)
    assert orientation_of(data) == orientation
    np.testing.assert_allclose(display(data, name="x"), turned(pixels, orientation), atol=3)


@pytest.mark.parametrize("pixels", [ramp(20, 12), np.dstack([picture(1)[:20, :12]] * 3)], ids=["deep", "rgb"])
def test_deep_and_coloured_pictures_turn_as_well(pixels: np.ndarray) -> None:
    plain = display(png(pixels), name="x")
    np.testing.assert_array_equal(display(tagged(pixels, 8, "PNG"), name="x"), turned(plain, 8))


def test_exif_data_may_come_behind_the_pixels_of_a_png() -> None:
    samples = channels(noise(1), noise(2), noise(3))
    for data in (png(picture(1)[:9]), deep_png(samples)):
        late = data[:-12] + chunk(b"eXIf", exif(5).tobytes()[6:]) + data[-12:]
        assert orientation_of(late) == 5
        np.testing.assert_array_equal(display(late, name="x"), turned(display(data, name="x"), 5))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_no_such_orientation_is_none(orientation: int) -> None:
    data = tagged(picture(1)[:9], orientation, "PNG")
    assert orientation_of(data) == 1
    np.testing.assert_array_equal(display(data, name="x"), picture(1)[:9])


def test_damaged_exif_data_is_none() -> None:
    whole = png(picture(1)[:9])
    for broken in (b"", b"MM", b"II*\0\xff\xff\xff\xff", b"zebra" * 9):
        data = whole[:33] + chunk(b"eXIf", broken) + whole[33:]
        assert orientation_of(data) == 1
        np.testing.assert_array_equal(display(data, name="x"), picture(1)[:9])
    assert orientation_of(whole[:40] + b"eXIf") == 1


@pytest.mark.parametrize("orientation", range(2, 9))
def test_deidentify_turns_the_pixels_of_a_png_without_loss(orientation: int) -> None:
    for pixels in (picture(1)[:9], ramp(20, 12), np.dstack([picture(1)[:9], picture(2)[:9], picture(3)[:9]])):
        copy = deidentify(tagged(pixels, orientation, "PNG"), SETTINGS)
        assert copy.suffix == ".png"
        assert orientation_of(copy.data) == 1
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(copy.data))), turned(pixels, orientation)
        )


def test_deidentify_turns_deep_colour_without_loss() -> None:
    samples = channels(noise(1), noise(2), noise(3))
    data = deep_png(samples)
    data = data[:33] + chunk(b"eXIf", exif(6).tobytes()[6:]) + data[33:]
    np.testing.assert_array_equal(deep_colour(deidentify(data, SETTINGS).data), turned(samples, 6))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_deidentify_turns_a_jpeg_to_within_2_of_255(orientation: int) -> None:
    for pixels in (picture(1)[:19], np.dstack([picture(1)[:19], picture(2)[:19], picture(3)[:19]])):
        source = tagged(pixels, orientation, "JPEG")
        copy = deidentify(source, SETTINGS)
        assert (copy.suffix, is_jpeg(copy.data), is_png(copy.data)) == (".jpg", True, False)
        assert b"Exif" not in copy.data
        assert orientation_of(copy.data) == 1
        stored = np.asarray(Image.open(io.BytesIO(source))).astype(int)
        seen = np.asarray(Image.open(io.BytesIO(copy.data))).astype(int)
        assert np.abs(seen - turned(stored, orientation)).max() <= (2 if pixels.ndim == 2 else 4)
        assert deidentify(source, SETTINGS) == copy


def test_an_upright_jpeg_keeps_its_compressed_bytes() -> None:
    plain = jpeg(picture(1))
    scan = plain[plain.index(b"\xff\xda") :]
    assert deidentify(tagged(picture(1), 1, "JPEG"), SETTINGS).data.endswith(scan)


def test_what_can_not_be_turned_gets_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    Image.new("CMYK", (20, 10)).save(stream, "JPEG", exif=exif(6))
    with pytest.raises(NotCleanError):
        deidentify(stream.getvalue(), SETTINGS)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(PixelTroubleError):
        orientation_of(tagged(picture(1), 6, "PNG"))
    assert samples_module.UPRIGHT == 1
