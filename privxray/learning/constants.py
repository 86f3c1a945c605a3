"""The public constants of both methods: the plan carries them, every hospital trains by the same ones.

None may be read off a hospital's data. A normaliser, a sampling rate or a number of steps that depended on
the number of patients would tell of each of them (Opacus issues #571 and #819); these are agreed before
anyone has looked. Every field has a range, and NaN or infinity is in none. No clip or sampling rate is so
small that floating point, which is coarse next to zero, would round a patient's part or chance up.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Positive = Annotated[float, Field(ge=1e-9, le=1e6, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
FractionBits = Annotated[int, Field(ge=0, le=60)]


def no_bool(value: object) -> object:
    """The value, where a number is expected: YAML's ``yes`` would pass for 1.

    :raises ValueError: true or false.
    """
    if isinstance(value, bool):
        raise ValueError("a number is expected, not yes or no")  # noqa: TRY004 - what pydantic tells
    return value


class MethodConstants(BaseModel):
    """What every method's constants have."""

    # Not strict: a plan may say 1 where 1.0 is meant, and YAML takes 1e-3 for a string.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n_max: Annotated[int, Field(ge=1, le=10**9)] = 10_000
    """The most training patients of a hospital. The plan's delta is below 1 / n_max: publishing one patient
    of n whole has delta 1 / n, so a larger delta promises nothing to the single one."""

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        wanted = cls.model_fields[info.field_name or ""].annotation
        return value if wanted is bool else no_bool(value)


class LinearProbeConstants(MethodConstants):
    """The linear probe's recipe in numbers. Lengths are Euclidean norms of unit-length features.

    ``fraction_bits`` 32 leaves room for 64 hospitals: 64 * 65536 * 64 * 2^32 = 2^60 < 2^63.
    """

    feature_dim: Annotated[int, Field(ge=1, le=65536)] = 1280
    count_share: Share = 0.2
    """Share of mu^2 that query 1 (centre and class counts) gets; the gradients get the rest."""
    label_scale: Positive = 0.25
    """Length of a label beside a feature of length 1 in query 1."""
    count_floor: Positive = 15.0
    """The least noisy class count that is believed, in patients."""
    feature_radius: Positive = 0.5
    """What a centred feature is divided by before it is clipped to length 1."""
    bias: Positive = 0.5
    """The constant coordinate appended to each feature."""
    steps: Annotated[int, Field(ge=1, le=1000)] = 10
    gradient_clip: Positive = 0.8 * 1.25**0.5
    momentum: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.8
    rate: Positive = 0.2
    rate_cap: Positive = 600.0
    rate_slope: Positive = 0.894
    """eta = rate * min(rate_cap, rate_slope * n * mu) / steps."""
    prior_power: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.5
    """How much of the log class share is taken off the logits."""
    weight_cap: Annotated[float, Field(ge=1, le=65536, allow_inf_nan=False)] = 65536.0
    """w_max: the largest weight, in patients, that one hospital can have in the average."""
    weight_bound: Annotated[float, Field(gt=0, le=64, allow_inf_nan=False)] = 64.0
    """Largest magnitude of one coordinate of the head."""
    fraction_bits: Annotated[int, Field(ge=0, le=32)] = 32


class DpSgdConstants(MethodConstants):
    """DP-SGD in numbers.

    ``fraction_bits`` 24 at a bound of 1 leaves room for 64 hospitals: 64 * 2^24 = 2^30 < 2^31.
    """

    network: Literal["small-cnn", "resnet18"] = "small-cnn"
    """small-cnn has 16,000 parameters and trains on a CPU; resnet18 has 11.2 million and wants a GPU."""
    start: Literal["built-in", "file"] = "built-in"
    """Where the first round's weights come from: this package's seed, or the file that the plan carries."""
    image_size: Annotated[int, Field(ge=16, le=512, multiple_of=8)] = 64
    """Height and width of the input in pixels."""
    sampling_rate: Annotated[float, Field(ge=1e-9, le=1, allow_inf_nan=False)] = 0.25
    """q: each patient takes part in a step with this probability."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Steps of one round."""
    expected_batch_size: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 160.0
    """What a summed gradient is divided by, in patients; agreed, not counted."""
    clipping_norm: Positive = 1.0
    learning_rate: Positive = 1.0
    momentum: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.8
    views: Annotated[int, Field(ge=1, le=64)] = 1
    """Views of each image in its patient's average: the image itself, and so many less one that are moved."""
    view_flip: bool = True
    """Whether further views are mirrored, each with probability 1/2."""
    view_shift: Annotated[int, Field(ge=0, le=32)] = 4
    """By how many pixels at most further views are shifted, in each direction."""
    delta_bound: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    """B: how far a weight may move in one round."""
    fraction_bits: Annotated[int, Field(ge=0, le=24)] = 24
