"""A workspace's data set, and its images in the form that a method trains on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.errors import WorkspaceError
from privxray.imaging.dataset import Dataset
from privxray.learning.data import TrainingData
from privxray.workflow.common.session import Progress, load_plan, the_study
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.deid.profile.profile import Profile
    from privxray.imaging.ingest import IngestReport
    from privxray.learning.methods import Method
    from privxray.workflow.images.text_search import Find


_PROFILE = "de-identification profile"


def open_dataset(workspace: Workspace, state: State) -> Dataset:
    """The hospital's data set, empty where nothing was ingested. Close it, or use it as a context manager."""
    return Dataset(workspace.data, state.secret("data"))


def require_patients(workspace: Workspace, dataset: Dataset) -> None:
    """:raises WorkspaceError: there is no patient to train on."""
    if not dataset.patients("train"):
        raise WorkspaceError(
            "no patient to train on is ingested yet",
            file=workspace.root,
            advice="Type: privxray ingest FOLDER --labels labels.csv",
        )


def ingest_folder(
    workspace: Workspace,
    images: Path,
    labels: Path,
    *,
    study: str | None = None,
    profile: Profile | None = None,
    find: Find | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> tuple[IngestReport, str]:
    """Check a folder's images and take them in; the classes are those of the study's plan.

    :param profile: by what the images are judged; without one, by what the last ingest chose, or the Basic
        Profile. The choice is stored when the images are in.
    :param find: looks for text in a frame, as :meth:`privxray.deid.pixels.text.text_finder.TextFinder.find`;
        None to leave the pixels alone.
    :returns: what was done, and the profile of the ingest before in words, empty for the first one.

    :raises WorkspaceError: no study is joined yet.
    :raises FindingsError: an image did not pass the check; nothing was taken in.
    """
    from privxray.deid.judging.worker import profile_from, profile_to
    from privxray.deid.profile.profile import Profile
    from privxray.imaging.ingest import ingest
    from privxray.workflow.images.text_search import findings_in

    workspace.require("hospital", "ingest")
    with workspace.locked(), State(workspace.state_path) as state:
        round_ = state.last_round(the_study(workspace, state, study))
        assert round_ is not None
        classes = load_plan(workspace, round_).classes
        stored = state.setting(_PROFILE)
        before = profile_from(json.loads(stored)) if stored else None
        chosen = profile or before or Profile.load("basic")
        with open_dataset(workspace, state) as dataset:
            report = ingest(
                images,
                labels,
                dataset,
                classes,
                profile=chosen,
                look=None if find is None else lambda data: findings_in(data, find),
                replace=replace,
                progress=progress,
            )
        with state.transaction():
            state.set_setting(_PROFILE, json.dumps(profile_to(chosen)))
        return report, before.summary if before else ""


def extractor_of(method: Method) -> str | None:
    """The feature extractor that a method needs, by its public name; None for one that sees pixels."""
    if method.inputs == "pixels":
        return None
    from privxray.imaging.features import EXTRACTOR

    return EXTRACTOR


def fits_extractor(method: Method, constants: Any) -> bool:
    """Whether a method that learns from features expects as many as the extractor gives."""
    if method.inputs == "pixels":
        return True
    from privxray.imaging.features import Extractor

    return bool(constants.feature_dim == Extractor.dim)


def training_data(
    dataset: Dataset,
    classes: Sequence[str],
    method: Method,
    constants: Any,
    split: str,
    progress: Progress | None,
) -> TrainingData:
    """One split as arrays; frozen features are computed once and kept.

    :raises RefusedError: the split has no patient.
    """
    from privxray.imaging import featurestore

    if method.inputs == "pixels":
        return TrainingData(*featurestore.pixels(dataset, split, constants.image_size, classes))
    return TrainingData(*featurestore.features(dataset, split, classes, progress=progress))


def image_inputs(paths: Sequence[Path], names: Sequence[str], method: Method, constants: Any) -> NDArray[Any]:
    """Single images, outside any data set, as a method wants them.

    :param names: how errors name them.
    :raises MalformedError: one does not decode.
    """
    from privxray.imaging.decode import decode_path, shrink

    images = [decode_path(path, name) for path, name in zip(paths, names, strict=True)]
    if method.inputs == "pixels":
        return np.stack([shrink(image, constants.image_size) for image in images])
    from privxray.imaging.features import Extractor

    return Extractor()(np.stack(images))
