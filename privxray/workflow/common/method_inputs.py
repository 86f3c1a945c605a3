"""Images in the form that a method trains on and predicts from.

Tested in tests/cli/test_study.py and tests/cli/test_dp_sgd.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class InputForm:
    """The form in which a model takes images.

    :ivar size: the side of a square image in pixels, or the number of features.
    :ivar extractor: what computes the features, by its public name; None for pixels.
    """

    size: int
    extractor: str | None

    @classmethod
    def of(cls, method: AnyMethod, constants: MethodConstants, extractor: str | None) -> InputForm:
        """What a method wants under a plan's or a model's constants and extractor."""
        return cls(method.input_size(constants), extractor)

    def is_known(self) -> bool:
        """Whether this version can make it: it has the extractor, and that gives as many features."""
        if self.extractor is None:
            return True
        from privxray.imaging.features import DIMS

        return DIMS.get(self.extractor) == self.size


def default_extractor(method: AnyMethod) -> str | None:
    """The feature extractor of new plans; None for a method that sees pixels."""
    if method.inputs == "pixels":
        return None
    from privxray.imaging.features import MAPS

    return MAPS


def default_features() -> InputForm:
    """The features of new plans, whatever the method."""
    from privxray.imaging.features import DIMS, MAPS

    return InputForm(DIMS[MAPS], MAPS)


def training_data(
    dataset: Dataset, classes: Sequence[str], form: InputForm, split: str, progress: Progress | None
) -> TrainingData:
    """One split as arrays. Frozen features are computed once and kept.

    :raises RefusedError: the split has no patient.
    """
    from privxray.imaging import split_arrays

    if form.extractor is None:
        return TrainingData(*split_arrays.pixels_of_split(dataset, split, form.size, classes))
    return TrainingData(
        *split_arrays.features_of_split(dataset, split, classes, extractor=form.extractor, progress=progress)
    )


def image_inputs(paths: Sequence[Path], names: Sequence[str], form: InputForm) -> NDArray[Any]:
    """Single images, outside any data set: [N, size, size] pixels or [N, size] features.

    :param names: how errors name them.
    :raises MalformedError: one does not decode.
    """
    from privxray.imaging.decode import decode_path
    from privxray.imaging.display.grey import shrink

    images = [decode_path(path, name) for path, name in zip(paths, names, strict=True)]
    if form.extractor is None:
        return np.stack([shrink(image, form.size) for image in images])
    from privxray.imaging.features import Extractor

    return Extractor(form.extractor)(np.stack(images))
