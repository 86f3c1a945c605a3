"""Which bits of a cell are the sample, and its value (PS3.5 8.1.1, PS3.3 C.7.6.3.1).

A cell has Bits Allocated, the sample in it Bits Stored, and its highest bit is High Bit. Since 2014 the
standard wants High Bit to be Bits Stored - 1; older files may say otherwise. pydicom takes the lowest bits
whatever High Bit says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from privxray.imaging.display.attributes import word
from privxray.imaging.display.limits import AttributeTroubleError

Values: TypeAlias = npt.NDArray[Any]
"""Numbers ``[rows, columns]`` of any type."""

_BITS = "image.bits"


@dataclass(frozen=True, slots=True)
class SampleBits:
    """Where the sample lies in its cell.

    :ivar shift: bits of the cell below the sample. :ivar signed: the sample is in two's complement.
    """

    allocated: int
    stored: int
    shift: int
    signed: bool

    @classmethod
    def of(cls, file: Dataset) -> SampleBits:
        """What a data set says of its cells. High Bit is Bits Stored - 1 where it is absent or can't be true.

        :raises AttributeTroubleError: an attribute is absent or impossible, and no other tells what is meant.
        """
        allocated, stored, sign = (
            _needed(file, keyword) for keyword in ("BitsAllocated", "BitsStored", "PixelRepresentation")
        )
        if allocated != 1 and allocated % 8:
            raise AttributeTroubleError(_BITS, "BitsAllocated")  # packed in 12 bits, as ACR-NEMA allowed
        if not 1 <= stored <= allocated:
            raise AttributeTroubleError(_BITS, "BitsStored")
        if sign > 1:
            raise AttributeTroubleError(_BITS, "PixelRepresentation")
        high = word(file, "HighBit", _BITS)
        if high is None or stored == allocated or high < stored:
            high = stored - 1  # nothing else is possible
        if high >= allocated:
            raise AttributeTroubleError(_BITS, "HighBit")
        return cls(allocated, stored, high + 1 - stored, bool(sign))

    @property
    def smallest(self) -> int:
        """The smallest value that a sample can have."""
        return -(1 << self.stored - 1) if self.signed else 0

    @property
    def largest(self) -> int:
        """The largest value that a sample can have."""
        return self.smallest + (1 << self.stored) - 1

    def values(self, cells: Values) -> Values:
        """The samples of whole cells, in the type of the cells.

        :param cells: ``[rows, columns]``, as pydicom gives them with ``correct_unused_bits=False``.
        :raises AttributeTroubleError: High Bit says that the sample lies high in its cell, and the pixels lie
            low: there is something below it, and nothing above where it would end if it lay low.
        """
        if self.stored == self.allocated or cells.dtype.kind not in "iu":
            return cells
        unused = cells.dtype.itemsize * 8 - self.stored
        if unused < self.shift:
            raise AttributeTroubleError(_BITS, "HighBit")
        # Moved to the top of the cell and back, so that what is above the sample falls out, and its sign
        # fills the cell where it has one.
        typed = cells.astype(f"{'i' if self.signed else 'u'}{cells.dtype.itemsize}", copy=False)
        if self.shift and (typed & ((1 << self.shift) - 1)).any() and self._lies_low(typed):
            raise AttributeTroubleError(_BITS, "HighBit")
        samples: Values = np.right_shift(np.left_shift(typed, unused - self.shift), unused)
        return samples

    def _lies_low(self, cells: Values) -> bool:
        """Whether nothing but copies of a sign is above where the sample would end if it lay low."""
        above = np.right_shift(cells, self.stored - 1 if self.signed else self.stored)
        return bool(((above == 0) | (above == -1)).all() if self.signed else not above.any())


def _needed(file: Dataset, keyword: str) -> int:
    number = word(file, keyword, _BITS)
    if number is None:
        raise AttributeTroubleError(_BITS, keyword)
    return number
