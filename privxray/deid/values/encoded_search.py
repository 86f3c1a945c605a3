"""Names beyond Latin-1 in bytes whose encoding nobody knows, in each encoding that their script has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from privxray.deid.values.unspaced_scripts import SHORTEST_CODE, encodings

_HEAD: Final = 4
_FEW: Final = 512  # bytes up to which Python alone is faster
_BITS: Final = 20
_FACTORS: Final = tuple(map(np.uint32, (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F)))


class EncodedSearch:
    """Looks for all of them in one pass over a block, by a hash of each four bytes.

    :param names: as they are written, not folded.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_head: dict[bytes, list[bytes]] = {}
        for code in {code for name in names for code in encodings(name)}:
            self._by_head.setdefault(code[:_HEAD], []).append(code)
        self._marked = np.zeros(1 << _BITS, dtype=bool)
        for head in self._by_head:
            self._marked[_hashes(np.frombuffer(head, np.uint8))] = True

    def __bool__(self) -> bool:
        return bool(self._by_head)

    def found(self, block: bytes) -> bool:
        """True if a block of bytes holds one of the names."""
        if len(block) < SHORTEST_CODE or not self._by_head:
            return False
        places: Iterable[int] = range(len(block) - _HEAD)
        if len(block) > _FEW:
            places = map(int, np.flatnonzero(self._marked[_hashes(np.frombuffer(block, np.uint8))]))
        return any(
            block.startswith(code, place)
            for place in places
            for code in self._by_head.get(block[place : place + _HEAD], ())
        )


def _hashes(data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """A hash of :data:`_BITS` bits for each four bytes in a row."""
    wide = data.astype(np.uint32)
    mixed = np.zeros(max(len(wide) - _HEAD + 1, 0), np.uint32)
    for place, factor in enumerate(_FACTORS):
        mixed += wide[place : place + len(mixed)] * factor
    return mixed >> np.uint32(32 - _BITS)
