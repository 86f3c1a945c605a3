"""Encrypting a body in chunks: ChaCha20-Poly1305 in the STREAM construction.

STREAM (Hoang, Reyhanitabar, Rogaway and Vizar, "Online authenticated-encryption and its nonce-reuse
misuse-resistance", CRYPTO 2015, section 7) gives each chunk a nonce made of its number and a flag on the
last one, so that chunks can't be dropped, repeated, reordered or cut off unnoticed. The same shape is used
by the age file format.

A key serves one body. Plaintext chunks are 65,536 bytes, the last one shorter or equal, and empty only if
the whole body is. A sealed chunk is 16 bytes longer. Nonce: 11 bytes of big-endian chunk number, then 1 for
the last chunk and 0 otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.errors import MalformedError

CHUNK = 64 * 1024
TAG = 16
KEY_BYTES = 32


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def sealed_length(length: int) -> int:
    """How many bytes ``length`` bytes of plaintext become."""
    return length + TAG * max(1, -(-length // CHUNK))


def rechunk(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Regroup pieces into chunks of exactly ``size`` bytes, the last one shorter; flag the last one.

    An empty input is one empty chunk.
    """
    pending = bytearray()
    for piece in pieces:
        pending += piece
        while len(pending) > size:  # not >=: a full chunk waits until it is known not to be the last
            yield bytes(pending[:size]), False
            del pending[:size]
    yield bytes(pending), True


def seal(key: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Encrypt pieces of any size under a fresh 32-byte key; yields sealed chunks."""
    cipher = ChaCha20Poly1305(key)
    for number, (chunk, last) in enumerate(rechunk(pieces, CHUNK)):
        yield cipher.encrypt(_nonce(number, last), chunk, None)


def unseal(key: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decrypt what :func:`seal` wrote, chunk by chunk.

    :raises MalformedError: a chunk is altered, missing, repeated, out of order, or the end is cut off.
        Chunks yielded before that were authentic; a caller must not act on them until the end is reached.
    """
    cipher = ChaCha20Poly1305(key)
    for number, (chunk, last) in enumerate(rechunk(pieces, CHUNK + TAG)):
        if last and number and len(chunk) <= TAG:
            raise MalformedError("the encrypted body is damaged (an empty last chunk)")
        try:
            yield cipher.decrypt(_nonce(number, last), chunk, None)
        except InvalidTag:
            raise MalformedError("the encrypted body is damaged (a chunk fails authentication)") from None
