"""Invented patients for audits that touch nobody: features and small images of three classes.

They come from the noise source like all randomness here; nobody needs the same ones twice.
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
_CONTRAST = 55.0  # standard deviations, of 255
_GRAIN = 4.0


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
    """Patients with one image each, uint8 [number, size, size]: soft shadows, a band a class, a little grain.

    :param size: in pixels.
    """
    from scipy.ndimage import gaussian_filter

    classes = labels(number, source)
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
    """Invented patients in the form that a method trains on, of the sizes that its constants say."""
    size = method.input_size(constants)
    if method.inputs == "pixels":
        return image_patients(number, size, source)
    return feature_patients(number, size, source)
