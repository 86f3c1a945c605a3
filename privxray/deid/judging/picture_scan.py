"""What JPEG and PNG files hold besides the picture (ITU-T T.81 Annex B; PNG specification, 3rd edition).

The container is read, not the picture: segments and chunks by their lengths, so one file costs well under a
millisecond. Nothing is unpacked and no text is read, since that it is there is the finding. Whatever is not
known to be needed to show the picture is an error: a list of what may stay is safer than a list of what must
go. Tested in tests/unit/test_deid_pictures.py.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.scan import Scan
from privxray.deid.sources.kinds import PNG_MAGIC

CUT_PICTURE: Final = "the picture ends too early"
BROKEN_PICTURE: Final = "part of the file can't be read as a picture"

# Markers of JPEG (T.81 Table B.1)
_EOI, _SOS, _COM, _DNL = 0xD9, 0xDA, 0xFE, 0xDC
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HARMLESS: Final = frozenset({0xC4, 0xCC, 0xDB, 0xDD, _DNL, _EOI})  # tables, counts of lines, the end
# In compressed data a marker is FF and then neither 00 (a stuffed FF) nor D0 to D7 (a restart).
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

# Chunks that show the picture, with the most bytes that each can need.
_NEEDED: Final = {
    b"IHDR": 13, b"PLTE": 768, b"IDAT": 0x7FFFFFFF, b"IEND": 0, b"tRNS": 256, b"gAMA": 4, b"cHRM": 32,
    b"sRGB": 1, b"sBIT": 4, b"bKGD": 6, b"pHYs": 9, b"hIST": 512, b"cICP": 4, b"mDCV": 24, b"cLLI": 8,
    b"oFFs": 9, b"sTER": 1,
}  # fmt: skip
_CHUNKS: Final = {
    b"tEXt": rules.PICTURE_TEXT,
    b"zTXt": rules.PICTURE_TEXT,
    b"iTXt": rules.PICTURE_TEXT,
    b"eXIf": rules.PICTURE_EXIF,
    b"tIME": rules.PICTURE_TIME,
    b"iCCP": rules.PICTURE_COLOUR_PROFILE,
}


def scan_jpeg(data: bytes) -> Scan:
    """Check one JPEG file in memory. Raises nothing, whatever the bytes are."""
    return _collect(_jpeg(data))


def scan_png(data: bytes) -> Scan:
    """Check one PNG file in memory. Raises nothing, whatever the bytes are."""
    return _collect(_png(data))


def _collect(findings: Iterator[Finding]) -> Scan:
    scan = Scan()
    try:
        scan.findings.extend(findings)
    except DamagedError as damage:
        scan.damage = str(damage)
    return scan


def _jpeg(data: bytes) -> Iterator[Finding]:
    frames = scans = end = 0
    for marker, body, end in _jpeg_segments(data):
        if marker == _SOS:
            scans += 1
        elif marker in _FRAMES:
            frames += 1
        elif marker == _COM:
            yield rules.PICTURE_COMMENT.at("COM")
        elif 0xE0 <= marker <= 0xEF:
            yield from _application(marker - 0xE0, data[body : min(end, body + 64)], end - body)
        elif marker not in _HARMLESS:
            raise DamagedError(BROKEN_PICTURE)
    if frames != 1 or not scans:
        raise DamagedError(BROKEN_PICTURE)
    yield from _after(data, end)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The marker of each segment, where its content begins, and where it ends; the last is EOI.

    Compressed data follows the content of SOS.

    :raises DamagedError: the file ends before EOI, or is no row of segments.
    """
    position = 2
    while True:
        if data[position : position + 1] != b"\xff":
            raise DamagedError(CUT_PICTURE if position >= len(data) else BROKEN_PICTURE)
        while data[position : position + 1] == b"\xff":  # any number of FF may come before a marker
            position += 1
        if position >= len(data):
            raise DamagedError(CUT_PICTURE)
        marker = data[position]
        position += 1
        if marker == _EOI:
            yield marker, position, position
            return
        length = int.from_bytes(data[position : position + 2], "big")
        end = position + length
        if end > len(data):
            raise DamagedError(CUT_PICTURE)
        if length < 2:
            raise DamagedError(BROKEN_PICTURE)
        yield marker, position + 2, end
        position = _end_of_compressed(data, end) if marker == _SOS else end


def _end_of_compressed(data: bytes, start: int) -> int:
    found = _MARKER.search(data, start)
    if found is None:
        raise DamagedError(CUT_PICTURE)
    return found.start()


def _application(number: int, head: bytes, size: int) -> Iterator[Finding]:
    """One APPn segment, by its number and the letters that it starts with."""
    where = f"APP{number}"
    if number == 0 and head.startswith(b"JFIF\0") and size >= 14:
        if head[12] and head[13]:
            yield rules.PICTURE_THUMBNAIL.at(where)
        elif size > 14:
            yield rules.PICTURE_EXTRA.at(where)
    elif number == 0 and head.startswith(b"JFXX\0"):
        yield rules.PICTURE_THUMBNAIL.at(where)
    elif number == 1 and head.startswith(b"Exif\0"):
        yield rules.PICTURE_EXIF.at(where)
    elif number == 1 and head.startswith(b"http://ns.adobe.com/"):
        yield rules.PICTURE_XMP.at(where)
    elif number == 2 and head.startswith(b"ICC_PROFILE\0"):
        yield rules.PICTURE_COLOUR_PROFILE.at(where)
    elif number == 13:
        yield rules.PICTURE_IPTC.at(where)
    elif number != 14 or not head.startswith(b"Adobe") or size != 12:
        yield rules.PICTURE_EXTRA.at(where)


def _png(data: bytes) -> Iterator[Finding]:
    position = len(PNG_MAGIC)
    kinds: set[bytes] = set()
    kind = b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise DamagedError(CUT_PICTURE)
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        end = position + 8 + length
        if end + 4 > len(data):
            raise DamagedError(CUT_PICTURE)
        if zlib.crc32(memoryview(data)[position + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise DamagedError(BROKEN_PICTURE)
        if not kinds and (kind != b"IHDR" or length != 13):
            raise DamagedError(BROKEN_PICTURE)
        kinds.add(kind)
        position = end + 4
        if kind in _CHUNKS:
            yield _CHUNKS[kind].at(kind.decode("ascii"))
        elif kind not in _NEEDED:
            yield rules.PICTURE_EXTRA.at("chunk")  # its name is four letters of free text, so it is not shown
        elif length > _NEEDED[kind]:
            yield rules.PICTURE_EXTRA.at(kind.decode("ascii"))
    if b"IDAT" not in kinds:
        raise DamagedError(BROKEN_PICTURE)
    yield from _after(data, position)


def _after(data: bytes, position: int) -> Iterator[Finding]:
    if position < len(data):
        zeros = data.count(0, position) == len(data) - position
        yield (rules.PICTURE_TRAILING_ZEROS if zeros else rules.PICTURE_TRAILING).at("file")
