"""What is odd among the images of a set: another background than most, and the same picture twice.

Nothing here leaves an image out; see :mod:`privxray.imaging.judging`.

Tested in tests/unit/test_imaging_judging.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from privxray.imaging.judging.one_picture import Judgement

ALIKE = 8
"""Most bits in which two pictures differ that count as almost the same, of 256."""

_DARK, _LIGHT = 96, 160
_MOST = 0.8
_LEAST_FELLOWS = 5
_PAIRS, _FOURS = 0x5555555555555555, 0x3333333333333333
_EIGHTS, _SUM_UP = 0x0F0F0F0F0F0F0F0F, 0x0101010101010101
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Member:
    """One image of a set.

    :ivar content: stands for its file, ``picture`` for its pixels, and ``patient`` for its patient.
    """

    content: bytes
    picture: bytes
    patient: bytes
    split: str
    judgement: Judgement


def other_backgrounds(members: Sequence[Member]) -> list[int]:
    """The positions of images whose background is light where four in five are dark, or the reverse.

    That is how a radiograph of the other photometric sense looks (PS3.3 C.7.6.3.1.2).
    """
    if len(members) < _LEAST_FELLOWS:
        return []
    greys = np.array([member.judgement.background for member in members])
    dark, light = greys < _DARK, greys > _LIGHT
    if dark.mean() >= _MOST:
        return np.flatnonzero(light).tolist()
    if light.mean() >= _MOST:
        return np.flatnonzero(dark).tolist()
    return []


def same_pictures(members: Sequence[Member]) -> Iterator[tuple[int, int]]:
    """Pairs of positions that are of one picture: each with the first of its kind."""
    first: dict[bytes, int] = {}
    for place, member in enumerate(members):
        if first.setdefault(member.picture, place) != place:
            yield first[member.picture], place


def alike_pictures(members: Sequence[Member]) -> Iterator[tuple[int, int]]:
    """Pairs of positions whose pictures are almost the same, and not quite.

    All pairs are compared: 5,000 images take about a second, 50,000 some minutes.
    """
    if not members:
        return
    bits = np.frombuffer(b"".join(member.judgement.likeness for member in members), np.uint64)
    bits = bits.reshape(len(members), -1)
    for start in range(0, len(members), _BLOCK):
        block = bits[start : start + _BLOCK]
        near = _distances(block, bits[start:]) <= ALIKE
        for one, other in np.argwhere(np.triu(near, 1)).tolist():
            pair = start + one, start + other
            if members[pair[0]].picture != members[pair[1]].picture:
                yield pair


def _distances(some: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """In how many bits each of some differs from each of others, ``[len(some), len(others)]``."""
    total = np.zeros((len(some), len(others)), np.int64)
    for word in range(some.shape[1]):
        total += _ones(some[:, word, None] ^ others[None, :, word])
    return total


def _ones(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """How many bits of each word are set; numpy counts them itself from version 2 on."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(words).astype(np.int64)
    pairs, fours, eights, sum_up = map(np.uint64, (_PAIRS, _FOURS, _EIGHTS, _SUM_UP))
    one, two, four, top = map(np.uint64, (1, 2, 4, 56))
    words = words - ((words >> one) & pairs)
    words = (words & fours) + ((words >> two) & fours)
    return ((((words + (words >> four)) & eights) * sum_up) >> top).astype(np.int64)
