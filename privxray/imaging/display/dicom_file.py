"""One DICOM file to display grey, through pydicom and its decoders.

The steps: refuse what must not be unfolded (:mod:`privxray.imaging.display.decoder_guards`); read; refuse
what is not one monochrome frame; decode its cells; show them by the grey-scale pipeline
(:mod:`privxray.imaging.display.grey_pipeline`).

pydicom and its decoders quote values in exceptions, warnings and log lines; none of those gets out of here.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import pydicom
from pydicom import Dataset

from privxray.deid.dicomfile.codestreams import silence
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.part10 import completed
from privxray.deid.pixels.compressed_frames import plugin_for
from privxray.deid.pixels.newer_syntaxes import unfold
from privxray.deid.pixels.trouble import JpegXlMissingError
from privxray.errors import MalformedError
from privxray.imaging.display.attributes import word
from privxray.imaging.display.decoder_guards import guard_frames, guard_inflation
from privxray.imaging.display.grey import Grey
from privxray.imaging.display.grey_pipeline import display_grey
from privxray.imaging.display.limits import MAX_PIXELS, AttributeTroubleError, unusable
from privxray.imaging.display.sample_bits import SampleBits, Values
from privxray.naming.patient_id import PatientId

_NO_SIZE = "image.no-size"


def display_dicom(data: bytes, *, name: str) -> Grey:
    """The image of a DICOM file, float32 ``[rows, columns]`` from 0 to 255.

    :param name: the file's public name, for errors.
    :raises MalformedError: it is damaged, has no pixels, several frames or colour, is too large, needs a
        decoder that is not installed, or has an attribute that makes it unreadable, which the error names.
    """
    with silence():
        try:
            data = completed(data)
            guard_inflation(data, name)
            file = pydicom.dcmread(BytesIO(data))
            _expect_one_monochrome_frame(file, name)
            unfold(file)
            guard_frames(file, name)
            return display_grey(file, _cells(file, name))
        except MalformedError:
            raise
        except DamagedError:
            raise unusable(name, reason="image.no-meta") from None
        except AttributeTroubleError as trouble:
            raise unusable(name, reason=trouble.reason, keyword=trouble.keyword) from None
        except JpegXlMissingError:
            raise unusable(name, reason="image.jpeg-xl") from None
        except Exception:  # noqa: BLE001 - pydicom and four decoders raise whatever a damaged file leads to
            raise unusable(name, reason="image.not-decoded") from None


def patient_id(data: bytes) -> PatientId | None:
    """(0010,0020) of a DICOM file, stripped; None where it has none or can't be read."""
    text = attributes(data, ("PatientID",))["PatientID"]
    return PatientId(text) if text else None


def attributes(data: bytes, keywords: Sequence[str]) -> dict[str, str]:
    """Attributes of a DICOM file as text, stripped; empty for one that it lacks, or that can't be read.

    The caller must keep what may name a patient out of every text.
    """
    found = dict.fromkeys(keywords, "")
    with silence():
        try:
            data = completed(data)
            guard_inflation(data, "")
            file = pydicom.dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=list(keywords))
            for keyword in keywords:
                value = file.get(keyword)
                found[keyword] = "" if value is None else str(value).strip()
        except Exception:  # noqa: BLE001 - as above; the check or the decoder says what is wrong with it
            return dict.fromkeys(keywords, "")
    return found


def excess_bytes(data: bytes) -> int:
    """How many bytes native pixel data has beyond what its rows and columns take (PS3.5 8.1.1).

    :returns: 0 for compressed pixel data, and for a file that can't be read.
    """
    wanted = ["Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "BitsAllocated", "PixelData"]
    with silence():
        try:
            guard_inflation(data, "")
            file = pydicom.dcmread(BytesIO(data), specific_tags=list(wanted), defer_size=1024)
            if file.file_meta.TransferSyntaxUID.is_compressed:
                return 0
            length = getattr(file.get_item("PixelData", keep_deferred=True), "length", 0)
            bits = int(file.Rows) * int(file.Columns) * int(file.BitsAllocated)
            bits *= int(file.get("SamplesPerPixel") or 1) * int(file.get("NumberOfFrames") or 1)
            size = (bits + 7) // 8
            return max(0, int(length) - size - size % 2)
        except Exception:  # noqa: BLE001 - as above; the decoder says what is wrong with it
            return 0


def _expect_one_monochrome_frame(file: Dataset, name: str) -> None:
    if "PixelData" not in file:
        raise unusable(name, reason="image.no-pixels")
    if file.get("NumberOfFrames") not in (None, 0, 1):
        raise AttributeTroubleError("image.several-frames", "NumberOfFrames")
    if str(file.get("PhotometricInterpretation", "")) not in ("MONOCHROME1", "MONOCHROME2"):
        raise AttributeTroubleError("image.not-monochrome", "PhotometricInterpretation")
    if file.get("SamplesPerPixel") != 1:
        raise AttributeTroubleError("image.not-monochrome", "SamplesPerPixel")
    rows, columns = (_extent(file, keyword) for keyword in ("Rows", "Columns"))
    if rows * columns > MAX_PIXELS:
        raise unusable(name, reason="image.too-many-pixels")


def _extent(file: Dataset, keyword: str) -> int:
    pixels = word(file, keyword, _NO_SIZE)
    if not pixels:
        raise AttributeTroubleError(_NO_SIZE, keyword)
    return pixels


def _cells(file: Dataset, name: str) -> Values:
    """The frame, with the bits that are not the samples'."""
    bits = SampleBits.of(file)  # pydicom would refuse the same attributes, without a name
    syntax = file.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated and 8 * len(file.PixelData) < file.Rows * file.Columns * bits.allocated:
        raise unusable(name, reason="image.pixels-missing")
    plugin = plugin_for(syntax)
    file.pixel_array_options(decoding_plugin=plugin, correct_unused_bits=False)
    cells: Values = file.pixel_array
    if cells.shape != (file.Rows, file.Columns):
        raise unusable(name, reason="image.pixels-missing")
    return cells
