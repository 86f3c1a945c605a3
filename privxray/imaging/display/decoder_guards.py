"""What is refused before pydicom and its decoders see it: small files that unfold to very large ones."""

from __future__ import annotations

import zlib

from pydicom import Dataset
from pydicom.encaps import generate_frames

from privxray.deid import tags
from privxray.deid.dicomfile.element import EXPLICIT_LITTLE, DamagedError
from privxray.deid.dicomfile.element_reader import ElementReader
from privxray.deid.pixels.compressed_frames import GUARDED, fits
from privxray.imaging.display.limits import MAX_BYTES, unusable

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META_START = 132
_CHUNK = 1 << 20


def guard_inflation(data: bytes, name: str) -> None:
    """Refuse a deflated data set that would unfold without end; pydicom unfolds it all at once.

    :param name: the file's public name, for errors.
    :raises MalformedError: it unfolds to more than 1 GiB, or the file meta can't be read.
    """
    walker = ElementReader(data, _META_START, EXPLICIT_LITTLE, only_group=2)
    try:
        meta = {element.tag: element.value for element in walker.walk()}
    except DamagedError:
        raise unusable(name, reason="image.no-meta") from None
    if meta.get(tags.TRANSFER_SYNTAX_UID, b"").strip(b" \0") != _DEFLATED:
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    total, rest = 0, data[walker.position :]
    while rest and not inflater.eof:
        total += len(inflater.decompress(rest, _CHUNK))
        rest = inflater.unconsumed_tail
        if total > MAX_BYTES:
            raise unusable(name, reason="image.inflates")


def guard_frames(file: Dataset, name: str) -> None:
    """Refuse compressed frames whose own size differs from the header's: decoders believe the frame.

    :param name: the file's public name, for errors.
    :raises MalformedError: a frame has another size.
    """
    syntax = file.file_meta.TransferSyntaxUID
    if syntax not in GUARDED:
        return
    pixel_bytes = int(file.get("SamplesPerPixel") or 1) * (int(file.BitsAllocated) // 8)
    count = int(file.get("NumberOfFrames") or 1)
    for frame in generate_frames(file.PixelData, number_of_frames=count):
        if not fits(frame, syntax, (int(file.Rows), int(file.Columns)), pixel_bytes):
            raise unusable(name, reason="image.frame-size")
