"""Images in the form that a method trains on and predicts from.

Tested in tests/cli/test_study.py and tests/cli/test_dp_sgd.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.errors import MalformedError, WorkspaceError
from privxray.formats.extractor_file import ExtractorFile, NamedExtractor
from privxray.imaging.data_set.dataset import Dataset
from privxray.learning.data import TrainingData
from privxray.steps import step
from privxray.workflow.common.callbacks import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.imaging.split_arrays import Extract, FeatureSource
    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod, InputKind
    from privxray.workspace.folder import Workspace

_AT_ONCE = 32
"""Images whose features are computed between two ticks."""


@dataclass(frozen=True)
class InputForm:
    """The form in which a model takes images.

    :ivar size: the side of a square image in pixels, or the number of features.
    :ivar extractor: what computes the features, or the maps of frozen blocks; None for pixels.
    :ivar files: the folder of the workspace's extractor files.
    """

    size: int
    extractor: NamedExtractor
    files: Path | None = None

    @classmethod
    def of(
        cls,
        method: AnyMethod,
        constants: MethodConstants,
        extractor: NamedExtractor,
        workspace: Workspace | None = None,
    ) -> InputForm:
        """What a method wants under a plan's or a model's constants and extractor.

        :param workspace: where an extractor out of a file is looked for.
        """
        return cls(method.input_size(constants), extractor, workspace.extractors if workspace else None)

    def is_known(self) -> bool:
        """Whether this version can make it: it has the extractor, and that gives as many features."""
        if self.extractor is None:
            return True
        if isinstance(self.extractor, ExtractorFile):
            return self.extractor.dim == self.size
        from privxray.imaging.features import DIMS

        return DIMS.get(self.extractor) == self.size

    def require_here(self) -> None:
        """:raises WorkspaceError: the extractor is a file that this workspace does not have."""
        if isinstance(self.extractor, ExtractorFile):
            file_of(self.extractor, self.files)


def file_of(extractor: ExtractorFile, files: Path | None) -> Path:
    """The file of an extractor.

    :param files: the folder of the workspace's extractor files.
    :raises WorkspaceError: it is not there.
    """
    path = None if files is None else files / f"{extractor.sha256}.onnx"
    if path is None or not path.is_file():
        raise WorkspaceError(
            f"the feature extractor {extractor.sha256[:16]} is not in this workspace",
            reason="extractor.absent",
            advice="Ask who made the plan or the offer for it, then type: privxray extractor add FILE.onnx",
        )
    return path


def built_in(seen: InputKind) -> str | None:
    """The built-in extractor of new plans, for a method that sees this of an image; None for pixels."""
    if seen == "pixels":
        return None
    from privxray.imaging.features import GRID, MAPS

    return GRID if seen == "maps" else MAPS


def is_of_kind(extractor: NamedExtractor, seen: InputKind) -> bool:
    """Whether an extractor gives what a method sees. One gives maps, and every other one features."""
    if extractor is None or seen == "pixels":
        return extractor is None and seen == "pixels"
    return (extractor == built_in("maps")) == (seen == "maps")


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
    source = feature_source(form)
    return TrainingData(
        *split_arrays.features_of_split(dataset, split, classes, source=source, progress=progress)
    )


def image_inputs(paths: Sequence[Path], names: Sequence[str], form: InputForm) -> NDArray[Any]:
    """Single images, outside any data set: [N, size, size] pixels or [N, size] features.

    :param names: how errors name them.
    :raises MalformedError: one does not decode, or an extractor out of a file fails on it.
    :raises WorkspaceError: the extractor is a file that this workspace does not have.
    """
    return inputs_of(decoded(paths, names), names, form)


def decoded(paths: Sequence[Path], names: Sequence[str]) -> list[NDArray[np.uint8]]:
    """Canonical images, uint8 ``[260, 260]``. :raises MalformedError: one does not decode."""
    from privxray.imaging.decode import decode_path

    return [decode_path(path, name) for path, name in zip(paths, names, strict=True)]


def inputs_of(images: Sequence[NDArray[np.uint8]], names: Sequence[str], form: InputForm) -> NDArray[Any]:
    """Canonical images as a method takes them: [N, size, size] pixels or [N, size] features.

    In training an image on which an extractor out of a file fails counts as empty, so that nobody can tell.
    Whoever asks about single images is told.

    :param names: how errors name them.
    :raises MalformedError: an extractor out of a file fails on one of them.
    :raises WorkspaceError: that file is not in this workspace.
    """
    from privxray.imaging.display.grey import shrink

    if form.extractor is None:
        return np.stack([shrink(image, form.size) for image in images])
    with feature_source(form).opened() as extract, step("Computing features") as tick:
        parts: list[NDArray[Any]] = []
        for start in range(0, len(images), _AT_ONCE):
            parts.append(extract(np.stack(images[start : start + _AT_ONCE])))
            tick(start + len(parts[-1]), len(images))
    rows = np.concatenate(parts)
    for name, row in zip(names, rows, strict=True):
        if not row.any():
            raise MalformedError(
                "the model's feature extractor fails on this image",
                reason="extractor.no-features",
                file=name,
                advice="Leave it out; privxray extractor describe FILE.onnx tries the extractor on a picture",
            )
    return rows


def feature_source(form: InputForm) -> FeatureSource:
    """What computes the features of a form that has an extractor.

    :raises WorkspaceError: it is a file that this workspace does not have.
    """
    from privxray.imaging.split_arrays import FeatureSource

    if isinstance(form.extractor, ExtractorFile):
        opened = partial(_from_file, file_of(form.extractor, form.files), form.extractor)
        return FeatureSource(form.extractor.key, form.size, opened, may_fail=True)
    return FeatureSource(str(form.extractor), form.size, partial(_built_in, str(form.extractor)))


@contextmanager
def _built_in(name: str) -> Iterator[Extract]:
    from privxray.imaging.features import Extractor

    yield Extractor(name)


@contextmanager
def _from_file(path: Path, terms: ExtractorFile) -> Iterator[Extract]:
    from privxray.imaging.extractors.file_extractor import FileExtractor

    with FileExtractor(path, terms) as extractor:
        yield extractor
