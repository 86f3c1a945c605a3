"""JPEG XL, Deflated Image Frame Compression and HTJ2K: shown, searched and cleaned as native pixels are."""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from imaging_samples import dicom, ramp, written
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, HTJ2KLossless
from refusals import refused
from test_deid_deidentify import BASIC, KEY
from test_deid_pixels import INSIDE, Finder, image, text_box

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.dicomfile.dictionary import DEFLATED_IMAGE_FRAME, JPEG_XL
from privxray.deid.judging.check import check_paths
from privxray.deid.pixels.newer_syntaxes import unfold
from privxray.deid.pixels.trouble import NO_JPEG_XL, NOT_DECODED, NOT_FRAMES, TOO_LARGE, PixelTroubleError
from privxray.errors import MalformedError
from privxray.imaging.display.dicom_file import display_dicom
from privxray.imaging.planes import planes

imagecodecs = pytest.importorskip("imagecodecs", reason="the extra privxray[jpegxl] is not installed")


def deflated(frame: np.ndarray) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(frame.tobytes()) + packer.flush()


def jpeg_xl(frame: np.ndarray) -> bytes:
    bits = 8 if frame.dtype == np.uint8 else 12
    return bytes(imagecodecs.jpegxl_encode(frame, lossless=True, bitspersample=bits))


def htj2k(frame: np.ndarray) -> bytes:
    return bytes(imagecodecs.htj2k_encode(frame, reversible=True))


ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    JPEG_XL[0]: jpeg_xl,
    JPEG_XL[2]: jpeg_xl,
    DEFLATED_IMAGE_FRAME: deflated,
    HTJ2KLossless: htj2k,
}


def file_of(ds: Dataset, syntax: str, streams: list[bytes]) -> bytes:
    """The data set as a file of a transfer syntax, with these compressed frames."""
    ds.PixelData = encapsulate(streams)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    stream = io.BytesIO()
    ds.preamble = b"\0" * 128
    ds.save_as(stream, implicit_vr=False, little_endian=True, force_encoding=True)
    return stream.getvalue()


@pytest.mark.parametrize("syntax", ENCODERS)
def test_it_is_shown_as_the_native_file_is(syntax: str) -> None:
    stored = ramp()
    native = display_dicom(written(dicom(stored)), name="native")
    file = file_of(dicom(stored), syntax, [ENCODERS[syntax](stored)])
    np.testing.assert_array_equal(display_dicom(file, name="packed"), native)
    (plane,) = planes(file, name="packed")
    np.testing.assert_array_equal(plane.pixels, stored)


@pytest.mark.parametrize("syntax", ENCODERS)
def test_text_in_it_is_blacked_and_the_rest_keeps_its_bits(syntax: str) -> None:
    stored = ramp()
    file = file_of(identified_picture(stored), syntax, [ENCODERS[syntax](stored)])
    settings = CopySettings(BASIC, Pseudonyms(KEY), Finder(text_box(12, 10, 6, 4)))
    copy = deidentify(file, settings).data
    (plane,) = planes(copy, name="copy")
    expected = stored.copy()
    expected[INSIDE] = stored.min()
    np.testing.assert_array_equal(plane.pixels, expected)


@pytest.mark.parametrize("syntax", ENCODERS)
def test_where_nobody_looks_for_text_the_frames_are_copied_as_they_are(syntax: str) -> None:
    stored = ramp()
    packed = ENCODERS[syntax](stored)
    copy = deidentify(
        file_of(identified_picture(stored), syntax, [packed]), CopySettings(BASIC, Pseudonyms(KEY))
    )
    ds = pydicom.dcmread(io.BytesIO(copy.data))
    assert ds.file_meta.TransferSyntaxUID == syntax
    assert next(generate_frames(ds.PixelData, number_of_frames=1)).startswith(packed)


def identified_picture(stored: np.ndarray) -> Dataset:
    return image(stored, BitsStored=12, HighBit=11)


def test_colour_and_several_frames() -> None:
    frames = np.random.default_rng(4).integers(0, 256, (3, 32, 40, 3), np.uint8)
    for syntax, pack in ((JPEG_XL[1], jpeg_xl), (DEFLATED_IMAGE_FRAME, deflated)):
        ds = image(frames, "RGB", SamplesPerPixel=3, PlanarConfiguration=0, NumberOfFrames=3)
        file = file_of(ds, syntax, [pack(frame) for frame in frames])
        seen = np.stack([plane.pixels for plane in planes(file, name="colour")])
        np.testing.assert_array_equal(seen, frames)


def test_a_recompressed_jpeg_is_decoded() -> None:
    stored = (ramp() >> 4).astype(np.uint8)
    baseline = imagecodecs.jpeg8_encode(stored, level=95)
    file = file_of(dicom(stored, bits=8), JPEG_XL[1], [imagecodecs.jpegxl_encode_jpeg(baseline)])
    (plane,) = planes(file, name="recompressed")
    assert np.abs(plane.pixels.astype(int) - imagecodecs.jpeg8_decode(baseline)).max() <= 2


def test_frames_of_single_bits_follow_each_other_without_a_gap() -> None:
    """Segmentations are what deflated frames were made for."""
    masks = np.random.default_rng(5).integers(0, 2, (3, 5, 7), np.uint8)  # 35 bits a frame
    ds = dicom(ramp())
    ds.Rows, ds.Columns, ds.NumberOfFrames = 5, 7, 3
    ds.BitsAllocated = ds.BitsStored = 1
    ds.HighBit = 0
    streams = [deflated(np.packbits(mask.ravel(), bitorder="little")) for mask in masks]
    file = pydicom.dcmread(io.BytesIO(file_of(ds, DEFLATED_IMAGE_FRAME, streams)))
    unfold(file)
    bits = np.unpackbits(np.frombuffer(file.PixelData, np.uint8), bitorder="little")[: masks.size]
    np.testing.assert_array_equal(bits.reshape(masks.shape), masks)


def test_an_odd_frame_may_have_been_padded_before_it_was_deflated() -> None:
    stored = (ramp(5, 7) >> 4).astype(np.uint8)
    file = pydicom.dcmread(
        io.BytesIO(
            file_of(dicom(stored, bits=8), DEFLATED_IMAGE_FRAME, [deflated(np.append(stored, np.uint8(0)))])
        )
    )
    unfold(file)
    assert file.PixelData == stored.tobytes() + b"\0"


SMALL, WIDE = ramp(), ramp(32, 41)
DAMAGED: dict[str, tuple[str, bytes, str]] = {
    "a deflated frame of more rows": (DEFLATED_IMAGE_FRAME, deflated(np.vstack([SMALL, SMALL])), NOT_FRAMES),
    "a deflated frame that is cut off": (DEFLATED_IMAGE_FRAME, deflated(SMALL)[:-9], NOT_FRAMES),
    "a deflated frame of too few": (DEFLATED_IMAGE_FRAME, deflated(SMALL[:-1]), NOT_FRAMES),
    "what is not deflated": (DEFLATED_IMAGE_FRAME, b"\xff" * 64, NOT_DECODED),
    "a wider JPEG XL": (JPEG_XL[0], jpeg_xl(WIDE), NOT_DECODED),
    "a JPEG XL of 8 bits": (JPEG_XL[0], jpeg_xl(SMALL.astype(np.uint8)), NOT_DECODED),
    "a JPEG XL that is cut off": (JPEG_XL[2], jpeg_xl(SMALL)[:-40], NOT_DECODED),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_frame_that_is_not_what_the_header_says_is_refused(name: str) -> None:
    syntax, stream, trouble = DAMAGED[name]
    file = file_of(dicom(SMALL), syntax, [stream])
    with pytest.raises(PixelTroubleError, match=f"^{trouble}$"):
        unfold(pydicom.dcmread(io.BytesIO(file)))
    with refused(MalformedError, "image.not-decoded"):
        display_dicom(file, name="damaged")


def test_more_frames_or_pixels_than_anybody_decodes_are_refused() -> None:
    file = pydicom.dcmread(io.BytesIO(file_of(dicom(SMALL), DEFLATED_IMAGE_FRAME, [deflated(SMALL)])))
    file.NumberOfFrames = 2
    with pytest.raises(PixelTroubleError, match=NOT_FRAMES):
        unfold(file)
    file.NumberOfFrames, file.Rows, file.Columns = 1, 65535, 65535
    with pytest.raises(PixelTroubleError, match=TOO_LARGE):
        unfold(file)


def test_without_the_decoder_a_jpeg_xl_file_is_named_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    file = file_of(dicom(SMALL), JPEG_XL[0], [jpeg_xl(SMALL)])
    with refused(MalformedError, "image.jpeg-xl") as refusal:
        display_dicom(file, name="x.dcm")
    assert str(refusal.value).startswith(
        "x.dcm: it is JPEG XL, which this installation can't decode. Install"
    )
    with refused(MalformedError, "image.jpeg-xl"):
        list(planes(file, name="x.dcm"))
    settings = CopySettings(BASIC, Pseudonyms(KEY), Finder(text_box(12, 10, 6, 4)))
    with pytest.raises(NotCleanError, match=NO_JPEG_XL.replace("[", r"\[")):
        deidentify(file, settings)


def test_the_check_reads_them_to_their_end(tmp_path: Path) -> None:
    path = tmp_path / "x.dcm"
    for syntax, pack in ENCODERS.items():
        path.write_bytes(file_of(dicom(SMALL), syntax, [pack(SMALL)]))
        (file,) = check_paths([path]).files
        assert file.verdict == "pass", (syntax, file.findings)
