"""Canaries: made-up patients that an audit plants in a training data set, each on the toss of a fair coin.

:class:`CanaryKind` is the interface; :mod:`privxray.audit.canary_kinds` finds the kind for a training method.
Tested through its two kinds, in tests/unit/test_audit_one_run.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeAlias

import numpy as np
from numpy.typing import NDArray

from privxray.audit.guessing import Coins, Scores
from privxray.audit.kept_answers import KeptAnswers
from privxray.errors import UsageError
from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import Constants, Drawing, Method, Task
from privxray.privacy.noise import NoiseSource

MOST_IMAGES = 30
"""Images of a canary: training that counts images instead of patients gives it thirty times its weight."""

_ALL_IMAGES = 12_000  # of all canaries together, for memory's sake


def images_of(canaries: int) -> int:
    """How many images each of so many canaries has: 2 to 30."""
    return max(2, min(MOST_IMAGES, _ALL_IMAGES // canaries))


@dataclass(frozen=True)
class Planted:
    """Patients, and canaries that may be among them.

    :param patients: without the canaries.
    :param canaries: [m, ...] each canary's image or features, in the patients' form.
    :param labels: [m] the canaries' classes.
    :param coins: [m] which canaries are in. The attacker knows all but this.
    """

    patients: TrainingData
    canaries: NDArray[Any]
    labels: NDArray[np.int64]
    coins: Coins

    def training_data(self, images: int | None = None) -> TrainingData:
        """The patients, and the canaries that are in: each as one patient with ``images`` equal images.

        :param images: :func:`images_of` where it is None.
        """
        images = images_of(len(self.coins)) if images is None else images
        number = int(self.coins.sum())
        owners = self.patients.patient_count + np.repeat(np.arange(number), images)
        return TrainingData(
            np.concatenate([self.patients.inputs, np.repeat(self.canaries[self.coins], images, axis=0)]),
            np.concatenate([self.patients.labels, np.repeat(self.labels[self.coins], images)]),
            np.concatenate([self.patients.patients, owners]),
        )

    def train(self, method: Method[Constants], task: Task[Constants], drawing: Drawing) -> None:
        """Train on this data exactly as a round is trained; ``drawing.releases`` keeps the answers."""
        method.train(self.training_data(), task, drawing)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, to be kept for an audit that is interrupted."""
        return {
            "inputs": self.patients.inputs,
            "numbers": np.stack([self.patients.labels, self.patients.patients]),
            "canaries": self.canaries,
            "labels": self.labels,
            "coins": self.coins.astype(np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Planted:
        """What :meth:`to_arrays` was called on."""
        patients = TrainingData(arrays["inputs"], *arrays["numbers"])
        return cls(patients, arrays["canaries"], arrays["labels"], arrays["coins"].astype(bool))


class CanaryKind(ABC, Generic[Constants]):
    """How canaries for one training method are made, and how an attacker recognises them.

    :cvar default: how many an audit plants where nobody says.
    :cvar default_own: the same among a hospital's own patients, who need the memory.
    :cvar overrides: the method's constants that an audit trains by where no plan has others.
    """

    default: ClassVar[int]
    default_own: ClassVar[int]
    overrides: ClassVar[Mapping[str, object]]

    @abstractmethod
    def default_guesses(self, canaries: int) -> int:
        """How many of the canaries are guessed where nobody says."""

    @abstractmethod
    def plant(
        self,
        patients: TrainingData | None,
        constants: Constants,
        classes: int,
        canaries: int,
        source: NoiseSource,
    ) -> Planted:
        """Put canaries among patients, or among invented ones where ``patients`` is None.

        :raises UsageError: more canaries than can be told apart.
        :raises RefusedError: constants that this kind of audit can't be done with.
        """

    def start(self, method: Method[Constants], task: Task[Constants], source: NoiseSource) -> Task[Constants]:
        """The task from the starting model at which canaries are told apart best."""
        del method, source
        return task

    def fitting(self, constants: Constants, planted: Planted) -> Constants:
        """The constants by which ``planted`` can be trained on, at the same cost."""
        del planted
        return constants

    @abstractmethod
    def scores(self, planted: Planted, task: Task[Constants], answers: KeptAnswers) -> Scores:
        """[m] how clearly each canary seems to be in, from all answers of a training on ``planted``."""


AnyCanaryKind: TypeAlias = CanaryKind[MethodConstants]
"""A kind that was found for a method, so that only running tells which constants it has."""


def require_at_most(canaries: int, most: int) -> None:
    """Refuse more canaries than can be told apart.

    :raises UsageError: there are more than ``most``.
    """
    if canaries > most:
        raise UsageError(
            f"this audit can tell at most {most} canaries apart, and not {canaries}",
            reason="audit.too-many-canaries",
            advice=f"Type --canaries {most}, or fewer",
        )
