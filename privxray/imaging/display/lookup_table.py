"""The lookup tables of a data set: Modality LUT and VOI LUT (PS3.3 C.11.1.1.1 and C.11.2.1.1).

pydicom's ``apply_modality_lut`` and ``apply_voi`` are not used. They take the sign of the first input value
from the VR, which implicit VR does not state and many files state wrong; they can't read packed tables of
8 bits, nor Modality LUTs of 10 to 15 bits; and where a table has entries of 8 bits, they count its places in
8 bits, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from privxray.imaging.display.attributes import signed_word, word_type, words
from privxray.imaging.display.limits import AttributeTroubleError
from privxray.imaging.display.sample_bits import Values

Entries = npt.NDArray[np.uint16]

_LUT: Final = "image.lut"
_BYTE: Final = 8
_WORD: Final = 16
_PARTS: Final = 3


class Inputs(NamedTuple):
    """The smallest and the largest value that can come to a table, whatever the picture is."""

    smallest: float
    largest: float


@dataclass(frozen=True, slots=True)
class LookupTable:
    """One table.

    :ivar first: the input value of the first entry. :ivar entries: the outputs, from there on.
    :ivar bits: the outputs run from 0 to ``2 ** bits - 1``.
    """

    first: int
    entries: Entries
    bits: int

    def apply(self, values: Values) -> npt.NDArray[np.uint16]:
        """The outputs for these inputs; beyond either end of the table, those of that end."""
        places = np.rint(values.astype(np.float64)) - self.first
        outputs: Entries = self.entries[np.clip(places, 0, len(self.entries) - 1).astype(np.int32)]
        return outputs


def first_table(file: Dataset, keyword: str, inputs: Inputs) -> LookupTable | None:
    """The first table of a sequence that has both descriptor and data; None where there is none.

    :param keyword: ``ModalityLUTSequence`` or ``VOILUTSequence``.
    :param inputs: what can come to the table; it tells the sign of the first input.
    :raises AttributeTroubleError: descriptor and data contradict each other.
    """
    for item in file.get(keyword) or []:
        descriptor = words(file, item, "LUTDescriptor", _LUT)
        if descriptor and item.get("LUTData"):
            return _table(file, item, descriptor, inputs)
    return None


def _table(file: Dataset, item: Dataset, descriptor: list[int], inputs: Inputs) -> LookupTable:
    if len(descriptor) != _PARTS:
        raise AttributeTroubleError(_LUT, "LUTDescriptor")
    count, first, claimed = descriptor[0] or 1 << _WORD, descriptor[1], descriptor[2]
    entries, packed = _entries(file, item, count)
    used = max(int(entries.max()).bit_length(), 1)
    if packed or (claimed <= _BYTE and used <= _BYTE):
        bits = _BYTE
    else:  # descriptors that say 16 for values of 12 bits are common, and so are 8 for values of more
        bits = min(claimed, used) if claimed > _BYTE else used
    return LookupTable(_first_input(item, first, count, inputs), entries, bits)


def _entries(file: Dataset, item: Dataset, count: int) -> tuple[Entries, bool]:
    """The entries, and whether they were bytes: the length of the data tells (C.11.2.1.1, note).

    :raises AttributeTroubleError: the data is too short.
    """
    data = item["LUTData"].value
    as_bytes = isinstance(data, bytes)
    if as_bytes and item["LUTData"].VR == "OB" and len(data) in (count, count + 1):
        return np.frombuffer(data, np.uint8)[:count].astype(np.uint16), True
    if as_bytes:
        data = data[: len(data) // 2 * 2]
        cells = np.frombuffer(data, word_type(file)).astype(np.uint16)
    else:
        cells = np.array(words(file, item, "LUTData", _LUT), np.uint16)
    if len(cells) >= count:
        return cells[:count], False
    if len(cells) == (count + 1) // 2:  # the first entry of two is the lower byte
        return cells.astype("<u2").view(np.uint8)[:count].astype(np.uint16), True
    raise AttributeTroubleError(_LUT, "LUTData")


def _first_input(item: Dataset, first: int, count: int, inputs: Inputs) -> int:
    """The first input with its sign: the reading that more inputs fall into; if both do alike, the VR's."""
    readings = [first, signed_word(first)]
    if item["LUTDescriptor"].VR == "SS":
        readings.reverse()
    return max(
        readings,
        key=lambda start: min(inputs.largest, start + count - 1) - max(inputs.smallest, start),
    )
