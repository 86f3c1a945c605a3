"""What is asked of a compressed frame before a decoder sees it, and which decoder that may be."""

from __future__ import annotations

from typing import Final

from pydicom.uid import (
    HTJ2K,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from privxray.deid.dicomfile.codestreams import frame_size
from privxray.deid.pixels import lossless_jpeg

GUARDED: Final = frozenset(
    {
        RLELossless,
        *JPEGTransferSyntaxes,
        *JPEGLSTransferSyntaxes,
        *JPEG2000TransferSyntaxes,
        *(HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K),
    }
)
"""Transfer syntaxes whose frames :func:`fits` can judge."""

_RLE_HEADER = 64


def fits(frame: bytes, syntax: str, size: tuple[int, int], pixel_bytes: int) -> bool:
    """Does a compressed frame have the size that the data set says? Decoders believe the frame.

    :param size: rows and columns. :param pixel_bytes: of one pixel, all its samples.
    """
    if syntax == RLELossless:
        # Run lengths make an image longer by 1 in 128 at worst. A frame of more than twice its size can only
        # be meant to unfold to something else.
        return len(frame) <= _RLE_HEADER + 2 * size[0] * size[1] * pixel_bytes
    return frame_size(frame) == size


def plugin_for(syntax: str) -> str:
    """The one decoder of pydicom's that may be used for a transfer syntax; empty for any.

    pylibjpeg's decoder of RLE panics on damaged runs, which prints to stderr and is no Exception. For JPEG
    Lossless see :mod:`privxray.deid.pixels.lossless_jpeg`.
    """
    if syntax in lossless_jpeg.SYNTAXES:
        lossless_jpeg.register()
        return lossless_jpeg.NAME
    return "pydicom" if syntax == RLELossless else ""
