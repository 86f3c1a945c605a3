"""Invented patients that leave no clip idle. Tested in tests/unit/test_audit_conformance.py."""

from __future__ import annotations

import numpy as np

from privxray.audit.synthetic_patients import CLASSES, patients_for
from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod
from privxray.privacy.noise import NoiseSource

_MOST_IMAGES = 4  # of one patient


def awkward_patients(
    method: AnyMethod, constants: MethodConstants, number: int, source: NoiseSource
) -> TrainingData:
    """``number`` patients with one to four images each, in the form that a method trains on.

    Features and maps are between a thousandth and a thousand times as long as usual. Three images have
    numbers that are zero, infinite, or not a number, each beside sound images of the same patient.

    :param constants: say what the method sees of an image, and how much.
    :param number: at least 4.
    """
    images = 1 + np.arange(number) % _MOST_IMAGES
    owners = np.repeat(np.arange(number), images)
    drawn = patients_for(method, constants, len(owners), source)
    inputs = drawn.inputs
    if method.inputs(constants) != "pixels":
        lengths = 10.0 ** (6.0 * source.uniform(len(owners)) - 3.0)
        inputs = (inputs * lengths[:, None]).astype(np.float32)
        last = np.flatnonzero(owners == _MOST_IMAGES - 1)
        for image, value in zip(last, (0.0, np.inf, np.nan), strict=False):
            inputs[image] = value
    return TrainingData(inputs, drawn.labels % len(CLASSES), owners)
