"""Invented patients for audits that touch nobody: features and small images of three classes.

They come from the noise source like all randomness here; nobody needs the same ones twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.learning.data import TrainingData
from privxray.learning.methods import Method
from privxray.privacy.noise import NoiseSource

CLASSES = ("normal", "bacteria", "virus")
PATIENTS = 60
_SMOOTH = 4  # cells of a picture's coarse structure, a side


def labels(number: int, source: NoiseSource) -> NDArray[np.int64]:
    """[number] classes, uniform."""
    return np.asarray((source.uniform(number) * len(CLASSES)).astype(np.int64))


def feature_patients(number: int, dim: int, source: NoiseSource) -> TrainingData:
    """Patients with one image each: a direction a class and as much scatter, not negative, [number, dim]."""
    classes = labels(number, source)
    centres = np.abs(source.gaussian((len(CLASSES), dim), 1.0))
    rows = np.abs(centres[classes] + source.gaussian((number, dim), 1.0))
    return TrainingData(rows.astype(np.float32), classes, np.arange(number))


def image_patients(number: int, size: int, source: NoiseSource) -> TrainingData:
    """Patients with one image each, uint8 [number, size, size]: coarse structure, a band a class, grain.

    :param size: in pixels, a multiple of 4.
    """
    classes = labels(number, source)
    cell = size // _SMOOTH
    coarse = np.kron(source.gaussian((number, _SMOOTH, _SMOOTH), 30.0), np.ones((1, cell, cell)))
    pixels = 110.0 + coarse + source.gaussian((number, size, size), 8.0)
    for place in range(len(CLASSES)):
        pixels[classes == place, place * cell : (place + 1) * cell] += 50.0
    return TrainingData(np.clip(pixels, 0, 255).astype(np.uint8), classes, np.arange(number))


def patients_for(method: Method, constants: Any, number: int, source: NoiseSource) -> TrainingData:
    """Invented patients in the form that a method trains on, of the sizes that its constants say."""
    if method.inputs == "pixels":
        return image_patients(number, constants.image_size, source)
    return feature_patients(number, constants.feature_dim, source)
