"""docs/SPEC-2.md, section 13, once more: what a plan's bounds are, and whether a proof of them holds.

Not a line of privxray is used.
"""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction
from typing import Any

import spec_reader as spec
from spec_rules import Broken, demand, unb64

Json = Any
L = spec.ORDER
ROWS = 128


class Bounds:
    """The inequalities of a plan: (times, constant of p, place or d for S, factor and constant of q)."""

    def __init__(self, plan: Json) -> None:
        stated = plan["bounds"] or {"total": None, "shared": []}
        factors = {one["tensor"]: one["times"] for one in stated["shared"]}
        manifest = {one["name"]: one for one in plan["manifest"]}
        names = {*factors, *([stated["total"]] if stated["total"] else [])}
        demand(names <= set(manifest) and stated["total"] not in factors, "plan.bounds")
        total = manifest.get(stated["total"])
        bits = {manifest[name]["fraction_bits"] for name in names}
        demand(len(bits) <= 1, "plan.bounds")
        demand(len(factors) == len(stated["shared"]), "plan.bounds-twice")
        k = math.prod(total["shape"]) if total else 0
        whole = largest(total) if total else 0
        self.most = whole + k
        self.rules, at, self.summed = [], 0, range(0)
        for one in plan["manifest"]:
            size, c = math.prod(one["shape"]), factors.get(one["name"])
            if one["name"] == stated["total"]:
                self.summed = range(at, at + size)
            places = range(at, at + size)
            if at in self.summed:
                self.rules += [(0, self.most, place, -2, self.most) for place in places]
            elif c is not None:
                self.rules += [(2 * c, 2 * (c * k + 1), place, 2, 0) for place in places]
            if at not in self.summed and (c is None or largest(one) + c < c * whole):
                self.rules += [(0, 2 * largest(one), place, 2, 0) for place in places]
            at += size
        self.d = at
        demand(max(self.d, len(self.rules)) <= 2**13, "plan.bounds")
        if total:
            self.rules.append((0, self.most, self.d, -2, self.most))
        self.m = len(self.rules)
        steep = max(max(c, 2) for c, *_ in self.rules) * max(1, k)
        flat = max(max(p, q) for _, p, _, _, q in self.rules)
        self.t = 2**126
        while (steep * self.t + flat) ** 2 + 3 * self.t**2 + 1 >= L:
            self.t //= 2
        reach = sum(4 * (c * self.most + p + 1) for c, p, *_ in self.rules)
        demand(self.t >= 2**48 * reach, "plan.bounds")

    def length(self) -> int:
        return 5 * 32 + ROWS * 16 + 32 * (self.d + 3 * self.m + ROWS + 3)


def largest(tensor: Json) -> int:
    return math.floor(Fraction(tensor["bound"]) * 2 ** tensor["fraction_bits"] + Fraction(1, 2))


class Stated:
    """The parts of a proof, if it has the form that the plan demands."""

    def __init__(self, text: str, bounds: Bounds) -> None:
        data = unb64(text, "update.bounds-base64")
        demand(len(data) == bounds.length(), "update.bounds-form")
        self.points = [data[at : at + 32] for at in range(0, 160, 32)]
        self.sums = data[160 : 160 + 16 * ROWS]
        rest = data[160 + 16 * ROWS :]
        scalars = [int.from_bytes(rest[at : at + 32], "little") for at in range(0, len(rest), 32)]
        demand(max(scalars) < L, "update.bounds-form")
        for one in self.points:
            found = spec.decoded(one)
            good = found is not None and found != (0, 1) and spec.times(L, found) == (0, 1)
            demand(good, "update.bounds-form")
        split = bounds.d + 3 * bounds.m + ROWS
        self.x, self.w = scalars[: bounds.d], scalars[bounds.d : split]
        self.sigma_x, self.sigma_w, self.theta = scalars[split:]


def holds(text: str, bounds: Bounds, plan: str, sender: str, commitment: bytes) -> bool:
    """Whether a proof shows that the vector behind a commitment keeps to the bounds."""
    stated = Stated(text, bounds)
    d, m, count = bounds.d, bounds.m, bounds.d + 3 * bounds.m
    big_d, m_x, m_w, t_0, t_1 = stated.points
    z = [int.from_bytes(stated.sums[at : at + 16], "little", signed=True) for at in range(0, 16 * ROWS, 16)]
    if any(abs(one) > bounds.t // 2 for one in z):
        return False
    said = b"privxray bounds v2" + bytes.fromhex(plan) + bytes.fromhex(sender) + commitment + big_d
    octets = -(-count // 8)
    bits = hashlib.shake_256(said + b"rows").digest(2 * ROWS * octets)
    said += stated.sums
    tau = scalar(said + b"weight")
    e = scalar(said + m_x + m_w + t_0 + t_1 + b"challenge")

    def entry(k: int, i: int) -> int:
        one, two = (bits[(half * ROWS + k) * octets + i // 8] >> (7 - i % 8) & 1 for half in (0, 1))
        return one - two

    numbers = [*stated.x, sum(stated.x[place] for place in bounds.summed)]
    value = 0
    for j, (c, constant, place, factor, q_constant) in enumerate(bounds.rules):
        p, q = c * numbers[d] + e * constant, factor * numbers[place] + e * q_constant
        roots = stated.w[3 * j : 3 * j + 3]
        value += pow(tau, j + 1, L) * (p * p - q * q + e * e - sum(root * root for root in roots))
    short = [*stated.x, *stated.w[: 3 * m]]
    for k in range(ROWS):
        row = sum(entry(k, i) * one for i, one in enumerate(short))
        value += pow(tau, m + k + 1, L) * e * (row + stated.w[3 * m + k] - e * z[k])
    h = [(stated.sigma_x, 2**32 - 1)]
    sides = (
        ([*zip(stated.x, range(d), strict=True), *h], commitment, m_x),
        ([*zip(stated.w, range(d, d + len(stated.w)), strict=True), (stated.sigma_w, 2**32 - 1)], big_d, m_w),
        ([(value % L, 2**32 - 2), (stated.theta, 2**32 - 1)], t_1, t_0),
    )
    return all(
        same(spec.summed([(n, base(i)) for n, i in left]), spec.summed([(e, point(one)), (1, point(other))]))
        for left, one, other in sides
    )


def scalar(data: bytes) -> int:
    return int.from_bytes(hashlib.shake_256(data).digest(64), "little") % L


def base(index: int) -> spec.Extended:
    return spec.extended(spec.generator(index))


def point(data: bytes) -> spec.Extended:
    found = spec.decoded(data)
    if found is None:
        raise Broken("update.bounds-form")
    return spec.extended(found)


def same(one: spec.Extended, two: spec.Extended) -> bool:
    return all((one[at] * two[2] - two[at] * one[2]) % spec.FIELD == 0 for at in (0, 1))
