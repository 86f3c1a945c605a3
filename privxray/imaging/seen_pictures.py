"""What is odd about the pictures of an ingest, each by itself and among the others.

Tested in tests/unit/test_imaging_judging.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.index_rows import IndexedRow
from privxray.imaging.judging.one_picture import Remark
from privxray.imaging.judging.set_of_pictures import (
    Member,
    alike_pictures,
    other_backgrounds,
    same_pictures,
)

_BEYOND = "an image of the data set that is not in this csv"


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """One image of the csv.

    :ivar name: the file's public name. :ivar row: of the csv. :ivar remarks: what is odd about it.
    :ivar image: uint8 ``[260, 260]`` where the data set does not have it.
    :ivar content: stands for its file in the data set; empty where that does not have it.
    :ivar twins: names of the images whose picture is the same or almost the same.
    """

    name: str
    row: int
    label: str
    split: str
    remarks: tuple[Remark, ...]
    image: npt.NDArray[np.uint8] | None = field(default=None, repr=False)
    content: bytes = b""
    twins: tuple[str, ...] = ()


def seen_pictures(rows: Sequence[IndexedRow], dataset: Dataset) -> tuple[SeenPicture, ...]:
    """The images of the csv with their remarks; they are compared with the whole data set.

    :param rows: of the csv, which are in the index.
    """
    entries = [one.entry for one in rows]
    listed = {entry.content for entry in entries}
    entries += [entry for entry in dataset.entries() if entry.content not in listed]
    members = [
        Member(e.content, dataset.picture(e.content), e.patient, e.split, dataset.judgement(e.content))
        for e in entries
    ]
    remarks = [list(member.judgement.remarks) for member in members]
    for place in other_backgrounds(members):
        remarks[place].append(Remark("background"))
    twins: list[list[str]] = [[] for _ in members]
    names = [one.name for one in rows] + [_BEYOND] * (len(members) - len(rows))
    for one, other in same_pictures(members):
        for place, twin in ((one, other), (other, one)):
            remarks[place].append(Remark("same-patient"))
            twins[place].append(names[twin])
    for one, other in alike_pictures(members):
        for place, twin in ((one, other), (other, one)):
            remarks[place] += [Remark(kind) for kind in _alike(members[one], members[other])]
            twins[place].append(names[twin])
    return tuple(
        SeenPicture(
            one.name,
            one.row.number,
            one.entry.label,
            one.entry.split,
            tuple(dict.fromkeys(remarks[place])),
            content=one.entry.content,
            twins=tuple(dict.fromkeys(twins[place])),
        )
        for place, one in enumerate(rows)
    )


def _alike(one: Member, other: Member) -> list[str]:
    if one.patient == other.patient:
        return ["alike-patient"]
    return ["alike-patients", *(["alike-splits"] if one.split != other.split else [])]


def names_by_remark(pictures: Sequence[SeenPicture]) -> dict[str, tuple[str, ...]]:
    """The names of the pictures about which there is a remark, by its kind."""
    kinds: dict[str, list[str]] = {}
    for picture in pictures:
        for kind in dict.fromkeys(remark.kind for remark in picture.remarks):
            kinds.setdefault(kind, []).append(picture.name)
    return {kind: tuple(names) for kind, names in kinds.items()}
