"""The linear probe: its events, its vector, its crash safety, and that it learns."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from refusals import refused

from privxray.errors import UsageError
from privxray.learning import methods, metrics
from privxray.learning.constants import LinearProbeConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import Drawing, Task
from privxray.learning.linear_probe.linear_probe_method import (
    LinearProbe,
    _Ascent,
    _centre_and_counts,
    _exported,
    step_noises,
)
from privxray.privacy import accountant
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore

CLASSES = ["normal", "bacteria", "virus"]
D = 16
PROBE = LinearProbe()
CONSTANTS = PROBE.constants({"feature_dim": D})
TASK = Task(CONSTANTS, CLASSES, {})


def hospital(patients: int = 300, seed: int = 0) -> TrainingData:
    """Non-negative features in three clusters, 1 to 3 images a patient."""
    rng = np.random.default_rng(seed)
    owners = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    labels = rng.integers(0, 3, patients)[owners]
    centres = np.eye(3, D) * 2 + 1
    features = np.abs(centres[labels] + 0.3 * rng.standard_normal((len(owners), D)))
    return TrainingData(features.astype(np.float32), labels, owners)


class Counting:
    """The real source, counting its draws."""

    def __init__(self) -> None:
        self.draws = 0

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        self.draws += 1
        return SecureNoise().gaussian(shape, std)

    def uniform(self, size: int) -> NDArray[np.float64]:
        return SecureNoise().uniform(size)


class NoNoise:
    """A source that draws nothing, for what noise would blur."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        return np.zeros(shape)

    def uniform(self, size: int) -> NDArray[np.float64]:
        raise AssertionError("the linear probe samples nobody")


class Exhausted:
    """A source from which nothing may be drawn."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        raise AssertionError("noise was drawn for a release that is on disk")

    uniform = gaussian


class InterruptedRunError(Exception):
    """Stands for kill -9."""


class Crashing(ReleaseStore):
    """A store whose process dies just after it made release ``at`` durable."""

    def __init__(self, folder: Path, key: bytes, at: int) -> None:
        super().__init__(folder, key)
        self._at = at

    def save(self, index: int, arrays: Mapping[str, NDArray]) -> None:
        super().save(index, arrays)
        if index == self._at:
            raise InterruptedRunError


def train(data: TrainingData, noise: float, store: ReleaseStore, source: object = None) -> dict[str, NDArray]:
    return PROBE.train(data, TASK, Drawing(noise, source or SecureNoise(), store))


def test_a_run_interrupted_after_each_release_draws_none_twice(tmp_path: Path) -> None:
    key, source, data = os.urandom(32), Counting(), hospital()
    for at in range(CONSTANTS.steps + 1):
        with pytest.raises(InterruptedRunError):
            train(data, 1.0, Crashing(tmp_path / "run", key, at), source)
        assert source.draws == at + 1
    first = train(data, 1.0, ReleaseStore(tmp_path / "run", key), Exhausted())
    again = train(data, 1.0, ReleaseStore(tmp_path / "run", key), Exhausted())
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_a_run_that_was_not_interrupted_equals_its_replay(tmp_path: Path) -> None:
    key, data = os.urandom(32), hospital()
    whole = train(data, 1.0, ReleaseStore(tmp_path / "run", key))
    replay = train(data, 1.0, ReleaseStore(tmp_path / "run", key), Exhausted())
    assert all(np.array_equal(whole[name], replay[name]) for name in whole)


def test_noise_has_the_scale_that_the_events_say(tmp_path: Path) -> None:
    stds = []

    class Recording(Counting):
        def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
            stds.append(std)
            return super().gaussian(shape, std)

    train(hospital(), 2.0, ReleaseStore(tmp_path / "run", os.urandom(32)), Recording())
    first, rest = PROBE.round_events(CONSTANTS, 2.0)
    inflation = 1 + 1e-6
    assert stds[0] == pytest.approx(first.noise * math.sqrt(17 / 16) * inflation, rel=1e-12)
    each = rest.noise * 0.8 * math.sqrt(1.25) * inflation
    assert stds[1:] == pytest.approx([each] * rest.count, rel=1e-12)
    assert sum(event.count / event.noise**2 for event in (first, rest)) == pytest.approx(1 / 4)


@pytest.mark.parametrize("rounds", [1, 3])
def test_planned_noise_keeps_epsilon(rounds: int) -> None:
    noise = PROBE.plan_noise(CONSTANTS, Guarantee(6.0, 1e-5), rounds_left=rounds, past=[])
    spent = accountant.epsilon(PROBE.round_events(CONSTANTS, noise) * rounds, 1e-5)
    assert 5.99 < spent <= 6.0


def within(vector: Mapping[str, NDArray]) -> bool:
    manifest = PROBE.manifest(CONSTANTS, CLASSES)
    return [spec.name for spec in manifest] == list(vector) and all(
        vector[spec.name].shape == spec.shape and (np.abs(vector[spec.name]) <= spec.bound).all()
        for spec in manifest
    )


def test_the_federation_learns_and_its_model_predicts(tmp_path: Path) -> None:
    vectors = []
    for site in range(3):
        store = ReleaseStore(tmp_path / str(site), os.urandom(32))
        vectors.append(train(hospital(seed=site), 0.76, store))
    assert all(within(vector) for vector in vectors)
    sums = {name: sum(vector[name] for vector in vectors) for name in vectors[0]}
    model = PROBE.combine(sums, 3, TASK)
    held_out = hospital(seed=9)
    p = PROBE.probabilities(model, held_out.inputs, CONSTANTS, CLASSES)
    assert np.allclose(p.sum(axis=1), 1)
    auc = metrics.macro_auc(p, held_out.labels)
    assert auc is not None
    assert auc > 0.95
    assert model["shares"].sum() == pytest.approx(1)
    # Hospitals weigh by their noisy number of patients.
    n = [vector["counts"].sum() for vector in vectors]
    mean = sum(vector["weights"] for vector in vectors) / sum(n)
    assert np.allclose(model["weights"], mean)
    alone = PROBE.local_model(vectors[0], TASK)
    assert np.allclose(alone["centre"], vectors[0]["centre"] / n[0])


@pytest.mark.parametrize("features", [np.zeros, lambda s: np.full(s, np.nan), lambda s: np.full(s, 3e38)])
@pytest.mark.parametrize("patients", [1, 40])
def test_hopeless_data_and_enormous_noise_still_give_a_vector_within_bounds(
    tmp_path: Path, features: object, patients: int
) -> None:
    inputs = features((2 * patients, D)).astype(np.float32)  # type: ignore[operator]
    data = TrainingData(inputs, np.zeros(2 * patients, np.int64), np.arange(2 * patients) // 2)
    for scale in (0.5, 1e6):
        vector = train(data, scale, ReleaseStore(tmp_path / str(scale), os.urandom(32)))
        assert within(vector)
        model = PROBE.local_model(vector, TASK)
        assert np.isfinite(PROBE.probabilities(model, inputs, CONSTANTS, CLASSES)).all()


def test_what_is_scaled_down_to_the_cap_is_not_a_last_digit_above_it() -> None:
    many = np.random.default_rng(1).uniform(0.5, 1e6, (200, 3))
    cap = CONSTANTS.weight_cap
    assert any((one * (cap / one.sum())).sum() > cap for one in many)  # as they were exported, and refused
    for counts in many:
        assert within(_exported(np.full((3, D + 1), 1e9), np.ones(D), counts, CONSTANTS))


def test_progress_is_told_nothing_but_steps(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    store = ReleaseStore(tmp_path / "run", os.urandom(32))
    PROBE.train(hospital(20), TASK, Drawing(1.0, Counting(), store, lambda *a: told.append(a)))
    assert told == [(done, 11) for done in range(1, 12)]


@pytest.mark.parametrize("name", methods.NAMES)
def test_sixty_four_hospitals_can_t_overflow(name: str) -> None:
    method = methods.get(name)
    for spec in method.manifest(method.constants({}), CLASSES):
        assert 64 * spec.bound * 2**spec.fraction_bits < 2 ** (method.modulus_bits - 1)


def test_the_default_vector_has_5126_numbers_and_an_unknown_method_is_refused() -> None:
    assert sum(spec.size for spec in PROBE.manifest(PROBE.constants({}), CLASSES)) == 5126
    with refused(UsageError, "method.unknown") as refusal:
        methods.get("median")
    assert refusal.value.advice == "The methods are linear-probe and dp-sgd"


SECOND = PROBE.constants({**PROBE.recipe, "feature_dim": D})


def test_a_plan_of_the_first_recipe_states_no_constant_that_came_later() -> None:
    stated = PROBE.constants({}).stated()
    assert not LinearProbeConstants.later() & set(stated)
    assert PROBE.constants(stated) == PROBE.constants({})
    assert PROBE.constants(SECOND.stated()) == SECOND
    assert SECOND.stated()["step_noise"] == "by-weight"


@pytest.mark.parametrize("constants", [CONSTANTS, SECOND])
def test_the_steps_compose_to_what_query_1_leaves(constants: LinearProbeConstants) -> None:
    noise = 1.7
    noises = step_noises(constants, noise)
    assert len(noises) == constants.steps
    mass = math.fsum(1 / step**2 for step in noises)
    assert mass == pytest.approx((1 - constants.count_share) / noise**2, rel=1e-12)
    charged = math.fsum(event.count / event.noise**2 for event in PROBE.round_events(constants, noise))
    assert charged == pytest.approx(1 / noise**2, rel=1e-12)


def test_unequal_noise_makes_the_head_less_noisy_than_equal_noise() -> None:
    """The noise in the averaged head, by pushing one unit of it through the ascent at each step."""

    def head_noise(constants: LinearProbeConstants) -> float:
        total = 0.0
        for step, noise in enumerate(step_noises(constants, 1.0)):
            ascent = _Ascent(constants, 3, 100.0, 1.0)
            for at in range(constants.steps):
                gradient = np.zeros((3, D + 1))
                gradient[:, 0] = (at == step) * np.array([1.0, -1.0, 0.0])
                ascent.advance(gradient)
            total += (noise * ascent.averaged()[0, 0]) ** 2
        return total

    even = PROBE.constants({**SECOND.stated(), "step_noise": "even"})
    assert head_noise(SECOND) < 0.87 * head_noise(even)  # "as good as 9 % more mu": 1 / 1.09^2 is .84


def test_the_centre_is_shrunk_by_what_its_noise_is_worth() -> None:
    rng = np.random.default_rng(5)
    true = rng.normal(size=D)
    true /= 2 * np.linalg.norm(true)
    counts = np.array([40.0, 30.0, 30.0])
    for std, least, most in ((0.0, 0.999, 1.001), (100 * 0.1 / D**0.5, 0.8, 1.0)):
        answer = np.concatenate([100 * true + std * rng.normal(size=D), SECOND.label_scale * counts])
        centre, found = _centre_and_counts(answer, SECOND, std)
        np.testing.assert_allclose(found, counts)
        noisy = answer[:D] / 100
        assert least <= np.linalg.norm(centre) / np.linalg.norm(noisy) <= most
        assert np.linalg.norm(centre - true) <= np.linalg.norm(noisy - true) + 1e-12
    hidden = np.concatenate([100 * true, SECOND.label_scale * counts])
    assert not _centre_and_counts(hidden, SECOND, 1e4)[0].any()  # nothing but noise
    long = np.concatenate([1e3 * true, SECOND.label_scale * counts])
    assert np.linalg.norm(_centre_and_counts(long, SECOND, 0.0)[0]) == pytest.approx(1.0)


def test_a_noisier_head_weighs_less_in_the_average(tmp_path: Path) -> None:
    vectors = {}
    for name, noise in (("exact", 0.5), ("noisy", 5.0)):
        store = ReleaseStore(tmp_path / name, os.urandom(32))
        vectors[name] = PROBE.train(hospital(), Task(SECOND, CLASSES, {}), Drawing(noise, NoNoise(), store))
    ratio = vectors["exact"]["counts"].sum() / vectors["noisy"]["counts"].sum()
    assert ratio == pytest.approx(10.0)  # without noise the counts are equal, and mu is ten times as large
    summed = {key: vectors["exact"][key] + vectors["noisy"][key] for key in vectors["exact"]}
    model = PROBE.combine(summed, 2, Task(SECOND, CLASSES, {}))
    heads = {key: PROBE.local_model(vector, Task(SECOND, CLASSES, {})) for key, vector in vectors.items()}
    expected = (10 * heads["exact"]["weights"] + heads["noisy"]["weights"]) / 11
    np.testing.assert_allclose(model["weights"], expected, rtol=1e-9)


def test_the_second_recipe_is_small() -> None:
    manifest = PROBE.manifest(PROBE.constants(PROBE.recipe), CLASSES)
    assert sum(spec.size for spec in manifest) == 3 * 297 + 296 + 3
