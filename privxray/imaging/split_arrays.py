"""One split of the data set as arrays: frozen features or pixels, class indices and patient numbers.

The features of each image are computed once and kept in the data set, every few images, so that an
interrupted run goes on where it stopped. All rows come in the order of
:meth:`privxray.imaging.data_set.study_index.StudyIndex.entries`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from privxray.errors import SystemTroubleError, WorkspaceError
from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.data_set.entries import Entry
from privxray.imaging.display.grey import shrink

Progress = Callable[[int, int], None]
Extract = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]

KEEP = 64
"""Images whose features are computed between two transactions: about two seconds of work."""


class SplitArrays(NamedTuple):
    """One split; row for row one image.

    :ivar inputs: features, float32 ``[N, D]``, or pixels, uint8 ``[N, size, size]``.
    :ivar labels: class indices, int64 ``[N]``.
    :ivar patients: patients as numbers from 0 without gaps, int64 ``[N]``.
    """

    inputs: npt.NDArray[np.float32] | npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    patients: npt.NDArray[np.int64]


@dataclass(frozen=True)
class FeatureSource:
    """Where frozen features come from.

    :ivar name: what they are kept under; it names all that they depend on.
    :ivar dim: D, the numbers of an image.
    :ivar opened: loads the extractor; called only where features are missing.
    :ivar may_fail: an image may have a row of zeros. Of a built-in extractor that can't be.
    """

    name: str
    dim: int
    opened: Callable[[], AbstractContextManager[Extract]]
    may_fail: bool = False


def features_of_split(
    dataset: Dataset,
    split: str,
    classes: Sequence[str],
    *,
    source: FeatureSource,
    progress: Progress | None = None,
) -> SplitArrays:
    """The frozen features of a split, float32 ``[N, D]``. Missing ones are computed and kept.

    :param classes: of the study, in the order of their indices.
    :param progress: called with how many of the split's images have features, and how many there are.
    :raises WorkspaceError: the data set holds a label that the study doesn't know.
    :raises MalformedError: the data set is damaged.
    :raises SystemTroubleError: the extractor gave a row of zeros, or a value that is not a finite number.
    """
    entries = dataset.entries(split)
    labels = _class_indices(entries, classes)
    contents = list(dict.fromkeys(entry.content for entry in entries))
    kept = dataset.has_features(source.name)
    missing = [content for content in contents if content not in kept]
    if missing:
        done = len(contents) - len(missing)
        for count in _compute(dataset, missing, source):
            done += count
            if progress is not None:
                progress(done, len(contents))
    features = _kept_features(dataset, entries, source)
    return SplitArrays(features, labels, _patient_numbers(entries))


def pixels_of_split(dataset: Dataset, split: str, size: int, classes: Sequence[str]) -> SplitArrays:
    """The images of a split, uint8 ``[N, size, size]``, resized from the canonical 260 x 260.

    :param classes: of the study, in the order of their indices.
    :raises WorkspaceError: the data set holds a label that the study doesn't know.
    :raises MalformedError: the data set is damaged.
    """
    entries = dataset.entries(split)
    labels = _class_indices(entries, classes)
    images = np.empty((len(entries), size, size), np.uint8)
    for place, entry in enumerate(entries):
        images[place] = shrink(dataset.pixels(entry.content), size)
    return SplitArrays(images, labels, _patient_numbers(entries))


def _compute(dataset: Dataset, contents: Sequence[bytes], source: FeatureSource) -> Iterator[int]:
    """Compute and keep features; gives how many images each step has done."""
    with source.opened() as extract:
        for start in range(0, len(contents), KEEP):
            chunk = contents[start : start + KEEP]
            rows = extract(np.stack([dataset.pixels(content) for content in chunk]))
            if not source.may_fail:
                _expect_sound(rows)
            dataset.keep_features(source.name, dict(zip(chunk, rows, strict=True)))
            yield len(chunk)


def _kept_features(
    dataset: Dataset, entries: Sequence[Entry], source: FeatureSource
) -> npt.NDArray[np.float32]:
    table = np.empty((len(entries), source.dim), np.float32)
    for place, entry in enumerate(entries):
        row = dataset.features(source.name, entry.content)
        if row.shape != (source.dim,) or not np.isfinite(row).all():
            raise dataset.damaged()
        table[place] = row
    return table


def _expect_sound(rows: npt.NDArray[np.float32]) -> None:
    # No image gives such rows: even a black one has features. It is the arithmetic that fails.
    if not np.isfinite(rows).all() or not rows.any(axis=1).all():
        raise SystemTroubleError(
            "the feature extractor gave impossible numbers on this machine",
            reason="features.impossible",
            advice="Don't train on this machine; report its processor and this line",
        )


def _class_indices(entries: Sequence[Entry], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The labels of rows as positions in ``classes``."""
    places = {label: place for place, label in enumerate(classes)}
    if any(entry.label not in places for entry in entries):
        raise WorkspaceError(
            "the data set was ingested for a study with other classes",
            reason="dataset.other-classes",
            advice="Type: privxray ingest FOLDER --labels labels.csv --replace",
        )
    return np.array([places[entry.label] for entry in entries], np.int64)


def _patient_numbers(entries: Sequence[Entry]) -> npt.NDArray[np.int64]:
    """The patients of rows as numbers from 0 without gaps, in the order of their first rows."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(entry.patient, len(numbers)) for entry in entries], np.int64)
