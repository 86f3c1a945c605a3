"""safetensors bodies: what is read, and which damage is named how."""

from __future__ import annotations

import json

import numpy as np
import pytest
from forged_files import refused

from privxray.formats.tensors import masked_prefix, pack, same_form, unpack


def packed(index: dict[str, object], numbers: bytes = b"") -> bytes:
    raw = json.dumps(index).encode()
    return len(raw).to_bytes(8, "little") + raw + numbers


def test_what_is_packed_comes_back() -> None:
    tensors = {"w": np.arange(6.0).reshape(2, 3), "n": np.arange(3, dtype=np.uint64), "z": np.zeros((0, 2))}
    back = unpack(pack(tensors))
    assert same_form(back, tensors)
    assert all(np.array_equal(back[name], array) for name, array in tensors.items())
    assert np.array_equal(unpack(pack({"w": tensors["w"].T}))["w"], tensors["w"].T)


def test_another_name_shape_or_type_is_another_form() -> None:
    one = {"w": np.zeros((2, 3))}
    assert same_form(one, {"w": np.ones((2, 3))})
    for other in (
        {},
        {"v": one["w"]},
        {"w": np.zeros((3, 2))},
        {"w": np.zeros((2, 3), np.float32)},
        one | {"v": one["w"]},
    ):
        assert not same_form(one, other)
        assert not same_form(other, one)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff" * 8,
        (3).to_bytes(8, "little") + b"{]}",
        packed({"w": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}}, bytes(15)),
        packed({"w": {"dtype": "F64", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
        packed({"w": {"dtype": "pickle", "shape": [1], "data_offsets": [0, 1]}}, b"x"),
    ],
)
def test_what_is_no_safetensors_is_named(body: bytes) -> None:
    with refused("tensors.unreadable"):
        unpack(body)


def test_a_file_has_4096_tensors_at_most() -> None:
    tensors = {f"t{number}": np.zeros(1, np.float32) for number in range(4096)}
    assert len(unpack(pack(tensors))) == 4096
    with refused("tensors.too-many"):
        unpack(pack(tensors | {"more": np.zeros(1, np.float32)}))


def test_a_long_index_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing takes forty times its length in memory; 4,096 tensors have a third of what is allowed."""
    monkeypatch.setattr("safetensors.numpy.load", lambda _: {})
    length = 1 << 20
    body = length.to_bytes(8, "little") + bytes(length)
    assert unpack(body) == {}
    with refused("tensors.long-index"):
        unpack((length + 1).to_bytes(8, "little") + bytes(length + 1))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.complex64])
def test_numbers_are_finite(number: float, kind: type[np.inexact]) -> None:
    with refused("tensors.not-finite"):
        unpack(pack({"good": np.zeros(3), "bad": np.array([0, number], kind)}))


def test_whole_numbers_are_finite_whatever_they_are() -> None:
    assert unpack(pack({"n": np.array([2**64 - 1], np.uint64)}))["n"][0] == 2**64 - 1


def test_the_first_bytes_of_a_masked_vector() -> None:
    """docs/SPEC.md, section 5, to the byte."""
    index = b'{"masked":{"dtype":"U64","shape":[15],"data_offsets":[0,120]}}' + b" " * 2
    assert masked_prefix(15, 64) == (64).to_bytes(8, "little") + index
    assert b'"U32","shape":[15],"data_offsets":[0,60]' in masked_prefix(15, 32)
