"""A csv held against the data set: what is new, changed, unchanged, gone, or there under another name.

Copies of one image that were made in two ways are other files with the same picture. So images are compared
by their pictures too: a file whose picture its patient has already stands for the file that is there, and is
not counted twice. A picture that two patients have is a contradiction, and stops the run.

Tested in tests/unit/test_imaging_comparison.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from privxray.errors import MalformedError, PrivxrayError, RefusedError
from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.data_set.entries import Entry
from privxray.imaging.index_rows import IndexedRow, Ways, difference, with_content


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts of images.

    :ivar new: files that the data set lacked. :ivar changed: its label, patient or split is another one now.
    :ivar unchanged: in the data set as the csv has it. :ivar renamed: of the changed and the unchanged, those
        whose file is another one.
    :ivar gone: in the data set, and not in the csv.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    renamed: int = 0
    gone: int = 0


def compare(rows: Sequence[IndexedRow], taken: Sequence[IndexedRow], dataset: Dataset) -> Comparison:
    """Compare the rows of a csv with the index, before it is changed.

    :param taken: the same rows after :func:`one_picture_each`.
    """
    kept: dict[bytes, Entry] = {entry.content: entry for entry in dataset.entries()}
    came = [one.entry for one in taken]
    inside = [entry for entry in came if entry.content in kept]
    changed = sum(kept[entry.content] != entry for entry in inside)
    return Comparison(
        new=len(came) - len(inside),
        changed=changed,
        unchanged=len(inside) - changed,
        renamed=sum(
            old.entry.content != new.entry.content and new.entry.content in kept
            for old, new in zip(rows, taken, strict=True)
        ),
        gone=len(kept.keys() - {entry.content for entry in came}),
    )


def one_picture_each(
    rows: Sequence[IndexedRow], dataset: Dataset, csv: str, ways: Ways
) -> tuple[list[IndexedRow], list[tuple[PrivxrayError, str]]]:
    """The rows, where each picture of a patient goes by one file, and what contradicts that.

    :param csv: what an error calls the csv.
    :returns: the rows, and errors with their places.
    """
    kept = {dataset.picture(entry.content): entry for entry in dataset.entries()}
    first: dict[bytes, IndexedRow] = {}
    taken: list[IndexedRow] = []
    problems: list[tuple[PrivxrayError, str]] = []
    for one in rows:
        picture = dataset.picture(one.entry.content)
        before = first.setdefault(picture, one)
        if differs := difference(before.entry, one.entry):
            if before.entry.content != one.entry.content:  # the same bytes are told of already
                problems.append((_in_csv(before, one, csv, differs), f"row {one.row.number}"))
            continue_as = one
        else:
            continue_as = with_content(one, before.entry.content)
        inside = kept.get(picture)
        if inside is not None and inside.patient == one.entry.patient:
            continue_as = with_content(one, inside.content)
        if inside is not None and inside.content != one.entry.content and not ways.csv_counts:
            differs = difference(inside, one.entry)
            if differs:
                problems.append((_in_data_set(one, differs), f"row {one.row.number}"))
        taken.append(continue_as)
    return taken, problems


def _in_csv(before: IndexedRow, one: IndexedRow, csv: str, differs: str) -> MalformedError:
    return MalformedError(
        f"rows {before.row.number} and {one.row.number} name two files with the same picture, but another "
        f"{differs}",
        reason="labels.picture-of-two-patients" if differs == "patient" else "labels.picture-of-two-labels",
        file=csv,
        advice="Correct or remove one of the two rows",
    )


def _in_data_set(one: IndexedRow, differs: str) -> RefusedError:
    return RefusedError(
        f"the picture of this file is in the data set already, under another name and with another {differs} "
        f"(row {one.row.number})",
        reason="dataset.picture-of-other-patient"
        if differs == "patient"
        else "dataset.picture-of-other-label",
        file=one.name,
        advice="If these are new copies of the same images, type the command again with --replace, which "
        "makes this csv the whole data set",
    )
