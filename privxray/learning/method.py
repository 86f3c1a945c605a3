"""What a training method is: the interface that the two methods of this package carry out.

A method never opens the ledger. The caller reserves :meth:`Method.round_events` at the noise scale that
:meth:`Method.plan_noise` found, marks the run as spending, and calls :meth:`Method.train` with that same
scale: the events and the noise come from one number, so they can't disagree.

:mod:`privxray.learning.methods` finds a method by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from privxray.errors import UsageError
from privxray.formats.tensors import ModulusBits, TensorSpec
from privxray.learning.data import TrainingData
from privxray.privacy.events import Event
from privxray.privacy.noise import NoiseSource
from privxray.privacy.releases import ReleaseStore

Tensors = Mapping[str, NDArray[Any]]
_Constants = TypeVar("_Constants", bound=BaseModel)
Progress = Callable[[int, int], None]


class Method(Protocol):
    """How one round is trained, and how the hospitals' vectors become a model."""

    name: str
    modulus_bits: ModulusBits
    inputs: Literal["features", "pixels"]
    default_rounds: int

    def constants(self, overrides: Mapping[str, object]) -> Any:
        """The public constants, with some replaced.

        :raises UsageError: an unknown name or a value out of range.
        """

    def manifest(self, constants: Any, classes: Sequence[str]) -> tuple[TensorSpec, ...]:
        """The tensors that are added up, with their bounds and fixed point."""

    def starting_model(self, constants: Any, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The model that round 1 starts from: public and the same everywhere. Empty if there is none."""

    def starts_from_file(self, constants: Any) -> bool:
        """Whether the plan carries other weights than :meth:`starting_model`, of the same form."""

    def round_events(self, constants: Any, noise: float) -> list[Event]:
        """What one round costs at noise scale ``noise``."""

    def plan_noise(
        self, constants: Any, epsilon: float, delta: float, *, rounds_left: int, past: Sequence[Event]
    ) -> float:
        """The least noise scale at which ``past`` and ``rounds_left`` rounds compose to at most ``epsilon``.

        :raises BudgetError: the past leaves no room.
        """

    def train(
        self,
        data: TrainingData,
        constants: Any,
        classes: Sequence[str],
        noise: float,
        start: Tensors,
        releases: ReleaseStore,
        progress: Progress | None = None,
        *,
        source: NoiseSource,
    ) -> dict[str, NDArray[np.float64]]:
        """Train one round with privacy, going on where ``releases`` ends.

        :param progress: called with (steps done, steps); it is told nothing that depends on the data.
        :param source: where noise and samples come from: ``SecureNoise()``, except in tests.
        :returns: the manifest's tensors, within their bounds. They carry their full noise already.
        """

    def combine(
        self, sums: Tensors, hospitals: int, constants: Any, classes: Sequence[str], start: Tensors
    ) -> dict[str, NDArray[Any]]:
        """The model from the opened sum of ``hospitals`` vectors."""

    def local_model(
        self, vector: Tensors, constants: Any, classes: Sequence[str], start: Tensors
    ) -> dict[str, NDArray[Any]]:
        """One hospital's own model: the combination of its vector alone."""

    def probabilities(
        self, model: Tensors, inputs: NDArray[Any], constants: Any, classes: Sequence[str]
    ) -> NDArray[np.float64]:
        """[N, K] class probabilities; rows sum to 1."""


def validated(model: type[_Constants], overrides: Mapping[str, object]) -> _Constants:
    """Constants of type ``model`` with ``overrides``.

    :raises UsageError: naming the first constant that is wrong.
    """
    try:
        return model.model_validate(dict(overrides))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"the plan's constant {where} can't be that ({first['msg']})") from error


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Rows as probabilities, in float64, without overflow."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
