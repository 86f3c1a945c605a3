"""What needs no TenSEAL: parameters and terms as docs/SPEC.md has them, and polynomials as bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from forged_files import refused
from inference_samples import FEATURES, residues

from privxray.inference import parameters, wire
from privxray.inference.headers import Parameters
from privxray.inference.parameters import Layout
from privxray.inference.terms import COPY_ANSWERS, TOP1_FACTOR, Terms, answer_noise

# Albrecht et al. 2018, "Homomorphic Encryption Security Standard", Table 1: the largest log2 of the modulus
# at 128 bits of classical security, secret uniform ternary, by ring degree.
STANDARD = {1024: 27, 2048: 54, 4096: 109, 8192: 218, 16384: 438, 32768: 881}

QUERY = residues(2, 2, 3)
ANSWER = residues(2, 1, 2, 1)
KEYS = wire.to_bytes(residues(2, 4), residues(len(parameters.rotations(FEATURES)), 3, 2, 4))


# Parameters and terms


def test_the_parameters_of_the_specification() -> None:
    """docs/SPEC.md, section 10: ``ckks/8192/60-49-49-60/1``."""
    q0, q1, q2, special = parameters.PRIMES
    assert (q0, q1, q2) == (1152921504606748673, 562949952798721, 562949952847873)
    assert special == 1152921504606830593
    assert (parameters.DEGREE, parameters.SLOTS, parameters.SCALE) == (8192, 4096, 2.0**49)
    assert get_args(Parameters) == (parameters.ID, parameters.PACKED)
    assert parameters.PACKED == "ckks/8192/60-49-49-60/2"
    assert f"ckks/{parameters.DEGREE}/{'-'.join(map(str, parameters.PRIME_BITS))}/1" == parameters.ID
    assert (parameters.QUERY_PRIMES, parameters.ANSWER_PRIMES, parameters.KEY_PRIMES) == (3, 1, 4)
    assert (parameters.QUERY_BYTES, parameters.ANSWER_BYTES) == (393_216, 131_072)
    assert (parameters.PUBLIC_KEY_BYTES, parameters.ROTATION_KEY_BYTES) == (524_288, 1_572_864)
    assert parameters.MAX_IMAGES == 256


def test_the_modulus_has_128_bits_of_security_by_the_standard() -> None:
    assert math.prod(parameters.PRIMES).bit_length() <= STANDARD[parameters.DEGREE]
    assert tuple(prime.bit_length() for prime in parameters.PRIMES) == parameters.PRIME_BITS
    for prime in parameters.PRIMES:  # the number theoretic transform needs a root of order 2 N
        assert prime % (2 * parameters.DEGREE) == 1


def test_the_largest_score_and_its_noise_stay_in_the_range() -> None:
    """A decrypted number wraps around at half of the last prime, which is 1,024 at this scale."""
    largest = parameters.PRIMES[0] / 2 / parameters.SCALE
    assert largest == pytest.approx(1024, rel=1e-6)
    assert parameters.MAX_VALUE == 900
    assert parameters.MAX_VALUE + 20 * answer_noise(1) < largest


@pytest.mark.parametrize(
    ("length", "steps"),
    [
        (1, ()),
        (2, (1,)),
        (3, (1,)),
        (5, (1, 2)),
        (6, (1, 2)),
        (7, (1, 2, 3)),
        (296, (1, 2, 4, 8, 16, 32, 40, 64, 128)),
        (1280, (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)),
        (4096, tuple(2**n for n in range(12))),
    ],
)
def test_the_rotations_of_the_specification(length: int, steps: tuple[int, ...]) -> None:
    """With r from 1 doubling while 2r <= D; and wherever bit r of D is set, the lower set bits."""
    assert parameters.rotations(length) == steps
    doubling = {1 << bit for bit in range(length.bit_length() - 1)}
    lower = {length & ((1 << bit) - 1) for bit in range(length.bit_length()) if length >> bit & 1}
    assert set(steps) == (doubling | lower) - {0}


@pytest.mark.parametrize("length", [1, 2, 3, 5, 7, 96, 100, 255, 256, 1000, 1280, 4096])
def test_windows_are_added_up_by_few_rotations(length: int) -> None:
    values = np.random.default_rng(length).normal(size=parameters.SLOTS)
    running, sums = values, np.zeros_like(values)
    for kind, step in parameters.window_sum(length):
        if kind == "double":
            running = running + np.roll(running, -step)
        else:
            sums = sums + np.roll(running, -step)
    assert sums[0] == pytest.approx(values[:length].sum())
    assert sums[7] == pytest.approx(np.roll(values, -7)[:length].sum())
    assert len(parameters.rotations(length)) <= 2 * length.bit_length()


def test_the_sizes_of_keys() -> None:
    assert parameters.evaluation_keys_bytes(1) == 524_288
    assert parameters.evaluation_keys_bytes(296) == 14_680_064
    assert parameters.evaluation_keys_bytes(1280) == 16_252_928
    assert parameters.evaluation_keys_bytes(FEATURES) == len(KEYS)


def test_galois_elements_are_powers_of_three() -> None:
    assert [parameters.galois_element(step) for step in (0, 1, 2, 8, 9)] == [1, 3, 9, 6561, 3299]


@pytest.mark.parametrize(
    ("features", "classes", "copies", "results"),
    [(1280, 3, 3, 1), (1280, 4, 3, 2), (1280, 7, 3, 3), (4096, 3, 1, 3), (2049, 2, 1, 2), (96, 50, 42, 2)],
)
def test_the_layout_of_the_specification(features: int, classes: int, copies: int, results: int) -> None:
    """m = min(K, floor(4096 / D)) copies, ceil(K / m) results; class k in slot (k mod m) D of k // m."""
    layout = Layout(features, classes)
    assert (layout.copies, layout.results) == (copies, results)
    assert layout.answer_bytes(1) == results * 131_072
    assert [layout.place(k) for k in range(classes)] == [
        (k // copies, k % copies * features) for k in range(classes)
    ]


@pytest.mark.parametrize(
    ("features", "classes", "copies", "together", "results"),
    [
        (296, 3, 2, 6, 2),
        (208, 3, 3, 6, 1),
        (1280, 3, 1, 3, 3),
        (4096, 3, 1, 1, 3),
        (12, 3, 3, 113, 1),
        (88, 50, 7, 6, 8),
    ],
)
def test_the_layout_of_several_images(
    features: int, classes: int, copies: int, together: int, results: int
) -> None:
    """docs/SPEC-2.md, section 12: m = max(1, min(K, floor(4096 / 6 D))), g = floor(4096 / m D)."""
    layout = Layout(features, classes, packed=True)
    assert (layout.copies, layout.together, layout.results) == (copies, together, results)
    places = {layout.place(k, image) for image in range(together) for k in range(classes)}
    assert len(places) == together * classes
    assert max(slot for _, slot in places) + features <= 4096
    assert layout.place(classes - 1, 1)[1] == layout.place(classes - 1)[1] + copies * features
    assert layout.filled(together + 1) == [together, 1]
    assert layout.query_bytes(together + 1) == 2 * 393_216
    assert layout.answer_bytes(together + 1) == 2 * results * 131_072


def test_six_images_are_under_70_kb_each() -> None:
    assert Layout(296, 3, packed=True).query_bytes(6) / 6 < 70_000


def test_the_owners_noise_is_a_fifth_of_the_last_decimal() -> None:
    assert answer_noise(3) == pytest.approx(2e-4, rel=1e-12)
    assert answer_noise(6) == pytest.approx(2e-7, rel=1e-12)
    assert Terms(decimals=1).noise == answer_noise(1)


def test_the_terms_that_an_owner_grants_without_saying_so() -> None:
    """docs/COMMANDS.md and docs/THREATS.md name them."""
    assert vars(Terms()) == {"limit": 100, "decimals": 3, "top1": False}
    assert Terms().largest_factor == 1
    assert Terms(top1=True).largest_factor == TOP1_FACTOR == 16
    assert COPY_ANSWERS == 30


# The wire


def test_residues_come_back_in_their_shape() -> None:
    assert (wire.read_queries(wire.to_bytes(QUERY), 2) == QUERY).all()
    assert (wire.read_answers(wire.to_bytes(ANSWER), 2, 1) == ANSWER).all()
    keys = wire.read_evaluation_keys(KEYS, FEATURES)
    assert keys.public.shape == (2, 4, 8192)
    assert keys.rotation.shape == (len(parameters.rotations(FEATURES)), 3, 2, 4, 8192)
    assert wire.to_bytes(keys.public, keys.rotation) == KEYS
    assert wire.read_evaluation_keys(KEYS[: parameters.PUBLIC_KEY_BYTES], 1).rotation.size == 0


def test_numbers_travel_in_eight_little_endian_bytes() -> None:
    """2^32 + 2 and not another order of bytes, also on a machine that has another."""
    polynomial = np.full((1, 2, 3, 8192), 2**32 + 2, ">u8")
    assert wire.to_bytes(polynomial)[:8] == b"\x02\0\0\0\x01\0\0\0"
    assert wire.read_queries(wire.to_bytes(polynomial), 1)[0, 0, 0, 0] == 2**32 + 2


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d[:-8], lambda d: d + b"\0", lambda d: b""])
def test_other_lengths_are_refused(change: Callable[[bytes], bytes]) -> None:
    with refused("ckks.other-length"):
        wire.read_queries(change(wire.to_bytes(QUERY)), 2)
    with refused("ckks.other-length"):
        wire.read_answers(change(wire.to_bytes(ANSWER)), 2, 1)
    with refused("ckks.other-length"):
        wire.read_evaluation_keys(change(KEYS), FEATURES)


def test_a_missing_rotation_key_and_a_secret_key_sent_along_are_refused() -> None:
    with refused("ckks.other-length"):
        wire.read_evaluation_keys(KEYS[: -parameters.ROTATION_KEY_BYTES], FEATURES)
    with refused("ckks.other-length"):
        wire.read_evaluation_keys(KEYS + wire.to_bytes(residues(4)), FEATURES)


@pytest.mark.parametrize("prime", range(4))
def test_a_residue_that_is_its_prime_is_refused_and_one_below_is_not(prime: int) -> None:
    for part in (0, 1):
        for number in (parameters.PRIMES[prime] - 1, parameters.PRIMES[prime]):
            keys = bytearray(KEYS)
            place = 8 * 8192 * (4 * part + prime)
            keys[place : place + 8] = number.to_bytes(8, "little")
            if number < parameters.PRIMES[prime]:
                wire.read_evaluation_keys(bytes(keys), FEATURES)
                continue
            with refused("ckks.other-modulus"):
                wire.read_evaluation_keys(bytes(keys), FEATURES)


def test_ciphertexts_of_other_parameters_are_refused() -> None:
    """Half of their numbers are too large."""
    data = wire.to_bytes(QUERY)
    other = np.random.default_rng(0).integers(0, 2**60, len(data) // 8, np.uint64).tobytes()
    for bad in (other, b"\xff" * len(data)):
        with refused("ckks.other-modulus"):
            wire.read_queries(bad, 2)


def test_the_top_bits_of_any_number_are_checked() -> None:
    for read, good in (
        (lambda data: wire.read_queries(data, 2), wire.to_bytes(QUERY)),
        (lambda data: wire.read_answers(data, 2, 1), wire.to_bytes(ANSWER)),
        (lambda data: wire.read_evaluation_keys(data, FEATURES), KEYS),
    ):
        data = bytearray(good)
        for place in (7, 8 * 8192 * 2 + 7, len(data) - 1):
            data[place] ^= 0x80
            with refused("ckks.other-modulus"):
                read(bytes(data))
            data[place] ^= 0x80


@pytest.mark.parametrize("image", [0, 1])
@pytest.mark.parametrize("prime", range(3))
def test_a_ciphertext_that_hides_nothing_is_refused(image: int, prime: int) -> None:
    bare = QUERY.copy()
    bare[image, 0, prime] = 0  # a first half of zeros gives nothing away
    wire.read_queries(wire.to_bytes(bare), 2)
    bare[image, 1, prime] = 0
    with refused("ckks.not-encrypted"):
        wire.read_queries(wire.to_bytes(bare), 2)


def test_an_answer_that_hides_nothing_is_refused() -> None:
    bare = ANSWER.copy()
    bare[1, 0, 1] = 0
    with refused("ckks.not-encrypted"):
        wire.read_answers(wire.to_bytes(bare), 2, 1)


@pytest.mark.parametrize("polynomial", [0, 7, 8, len(KEYS) // 65536 - 1])
def test_a_key_with_a_polynomial_of_zeros_is_refused(polynomial: int) -> None:
    """0 and 7 are of the public key, 8 and the last of rotation keys."""
    keys = bytearray(KEYS)
    keys[65536 * polynomial : 65536 * (polynomial + 1)] = bytes(65536)
    with refused("ckks.zero-key"):
        wire.read_evaluation_keys(bytes(keys), FEATURES)
