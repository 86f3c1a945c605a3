"""DP-SGD in rounds: hospitals go on from the global model, and the changes of their weights are averaged.

One step is algorithm 1 of Abadi et al. 2016, "Deep learning with differential privacy", with the patient as
the unit. Each patient is taken with probability q. The gradients of the patient's images are averaged, and
the average is clipped to C. The clipped averages are summed, and Gaussian noise of standard deviation s C
is added. The noise scale of this method is s, the noise multiplier.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from privxray.errors import UsageError
from privxray.formats.tensors import TensorSpec
from privxray.learning.averaging import average
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.networks import as_input, device, initial_weights, network, shapes
from privxray.learning.dp_sgd.trainer import Trainer
from privxray.learning.interface import Drawing, Method, Task, Tensors, softmax
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.sampling import LEAST_SAMPLED_NOISE

_PREDICT_IMAGES = 256


class DpSgd(Method[DpSgdConstants]):
    """The method ``dp-sgd``; see :class:`privxray.learning.interface.Method` for the interface."""

    name = "dp-sgd"
    modulus_bits = 32
    inputs = "pixels"
    default_rounds = 4
    constants_type = DpSgdConstants

    def input_size(self, constants: DpSgdConstants) -> int:
        """Height and width of an image in pixels."""
        return constants.image_size

    def manifest(self, constants: DpSgdConstants, classes: Sequence[str]) -> tuple[TensorSpec, ...]:
        """For each parameter, how far it moved in the round."""
        return tuple(
            TensorSpec(
                name=name,
                shape=shape,
                bound=constants.delta_bound,
                fraction_bits=constants.fraction_bits,
            )
            for name, shape in shapes(constants.network, len(classes)).items()
        )

    def starting_model(self, constants: DpSgdConstants, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The weights of :func:`privxray.learning.dp_sgd.networks.initial_weights`."""
        return dict(initial_weights(constants.network, len(classes)))

    def starts_from_file(self, constants: DpSgdConstants) -> bool:
        """See the interface."""
        return constants.start == "file"

    def plan_noise(
        self, constants: DpSgdConstants, limit: Guarantee, *, rounds_left: int, past: Sequence[Event]
    ) -> float:
        """See the interface. A step that samples patients has :data:`LEAST_SAMPLED_NOISE` at least."""
        least = LEAST_SAMPLED_NOISE if constants.sampling_rate < 1.0 else 0.0
        return max(least, super().plan_noise(constants, limit, rounds_left=rounds_left, past=past))

    def round_events(self, constants: DpSgdConstants, noise: float) -> list[Event]:
        """One event, for all steps of the round."""
        return _mechanism(constants, noise).events()

    def train(
        self, data: TrainingData, task: Task[DpSgdConstants], drawing: Drawing
    ) -> dict[str, NDArray[np.float64]]:
        """See the interface. Answer t is the whole state after step t + 1: weights and momentum."""
        constants, releases = task.constants, drawing.releases
        _require_size(data.inputs, constants)
        data.one_hot(len(task.classes))  # checks the labels
        mechanism = _mechanism(constants, drawing.noise)
        trainer = Trainer(data, task, mechanism, drawing.source)
        done = releases.latest()
        if done is not None and (saved := releases.load(done)) is not None:
            trainer.restore(saved)
        for step in range(0 if done is None else done + 1, mechanism.steps):
            trainer.step()
            releases.save(step, trainer.state())
            releases.discard_before(step)
            drawing.tell(step + 1, mechanism.steps)
        bound = constants.delta_bound
        return {
            name: np.clip(weights.astype(np.float64) - task.start[name], -bound, bound)
            for name, weights in trainer.weights().items()
        }

    def combine(self, sums: Tensors, hospitals: int, task: Task[DpSgdConstants]) -> dict[str, NDArray[Any]]:
        """The average of :func:`privxray.learning.averaging.average`."""
        return average(sums, hospitals, task.start)

    def probabilities(
        self, model: Tensors, inputs: NDArray[Any], constants: DpSgdConstants, classes: Sequence[str]
    ) -> NDArray[np.float64]:
        """See the interface."""
        _require_size(inputs, constants)
        where = device()
        classifier = network(constants.network, model, len(classes)).to(where)
        with torch.no_grad():
            batches = [
                classifier(as_input(inputs[at : at + _PREDICT_IMAGES]).to(where)).cpu().numpy()
                for at in range(0, len(inputs), _PREDICT_IMAGES)
            ]
        return softmax(np.concatenate(batches)) if batches else np.empty((0, len(classes)))


def _mechanism(constants: DpSgdConstants, noise: float) -> SampledGaussian:
    """The one object that training draws from and that the ledger is charged for."""
    return SampledGaussian(
        rate=constants.sampling_rate,
        clipping_norm=constants.clipping_norm,
        noise=noise,
        steps=constants.steps,
    )


def _require_size(pixels: NDArray[Any], constants: DpSgdConstants) -> None:
    """Refuse what is not [N, size, size] uint8."""
    size = constants.image_size
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (size, size):
        raise UsageError(
            f"this method takes 8-bit grey images of {size} x {size} pixels", reason="train.image-size"
        )
