"""A data set without the file meta that says how it is written (PS3.10 section 7.1 demands one).

Old archives and some research tools store the bare data set, with or without the preamble, or with file meta
that lacks the transfer syntax. It is read where
it can only be read one way: its first element shows the byte order, and whether value representations are
written. It is refused where that leaves a choice. An implicit reading that comes to the same end is one, and
compressed pixels are another: only the file meta names the compression. Deflated data sets are not found.

Tested in tests/unit/test_deid_no_meta.py.
"""

from __future__ import annotations

from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.dictionary import standard_vr
from privxray.deid.dicomfile.element import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    DamagedError,
    Data,
    Encoding,
    wrong_kind,
)
from privxray.deid.dicomfile.element_reader import ElementReader, is_representation

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"

AMBIGUOUS: Final = "it has no file meta, and its data set can be read in more than one way"
COMPRESSED: Final = "it has no file meta, which alone could say how its pixels are compressed"

_SYNTAXES: Final = {
    EXPLICIT_LITTLE: EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_BIG: EXPLICIT_VR_BIG_ENDIAN,
    IMPLICIT_LITTLE: IMPLICIT_VR_LITTLE_ENDIAN,
}
_FIRST_GROUP: Final = 0x0008
_MOST: Final = 1024  # bytes of the first element, which is a code, a date or a UID
_SHOWN: Final = 8  # bytes from a tag to the end of its length, where that is short
_ITEM: Final = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


def shown_encoding(data: Data, start: int = 0) -> Encoding | None:
    """How a data set is written that begins at ``start``; None where none does.

    It has to begin with an element of group 0008 that the standard has, and one of a higher tag must follow,
    as far as ``data`` goes.
    """
    for encoding in _SYNTAXES:
        tag, length = _header(data, start, encoding)
        if tag >> 16 != _FIRST_GROUP or length > _MOST or length % 2:
            continue
        end = start + _SHOWN + length
        if end + _SHOWN > len(data) or _header(data, end, encoding)[0] > tag:
            return encoding
    return None


def bare_syntax(data: Data, start: int) -> str:
    """The transfer syntax of a data set without file meta.

    :raises DamagedError: none begins there, or there is a choice (:data:`AMBIGUOUS`, :data:`COMPRESSED`).
    """
    encoding = shown_encoding(data, start)
    if encoding is None:
        raise DamagedError(AMBIGUOUS)
    if encoding.explicit and encoding.little and _comes_to_an_end(data, start, IMPLICIT_LITTLE):
        raise DamagedError(AMBIGUOUS)
    if _is_compressed(data, start, encoding):
        raise DamagedError(COMPRESSED)
    return _SYNTAXES[encoding]


def _header(data: Data, start: int, encoding: Encoding) -> tuple[int, int]:
    """Tag and length of an element that the standard has; 0 and 0 where there is none."""
    if start + _SHOWN > len(data):
        return 0, 0
    group, number, code, length = encoding.explicit_header.unpack_from(data, start)
    tag = group << 16 | number
    known = standard_vr(tag)
    if known is None:
        return 0, 0
    if not encoding.explicit:
        return tag, encoding.implicit_header.unpack_from(data, start)[2]
    if not is_representation(code) or wrong_kind(code.decode("ascii"), known):
        return 0, 0
    return tag, length


def _comes_to_an_end(data: Data, start: int, encoding: Encoding) -> bool:
    try:
        for _ in ElementReader(data, start, encoding, as_told=True).walk():
            pass
    except DamagedError:
        return False
    return True


def _is_compressed(data: Data, start: int, encoding: Encoding) -> bool:
    try:
        for element in ElementReader(data, start, encoding).walk():
            if element.tag == tags.PIXEL_DATA and not element.prefix:
                return data[element.start : element.start + 4] in _ITEM
    except DamagedError:
        pass  # whoever reads it for its own sake says so
    return False
