"""What makes an image unusable: how large it may be, what it must hold, and the error that says so."""

from __future__ import annotations

from typing import Final

from privxray.errors import MalformedError

MAX_PIXELS = 100_000_000
"""Most pixels of an image; the largest detectors and film scanners stay under 40 million."""

MAX_BYTES = 1 << 30
"""Most bytes of a file, and of a deflated data set once it is unfolded."""

TROUBLES: Final[dict[str, str]] = {
    "image.other-kind": "it is neither DICOM (with its 128-byte preamble) nor JPEG nor PNG",
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
    "image.frame-size": "its compressed pixels have another size than its header says",
    "image.rescale": "its rescale gives values that are no numbers",
    "image.not-decoded": "this DICOM image can't be decoded",
    "image.picture-damaged": "this JPEG or PNG file is damaged",
}
"""By its reason: what is wrong with an image, in words that hold no value of a file and none of a library."""


def unusable(name: str, *, reason: str) -> MalformedError:
    """The error of an image that can't be used.

    :param name: the file's public name. :param reason: one of :data:`TROUBLES`.
    """
    return MalformedError(
        TROUBLES[reason],
        reason=reason,
        file=name,
        advice="Leave this image out, or export it again from its source",
    )
