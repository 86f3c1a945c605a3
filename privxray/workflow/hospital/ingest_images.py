"""A workspace's data set, and its images in the form that a method trains on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.errors import WorkspaceError
from privxray.imaging.dataset import Dataset
from privxray.workflow.common.session import Progress, load_plan, the_study
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

if TYPE_CHECKING:
    from privxray.deid.pixels.text.text_box import FindText
    from privxray.deid.profile.profile import Profile
    from privxray.imaging.ingest import IngestReport


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
    find: FindText | None = None,
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
    from privxray.deid.profile.basic import basic_profile
    from privxray.deid.profile.profile_json import profile_from_json, profile_to_json
    from privxray.imaging.ingest import IngestOptions, ingest
    from privxray.workflow.images.search_pixels import findings_in_pixels

    workspace.require("hospital", "ingest")
    with workspace.locked(), State(workspace.state_path) as state:
        round_ = state.last_round(the_study(workspace, state, study))
        assert round_ is not None
        classes = load_plan(workspace, round_).classes
        stored = state.setting(_PROFILE)
        before = profile_from_json(json.loads(stored)) if stored else None
        chosen = profile or before or basic_profile()
        look = None if find is None else lambda data: findings_in_pixels(data, find)
        with open_dataset(workspace, state) as dataset:
            report = ingest(
                images,
                labels,
                dataset,
                classes,
                IngestOptions(chosen, look, replace),
                progress,
            )
        with state.transaction():
            state.set_setting(_PROFILE, json.dumps(profile_to_json(chosen)))
        return report, before.summary if before else ""
