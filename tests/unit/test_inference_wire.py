"""Parameters and terms as docs/SPEC-2.md has them, what answers can tell, and polynomials as bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from forged_files import refused

from privxray.inference import parameters, wire
from privxray.inference.headers import Parameters
from privxray.inference.parameters import DEGREE, PRIMES, Layout, range_for
from privxray.inference.terms import (
    COPY_ANSWERS,
    MOST_BY_DEFAULT,
    TOP1_FACTOR,
    Leak,
    Terms,
    answer_noise,
    bits_of_a_score,
)
from privxray.inference.wire import Question

# Albrecht et al. 2018, "Homomorphic Encryption Security Standard", Table 1: the largest log2 of the modulus
# at ring degree 4,096 with a uniform ternary secret, by bits of classical security.
STANDARD = {128: 109, 192: 75, 256: 58}

LAYOUT = Layout(96, 3, 3, 16)
WIDE = Layout(96, 3, 4, 16)


def residues(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers below their primes; the last but one number of ``shape`` counts primes."""
    limits = np.array(PRIMES[: shape[-2]], np.uint64)[:, None]
    return np.random.default_rng(seed).integers(1, limits, shape, np.uint64)


QUESTION = Question(bytes(range(32)), residues(2, DEGREE), residues(1, 2, DEGREE, seed=1))
ANSWER = residues(2, 3, 1, 1 + DEGREE)


# Parameters


def test_the_parameters_of_the_specification() -> None:
    """docs/SPEC-2.md, section 12: ``rlwe/4096/32-32-32/1``."""
    assert PRIMES == (4294828033, 4294729729, 4294483969)
    assert get_args(Parameters)[0] == parameters.ID == "rlwe/4096/32-32-32/1"
    assert (DEGREE, parameters.SEED_BYTES, parameters.MAX_IMAGES) == (4096, 32, 256)
    assert tuple(2**n for n in range(3, 11)) == parameters.RANGES


def test_the_modulus_has_192_bits_of_security_by_the_standard_and_128_beyond_three_decimals() -> None:
    assert math.prod(PRIMES[: LAYOUT.query_primes]).bit_length() == 64 <= STANDARD[192]
    assert math.prod(PRIMES[: WIDE.query_primes]).bit_length() == 96 <= STANDARD[128]
    for prime in PRIMES:  # the number theoretic transform needs a root of order 2 N
        assert prime % (2 * DEGREE) == 1
        assert all(prime % divisor for divisor in range(3, 65536, 2))


@pytest.mark.parametrize("decimals", [1, 2, 3, 4, 5, 6])
def test_primes_and_scales_of_the_specification(decimals: int) -> None:
    primes = 1 if decimals <= 3 else 2
    for size in parameters.RANGES:
        layout = Layout(96, 3, decimals, size)
        assert (layout.answer_primes, layout.query_primes) == (primes, primes + 1)
        assert layout.feature_scale == 2.0 ** (30 if primes == 1 else 46)
        assert layout.score_scale == 2 ** (32 * primes - 1) / size
        # A score of 99 % of the range does not wrap around; the owner's noise is at least 400 units.
        assert 0.99 * size * layout.score_scale < math.prod(PRIMES[:primes]) / 2
        assert answer_noise(decimals) * layout.score_scale > 400


@pytest.mark.parametrize(
    ("features", "together", "images", "ciphertexts"),
    [(296, 13, 13, 1), (296, 13, 14, 2), (1280, 3, 256, 86), (4096, 1, 2, 2), (1, 4096, 256, 1)],
)
def test_the_layout_of_the_specification(features: int, together: int, images: int, ciphertexts: int) -> None:
    layout = Layout(features, 3, 3, 16)
    assert layout.together == together
    assert layout.ciphertexts(images) == ciphertexts
    places = {layout.place(image) for image in range(images)}
    assert len(places) == images
    assert max(coefficient for _, coefficient in places) + features <= DEGREE
    assert max(number for number, _ in places) == ciphertexts - 1
    assert layout.query_bytes(images) == 32 + (1 + ciphertexts) * 2 * 16_384
    assert layout.answer_bytes(images) == images * 3 * (4 + 16_384)
    wide = Layout(features, 3, 4, 16)
    assert wide.query_bytes(images) == 32 + (1 + ciphertexts) * 3 * 16_384
    assert wide.answer_bytes(images) == 2 * layout.answer_bytes(images)


def test_the_range_is_the_least_that_has_room() -> None:
    for largest, size in ((0.0, 8), (7.92, 8), (7.93, 16), (500.0, 512), (1013.7, 1024)):
        assert range_for(largest) == size
    for largest in (1013.8, 1e9, math.inf, math.nan):
        assert range_for(largest) is None


# Terms


def test_the_owners_noise_is_a_fifth_of_the_last_decimal() -> None:
    assert answer_noise(3) == pytest.approx(2e-4, rel=1e-12)
    assert answer_noise(6) == pytest.approx(2e-7, rel=1e-12)
    assert Terms(decimals=1).noise == answer_noise(1)


def test_the_terms_that_an_owner_grants_without_saying_so() -> None:
    """docs/COMMANDS.md and docs/THREATS.md name them."""
    assert vars(Terms()) == {"limit": None, "decimals": 3, "top1": False}
    assert Terms().largest_factor == 1
    assert Terms(top1=True).largest_factor == TOP1_FACTOR == 16
    assert MOST_BY_DEFAULT < COPY_ANSWERS == 30


def test_a_score_tells_the_capacity_of_its_channel() -> None:
    """A number modulo m with Gaussian noise s: log2 m - log2 (s sqrt(2 pi e)); checked by counting.

    Uniform inputs reach it, so entropy of the output less entropy of the noise, on a fine grid, is it.
    """
    size, noise = 8, answer_noise(1)
    grid = np.arange(-size, size, noise / 16)
    weights = np.exp(-((grid / noise) ** 2) / 2)
    weights /= weights.sum()
    noise_entropy = -(weights[weights > 0] * np.log2(weights[weights > 0])).sum()
    assert bits_of_a_score(1, size) == pytest.approx(math.log2(len(grid)) - noise_entropy, abs=0.001)
    assert bits_of_a_score(1, size) == pytest.approx(7.596, abs=0.001)
    assert bits_of_a_score(2, size) - bits_of_a_score(1, size) == pytest.approx(math.log2(10))
    assert bits_of_a_score(1, 2 * size) - bits_of_a_score(1, size) == pytest.approx(1)


@pytest.mark.parametrize(
    ("features", "classes", "decimals", "score_range", "limit"),
    [
        (296, 3, 3, 16, 10),
        (296, 3, 3, 1024, 7),
        (296, 3, 1, 16, 18),
        (1280, 3, 3, 16, 20),
        (96, 2, 6, 8, 1),
        (60, 2, 6, 8, 1),
        (59, 2, 6, 8, None),
        (12, 2, 6, 8, None),
    ],
)
def test_the_limit_by_default_gives_a_tenth_of_the_model_away(
    features: int, classes: int, decimals: int, score_range: int, limit: int | None
) -> None:
    """For all owners together. None is set where a single image from each would be more."""
    leak = Leak(features, classes, decimals, score_range)
    assert leak.limit() == limit
    assert leak.model_bits == 8 * (classes - 1) * (features + 1)
    assert leak.share(10**6) == 1
    for owners in (1, 2, 3, 20, 21, 100):
        found = leak.limit(owners)
        if found is None:
            assert leak.share(owners) > 0.1
            continue
        assert leak.share(owners * found) <= 0.1
        assert found == max(1, 20 // owners) or leak.share(owners * (found + 1)) > 0.1


# The wire


def test_residues_come_back_in_their_shape() -> None:
    data = QUESTION.to_bytes()
    assert len(data) == LAYOUT.query_bytes(2)
    read = wire.read_question(data, LAYOUT, 2)
    assert read.seed == QUESTION.seed
    assert (read.key == QUESTION.key).all()
    assert (read.ciphertexts == QUESTION.ciphertexts).all()
    assert (wire.read_answer(wire.to_bytes(ANSWER), LAYOUT, 2) == ANSWER).all()
    wide = residues(2, 3, 2, 1 + DEGREE)
    assert (wire.read_answer(wire.to_bytes(wide), WIDE, 2) == wide).all()


def test_numbers_travel_in_four_little_endian_bytes() -> None:
    """2^16 + 2 and not another order of bytes, also on a machine that has another."""
    polynomial = np.full((2, 3, 1, 1 + DEGREE), 2**16 + 2, ">u8")
    assert wire.to_bytes(polynomial)[:4] == b"\x02\0\x01\0"
    assert wire.read_answer(wire.to_bytes(polynomial), LAYOUT, 2)[0, 0, 0, 0] == 2**16 + 2


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d[:-4], lambda d: d + b"\0", lambda d: b""])
def test_other_lengths_are_refused(change: Callable[[bytes], bytes]) -> None:
    with refused("rlwe.other-length"):
        wire.read_question(change(QUESTION.to_bytes()), LAYOUT, 2)
    with refused("rlwe.other-length"):
        wire.read_answer(change(wire.to_bytes(ANSWER)), LAYOUT, 2)


def test_a_secret_key_sent_along_and_an_answer_of_other_decimals_are_refused() -> None:
    with refused("rlwe.other-length"):
        wire.read_question(QUESTION.to_bytes() + wire.to_bytes(residues(2, DEGREE)), LAYOUT, 2)
    with refused("rlwe.other-length"):
        wire.read_question(QUESTION.to_bytes(), WIDE, 2)
    with refused("rlwe.other-length"):
        wire.read_answer(wire.to_bytes(ANSWER), WIDE, 2)


@pytest.mark.parametrize("prime", range(2))
@pytest.mark.parametrize("part", [0, 1])
def test_a_residue_that_is_its_prime_is_refused_and_one_below_is_not(prime: int, part: int) -> None:
    for number in (PRIMES[prime] - 1, PRIMES[prime], 2**32 - 1):
        data = bytearray(QUESTION.to_bytes())
        place = 32 + 4 * DEGREE * (2 * part + prime)
        data[place : place + 4] = number.to_bytes(4, "little")
        if number < PRIMES[prime]:
            wire.read_question(bytes(data), LAYOUT, 2)
            continue
        with refused("rlwe.other-modulus"):
            wire.read_question(bytes(data), LAYOUT, 2)


def test_the_first_and_the_last_number_of_an_answer_are_checked() -> None:
    good = wire.to_bytes(ANSWER)
    for place in (0, len(good) - 4):
        data = bytearray(good)
        data[place : place + 4] = b"\xff" * 4
        with refused("rlwe.other-modulus"):
            wire.read_answer(bytes(data), LAYOUT, 2)
