"""What both methods' canaries have in common: the planted data set, and the patients beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.audit.one_run import Bits
from privxray.learning.data import TrainingData
from privxray.privacy.noise import NoiseSource

IMAGES = 30
"""Images of a canary: an engine that counts images instead of patients gives it thirty times its weight."""


@dataclass(frozen=True)
class Planted:
    """A data set with canaries in it, and what the attacker knows of them beforehand.

    :param data: what is trained on: the patients, then the canaries whose coin says so.
    :param patients: the patients alone.
    :param canaries: [m, ...] each canary's image or features, those left out too.
    :param labels: [m] the canaries' classes.
    :param coins: [m] which canaries are in. The attacker does not know them.
    :param constants: the method's, fit for this data.
    """

    data: TrainingData
    patients: TrainingData
    canaries: NDArray[Any]
    labels: NDArray[np.int64]
    coins: Bits
    constants: Any


def with_canaries(
    patients: TrainingData,
    canaries: NDArray[Any],
    labels: NDArray[np.int64],
    coins: Bits,
    constants: Any,
    images: int,
) -> Planted:
    """Add the canaries whose coin says so, each as one patient with ``images`` equal images."""
    number = int(coins.sum())
    owners = patients.patient_count + np.repeat(np.arange(number), images)
    data = TrainingData(
        np.concatenate([patients.inputs, np.repeat(canaries[coins], images, axis=0)]),
        np.concatenate([patients.labels, np.repeat(labels[coins], images)]),
        np.concatenate([patients.patients, owners]),
    )
    return Planted(data, patients, canaries, labels, coins, constants)


def some_patients(data: TrainingData, most: int, source: NoiseSource) -> TrainingData:
    """At most so many patients, picked at random, with the first image of each."""
    _, first = np.unique(data.patients, return_index=True)
    if len(first) > most:
        first = first[np.sort(np.argsort(source.uniform(len(first)))[:most])]
    return TrainingData(data.inputs[first], data.labels[first], np.arange(len(first)))


def to_arrays(planted: Planted) -> dict[str, NDArray[Any]]:
    """All of it but the constants, to be kept for an audit that is interrupted."""
    return {
        "inputs": planted.patients.inputs,
        "numbers": np.stack([planted.patients.labels, planted.patients.patients]),
        "canaries": planted.canaries,
        "labels": planted.labels,
        "coins": planted.coins.astype(np.uint8),
    }


def from_arrays(arrays: Mapping[str, NDArray[Any]], constants: Any, images: int = IMAGES) -> Planted:
    """What :func:`to_arrays` was given."""
    patients = TrainingData(arrays["inputs"], *arrays["numbers"])
    coins = arrays["coins"].astype(bool)
    return with_canaries(patients, arrays["canaries"], arrays["labels"], coins, constants, images)
