"""Invented patients that leave no clip idle. Tested in tests/unit/test_audit_conformance.py."""

from __future__ import annotations

import numpy as np

from privxray.audit.synthetic_patients import CLASSES, feature_patients, image_patients
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod
from privxray.privacy.noise import NoiseSource

_MOST_IMAGES = 4  # of one patient


def awkward_patients(method: AnyMethod, size: int, number: int, source: NoiseSource) -> TrainingData:
    """``number`` patients with one to four images each, in the form that a method trains on.

    Features are between a thousandth and a thousand times as long as usual. Three images have features that
    are zero, infinite, or not a number, each beside sound images of the same patient.

    :param size: features of an image, or its height and width in pixels.
    :param number: at least 4.
    """
    images = 1 + np.arange(number) % _MOST_IMAGES
    owners = np.repeat(np.arange(number), images)
    drawn = (image_patients if method.inputs == "pixels" else feature_patients)(len(owners), size, source)
    inputs = drawn.inputs
    if method.inputs == "features":
        lengths = 10.0 ** (6.0 * source.uniform(len(owners)) - 3.0)
        inputs = (inputs * lengths[:, None]).astype(np.float32)
        last = np.flatnonzero(owners == _MOST_IMAGES - 1)
        for image, value in zip(last, (0.0, np.inf, np.nan), strict=False):
            inputs[image] = value
    return TrainingData(inputs, drawn.labels % len(CLASSES), owners)
