"""DP-SGD in rounds: hospitals go on from the global model, and the changes of their weights are averaged.

One step is algorithm 1 of Abadi et al. 2016, "Deep learning with differential privacy", with the patient as
the unit. Each patient is taken with probability q. The gradients of the patient's images are averaged, and
the average is clipped to C. The clipped averages are summed, and Gaussian noise of standard deviation s C
is added. The noise scale of this method is s, the noise multiplier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from privxray.errors import UsageError
from privxray.formats.tensors import TensorSpec
from privxray.learning.averaging import average
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.network_inputs import MapInputs, inputs_of
from privxray.learning.dp_sgd.networks import device, initial_weights, network, shapes
from privxray.learning.dp_sgd.trainer import Trainer
from privxray.learning.interface import Drawing, InputKind, Method, Task, Tensors, softmax
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.sampling import LEAST_SAMPLED_NOISE

_PREDICT_IMAGES = 256

RECIPE: Mapping[str, object] = {
    "network": "lite2-head",
    "sampling_rate": 1.0,
    "steps": 20,
    "expected_batch_size": 600.0,
    "learning_rate": 0.4,
    "views": 2,
    "view_shift": 0,
    "averaging": 0.7,
}
"""The constants of new plans: all patients in every step, few steps, an image and its mirror image
(docs/adr/0125)."""


class DpSgd(Method[DpSgdConstants]):
    """The method ``dp-sgd``; see :class:`privxray.learning.interface.Method` for the interface."""

    name = "dp-sgd"
    modulus_bits = 32
    constants_type = DpSgdConstants
    recipe = RECIPE

    def new_constants(self, overrides: Mapping[str, object]) -> DpSgdConstants:
        """See the interface. The recipe is for ``lite2-head``: another network is trained by the defaults.

        Terms that state an image size and no network were written when every network saw pixels, and still
        mean the small one.
        """
        if "network" not in overrides and "image_size" in overrides:
            return self.constants(overrides)
        network = overrides.get("network", RECIPE["network"])
        return self.constants({**(RECIPE if network == RECIPE["network"] else {}), **overrides})

    def default_rounds(self, constants: DpSgdConstants) -> int:
        """See the interface."""
        return 1 if constants.network == "lite2-head" else 4

    def inputs(self, constants: DpSgdConstants) -> InputKind:
        """Pixels, or for ``lite2-head`` the maps of its frozen blocks."""
        return "maps" if constants.network == "lite2-head" else "pixels"

    def input_size(self, constants: DpSgdConstants) -> int:
        """Height and width of an image in pixels, or the numbers of its maps."""
        return MapInputs.numbers if constants.network == "lite2-head" else constants.image_size

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
        """See the interface. Answer t is the whole state after step t + 1, where the next one goes on."""
        constants, releases = task.constants, drawing.releases
        _require_form(data.inputs, constants)
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
            name: np.clip(weights - task.start[name], -bound, bound)
            for name, weights in trainer.averaged_weights().items()
        }

    def combine(self, sums: Tensors, hospitals: int, task: Task[DpSgdConstants]) -> dict[str, NDArray[Any]]:
        """The average of :func:`privxray.learning.averaging.average`."""
        return average(sums, hospitals, task.start)

    def probabilities(
        self, model: Tensors, inputs: NDArray[Any], constants: DpSgdConstants, classes: Sequence[str]
    ) -> NDArray[np.float64]:
        """See the interface."""
        _require_form(inputs, constants)
        where, form = device(), inputs_of(constants)
        classifier = network(constants.network, model, len(classes)).to(where)

        def logits(part: NDArray[Any]) -> NDArray[np.float32]:
            views = [classifier(view.to(where)) for view in form.for_prediction(part)]
            return np.asarray(torch.stack(views).mean(dim=0).cpu().numpy())

        with torch.no_grad():
            batches = [
                logits(inputs[at : at + _PREDICT_IMAGES]) for at in range(0, len(inputs), _PREDICT_IMAGES)
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


def _require_form(inputs: NDArray[Any], constants: DpSgdConstants) -> None:
    """Refuse what is not [N, size, size] uint8, or the maps of ``lite2-head``, [N, 3840] float32."""
    form = inputs_of(constants)
    if form.fit(inputs):
        return
    if isinstance(form, MapInputs):
        raise UsageError(
            f"the network lite2-head takes {form.numbers} numbers of an image", reason="train.map-size"
        )
    raise UsageError(
        f"this method takes 8-bit grey images of {form.side} x {form.side} pixels", reason="train.image-size"
    )
