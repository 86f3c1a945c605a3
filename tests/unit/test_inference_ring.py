"""Arithmetic with polynomials, held against integers of Python, and the random ones."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from privxray.inference import drawn, ring
from privxray.inference.parameters import DEGREE, PRIMES


def a_polynomial(primes: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([rng.integers(0, prime, DEGREE) for prime in PRIMES[:primes]]).astype(np.uint64)


def schoolbook(one: list[int], other: list[int], place: int, prime: int) -> int:
    """One coefficient of the product modulo X^4096 + 1."""
    total = 0
    for at, value in enumerate(one):
        rest = place - at
        total += value * other[rest] if rest >= 0 else -value * other[rest + DEGREE]
    return total % prime


@pytest.mark.parametrize("primes", [1, 2, 3])
def test_values_give_the_polynomial_back_and_the_product(primes: int) -> None:
    one, other = a_polynomial(primes), a_polynomial(primes, 1)
    values = ring.to_values(one)
    assert (ring.from_values(values) == one).all()
    assert (values != one).any()
    product = ring.from_values(ring.times(values, ring.to_values(other)))
    for number in range(primes):
        for place in (0, 1, 1776, 4095):
            expected = schoolbook(one[number].tolist(), other[number].tolist(), place, PRIMES[number])
            assert product[number, place] == expected


def test_many_polynomials_at_once() -> None:
    stack = np.stack([a_polynomial(2, seed) for seed in range(3)])
    assert (ring.to_values(stack)[1] == ring.to_values(stack[1])).all()
    assert (ring.from_values(ring.to_values(stack)) == stack).all()


@pytest.mark.parametrize("place", [0, 1, 296, 4095])
def test_one_coefficient_of_a_product_with_a_ternary_polynomial(place: int) -> None:
    one, small = a_polynomial(3), drawn.Draws().ternary()
    found = ring.small_products(one, ring.coefficient_row(small, place))
    assert found.shape == (3, 1)
    for number, prime in enumerate(PRIMES):
        assert found[number, 0] == schoolbook(one[number].tolist(), small.tolist(), place, prime)


def test_the_last_prime_is_divided_by_and_rounded() -> None:
    for primes in (2, 3):
        modulus = int(np.prod([int(p) for p in PRIMES[:primes]], dtype=object))
        rng = np.random.default_rng(primes)
        last, rest = PRIMES[primes - 1], modulus // PRIMES[primes - 1]
        numbers = [int.from_bytes(rng.bytes(16), "big") % modulus for _ in range(DEGREE - 4)]
        numbers += [0, modulus - 1, last // 2, last // 2 + 1]
        made = np.array([[n % p for n in numbers] for p in PRIMES[:primes]], np.uint64)
        exact = [(n + last // 2) // last % rest for n in numbers]
        found = ring.without_last_prime(made)
        assert found.tolist() == [[n % p for n in exact] for p in PRIMES[: primes - 1]]


@pytest.mark.parametrize("primes", [1, 2])
def test_numbers_are_centred(primes: int) -> None:
    modulus = int(np.prod([int(p) for p in PRIMES[:primes]], dtype=object))
    numbers = [0, 1, modulus // 2, modulus // 2 + 1, modulus - 1, modulus // 3]
    made = np.array([[n % p for n in numbers] for p in PRIMES[:primes]], np.uint64)
    exact = [n if n <= modulus // 2 else n - modulus for n in numbers]
    assert ring.centred(made) == pytest.approx(np.array(exact, float), rel=1e-15)


def test_whole_numbers_of_either_sign_become_residues() -> None:
    made = ring.residues(np.array([-1, 0, 2**62, -(2**62)]), 3)
    assert made.tolist() == [[n % p for n in (-1, 0, 2**62, -(2**62))] for p in PRIMES]


# What is drawn


def test_a_seed_stands_for_a_polynomial_by_the_specification() -> None:
    seed = bytes(range(32))
    made = drawn.uniform(seed, "offer", 3)
    for number, prime in enumerate(PRIMES):
        stream = hashlib.shake_128(f"privxray rlwe offer {number}".encode() + b"\0" + seed).digest(20_000)
        words = [int.from_bytes(stream[at : at + 4], "little") for at in range(0, 20_000, 4)]
        assert made[number].tolist() == [word for word in words if word < prime][:DEGREE]
    assert (drawn.uniform(seed, "offer", 2) == made[:2]).all()
    assert (drawn.uniform(seed, "query 0", 1) != made[:1]).mean() > 0.99


def test_ternary_polynomials_have_three_values_alike_often() -> None:
    draws = drawn.Draws()
    many = np.array([draws.ternary() for _ in range(30)])
    for value in (-1, 0, 1):  # of 122,880: the standard error of a share is .0013, so 7e-11 beyond .009
        assert (many == value).mean() == pytest.approx(1 / 3, abs=0.009)
    assert (many[0] != many[1]).any()
    stream = bytes([255, 0, 1, 2, 254]) + bytes(DEGREE)
    assert drawn.ternary(stream)[:5].tolist() == [-1, 0, 1, 1, -1]  # 255 is passed over
    fixed = drawn.ternary(drawn.ternary_stream(b"s" * 32))
    assert (fixed == drawn.ternary(drawn.ternary_stream(b"s" * 32))).all()
    assert (fixed != drawn.ternary(drawn.ternary_stream(b"t" * 32))).any()


def test_errors_are_a_centred_binomial() -> None:
    made = drawn.Draws().errors(200_000)
    assert abs(made).max() <= drawn.ERROR_BITS
    assert made.mean() == pytest.approx(0, abs=6 * 3.24 / 200_000**0.5)
    assert made.std() == pytest.approx((drawn.ERROR_BITS / 2) ** 0.5, rel=0.01)
    assert (made == 0).mean() == pytest.approx(0.1224, abs=0.005)  # C(42, 21) / 2^42
    assert drawn.Draws().errors(3).shape == (3,)


def test_the_same_random_bytes_draw_others_for_other_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a machine is resumed twice from one snapshot; and the same for the same inputs."""
    monkeypatch.setattr(drawn.os, "urandom", lambda size: bytes(size))
    inputs = [(), (b"",), (b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"ab", b"c", b"")]
    drawings = [[drawn.Draws(*given).stream(32) for _ in range(2)] for given in inputs]
    assert all(one == other for one, other in drawings)
    assert len({one for one, _ in drawings}) == len(inputs)
    draws = drawn.Draws()
    assert draws.stream(32) != draws.stream(32)
    monkeypatch.undo()
    assert drawn.Draws(b"ab").stream(32) != drawn.Draws(b"ab").stream(32)
