"""What is printed on how good a model is. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from privxray.cli.json_models.printed import Interval, Printed

Metrics = dict[str, float | None]


class Majority(Printed):
    """What guessing the most frequent class would give."""

    label: str
    metrics: Metrics


class ClassScored(Printed):
    """One class."""

    label: str
    patients: int
    images: int
    right: int


class CalibrationBin(Printed):
    """Images whose highest probability is between ``low`` and ``high``."""

    low: float
    high: float
    images: int
    said: float | None
    """The mean probability; null in an empty bin."""
    right: float | None
    """The share of images that are right."""


class Calibration(Printed):
    """How far probabilities can be believed."""

    error: Interval
    bins: list[CalibrationBin]


class Sensitivity(Interval):
    """Of those with pneumonia, who was found."""

    found: int
    ill: int


class Specificity(Interval):
    """Of those without pneumonia, who was passed."""

    passed: int
    healthy: int


class Pneumonia(Printed):
    """Pneumonia or not, at a threshold."""

    threshold: float
    sensitivity: Sensitivity
    specificity: Specificity
    fixed_on_the_same_patients: bool


class GroupScored(Printed):
    """A group of patients, by a column of the csv."""

    group: str
    patients: int
    images: int
    macro_auc: Interval
    small: bool


class Fingerprints(Printed):
    """What was scored."""

    model: str | None
    data: str


class FeatureSeconds(Printed):
    """How long features took."""

    features: float


class Scored(Printed):
    """A model's score on the hospital's own patients."""

    model: str
    split: str
    patients: int
    images: int
    left_out: int
    """Patients of the split whom this study has trained on."""
    metrics: Metrics
    """Null where a metric is not defined."""
    estimates: dict[str, Interval]
    own_training: dict[str, Interval] | None
    alarms: list[str]
    majority: Majority
    classes: list[ClassScored]
    calibration: Calibration
    pneumonia: Pneumonia | None
    groups: list[GroupScored]
    says: list[str]
    caveats: list[str]
    fingerprints: Fingerprints
    seconds: FeatureSeconds


class ImagePredicted(Printed):
    """One image."""

    image: str
    """A public name of the file."""
    label: str
    probabilities: dict[str, float]
    trained_on: bool


class Predicted(Printed):
    """Images were classified."""

    model: str
    classes: list[str]
    images: list[ImagePredicted]


class ModelExported(Printed):
    """A model was written for other programs."""

    files: list[str]
    model: str
    study: str
    round: int
    classes: list[str]
    difference: float
    """The largest difference of its probabilities to those of ``predict``, on drawn radiographs."""
    written: bool
