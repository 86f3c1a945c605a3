"""Pairwise masks: each pair of hospitals agrees on a stream of random integers that cancels in the sum.

After Bonawitz et al. 2017, "Practical secure aggregation for privacy-preserving machine learning", section
4.0, without its recovery: hospital u sends x_u + sum over v > u of s_uv - sum over v < u of s_uv, where s_uv
is the AES-256-CTR keystream under k_uv and the order is that of the fingerprints. The masks of a complete
cohort add up to zero; as long as one honest hospital's update is absent, the sum of the others stays hidden
behind streams that nobody else can compute.

k_uv = HKDF-SHA256(X25519(a, B), salt = plan hash, info = "privxray mask v1" | lower | higher fingerprint).
Two plans never share a stream, and a mask key serves one plan only, so no stream is used twice.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privxray.errors import MalformedError
from privxray.exchange.fixedpoint import Integers

_LABEL = b"privxray mask v1"
_BLOCK = 256 * 1024  # bytes of keystream at a time: fits the cache of one core


def pairwise_key(private: X25519PrivateKey, peer: X25519PublicKey, plan: str, own: str, other: str) -> bytes:
    """k_uv, 32 bytes; both ends compute the same.

    :param plan: the plan hash in hex.
    :param own: one fingerprint in hex; :param other: the other one. Their order does not matter.
    :raises MalformedError: the peer's key gives a shared secret of zero.
    """
    low, high = sorted((bytes.fromhex(own), bytes.fromhex(other)))
    try:
        shared = private.exchange(peer)
    except ValueError:
        raise MalformedError("a mask key of the plan is not a usable X25519 key") from None
    return HKDF(SHA256(), 32, salt=bytes.fromhex(plan), info=_LABEL + low + high).derive(shared)


def add_mask(vector: Integers, key: bytes, *, subtract: bool) -> None:
    """Add the stream under ``key`` to ``vector``, or subtract it, in place and modulo the integers' size.

    :param vector: little-endian uint64 or uint32 of shape [d], contiguous.
    """
    keystream = Cipher(AES256(key), CTR(bytes(16))).encryptor()
    zeros, stream = bytes(_BLOCK), bytearray(_BLOCK)
    combine = np.subtract if subtract else np.add
    step = _BLOCK // vector.itemsize
    for start in range(0, len(vector), step):
        piece = vector[start : start + step]
        keystream.update_into(zeros[: piece.nbytes], stream)
        combine(piece, np.frombuffer(stream, vector.dtype, count=len(piece)), out=piece)


def apply_masks(vector: Integers, own: str, keys: Mapping[str, bytes]) -> None:
    """Mask a hospital's vector in place.

    :param own: this hospital's fingerprint in hex.
    :param keys: k_uv by the other hospitals' fingerprints. The lower fingerprint adds, the higher subtracts.
    """
    for other, key in sorted(keys.items()):
        add_mask(vector, key, subtract=bytes.fromhex(own) > bytes.fromhex(other))
