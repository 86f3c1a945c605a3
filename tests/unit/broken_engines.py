"""Engines that are broken on purpose, for audits to find. Each takes what it needs out of the real ones.

Every one of them claims the epsilon of the engine that it was made from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from privxray.audit import running
from privxray.audit.observing import Observed
from privxray.audit.one_run import OneRun, judge
from privxray.learning import methods
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod, Drawing, Task
from privxray.learning.linear_probe import probe_queries
from privxray.privacy.clipping import rows_scaled
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import SecureNoise

CLASSES = ("normal", "bacteria", "virus")
DELTA = 1e-5
CLAIM = Guarantee(1.0, DELTA)


class Silent(SecureNoise):
    """A source whose noise is zero and whose samples are in order."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        return np.zeros(shape)


class Quiet(SecureNoise):
    """A source whose noise is too small by a factor."""

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        return super().gaussian(shape, std / self._factor)


class _Changed:
    """A method with another training."""

    def __init__(self, intact: AnyMethod) -> None:
        self._intact = intact

    def __getattr__(self, name: str) -> Any:
        return getattr(self._intact, name)


class ImageUnit(_Changed):
    """Every image counts as a patient: its gradient is clipped by itself, and they are added up."""

    def train(self, data: TrainingData, task: Task[Any], drawing: Drawing) -> Any:
        data = replace(data, patients=np.arange(len(data.labels)))
        return self._intact.train(data, task, drawing)


class Unclipped(_Changed):
    """DP-SGD that neither normalises nor clips: noise of s C on gradients of any length."""

    def train(self, data: TrainingData, task: Task[DpSgdConstants], drawing: Drawing) -> Any:
        longest = 1e6
        unclipped = task.constants.model_copy(update={"clipping_norm": longest})
        noise = drawing.noise * task.constants.clipping_norm / longest
        return self._intact.train(data, replace(task, constants=unclipped), replace(drawing, noise=noise))


@contextmanager
def nothing_clipped() -> Iterator[None]:
    """The linear probe without normalisation of features and without any clip."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe_queries, "unit_rows", lambda rows: rows.astype(np.float64))
        patch.setattr(probe_queries, "clip_rows", lambda rows, _: rows_scaled(rows, np.ones_like))
        patch.setattr(probe_queries, "clip_factors", lambda norms, _: np.ones_like(norms))
        yield


def audited(
    store: Observed,
    method: AnyMethod,
    *,
    canaries: int,
    epsilon: float = 1.0,
    images: int = 30,
    constants: dict[str, object] | None = None,
    training_source: Any = None,
) -> OneRun:
    """One audited run on invented patients, through the same steps as ``privxray audit one-run``."""
    source, claim = SecureNoise(), Guarantee(epsilon, DELTA)
    kind = running.canaries_of(method)
    chosen = method.constants({**kind.CONSTANTS, **(constants or {})})
    planted = running.plant(method, chosen, None, len(CLASSES), canaries, source, images)
    noise = method.plan_noise(planted.constants, claim, rounds_left=1, past=())
    start = method.starting_model(planted.constants, CLASSES)
    running.train(method, planted, CLASSES, noise, start, store, training_source or source)
    scores = running.attack(method, planted, CLASSES, start, store)
    return judge(scores, planted.coins, kind.default_guesses(canaries), claim)


def engines(name: str) -> dict[str, tuple[AnyMethod, Any]]:
    """The broken engines of a method that need no patch: by name, the method and its source."""
    intact = methods.get(name)
    found: dict[str, tuple[AnyMethod, Any]] = {
        "noise off": (intact, Silent()),
        "image unit": (ImageUnit(intact), None),
    }
    if name == "dp-sgd":
        found["clipping off"] = (Unclipped(intact), None)
    return found
