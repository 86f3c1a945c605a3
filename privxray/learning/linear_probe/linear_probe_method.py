"""The default method: differentially private gradient descent on a linear softmax head over frozen features.

Every step sees every patient (q = 1), so the accounting is an exact composition of Gaussian mechanisms. All
that a hospital's data contribute are 1 + T noisy answers; the rest is arithmetic on them and on constants.

The noise scale s is one over mu, the parameter of Gaussian differential privacy (Dong, Roth and Su 2022): the
whole round is as private as one Gaussian mechanism of noise s over its sensitivity. A share a of mu^2 goes to
query 1, at noise s / sqrt(a); the rest to T gradient steps, each at noise s sqrt(T / (1 - a)). They compose
to a / s^2 + T (1 - a) / (s^2 T) = 1 / s^2.
"""

# ruff: noqa: ARG002 (the interface's arguments; not every method needs each)
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.formats.tensors import TensorSpec
from privxray.learning.constants import LinearProbeConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import Drawing, Method, Task, Tensors, softmax
from privxray.learning.linear_probe.probe_queries import (
    centred_features,
    count_query,
    count_sensitivity,
    gradient_query,
    probe_inputs,
)
from privxray.privacy.clipping import Floats, row_norms
from privxray.privacy.events import Event
from privxray.privacy.noise import SENSITIVITY_INFLATION


class LinearProbe(Method[LinearProbeConstants]):
    """The method ``linear-probe``; see :class:`privxray.learning.interface.Method` for the interface."""

    name = "linear-probe"
    modulus_bits = 64
    inputs = "features"
    default_rounds = 1
    constants_type = LinearProbeConstants

    def input_size(self, constants: LinearProbeConstants) -> int:
        """D, the length of a feature vector."""
        return constants.feature_dim

    def manifest(self, constants: LinearProbeConstants, classes: Sequence[str]) -> tuple[TensorSpec, ...]:
        """The head n W [K, D + 1], the centre n c [D] and the class counts [K]; n is their noisy sum."""
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

    def starting_model(
        self, constants: LinearProbeConstants, classes: Sequence[str]
    ) -> dict[str, NDArray[Any]]:
        """Empty: the head starts at zero in every round."""
        return {}

    def starts_from_file(self, constants: LinearProbeConstants) -> bool:
        """Never."""
        return False

    def round_events(self, constants: LinearProbeConstants, noise: float) -> list[Event]:
        """One query for centre and counts, T gradient steps."""
        return [
            Event(kind="gaussian", noise=_count_noise(constants, noise)),
            Event(kind="gaussian", noise=_step_noise(constants, noise), count=constants.steps),
        ]

    def train(
        self, data: TrainingData, task: Task[LinearProbeConstants], drawing: Drawing
    ) -> dict[str, NDArray[np.float64]]:
        """See the interface. Release 0 is query 1, release t the gradient of step t."""
        constants, classes, noise = task.constants, len(task.classes), drawing.noise
        total = constants.steps + 1
        one_hot = data.one_hot(classes)

        std = _count_noise(constants, noise) * count_sensitivity(constants) * SENSITIVITY_INFLATION
        answer = drawing.noisy_sum(
            0, lambda: count_query(data.inputs, one_hot, data.patients, constants), std
        )
        centre, counts = _centre_and_counts(answer, constants)
        drawing.tell(1, total)

        x = probe_inputs(data.inputs, centre, constants)
        lengths = row_norms(x)
        std = _step_noise(constants, noise) * constants.gradient_clip * SENSITIVITY_INFLATION
        descent = _Descent(constants, classes, float(counts.sum()), 1.0 / noise)
        for step in range(1, total):
            answer = drawing.noisy_sum(
                step,
                lambda: gradient_query(descent.weights, x, one_hot, data.patients, constants, lengths),
                std,
            )
            descent.advance(answer)
            drawing.tell(step + 1, total)
        return _exported(descent.averaged(), centre, counts, constants)

    def combine(
        self, sums: Tensors, hospitals: int, task: Task[LinearProbeConstants]
    ) -> dict[str, NDArray[Any]]:
        """Weighted means of heads and centres, and the class shares of all hospitals together."""
        # Every hospital's counts are floored before they travel; the floor here only meets fixed-point
        # rounding.
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
        """softmax(W x - power * log share).

        The prior is partly taken off because the head has learnt it from few steps in each hospital, and a
        rare class would otherwise seldom be the most probable one.
        """
        weights, offsets = linear_head(model, constants)
        centred = centred_features(inputs, model["centre"], constants.feature_radius)
        return softmax(centred @ weights.T + offsets)


def linear_head(model: Tensors, constants: LinearProbeConstants) -> tuple[Floats, Floats]:
    """The model as logits = weights @ z + offsets, with z of :func:`centred_features`.

    :returns: weights [K, D], and offsets [K]: the bias coordinate's share less the part of the log prior.
    """
    weights = np.asarray(model["weights"], np.float64)
    offsets = constants.bias * weights[:, -1] - constants.prior_power * np.log(model["shares"])
    return weights[:, :-1], offsets


class _Descent:
    """Gradient ascent on the log-likelihood with heavy-ball momentum, fed with noisy summed gradients."""

    def __init__(self, constants: LinearProbeConstants, classes: int, n: float, mu: float) -> None:
        self._constants = constants
        self._n = n
        # With much noise (small n mu) the steps shrink so that their noise stays below what they learn.
        reach = min(constants.rate_cap, constants.rate_slope * n * mu)
        self._rate = constants.rate * reach / constants.steps
        self.weights: Floats = np.zeros((classes, constants.feature_dim + 1))
        self._velocity = np.zeros_like(self.weights)
        self._iterates: list[Floats] = []

    def advance(self, gradient: NDArray[Any]) -> None:
        # A true gradient sums to zero over the classes, for p and y both sum to one. So the class mean of a
        # noisy one is noise, and taking it off removes a share 1/K of the noise at no cost.
        gradient = gradient - gradient.mean(axis=0)
        self._velocity = self._constants.momentum * self._velocity + gradient / self._n
        self.weights = self.weights + self._rate * self._velocity
        self._iterates.append(self.weights)

    def averaged(self) -> Floats:
        """The mean of the last half of the iterates (Polyak and Juditsky 1992), which averages out noise."""
        return np.asarray(np.mean(self._iterates[len(self._iterates) // 2 :], axis=0))


def _count_noise(constants: LinearProbeConstants, noise: float) -> float:
    return noise / math.sqrt(constants.count_share)


def _step_noise(constants: LinearProbeConstants, noise: float) -> float:
    return noise * math.sqrt(constants.steps / (1.0 - constants.count_share))


def _centre_and_counts(answer: NDArray[Any], constants: LinearProbeConstants) -> tuple[Floats, Floats]:
    """The centre c [D] and the class counts [K] from the noisy answer to query 1.

    The centre is clamped to [0, 1], where means of non-negative features of unit length lie.
    """
    counts = np.maximum(answer[constants.feature_dim :] / constants.label_scale, constants.count_floor)
    return np.clip(answer[: constants.feature_dim] / counts.sum(), 0.0, 1.0), counts


def _exported(
    weights: Floats, centre: Floats, counts: Floats, constants: LinearProbeConstants
) -> dict[str, Floats]:
    """The vector that travels: everything times n, which is at most ``weight_cap``."""
    counts = counts * min(1.0, constants.weight_cap / counts.sum())
    n = counts.sum()
    bound = constants.weight_bound
    return {"weights": n * np.clip(weights, -bound, bound), "centre": n * centre, "counts": counts}
