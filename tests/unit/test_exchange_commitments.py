"""Commitments: the group, what binds, what hides, and how a wrong vector is named."""

from __future__ import annotations

import base64
import hashlib
import os
import random

import numpy as np
import pytest
from nacl import bindings
from safetensors.numpy import load

from privxray.errors import MalformedError
from privxray.exchange.commitments import group
from privxray.exchange.commitments.checking import contradictions, is_as_committed, opens
from privxray.exchange.commitments.committed import Committed, read_committed
from privxray.exchange.commitments.group import (
    NEUTRAL,
    ORDER,
    add,
    combine,
    generator,
    generators,
    is_usable,
    subtract,
    wide_scalar,
)
from privxray.exchange.commitments.pedersen import BLINDING, add_commitments, commit
from privxray.exchange.commitments.scalars import (
    Scalars,
    add_into,
    as_integers,
    as_scalars,
    read_scalars,
    stream,
    to_bytes,
)
from privxray.exchange.masking.masks import adds
from privxray.formats.header import Fingerprint
from privxray.formats.tensors import masked_prefix, scalars_prefix

BASE = bytes.fromhex("58" + "66" * 31)
"""The base point of RFC 8032, section 5.1: y = 4/5."""
SMALL_ORDER = bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
"""(0, -1), of order 2."""


def test_the_order_is_the_one_of_rfc_8032() -> None:
    assert bindings.crypto_scalarmult_ed25519_base_noclamp((1).to_bytes(32, "little")) == BASE
    assert combine([ORDER - 1], [BASE]) == subtract(NEUTRAL, BASE)
    assert combine([ORDER], [BASE]) == combine([0], [BASE]) == combine([], []) == NEUTRAL


def test_generators_are_what_the_specification_says() -> None:
    """SPEC-2, section 5, written again: decoded by the curve's equation, multiplied by 8 by adding."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p

    def is_point(encoded: bytes) -> bool:
        y = int.from_bytes(encoded, "little") & (2**255 - 1)
        square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        return square == 0 or pow(square, (p - 1) // 2, p) == 1

    for index in (0, 1, 2, 700, 2**32 - 1):
        for counter in range(100):
            digest = hashlib.sha256(
                b"privxray generator v2" + index.to_bytes(4, "big") + counter.to_bytes(4, "big")
            ).digest()
            if is_point(digest):
                break
        eightfold = NEUTRAL
        for _ in range(8):
            eightfold = add(eightfold, digest)
        assert generator(index) == eightfold
    assert generator(2**32 - 1) == BLINDING


def test_generators_differ_and_lie_in_the_subgroup() -> None:
    points = [*generators(300), BLINDING]
    assert len(set(points)) == 301
    assert all(is_usable(point) for point in points)
    assert generators(300)[:10] == generators(10) == [generator(index) for index in range(10)]


@pytest.mark.parametrize(
    "point",
    [
        NEUTRAL,
        SMALL_ORDER,
        bytes(31),
        bytes(33),
        add(BASE, SMALL_ORDER),
        b"\xff" * 32,
        b"\xee" + b"\xff" * 30 + b"\x7f",
    ],
    ids=["neutral", "small order", "short", "long", "other coset", "no point", "not canonical"],
)
def test_points_that_nobody_may_send(point: bytes) -> None:
    assert not is_usable(point)
    assert is_usable(BASE)


def test_many_threads_add_up_to_the_same() -> None:
    scalars = [wide_scalar(os.urandom(64)) for _ in range(200)]
    points = generators(200)
    one_by_one = NEUTRAL
    for scalar, point in zip(scalars, points, strict=True):
        one_by_one = add(one_by_one, combine([scalar], [point]))
    assert combine(scalars, points) == one_by_one
    with pytest.raises(ValueError, match="shorter"):
        combine(scalars[:5], points[:4])


@pytest.mark.parametrize(
    ("processors", "multiplications", "threads"),
    [(8, 0, 1), (8, 127, 1), (8, 128, 2), (8, 64 * 7, 7), (8, 6400, 8), (1, 6400, 1), (None, 6400, 1)],
)
def test_so_many_threads_add_up(
    processors: int | None, multiplications: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert group._threads(multiplications) == threads


def test_a_commitment_is_the_formula() -> None:
    x = [5, -3, 0, ORDER - 1, 7]
    first, second = generators(2)
    expected = combine([5, ORDER - 3, 0, -1, 7], [*generators(4), BLINDING])
    assert commit(x) == expected
    assert commit([1, 0, 0]) == first
    assert commit([0, 1, 0]) == second
    assert commit([0, 0, 1]) == BLINDING


def test_commitments_of_signed_numbers_add_up() -> None:
    """As residues modulo 2**64 they would not: -1 is 2**64 - 1 there."""
    one = np.array([-1, 5, -(2**40)], "<i8").view("<u8")
    two = np.array([-9, 2**50, 2**41], "<i8").view("<u8")
    left, right = as_scalars(one, 11), as_scalars(two, ORDER - 4)
    total = list(left)
    add_into(total, right)
    assert opens(total, [commit(left), commit(right)])
    assert as_integers(total).view("<i8").tolist() == [-10, 2**50 + 5, 2**40]
    assert total[-1] == 7
    naive = [int(one[0]) + int(two[0]), int(one[1]) + int(two[1]), int(one[2]) + int(two[2]), 7]
    assert not opens([number % 2**64 for number in naive], [commit(left), commit(right)])


def test_another_number_or_blinding_is_another_commitment() -> None:
    x = [1, 2, 3, 99]
    for place in range(4):
        for change in (1, -1):
            other = list(x)
            other[place] += change
            assert commit(other) != commit(x)


@pytest.mark.parametrize("numbers", ["<u8", "<u4"])
def test_scalars_and_back(numbers: str) -> None:
    signed = np.array([0, 1, -1, 2**31 - 1, -(2**31)], numbers.replace("u", "i"))
    scalars = as_scalars(signed.view(numbers), 5)
    assert scalars == [0, 1, ORDER - 1, 2**31 - 1, ORDER - 2**31, 5]
    assert as_integers(scalars).view("<i8").tolist() == signed.tolist()


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, ORDER // 2, 3**150])
def test_a_mask_that_stays_is_noticed(number: int) -> None:
    with pytest.raises(MalformedError) as caught:
        as_integers([1, number % ORDER, 0])
    assert caught.value.reason == "sum.masks-stay"


def test_the_greatest_numbers_are_read_back() -> None:
    assert as_integers([2**63 - 1, ORDER - 2**63, 1]).view("<i8").tolist() == [2**63 - 1, -(2**63)]


def test_scalars_travel_as_32_bytes() -> None:
    scalars = [0, 1, ORDER - 1, 256]
    data = to_bytes(scalars)
    assert data[32:64] == b"\x01" + bytes(31)
    assert data[96:98] == b"\x00\x01"
    body = scalars_prefix(4) + data
    assert read_scalars([body[:3], body[3:]], 4) == scalars
    assert load(body)["masked"].tobytes() == data


@pytest.mark.parametrize(
    "data",
    [bytes(31), bytes(64), ORDER.to_bytes(32, "little"), b"\xff" * 32],
    ids=["short", "long", "L", "all ones"],
)
def test_other_scalars_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        read_scalars([scalars_prefix(1), data], 1)
    assert caught.value.reason == "vector.other-form"


def test_a_vector_of_another_form_is_refused() -> None:
    for prefix in (b"", scalars_prefix(2), masked_prefix(1, 64)):
        with pytest.raises(MalformedError) as caught:
            read_scalars([prefix, bytes(32)], 1)
        assert caught.value.reason == "vector.other-form"


def test_streams_are_the_keystream_read_64_bytes_at_a_time() -> None:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES256
    from cryptography.hazmat.primitives.ciphers.modes import CTR

    key = bytes(range(32))
    keystream = Cipher(AES256(key), CTR(bytes(16))).encryptor().update(bytes(128))
    expected = [
        int.from_bytes(keystream[:64], "little") % ORDER,
        int.from_bytes(keystream[64:], "little") % ORDER,
    ]
    assert stream(key, 2) == expected
    assert stream(key, 5)[:2] == expected
    assert stream(bytes(32), 2) != expected


# A round of three or four: streams by pair, everything as the hospitals would state it.

NAMES = [Fingerprint(f"{number:02x}" * 32) for number in (17, 40, 99, 200)]


def round_of(
    names: list[Fingerprint], size: int
) -> tuple[dict[Fingerprint, Scalars], dict[Fingerprint, Committed]]:
    chance = random.Random(5)
    keys = {frozenset((one, other)): os.urandom(32) for one in names for other in names if one != other}
    masked, committed = {}, {}
    for own in names:
        vector = [chance.randrange(-1000, 1000) for _ in range(size)] + [wide_scalar(os.urandom(64))]
        hidden, points = list(vector), {}
        for other in names:
            if other != own:
                mask = stream(keys[frozenset((own, other))], size + 1)
                points[other] = commit(mask)
                add_into(hidden, mask, negative=not adds(own, other))
        own_mask = stream(os.urandom(32), size + 1)
        points[own] = commit(own_mask)
        add_into(hidden, own_mask)
        masked[own], committed[own] = hidden, Committed(commit(vector), points)
    return masked, committed


def test_honest_updates_are_as_committed() -> None:
    masked, committed = round_of(NAMES, 6)
    assert all(is_as_committed(masked[own], committed[own], own) for own in NAMES)
    assert list(contradictions(committed)) == []


@pytest.mark.parametrize("place", [0, 5, 6])
def test_a_wrong_coordinate_names_its_hospital_alone(place: int) -> None:
    masked, committed = round_of(NAMES, 6)
    masked[NAMES[1]][place] += 1
    named = [own for own in NAMES if not is_as_committed(masked[own], committed[own], own)]
    assert named == [NAMES[1]]


def test_a_commitment_to_another_vector_names_its_hospital() -> None:
    masked, committed = round_of(NAMES, 6)
    third = committed[NAMES[2]]
    committed[NAMES[2]] = Committed(add(third.vector, generator(0)), third.streams)
    named = [own for own in NAMES if not is_as_committed(masked[own], committed[own], own)]
    assert named == [NAMES[2]]


def test_a_lie_about_a_stream_names_the_pair() -> None:
    """Who shifts a vector and what it states about one stream alike contradicts the other end."""
    masked, committed = round_of(NAMES, 6)
    liar, peer = NAMES[3], NAMES[0]
    masked[liar][2] += 500
    change = combine([500 if adds(liar, peer) else -500], [generator(2)])
    streams = {**committed[liar].streams, peer: add(committed[liar].streams[peer], change)}
    committed[liar] = Committed(committed[liar].vector, streams)
    assert is_as_committed(masked[liar], committed[liar], liar)
    assert list(contradictions(committed)) == [(peer, liar)]


def test_absent_hospitals_contradict_nobody() -> None:
    _, committed = round_of(NAMES, 2)
    del committed[NAMES[3]]
    assert list(contradictions(committed)) == []


def test_the_sum_opens_the_commitments_of_all_and_of_nobody_else() -> None:
    masked, committed = round_of(NAMES[:2], 3)
    vectors = [committed[own].vector for own in NAMES[:2]]
    unmasked = list(masked[NAMES[0]])
    add_into(unmasked, masked[NAMES[1]])
    assert add_commitments(vectors) == add(*vectors)
    assert not opens(unmasked, vectors)  # the self-masks are still in it


@pytest.mark.parametrize("self_mask", [True, False])
def test_what_a_header_states_is_read_back(self_mask: bool) -> None:
    _, committed = round_of(NAMES, 2)
    for own in NAMES:
        streams = {o: p for o, p in committed[own].streams.items() if self_mask or o != own}
        one = Committed(committed[own].vector, streams)
        assert read_committed(*one.stated(own), own, NAMES[::-1], self_mask=self_mask) == one
        order = [name for name in NAMES if name != own] + [own] * self_mask
        data = base64.b64decode(one.stated(own)[1])
        assert [data[32 * at : 32 * at + 32] for at in range(len(order))] == [streams[o] for o in order]


def test_other_statements_are_refused() -> None:
    _, committed = round_of(NAMES, 2)
    own = NAMES[0]
    vector, masks = committed[own].stated(own)
    raw = base64.b64decode(masks)
    cases = {
        "update.commitments-count": (vector, base64.b64encode(raw[:-32]).decode()),
        "update.commitment-no-point": (vector, base64.b64encode(raw[:-32] + NEUTRAL).decode()),
        "update.commitment-base64": ("A", masks),
        "update.masks-base64": (vector, "A"),
    }
    for reason, stated in cases.items():
        with pytest.raises(MalformedError) as caught:
            read_committed(*stated, own, NAMES, self_mask=True)
        assert caught.value.reason == reason
    with pytest.raises(MalformedError) as caught:
        read_committed(base64.b64encode(SMALL_ORDER).decode(), masks, own, NAMES, self_mask=True)
    assert caught.value.reason == "update.commitment-no-point"
    with pytest.raises(MalformedError) as caught:
        read_committed(vector, masks, own, NAMES, self_mask=False)
    assert caught.value.reason == "update.commitments-count"
