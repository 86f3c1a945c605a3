"""Proofs that a committed vector keeps to its bounds: of what they hold, and how little they tell."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import math
import os
import random
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import spec_bounds
from spec_rules import Broken
from spec_rules_bounds import Bounds

from privxray.errors import MalformedError, RefusedError
from privxray.exchange.bounds import MAX_PROVEN, checking, making
from privxray.exchange.bounds.bound_proof import (
    Announced,
    BoundProof,
    Challenges,
    Claim,
    read_bound_proof,
    subject,
)
from privxray.exchange.bounds.checking import ReadOneByOne, out_of_bounds
from privxray.exchange.bounds.equation import Equation
from privxray.exchange.bounds.making import prove_bounds
from privxray.exchange.bounds.proof_masks import ProofMasks
from privxray.exchange.bounds.rows import combined, rows_of
from privxray.exchange.bounds.statement import ROWS, Statement, largest, statement_of
from privxray.exchange.bounds.three_squares import three_squares
from privxray.exchange.commitments.group import ORDER, combine, generators
from privxray.exchange.commitments.pedersen import BLINDING, commit
from privxray.exchange.masking.summing import check_range
from privxray.exchange.messages.repeats import MAX_FAULTY
from privxray.formats.container import MAX_ENVELOPE
from privxray.formats.tensors import TensorSpec
from privxray.learning import methods

HEAD = TensorSpec(name="weights", shape=(2, 2), bound=80.0, fraction_bits=4)
COUNTS = TensorSpec(name="counts", shape=(2,), bound=10.0, fraction_bits=4)
OTHER = TensorSpec(name="other", shape=(3,), bound=1.5, fraction_bits=4)
SHARES = statement_of([HEAD, COUNTS, OTHER], "counts", {"weights": 8})
ABOUT = subject("ab" * 32, "cd" * 32)
FITS = [640, -640, 0, 13, 16, 64, 24, -24, 0]
"""Counts of 80 (5 patients), so weights are at most 8 * 80 = 640 but for rounding; others are at most 24."""


def made(numbers: list[int], statement: Statement = SHARES, about: bytes = ABOUT) -> Claim:
    scalars = [*(number % ORDER for number in numbers), int.from_bytes(os.urandom(31), "big")]
    point = commit(scalars)
    return Claim(about, point, prove_bounds(statement, scalars, about, point))


@pytest.fixture(scope="module")
def good() -> Claim:
    return made(FITS)


def with_proof(claim: Claim, **changes: Any) -> Claim:
    return dataclasses.replace(claim, proof=dataclasses.replace(claim.proof, **changes))


# Three squares


def test_every_number_that_is_1_modulo_4_is_three_squares() -> None:
    for number in range(1, 6000, 4):
        roots = three_squares(number)
        assert sum(root * root for root in roots) == number
        assert min(roots) >= 0


@pytest.mark.parametrize("bits", [40, 90, 120, 200])
def test_large_numbers_are_three_squares(bits: int) -> None:
    source = random.Random(bits)
    for _ in range(20):
        number = source.getrandbits(bits) | 1 | 1 << bits
        number += 4 - (number - 1) % 4 if (number - 1) % 4 else 0
        assert sum(root * root for root in three_squares(number)) == number


def test_of_a_large_square_nothing_is_searched() -> None:
    """Less another square it is a product, and thus never a prime."""
    assert three_squares((2**44 + 1) ** 2) == (2**44 + 1, 0, 0)


@pytest.mark.parametrize("number", [-3, 0, 2, 3, 4, 7])
def test_other_numbers_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="1 modulo 4"):
        three_squares(number)


# Statements


def test_the_largest_number_of_a_tensor_is_what_quantising_gives() -> None:
    for bound in (1.0, 0.03, 7.96875, 181.3, 65536.0):
        for bits in (0, 4, 32):
            spec = TensorSpec(name="x", shape=(1,), bound=bound, fraction_bits=bits)
            assert largest(spec) >= int(np.rint(bound * 2.0**bits))
            assert largest(spec) <= bound * 2**bits + 0.5


def test_a_statement_has_one_inequality_a_number_and_one_for_the_total() -> None:
    assert (SHARES.size, len(SHARES.inequalities), list(SHARES.total)) == (9, 10, [4, 5])
    assert SHARES.short == 9 + 30
    assert SHARES.length == 9 + 30 + ROWS
    assert len(statement_of([OTHER]).inequalities) == 3


def sides_hold(statement: Statement, numbers: list[int]) -> bool:
    both = [rule.sides(statement.with_total(numbers), 1) for rule in statement.inequalities]
    return all(abs(q) <= p for p, q in both)


def test_a_shared_tensor_keeps_to_its_own_bound_where_that_is_the_smaller_one() -> None:
    """Of a head within 7.5, 8 times the total would be proven, and of one within .5 twice its bound."""
    for largest_head, times in ((7.5, 8), (0.5, 1), (0.0625, 64)):
        head = HEAD.model_copy(update={"bound": 10 * largest_head})
        statement, most = statement_of([head, COUNTS], "counts", {"weights": times}), int(160 * largest_head)
        assert len(statement.inequalities) == 4 + 4 + 2 + 1
        assert sides_hold(statement, [most, -most, 0, 0, 80, 80])
        assert not sides_hold(statement, [most + 1, 0, 0, 0, 80, 80])
        assert not sides_hold(statement, [0, 0, 0, -most - 1, 80, 80])
        assert not sides_hold(statement, [2 * times + 2, 0, 0, 0, 0, 0])  # nor above c S, of course


def is_three_squares(number: int) -> bool:
    roots = range(math.isqrt(max(number, 0)) + 1)
    return number >= 0 and any(
        math.isqrt(rest) ** 2 == rest for a in roots for b in roots if (rest := number - a * a - b * b) >= 0
    )


@pytest.mark.parametrize(
    ("bound", "head", "times"), [(0.1, 0.1, 1), (1.0, 0.5, 1), (1.0, 2.0, 2), (2.0, 5.0, 3)]
)
def test_squares_exist_exactly_where_the_bounds_hold(bound: float, head: float, times: int) -> None:
    """Every vector of three small numbers is tried, below zero too. A bound of .1 is rounded to nothing."""
    manifest = [
        HEAD.model_copy(update={"shape": (1,), "bound": head, "fraction_bits": 0}),
        COUNTS.model_copy(update={"bound": bound, "fraction_bits": 0}),
    ]
    statement = statement_of(manifest, "counts", {"weights": times})
    most, own = largest(manifest[1]) + 2, largest(manifest[0])
    furthest, room = times * (most + 2) + 4, 2 * times + 1
    for one, other, weight in itertools.product(
        range(-2, most + 2), range(-2, most + 2), range(-furthest, furthest + 1)
    ):
        total, above = one + other, abs(weight)
        both = [rule.sides(statement.with_total([weight, one, other]), 1) for rule in statement.inequalities]
        keeps = min(one, other) >= 0 and total <= most and above <= times * total + room
        if own + times < times * (most - 2):
            keeps = keeps and above <= own
        assert all(is_three_squares(p * p - q * q + 1) for p, q in both) == keeps


def test_a_bound_that_is_only_rounded_below_the_shared_one_is_not_proven_twice() -> None:
    """181.0193 2^32 is no whole number: 8 times the rounded one is 1 above the bound of the head."""
    counts = COUNTS.model_copy(update={"bound": 181.0193, "fraction_bits": 32})
    head = HEAD.model_copy(update={"bound": 8 * 181.0193, "fraction_bits": 32})
    assert 8 * largest(counts) - largest(head) == 1
    statement = statement_of([head, counts], "counts", {"weights": 8})
    assert len(statement.inequalities) == 4 + 2 + 1
    assert statement.limits["weights"] == 8 * (largest(counts) + 2) + 17


@pytest.mark.parametrize("bound", [0.3, 1.0, 7.5, 8.0, 64.0])
def test_no_sum_of_a_forger_and_others_leaves_the_range_where_nobody_could_be_named(bound: float) -> None:
    """The largest number that can be proven is the limit by which a sum is judged, whatever the constants."""
    method = methods.get("linear-probe")
    constants = method.new_constants({"weight_cap": 181.5, "weight_bound": bound, "feature_dim": 2})
    manifest, stated = method.manifest(constants, ("a", "b")), method.bounds(constants)
    assert stated is not None
    statement = statement_of(manifest, stated.total, stated.times)
    most, c = statement.limits["weights"], math.ceil(bound)
    assert most == (largest(manifest[0]) if bound % 1 else largest(manifest[0]) + 4 * c + 1)
    counts = [statement.limits["counts"], 0]
    centre = [statement.limits["centre"], 0]
    assert sides_hold(statement, [most, *[0] * 5, *centre, *counts])
    assert not sides_hold(statement, [most + 1, *[0] * 5, *centre, *counts])
    assert not sides_hold(statement, [most, *[0] * 5, centre[0] + 1, 0, *counts])
    total = 3 * np.array([most, *[0] * 5, *centre, *counts])
    check_range(total.view("<u8"), manifest, 3, statement.limits)
    with pytest.raises(MalformedError):
        check_range((total + 1).view("<u8"), manifest, 3, statement.limits)


CASES = {
    "all that fits": (FITS, True),
    "nothing": ([0] * 9, True),
    "a weight at its bound, with rounding": ([640 + 17, *FITS[1:]], True),
    "a weight above it": ([640 + 18, *FITS[1:]], False),
    "a weight below it": ([*FITS[:1], -640 - 18, *FITS[2:]], False),
    "a weight that only a larger count would allow": ([1000, 0, 0, 0, 16, 64, 0, 0, 0], False),
    "the same with that count": ([1000, 0, 0, 0, 60, 64, 0, 0, 0], True),
    "counts at the bound, with rounding": ([0, 0, 0, 0, 81, 81, 0, 0, 0], True),
    "counts above it": ([0, 0, 0, 0, 82, 81, 0, 0, 0], False),
    "a negative count": ([0, 0, 0, 0, -1, 81, 0, 0, 0], False),
    "negative counts": ([0, 0, 0, 0, -80, -81, 0, 0, 0], False),
    "a number of a plain tensor above its bound": ([*FITS[:6], 25, 0, 0], False),
    "a number of a plain tensor below its bound": ([*FITS[:8], -25], False),
}


@pytest.mark.parametrize("case", CASES)
def test_a_proof_is_made_exactly_where_the_bounds_hold(case: str) -> None:
    numbers, holds = CASES[case]
    if holds:
        assert out_of_bounds(SHARES, {"a": made(numbers)}) == []
    else:
        with pytest.raises(RefusedError) as refused:
            made(numbers)
        assert refused.value.reason == "training.out-of-bounds"


@pytest.mark.parametrize(
    ("manifest", "total", "times", "why"),
    [
        ([OTHER.model_copy(update={"shape": (MAX_PROVEN + 1,)})], None, {}, "at most 8192 numbers"),
        ([HEAD], "counts", {}, "not in the vector"),
        ([HEAD], None, {"weights": 8}, "a total that there is not"),
        ([HEAD, COUNTS], "counts", {"bias": 8}, "not in the vector"),
        ([HEAD, COUNTS], "counts", {"counts": 8}, "in two ways"),
        ([HEAD, COUNTS.model_copy(update={"fraction_bits": 5})], "counts", {"weights": 8}, "fraction bits"),
        ([HEAD.model_copy(update={"bound": 2.0**61, "fraction_bits": 40})], None, {}, "too large"),
    ],
)
def test_a_statement_without_a_proof_is_refused(manifest: Any, total: Any, times: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        statement_of(manifest, total, times)


def test_the_default_recipe_is_provable_and_hidden_well() -> None:
    method = methods.get("linear-probe")
    constants = method.new_constants({"weight_cap": 181.0, "n_max": 1000})
    bounds = method.bounds(constants)
    assert bounds is not None
    statement = statement_of(method.manifest(constants, ("a", "b", "c")), bounds.total, bounds.times)
    assert (statement.size, statement.longest, statement.hiding) == (1190, 2**120, 56)


# Rows


def test_rows_are_minus_one_zero_and_one_in_the_right_shares() -> None:
    rows = rows_of(b"seed", 1001)
    assert rows.shape == (ROWS, 1001)
    shares = [float((rows == value).mean()) for value in (-1, 0, 1)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.01)
    assert (rows == rows_of(b"seed", 1001)).all()
    assert (rows != rows_of(b"seee", 1001)).any()


def test_sums_of_rows_are_exact_modulo_the_order() -> None:
    source = random.Random(3)
    numbers = [source.randrange(ORDER) for _ in range(300)] + [0, 1, ORDER - 1]
    rows = rows_of(b"x", len(numbers))
    expected = [
        sum(int(r) * number for r, number in zip(row, numbers, strict=True)) % ORDER for row in rows.tolist()
    ]
    assert combined(rows, numbers) == expected


@pytest.mark.parametrize("long", [1000, 2**130, ORDER // 2])
def test_half_of_the_rows_see_a_long_number(long: int) -> None:
    for others in ([0] * 9, [7] * 9, [ORDER - long] * 9):
        sums = combined(rows_of(b"y" + bytes([others[0] % 251]), 10), [long, *others])
        small = [number for number in sums if min(number, ORDER - number) < long / 2]
        assert (
            len(small) <= 82
        )  # half of 128, with a deviation of 6, overlook it; fewer where others are long


def test_a_row_overlooks_a_long_number_with_a_chance_of_a_half_at_most() -> None:
    """Modulo a small prime, for every length M and for whatever the other numbers add up to."""
    prime, quarters = 101, {-1: 1, 0: 2, 1: 1}
    for long in range(1, prime // 2 + 1):
        for others in range(prime):
            sums = {r: (others + r * long) % prime for r in quarters}
            short = [r for r, number in sums.items() if 2 * min(number, prime - number) < long]
            assert sum(quarters[r] for r in short) <= 2


# Proofs


def test_a_proof_reads_back_as_it_was(good: Claim) -> None:
    text = good.proof.to_base64()
    assert read_bound_proof(text, SHARES) == good.proof


def test_two_proofs_of_one_vector_have_nothing_in_common() -> None:
    scalars = [*(number % ORDER for number in FITS), 5]
    one, other = (prove_bounds(SHARES, scalars, ABOUT, commit(scalars)) for _ in range(2))
    for part in ("sums", "vector", "roots"):
        assert set(getattr(one, part)).isdisjoint(getattr(other, part)), part
    assert set(one.announced.points).isdisjoint(other.announced.points)
    assert one.relation != other.relation


def test_not_even_a_copied_machine_masks_two_plans_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its random bytes come twice. A proof for the same plan is the same then, and shows nothing new."""
    scalars = [*(number % ORDER for number in FITS), 5]
    point, elsewhere = commit(scalars), subject("ac" * 32, "cd" * 32)
    monkeypatch.setattr(os, "urandom", bytes)
    one, again, other = (prove_bounds(SHARES, scalars, about, point) for about in (ABOUT, ABOUT, elsewhere))
    assert one == again
    for part in ("sums", "vector", "roots"):
        assert set(getattr(one, part)).isdisjoint(getattr(other, part)), part
    assert set(one.announced.points).isdisjoint(other.announced.points)
    changed = [*scalars[:-1], 6]
    assert prove_bounds(SHARES, changed, ABOUT, commit(changed)).announced != one.announced
    (first,) = ProofMasks(scalars, ABOUT, point).below(ORDER, 1)
    for given in ((changed, ABOUT, point), (scalars, elsewhere, point), (scalars, ABOUT, commit(changed))):
        assert ProofMasks(*given).below(ORDER, 1) != [first]


class Recorded(ProofMasks):
    """Masks that can be looked at afterwards."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.drawn: list[tuple[int, list[int]]] = []

    def below(self, limit: int, number: int) -> list[int]:
        self.drawn.append((limit, super().below(limit, number)))
        return self.drawn[-1][1]

    def take(self, number: int, limit: int) -> list[int]:
        """The next numbers, all of which were drawn below this limit."""
        below, taken = self.drawn.pop(0)
        assert (below, len(taken)) == (limit, number)
        return taken


def test_every_number_is_hidden_by_one_that_was_drawn_for_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the 128 sums by a uniform number of a width of T/2, all else by uniform scalars."""
    made_masks: list[Recorded] = []
    monkeypatch.setattr(
        making, "ProofMasks", lambda *given: made_masks.append(Recorded(*given)) or made_masks[0]
    )
    claim = made(FITS)
    (drawn,) = made_masks
    proof, points, size, width = claim.proof, claim.proof.announced, SHARES.size, SHARES.length - SHARES.size
    places = [*generators(SHARES.length)[size:], BLINDING]

    roots = [root for number in differences(SHARES, FITS) for root in three_squares(number)]
    y = [number - SHARES.longest // 4 for number in drawn.take(ROWS, SHARES.longest // 2)]
    behind = [*roots, *y, *drawn.take(1, ORDER)]
    assert points.roots == combine(behind, places)
    challenges = Challenges(ABOUT, claim.commitment)
    rows = rows_of(challenges.seed_of_rows(points.roots), SHARES.short)
    assert list(proof.sums) == [
        sum(int(r) * number for r, number in zip(row, [*FITS, *roots], strict=True)) + more
        for row, more in zip(rows, y, strict=True)
    ]

    challenges.weight(proof.sums)
    e = challenges.challenge(points)
    masks, others = drawn.take(size + 1, ORDER), drawn.take(width + 1, ORDER)
    assert (points.mask, points.mask_roots) == (commit(masks), combine(others, places))
    assert list(proof.vector[:-1]) == [
        (e * number + mask) % ORDER for number, mask in zip(FITS, masks[:-1], strict=True)
    ]
    assert list(proof.roots) == [
        (e * number + mask) % ORDER for number, mask in zip(behind, others, strict=True)
    ]
    constant, linear = drawn.take(2, ORDER)
    assert proof.relation == (e * linear + constant) % ORDER
    assert drawn.drawn == []


ALTERED: dict[str, Callable[[BoundProof], dict[str, Any]]] = {
    "a sum": lambda p: {"sums": (p.sums[0] + 1, *p.sums[1:])},
    "two sums that cancel": lambda p: {"sums": (p.sums[0] + 1, p.sums[1] - 1, *p.sums[2:])},
    "a number": lambda p: {"vector": ((p.vector[0] + 1) % ORDER, *p.vector[1:])},
    "the blinding factor": lambda p: {"vector": (*p.vector[:-1], (p.vector[-1] + 1) % ORDER)},
    "a root": lambda p: {"roots": ((p.roots[0] + 1) % ORDER, *p.roots[1:])},
    "what hides a sum": lambda p: {"roots": (*p.roots[:-2], (p.roots[-2] + 1) % ORDER, p.roots[-1])},
    "the other blinding factor": lambda p: {"roots": (*p.roots[:-1], (p.roots[-1] + 1) % ORDER)},
    "theta": lambda p: {"relation": (p.relation + 1) % ORDER},
    **{
        f"point {name}": lambda p, name=name: {
            "announced": dataclasses.replace(p.announced, **{name: commit([1, 2])})
        }
        for name in ("roots", "mask", "mask_roots", "constant", "linear")
    },
}


@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_proof_is_told_from_the_good_ones(good: Claim, what: str) -> None:
    altered = with_proof(good, **ALTERED[what](good.proof))
    assert out_of_bounds(SHARES, {"a": good, "b": altered, "c": good}) == ["b"]


def test_a_proof_is_of_one_vector_one_hospital_and_one_plan(good: Claim) -> None:
    others = {
        "vector": dataclasses.replace(good, commitment=commit([1] * 10)),
        "hospital": dataclasses.replace(good, about=subject("ab" * 32, "ce" * 32)),
        "plan": dataclasses.replace(good, about=subject("ac" * 32, "cd" * 32)),
    }
    assert out_of_bounds(SHARES, others) == list(others)


def test_who_claims_nothing_is_out_of_bounds(good: Claim) -> None:
    assert out_of_bounds(SHARES, {"a": good, "b": None}) == ["b"]
    assert out_of_bounds(SHARES, {"a": None, "b": None}) == ["a", "b"]
    assert out_of_bounds(SHARES, {}) == []


def test_proofs_are_read_one_after_the_other(good: Claim) -> None:
    """64 of the longest would take 140 MB together."""
    alive: list[weakref.ref[Claim]] = []

    def read() -> Claim:
        claim = dataclasses.replace(good)
        assert sum(one() is not None for one in alive) <= 1
        alive.append(weakref.ref(claim))
        return claim

    assert out_of_bounds(SHARES, ReadOneByOne(dict.fromkeys("abc", read))) == []
    assert len(alive) == 3
    claims = ReadOneByOne({"a": read, "b": lambda: None})
    assert (out_of_bounds(SHARES, claims), len(claims)) == (["b"], 2)


@pytest.mark.parametrize("wrong", [set(), {0}, {31}, {63}, {5, 6}, {0, 40, 63}])
def test_who_is_wrong_of_many_is_found_by_halving(monkeypatch: pytest.MonkeyPatch, wrong: set[int]) -> None:
    checks: list[int] = []

    def hold(_: object, claims: Iterable[object]) -> bool:
        seen = list(claims)
        checks.append(len(seen))
        return not wrong & {party for party in range(64) if party in seen}

    monkeypatch.setattr(checking, "_all_hold", hold)
    assert out_of_bounds(SHARES, {party: party for party in range(64)}) == sorted(wrong)  # type: ignore[misc]
    assert len(checks) <= 1 + 12 * len(wrong)


def test_a_sum_of_a_row_beyond_the_limit_is_out_of_bounds(good: Claim) -> None:
    most = SHARES.longest // 2
    assert max(map(abs, good.proof.sums)) <= most
    for beyond in (most + 1, -most - 1):
        assert out_of_bounds(SHARES, {"a": with_proof(good, sums=(beyond, *good.proof.sums[1:]))}) == ["a"]


@pytest.mark.parametrize(
    ("manifest", "total", "times", "numbers"),
    [
        ([HEAD, COUNTS, OTHER], "counts", {"weights": 8}, FITS),
        (
            [HEAD.model_copy(update={"bound": 75.0}), COUNTS],
            "counts",
            {"weights": 8},
            [600, -640, 0, 1, 80, 0],
        ),
        ([COUNTS.model_copy(update={"shape": (1,)}), OTHER], "counts", {}, [161, 24, -24, 0]),
        ([OTHER], None, {}, [24, -24, 1]),
    ],
)
def test_a_prover_that_was_written_from_the_specification_is_believed(
    manifest: list[TensorSpec], total: str | None, times: dict[str, int], numbers: list[int]
) -> None:
    shared = [{"tensor": name, "times": c} for name, c in times.items()]
    plan = {
        "manifest": [spec.model_dump() for spec in manifest],
        "bounds": {"shared": shared, "total": total} if total else None,
    }
    vector = [*numbers, int.from_bytes(os.urandom(31), "big")]
    statement, point = statement_of(manifest, total, times), commit([one % ORDER for one in vector])
    text = base64.b64encode(spec_bounds.prove_bounds(plan, ABOUT + point, vector)).decode()
    assert out_of_bounds(statement, {"a": Claim(ABOUT, point, read_bound_proof(text, statement))}) == []


def test_the_limit_of_a_sum_is_half_of_t(good: Claim) -> None:
    largest_sum = max(map(abs, good.proof.sums))
    assert out_of_bounds(dataclasses.replace(SHARES, longest=2 * largest_sum), {"a": good}) == []
    assert out_of_bounds(dataclasses.replace(SHARES, longest=2 * largest_sum - 2), {"a": good}) == ["a"]


def roots_modulo_the_order(number: int) -> tuple[int, int, int]:
    """Three squares that add up to *any* number, modulo L: what a forger would take for one below zero."""
    for first in range(1, 1000):
        rest = (number - first * first) % ORDER
        if pow(rest, (ORDER - 1) // 2, ORDER) == 1:
            return first, square_root(rest), 0
    raise AssertionError("every other number has a root")


def square_root(square: int) -> int:
    """Modulo L, which is 5 modulo 8 (Atkin)."""
    root = pow(square, (ORDER + 3) // 8, ORDER)
    if root * root % ORDER != square:
        root = root * pow(2, (ORDER - 1) // 4, ORDER) % ORDER
    assert root * root % ORDER == square
    return root


def test_squares_that_only_add_up_modulo_the_order_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forger's equations all hold; the sums of the rows show that its roots are long."""
    monkeypatch.setattr(making, "three_squares", roots_modulo_the_order)
    monkeypatch.setattr(making, "_differences", lambda statement, vector: differences(statement, vector))
    monkeypatch.setattr("privxray.exchange.bounds.bound_proof._SUM_BYTES", 33)
    forged = made([10**6, *FITS[1:]])
    assert max(map(abs, forged.proof.sums)) > SHARES.longest // 2
    assert out_of_bounds(SHARES, {"a": forged}) == ["a"]
    # It fails for that alone: with a limit that lets them pass, all three equations hold.
    lax = dataclasses.replace(SHARES, longest=ORDER)
    assert out_of_bounds(lax, {"a": forged}) == []


def differences(statement: Statement, vector: list[int]) -> list[int]:
    numbers = statement.with_total(vector)
    return [p * p - q * q + 1 for p, q in (rule.sides(numbers, 1) for rule in statement.inequalities)]


def test_sums_that_are_made_up_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same forger states short sums, which are not those of its roots."""
    monkeypatch.setattr(making, "three_squares", roots_modulo_the_order)
    monkeypatch.setattr(making, "_differences", differences)
    monkeypatch.setattr(making, "combined", lambda rows, numbers: [0] * ROWS)
    forged = made([10**6, *FITS[1:]])
    assert max(map(abs, forged.proof.sums)) <= SHARES.longest // 2
    assert out_of_bounds(SHARES, {"a": forged}) == ["a"]


def test_a_proof_for_a_vector_tells_two_vectors_apart_by_nothing_that_is_seen(good: Claim) -> None:
    """The numbers that hide the rows' sums are uniform over the whole width, from -T/4 to T/4 - 1."""
    width = SHARES.longest // 2
    hidden = [y - width // 2 for _ in range(40) for y in ProofMasks([1], ABOUT, b"").below(width, ROWS)]
    assert min(hidden) >= -width // 2
    assert max(hidden) < width // 2
    lowest = sum(y < -width // 4 for y in hidden)
    assert abs(lowest - len(hidden) / 4) < 8 * (len(hidden) * 3 / 16) ** 0.5  # eight deviations: 1e-15
    assert sum(y % 2 for y in hidden) == pytest.approx(len(hidden) / 2, abs=8 * len(hidden) ** 0.5 / 2)
    assert SHARES.hiding >= 40


# What comes from a file


def test_a_proof_of_another_form_is_refused(good: Claim) -> None:
    data = base64.b64decode(good.proof.to_base64())
    neutral = b"\x01" + bytes(31)
    forms = {
        "cut": data[:-32],
        "longer": data + bytes(32),
        "no point": b"\x02" + bytes(31) + data[32:],
        "neutral": neutral + data[32:],
        "not below the order": data[:-32] + ORDER.to_bytes(32, "little"),
        "of another statement": base64.b64decode(made([1, 2, 3], statement_of([OTHER])).proof.to_base64()),
        "nothing": b"",
    }
    for what, changed in forms.items():
        with pytest.raises(MalformedError) as error:
            read_bound_proof(base64.b64encode(changed).decode(), SHARES)
        assert error.value.reason == "update.bounds-form", what
    with pytest.raises(MalformedError) as error:
        read_bound_proof("A", SHARES)
    assert error.value.reason == "update.bounds-base64"


def test_the_longest_wrong_update_can_be_shown_inside_of_a_plan() -> None:
    """With a shorter limit nobody could be shown that it is wrong, and it would stop the round for good."""
    statement = statement_of([OTHER.model_copy(update={"shape": (MAX_PROVEN,)})])
    d, w, point = statement.size, 3 * len(statement.inequalities) + ROWS, commit([1, 2])
    text = BoundProof(Announced(*[point] * 5), (0,) * ROWS, (0,) * (d + 1), (0,) * (w + 1), 0).to_base64()
    assert read_bound_proof(text, statement).sums == (0,) * ROWS
    more = 20_000  # of a header without its proof: masks for a hundred hospitals are the most of it
    update = 4 * (len(text) + more) // 3 + 32 * (d + 1) + 1000
    assert 4 * update // 3 < MAX_FAULTY
    assert 4 * MAX_FAULTY // 3 < MAX_ENVELOPE


# The equation


def test_the_value_at_hidden_numbers_is_that_of_its_coefficients() -> None:
    """e^2 Q + e t_1 + t_0 at s = e w + mu, for numbers that keep to nothing, so that Q is not zero."""
    source = random.Random(9)
    some = lambda number: [source.randrange(ORDER) for _ in range(number)]  # noqa: E731 - three of one kind
    width = SHARES.length - SHARES.size
    sums = [source.randrange(-(2**100), 2**100) for _ in range(ROWS)]
    equation = Equation(SHARES, rows_of(b"rows", SHARES.short), source.randrange(ORDER), sums)
    numbers, masks = (some(SHARES.size), some(width)), (some(SHARES.size), some(width))
    e = source.randrange(ORDER)
    hidden = [
        [(e * one + mask) % ORDER for one, mask in zip(numbers[part], masks[part], strict=True)]
        for part in (0, 1)
    ]
    q, t_1, t_0 = equation.value(*numbers, 1), equation.cross(*numbers, masks), equation.value(*masks, 0)
    assert q != 0
    assert equation.value(*hidden, e) == (e * e * q + e * t_1 + t_0) % ORDER


# What the specification says of the same plans


def some_manifests() -> list[tuple[list[TensorSpec], str | None, dict[str, int]]]:
    """Manifests of every kind: with and without a total and shared tensors, short and long, exact and not."""
    source, made = random.Random(11), []
    for _ in range(150):
        bits = source.choice([0, 4, 20, 32, 60])
        specs = [
            TensorSpec(
                name=name,
                shape=(source.choice([1, 2, 3, 50]),),
                bound=source.choice([0.3, 1.0, 7.75, 181.0, 2.0**20, 2.0**40, 2.0**61]),
                fraction_bits=bits if name != "plain" else source.choice([bits, 7]),
            )
            for name in ("total", "head", "centre", "plain")
        ]
        total = source.choice([None, "total"])
        times = {
            name: source.choice([1, 8, 64]) for name in ("head", "centre") if total and source.random() < 0.6
        }
        made.append((specs, total, times))
    edge = [TensorSpec(name="plain", shape=(1,), bound=2.0**61 * (1 - 2.0**-52), fraction_bits=12)]
    over = [TensorSpec(name="plain", shape=(1,), bound=2.0**61, fraction_bits=12)]
    full, beyond = (
        [TensorSpec(name="plain", shape=(MAX_PROVEN + more,), bound=1.0, fraction_bits=4)] for more in (0, 1)
    )
    return [*made, *((one, None, {}) for one in (edge, over, full, beyond))]


def test_statements_are_those_of_the_specification() -> None:
    refused = []
    for specs, total, times in some_manifests():
        shared = [{"tensor": name, "times": factor} for name, factor in times.items()]
        plan = {
            "manifest": [spec.model_dump() for spec in specs],
            "bounds": {"shared": shared, "total": total} if total else None,
        }
        try:
            expected: Bounds | None = Bounds(plan)
        except Broken:
            expected = None
        refused.append(expected is None)
        if expected is None:
            with pytest.raises(ValueError, match=r"proven|hides"):
                statement_of(specs, total, times)
            continue
        statement = statement_of(specs, total, times)
        assert list(map(tuple, statement.inequalities)) == expected.rules
        assert statement.longest == expected.t
        assert list(statement.total) == list(expected.summed)
        assert 2**statement.hiding <= statement.longest / (2 * ROWS * reach_of(expected))
    assert refused[-4:] == [False, True, False, True]
    assert 20 < sum(refused) < 130


def reach_of(bounds: Bounds) -> int:
    return sum(4 * (times * bounds.most + most + 1) for times, most, *_ in bounds.rules)
