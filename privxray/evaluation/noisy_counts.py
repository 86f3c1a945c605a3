"""Noisy counts of patients by class, band of age and sex: the sums along each of these, with their errors.

Each number in the table has Gaussian noise of its own, so a sum of m of them has sqrt(m) times its deviation.

Tested in tests/unit/test_noisy_counts.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLEAR = 3.0
"""A count below so many standard errors can't be told from none. A description has some fifteen counts: of
so many groups of nobody, one is above two standard errors in three studies of ten, above three in one of
fifty."""


@dataclass(frozen=True)
class NoisyCount:
    """A number of patients. :ivar error: the standard deviation of its noise."""

    by: str
    name: str
    value: float
    error: float

    @property
    def is_clear(self) -> bool:
        """Whether it can be told from none."""
        return self.value >= CLEAR * self.error


@dataclass(frozen=True)
class Axis:
    """What the table is split by, and the names of its parts in their order."""

    by: str
    names: tuple[str, ...]


def noisy_sums(counts: Floats, axes: Sequence[Axis], deviation: float) -> list[NoisyCount]:
    """The number of all patients, then those along each axis.

    :param counts: the noisy table, with an axis of as many cells as each of ``axes`` has names.
    :param deviation: the standard deviation of the noise in each cell.
    """
    whole = NoisyCount("all", "all patients", float(counts.sum()), deviation * math.sqrt(counts.size))
    return [whole, *(one for number in range(len(axes)) for one in _along(counts, axes, number, deviation))]


def _along(counts: Floats, axes: Sequence[Axis], number: int, deviation: float) -> Iterator[NoisyCount]:
    others = tuple(place for place in range(counts.ndim) if place != number)
    sums = counts.sum(axis=others)
    error = deviation * math.sqrt(counts.size / len(sums))
    for name, value in zip(axes[number].names, sums, strict=True):
        yield NoisyCount(axes[number].by, name, float(value), error)
