"""The frames of compressed pixel data, through pydicom's decoders.

Decoders quote values in exceptions, warnings and log lines; none of those gets out of here.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple

import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from privxray.deid.dicomfile.codestreams import silence
from privxray.deid.dicomfile.part10 import completed
from privxray.deid.pixels.compressed_frames import fits, plugin_for
from privxray.deid.pixels.layout import Layout, Samples
from privxray.deid.pixels.newer_syntaxes import unfold
from privxray.deid.pixels.trouble import NOT_DECODED, NOT_FRAMES, PixelTroubleError

_VIDEO = "1.2.840.10008.1.2.4.10"  # MPEG-2, MPEG-4 and HEVC: 100 to 108


class DecodedFrame(NamedTuple):
    """One frame, colours not converted.

    :ivar samples: ``[rows, columns]`` or ``[rows, columns, 3]``.
    :ivar colour: its photometric interpretation now, for a decoder may have turned YBR into RGB.
    """

    samples: Samples
    colour: str


def decoded_frames(file: bytes, syntax: str, layout: Layout) -> Iterator[DecodedFrame]:
    """Decode one frame after the other.

    :param file: the bytes of the whole file as it came. :param syntax: its transfer syntax.
    :raises PixelTroubleError: they can't be decoded, or are not as many or as large as the header says.
    """
    if syntax.startswith(_VIDEO):
        raise PixelTroubleError(NOT_DECODED)
    with silence():
        try:
            yield from _decode(file, layout)
        except PixelTroubleError:
            raise
        except Exception:  # noqa: BLE001 - four decoders raise whatever a damaged file leads them to
            raise PixelTroubleError(NOT_DECODED) from None


def _decode(file: bytes, layout: Layout) -> Iterator[DecodedFrame]:
    source = pydicom.dcmread(BytesIO(completed(file)))
    unfold(source)
    syntax: UID = source.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        for stream in generate_frames(source.PixelData, number_of_frames=layout.frames):
            if not fits(stream, syntax, layout.size, layout.pixel_bytes):
                raise PixelTroubleError(NOT_FRAMES)
    count = 0
    decoder = get_decoder(syntax)
    for frame, properties in decoder.iter_array(source, raw=True, decoding_plugin=plugin_for(syntax)):
        if frame.shape[:2] != layout.size:
            raise PixelTroubleError(NOT_FRAMES)
        colour = str(properties["photometric_interpretation"])
        count += 1
        # Once it is decoded, no pixel shares its colour with another.
        yield DecodedFrame(frame, "YBR_FULL" if colour == "YBR_FULL_422" else colour)
    if count != layout.frames:
        raise PixelTroubleError(NOT_FRAMES)
