"""Pedersen commitments to vectors of scalars (Pedersen 1991, section 3, for vectors).

A vector of d numbers travels as d + 1 scalars, the last of which is its blinding factor r:

    C = sum over i < d of x_i G_i  +  r H

*Hiding*: r is uniform, so C is a uniform point whatever x is, even for somebody who can take logarithms.
*Binding*: who could open a C to two vectors would know a relation between generators, hence a discrete
logarithm. *Additive*: the commitment to a sum is the sum of the commitments.

A number below zero is its residue modulo L. Residues modulo 2**64 would add up to something else modulo L, so
vectors with commitments are masked modulo L as well (:mod:`privxray.exchange.commitments.scalars`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from privxray.exchange.commitments.group import NEUTRAL, add, combine, generator, generators

BLINDING = generator(2**32 - 1)
"""H."""


def commit(scalars: Sequence[int]) -> bytes:
    """The commitment, 32 bytes, to d numbers and their blinding factor.

    :param scalars: shape [d + 1], each modulo L, or negative for short; the last is the blinding factor.
    """
    return combine(scalars, (*generators(len(scalars) - 1), BLINDING))


def add_commitments(commitments: Iterable[bytes]) -> bytes:
    """The commitment to the sum of what is committed to."""
    return reduce(add, commitments, NEUTRAL)
