"""What a training method is: the interface that the two methods of this package carry out.

A method never opens the ledger. The caller reserves :meth:`Method.round_events` at the noise scale that
:meth:`Method.plan_noise` found, marks the run as spending, and calls :meth:`Method.train` with that same
scale: the events and the noise come from one number, so they can't disagree.

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
from privxray.formats.tensors import ModulusBits, TensorSpec
from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.privacy.accountant import calibrate
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import NoiseSource
from privxray.privacy.releases import ReleaseStore

Tensors = Mapping[str, NDArray[Any]]
Progress = Callable[[int, int], None]
"""It is called with (steps done, steps), and told nothing that depends on the data."""

Constants = TypeVar("Constants", bound=MethodConstants)


@dataclass(frozen=True)
class Task(Generic[Constants]):
    """What a plan fixes about one round of training: the same in every hospital, and public.

    :param constants: the method's public constants.
    :param classes: K names of classes; a label is a place in it.
    :param start: the model that the round starts from; empty where the method starts from nothing.
    """

    constants: Constants
    classes: Sequence[str]
    start: Tensors


@dataclass(frozen=True)
class Drawing:
    """How the noise of one round is drawn, and where each noisy answer is kept before it is used.

    :param noise: the noise scale that :meth:`Method.plan_noise` gave and :meth:`Method.round_events` charged.
    :param source: where noise and samples come from: ``SecureNoise()``, except in tests.
    :param releases: the answers that were drawn already. Training goes on where they end.
    """

    noise: float
    source: NoiseSource
    releases: ReleaseStore
    progress: Progress | None = None

    def noisy_sum(self, index: int, query: Callable[[], NDArray[np.float64]], std: float) -> NDArray[Any]:
        """The noisy answer number ``index``: as it was saved, or drawn now and saved before it is returned.

        :param query: computes the exact answer, an array of any shape; called only where none is saved.
        :param std: the standard deviation of the noise on each of its numbers.
        :raises BudgetError: it was saved, and is gone (see :meth:`ReleaseStore.load`).
        """
        saved = self.releases.load(index)
        if saved is None:
            exact = query()
            saved = {"answer": exact + self.source.gaussian(exact.shape, std)}
            self.releases.save(index, saved)
        return saved["answer"]

    def tell(self, done: int, steps: int) -> None:
        """Report progress to whoever asked for it."""
        if self.progress:
            self.progress(done, steps)


class Method(ABC, Generic[Constants]):
    """How one round is trained, and how the hospitals' vectors become a model."""

    name: ClassVar[str]
    modulus_bits: ClassVar[ModulusBits]
    """The masked sum is taken modulo 2 to this power."""
    inputs: ClassVar[Literal["features", "pixels"]]
    default_rounds: ClassVar[int]
    constants_type: type[Constants]

    def constants(self, overrides: Mapping[str, object]) -> Constants:
        """The public constants, with some replaced.

        :raises UsageError: an unknown name or a value out of range; it names the first that is wrong.
        """
        try:
            return self.constants_type.model_validate(dict(overrides))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"the plan's constant {where} can't be that ({first['msg']})") from error

    @abstractmethod
    def input_size(self, constants: Constants) -> int:
        """The length of a feature vector; for ``inputs`` "pixels" the height and width of an image."""

    @abstractmethod
    def manifest(self, constants: Constants, classes: Sequence[str]) -> tuple[TensorSpec, ...]:
        """The tensors that are added up, with their bounds and fixed point."""

    @abstractmethod
    def starting_model(self, constants: Constants, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The model that round 1 starts from: public and the same everywhere. Empty if there is none."""

    @abstractmethod
    def starts_from_file(self, constants: Constants) -> bool:
        """Whether the plan carries other weights than :meth:`starting_model`, of the same form."""

    @abstractmethod
    def round_events(self, constants: Constants, noise: float) -> list[Event]:
        """What one round costs at noise scale ``noise``."""

    def plan_noise(
        self, constants: Constants, limit: Guarantee, *, rounds_left: int, past: Sequence[Event]
    ) -> float:
        """The least noise scale at which ``past`` and ``rounds_left`` rounds together keep to ``limit``.

        :raises BudgetError: the past leaves no room.
        :raises UsageError: epsilon or delta out of range.
        """
        return calibrate(lambda noise: self.round_events(constants, noise) * rounds_left, limit, past=past)

    @abstractmethod
    def train(
        self, data: TrainingData, task: Task[Constants], drawing: Drawing
    ) -> dict[str, NDArray[np.float64]]:
        """Train one round with privacy, going on where the saved answers end.

        :returns: the manifest's tensors, within their bounds. They carry their full noise already.
        :raises BudgetError: an answer that was saved is gone.
        :raises ValueError: a label that is not a class of the plan.
        """

    @abstractmethod
    def combine(self, sums: Tensors, hospitals: int, task: Task[Constants]) -> dict[str, NDArray[Any]]:
        """The model from the opened sum of ``hospitals`` vectors."""

    def local_model(self, vector: Tensors, task: Task[Constants]) -> dict[str, NDArray[Any]]:
        """One hospital's own model: the combination of its vector alone."""
        return self.combine(vector, 1, task)

    @abstractmethod
    def probabilities(
        self, model: Tensors, inputs: NDArray[Any], constants: Constants, classes: Sequence[str]
    ) -> NDArray[np.float64]:
        """[N, K] class probabilities; rows sum to 1."""


AnyMethod: TypeAlias = Method[MethodConstants]
"""A method that was found by its name, so that only running tells which constants it has."""


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Rows as probabilities, in float64, without overflow.

    :param logits: [N, K].
    """
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
