"""Membership inference by the loss: who was trained on?

After Yeom et al. 2018, "Privacy risk in machine learning: analyzing the connection to overfitting": a model
has a smaller loss on whom it has seen. Judged as Carlini et al. 2022, "Membership inference attacks from
first principles", ask for: by the ROC curve, and by the share of members found where few others are accused
(TPR at 1 % FPR), for an average over all patients hides the few that are exposed.

A fair coin decides who is trained on, so that the guesses are those of a one-run audit as well, with patients
as their own canaries: :mod:`privxray.audit.one_run` turns them into a lower bound on epsilon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.audit.one_run import Bits, OneRun, Scores, judge
from privxray.errors import RefusedError
from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod, Drawing, Progress, Task
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import NoiseSource
from privxray.privacy.releases import ReleaseStore

PATIENTS = 300
"""Invented patients, of which about half are trained on."""

LOW_FPR = 0.01
_LEAST = 4

CONSTANTS: Mapping[str, dict[str, object]] = {
    "linear-probe": {"feature_dim": 512, "steps": 100, "rate": 20.0},
    "dp-sgd": {
        "image_size": 16,
        "sampling_rate": 0.5,
        "steps": 60,
        "expected_batch_size": 75.0,
        "learning_rate": 2.0,
    },
}
"""Long trainings at large steps: an engine without noise learns its patients by heart."""


@dataclass(frozen=True)
class Membership:
    """What the attack found.

    :param fpr: [n] and :param tpr: [n] the ROC curve, from (0, 0) to (1, 1).
    :param auc: the area under it; 1/2 is guessing. :param tpr_at_low_fpr: TPR at FPR <= 1 %.
    :param bound: the same guesses as a one-run audit.
    """

    members: int
    others: int
    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    auc: float
    tpr_at_low_fpr: float
    bound: OneRun


def unlearnable(data: TrainingData, classes: int, source: NoiseSource) -> TrainingData:
    """The same patients with labels by chance, one a patient: what is learnt of them is learnt by heart."""
    drawn = (source.uniform(data.patient_count) * classes).astype(np.int64)
    return TrainingData(data.inputs, drawn[data.patients], data.patients)


def members_of(data: TrainingData, coins: Bits) -> TrainingData:
    """The patients whose coin says so, numbered anew.

    :param coins: [P].
    :raises RefusedError: too few patients on a side to compare.
    """
    if min(int(coins.sum()), int((~coins).sum())) < _LEAST:
        raise RefusedError(
            f"this audit compares patients trained on with others, and has fewer than {_LEAST} of a kind",
            advice="Give it more patients",
        )
    kept = coins[data.patients]
    _, numbers = np.unique(data.patients[kept], return_inverse=True)
    return TrainingData(data.inputs[kept], data.labels[kept], numbers.astype(np.int64))


def train(
    method: AnyMethod,
    data: TrainingData,
    coins: Bits,
    constants: MethodConstants,
    classes: tuple[str, ...],
    noise: float,
    start: Mapping[str, NDArray[Any]],
    releases: ReleaseStore,
    source: NoiseSource,
    progress: Progress | None = None,
) -> Scores:
    """Train on the members, exactly as a round is trained, and score everybody.

    :returns: [P] minus each patient's mean loss.
    """
    members = members_of(data, coins)
    task = Task(constants, classes, start)
    vector = method.train(members, task, Drawing(noise, source, releases, progress))
    model = method.local_model(vector, task)
    shares = method.probabilities(model, data.inputs, constants, classes)
    losses = -np.log(np.maximum(shares[np.arange(len(data.labels)), data.labels], 1e-300))
    return np.asarray(-np.bincount(data.patients, losses) / np.bincount(data.patients))


def compare(scores: Scores, coins: Bits, claim: Guarantee) -> Membership:
    """Hold the scores against who was trained on.

    :param scores: [P], larger for members if the attack works. :param coins: [P].
    """
    fpr, tpr = roc(scores, coins)
    return Membership(
        members=int(coins.sum()),
        others=int((~coins).sum()),
        fpr=fpr,
        tpr=tpr,
        auc=float(np.trapezoid(tpr, fpr)),
        tpr_at_low_fpr=float(tpr[fpr <= LOW_FPR].max()),
        bound=judge(_ranks(scores), coins, len(coins), claim),
    )


def roc(scores: Scores, coins: Bits) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """FPR and TPR of accusing everybody above a threshold, for all thresholds; equal scores go together."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    accused = np.cumsum(coins[order])[ends]
    wrongly = ends + 1 - accused
    fpr = np.concatenate([[0.0], wrongly / (~coins).sum()])
    return fpr, np.concatenate([[0.0], accused / coins.sum()])


def _ranks(scores: Scores) -> Scores:
    """Places from 0, so that half of all are accused: losses pile up near zero, and no middle parts them."""
    places = np.empty(len(scores))
    places[np.argsort(scores, kind="stable")] = np.arange(len(scores))
    return places
