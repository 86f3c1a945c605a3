"""A whole DICOM file as a tree, and back to bytes (PS3.10 section 7, PS3.5 Annex A)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree, read_tree, tree_pieces, write_tree
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.file_reader import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    MAGIC,
    PREAMBLE_LENGTH,
    FileReader,
)
from privxray.deid.dicomfile.no_meta import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)
from privxray.version import __version__

_PREAMBLE: Final = bytes(PREAMBLE_LENGTH) + MAGIC

IMPLEMENTATION: Final = "2.25.147394821376127451874230986621534398127"
"""Implementation Class UID: a UUID below 2.25, made once for privxray."""

_ENCAPSULATED_UNCOMPRESSED: Final = "1.2.840.10008.1.2.1.98"
_NATIVE: Final = frozenset(
    {
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        _ENCAPSULATED_UNCOMPRESSED,
    }
)
_REFERENCED: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (94, 95, 204, 205))  # JPIP
_OTHER_KIND: Final = "its pixel data is not of the kind that its transfer syntax says"
_ELSEWHERE: Final = "its pixels lie on a server, and the file names it"


@dataclass(slots=True)
class Part10:
    """A file that was read.

    :ivar tree: its data set. :ivar syntax: transfer syntax of its pixel data, native ones as Explicit VR
        Little Endian, which is how :func:`write_part10` writes every data set.
    """

    tree: Tree
    syntax: str


def read_part10(data: bytes) -> Part10:
    """A file in memory as a tree.

    :raises DamagedError: it can't be read to the end of its pixel data; the text says why.
    """
    tree, syntax = _read(data, partial=False)
    pixels = tree.nodes.get(tags.PIXEL_DATA)
    native = syntax in _NATIVE or pixels is None
    if pixels is not None and pixels.fragments == native:
        raise DamagedError(_OTHER_KIND)
    return Part10(tree, EXPLICIT_VR_LITTLE_ENDIAN if native else syntax)


def read_head(data: bytes) -> Tree:
    """As much of the data set as the first part of a file holds.

    :raises DamagedError: not even the file meta can be read.
    """
    return _read(data, partial=True)[0]


def _read(data: bytes, *, partial: bool) -> tuple[Tree, str]:
    reader = FileReader(data)
    for _ in reader.walk_meta():
        pass
    syntax = reader.transfer_syntax()
    if syntax in _REFERENCED:
        raise DamagedError(_ELSEWHERE)
    start, encoding = reader.open_data_set(exact=False, partial=partial)
    return read_tree(reader.data, start, encoding, partial=partial), syntax


def completed(data: bytes) -> bytes:
    """The bytes of a file, with a preamble and a file meta where it has none, as pydicom wants them.

    File meta without a transfer syntax is replaced.

    :raises DamagedError: not even the file meta can be read, or there is none and no way to do without.
    """
    reader = FileReader(data)
    for _ in reader.walk_meta():
        pass
    if not reader.bare_syntax:
        return data if reader.after_preamble else _PREAMBLE + data
    meta = Tree()
    meta.put(tags.TRANSFER_SYNTAX_UID, "UI", reader.bare_syntax)
    return _PREAMBLE + write_tree(meta) + data[reader.data_set_start :]


def write_part10(tree: Tree, syntax: str) -> bytes:
    """The bytes of a file with a blank preamble and a file meta that names no machine and no earlier file."""
    meta = Tree()
    meta.put(tags.FILE_META_INFORMATION_VERSION, "OB", b"\0\1")
    meta.put(tags.MEDIA_STORAGE_SOP_CLASS_UID, "UI", tree.text(tags.SOP_CLASS_UID))
    meta.put(tags.MEDIA_STORAGE_SOP_INSTANCE_UID, "UI", tree.text(tags.SOP_INSTANCE_UID))
    meta.put(tags.TRANSFER_SYNTAX_UID, "UI", syntax)
    meta.put(tags.IMPLEMENTATION_CLASS_UID, "UI", IMPLEMENTATION)
    meta.put(tags.IMPLEMENTATION_VERSION_NAME, "SH", f"PRIVXRAY {__version__}"[:16])
    body = write_tree(meta)
    length = Tree()
    length.put(tags.FILE_META_INFORMATION_GROUP_LENGTH, "UL", len(body).to_bytes(4, "little"))
    return b"".join((_PREAMBLE, write_tree(length), body, *tree_pieces(tree)))
