"""``ingest``: checked images become the hospital's data set.

Tested in tests/cli/test_ingest_profile.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.which_study import newest_round
from privxray.workflow.hospital.data_set import open_dataset
from privxray.workflow.hospital.trained_on import note_earlier_trainings
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working

if TYPE_CHECKING:
    from privxray.deid.pixels.text.text_box import FindText
    from privxray.deid.profile.profile import Profile
    from privxray.imaging.ingest import IngestReport

_PROFILE = "de-identification profile"


@dataclass(frozen=True)
class IngestChoices:
    """What a person may choose of an ingest.

    :param study: whose classes the labels must be of; needed only where several are joined.
    :param profile: by what the images are judged; None for what the last ingest chose, or the Basic Profile
        for the first one. The choice is stored once the images are in.
    :param find: looks for text in the pixels; None to leave them alone.
    :param replace: build the data set anew instead of adding to it.
    """

    study: str | None = None
    profile: Profile | None = None
    find: FindText | None = None
    replace: bool = False


@dataclass(frozen=True)
class Ingested:
    """What an ingest did.

    :param profile_before: the profile of the ingest before in words; empty for the first one.
    """

    report: IngestReport
    profile_before: str


def ingest_folder(
    workspace: Workspace,
    images: Path,
    labels: Path,
    choices: IngestChoices = IngestChoices(),
    *,
    progress: Progress | None = None,
) -> Ingested:
    """Check a folder's images and take them in. The labels must be classes of the study's plan.

    :param labels: a csv, see :func:`privxray.imaging.labels.read_labels`.
    :raises WorkspaceError: no study is joined yet.
    :raises NotTakenInError: an image did not pass the check; nothing was taken in.
    """
    from privxray.deid.profile.basic import basic_profile
    from privxray.deid.profile.profile_json import profile_from_json, profile_to_json
    from privxray.imaging.ingest import IngestOptions, ingest
    from privxray.workflow.images.search_pixels import findings_in_pixels

    workspace.require("hospital", "ingest")
    find = choices.find
    with working(workspace) as session:
        state = session.state
        round_ = newest_round(session, choices.study)
        classes = load_plan(workspace, round_).classes
        stored = state.setting(_PROFILE)
        before = profile_from_json(json.loads(stored)) if stored else None
        chosen = choices.profile or before or basic_profile()
        options = IngestOptions(
            profile=chosen,
            look=None if find is None else lambda data: findings_in_pixels(data, find),
            replace=choices.replace,
        )
        with open_dataset(session, round_.study) as dataset:
            note_earlier_trainings(session, dataset, round_.study)
            report = ingest(images, labels, dataset, classes, options, progress)
        with state.transaction():
            state.set_setting(_PROFILE, json.dumps(profile_to_json(chosen)))
        return Ingested(report, before.summary if before else "")
