"""Shamir's sharing, held against an independent formula and against what t - 1 shares must not say."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import prod

import pytest
from forged_files import refused
from hypothesis import given, settings
from hypothesis import strategies as st

from privxray.exchange.sharing.shamir import PRIME, SECRET_BYTES, SHARE_BYTES, restore, split

secrets_ = st.binary(min_size=32, max_size=32)
sizes = st.integers(1, 9).flatmap(lambda k: st.tuples(st.integers(1, k), st.just(k)))


def at(points: dict[int, int], place: int) -> int:
    """Lagrange's interpolation with rational weights, reduced modulo the prime at the very end."""
    total = 0
    for own, value in points.items():
        weight = prod((Fraction(place - x, own - x) for x in points if x != own), start=Fraction(1))
        total += value * weight.numerator * pow(weight.denominator, -1, PRIME)
    return total % PRIME


def numbered(shares: list[bytes]) -> dict[int, bytes]:
    return dict(enumerate(shares, start=1))


def test_the_field_is_of_the_least_prime_above_all_secrets() -> None:
    """Fermat's test to five bases: a number that fails it is composite, one of this size that passes is
    prime but for a chance that nobody chose."""
    passes = [
        number
        for number in range(2**256, 2**256 + 298)
        if all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7, 11))
    ]
    assert passes == [PRIME]
    assert PRIME < 256**SHARE_BYTES
    assert SECRET_BYTES == 32


@settings(max_examples=60, deadline=None)
@given(secrets_, sizes, st.data())
def test_any_threshold_of_shares_restores_as_an_independent_formula_does(
    secret: bytes, size: tuple[int, int], data: st.DataObject
) -> None:
    t, k = size
    shares = numbered(split(secret, t, k))
    seats = data.draw(st.permutations(sorted(shares)))[: data.draw(st.integers(t, k))]
    chosen = {seat: shares[seat] for seat in seats}
    assert restore(chosen, t) == secret
    points = {seat: int.from_bytes(shares[seat], "big") for seat in seats[:t]}
    assert at(points, 0).to_bytes(32, "big") == secret
    for seat in seats[t:]:
        assert at(points, seat) == int.from_bytes(shares[seat], "big")


@settings(max_examples=60, deadline=None)
@given(secrets_, secrets_, sizes, st.data())
def test_one_share_less_fits_every_secret(
    secret: bytes, other: bytes, size: tuple[int, int], data: st.DataObject
) -> None:
    """For t - 1 shares and any other secret there is a set of further shares with which they restore it."""
    t, k = size
    shares = numbered(split(secret, t, k))
    seats = sorted(data.draw(st.permutations(sorted(shares)))[: t - 1])
    points = {0: int.from_bytes(other, "big")} | {x: int.from_bytes(shares[x], "big") for x in seats}
    world = {x: at(points, x).to_bytes(SHARE_BYTES, "big") for x in shares}
    assert all(world[x] == shares[x] for x in seats)
    assert restore(world, t) == other


def test_every_polynomial_is_drawn_as_often_as_any_other() -> None:
    """The coefficients above the secret are what ``draw`` gives, each over the whole field and nothing
    else."""
    asked: list[int] = []

    def draw(limit: int) -> int:
        asked.append(limit)
        return len(asked)

    shares = split(bytes(31) + b"\x05", 3, 4, draw=draw)
    assert asked == [PRIME, PRIME]
    assert [int.from_bytes(share, "big") for share in shares] == [5 + x + 2 * x * x for x in (1, 2, 3, 4)]


def test_shares_from_fixed_coefficients() -> None:
    draws = iter([PRIME - 1, 1])
    shares = split(b"\xff" * 32, 3, 3, draw=lambda _: next(draws))
    expected = [(2**256 - 1 - x + x * x) % PRIME for x in (1, 2, 3)]
    assert [int.from_bytes(share, "big") for share in shares] == expected
    assert restore(numbered(shares), 3) == b"\xff" * 32


@pytest.mark.parametrize(("t", "k"), [(1, 2), (2, 4), (3, 4), (4, 6)])
def test_a_wrong_share_among_more_than_enough_is_noticed(t: int, k: int) -> None:
    shares = numbered(split(bytes(range(32)), t, k))
    for seat in shares:
        wrong = (int.from_bytes(shares[seat], "big") ^ 1) % PRIME
        changed = shares | {seat: wrong.to_bytes(SHARE_BYTES, "big")}
        for seats in combinations(shares, t + 1):
            some = {x: changed[x] for x in seats}
            if seat in seats:
                with refused("shares.no-polynomial"):
                    restore(some, t)
            else:
                assert restore(some, t) == bytes(range(32))


def test_what_is_no_share_is_refused() -> None:
    good = numbered(split(bytes(32), 2, 3))
    for bad in (b"", bytes(32), bytes(34), PRIME.to_bytes(33, "big"), b"\xff" * 33):
        with refused("shares.out-of-field"):
            restore(good | {2: bad}, 2)
    for number in (2**256, 2**256 + 5):  # the constant polynomial of a number that no secret is
        with refused("shares.no-polynomial"):
            restore({x: number.to_bytes(33, "big") for x in (1, 2)}, 2)
    greatest = {x: (2**256 - 1).to_bytes(33, "big") for x in (1, 2)}
    assert restore(greatest, 2) == b"\xff" * 32


def test_numbers_that_make_no_sense_are_an_error_of_the_caller() -> None:
    good = numbered(split(bytes(32), 2, 3))
    for shares, t in (({1: good[1]}, 2), (good | {0: good[1]}, 2), ({}, 1)):
        with pytest.raises(ValueError):
            restore(shares, t)
    for secret, t, k in ((bytes(31), 2, 3), (bytes(33), 2, 3), (bytes(32), 0, 3), (bytes(32), 4, 3)):
        with pytest.raises(ValueError):
            split(secret, t, k)
