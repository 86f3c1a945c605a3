"""``evaluate --contribute``: the scores of held-out patients under the plan's model, as noisy histograms.

A patient's score of a class is the mean over the patient's images. For each of the K classes the patient is
in one cell of one pair of histograms, that of the patients of the class and that of all others, so the
sensitivity is sqrt(K) in the Euclidean norm.

Who was trained on is left out by the patient's own name alone. By the content of an image, as the hospital's
own figures leave patients out, one patient of the training could move the histograms by many others.

Tested in tests/cli/test_tasks.py and tests/unit/test_patient_counts.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from privxray.imaging.data_set.dataset import Dataset
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.method_inputs import training_data
from privxray.workflow.hospital.counting.contribution import (
    Contributed,
    Contribution,
    Counts,
    contribute,
    contributed,
    open_contribution,
    reserve_answer,
)
from privxray.workflow.hospital.counting.patient_classes import classes_of_patients
from privxray.workflow.hospital.data_set import open_dataset, require_ingested
from privxray.workflow.hospital.trained_on import note_earlier_trainings, trained_on
from privxray.workflow.hospital.using_model.classifier import Classifier, model_of_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working
from privxray.workspace.transitions import RoundState


def evaluate_together(
    workspace: Workspace,
    *,
    study: str | None = None,
    epsilon: float | None = None,
    split: str = "val",
    progress: Progress | None = None,
) -> Contributed:
    """Score the plan's model on held-out patients, with noise, for the open round.

    An interrupted call goes on where it stopped. A hospital without held-out patients gives noise alone: a
    refusal would tell of the one who is missing.

    :param epsilon: as it was typed; it can only be the plan's.
    :param split: whose patients, ``val`` or ``test``.
    :param progress: told of the images whose features are computed.
    :raises BudgetError: the lifetime limit; nothing was spent.
    :raises RefusedError: the plan is for another task, or the round is exported already.
    :raises UsageError: another epsilon than the plan's was typed.
    :raises WorkspaceError: no study is joined, or no data set is ingested.
    """
    workspace.require("hospital", "evaluate --contribute")
    with working(workspace) as session:
        paid = open_contribution(session, "evaluate", study=study, epsilon=epsilon)
        with open_dataset(session, paid.round.study) as dataset:
            require_ingested(session, dataset, paid.round.study)
            note_earlier_trainings(session, dataset, paid.round.study)
            rest = dataset.without(trained_on(session, paid.round.study).patients)
            patients = {entry.patient for entry in rest.entries(split)}
            if paid.round.state is RoundState.TRAINED:
                return contributed(paid, len(patients), already=True)
            paid = reserve_answer(paid)
            exact = _histograms(paid, rest, split, progress)
        return contribute(paid, exact, patients)


def _histograms(paid: Contribution, dataset: Dataset, split: str, progress: Progress | None) -> Counts:
    plan = paid.plan
    if plan.edges is None:
        raise ValueError("the plan was not verified: it evaluates and has no edges")
    model = model_of_plan(paid.session, paid.round)
    entries = dataset.entries(split)
    if not entries:
        return score_counts(np.zeros((0, len(plan.classes))), np.zeros(0, np.int64), plan.edges)
    data = training_data(dataset, plan.classes, model.form, split, progress)
    scores = patient_scores(model, data.inputs, data.patients)
    labels = classes_of_patients(entries, plan.classes)
    # Patients are numbered in the order of their first rows, and so is this.
    return score_counts(scores, np.array(list(labels.values()), np.int64), plan.edges)


def patient_scores(
    model: Classifier, inputs: NDArray[np.generic], patients: NDArray[np.int64]
) -> NDArray[np.float64]:
    """[P, K] the mean of the probabilities over each patient's images.

    :param patients: [N] patient numbers, each of 0 .. P-1.
    """
    probabilities = np.nan_to_num(model.probabilities(inputs))
    images = np.bincount(patients)
    sums = np.stack([np.bincount(patients, weights=column) for column in probabilities.T], axis=1)
    return np.asarray(sums / images[:, None])


def score_counts(
    scores: NDArray[np.float64], labels: NDArray[np.int64], edges: Sequence[Sequence[float]]
) -> Counts:
    """The histograms: [K, 2, bins], for each class the patients of that class, then all others.

    :param scores: [P, K]. :param labels: [P] class numbers. :param edges: for each class the inner edges.
    """
    bins = len(edges[0]) + 1
    counts = np.zeros((len(edges), 2, bins))
    for number, inner in enumerate(edges):
        places = np.searchsorted(np.asarray(inner), scores[:, number], side="right")
        for row, chosen in enumerate((labels == number, labels != number)):
            counts[number, row] = np.bincount(places[chosen], minlength=bins)
    return counts
