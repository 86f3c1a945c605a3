"""One file, in memory, to one display-grey image: what a radiologist would see, as numbers from 0 to 255.

The content decides what a file is, not its name: DICOM goes through
:mod:`privxray.imaging.display.dicom_file`, JPEG and PNG through :mod:`privxray.imaging.display.picture_file`.

No error text holds a value from the file, nor a library's own words, which may quote one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_whole
from privxray.deid.sources.kinds import is_jpeg, is_png
from privxray.errors import SystemTroubleError
from privxray.imaging.display.grey import Grey, shrink
from privxray.imaging.display.limits import MAX_BYTES, unusable
from privxray.imaging.display.picture_file import display_picture

SIZE = 260
"""Side of the canonical image in pixels."""

DECODER = 2
"""Must grow whenever the same bytes would give other pixels: old pixels are never mixed with new ones.

2: lookup tables of the other sign and packed ones; samples that lie high in their cells; JPEG Lossless with
wrapped differences; PNG of 16 bits in colour; orientation of JPEG and PNG; 8 bits with a rescale.
"""


def decode(data: bytes, *, name: str) -> npt.NDArray[np.uint8]:
    """The canonical image, uint8 ``[260, 260]``: 0 is black, 255 white, bone is bright.

    The aspect ratio is not kept: the network takes squares, and the public data set that it was tried on is
    squeezed into squares as well. Larger images are averaged down (antialiased bilinear), smaller ones
    interpolated.

    :param name: the file's public name, for errors.
    :raises MalformedError: see :func:`display`.
    """
    return shrink(display(data, name=name), SIZE)


def decode_path(path: Path, name: str) -> npt.NDArray[np.uint8]:
    """As :func:`decode`, from a file.

    :raises SystemTroubleError: it is not there, larger than 1 GiB, not a regular file, or can't be read.
    :raises MalformedError: see :func:`display`.
    """
    if not path.exists():
        raise SystemTroubleError(
            "there is no such file", reason="image.absent", file=name, advice="Check the path"
        )
    try:
        data = read_whole(path)
    except UnreadFileError as trouble:
        raise SystemTroubleError(
            str(trouble),
            reason="image.unread",
            file=name,
            advice="Check its permissions and its size, then type the command again",
        ) from None
    return decode(data, name=name)


def display(data: bytes, *, name: str) -> Grey:
    """The whole image, float32 ``[rows, columns]`` from 0 to 255, in its own size.

    :raises MalformedError: it is neither DICOM, JPEG nor PNG; it is damaged; it has no pixels, several
        frames, or (DICOM) colour; or it is too large.
    """
    if len(data) > MAX_BYTES:
        raise unusable(name, reason="image.too-large")
    if is_dicom(data):
        # Here, since pydicom is slow to import, and JPEG needs none of it.
        from privxray.imaging.display.dicom_file import display_dicom

        return display_dicom(data, name=name)
    if is_jpeg(data) or is_png(data):
        return display_picture(data, name=name)
    raise unusable(name, reason="image.other-kind")
