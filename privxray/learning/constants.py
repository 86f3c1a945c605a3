"""The public constants of both methods. The plan carries them, and every hospital trains by the same ones.

None may be read off a hospital's data. A divisor, a sampling rate or a number of steps that depended on the
number of patients would say something about each of them (Opacus issues #571 and #819). So they are agreed on
before anybody looks at the data.

Every constant has a range, and NaN and infinity are in none. Clips lie between 1e-9 and 1e6. In all of that
range the rounding of a query stays below what the noise allows for (``SENSITIVITY_INFLATION``): dp-sgd adds
up whole numbers of a unit that goes with the clip, without rounding
(:mod:`privxray.learning.dp_sgd.clipped_sum`), and the linear probe adds up in float64, where an error is a
share of the clip. A sampling rate is 1e-9 or more: uniform numbers are multiples of 2^-53, and a chance near
that would be rounded up.

Below each constant stands what it is, and what depends on it. Where nothing is said of a sensitivity, none
depends on it: the constant only affects what is computed from answers that are noisy already.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Positive = Annotated[float, Field(ge=1e-9, le=1e6, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Momentum = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


def no_bool(value: object) -> object:
    """The value, where a number is expected: YAML's ``yes`` would pass for 1.

    :raises ValueError: it is true or false.
    """
    if isinstance(value, bool):
        raise ValueError("a number is expected, not yes or no")  # noqa: TRY004 - what pydantic tells
    return value


class MethodConstants(BaseModel):
    """What every method's constants have."""

    # Not strict: a plan may say 1 where 1.0 is meant, and YAML takes 1e-3 for a string.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n_max: Annotated[int, Field(ge=1, le=10**9)] = 10_000
    """The most patients that a hospital states; in a plan without sizes, what its delta is meant for.

    With sizes the plan's delta is at most 0.1 / n_max, without them it must be below 1 / n_max: to publish
    one patient of n whole has delta 1 / n. No hospital is refused for having more patients
    (:mod:`privxray.exchange.messages.plan_sizes`)."""

    @classmethod
    def later(cls) -> frozenset[str]:
        """Constants that a later version added. Their defaults are what earlier versions did."""
        return frozenset()

    def stated(self) -> dict[str, Any]:
        """The constants as a plan carries them.

        One of :meth:`later` is left out where it has its default. So the constants of a plan that an earlier
        version wrote are stated again as they stand there.
        """
        fields = type(self).model_fields
        return {
            name: value
            for name, value in self.model_dump(mode="json").items()
            if name not in self.later() or value != fields[name].default
        }

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        wanted = cls.model_fields[info.field_name or ""].annotation
        return value if wanted is bool else no_bool(value)


class LinearProbeConstants(MethodConstants):
    """The linear probe's recipe in numbers.

    The method asks the patients two kinds of question: query 1 once, and query 2 in each of ``steps`` steps
    (:mod:`privxray.learning.linear_probe.probe_queries`). Lengths are Euclidean norms; features have length
    1.
    """

    @classmethod
    def later(cls) -> frozenset[str]:
        """See :meth:`MethodConstants.later`: what the second recipe brought."""
        return frozenset({"centre", "step_noise", "averaged_share", "weighting", "temperature"})

    feature_dim: Annotated[int, Field(ge=1, le=65536)] = 1280
    """D: how many features an image has.

    It must be what the extractor gives. No sensitivity depends on it, because a feature has length 1 whatever
    D is; but noise is added to each coordinate, so more of them are noisier together."""

    count_share: Share = 0.2
    """a: the share of mu^2 that query 1 gets. The gradients get 1 - a.

    It sets the noise of both queries: s / sqrt(a), and s sqrt(steps / (1 - a)) in each step (in the mean of 1
    / noise^2, see ``step_noise``). These compose to one Gaussian mechanism of noise s for every a in (0, 1).
    What is charged is computed from the same two figures, so it changes with them."""

    label_scale: Positive = 0.25
    """The length of a label beside a feature of length 1, in query 1.

    Query 1 has the sensitivity sqrt(1 + label_scale^2), and its noise grows with that. A larger scale makes
    the counts more exact and the centre less."""

    count_floor: Positive = 15.0
    """A noisy class count below this many patients is raised to it.

    The centre and every gradient are divided by the sum of the counts. Without a floor, noise could make that
    zero or negative."""

    feature_radius: Positive = 0.5
    """What a centred feature is divided by, before it is clipped to length 1.

    The clip that follows bounds the feature whatever the radius is. Models, and offers of encrypted
    inference, only fit features that were made with the same radius."""

    bias: Positive = 0.5
    """The constant coordinate that is appended to each feature.

    An image's vector x is at most sqrt(1 + bias^2) long, so its gradient (p - y) x^T is at most sqrt(2)
    sqrt(1 + bias^2). ``gradient_clip`` bounds it anyway; with a larger bias it cuts off more."""

    steps: Annotated[int, Field(ge=1, le=1000)] = 10
    """T: how many noisy gradients there are.

    The noise of each grows with sqrt(T), and the charge counts T of them. More steps reach further, with more
    noise in each."""

    gradient_clip: Positive = 0.8 * 1.25**0.5
    """C: the most that one image's gradient may be long.

    C is the sensitivity of query 2, whatever the weights are, and the noise of each step is scaled to it. The
    default is 0.8 times the longest x at the default ``bias``."""

    momentum: Momentum = 0.8
    """The share of the previous step's direction that is kept (heavy-ball momentum)."""

    rate: Positive = 0.2
    """The learning rate is eta = rate * min(rate_cap, rate_slope * n * mu) / steps.

    Here n is the sum of the noisy counts and mu = 1 / s. So eta depends on the patients through noisy answers
    only, and nothing more has to be charged for it."""

    rate_cap: Positive = 600.0
    """The most that n mu counts for in the learning rate; see ``rate``."""

    rate_slope: Positive = 0.894
    """How fast the learning rate grows with n mu; see ``rate``. With little of it, steps stay small, so that
    they do not follow the noise."""

    prior_power: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.5
    """The power of the class shares that predictions are divided by: 0 leaves predictions as they are, 1
    takes the shares off completely.

    The shares come from noisy counts. Two hospitals with different powers would predict different classes
    with one model."""

    centre: Literal["clamped", "shrunk"] = "clamped"
    """What is made of the noisy centre of query 1.

    ``clamped``: each coordinate to [0, 1], where pooled features lie. ``shrunk``: towards zero by the rule of
    James and Stein (1961), by as much as the noise is worth, and then to length 1 at most. Either is
    arithmetic on a noisy answer, so neither costs anything."""

    step_noise: Literal["even", "by-weight"] = "even"
    """How the gradients' share of mu^2 is split among the steps.

    ``even``: equally. ``by-weight``: in proportion to what a step's noise weighs in the averaged head. The
    sum is the same, so the charge is too: both compose to (1 - count_share) mu^2."""

    averaged_share: Share = 0.5
    """The share of the iterates, from the last one back, whose mean is the head.

    Averaging is arithmetic on noisy answers. The share decides what each step's noise weighs, see
    ``step_noise``."""

    weighting: Literal["patients", "patients-by-mu"] = "patients"
    """What one hospital weighs in the average: its noisy number of patients n, or n mu.

    With the second, a hospital that trains at a smaller epsilon weighs less, because its head is noisier. mu
    is the hospital's own choice and no secret (the update names the epsilon), so nothing is charged for
    it."""

    temperature: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)] = 1.0
    """What logits are divided by before they become probabilities.

    Above 1 it makes probabilities less sure, and changes no order and no most likely class. It is public and
    the same in every study: fitted to a hospital's patients it would have to be paid for."""

    weight_cap: Annotated[float, Field(ge=1, le=65536, allow_inf_nan=False)] = 65536.0
    """The largest weight, in patients, that one hospital can have in the average.

    It bounds every number of the vector that is masked: 64 hospitals * weight_cap * weight_bound *
    2^fraction_bits = 2^60 is below 2^63, so sums can't overflow. Recipients check that with the plan's own
    figures."""

    weight_bound: Annotated[float, Field(gt=0, le=64, allow_inf_nan=False)] = 64.0
    """The largest magnitude of one weight of the head; larger ones are cut. See ``weight_cap`` for the
    sum."""

    fraction_bits: Annotated[int, Field(ge=0, le=32)] = 32
    """Binary digits after the point of a number that is masked. See ``weight_cap`` for the sum."""


class DpSgdConstants(MethodConstants):
    """DP-SGD in numbers."""

    @classmethod
    def later(cls) -> frozenset[str]:
        """See :meth:`MethodConstants.later`: what came with the network ``lite2-head``."""
        return frozenset({"averaging"})

    network: Literal["small-cnn", "resnet18", "lite2-head"] = "small-cnn"
    """Which network is trained. lite2-head is the end of a public network whose first blocks are frozen, and
    has 6,000 parameters. small-cnn has 16,000 and sees pixels. resnet18 has 11.2 million, sees pixels and
    needs a GPU.

    The sensitivity is ``clipping_norm`` for all; noise is added to each parameter, so more of them are
    noisier together."""

    start: Literal["built-in", "file"] = "built-in"
    """Where the first round's weights come from: this package, or the file that the plan carries.

    Both are public. Weights that were trained on a hospital's patients without privacy would break the
    promise to them, and no check can tell."""

    image_size: Annotated[int, Field(ge=16, le=512, multiple_of=8)] = 64
    """Height and width of an image in pixels. Images are shrunk to it before training.

    lite2-head does not read it: its frozen blocks see 260 x 260 pixels."""

    sampling_rate: Annotated[float, Field(ge=1e-9, le=1, allow_inf_nan=False)] = 0.25
    """q: the probability with which each patient takes part in a step.

    The accountant's figure holds for this probability and for patients who are drawn independently."""

    steps: Annotated[int, Field(ge=1, le=100_000)] = 10
    """The number of steps in one round. All are charged before the first."""

    expected_batch_size: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 160.0
    """What a noisy sum of gradients is divided by, in patients.

    It is agreed on, not counted: a sum that was divided by the number of patients would have another
    sensitivity."""

    clipping_norm: Positive = 1.0
    """C: the most that one patient's gradient may be long.

    C is the sensitivity of each step's sum, and the noise is scaled to it."""

    learning_rate: Positive = 1.0
    """How far the weights move in a step, per unit of the noisy average gradient."""

    momentum: Momentum = 0.8
    """The share of the previous step's direction that is kept."""

    views: Annotated[int, Field(ge=1, le=64)] = 1
    """How many versions of each image are averaged: the image itself, and views - 1 that are mirrored or
    shifted.

    They are all inside their patient's average, before the clip, so the sensitivity stays
    ``clipping_norm``."""

    view_flip: bool = True
    """Whether each further view is mirrored, with probability 1/2; with lite2-head every second view is."""

    view_shift: Annotated[int, Field(ge=0, le=32)] = 4
    """By how many pixels each further view is shifted at most, along each axis. With lite2-head it is by how
    many of the map's 4 fields."""

    averaging: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    """The decay of the average of the weights that leaves: what the weights after a step count for, beside
    those after the next one. With 0 the last weights leave.

    An average of noisy weights is arithmetic on noisy answers, so it costs nothing."""

    delta_bound: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    """B: how far a weight may move in one round; what goes further is cut.

    It bounds every number of the vector that is masked: 64 hospitals * delta_bound * 2^fraction_bits = 2^30
    is below 2^31, so sums can't overflow. Recipients check that with the plan's own figures."""

    fraction_bits: Annotated[int, Field(ge=0, le=24)] = 24
    """Binary digits after the point of a number that is masked. See ``delta_bound`` for the sum."""
