"""docs/SPEC-2.md, section 13, from its text: a second prover. What verifies is :mod:`spec_rules_bounds`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import compress
from math import floor, isqrt, prod
from typing import Any

from spec_group import OTHER, H, combined
from spec_reader import ORDER

ROWS = 128


@dataclass(frozen=True)
class Inequality:
    """|q| <= p with p = slope S + most and q = middle - 2 x_place (2 S where ``place`` is None)."""

    slope: int
    most: int
    middle: int
    place: int | None


class Bounds:
    """The inequalities of a plan's header, and T."""

    def __init__(self, plan: dict[str, Any]) -> None:
        stated = plan["bounds"] or {"shared": [], "total": None}
        shared = {one["tensor"]: one["times"] for one in stated["shared"]}
        places, b, start, total = {}, {}, 0, stated["total"]
        for one in plan["manifest"]:
            places[one["name"]] = range(start, start := start + prod(one["shape"]))
            b[one["name"]] = floor(Fraction(one["bound"]) * 2 ** one["fraction_bits"] + Fraction(1, 2))
        self.total = places.get(total, range(0))
        k, m = len(self.total), b.get(total, 0) + len(self.total)
        self.all: list[Inequality] = []
        for name, numbers in places.items():
            rows = [(0, 2 * b[name], 0)]
            if name == total:
                rows = [(0, m, m)]
            elif name in shared:
                c = shared[name]
                rows = [(2 * c, 2 * (c * k + 1), 0), *(rows if b[name] + c < c * b[total] else [])]
            self.all += [Inequality(*row, place) for row in rows for place in numbers]
        self.all += [Inequality(0, m, m, None)] if total else []
        most = max(max(one.most, one.middle) for one in self.all)
        slope = max([2, *(one.slope for one in self.all)]) * max(1, k)
        self.t = 2**126
        while (slope * self.t + most) ** 2 + 3 * self.t**2 + 1 >= ORDER:
            self.t //= 2

    def sides(self, x: Sequence[int], e: int) -> list[tuple[int, int]]:
        """p and q of each, every constant times e."""
        total = sum(x[i] for i in self.total)
        values = [total if one.place is None else x[one.place] for one in self.all]
        return [
            (one.slope * total + one.most * e, one.middle * e - 2 * value)
            for one, value in zip(self.all, values, strict=True)
        ]


def three_squares(n: int) -> list[int]:
    """n, 1 modulo 4, less an even square is a prime p before long, and that is a sum of two squares."""
    root = isqrt(n)
    for a in range(root - root % 2, -1, -2):
        p = n - a * a
        for g in (2, 3, 5, 7):
            one, two = p, pow(g, (p - 1) // 4, p)
            if (two * two + 1) % p == 0:
                while two * two > p:
                    one, two = two, one % two
                rest = isqrt(p - two * two)
                if two * two + rest * rest == p:
                    return [a, two, rest]
            elif two * two % p != 1:
                break  # no prime
    small = range(root + 1)
    return next([a, b, c] for a in small for b in small for c in small if a * a + b * b + c * c == n)


def scalars(number: int) -> list[int]:
    return [int.from_bytes(os.urandom(64), "little") % ORDER for _ in range(number)]


def rows(seed: bytes, width: int) -> list[tuple[list[int], list[int]]]:
    """Of each row of R, which numbers it adds and which it takes off."""
    octets = -(-width // 8)
    stream = hashlib.shake_256(seed).digest(2 * ROWS * octets)
    each = [int.from_bytes(stream[at : at + octets]) for at in range(0, len(stream), octets)]
    bits = [[int(bit) for bit in f"{one:0{8 * octets}b}"] for one in each]
    return list(zip(bits[:ROWS], bits[ROWS:], strict=True))


def products(rows_: list[tuple[list[int], list[int]]], v: Sequence[int]) -> Iterator[int]:
    for added, taken in rows_:
        yield sum(compress(v, added)) - sum(compress(v, taken))


def prove_bounds(plan: dict[str, Any], about: bytes, vector: Sequence[int]) -> bytes:
    """The bytes of a proof.

    :param about: plan hash, fingerprint and C. :param vector: x and r_u.
    """
    bounds, (*x, r) = Bounds(plan), vector
    u = [root for p, q in bounds.sides(x, 1) for root in three_squares(p * p - q * q + 1)]
    y = [int.from_bytes(os.urandom(16)) % (bounds.t // 2) - bounds.t // 4 for _ in range(ROWS)]
    w = [*u, *y]
    at_x, at_w = [*range(len(x)), H], [*range(len(x), len(x) + len(w)), H]
    (r_d,) = scalars(1)
    point_d = combined(zip([*w, r_d], at_w, strict=True))
    said = b"privxray bounds v2" + about + point_d
    seen = rows(said + b"rows", len(x) + len(u))
    z = [one + mask for one, mask in zip(products(seen, [*x, *u]), y, strict=True)]
    assert max(map(abs, z)) <= bounds.t // 2
    sums = b"".join(one.to_bytes(16, "little", signed=True) for one in z)

    def hashed(*parts: bytes) -> int:
        return int.from_bytes(hashlib.shake_256(b"".join([said, sums, *parts])).digest(64), "little") % ORDER

    tau = power = hashed(b"weight")
    mu_x, mu_w, (theta_0, theta_1) = scalars(len(at_x)), scalars(len(at_w)), scalars(2)
    t_0 = t_1 = 0
    both = zip(bounds.sides(x, 1), bounds.sides(mu_x[:-1], 0), strict=True)
    for at, ((p, q), (p_mu, q_mu)) in zip(range(0, len(u), 3), both, strict=True):
        roots = list(zip(u[at : at + 3], mu_w[at : at + 3], strict=True))
        t_0 += power * (p_mu**2 - q_mu**2 - sum(mu**2 for _, mu in roots))
        t_1 += power * 2 * (p * p_mu - q * q_mu - sum(root * mu for root, mu in roots))
        power = power * tau % ORDER
    for one, mask in zip(products(seen, [*mu_x[:-1], *mu_w[: len(u)]]), mu_w[len(u) : -1], strict=True):
        t_1 += power * (one + mask)
        power = power * tau % ORDER
    masks = combined(zip(mu_x, at_x, strict=True)) + combined(zip(mu_w, at_w, strict=True))
    masks += combined([(t_0, OTHER), (theta_0, H)]) + combined([(t_1, OTHER), (theta_1, H)])
    e = hashed(masks, b"challenge")
    *s_x, sigma_x = [e * one + mask for one, mask in zip([*x, r], mu_x, strict=True)]
    *s_w, sigma_w = [e * one + mask for one, mask in zip([*w, r_d], mu_w, strict=True)]
    answers = [*s_x, *s_w, sigma_x, sigma_w, e * theta_1 + theta_0]
    return point_d + masks + sums + b"".join((one % ORDER).to_bytes(32, "little") for one in answers)
