"""What is proven of a vector: inequalities between whole numbers, which a plan fixes.

A vector x has d whole numbers, the quantised numbers of its tensors. Of a tensor with bound B and f fraction
bits let b = floor(B 2^f + 1/2), the largest number that quantising gives. Three kinds of tensor:

- **plain**: every number of it is from -b to b.
- **total**, at most one: every number t_k of it is 0 or more, and their sum S is from 0 to b + K, where K is
  how many there are (rounding adds up to 1/2 to each). For the linear probe it is the class counts, and S
  what the hospital weighs.
- **shared**, with a factor c: every number of it is from -(c S + c K + 1) to c S + c K + 1. For the linear
  probe these are the head and the centre, both times S: so no number of a hospital's own head is above c. If
  its b is smaller than c times that of the total by more than c, every number of it is from -b to b as well.

Each of these says |q| <= p for two affine forms of x, with p even where q is. It holds exactly where
p^2 - q^2 >= 0, thus where p^2 - q^2 + 1 is a sum of three squares (:mod:`.three_squares`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from privxray.exchange.bounds import MAX_PROVEN
from privxray.exchange.commitments.group import ORDER
from privxray.formats.tensors import TensorSpec, total_size

ROWS: Final = 128
"""Random combinations that show a committed vector to be short. Each overlooks a long one with chance 1/2."""
_LEAST_HIDING: Final = 40
"""What the combinations tell about a vector is at most 2 to minus this (as a statistical distance)."""


class Inequality(NamedTuple):
    """|q| <= p, with p = times S + most and q = scale x_at + offset; at = d stands for S."""

    times: int
    most: int
    at: int
    scale: int
    offset: int

    def sides(self, numbers: Sequence[int], one: int) -> tuple[int, int]:
        """The forms p and q.

        :param numbers: shape [d + 1]: the vector and S.
        :param one: what the constant terms are multiplied by: 1 for the forms themselves.
        """
        return (
            self.times * numbers[-1] + self.most * one,
            self.scale * numbers[self.at] + self.offset * one,
        )


@dataclass(frozen=True)
class Statement:
    """What a plan's vectors have to keep to.

    :ivar size: d.
    :ivar total: which numbers S adds up; an empty range where there is no total.
    :ivar inequalities: m of them.
    :ivar limits: by tensor, the largest magnitude of a number that keeps to all this. Rounding lets it be a
        little above the tensor's own bound.
    :ivar longest: T, a power of two. What was shown to be below T in magnitude keeps every equation of the
        proof below L in magnitude, so that it holds between whole numbers.
    :ivar hiding: the combinations tell two vectors apart with an advantage of at most 2 to minus this.
    """

    size: int
    total: range
    inequalities: tuple[Inequality, ...]
    limits: Mapping[str, int]
    longest: int
    hiding: int

    @property
    def short(self) -> int:
        """The d + 3 m numbers that are shown to be short, the vector and three roots an inequality."""
        return self.size + 3 * len(self.inequalities)

    @property
    def length(self) -> int:
        """The d + 3 m + 128 numbers that a proof commits to."""
        return self.short + ROWS

    def with_total(self, numbers: Sequence[int]) -> list[int]:
        """The vector, of shape [d], and its S."""
        return [*numbers, sum(numbers[at] for at in self.total)]


def largest(spec: TensorSpec) -> int:
    """b, the largest number that quantising gives for a tensor."""
    return math.floor(Fraction(spec.bound) * (1 << spec.fraction_bits) + Fraction(1, 2))


def statement_of(
    manifest: Sequence[TensorSpec], total: str | None = None, times: Mapping[str, int] | None = None
) -> Statement:
    """What vectors of this manifest have to keep to.

    :param total: the tensor whose numbers add up to S, if there is one.
    :param times: by name of a shared tensor, its factor c, at least 1.
    :raises ValueError: the vector is too long; a tensor is not there, or is total and shared at once; a
        shared one has other fraction bits than the total; or the numbers are so large that the proof would
        not hide them.
    """
    factors, places, size = dict(times or {}), _places(manifest), total_size(manifest)
    if size > MAX_PROVEN:  # before a list is made of them
        raise _too_many()
    summed, most = _total(places, total, factors)
    rules: list[Inequality] = []
    limits: dict[str, int] = {}
    for spec, at in places.values():
        if at == summed:
            found, limits[spec.name] = [Inequality(0, most, place, -2, most) for place in at], most
        else:
            found, limits[spec.name] = _rules(spec, at, factors.get(spec.name, 0), most, len(summed))
        rules += found
    if len(rules) > MAX_PROVEN:
        raise _too_many()
    if total is not None:
        rules.append(Inequality(0, most, size, -2, most))
    longest = _longest(rules, max(1, len(summed)))
    # What a row adds up to, at most, where the vector keeps to all this: no number is larger than its p, and
    # no root than p + 1.
    reach = sum(4 * (rule.times * most + rule.most + 1) for rule in rules)
    hiding = (longest // (2 * ROWS * reach)).bit_length() - 1
    if hiding < _LEAST_HIDING:
        raise ValueError("the numbers are too large for a proof that hides them")
    return Statement(size, summed, tuple(rules), limits, longest, hiding)


def _total(
    places: Mapping[str, tuple[TensorSpec, range]], total: str | None, factors: Mapping[str, int]
) -> tuple[range, int]:
    """Which numbers S adds up, and M; no number and 0 where there is no total.

    :raises ValueError: as :func:`statement_of`.
    """
    if not {*factors, *([total] if total else [])} <= places.keys() or total in factors:
        raise ValueError("a tensor of the bounds is not in the vector, or is there in two ways")
    if total is None:
        if factors:
            raise ValueError("numbers can't be bounded by a total that there is not")
        return range(0), 0
    spec, summed = places[total]
    if any(places[name][0].fraction_bits != spec.fraction_bits for name in factors):
        raise ValueError("the total and what it bounds have different fraction bits")
    return summed, largest(spec) + len(summed)


def _too_many() -> ValueError:
    return ValueError(f"bounds are proven of at most {MAX_PROVEN} numbers")


def _rules(spec: TensorSpec, at: range, factor: int, most: int, summed: int) -> tuple[list[Inequality], int]:
    """The inequalities of a tensor that is not the total, and the most that a number of it can be.

    Where it is shared, its own bound is proven only if that does not follow, but for rounding.

    :param factor: c of a shared tensor, else 0; ``most`` is M, and ``summed`` is K.
    """
    own, slack = largest(spec), factor * summed + 1
    shared = [Inequality(2 * factor, 2 * slack, place, 2, 0) for place in at] if factor else []
    if factor and own + factor >= factor * (most - summed):  # both were rounded
        return shared, factor * most + slack
    return [*shared, *(Inequality(0, 2 * own, place, 2, 0) for place in at)], own


def _places(manifest: Sequence[TensorSpec]) -> dict[str, tuple[TensorSpec, range]]:
    """Where in the vector each tensor stands."""
    places, start = {}, 0
    for spec in manifest:
        places[spec.name] = spec, range(start, start + spec.size)
        start += spec.size
    return places


def _longest(found: Sequence[Inequality], summed: int) -> int:
    """T: the largest power of two with (c T + k)^2 + 3 T^2 + 1 < L, where |p| and |q| are at most c T + k."""
    c = max(max(rule.times, abs(rule.scale)) for rule in found) * summed
    k = max(max(rule.most, abs(rule.offset)) for rule in found)
    longest = 1 << 126
    while (c * longest + k) ** 2 + 3 * longest**2 + 1 >= ORDER:
        longest >>= 1
    return longest
