"""Images in the form that a method trains on and predicts from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.imaging.dataset import Dataset
from privxray.learning.data import TrainingData
from privxray.workflow.common.callbacks import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod


def extractor_of(method: AnyMethod) -> str | None:
    """The feature extractor that a method needs, by its public name; None for one that sees pixels."""
    if method.inputs == "pixels":
        return None
    from privxray.imaging.features import EXTRACTOR

    return EXTRACTOR


def fits_extractor(method: AnyMethod, constants: MethodConstants) -> bool:
    """Whether a method that learns from features expects as many as the extractor gives."""
    if method.inputs == "pixels":
        return True
    from privxray.imaging.features import Extractor

    return method.input_size(constants) == Extractor.dim


def training_data(
    dataset: Dataset,
    classes: Sequence[str],
    method: AnyMethod,
    constants: MethodConstants,
    split: str,
    progress: Progress | None,
) -> TrainingData:
    """One split as arrays; frozen features are computed once and kept.

    :raises RefusedError: the split has no patient.
    """
    from privxray.imaging import split_arrays

    if method.inputs == "pixels":
        return TrainingData(
            *split_arrays.pixels_of_split(dataset, split, method.input_size(constants), classes)
        )
    return TrainingData(*split_arrays.features_of_split(dataset, split, classes, progress=progress))


def image_inputs(
    paths: Sequence[Path], names: Sequence[str], method: AnyMethod, constants: MethodConstants
) -> NDArray[Any]:
    """Single images, outside any data set, as a method wants them.

    :param names: how errors name them.
    :raises MalformedError: one does not decode.
    """
    from privxray.imaging.decode import decode_path
    from privxray.imaging.display.grey import shrink

    images = [decode_path(path, name) for path, name in zip(paths, names, strict=True)]
    if method.inputs == "pixels":
        return np.stack([shrink(image, method.input_size(constants)) for image in images])
    from privxray.imaging.features import Extractor

    return Extractor()(np.stack(images))
