"""Canaries for the linear probe: each has a feature to itself.

The features get m further dimensions in which every real or invented patient is zero, and canary j is a long
vector along the j-th of them. So canaries are orthogonal to each other and to everybody: whatever a noisy
answer shows along dimension j is canary j and noise. The engine is the same, with a larger ``feature_dim``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.audit.one_run import Scores, toss
from privxray.audit.planting import IMAGES, Planted, with_canaries
from privxray.audit.synthetic_patients import PATIENTS, feature_patients
from privxray.errors import UsageError
from privxray.learning.constants import LinearProbeConstants
from privxray.learning.data import TrainingData
from privxray.privacy.noise import NoiseSource
from privxray.privacy.releases import ReleaseStore

DEFAULT = 800
CONSTANTS: dict[str, object] = {}
DIM = 64
"""Features of invented patients; what a canary shows does not depend on it."""

_LENGTH = 100.0  # of a canary's raw features; an engine that normalises is not impressed


def default_guesses(canaries: int) -> int:
    """All: each canary has a dimension to itself, and abstaining lowers what can be shown."""
    return canaries


def plant(
    patients: TrainingData | None,
    constants: LinearProbeConstants,
    classes: int,
    canaries: int,
    source: NoiseSource,
    images: int = IMAGES,
) -> Planted:
    """Put canaries among ``patients``, or among invented ones.

    :raises UsageError: more canaries than the features can be lengthened by.
    """
    if patients is None:
        patients = feature_patients(PATIENTS, DIM, source)
    dim = patients.inputs.shape[1]
    if dim + canaries > 65536:
        raise UsageError("that many canaries have no room beside the features; a few thousand do")
    longer = lengthened(constants, dim + canaries)
    rows = np.zeros((canaries, dim + canaries), np.float32)
    rows[np.arange(canaries), dim + np.arange(canaries)] = _LENGTH
    padded = TrainingData(
        np.pad(patients.inputs, ((0, 0), (0, canaries))), patients.labels, patients.patients
    )
    labels = np.arange(canaries) % classes
    return with_canaries(padded, rows, labels, toss(canaries, source), longer, images)


def lengthened(constants: LinearProbeConstants, dim: int) -> LinearProbeConstants:
    """The constants with this many features; what a round costs does not depend on it."""
    return constants.model_copy(update={"feature_dim": dim})


def scores(
    planted: Planted,
    classes: int,
    _start: Mapping[str, NDArray[Any]],
    releases: ReleaseStore,
) -> Scores:
    """[m] what each canary's dimension shows in all answers, each weighted by its precision.

    In query 1 a canary that is in adds 1 there. In each gradient it adds a column along y - p, of which
    y - 1/K is the part that is known beforehand.
    """
    constants: LinearProbeConstants = planted.constants
    m = len(planted.coins)
    directions = np.eye(classes)[planted.labels] - 1.0 / classes  # [m, K]
    first, later = _answer(releases, 0), [_answer(releases, step + 1) for step in range(constants.steps)]
    # Query 1 and all gradients together have the shares count_share and 1 - count_share of mu squared.
    score: Scores = constants.count_share * first[constants.feature_dim - m : constants.feature_dim]
    for gradient in later:
        columns = gradient[:, constants.feature_dim - m : constants.feature_dim]  # [K, m]
        score = score + (1.0 - constants.count_share) / constants.steps * (columns.T * directions).sum(axis=1)
    return score


def _answer(releases: ReleaseStore, index: int) -> Scores:
    saved = releases.load(index)
    assert saved is not None  # training ends only after its last answer was saved
    return np.asarray(saved["answer"], np.float64)
