"""The sum of the patients' clipped gradients, exact: no patient changes what another one adds to it.

**The contribution of a patient** is a function of that patient's own row. The row x (float32) has the length
N, computed in float64. Each coordinate of x is multiplied by C / max(N, C) in float64 and cut, towards zero,
to a whole number of units, where a unit u is a power of two. A row that is not finite contributes zero.

**The sum is exact.** It is a sum of whole numbers, in 64-bit integers, in any order and in chunks of any
size. A contribution has at most 2^32 units in a coordinate, so that 2^30 patients, more than a plan may
state, don't overflow. So the sum with a patient minus the sum without is that patient's contribution, to the
last bit, and adding up has no rounding that an inflation of the sensitivity would have to cover. (Sums that
round do: of rows of length C, n at a time, in arithmetic of unit roundoff e, they move by up to 2 n (n - 1) e
C when a patient is added. In float32 that passes 1e-6 C at n = 4.)

**The sensitivity** is at most C times :func:`inflation`, for two reasons. The first is the rounding of N: a
sum of d squares in floating point, in any order, is at least (1 - d e) times the true one (Higham 2002,
"Accuracy and stability of numerical algorithms", section 4.2), and there are four more roundings, for the
root, the quotient and the product. Cutting towards zero makes no number larger. The second is that float64,
in which noise is added, holds a sum of up to 2^20 patients exactly, and rounds that of more by at most 2^-53
of its length, which is n C at most; two sums of neighbours together by 2^-52 n C. For ResNet-18 in float64
the first is 6.2e-10, and the second 2.4e-7 for 2^30 patients. ``SENSITIVITY_INFLATION`` allows for 1e-6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from privxray.learning.dp_sgd.layer_gradients import Rows
from privxray.privacy.noise import SENSITIVITY_INFLATION

DOUBLE = 53
"""Binary digits of a float64."""

_SCRATCH = {"cpu": 1 << 17, "cuda": 1 << 26}  # numbers in float64 at a time: on a CPU they stay in a cache


MOST_PATIENTS = 1 << 30
"""In a step. No plan may state as many, and no memory holds them."""

_UNITS = 32  # binary digits of a coordinate as long as the clip


def unit(clip: float) -> float:
    """The power of two that contributions of at most this length are whole multiples of.

    The clip, > 0, is between 2^31 and 2^32 units.
    """
    return math.ldexp(1.0, math.frexp(clip)[1] - _UNITS)


def inflation(width: int, digits: int = DOUBLE, patients: int = MOST_PATIENTS) -> float:
    """How far a patient may move the sum for the rounding of numbers, as a multiple of C.

    The argument is in the head of this module. The size of a chunk has no part in it: chunks add up exactly.

    :param width: d, how many numbers a row has. :param digits: of the numbers in which its length is measured
        and the sum is handed on. :param patients: the most in a step.
    """
    roundoff = 2.0**-digits
    error = (width + 1) * roundoff
    if error >= 1.0:
        return math.inf
    exact = patients << _UNITS <= 1 << digits
    return (1.0 + 4 * roundoff) / math.sqrt(1.0 - error) + (0.0 if exact else 2 * patients * roundoff)


class ClippedSum:
    """The sum over patients, to which rows of images are added, some at a time.

    :param shapes: of the parameters.
    :param clip: C, the longest that a patient's contribution may be.
    :param device: where the rows are.
    :ivar whole: false once a call of :meth:`add` failed in the middle of adding: the sum is of no use then.
    :raises ValueError: rows are so wide that float64 can't measure them within the noise's allowance.
    """

    def __init__(self, shapes: Sequence[torch.Size], clip: float, device: torch.device) -> None:
        self._shapes = shapes
        if inflation(sum(map(math.prod, shapes))) > SENSITIVITY_INFLATION:
            raise ValueError("a row of so many numbers is clipped too inexactly")
        self._clip = clip
        self._unit = unit(clip)
        self._device = device
        self._carry: Rows | None = None
        self.whole = True
        self._totals = [torch.zeros(math.prod(s), dtype=torch.int64, device=device) for s in shapes]
        self._scratch = torch.empty(_SCRATCH[device.type], dtype=torch.float64, device=device)
        self._whole = torch.empty(_SCRATCH[device.type], dtype=torch.int64, device=device)

    def add(self, rows: Rows, owners: NDArray[np.int64], ends: NDArray[np.bool_]) -> None:
        """Add the patients whose last image is among these; an unfinished one is carried to the next call.

        A patient's row is the sum of the rows of the patient's images, one after the other in float32: the
        same numbers in the same order wherever a call ends. If memory runs out, nothing was added and the
        same call may be made again with rows made anew; or else the sum is no longer :attr:`whole`.

        :param rows: [G, P] for each parameter, one row an image; overwritten.
        :param owners: [n] the patients of the first n <= G rows, n >= 1, ascending. The other rows are blank.
        :param ends: [n] whether an image is the last one of its patient.
        """
        number = len(owners)
        if self._carry is not None:
            for row, before in zip(rows, self._carry, strict=True):
                row[0] += before
        _run_on(rows, owners)
        finished = np.zeros(len(rows[0]), dtype=bool)
        finished[:number] = ends
        carry = None if ends[-1] else [row[number - 1].clone() for row in rows]
        if finished.any():
            self._add_rows(rows, torch.from_numpy(finished).to(self._device))
        self._carry = carry

    def total(self) -> list[torch.Tensor]:
        """The exact sum, a tensor in float64 for each parameter, on the device."""
        return [
            (total.double() * self._unit).view(shape)
            for total, shape in zip(self._totals, self._shapes, strict=True)
        ]

    def lengths(self, rows: Rows) -> torch.Tensor:
        """[G] the Euclidean lengths of rows, in float64. NaN or infinite where a row is not finite."""
        squares = torch.zeros(len(rows[0]), dtype=torch.float64, device=self._device)
        for row in rows:
            for part in torch.split(row, self._columns(row), dim=1):
                squares += self._double(part).square_().sum(dim=1)
        return squares.sqrt_()

    def _add_rows(self, rows: Rows, finished: torch.Tensor) -> None:
        """Clip the finished rows and add them. After the lengths are known, no memory is asked for."""
        lengths = self.lengths(rows)
        usable = finished & torch.isfinite(lengths)
        factors = (self._clip / lengths.clamp(min=self._clip) / self._unit).unsqueeze(1)
        # On a CPU it costs nothing to look whether a row must be left out; a GPU would have to be waited for.
        all_usable = self._device.type == "cpu" and bool(usable.all())
        unusable = None if all_usable else ~usable.unsqueeze(1)
        line = torch.empty(max(map(self._columns, rows)), dtype=torch.int64, device=self._device)
        self.whole = False
        for row, total in zip(rows, self._totals, strict=True):
            columns = self._columns(row)
            for part, sums in zip(torch.split(row, columns, dim=1), torch.split(total, columns), strict=True):
                exact = self._double(part).mul_(factors)
                if unusable is not None:
                    exact.masked_fill_(unusable, 0.0)  # a factor of 0 is not enough: 0 * NaN is NaN
                # This cuts towards zero. torch.trunc does too, and takes several times as long.
                units = self._whole[: part.numel()].view(part.shape).copy_(exact)
                sums.add_(units[0] if len(units) == 1 else torch.sum(units, 0, out=line[: len(sums)]))
        self.whole = True

    def _columns(self, row: torch.Tensor) -> int:
        """How many columns of these rows are in float64 at a time."""
        return min(row.shape[1], len(self._scratch) // len(row))

    def _double(self, part: torch.Tensor) -> torch.Tensor:
        """A part of rows in float64, in memory that every part uses."""
        return self._scratch[: part.numel()].view(part.shape).copy_(part)


def _run_on(rows: Rows, owners: NDArray[np.int64]) -> None:
    """Add to each row the sum so far of its own patient's rows. The last one is then the patient's sum."""
    starts = np.append(True, owners[1:] != owners[:-1])
    if starts.all():
        return
    first = np.maximum.accumulate(np.where(starts, np.arange(len(owners)), 0))
    place = np.arange(len(owners)) - first
    for turn in range(1, int(place.max()) + 1):
        here = torch.from_numpy(np.flatnonzero(place == turn)).to(rows[0].device)
        for row in rows:
            row[here] += row[here - 1]
