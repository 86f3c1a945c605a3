"""Masks: streams of random integers that hide a hospital's vector and cancel, or are taken off, in the sum.

After Bonawitz et al. 2017, "Practical secure aggregation for privacy-preserving machine learning", section 4.
Hospital u sends x_u + sum over v > u of s_uv - sum over v < u of s_uv. Here s_uv is the AES-256-CTR keystream
under k_uv, and the order is that of the fingerprints. The pairwise masks of a complete cohort add up to zero.
While one honest hospital's update is absent, the sum of the others stays hidden behind streams that nobody
else can compute.

In the mode ``keyholders``, u also adds its self-mask, the keystream under a key from the seed b_u. If a
hospital comes too late, its pairwise masks become known, and its vector stays hidden behind b_u (ibid.,
section 4.2).

k_uv = HKDF-SHA256(X25519(a, B), salt = plan hash, info = "privxray mask v1" | lower | higher fingerprint).
With hybrid masks it is HKDF-SHA256(X25519(a, B) | c, ...) with "privxray mask v2" in place of v1. There c is
the secret of this round that the two agreed on by ML-KEM-768 (:mod:`.agreed_secrets`). Two plans never share
a stream, and a mask key serves one plan only, so no stream is used twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privxray.exchange.masking.fixed_point import Integers
from privxray.formats.header import Fingerprint, PlanHash

_PAIR = b"privxray mask v1"
_HYBRID_PAIR = b"privxray mask v2"
_SELF = b"privxray self mask v1"
_BLOCK = 256 * 1024  # bytes of keystream at a time, which fit into the cache of one core
_ZEROS = bytes(_BLOCK)


def pairwise_key(
    private: X25519PrivateKey,
    peer: X25519PublicKey,
    plan: PlanHash,
    own: Fingerprint,
    other: Fingerprint,
    agreed: bytes | None = None,
) -> bytes:
    """k_uv, 32 bytes; both ends compute the same.

    :param peer: from :meth:`.mask_statement.MaskStatement.public_key`. That refuses points of small order, so
        the shared secret is never zero.
    :param own: one fingerprint; :param other: the other one. Their order does not matter.
    :param agreed: with hybrid masks, what the two agreed on for this round, 32 bytes.
    """
    low, high = sorted((bytes.fromhex(own), bytes.fromhex(other)))
    shared, label = private.exchange(peer), _PAIR
    if agreed is not None:
        shared, label = shared + agreed, _HYBRID_PAIR
    return HKDF(SHA256(), 32, salt=bytes.fromhex(plan), info=label + low + high).derive(shared)


def self_mask_key(seed: bytes, plan: PlanHash, own: Fingerprint) -> bytes:
    """The key of hospital ``own``'s self-mask, 32 bytes, from its seed b_u of 32 bytes."""
    return HKDF(SHA256(), 32, salt=bytes.fromhex(plan), info=_SELF + bytes.fromhex(own)).derive(seed)


def adds(own: Fingerprint, other: Fingerprint) -> bool:
    """Whether hospital ``own``, having the lower fingerprint, adds its stream with ``other``."""
    return bytes.fromhex(own) < bytes.fromhex(other)


def add_streams(vector: Integers, streams: Sequence[tuple[bytes, bool]]) -> None:
    """Add keystreams to ``vector`` or subtract them, in place and modulo the integers' size.

    This goes block by block, so that a block of the vector is fetched from memory once, whatever the number
    of streams.

    :param vector: little-endian uint64 or uint32 of shape [d], contiguous.
    :param streams: (key, subtract) each.
    """
    ciphers = [(Cipher(AES256(key), CTR(bytes(16))).encryptor(), subtract) for key, subtract in streams]
    into = bytearray(_BLOCK)
    stream = np.frombuffer(into, vector.dtype)
    for start in range(0, len(vector), len(stream)):
        piece = vector[start : start + len(stream)]
        zeros, numbers = memoryview(_ZEROS)[: piece.nbytes], stream[: len(piece)]
        for keystream, subtract in ciphers:
            keystream.update_into(zeros, into)
            (np.subtract if subtract else np.add)(piece, numbers, out=piece)


def mask_streams(own: Fingerprint, keys: Mapping[Fingerprint, bytes]) -> list[tuple[bytes, bool]]:
    """The pairwise streams of hospital ``own``, for :func:`add_streams`.

    :param keys: k_uv by the other hospitals' fingerprints.
    """
    return [(key, not adds(own, other)) for other, key in sorted(keys.items())]
