"""STREAM: chunks can't be altered, dropped, repeated, reordered or cut off."""

from __future__ import annotations

import os

import pytest
from forged_files import refused
from hypothesis import given, settings
from hypothesis import strategies as st

from privxray.formats.stream import CHUNK, TAG, rechunk, seal, sealed_length, unseal

KEY = bytes(range(32))


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17])
def test_any_length_comes_back(length: int) -> None:
    plain = os.urandom(length)
    sealed = b"".join(seal(KEY, [plain]))
    assert len(sealed) == sealed_length(length)
    assert b"".join(unseal(KEY, [sealed])) == plain


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2 * CHUNK), max_size=6), st.integers(1, 3 * CHUNK))
def test_how_the_pieces_are_cut_does_not_matter(sizes: list[int], cut: int) -> None:
    pieces = [os.urandom(size) for size in sizes]
    sealed = b"".join(seal(KEY, pieces))
    assert sealed == b"".join(seal(KEY, [b"".join(pieces)]))
    parts = [sealed[start : start + cut] for start in range(0, len(sealed), cut)]
    assert b"".join(unseal(KEY, parts)) == b"".join(pieces)


def chunks() -> list[bytes]:
    return list(seal(KEY, [os.urandom(3 * CHUNK)]))


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c[:-1],
        lambda c: c[1:],
        lambda c: [c[1], c[0], c[2]],
        lambda c: [c[0], c[0], c[1], c[2]],
        lambda c: [c[0], c[2]],
        lambda c: [*c, c[2]],
        lambda c: [*c, b"\0" * TAG],
        lambda c: [*c, b"x"],
        lambda c: [c[0], c[1], c[2][:-1]],
        lambda c: [],
    ],
)
def test_a_changed_sequence_of_chunks_is_refused(change) -> None:
    with refused("body.not-authentic"):
        b"".join(unseal(KEY, change(chunks())))


def test_an_empty_last_chunk_after_others_is_refused_even_with_the_key() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher = ChaCha20Poly1305(KEY)
    full = cipher.encrypt(bytes(12), bytes(CHUNK), None)
    empty = cipher.encrypt((1).to_bytes(11, "big") + b"\x01", b"", None)
    with refused("body.empty-last-chunk"):
        b"".join(unseal(KEY, [full, empty]))


def test_another_key_opens_nothing() -> None:
    with refused("body.not-authentic"):
        b"".join(unseal(bytes(32), chunks()))


def test_rechunk_flags_only_the_last() -> None:
    assert list(rechunk([b"abcd", b"", b"e"], 2)) == [(b"ab", False), (b"cd", False), (b"e", True)]
    assert list(rechunk([b"abcd"], 2)) == [(b"ab", False), (b"cd", True)]
    assert list(rechunk([], 2)) == [(b"", True)]
