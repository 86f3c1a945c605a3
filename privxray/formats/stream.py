"""Encrypting a body in chunks: ChaCha20-Poly1305 in the STREAM construction.

STREAM (Hoang, Reyhanitabar, Rogaway and Vizar, "Online authenticated-encryption and its nonce-reuse
misuse-resistance", CRYPTO 2015, section 7) gives each chunk a nonce made of its number and a flag on the
last one. So nobody can drop, repeat, reorder or cut off chunks unnoticed. The age file format uses the same
shape.

A key serves one body. Plaintext chunks are 65,536 bytes. The last one may be shorter, and is empty only if
the whole body is. A sealed chunk is 16 bytes longer. Nonce: 11 bytes of big-endian chunk number from 0, then
1 for the last chunk and 0 otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.errors import MalformedError

CHUNK = 64 * 1024
TAG = 16
KEY_BYTES = 32

_ASK = "Ask its sender to make the file again"


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def sealed_length(length: int) -> int:
    """How many bytes ``length`` bytes of plaintext become."""
    return length + TAG * max(1, -(-length // CHUNK))


def rechunk(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Regroup pieces into chunks of ``size`` bytes, each with whether it is the last one.

    The last one may be shorter. An empty input is one empty chunk.
    """
    pending = bytearray()
    for piece in pieces:
        pending += piece
        while len(pending) > size:  # not >=: a full chunk waits, for it may be the last
            yield bytes(pending[:size]), False
            del pending[:size]
    yield bytes(pending), True


def seal(key: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Encrypt pieces of any size under a fresh 32-byte key, in sealed chunks."""
    cipher = ChaCha20Poly1305(key)
    for number, (chunk, last) in enumerate(rechunk(pieces, CHUNK)):
        yield cipher.encrypt(_nonce(number, last), chunk, None)


def unseal(key: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decrypt what :func:`seal` wrote, chunk by chunk.

    A caller must not act on a chunk before the last one came: those before a bad one are authentic, and yet
    the file may have been cut off.

    :raises MalformedError: a chunk is altered, missing, repeated or out of order, or the end is cut off.
    """
    cipher = ChaCha20Poly1305(key)
    for number, (chunk, last) in enumerate(rechunk(pieces, CHUNK + TAG)):
        if number and len(chunk) <= TAG:  # so short a chunk is the last one
            raise MalformedError(
                "the encrypted body is damaged (an empty last chunk)",
                reason="body.empty-last-chunk",
                advice=_ASK,
            )
        try:
            yield cipher.decrypt(_nonce(number, last), chunk, None)
        except InvalidTag:
            raise MalformedError(
                "the encrypted body is damaged (a chunk fails authentication)",
                reason="body.not-authentic",
                advice=_ASK,
            ) from None
