"""The patients of a split on whom a study was not trained, in the form that a model takes.

Tested in tests/cli/test_evaluate.py and tests/cli/test_trained_on.py.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from privxray.errors import WorkspaceError
from privxray.evaluation.held_out import Predictions
from privxray.imaging.data_set.dataset import Dataset
from privxray.learning.data import TrainingData
from privxray.naming.patient_id import PatientKey
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.method_inputs import training_data
from privxray.workflow.hospital.data_set import require_patients
from privxray.workflow.hospital.trained_on import note_earlier_trainings, trained_on
from privxray.workflow.hospital.using_model.classifier import Classifier
from privxray.workspace.session import Session


@dataclass(frozen=True)
class HeldOut:
    """Held-out patients.

    :ivar patients: [N] the data set's name of each image's patient.
    :ivar contents: [N] the data set's name of each image.
    :ivar digest: which images these are and with which labels: a hash of keyed hashes.
    :ivar left_out: how many patients of the split a training has seen; they are not among these.
    :ivar seconds: that the features took.
    """

    data: TrainingData
    patients: tuple[PatientKey, ...]
    contents: tuple[bytes, ...]
    digest: str
    left_out: int
    seconds: float

    def predictions(self, model: Classifier) -> Predictions:
        """What a model says of them."""
        probabilities = model.probabilities(self.data.inputs)
        return Predictions(probabilities, self.data.labels, self.data.patients, model.classes)


def required_held_out(
    session: Session, dataset: Dataset, study: str, split: str, model: Classifier, progress: Progress | None
) -> HeldOut:
    """As :func:`held_out`.

    :raises WorkspaceError: there is nobody.
    """
    require_patients(session, dataset, split)
    found = held_out(session, dataset, study, split, model, progress)
    if found is None:
        raise WorkspaceError(
            f"this study has trained on all {dataset.patients(split)} patients of the split {split}, so none "
            "of them is held out",
            reason="dataset.none-held-out",
            file=session.root,
            advice="Ingest patients whom no training has seen, with that split in the csv",
        )
    return found


def held_out(
    session: Session, dataset: Dataset, study: str, split: str, model: Classifier, progress: Progress | None
) -> HeldOut | None:
    """A split's patients whom no training of the study has seen; None where there is nobody.

    :param model: says in which form it takes images.
    """
    note_earlier_trainings(session, dataset, study)
    seen = trained_on(session, study).among(dataset, split)
    rest = dataset.without(seen)
    entries = rest.entries(split)
    if not entries:
        return None
    started = time.perf_counter()
    data = training_data(rest, model.classes, model.form, split, progress)
    digest = hashlib.sha256(b"".join(e.content + e.patient + e.label.encode() + b"\0" for e in entries))
    seconds = time.perf_counter() - started
    names = tuple(e.patient for e in entries), tuple(e.content for e in entries)
    return HeldOut(data, *names, digest.hexdigest(), len(seen), seconds)
