"""Canaries for the linear probe: each has a feature to itself.

The features get m further dimensions in which every real or invented patient is zero. Canary j is a long
vector along the j-th of them. So canaries are orthogonal to each other and to everybody: what a noisy answer
shows along dimension j comes from canary j and from noise. The training is the same, with a larger
``feature_dim``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from privxray.audit.canaries import CanaryKind, Planted, require_at_most
from privxray.audit.guessing import Scores, toss
from privxray.audit.kept_answers import KeptAnswers
from privxray.audit.synthetic_patients import PATIENTS, feature_patients
from privxray.learning.constants import LinearProbeConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import Task
from privxray.learning.linear_probe.linear_probe_method import RECIPE, step_noises
from privxray.privacy.noise import NoiseSource

INVENTED_DIM = 64
"""Features of invented patients; what a canary shows does not depend on it."""

_MOST_FEATURES = 65536  # the largest feature_dim of LinearProbeConstants
_LENGTH = 100.0  # of a canary's raw features: large, to find training that does not normalise


class ProbeCanaries(CanaryKind[LinearProbeConstants]):
    """One further feature for each canary."""

    default = 4000
    default_own = 800
    overrides: ClassVar[Mapping[str, object]] = RECIPE

    def default_guesses(self, canaries: int) -> int:
        """All: each canary has a dimension to itself, and abstaining lowers the most that can be shown."""
        return canaries

    def plant(
        self,
        patients: TrainingData | None,
        constants: LinearProbeConstants,
        classes: int,
        canaries: int,
        source: NoiseSource,
    ) -> Planted:
        """See :meth:`.CanaryKind.plant`; ``feature_dim`` limits how many there can be."""
        del constants
        if patients is None:
            patients = feature_patients(PATIENTS, INVENTED_DIM, source)
        dim = patients.inputs.shape[1]
        require_at_most(canaries, _MOST_FEATURES - dim)
        rows = np.zeros((canaries, dim + canaries), np.float32)
        rows[np.arange(canaries), dim + np.arange(canaries)] = _LENGTH
        padded = np.pad(patients.inputs, ((0, 0), (0, canaries)))
        return Planted(
            TrainingData(padded, patients.labels, patients.patients),
            rows,
            np.arange(canaries) % classes,
            toss(canaries, source),
        )

    def fitting(self, constants: LinearProbeConstants, planted: Planted) -> LinearProbeConstants:
        """The constants with as many features; what a round costs does not depend on their number."""
        return constants.model_copy(update={"feature_dim": planted.patients.inputs.shape[1]})

    def scores(self, planted: Planted, task: Task[LinearProbeConstants], answers: KeptAnswers) -> Scores:
        """[m] what each canary's dimension shows in all answers, each weighted by its precision.

        In query 1 a canary that is in adds 1 there. In each gradient it adds a column along y - p, of which
        y - 1/K is the part that is known beforehand.
        """
        constants, m, classes = task.constants, len(planted.coins), len(task.classes)
        directions = np.eye(classes)[planted.labels] - 1.0 / classes  # [m, K]
        own = slice(constants.feature_dim - m, constants.feature_dim)
        # Query 1 has the share count_share of mu squared, and each step one over its noise squared.
        score: Scores = constants.count_share * answers.answer(0)["answer"][own].astype(np.float64)
        for step, noise in enumerate(step_noises(constants, 1.0), start=1):
            columns = answers.answer(step)["answer"][:, own].astype(np.float64)  # [K, m]
            score = score + (columns.T * directions).sum(axis=1) / noise**2
        return score
