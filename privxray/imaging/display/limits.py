"""What makes an image unusable: how large it may be, what it must hold, and the errors that say so."""

from __future__ import annotations

from typing import Final

from privxray.errors import MalformedError

MAX_PIXELS = 100_000_000
"""Most pixels of an image; the largest detectors and film scanners stay under 40 million."""

MAX_BYTES = 1 << 30
"""Most bytes of a file, and of a deflated data set once it is unfolded."""

TROUBLES: Final[dict[str, str]] = {
    "image.other-kind": "it is neither DICOM nor JPEG nor PNG",
    "image.too-large": "it is larger than 1 GiB",
    "image.inflates": "its deflated data set unfolds to more than 1 GiB",
    "image.too-many-pixels": "it has more than 100 million pixels",
    "image.no-meta": "its file meta can't be read",
    "image.no-pixels": "it holds no pixel data",
    "image.no-size": "it has no rows or no columns",
    "image.several-frames": "it holds several frames, and exactly one is needed",
    "image.not-monochrome": "it is not monochrome",
    "image.colours": "its colours are of a kind that radiographs don't have",
    "image.pixels-missing": "its pixels don't fill the rows and columns that it names",
    "image.frame-size": "its compressed pixels have a different size from what its header says",
    "image.bits": "its pixels can't be read out of their bits",
    "image.rescale": "its rescale can't be applied",
    "image.lut": "its lookup table can't be applied",
    "image.window": "its window can't be applied",
    "image.padding": "its padding can't be told from its pixels",
    "image.jpeg-xl": "it is JPEG XL, which this installation can't decode",
    "image.not-decoded": "this DICOM image can't be decoded",
    "image.picture-damaged": "this JPEG or PNG file is damaged",
}
"""By its reason: what is wrong with an image, in words that hold no value of a file and none of a library."""


ATTRIBUTES: Final[dict[str, str]] = {
    "SamplesPerPixel": "Samples per Pixel (0028,0002)",
    "PhotometricInterpretation": "Photometric Interpretation (0028,0004)",
    "NumberOfFrames": "Number of Frames (0028,0008)",
    "Rows": "Rows (0028,0010)",
    "Columns": "Columns (0028,0011)",
    "BitsAllocated": "Bits Allocated (0028,0100)",
    "BitsStored": "Bits Stored (0028,0101)",
    "HighBit": "High Bit (0028,0102)",
    "PixelRepresentation": "Pixel Representation (0028,0103)",
    "PixelPaddingValue": "Pixel Padding Value (0028,0120)",
    "PixelPaddingRangeLimit": "Pixel Padding Range Limit (0028,0121)",
    "WindowCenter": "Window Center (0028,1050)",
    "WindowWidth": "Window Width (0028,1051)",
    "RescaleIntercept": "Rescale Intercept (0028,1052)",
    "RescaleSlope": "Rescale Slope (0028,1053)",
    "VOILUTFunction": "VOI LUT Function (0028,1056)",
    "LUTDescriptor": "LUT Descriptor (0028,3002)",
    "LUTData": "LUT Data (0028,3006)",
}
"""By its keyword: an attribute that can make an image unreadable, as the standard writes it."""


class AttributeTroubleError(Exception):
    """An attribute makes an image unreadable.

    :ivar reason: one of :data:`TROUBLES`. :ivar keyword: one of :data:`ATTRIBUTES`.
    """

    def __init__(self, reason: str, keyword: str) -> None:
        super().__init__(f"{TROUBLES[reason]}: see {ATTRIBUTES[keyword]}")
        self.reason = reason
        self.keyword = keyword


_LEAVE_OUT = "Leave this image out, or export it again from its source"
_INSTALL = "Install the extra privxray[jpegxl], leave this image out, or export it again without compression"


def unusable(name: str, *, reason: str, keyword: str = "") -> MalformedError:
    """The error of an image that can't be used.

    :param name: the file's public name. :param reason: one of :data:`TROUBLES`.
    :param keyword: of the attribute that is to blame, one of :data:`ATTRIBUTES`; empty where none is.
    """
    return MalformedError(
        f"{TROUBLES[reason]}: see {ATTRIBUTES[keyword]}" if keyword else TROUBLES[reason],
        reason=reason,
        file=name,
        advice=_INSTALL if reason == "image.jpeg-xl" else _LEAVE_OUT,
    )
