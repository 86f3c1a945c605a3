"""``evaluate``: a model's metrics on the hospital's own held-out patients. Nothing of it leaves.

Tested in tests/cli/test_study.py.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from privxray.errors import WorkspaceError
from privxray.imaging.dataset import Dataset
from privxray.naming.patient_id import PatientKey
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.method_inputs import training_data
from privxray.workflow.common.which_study import newest_round
from privxray.workflow.hospital.classifier import has_model, newest_model, own_model
from privxray.workflow.hospital.data_set import open_dataset, require_patients
from privxray.workflow.hospital.trained_on import note_earlier_trainings, trained_on
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.transitions import RoundState


@dataclass(frozen=True)
class Scores:
    """Metrics on the hospital's own patients of one split.

    :param model: which one, in words.
    :param metrics: by name; None where it is not defined, for a class is absent from the split.
    :param left_out: patients of the split whom this study has trained on; they are in no figure.
    """

    model: str
    split: str
    patients: int
    images: int
    metrics: Mapping[str, float | None]
    feature_seconds: float
    left_out: int = 0


def evaluate(
    workspace: Workspace,
    *,
    study: str | None = None,
    split: str = "val",
    local: bool = False,
    progress: Progress | None = None,
) -> Scores:
    """Score the newest global model on the hospital's patients of a split.

    :param local: score this hospital's own model instead, between train and export.
    :raises WorkspaceError: there is no model yet, or no patient in that split whom no training has seen.
    """
    from privxray.learning.metrics import scores

    workspace.require("hospital", "evaluate")
    with working(workspace) as session:
        fits = (lambda r: r.state is RoundState.TRAINED) if local else (lambda r: has_model(session, r.study))
        round_ = newest_round(session, study, fits)
        model = own_model(session, round_) if local else newest_model(session, round_.study)
        with open_dataset(session, round_.study) as dataset:
            require_patients(session, dataset, split)
            left_out = _trained_on(session, dataset, round_.study, split)
            started = time.perf_counter()
            held_out = dataset.without(left_out)
            data = training_data(held_out, model.classes, model.form, split, progress)
            seconds = time.perf_counter() - started
        metrics = scores(model.probabilities(data.inputs), data.labels, model.classes)
        counts = (data.patient_count, len(data.labels))
        return Scores(model.label, split, *counts, metrics, seconds, len(left_out))


def _trained_on(session: Session, dataset: Dataset, study: str, split: str) -> frozenset[PatientKey]:
    """The patients of a split who can't be held out, for the study has trained on them.

    :raises WorkspaceError: that is all of them.
    """
    note_earlier_trainings(session, dataset, study)
    found = trained_on(session, study).among(dataset, split)
    if len(found) == dataset.patients(split):
        raise WorkspaceError(
            f"this study has trained on all {len(found)} patients of the split {split}, so none of them is "
            "held out",
            reason="dataset.none-held-out",
            file=session.root,
            advice="Ingest patients whom no training has seen, with that split in the csv",
        )
    return found
