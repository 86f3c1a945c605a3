"""The default method: a linear softmax head over frozen features, by private gradient steps.

Every step sees every patient (q = 1), so the accounting is an exact composition of Gaussian mechanisms. A
hospital's data contribute 1 + T noisy answers, and nothing else; the rest is arithmetic on these answers
and on constants.

The noise scale s is 1 / mu, where mu is the parameter of Gaussian differential privacy (Dong, Roth and Su
2022, "Gaussian differential privacy"): the whole round is as private as one Gaussian mechanism with noise s
over its sensitivity. Query 1 gets a share a of mu^2, and so the noise s / sqrt(a). The T gradient steps get
the rest, and so the noise s sqrt(T / (1 - a)) each. They compose to a / s^2 + T (1 - a) / (s^2 T) = 1 / s^2
(corollary 3.3 there).
"""

# ruff: noqa: ARG002 (the interface's arguments; not every method needs each)
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from privxray.formats.stated_bounds import SharedTensor, StatedBounds
from privxray.formats.tensors import TensorSpec
from privxray.learning.constants import LinearProbeConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import Drawing, InputKind, Method, Task, Tensors, softmax
from privxray.learning.linear_probe.probe_queries import (
    centred_features,
    count_query,
    count_sensitivity,
    gradient_query,
    probe_inputs,
)
from privxray.privacy.clipping import Floats, row_norms
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import SENSITIVITY_INFLATION

RECIPE: Final[Mapping[str, object]] = {
    "feature_dim": 296,
    "count_share": 0.1,
    "centre": "shrunk",
    "feature_radius": 0.14,
    "bias": 0.15,
    "steps": 40,
    "gradient_clip": 0.6,
    "step_noise": "by-weight",
    "averaged_share": 0.3,
    "rate_cap": 3200.0,
    "rate_slope": 2.4,
    "weighting": "patients-by-mu",
    "temperature": 1.4,
    "weight_bound": 8.0,
}
"""The second recipe, chosen by five-fold cross-validation over training patients; docs/BENCHMARKS.md has the
figures. The radius is below the usual distance of a feature from the centre, so nearly every row has length
1. It is public: computed from patients it would be a leak. So is the temperature; the best one in that
cross-validation is 1.35 at epsilon 1 and 1.5 at 6."""

MU_UNIT: Final = 8.0
"""What mu is measured in where it weighs a hospital's head. At delta 1e-5 no epsilon of up to 60 has a larger
mu; one that has counts as this."""

_LEAST_WEIGHT: Final = 0.05
"""No step gets less than this part of the largest step's share of mu^2: its gradient would be noise alone."""


class LinearProbe(Method[LinearProbeConstants]):
    """The method ``linear-probe``; see :class:`privxray.learning.interface.Method` for the interface."""

    name = "linear-probe"
    modulus_bits = 64
    constants_type = LinearProbeConstants
    recipe: ClassVar[Mapping[str, object]] = RECIPE

    def default_rounds(self, constants: LinearProbeConstants) -> int:
        """One: the heads are averaged once."""
        del constants
        return 1

    def inputs(self, constants: LinearProbeConstants) -> InputKind:
        """See the interface."""
        del constants
        return "features"

    def input_size(self, constants: LinearProbeConstants) -> int:
        """D, the length of a feature vector."""
        return constants.feature_dim

    def manifest(self, constants: LinearProbeConstants, classes: Sequence[str]) -> tuple[TensorSpec, ...]:
        """The head n W [K, D + 1], the centre n c [D], and the class counts [K], whose sum is n."""
        cap, bits, k = constants.weight_cap, constants.fraction_bits, len(classes)
        return (
            TensorSpec(
                name="weights",
                shape=(k, constants.feature_dim + 1),
                bound=cap * constants.weight_bound,
                fraction_bits=bits,
            ),
            TensorSpec(name="centre", shape=(constants.feature_dim,), bound=cap, fraction_bits=bits),
            TensorSpec(name="counts", shape=(k,), bound=cap, fraction_bits=bits),
        )

    def bounds(self, constants: LinearProbeConstants) -> StatedBounds:
        """The counts add up to n. The head is at most n times ``weight_bound``, and the centre at most n."""
        return StatedBounds(
            total="counts",
            shared=(
                SharedTensor(tensor="weights", times=math.ceil(constants.weight_bound)),
                SharedTensor(tensor="centre", times=1),
            ),
        )

    def starting_model(
        self, constants: LinearProbeConstants, classes: Sequence[str]
    ) -> dict[str, NDArray[Any]]:
        """Empty: the head starts at zero in every round."""
        return {}

    def starts_from_file(self, constants: LinearProbeConstants) -> bool:
        """Never."""
        return False

    def round_events(self, constants: LinearProbeConstants, noise: float) -> list[Event]:
        """One event for query 1, and one for each different noise of the T gradient steps."""
        steps = Counter(step_noises(constants, noise))
        return [
            Event(kind="gaussian", noise=_count_noise(constants, noise)),
            *(Event(kind="gaussian", noise=step, count=count) for step, count in steps.items()),
        ]

    def patient_weight(self, constants: LinearProbeConstants, limit: Guarantee) -> float:
        """See :meth:`Method.patient_weight`: with ``patients-by-mu`` that of the whole limit in one round."""
        return _weight(constants, self.plan_noise(constants, limit, rounds_left=1, past=[]))

    def train(
        self, data: TrainingData, task: Task[LinearProbeConstants], drawing: Drawing
    ) -> dict[str, NDArray[np.float64]]:
        """See the interface. Answer 0 is that of query 1, answer t the gradient of step t."""
        constants, classes, noise = task.constants, len(task.classes), drawing.noise
        total = constants.steps + 1
        one_hot = data.one_hot(classes)

        std = _count_noise(constants, noise) * count_sensitivity(constants) * SENSITIVITY_INFLATION
        answer = drawing.noisy_sum(
            0, lambda: count_query(data.inputs, one_hot, data.patients, constants), std
        )
        centre, counts = _centre_and_counts(answer, constants, std)
        drawing.tell(1, total)

        x = probe_inputs(data.inputs, centre, constants)
        lengths = row_norms(x)
        sensitivity = constants.gradient_clip * SENSITIVITY_INFLATION
        ascent = _Ascent(constants, classes, float(counts.sum()), 1.0 / noise)
        for step, step_noise in enumerate(step_noises(constants, noise), start=1):
            answer = drawing.noisy_sum(
                step,
                lambda: gradient_query(ascent.weights, x, one_hot, data.patients, constants, lengths),
                step_noise * sensitivity,
            )
            ascent.advance(answer)
            drawing.tell(step + 1, total)
        return _exported(ascent.averaged(), centre, counts * _weight(constants, noise), constants)

    def combine(
        self, sums: Tensors, hospitals: int, task: Task[LinearProbeConstants]
    ) -> dict[str, NDArray[Any]]:
        """The weighted means of heads and centres, and the class shares of all hospitals together.

        A hospital's weight is n, its noisy number of patients.
        """
        # Every hospital raised its counts to the floor before they left. Only rounding to fixed point could
        # have made one zero since.
        counts = np.maximum(sums["counts"], 1e-6)
        n = counts.sum()
        return {"weights": sums["weights"] / n, "centre": sums["centre"] / n, "shares": counts / n}

    def probabilities(
        self,
        model: Tensors,
        inputs: NDArray[Any],
        constants: LinearProbeConstants,
        classes: Sequence[str],
    ) -> NDArray[np.float64]:
        """[N, K] softmax((W x - prior_power * log shares) / temperature).

        A part of the class shares is taken off, because the head has learnt them in its few steps. Without
        that, a rare class would seldom be the most probable one.
        """
        weights, offsets = linear_head(model, constants)
        centred = centred_features(inputs, model["centre"], constants.feature_radius)
        return softmax(centred @ weights.T + offsets)


def linear_head(model: Tensors, constants: LinearProbeConstants) -> tuple[Floats, Floats]:
    """The model as a linear function: logits = weights @ z + offsets, with z of :func:`centred_features`.

    The softmax of these logits are the probabilities: they are divided by the temperature already.

    :returns: weights [K, D], and offsets [K]: what the bias coordinate adds, less the class shares' part.
    """
    weights = np.asarray(model["weights"], np.float64)
    offsets = constants.bias * weights[:, -1] - constants.prior_power * np.log(model["shares"])
    return weights[:, :-1] / constants.temperature, offsets / constants.temperature


class _Ascent:
    """Gradient ascent on the log-likelihood, with heavy-ball momentum, from noisy sums of gradients.

    :param n: the noisy number of patients.
    :param mu: 1 / s, see above.
    """

    def __init__(self, constants: LinearProbeConstants, classes: int, n: float, mu: float) -> None:
        self._constants = constants
        self._n = n
        # With much noise (a small n mu) steps are shorter, so that they do not follow the noise.
        reach = min(constants.rate_cap, constants.rate_slope * n * mu)
        self._rate = constants.rate * reach / constants.steps
        self.weights: Floats = np.zeros((classes, constants.feature_dim + 1))
        self._velocity = np.zeros_like(self.weights)
        self._iterates: list[Floats] = []

    def advance(self, gradient: NDArray[Any]) -> None:
        """One step along a noisy gradient [K, D + 1]."""
        # An exact gradient sums to zero over the classes, because p and y both sum to one. So the mean over
        # the classes of a noisy gradient is noise. Taking it off removes 1/K of the noise at no cost.
        gradient = gradient - gradient.mean(axis=0)
        self._velocity = self._constants.momentum * self._velocity + gradient / self._n
        self.weights = self.weights + self._rate * self._velocity
        self._iterates.append(self.weights)

    def averaged(self) -> Floats:
        """The mean of the last iterates, which averages out noise (Polyak and Juditsky 1992)."""
        return np.asarray(np.mean(self._iterates[-_averaged(self._constants) :], axis=0))


def _count_noise(constants: LinearProbeConstants, noise: float) -> float:
    """The noise of query 1 over its sensitivity."""
    return noise / math.sqrt(constants.count_share)


def step_noises(constants: LinearProbeConstants, noise: float) -> list[float]:
    """The noise of each gradient step over its sensitivity; they compose to (1 - count_share) / noise^2."""
    even = noise * math.sqrt(constants.steps / (1.0 - constants.count_share))
    if constants.step_noise == "even":
        return [even] * constants.steps
    weights = _noise_weights(constants)
    mean = math.fsum(weights) / len(weights)
    return [even * math.sqrt(mean / weight) for weight in weights]


def _noise_weights(constants: LinearProbeConstants) -> list[float]:
    """What the noise of each step weighs in the averaged head, but for a factor that all have.

    The noise of step t is in the velocity of step s >= t with the factor momentum^(s - t). So it is in the
    weights after step s with 1 + momentum + ... + momentum^(s - t) = (1 - momentum^(s - t + 1)) / (1 -
    momentum), and the head is the mean of these over the averaged s. With w_t for that and shares p_t of mu^2
    that sum to 1, the head's noise is the sum of w_t^2 / p_t, which is least where p_t is in proportion to
    w_t.
    """
    steps, keep = constants.steps, constants.momentum
    first = steps - _averaged(constants) + 1
    raw = [
        math.fsum((1.0 - keep ** (s - t + 1)) / (1.0 - keep) for s in range(max(first, t), steps + 1))
        for t in range(1, steps + 1)
    ]
    return [max(weight, _LEAST_WEIGHT * max(raw)) for weight in raw]


def _averaged(constants: LinearProbeConstants) -> int:
    """How many iterates are averaged, from the last one back; at least 1."""
    return max(1, int(constants.averaged_share * constants.steps + 0.5))


def _weight(constants: LinearProbeConstants, noise: float) -> float:
    """What each of a hospital's patients weighs in the average, in (0, 1]."""
    return 1.0 if constants.weighting == "patients" else min(1.0, 1.0 / noise / MU_UNIT)


def _centre_and_counts(
    answer: NDArray[Any], constants: LinearProbeConstants, std: float
) -> tuple[Floats, Floats]:
    """The centre c [D] and the class counts [K] from the noisy answer to query 1.

    :param std: the standard deviation of the noise in each number of the answer.
    """
    dim = constants.feature_dim
    counts = np.maximum(answer[dim:] / constants.label_scale, constants.count_floor)
    centre = answer[:dim] / counts.sum()
    if constants.centre == "clamped":  # means of non-negative features of length 1 lie in [0, 1]
        return np.clip(centre, 0.0, 1.0), counts
    # James and Stein's estimate, its positive part. A mean of vectors of length 1 is no longer than 1.
    square = float(centre @ centre)
    kept = max(0.0, 1.0 - (dim - 2) * (std / counts.sum()) ** 2 / square) if square > 0 else 0.0
    return centre * (kept / max(1.0, kept * math.sqrt(square))), counts


def _exported(
    weights: Floats, centre: Floats, counts: Floats, constants: LinearProbeConstants
) -> dict[str, Floats]:
    """The vector that leaves: everything times n, which is at most ``weight_cap``."""
    cap, bound = constants.weight_cap, constants.weight_bound
    counts = np.minimum(counts * min(1.0, cap / counts.sum()), cap)
    n = min(float(counts.sum()), cap)  # for rounding can leave the sum a last digit above the cap
    return {"weights": n * np.clip(weights, -bound, bound), "centre": n * centre, "counts": counts}
