"""What a training method is: the interface that both methods of this package implement.

A method never opens the ledger. The caller finds a noise scale with :meth:`Method.plan_noise`, reserves
:meth:`Method.round_events` at that scale, marks the run as spending, and calls :meth:`Method.train` with the
same scale. What is charged and what is drawn come from one number, so they can't disagree.

:mod:`privxray.learning.methods` finds a method by its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from privxray.errors import UsageError
from privxray.formats.stated_bounds import StatedBounds
from privxray.formats.tensors import ModulusBits, TensorSpec
from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.privacy.accountant import calibrate
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import NoiseSource
from privxray.privacy.releases import ReleaseStore

Tensors = Mapping[str, NDArray[Any]]
"""Arrays by name: a model, or the vector that a hospital exports."""
Progress = Callable[[int, int], None]
"""Called with (steps done, steps). It is told nothing that depends on the data."""

InputKind = Literal["features", "pixels", "maps"]
"""What a method sees of an image: a row of features, its pixels, or the maps of a network's frozen blocks."""

Constants = TypeVar("Constants", bound=MethodConstants)


@dataclass(frozen=True)
class Task(Generic[Constants]):
    """What a plan fixes about one round of training: public, and the same in every hospital.

    :param constants: the method's public constants.
    :param classes: the names of the K classes. A label is an index of this sequence.
    :param start: the model that the round starts from; empty if the method starts from nothing.
    """

    constants: Constants
    classes: Sequence[str]
    start: Tensors


@dataclass(frozen=True)
class Drawing:
    """How the noise of one round is drawn, and where each noisy answer is saved before it is used.

    :param noise: the noise scale, from :meth:`Method.plan_noise`, that the ledger was charged for.
    :param source: where noise and samples come from: ``SecureNoise()``, except in tests.
    :param releases: the answers that were drawn already. Training goes on where they end.
    :param progress: called after each step.
    """

    noise: float
    source: NoiseSource
    releases: ReleaseStore
    progress: Progress | None = None

    def noisy_sum(self, index: int, query: Callable[[], NDArray[np.float64]], std: float) -> NDArray[Any]:
        """The noisy answer number ``index``: as it was saved, or else drawn now and saved.

        :param query: computes the exact answer, in any shape. It is called only if no answer is saved.
        :param std: the standard deviation of the noise in each coordinate.
        :raises BudgetError: the answer was saved, and is gone.
        """
        saved = self.releases.load(index)
        if saved is None:
            exact = query()
            saved = {"answer": exact + self.source.gaussian(exact.shape, std)}
            self.releases.save(index, saved)
        return saved["answer"]

    def tell(self, done: int, steps: int) -> None:
        """Report progress, if somebody asked for it."""
        if self.progress:
            self.progress(done, steps)


class Method(ABC, Generic[Constants]):
    """How one round is trained, and how the hospitals' vectors become a model.

    It has no state of its own: what a plan fixes is handed in.
    """

    name: ClassVar[str]
    """As plans spell it."""
    modulus_bits: ClassVar[ModulusBits]
    """Masked vectors are added up modulo 2 to this power."""
    constants_type: type[Constants]
    recipe: ClassVar[Mapping[str, object]] = {}
    """The constants of new plans that differ from the defaults of ``constants_type``. The defaults are what
    plans of earlier versions mean."""

    def constants(self, overrides: Mapping[str, object]) -> Constants:
        """The public constants: the defaults, but for ``overrides``.

        :raises UsageError: an unknown name, or a value out of its range. The first one is named.
        """
        try:
            return self.constants_type.model_validate(dict(overrides))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UsageError(
                f"the plan's constant {where} is not accepted ({first['msg']})",
                reason="plan.constant-refused",
            ) from error

    def new_constants(self, overrides: Mapping[str, object]) -> Constants:
        """The constants of a new plan: the recipe, but for ``overrides``.

        :raises UsageError: see :meth:`constants`.
        """
        return self.constants({**self.recipe, **overrides})

    @abstractmethod
    def default_rounds(self, constants: Constants) -> int:
        """The rounds of a study whose plan names no other number."""

    @abstractmethod
    def inputs(self, constants: Constants) -> InputKind:
        """What :class:`TrainingData` holds for this method."""

    @abstractmethod
    def input_size(self, constants: Constants) -> int:
        """The numbers of an image's features or maps, or the height and width of an image in pixels."""

    @abstractmethod
    def manifest(self, constants: Constants, classes: Sequence[str]) -> tuple[TensorSpec, ...]:
        """The tensors of a hospital's vector, with the bound and the fixed point of each."""

    def bounds(self, constants: Constants) -> StatedBounds | None:  # noqa: ARG002 - a default
        """Which numbers of the vector bound others; None where each has its own bound alone."""
        return None

    @abstractmethod
    def starting_model(self, constants: Constants, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The model that round 1 starts from: public, and the same everywhere. Empty if it needs none."""

    @abstractmethod
    def starts_from_file(self, constants: Constants) -> bool:
        """Whether the plan carries weights in the place of :meth:`starting_model`, in the same shapes."""

    @abstractmethod
    def round_events(self, constants: Constants, noise: float) -> list[Event]:
        """What one round costs at noise scale ``noise``, > 0, as the ledger is charged for it."""

    def plan_noise(
        self, constants: Constants, limit: Guarantee, *, rounds_left: int, past: Sequence[Event]
    ) -> float:
        """The least noise scale at which ``past`` and ``rounds_left`` rounds together keep to ``limit``.

        :param past: what the study has cost already.
        :raises BudgetError: the past leaves no room.
        :raises UsageError: the limit's epsilon or delta is out of range.
        """
        return calibrate(lambda noise: self.round_events(constants, noise) * rounds_left, limit, past=past)

    def patient_weight(self, constants: Constants, limit: Guarantee) -> float:  # noqa: ARG002 - a default
        """The most that one patient weighs in the average of a study with this limit, in (0, 1]."""
        return 1.0

    @abstractmethod
    def train(
        self, data: TrainingData, task: Task[Constants], drawing: Drawing
    ) -> dict[str, NDArray[np.float64]]:
        """Train one round with privacy. It goes on where the saved answers end.

        :returns: the manifest's tensors, within their bounds. They have their full noise already.
        :raises BudgetError: an answer that was saved is gone.
        :raises RefusedError: the network can't be trained with privacy per patient.
        :raises UsageError: inputs of a size or type that the method does not take.
        :raises ValueError: a label is not a class of the plan.
        """

    @abstractmethod
    def combine(self, sums: Tensors, hospitals: int, task: Task[Constants]) -> dict[str, NDArray[Any]]:
        """The model from the opened sum of ``hospitals`` vectors, >= 1."""

    def local_model(self, vector: Tensors, task: Task[Constants]) -> dict[str, NDArray[Any]]:
        """One hospital's own model, from its vector alone."""
        return self.combine(vector, 1, task)

    @abstractmethod
    def probabilities(
        self, model: Tensors, inputs: NDArray[Any], constants: Constants, classes: Sequence[str]
    ) -> NDArray[np.float64]:
        """[N, K] class probabilities of N inputs; each row sums to 1."""


AnyMethod: TypeAlias = Method[MethodConstants]
"""A method that was found by its name. Which type its constants have is known at run time only."""


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """[N, K] probabilities in float64, from [N, K] logits. Large logits don't overflow."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
