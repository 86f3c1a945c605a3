"""One training of an engine under audit, and its attack."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from privxray.audit.observing import Observed
from privxray.audit.one_run import Scores
from privxray.audit.planting import IMAGES, Planted
from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod, Drawing, Progress, Task
from privxray.privacy.noise import NoiseSource


def canaries_of(method: AnyMethod) -> ModuleType:
    """The module with this method's canaries: ``DEFAULT``, ``CONSTANTS``, guesses, ``plant``, ``scores``."""
    name = "sgd_canaries" if method.name == "dp-sgd" else "probe_canaries"
    return import_module(f"privxray.audit.{name}")


def plant(
    method: AnyMethod,
    constants: MethodConstants,
    patients: TrainingData | None,
    classes: int,
    canaries: int,
    source: NoiseSource,
    images: int = IMAGES,
) -> Planted:
    """Canaries of this method among ``patients``, or among invented ones where it is None."""
    planted: Planted = canaries_of(method).plant(patients, constants, classes, canaries, source, images)
    return planted


def train(
    method: AnyMethod,
    planted: Planted,
    classes: tuple[str, ...],
    noise: float,
    start: Mapping[str, NDArray[Any]],
    releases: Observed,
    source: NoiseSource,
    progress: Progress | None = None,
) -> None:
    """Run the engine on the planted data, exactly as a round is trained; ``releases`` sees its answers."""
    task = Task(planted.constants, classes, start)
    method.train(planted.data, task, Drawing(noise, source, releases, progress))


def attack(
    method: AnyMethod,
    planted: Planted,
    classes: tuple[str, ...],
    start: Mapping[str, NDArray[Any]],
    releases: Observed,
) -> Scores:
    """[m] scores of the canaries, from the answers that the run released."""
    scores: Scores = canaries_of(method).scores(planted, len(classes), start, releases)
    return scores
