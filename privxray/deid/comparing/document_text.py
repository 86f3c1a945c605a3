"""Text in encapsulated documents: PDF, CDA and STL (PS3.3 A.45, C.24.2), as far as it can be found.

Of a PDF (ISO 32000): its bytes, its streams that deflate has packed, strings in hexadecimal digits, and the
pieces of one text that are set apart by hand (``[(Zwie) -20 (bel)] TJ``). Of XML: its entities. What fonts of
their own encoding spell, what is packed or encrypted in another way, and what pictures show is not seen.

Tested in tests/unit/test_deid_comparing.py.
"""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Iterator
from typing import Final

MOST: Final = 256 << 20
"""Most bytes that the streams of one document may unfold to; what is beyond is not searched."""

_STREAM: Final = re.compile(rb"stream\r?\n")
_PACKED: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_HEX: Final = re.compile(rb"<([0-9A-Fa-f\s]{8,4096})>")
_APART: Final = re.compile(rb"\)\s{0,8}-?[0-9.]{0,12}\s{0,8}\(")
_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3})")
_ENTITY: Final = re.compile(rb"&#?[A-Za-z0-9]{1,10};")


def document_texts(data: bytes) -> Iterator[bytes]:
    """The bytes of a document, and what is written in them in another way."""
    yield data
    if _ENTITY.search(data):
        yield html.unescape(data.decode("utf-8", "replace")).encode("utf-8", "replace")
    if b"%PDF-" not in data[:1024]:
        return
    yield from _of_pdf(data)
    left = MOST
    for found in _STREAM.finditer(data):
        if left > 0 and _PACKED.match(data, found.end()):
            unfolded = _unfolded(data, found.end(), left)
            left -= len(unfolded)
            yield unfolded
            yield from _of_pdf(unfolded)


def _unfolded(data: bytes, start: int, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(memoryview(data)[start:], most)
    except zlib.error:
        return b""


def _of_pdf(data: bytes) -> Iterator[bytes]:
    plain = _ESCAPE.sub(lambda digits: bytes([int(digits[1], 8) & 0xFF]), data)
    plain = _APART.sub(b"", plain)
    if plain != data:
        yield plain
    pieces = [bytes.fromhex(_even(found[1])) for found in _HEX.finditer(data)]
    if pieces:
        yield b"\n".join(pieces)


def _even(digits: bytes) -> str:
    text = "".join(digits.decode("ascii").split())
    return text if len(text) % 2 == 0 else text + "0"
