"""Engines that are broken on purpose, for audits to find. Each takes what it needs out of the real ones.

Every one of them claims the epsilon of the engine that it was made from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from privxray.audit import membership, synthetic_patients
from privxray.audit.canary_kinds import canaries_of
from privxray.audit.claim_test import ClaimTest
from privxray.audit.guessing import toss
from privxray.audit.kept_answers import KeptAnswers
from privxray.audit.membership import Membership
from privxray.learning import methods
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.clipped_sum import ClippedSum
from privxray.learning.interface import AnyMethod, Drawing, Task
from privxray.learning.linear_probe import probe_queries
from privxray.privacy.clipping import rows_scaled
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import NoiseSource, SecureNoise
from privxray.workflow.auditing.one_run_audit import OneRunAudit, judged

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


class Reused(SecureNoise):
    """A source that draws once for each shape, and gives the same noise ever after."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, ...], NDArray[np.float64]] = {}

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        if shape not in self._first:
            self._first[shape] = super().gaussian(shape, 1.0)
        return self._first[shape] * std


class Cut(SecureNoise):
    """A source whose noise ends at one standard deviation."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        return np.clip(super().gaussian(shape, std), -std, std)


class Bounded(SecureNoise):
    """A source whose noise has the right deviation and no tails: it is uniform."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        uniform = self.uniform(int(np.prod(shape))).reshape(shape)
        return (uniform - 0.5) * np.sqrt(12.0) * std


class WithoutNoise(SecureNoise):
    """A source that leaves some numbers without noise: those that ``where`` sets to zero."""

    def __init__(self, where: Callable[[NDArray[np.float64]], None]) -> None:
        self._where = where

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        values = super().gaussian(shape, std)
        self._where(values)
        return values


def _on_features_and_counts(values: NDArray[np.float64]) -> None:
    """Of the linear probe: all but the gradient of the bias."""
    if values.ndim == 1:
        values[:] = 0.0
    else:
        values[:, :-1] = 0.0


def _on_counts(values: NDArray[np.float64]) -> None:
    """Of the linear probe: the last numbers of query 1."""
    if values.ndim == 1:
        values[-len(CLASSES) :] = 0.0


def _on_convolutions(values: NDArray[np.float64]) -> None:
    if values.ndim == 4:
        values[:] = 0.0


def _on_the_head(values: NDArray[np.float64]) -> None:
    if values.ndim == 2 or values.shape == (len(CLASSES),):
        values[:] = 0.0


def _on_one_class(values: NDArray[np.float64]) -> None:
    """Of both methods: a row of the head."""
    if values.ndim == 2:
        values[1] = 0.0


class FixedBatches(SecureNoise):
    """A source by which every step samples equally many patients, shuffled anew: no Poisson sampling."""

    def __init__(self, patients: int, rate: float) -> None:
        self._patients, self._taken = patients, round(patients * rate)

    def uniform(self, size: int) -> NDArray[np.float64]:
        values = super().uniform(size)
        if size == self._patients:
            values = (np.argsort(np.argsort(values)) >= self._taken).astype(float) * (1.0 - 2.0**-53)
        return values


class OftenSampled(SecureNoise):
    """A source by which patients are sampled at one and a half times their rate."""

    def uniform(self, size: int) -> NDArray[np.float64]:
        return super().uniform(size) / 1.5


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


class ExactVector(_Changed):
    """The answers are noisy, and what leaves is computed without noise."""

    def train(self, data: TrainingData, task: Task[Any], drawing: Drawing) -> Any:
        self._intact.train(data, task, drawing)
        with tempfile.TemporaryDirectory() as folder:
            exact = replace(drawing, source=Silent(), releases=KeptAnswers(Path(folder) / "x", bytes(32)))
            return self._intact.train(data, task, exact)


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


@contextmanager
def _another_clip(factors: Callable[[list[torch.Tensor], float], list[torch.Tensor]]) -> Iterator[None]:
    """DP-SGD whose patients' rows are multiplied by other factors: one tensor [P] for each parameter."""

    def add_rows(total: Any, rows: list[torch.Tensor], finished: torch.Tensor) -> None:
        whole = [row[finished].double() for row in rows]
        for row, factor, sums in zip(whole, factors(whole, total._clip), total._totals, strict=True):
            sums += ((factor @ row) / total._unit).long()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClippedSum, "_add_rows", add_rows)
        yield


def clipped_by_layer() -> AbstractContextManager[None]:
    """DP-SGD that clips each parameter by itself: a patient is as long as the root of their number."""

    def factors(rows: list[torch.Tensor], clip: float) -> list[torch.Tensor]:
        return [clip / row.norm(dim=1).clamp(min=clip) for row in rows]

    return _another_clip(factors)


def clipped_by_batch() -> AbstractContextManager[None]:
    """DP-SGD that clips the mean of a part of the batch, and counts it once a patient."""

    def factors(rows: list[torch.Tensor], clip: float) -> list[torch.Tensor]:
        number = len(rows[0])
        square = sum((row.mean(dim=0).square().sum() for row in rows), torch.zeros(())) if number else 0.0
        factor = clip / max(clip, float(square) ** 0.5)
        return [row.new_full((number,), factor) for row in rows]

    return _another_clip(factors)


def one_run(
    store: KeptAnswers,
    method: AnyMethod,
    *,
    canaries: int,
    images: int | None = None,
    constants: dict[str, object] | None = None,
    training_source: NoiseSource | None = None,
    claim: Guarantee = CLAIM,
) -> OneRunAudit:
    """One audited run on invented patients, through the same steps as ``privxray audit one-run``."""
    source, kind = SecureNoise(), canaries_of(method)
    chosen = method.constants({**kind.overrides, **(constants or {})})
    planted = kind.plant(None, chosen, len(CLASSES), canaries, source)
    chosen = kind.fitting(chosen, planted)
    noise = method.plan_noise(chosen, claim, rounds_left=1, past=())
    task = kind.start(method, Task(chosen, CLASSES, method.starting_model(chosen, CLASSES)), source)
    method.train(planted.training_data(images), task, Drawing(noise, training_source or source, store))
    scores = kind.scores(planted, task, store)
    return judged(method, chosen, scores, planted.coins, kind.default_guesses(canaries), claim)


def audited(store: KeptAnswers, method: AnyMethod, **options: Any) -> ClaimTest:
    """What right guesses show in :func:`one_run`."""
    return one_run(store, method, **options).claim_test


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


# Engines for the conformance audit


@dataclass(frozen=True)
class Broken:
    """An engine that is broken, for the conformance audit to find.

    :ivar source: makes what it draws from. :ivar change: makes its training from the intact one.
    :ivar patch: is open while it trains.
    """

    source: Callable[[], NoiseSource] = SecureNoise
    change: Callable[[AnyMethod], Any] = lambda intact: intact
    patch: Callable[[], AbstractContextManager[Any]] = nullcontext


def _quiet(factor: float) -> Broken:
    return Broken(lambda: Quiet(factor))


_EITHER = {
    "noise divided by 1.05": _quiet(1.05),
    "noise divided by 1.5": _quiet(1.5),
    "noise divided by 2": _quiet(2.0),
    "noise divided by 5": _quiet(5.0),
    "noise off": Broken(Silent),
    "noise reused in every step": Broken(Reused),
    "noise cut at one deviation": Broken(Cut),
    "noise without tails": Broken(Bounded),
    "one class without noise": Broken(lambda: WithoutNoise(_on_one_class)),
    "an exact vector leaves": Broken(change=ExactVector),
    "every image a patient": Broken(change=ImageUnit),
}

BROKEN: dict[str, dict[str, Broken]] = {
    "linear-probe": {
        **_EITHER,
        "no noise on features and counts": Broken(lambda: WithoutNoise(_on_features_and_counts)),
        "no noise on the counts": Broken(lambda: WithoutNoise(_on_counts)),
        "nothing clipped": Broken(patch=nothing_clipped),
    },
    "dp-sgd": {
        **_EITHER,
        "no noise on the convolutions": Broken(lambda: WithoutNoise(_on_convolutions)),
        "no noise on the head": Broken(lambda: WithoutNoise(_on_the_head)),
        "clipped by layer": Broken(patch=clipped_by_layer),
        "clipped by batch": Broken(patch=clipped_by_batch),
        "nothing clipped": Broken(change=Unclipped),
        "batches of a fixed size": Broken(lambda: FixedBatches(24, 0.5)),
        "patients sampled too often": Broken(OftenSampled),
    },
}
"""What issue 29 lists, and more, by method and name."""
