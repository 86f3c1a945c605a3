"""A DICOM file around its data set: preamble, meta, transfer syntax (PS3.10 section 7, PS3.5 Annex A)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree, read_tree, write_tree
from privxray.deid.dicomfile.dictionary import is_transfer_syntax
from privxray.deid.dicomfile.element import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, DamagedError
from privxray.deid.dicomfile.element_reader import ElementReader
from privxray.deid.dicomfile.file_reader import MAGIC, MAX_INFLATED, NO_SYNTAX, NOT_INFLATED, PREAMBLE_LENGTH
from privxray.version import __version__

EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"


IMPLEMENTATION = "2.25.147394821376127451874230986621534398127"
"""Implementation Class UID: a UUID below 2.25, made once for privxray."""

_IMPLICIT, _BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_NATIVE = frozenset({_IMPLICIT, _BIG, _DEFLATED, EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.1.98"})
_REFERENCED = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (94, 95, 204, 205))
_NO_META = "the file meta can't be read"
_OTHER_KIND = "its pixel data is not of the kind that its transfer syntax says"
_ELSEWHERE = "its pixels lie on a server, and the file names it"


@dataclass(slots=True)
class Part10:
    """A file that was read.

    :ivar tree: its data set. :ivar syntax: transfer syntax of its pixel data, native ones as Explicit VR
        Little Endian, which is how :func:`write_part10` writes every data set.
    :ivar said: the transfer syntax that the file names.
    """

    tree: Tree
    syntax: str
    said: str


def read_part10(data: bytes) -> Part10:
    """Read a file in memory.

    :raises DamagedError: it can't be read to the end of its pixel data; the text says why.
    """
    tree, said = _read(data, part=False)
    pixels = tree.nodes.get(tags.PIXEL_DATA)
    native = said in _NATIVE or pixels is None
    if pixels is not None and pixels.fragments == native:
        raise DamagedError(_OTHER_KIND)
    return Part10(tree, EXPLICIT_VR_LITTLE_ENDIAN if native else said, said)


def read_head(data: bytes) -> Tree:
    """As much of the data set as there is in the first part of a file.

    :raises DamagedError: not even the file meta can be read.
    """
    return _read(data, part=True)[0]


def _read(data: bytes, *, part: bool) -> tuple[Tree, str]:
    walker = ElementReader(data, PREAMBLE_LENGTH + len(MAGIC), EXPLICIT_LITTLE, only_group=2)
    meta = {element.tag: element.value for element in walker.walk() if not element.prefix}
    if not meta:
        raise DamagedError(_NO_META)
    said = meta.get(tags.TRANSFER_SYNTAX_UID, b"").decode("latin-1").strip(" \0")
    if not is_transfer_syntax(said):
        raise DamagedError(NO_SYNTAX)
    if said in _REFERENCED:
        raise DamagedError(_ELSEWHERE)
    start, encoding = walker.position, EXPLICIT_LITTLE
    if said == _DEFLATED:
        data, start = _inflated(data[start:], part=part), 0
    elif said == _BIG:
        encoding = EXPLICIT_BIG
    elif said == _IMPLICIT:
        encoding = IMPLICIT_LITTLE
    return read_tree(data, start, encoding, part=part), said


def write_part10(tree: Tree, syntax: str) -> bytes:
    """A file with a preamble of zeros and a file meta that names no machine and no former file."""
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
    return bytes(PREAMBLE_LENGTH) + MAGIC + write_tree(length) + body + write_tree(tree)


def _inflated(data: bytes, *, part: bool) -> bytes:
    """A deflated data set; what follows it is dropped."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        whole = inflater.decompress(data, MAX_INFLATED)
    except zlib.error:
        raise DamagedError(NOT_INFLATED) from None
    if not inflater.eof and not part:
        raise DamagedError(NOT_INFLATED)
    return whole
