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

from privxray.audit import membership, synthetic_patients
from privxray.audit.canaries import IMAGES
from privxray.audit.canary_kinds import canaries_of
from privxray.audit.claim_test import ClaimTest, judge
from privxray.audit.guessing import toss
from privxray.audit.kept_answers import KeptAnswers
from privxray.audit.membership import Membership
from privxray.learning import methods
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod, Drawing, Task
from privxray.learning.linear_probe import probe_queries
from privxray.privacy.clipping import rows_scaled
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import NoiseSource, SecureNoise

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
    store: KeptAnswers,
    method: AnyMethod,
    *,
    canaries: int,
    images: int = IMAGES,
    constants: dict[str, object] | None = None,
    training_source: NoiseSource | None = None,
) -> ClaimTest:
    """One audited run on invented patients, through the same steps as ``privxray audit one-run``."""
    source, kind = SecureNoise(), canaries_of(method)
    chosen = method.constants({**kind.overrides, **(constants or {})})
    planted = kind.plant(None, chosen, len(CLASSES), canaries, source)
    chosen = kind.fitting(chosen, planted)
    noise = method.plan_noise(chosen, CLAIM, rounds_left=1, past=())
    task = Task(chosen, CLASSES, method.starting_model(chosen, CLASSES))
    method.train(planted.training_data(images), task, Drawing(noise, training_source or source, store))
    scores = kind.scores(planted, task, store)
    return judge(scores, planted.coins, kind.default_guesses(canaries), CLAIM)


def told_apart(store: KeptAnswers, name: str, training_source: NoiseSource, patients: int) -> Membership:
    """Membership inference on invented patients, through the steps of ``privxray audit membership``."""
    method, source = methods.get(name), SecureNoise()
    constants = method.constants(membership.OVERRIDES[name])
    data = synthetic_patients.patients_for(method, constants, patients, source)
    data = membership.with_random_labels(data, len(CLASSES), source)
    coins = toss(patients, source)
    noise = method.plan_noise(constants, CLAIM, rounds_left=1, past=())
    task = Task(constants, CLASSES, method.starting_model(constants, CLASSES))
    drawing = Drawing(noise, training_source, store)
    scores = membership.train_and_score(method, data, coins, task, drawing)
    return membership.compare(scores, coins, CLAIM)


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
