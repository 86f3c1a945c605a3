"""Features and pixels of the data set as arrays, each image's features computed once.

Whatever is computed is kept every few images, so that an interrupted run goes on where it was. Features come
out in the order of :meth:`~privxray.imaging.dataset.Dataset.entries`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from privxray.errors import MalformedError, SystemTroubleError
from privxray.imaging.dataset import Dataset, Entry, class_indices, patient_numbers
from privxray.imaging.decode import shrink

Progress = Callable[[int, int], None]
Extract = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]

KEEP = 64
"""Images whose features are computed between two transactions: about two seconds of work."""


class Features(NamedTuple):
    """float32 ``[N, D]``, class indices int64 ``[N]``, dense patient numbers int64 ``[N]``."""

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    patients: npt.NDArray[np.int64]


class Pixels(NamedTuple):
    """uint8 ``[N, size, size]``, class indices int64 ``[N]``, dense patient numbers int64 ``[N]``."""

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    patients: npt.NDArray[np.int64]


def features(
    dataset: Dataset,
    split: str,
    classes: Sequence[str],
    *,
    progress: Progress | None = None,
    extract: Extract | None = None,
) -> Features:
    """The frozen features of a split, computing and keeping those that are missing.

    :param progress: called with how many of the split's images have features, and how many there are.
    :param extract: an :class:`~privxray.imaging.features.Extractor` that is loaded already.
    :raises WorkspaceError: the data set holds a label that the study doesn't know.
    :raises MalformedError: the data set is damaged.
    :raises SystemTroubleError: the extractor gave a row of zeros or something that is no number.
    """
    from privxray.imaging.features import EXTRACTOR, Extractor

    entries = dataset.entries(split)
    labels = class_indices(entries, classes)
    contents = list(dict.fromkeys(entry.content for entry in entries))
    kept = dataset.has_features(EXTRACTOR)
    missing = [content for content in contents if content not in kept]
    done = len(contents) - len(missing)
    if missing and extract is None:
        extract = Extractor()
    for chunk in _chunks(missing):
        assert extract is not None
        rows = extract(np.stack([dataset.pixels(content) for content in chunk]))
        _expect_sound(rows)
        dataset.keep_features(EXTRACTOR, dict(zip(chunk, rows, strict=True)))
        done += len(chunk)
        if progress is not None:
            progress(done, len(contents))
    return Features(_gather(dataset, entries, EXTRACTOR, Extractor.dim), labels, patient_numbers(entries))


def pixels(dataset: Dataset, split: str, size: int, classes: Sequence[str]) -> Pixels:
    """The images of a split, resized from the canonical 260 x 260.

    :raises WorkspaceError: the data set holds a label that the study doesn't know.
    :raises MalformedError: the data set is damaged.
    """
    entries = dataset.entries(split)
    labels = class_indices(entries, classes)
    images = np.empty((len(entries), size, size), np.uint8)
    for place, entry in enumerate(entries):
        images[place] = shrink(dataset.pixels(entry.content), size)
    return Pixels(images, labels, patient_numbers(entries))


def _gather(dataset: Dataset, entries: Sequence[Entry], extractor: str, dim: int) -> npt.NDArray[np.float32]:
    table = np.empty((len(entries), dim), np.float32)
    for place, entry in enumerate(entries):
        row = dataset.features(extractor, entry.content)
        if row.shape != (dim,) or not np.isfinite(row).all():
            raise MalformedError("the kept features are damaged", advice="Ingest the images again")
        table[place] = row
    return table


def _expect_sound(rows: npt.NDArray[np.float32]) -> None:
    # No image gives such rows: even a black one has features. Training would take them for an empty image.
    if not np.isfinite(rows).all() or not rows.any(axis=1).all():
        raise SystemTroubleError(
            "the feature extractor gave impossible numbers on this machine",
            advice="Don't train on this machine; report its processor and this line",
        )


def _chunks(contents: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(contents), KEEP):
        yield contents[start : start + KEEP]
