"""DP-SGD's step is the mechanism on paper, and a killed run goes on where it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from refusals import refused
from torch.nn.functional import cross_entropy

from privxray.errors import UsageError
from privxray.learning import methods
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.networks import as_input, initial_weights, network
from privxray.learning.interface import Drawing, Task
from privxray.privacy import accountant
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore

CLASSES = ["normal", "bacteria", "virus"]
DPSGD = methods.get("dp-sgd")
SMALL = {
    "image_size": 16,
    "steps": 3,
    "sampling_rate": 0.5,
    "expected_batch_size": 7.0,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def hospital(patients: int = 20, largest: int = 6, size: int = 16) -> TrainingData:
    rng = np.random.default_rng(5)
    owners = np.repeat(np.arange(patients), rng.integers(1, largest, patients))
    rng.shuffle(owners)
    labels = rng.integers(0, 3, len(owners))
    return TrainingData(rng.integers(0, 256, (len(owners), size, size), np.uint8), labels, owners)


def warm_start(name: str = "small-cnn") -> dict[str, NDArray]:
    """Weights whose last layer is not zero, so that every gradient has something to say."""
    rng = np.random.default_rng(6)
    return {
        key: w + np.float32(0.1) * rng.standard_normal(w.shape).astype(np.float32) * (w.ndim != 4)
        for key, w in initial_weights(name, 3).items()
    }


class Scripted:
    """No noise, and the uniforms that a test wrote down."""

    def __init__(self, uniforms: list[NDArray[np.float64]]) -> None:
        self._uniforms = uniforms
        self.stds: list[float] = []

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        self.stds.append(std)
        return np.zeros(shape)

    def uniform(self, size: int) -> NDArray[np.float64]:
        return self._uniforms.pop(0)


def train(
    data: TrainingData,
    overrides: Mapping[str, object],
    source: object,
    store: ReleaseStore,
    noise: float = 1.0,
) -> dict[str, NDArray]:
    constants = DPSGD.constants({**SMALL, **overrides})
    return DPSGD.train(data, Task(constants, CLASSES, warm_start()), Drawing(noise, source, store))


def naive_step(
    weights: dict[str, NDArray], data: TrainingData, taken: NDArray, clip: float, name: str = "small-cnn"
) -> dict[str, NDArray]:
    """The clipped sum, one patient after the other, by plain autograd."""
    plain = network(name, weights, 3)
    total = {name: np.zeros(w.shape) for name, w in weights.items()}
    for patient in taken:
        mine = np.flatnonzero(data.patients == patient)
        plain.zero_grad()
        logits = plain(as_input(data.inputs[mine]))
        cross_entropy(logits, torch.from_numpy(data.labels[mine]), reduction="mean").backward()
        gradient = {name: p.grad.double().numpy() for name, p in plain.named_parameters()}
        norm = np.sqrt(sum((g**2).sum() for g in gradient.values()))
        for name, g in gradient.items():
            total[name] += g * min(1.0, clip / norm)
    return total


@pytest.mark.parametrize("clip", [0.05, 1.0, 100.0])
def test_a_step_equals_a_loop_over_patients(tmp_path: Path, clip: float) -> None:
    data = hospital(60, largest=9)  # more images than one chunk holds
    uniforms = np.random.default_rng(7).random(60)
    source = Scripted([uniforms])
    overrides = {"clipping_norm": clip, "steps": 1, "learning_rate": 0.1, "sampling_rate": 0.8}
    vector = train(data, overrides, source, ReleaseStore(tmp_path / "run", os.urandom(32)))
    expected = naive_step(warm_start(), data, np.flatnonzero(uniforms < 0.8), clip)
    for name, total in expected.items():
        assert np.allclose(vector[name], -0.1 * total / 7.0, atol=1e-6), name
    assert source.stds == [pytest.approx(clip * (1 + 1e-6))] * len(expected)


def test_an_empty_batch_steps_with_noise_alone(tmp_path: Path) -> None:
    class Nobody(Scripted):
        def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
            return np.full(shape, std)

    source = Nobody([np.ones(20)])
    store = ReleaseStore(tmp_path / "run", os.urandom(32))
    vector = train(hospital(), {"steps": 1, "learning_rate": 0.5}, source, store, noise=2.0)
    for change in vector.values():
        assert np.allclose(change, -0.5 * 2.0 * 1.0 / 7.0, atol=1e-6)


def test_a_hospital_without_a_patient_steps_with_noise_alone(tmp_path: Path) -> None:
    none = np.zeros(0, np.int64)
    source = Repeatable()
    store = ReleaseStore(tmp_path / "run", os.urandom(32))
    vector = train(TrainingData(np.zeros((0, 16, 16), np.uint8), none, none), {"steps": 2}, source, store)
    assert all(change.any() for change in vector.values())


def test_momentum_carries_over_an_empty_step(tmp_path: Path) -> None:
    source = Scripted([np.zeros(20), np.ones(20)])
    overrides = {"steps": 2, "momentum": 0.5, "learning_rate": 0.1}
    vector = train(hospital(), overrides, source, ReleaseStore(tmp_path / "run", os.urandom(32)))
    total = naive_step(warm_start(), hospital(), np.arange(20), 1.0)
    for name, change in vector.items():
        assert np.allclose(change, -0.1 * 1.5 * total[name] / 7.0, atol=1e-6)


class InterruptedRunError(Exception):
    """Stands for kill -9."""


class Crashing(ReleaseStore):
    """A store whose process dies just after it made a release durable."""

    def save(self, index: int, arrays: Mapping[str, NDArray]) -> None:
        super().save(index, arrays)
        raise InterruptedRunError


class Repeatable:
    """A stand-in for randomness whose draws depend on their number alone, so that runs can be compared."""

    def __init__(self) -> None:
        self.draws = 0

    def _generator(self) -> np.random.Generator:
        self.draws += 1
        return np.random.default_rng(self.draws)

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        return self._generator().normal(0, std, shape)

    def uniform(self, size: int) -> NDArray[np.float64]:
        return self._generator().random(size)


def test_a_run_interrupted_after_each_step_equals_one_that_was_not(tmp_path: Path) -> None:
    data, key = hospital(), os.urandom(32)
    uninterrupted = Repeatable()
    whole = train(data, {}, uninterrupted, ReleaseStore(tmp_path / "whole", key))
    source = Repeatable()
    for _ in range(3):
        with pytest.raises(InterruptedRunError):
            train(data, {}, source, Crashing(tmp_path / "run", key))
    resumed = train(data, {}, Scripted([]), ReleaseStore(tmp_path / "run", key))
    assert source.draws == uninterrupted.draws
    for name in whole:
        assert np.array_equal(whole[name], resumed[name]), name


def test_a_patient_with_many_images_and_a_weight_gone_to_nan_leave_finite_numbers(tmp_path: Path) -> None:
    data = TrainingData(
        np.zeros((3000, 16, 16), np.uint8), np.zeros(3000, np.int64), np.zeros(3000, np.int64)
    )
    constants = DPSGD.constants({**SMALL, "sampling_rate": 1.0})
    store = ReleaseStore(tmp_path / "run", os.urandom(32))
    start = warm_start()
    start["head.bias"] = np.full(3, 1e38, np.float32)
    start["head.weight"] = np.full_like(start["head.weight"], 3e38)  # logits overflow, so gradients are NaN
    vector = DPSGD.train(data, Task(constants, CLASSES, start), Drawing(1.0, SecureNoise(), store))
    assert all(np.isfinite(change).all() for change in vector.values())
    assert all((np.abs(vector[spec.name]) <= spec.bound).all() for spec in DPSGD.manifest(constants, CLASSES))


def test_federated_averaging_adds_the_mean_delta() -> None:
    start = DPSGD.starting_model(DPSGD.constants({}), CLASSES)
    sums = {name: np.full(w.shape, 0.3) for name, w in start.items()}
    model = DPSGD.combine(sums, 3, Task(DPSGD.constants({}), CLASSES, start))
    assert all(np.allclose(model[name], start[name] + 0.1) for name in start)
    assert all(w.dtype == np.float32 for w in model.values())
    pixels = np.zeros((5, 64, 64), np.uint8)
    p = DPSGD.probabilities(start, pixels, DPSGD.constants({}), CLASSES)
    assert np.allclose(p, 1 / 3)


def test_rounds_compose_to_the_study_s_epsilon() -> None:
    constants = DPSGD.constants({})
    past: list = []
    for left in (2, 1):
        noise = DPSGD.plan_noise(constants, Guarantee(6.0, 1e-5), rounds_left=left, past=past)
        past += DPSGD.round_events(constants, noise)
    assert 5.99 < accountant.epsilon(past, 1e-5) <= 6.0
    assert DPSGD.round_events(DPSGD.constants({"sampling_rate": 1.0}), 1.0)[0].kind == "gaussian"


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 8, 8), np.uint8), np.zeros((2, 16, 16)), np.zeros((2, 16), np.uint8)]
)
def test_pixels_of_another_size_or_type_are_refused(tmp_path: Path, bad: NDArray) -> None:
    data = TrainingData(bad, np.zeros(2, np.int64), np.zeros(2, np.int64))
    with refused(UsageError, "train.image-size"):
        train(data, {}, SecureNoise(), ReleaseStore(tmp_path / "run", os.urandom(32)))
    with refused(UsageError, "train.image-size"):
        DPSGD.probabilities(warm_start(), bad, DPSGD.constants(SMALL), CLASSES)
