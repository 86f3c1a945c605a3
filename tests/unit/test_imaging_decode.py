"""Files to pixels: the grey-scale pipeline, every way of writing a file, and files that are none."""

from __future__ import annotations

import io
import logging
import struct
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from imaging_samples import SENTINEL, dicom, jpeg, picture, png, ramp, written
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from privxray.errors import MalformedError, SystemTroubleError
from privxray.imaging import decode as decoding
from privxray.imaging.decode import decode, decode_path, display
from privxray.imaging.display.grey import shrink
from privxray.imaging.display.limits import ATTRIBUTES, TROUBLES

NAME = "im0001.dcm"


def shown(ds: Dataset, syntax: str = ImplicitVRLittleEndian) -> np.ndarray:
    return display(written(ds, syntax), name=NAME)


def windowed(centre: float, width: float, **more: object) -> dict[str, object]:
    return {"WindowCenter": centre, "WindowWidth": width, **more}


# The grey-scale pipeline


def test_a_linear_window_follows_the_standards_formula() -> None:
    stored = ramp()
    grey = shown(dicom(stored, **windowed(2048, 1000)))
    expected = ((stored.astype(float) - 2047.5) / 999 + 0.5) * 255
    np.testing.assert_allclose(grey, np.clip(expected, 0, 255), atol=0.01)


def test_linear_exact_and_sigmoid_windows() -> None:
    stored = ramp()
    exact = shown(dicom(stored, **windowed(2000, 1000, VOILUTFunction="LINEAR_EXACT")))
    np.testing.assert_allclose(exact, np.clip((stored - 1500.0) / 1000, 0, 1) * 255, atol=0.01)
    curve = shown(dicom(stored, **windowed(2000, 1000, VOILUTFunction="SIGMOID")))
    np.testing.assert_allclose(curve, 255 / (1 + np.exp(-4 * (stored - 2000.0) / 1000)), atol=0.01)


def test_a_window_of_width_one_is_a_threshold() -> None:
    grey = shown(dicom(ramp(), **windowed(2000, 1)))
    assert set(np.unique(grey)) == {0, 255}
    np.testing.assert_array_equal(grey == 255, ramp() >= 2000)


def test_the_first_of_several_windows_counts() -> None:
    one = shown(dicom(ramp(), **windowed(1000, 500)))
    several = shown(dicom(ramp(), WindowCenter=[1000, 3000], WindowWidth=[500, 900]))
    np.testing.assert_array_equal(one, several)


def test_the_window_is_in_rescaled_units() -> None:
    rescaled = dicom(ramp(), **windowed(3096, 2000, RescaleSlope=2, RescaleIntercept=-1000))
    np.testing.assert_allclose(
        shown(rescaled), np.clip(((2.0 * ramp() - 1000 - 3095.5) / 1999 + 0.5) * 255, 0, 255), atol=0.01
    )


def test_monochrome1_is_inverted_after_the_window() -> None:
    stored = ramp()
    plain = shown(dicom(stored, **windowed(1500, 1000)))
    inverted = shown(dicom(stored, **windowed(1500, 1000, PhotometricInterpretation="MONOCHROME1")))
    np.testing.assert_allclose(inverted, 255 - plain, atol=1e-3)


def test_a_negative_and_its_positive_are_the_same_picture() -> None:
    stored = ramp()
    negative = dicom(4095 - stored, **windowed(4095 - 2000, 1001, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_allclose(shown(negative), shown(dicom(stored, **windowed(2001, 1001))), atol=0.01)


def test_signed_pixels() -> None:
    signed = (ramp().astype(np.int32) - 2048).astype(np.int16)
    grey = shown(dicom(signed, **windowed(-48, 1000)))
    np.testing.assert_allclose(grey, shown(dicom(ramp(), **windowed(2000, 1000))), atol=0.01)


def test_bits_above_those_stored_are_no_part_of_the_value() -> None:
    dirty = ramp() | np.uint16(0x5000)
    np.testing.assert_array_equal(
        shown(dicom(dirty, **windowed(2000, 1000))), shown(dicom(ramp(), **windowed(2000, 1000)))
    )


def test_a_voi_lut_goes_before_a_window() -> None:
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 16]
    table.LUTData = (4095 - np.arange(4096)).astype("<u2").tobytes()
    ds = dicom(ramp(), **windowed(100, 100), VOILUTSequence=[table])
    np.testing.assert_allclose(shown(ds), (4095.0 - ramp()) / 4095 * 255, atol=0.01)


def test_a_modality_lut_replaces_the_rescale() -> None:
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 16]
    table.LUTData = (np.arange(4096) // 2).astype("<u2").tobytes()
    table.ModalityLUTType = "US"
    ds = dicom(ramp(), **windowed(1000, 1000), ModalityLUTSequence=[table])
    np.testing.assert_allclose(shown(ds), shown(dicom(ramp() // 2, **windowed(1000, 1000))), atol=0.01)


def test_without_a_window_deep_pixels_are_stretched_and_eight_bits_are_kept() -> None:
    deep = shown(dicom(ramp(top=700) + 100))
    assert (deep.min(), deep.max()) == (0, 255)
    flat = np.full((32, 40), 77, np.uint8)
    np.testing.assert_allclose(shown(dicom(flat, bits=8)), 77, atol=1e-3)
    assert not shown(dicom(np.full((32, 40), 900, np.uint16))).any()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_spoil_the_stretch(photometric: str) -> None:
    stored = ramp(top=700) + 100
    stored[:, :3] = 4095
    grey = shown(dicom(stored, PixelPaddingValue=4095, PhotometricInterpretation=photometric))
    assert not grey[:, :3].any()
    assert grey[:, 3:].min() < 1
    assert grey[:, 3:].max() > 254


# Ways of writing


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_uncompressed_syntaxes_give_the_same_pixels(syntax: str) -> None:
    expected = shown(dicom(ramp(), **windowed(2000, 3000)))
    ds = dicom(ramp(), **windowed(2000, 3000))
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = ramp().astype(">u2").tobytes()
    np.testing.assert_array_equal(shown(ds, syntax), expected)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressing_without_loss_changes_no_pixel(syntax: str) -> None:
    expected = shown(dicom(ramp(), **windowed(2000, 3000)))
    ds = dicom(ramp(), **windowed(2000, 3000))
    ds.compress(syntax, encoding_plugin="pylibjpeg")
    np.testing.assert_array_equal(shown(ds), expected)


def test_jpeg_baseline_inside_dicom() -> None:
    smooth = ramp(64, 64, 200).astype(np.uint8)
    ds = dicom(smooth, bits=8)
    ds.PixelData = encapsulate([jpeg(smooth)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    assert np.abs(shown(ds) - smooth).max() <= 3


BUNDLED = {
    "MR_small_jpeg_ls_lossless.dcm": "JPEG-LS",
    "MR_small_jp2klossless.dcm": "JPEG 2000",
    "MR_small_RLE.dcm": "RLE",
    "MR_small_bigendian.dcm": "big endian",
    "MR_small.dcm": "plain",
    "image_dfl.dcm": "deflated",
    "JPEG2000.dcm": "JPEG 2000 with loss",
    "CT_small.dcm": "signed",
    "JPEGLSNearLossless_16.dcm": "JPEG-LS with loss",
    "JPGExtended.dcm": "JPEG extended",
    "693_J2KI.dcm": "JPEG 2000",
}


@pytest.mark.parametrize("file", BUNDLED)
def test_files_that_pydicom_brings_along(file: str) -> None:
    image = decode(_bundled(file), name=NAME)
    assert image.shape == (260, 260)
    assert int(image.max()) - int(image.min()) > 100


def test_lossless_copies_of_one_image_decode_alike() -> None:
    plain = display(_bundled("MR_small.dcm"), name=NAME)
    for file in ("MR_small_jpeg_ls_lossless.dcm", "MR_small_jp2klossless.dcm", "MR_small_RLE.dcm"):
        np.testing.assert_array_equal(display(_bundled(file), name=NAME), plain)


# JPEG and PNG


def test_pictures_of_eight_bits_are_taken_as_they_are() -> None:
    pixels = picture(1, 260)
    np.testing.assert_array_equal(decode(png(pixels), name=NAME), pixels)
    np.testing.assert_array_equal(decode(png(np.stack([pixels] * 3, 2)), name=NAME), pixels)
    smooth = (ramp(260, 260, 200)).astype(np.uint8)
    assert np.abs(decode(jpeg(smooth), name=NAME).astype(int) - smooth).max() <= 3


def test_a_png_of_sixteen_bits_is_stretched_not_cut() -> None:
    grey = display(png(ramp(top=4095)), name=NAME)
    np.testing.assert_allclose(grey, ramp() / 4095 * 255, atol=0.01)


def test_content_decides_and_not_the_name() -> None:
    pixels = picture(2, 260)
    np.testing.assert_array_equal(decode(png(pixels), name="im.dcm"), pixels)


def test_shrinking_averages() -> None:
    stripes = np.zeros((1040, 1040), np.uint8)
    stripes[:, ::2] = 255
    inside = shrink(stripes, 260)[4:-4, 4:-4]
    assert np.abs(inside.astype(int) - 127).max() <= 1


def test_decode_path(tmp_path: Path) -> None:
    file = tmp_path / "im.png"
    file.write_bytes(png(picture(3, 260)))
    np.testing.assert_array_equal(decode_path(file, "im.png"), picture(3, 260))
    with pytest.raises(SystemTroubleError) as caught:
        decode_path(tmp_path / SENTINEL, "file #1")
    assert caught.value.reason == "image.absent"
    with pytest.raises(SystemTroubleError) as caught:
        decode_path(tmp_path, "file #1")
    assert caught.value.reason == "image.unread"


# Bad files


def _broken(**attributes: object) -> bytes:
    return written(dicom(ramp(), **attributes))


def _without(*names: str) -> bytes:
    ds = dicom(ramp())
    for name in names:
        delattr(ds, name)
    return written(ds)


def _colour() -> bytes:
    ds = dicom(picture(1), bits=8, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    ds.PixelData = bytes(24 * 24 * 3)
    return written(ds)


def _short_table() -> Dataset:
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 12]
    table.LUTData = bytes(20)
    return table


def _lying_codestream(rows: int) -> bytes:
    """JPEG 2000 whose own size is not the header's."""
    ds = dicom(ramp())
    ds.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
    return written(ds).replace(struct.pack(">HHII", 41, 0, 40, 32), struct.pack(">HHII", 41, 0, 40, rows))


def _bomb() -> bytes:
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "PNG")
    return stream.getvalue()


def _animation() -> bytes:
    stream = io.BytesIO()
    frames = [Image.fromarray(picture(seed)) for seed in (1, 2)]
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def _cmyk() -> bytes:
    stream = io.BytesIO()
    Image.new("CMYK", (20, 20)).save(stream, "JPEG")
    return stream.getvalue()


BAD = {
    "nothing": (lambda: b"", "image.other-kind"),
    "text": (lambda: SENTINEL.encode() * 50, "image.other-kind"),
    "half a png": (lambda: png(picture(1, 200))[:5000], "image.picture-damaged"),
    "half a jpeg": (lambda: jpeg(picture(1, 200))[:5000], "image.picture-damaged"),
    "a bomb": (_bomb, "image.too-many-pixels"),
    "an animation": (_animation, "image.several-frames"),
    "inks": (_cmyk, "image.colours"),
    "no pixels": (lambda: _without("PixelData"), "image.no-pixels"),
    "no rows": (lambda: _broken(Rows=0), "image.no-size Rows"),
    "rows missing": (lambda: _without("Rows"), "image.no-size Rows"),
    "columns empty": (lambda: _broken(Columns=None), "image.no-size Columns"),
    "too few pixels": (lambda: _broken(Rows=4000), "image.pixels-missing"),
    "packed in 12 bits": (lambda: _broken(BitsAllocated=12), "image.bits BitsAllocated"),
    "samples missing": (lambda: _without("SamplesPerPixel"), "image.not-monochrome SamplesPerPixel"),
    "too many pixels": (lambda: _broken(Rows=60000, Columns=60000), "image.too-many-pixels"),
    "frames": (lambda: _broken(NumberOfFrames=2), "image.several-frames NumberOfFrames"),
    "colour": (_colour, "image.not-monochrome PhotometricInterpretation"),
    "palette": (
        lambda: _broken(PhotometricInterpretation="PALETTE COLOR"),
        "image.not-monochrome PhotometricInterpretation",
    ),
    "a window of no width": (lambda: _broken(WindowCenter=1, WindowWidth=0), "image.window WindowWidth"),
    "an unknown window": (
        lambda: _broken(**windowed(1, 9, VOILUTFunction="ZEBRA")),
        "image.window VOILUTFunction",
    ),
    "no bits": (lambda: _without("BitsStored"), "image.bits BitsStored"),
    "more bits than there are": (lambda: _broken(BitsStored=20), "image.bits BitsStored"),
    "a high bit that lies": (lambda: _broken(HighBit=15), "image.bits HighBit"),
    "a rescale to nothing": (lambda: _broken(RescaleSlope="0"), "image.rescale RescaleSlope"),
    "two paddings": (lambda: _broken(PixelPaddingValue=[1, 2]), "image.padding PixelPaddingValue"),
    "a table cut short": (lambda: _broken(VOILUTSequence=[_short_table()]), "image.lut LUTData"),
    "a rescale past all numbers": (
        lambda: _broken(RescaleSlope="1e300", RescaleIntercept="1e308"),
        "image.rescale RescaleSlope",
    ),
    "a codestream that lies": (lambda: _lying_codestream(60_000), "image.frame-size"),
    "half a file": (lambda: written(dicom(ramp()))[:-500], "image.pixels-missing"),
    "no file meta": (lambda: bytes(128) + b"DICM" + bytes(3), "image.no-meta"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_malformed_and_say_nothing_of_their_content(
    kind: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    make, reason_and_keyword = BAD[kind]
    reason, _, keyword = reason_and_keyword.partition(" ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = make()
        warnings.simplefilter("error")
        caplog.clear()
        capfd.readouterr()
        with caplog.at_level(logging.DEBUG), pytest.raises(MalformedError) as caught:
            decode(data, name=NAME)
    assert caught.value.reason == reason
    named = f": see {ATTRIBUTES[keyword]}" if keyword else ""
    assert str(caught.value).startswith(f"{NAME}: {TROUBLES[reason]}{named}. ")
    out, err = capfd.readouterr()
    for text in (str(caught.value), caplog.text, out, err):
        assert "ebra" not in text
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", ["WindowCenter", "RescaleSlope", "NumberOfFrames"])
def test_an_impossible_value_is_not_quoted(value: str, caplog: pytest.LogCaptureFixture) -> None:
    data = bytearray(written(dicom(ramp(), **{value: "1", "WindowWidth": "9", "RescaleIntercept": "7"})))
    tags = {"WindowCenter": (0x28, 0x1050), "RescaleSlope": (0x28, 0x1053), "NumberOfFrames": (0x28, 0x08)}
    place = data.index(struct.pack("<HH", *tags[value])) + 8
    data[place : place + 2] = b"ZQ"
    with pytest.raises(MalformedError) as caught:
        decode(bytes(data), name=NAME)
    assert "ZQ" not in str(caught.value) + caplog.text


def test_a_deflated_bomb_is_refused_before_it_unfolds(monkeypatch: pytest.MonkeyPatch) -> None:
    from privxray.imaging.display import decoder_guards

    data = written(dicom(np.zeros((2000, 2000), np.uint16)), DeflatedExplicitVRLittleEndian)
    assert len(data) < 50_000
    monkeypatch.setattr(decoder_guards, "MAX_BYTES", 2_000_000)
    with pytest.raises(MalformedError) as caught:
        decode(data, name=NAME)
    assert caught.value.reason == "image.inflates"


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_BYTES", 100)
    with pytest.raises(MalformedError) as caught:
        decode(png(picture(1)), name=NAME)
    assert caught.value.reason == "image.too-large"


def test_no_flipped_byte_leads_to_another_error() -> None:
    rng = np.random.default_rng(5)
    samples = [written(dicom(ramp(), **windowed(9, 9))), png(picture(1)), jpeg(picture(1))]
    coded = dicom(ramp())
    coded.compress(RLELossless, encoding_plugin="pylibjpeg")
    samples += [written(coded), _bundled("MR_small_jpeg_ls_lossless.dcm"), _bundled("693_J2KI.dcm")[:20000]]
    for sample in samples:
        for _ in range(40):
            data = bytearray(sample)
            for place in rng.integers(0, len(data), 3):
                data[place] ^= int(rng.integers(1, 256))
            try:
                image = decode(bytes(data), name=NAME)
            except MalformedError:
                continue
            assert image.shape == (260, 260)


def test_pictures_need_no_pydicom() -> None:
    source = Path(decoding.__file__).read_text()
    assert "\nimport pydicom" not in source
    assert "\nfrom pydicom" not in source
    assert "torch" not in vars(decoding)
    assert sys.modules["privxray.imaging.decode"] is decoding


def _bundled(file: str) -> bytes:
    path = get_testdata_file(file, download=False)
    if path is None:
        pytest.skip(f"this pydicom brings no {file} along")
    return Path(str(path)).read_bytes()
