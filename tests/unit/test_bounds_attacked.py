"""Attacks on proofs of bounds that the equations alone let pass: what stops each of them (docs/adr/0156)."""

from __future__ import annotations

import dataclasses
import os

import pytest

from privxray.exchange.bounds import MAX_PROVEN, making, statement
from privxray.exchange.bounds.bound_proof import Announced, Challenges, Claim, subject
from privxray.exchange.bounds.checking import out_of_bounds
from privxray.exchange.bounds.making import prove_bounds
from privxray.exchange.bounds.rows import combined, rows_of
from privxray.exchange.bounds.statement import ROWS, Statement, statement_of
from privxray.exchange.commitments.group import ORDER, centred
from privxray.exchange.commitments.pedersen import commit
from privxray.formats.tensors import TensorSpec

PLAIN = TensorSpec(name="plain", shape=(2,), bound=1.5, fraction_bits=4)
BOUNDS = statement_of([PLAIN])
ABOUT = subject("ab" * 32, "cd" * 32)
HALF = (ORDER + 1) // 2
"""1/2 modulo L, a number of 252 bits. Twice it is 1."""


def test_a_half_has_short_squares_and_is_told_by_its_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """q = 2 x is 1, so p^2 - q^2 + 1 is p^2: every root is short, and all three equations hold."""

    def differences(bounds: Statement, vector: list[int]) -> list[int]:
        both = [rule.sides(bounds.with_total(vector), 1) for rule in bounds.inequalities]
        return [centred(p * p - q * q + 1) for p, q in both]

    monkeypatch.setattr(making, "_differences", differences)
    monkeypatch.setattr("privxray.exchange.bounds.bound_proof._SUM_BYTES", 33)
    assert differences(BOUNDS, [HALF, 0]) == [48**2, 48**2 + 1]
    monkeypatch.setattr(making, "three_squares", lambda number: (48, number - 48**2, 0))
    scalars = [HALF, 0, int.from_bytes(os.urandom(31))]
    point = commit(scalars)
    claim = Claim(ABOUT, point, prove_bounds(BOUNDS, scalars, ABOUT, point))
    assert out_of_bounds(dataclasses.replace(BOUNDS, longest=ORDER), {"a": claim}) == []
    assert out_of_bounds(BOUNDS, {"a": claim}) == ["a"]


@pytest.mark.parametrize("above", [1, 2])
def test_a_number_just_above_t_passes_half_of_the_rows(above: int) -> None:
    """The lemma is tight. At T itself, which is allowed, three of four rows pass."""
    rows = rows_of(b"tight", 1)
    most, hiding = BOUNDS.longest // 2, BOUNDS.longest // 2 * (above == 1)

    def passing(number: int) -> int:
        return sum(abs(centred(row + hiding)) <= most for row in combined(rows, [number]))

    zero, minus = (int((rows == value).sum()) for value in (0, -1))
    assert passing(BOUNDS.longest + above) == zero
    assert passing(BOUNDS.longest) == zero + minus * (above == 1)


def test_every_challenge_depends_on_all_that_was_said_before_it() -> None:
    """What a forger could still choose after a challenge, it could choose to fit (weak Fiat-Shamir)."""
    points = [bytes([number]) * 32 for number in range(5)]

    def drawn(about: bytes, commitment: bytes, sums: list[int], points: list[bytes]) -> tuple[object, ...]:
        challenges = Challenges(about, commitment)
        return (
            challenges.seed_of_rows(points[0]),
            challenges.weight(sums),
            challenges.challenge(Announced(*points)),
        )

    sums, before = [0] * ROWS, drawn(ABOUT, b"c" * 32, [0] * ROWS, points)
    changed = {
        "plan": (drawn(subject("ac" * 32, "cd" * 32), b"c" * 32, sums, points), 3),
        "hospital": (drawn(subject("ab" * 32, "ce" * 32), b"c" * 32, sums, points), 3),
        "commitment": (drawn(ABOUT, b"d" * 32, sums, points), 3),
        "roots": (drawn(ABOUT, b"c" * 32, sums, [b"d" * 32, *points[1:]]), 3),
        "sums": (drawn(ABOUT, b"c" * 32, [*sums[:-1], 1], points), 2),
        **{
            f"point {at}": (drawn(ABOUT, b"c" * 32, sums, [*points[:at], b"d" * 32, *points[at + 1 :]]), 1)
            for at in range(1, 5)
        },
    }
    for what, (after, number) in changed.items():
        assert [one != two for one, two in zip(before, after, strict=True)] == [
            place >= 3 - number for place in range(3)
        ], what


def test_a_vector_that_is_too_long_is_refused_before_its_numbers_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A plan may have 67 million, and a list of their inequalities takes 10 GB."""
    monkeypatch.setattr(statement, "_rules", None)
    long = PLAIN.model_copy(update={"shape": (1 << 26,)})
    with pytest.raises(ValueError, match=f"at most {MAX_PROVEN} numbers"):
        statement_of([long])
