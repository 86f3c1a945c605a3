"""Membership inference by the loss: an attacker tells who was trained on.

After Yeom et al. 2018, "Privacy risk in machine learning: analyzing the connection to overfitting": a model
has a smaller loss on patients that it has seen. The attack is judged as Carlini et al. 2022, "Membership
inference attacks from first principles", ask for: by the ROC curve, and by the share of members that are
found where few others are accused (TPR at 1 % FPR). An average over all patients would hide the few who are
exposed.

A fair coin decides who is trained on. So the guesses are also those of a one-run audit whose canaries are the
patients themselves, and :mod:`privxray.audit.claim_test` turns them into a lower bound on epsilon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.audit.claim_test import ClaimTest, judge
from privxray.audit.guessing import Coins, Scores
from privxray.errors import RefusedError
from privxray.learning.data import TrainingData
from privxray.learning.interface import Constants, Drawing, Method, Task
from privxray.learning.linear_probe.linear_probe_method import RECIPE
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import NoiseSource

PATIENTS = 300
"""Invented patients, of which about half are trained on."""

_LOW_FPR = 0.01
_LEAST = 4  # patients on each side

OVERRIDES: Mapping[str, dict[str, object]] = {
    "linear-probe": {**RECIPE, "feature_dim": 512, "steps": 100, "rate": 20.0},
    "dp-sgd": {
        "image_size": 16,
        "sampling_rate": 0.5,
        "steps": 60,
        "expected_batch_size": 75.0,
        "learning_rate": 2.0,
    },
}
"""Constants of a long training at large steps, for the linear probe by the recipe of new plans otherwise.

Without noise, such a training learns its patients by heart."""


@dataclass(frozen=True)
class Membership:
    """What the attack found.

    :ivar members: patients who were trained on. :ivar others: patients who were not.
    :ivar fpr: [n] and :ivar tpr: [n] the ROC curve, from (0, 0) to (1, 1).
    :ivar auc: the area under it; 1/2 is guessing.
    :ivar tpr_at_low_fpr: the largest TPR at an FPR of at most 1 %.
    :ivar claim_test: the same guesses as a one-run audit.
    """

    members: int
    others: int
    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    auc: float
    tpr_at_low_fpr: float
    claim_test: ClaimTest


def with_random_labels(data: TrainingData, classes: int, source: NoiseSource) -> TrainingData:
    """The same patients with labels by chance, one a patient. Such labels can only be learned by heart."""
    drawn = (source.uniform(data.patient_count) * classes).astype(np.int64)
    return TrainingData(data.inputs, drawn[data.patients], data.patients)


def members_of(data: TrainingData, coins: Coins) -> TrainingData:
    """The patients whose coin says that they are in, numbered anew.

    :param coins: [P].
    :raises RefusedError: too few patients are in, or too few are left out.
    """
    if min(int(coins.sum()), int((~coins).sum())) < _LEAST:
        raise RefusedError(
            f"too few patients: fair coins left fewer than {_LEAST} in the training, or fewer out of it",
            reason="audit.too-few-patients",
            advice="Audit on more patients",
        )
    kept = coins[data.patients]
    _, numbers = np.unique(data.patients[kept], return_inverse=True)
    return TrainingData(data.inputs[kept], data.labels[kept], numbers.astype(np.int64))


def train_and_score(
    method: Method[Constants], data: TrainingData, coins: Coins, task: Task[Constants], drawing: Drawing
) -> Scores:
    """Train on the members, exactly as a round is trained, and score all patients.

    :param coins: [P] who the members are.
    :returns: [P] minus each patient's mean loss.
    :raises RefusedError: see :func:`members_of`.
    """
    vector = method.train(members_of(data, coins), task, drawing)
    model = method.local_model(vector, task)
    shares = method.probabilities(model, data.inputs, task.constants, task.classes)
    losses = -np.log(np.maximum(shares[np.arange(len(data.labels)), data.labels], 1e-300))
    return np.asarray(-np.bincount(data.patients, losses) / np.bincount(data.patients))


def compare(scores: Scores, coins: Coins, claim: Guarantee) -> Membership:
    """Compare the scores with who was trained on.

    :param scores: [P], larger for members if the attack works.
    :param coins: [P] who was trained on.
    """
    fpr, tpr = roc(scores, coins)
    return Membership(
        members=int(coins.sum()),
        others=int((~coins).sum()),
        fpr=fpr,
        tpr=tpr,
        auc=float((np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2).sum()),
        tpr_at_low_fpr=float(tpr[fpr <= _LOW_FPR].max()),
        claim_test=judge(_ranks(scores), coins, len(coins), claim),
    )


def roc(scores: Scores, coins: Coins) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """FPR and TPR of accusing everybody above a threshold, for all thresholds; equal scores go together."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    accused = np.cumsum(coins[order])[ends]
    wrongly = ends + 1 - accused
    fpr = np.concatenate([[0.0], wrongly / (~coins).sum()])
    return fpr, np.concatenate([[0.0], accused / coins.sum()])


def _ranks(scores: Scores) -> Scores:
    """[P] ranks from 0, so that half of all are guessed in: losses pile up near zero, where no middle is."""
    places = np.empty(len(scores))
    places[np.argsort(scores, kind="stable")] = np.arange(len(scores))
    return places
