"""Invented patients for audits that touch nobody's budget: features and small images of three classes.

They are drawn from the noise source, like all that is random here; nothing needs the same ones twice.
Tested by the audits that use them, tests/unit/test_audit_*.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod
from privxray.privacy.noise import NoiseSource

CLASSES = ("normal", "bacteria", "virus")
PATIENTS = 60
"""Invented patients beside the canaries."""

_CONTRAST = 55.0  # standard deviations, of 255
_GRAIN = 4.0


def _labels(number: int, source: NoiseSource) -> NDArray[np.int64]:
    """[number] classes, uniform."""
    return np.asarray((source.uniform(number) * len(CLASSES)).astype(np.int64))


def feature_patients(number: int, dim: int, source: NoiseSource) -> TrainingData:
    """Patients with one image each: features, float32 [number, dim], not negative.

    A class is a direction, with as much scatter around it.
    """
    classes = _labels(number, source)
    centres = np.abs(source.gaussian((len(CLASSES), dim), 1.0))
    rows = np.abs(centres[classes] + source.gaussian((number, dim), 1.0))
    return TrainingData(rows.astype(np.float32), classes, np.arange(number))


def image_patients(number: int, size: int, source: NoiseSource) -> TrainingData:
    """Patients with one image each: pixels, uint8 [number, size, size].

    An image has soft shadows, a bright band whose place tells the class, and a little grain.
    """
    from scipy.ndimage import gaussian_filter

    classes = _labels(number, source)
    shadows = gaussian_filter(source.gaussian((number, size, size), 1.0), (0, size / 10, size / 10))
    spread = shadows.std(axis=(1, 2), keepdims=True)
    pixels = 128.0 + _CONTRAST * shadows / spread + source.gaussian((number, size, size), _GRAIN)
    band = size // (len(CLASSES) + 1)
    for place in range(len(CLASSES)):
        pixels[classes == place, place * band : (place + 1) * band] += 40.0
    return TrainingData(np.clip(pixels, 0, 255).astype(np.uint8), classes, np.arange(number))


def patients_for(
    method: AnyMethod, constants: MethodConstants, number: int, source: NoiseSource
) -> TrainingData:
    """Invented patients in the form that a method trains on, of the size that its constants say."""
    size = method.input_size(constants)
    if method.inputs(constants) == "pixels":
        return image_patients(number, size, source)
    return feature_patients(number, size, source)
