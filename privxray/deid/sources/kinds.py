"""What a file is by its first bytes. Tested in tests/unit/test_deid_sources.py."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from privxray.deid.dicomfile.element import Data
from privxray.deid.dicomfile.file_reader import is_dicom

JPEG_MAGIC: Final = b"\xff\xd8\xff"
PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"

HEAD: Final = 264
"""As many bytes of a file tell what it is."""

HEAD_OF_NAMED: Final = 1024
"""The same for a file that was named by itself: whether it is a DICOMDIR of another name, too."""

_ZIP_MAGIC: Final = (b"PK\3\4", b"PK\5\6", b"PK\6\6")
_OTHER_ARCHIVES: Final = (
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x1f\x8b\x08",  # gzip
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",  # zstd
)
_TAR: Final = (257, b"ustar")

_READ: Final = frozenset({".dcm", ".dicom", ".dic", ".ima", ".jpg", ".jpeg", ".jpe", ".png"})
_NOT_READ: Final = frozenset(
    {".tif", ".tiff", ".bmp", ".gif", ".webp", ".heic", ".jp2", ".nii", ".nrrd", ".mha"}
)
IMAGE_SUFFIXES: Final = _READ | _NOT_READ
"""Suffixes of files that are meant as images, in lower case; some are of kinds that can't be checked."""


def is_jpeg(data: Data) -> bool:
    """True if it starts like a JPEG file."""
    return data[: len(JPEG_MAGIC)] == JPEG_MAGIC


def is_png(data: Data) -> bool:
    """True if it starts like a PNG file."""
    return data[: len(PNG_MAGIC)] == PNG_MAGIC


def is_image(head: bytes) -> bool:
    """True if it starts like one of the images that privxray reads."""
    return is_dicom(head) or is_jpeg(head) or is_png(head)


def is_zip(head: bytes) -> bool:
    """True if it starts like a zip, an empty one included. Many office documents are zips, too."""
    return head.startswith(_ZIP_MAGIC)


def is_other_archive(head: bytes) -> bool:
    """True if it starts like an archive or a compressed file of a kind that privxray does not read."""
    place, magic = _TAR
    return head.startswith(_OTHER_ARCHIVES) or head[place : place + len(magic)] == magic


def is_hidden(relative: PurePath) -> bool:
    """Whether a file or a folder above it has a name that begins with a dot."""
    return any(part.startswith(".") for part in relative.parts)


def promises_image(relative: PurePath) -> bool:
    """Whether the name alone says that it is an image; that of a hidden file promises nothing."""
    suffix = relative.suffix.lower()
    named = suffix in IMAGE_SUFFIXES or not suffix or suffix[1:].isdigit()
    return named and not is_hidden(relative)
