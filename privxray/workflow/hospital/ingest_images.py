"""``ingest``: checked images become the hospital's data set.

Tested in tests/cli/test_ingest_profile.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.errors import NotTakenInError
from privxray.system.names import long_path
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.own_size import stated_size
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.which_study import newest_round
from privxray.workflow.hospital.data_set import PROFILE, note_ingest, open_dataset
from privxray.workflow.hospital.patients_beyond import beyond_stated
from privxray.workflow.hospital.trained_on import note_earlier_trainings, trained_on
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working

if TYPE_CHECKING:
    from privxray.deid.pixels.text.text_box import FindText
    from privxray.deid.profile.profile import Profile
    from privxray.imaging.ingest_report import IngestReport


@dataclass(frozen=True)
class IngestChoices:
    """What a person may choose of an ingest.

    :param study: whose classes the labels must be of; needed only where several are joined.
    :param profile: by what the images are judged; None for what the last ingest chose, or the Basic Profile
        for the first one. The choice is stored once the images are in.
    :param find: looks for text in the pixels; None to leave them alone.
    :param replace: build the data set anew instead of adding to it.
    :param update: where the data set has another label, patient or split for an image, the csv counts.
    :param label_map: further labels, and the class that each means; None for the map of an ingest before.
    :param sheet: compose a contact sheet of the images.
    """

    study: str | None = None
    profile: Profile | None = None
    find: FindText | None = None
    replace: bool = False
    update: bool = False
    label_map: Mapping[str, str] | None = None
    sheet: bool = False


@dataclass(frozen=True)
class Ingested:
    """What an ingest did.

    :param profile_before: the profile of the ingest before in words; empty for the first one.
    :param map_before: whether the map of labels is that of an ingest before.
    :param sheet: the contact sheet as HTML text; empty where none was asked for.
    :param trained_held_out: by split, how many held-out patients were in a training of this study.
    :param remark: on more patients than the hospital has stated, for its own screen.
    """

    report: IngestReport
    profile_before: str
    map_before: bool = False
    sheet: str = field(default="", repr=False)
    trained_held_out: Mapping[str, int] = field(default_factory=dict)
    remark: str | None = None


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
    from privxray.imaging.ingest import ingest
    from privxray.imaging.ingest_report import IngestOptions
    from privxray.imaging.labelling.label_names import LABEL_MAP
    from privxray.workflow.hospital.compose_contact_sheet import compose_contact_sheet
    from privxray.workflow.images.search_pixels import findings_in_pixels

    workspace.require("hospital", "ingest")
    images = long_path(images)
    find = choices.find
    with working(workspace) as session:
        state = session.state
        round_ = newest_round(session, choices.study)
        classes = load_plan(workspace, round_).classes
        stored = state.setting(PROFILE)
        before = profile_from_json(json.loads(stored)) if stored else None
        chosen = choices.profile or before or basic_profile()
        with open_dataset(session, round_.study) as dataset:
            note_earlier_trainings(session, dataset, round_.study)
            kept_map = json.loads(dataset.choice(LABEL_MAP) or "{}")
            options = IngestOptions(
                profile=chosen,
                look=None if find is None else lambda data: findings_in_pixels(data, find),
                replace=choices.replace,
                update=choices.update,
                label_map=kept_map if choices.label_map is None else choices.label_map,
            )
            try:
                report = ingest(images, labels, dataset, classes, options, progress)
            except NotTakenInError as error:
                remembered = before.summary if before and choices.profile is None else ""
                if remembered not in ("", basic_profile().summary):
                    error.what += f". This profile is the one of the ingest before ({remembered})"
                    error.advice += (
                        " --profile NAME with the same profile. To judge by another one, type --profile "
                        "here, for example --profile basic"
                    )
                raise
            sheet = compose_contact_sheet(report, dataset) if choices.sheet else ""
            known = trained_on(session, round_.study)
            held_out = {split: len(known.among(dataset, split)) for split in ("val", "test")}
        with state.transaction():
            state.set_setting(PROFILE, json.dumps(profile_to_json(chosen)))
            note_ingest(state, round_.study)
        return Ingested(
            report,
            before.summary if before else "",
            sheet=sheet,
            map_before=choices.label_map is None and bool(kept_map),
            trained_held_out={split: count for split, count in held_out.items() if count},
            remark=beyond_stated(report.patients, stated_size(state)),
        )
