"""Searches for the patient who moves the un-noised queries most, and finds nobody beyond what is claimed.

Each search climbs from random and from extreme starting points and must get close to the bound: a search that
could not find a violation would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from privxray.learning.constants import LinearProbeConstants
from privxray.learning.dp_sgd.private_optimizer import PrivateOptimizer
from privxray.learning.linear_probe.probe_queries import (
    count_query,
    count_sensitivity,
    gradient_query,
    probe_inputs,
)
from privxray.privacy.clipping import unit_rows
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import SENSITIVITY_INFLATION

D, K = 6, 3
CONSTANTS = LinearProbeConstants(feature_dim=D)
EXTREMES = np.array([0.0, 1.0, -1.0, 1e30, -1e30, 3e38, 1e-38, 1e-45, np.nan, np.inf, -np.inf], np.float32)

Patient = tuple[NDArray[np.float32], NDArray[np.int64]]


def random_patient(rng: np.random.Generator) -> Patient:
    """1 to 30 images, of one label or several, some of them nonsense."""
    images = int(rng.integers(1, 31)) if rng.random() < 0.5 else 1
    features = rng.standard_normal((images, D)).astype(np.float32) * np.float32(10.0 ** rng.integers(-20, 20))
    if rng.random() < 0.3:
        features = np.tile(features[:1], (images, 1))
    mask = rng.random(features.shape) < rng.choice([0.0, 0.1, 1.0])
    features[mask] = rng.choice(EXTREMES, int(mask.sum()))
    labels = rng.integers(0, K, images) if rng.random() < 0.5 else np.full(images, rng.integers(K))
    return features, labels.astype(np.int64)


def changed(patient: Patient, rng: np.random.Generator) -> Patient:
    features, labels = patient[0].copy(), patient[1].copy()
    image = rng.integers(len(labels))
    with np.errstate(all="ignore"):
        features[image] += rng.standard_normal(D).astype(np.float32) * np.float32(10.0 ** rng.integers(-3, 3))
    if rng.random() < 0.2:
        labels[image] = rng.integers(K)
    return features, labels


def worst(measure: Callable[[Patient], float], rng: np.random.Generator, starts: int = 60) -> float:
    """The greatest measure that random restarts with hill climbing find."""
    best = 0.0
    for _ in range(starts):
        patient = random_patient(rng)
        value = measure(patient)
        for _ in range(12):
            candidate = changed(patient, rng)
            found = measure(candidate)
            if found > value:
                patient, value = candidate, found
        best = max(best, value)
    return best


def with_patient(others: list[Patient], patient: Patient) -> tuple[NDArray, NDArray, NDArray]:
    everybody = [*others, patient]
    owners = np.concatenate([np.full(len(labels), i) for i, (_, labels) in enumerate(everybody)])
    return (
        np.concatenate([f for f, _ in everybody]),
        np.eye(K)[np.concatenate([y for _, y in everybody])],
        owners,
    )


def test_query_1_moves_by_at_most_its_sensitivity() -> None:
    rng = np.random.default_rng(1)
    others = [random_patient(rng) for _ in range(5)]
    base = count_query(*with_patient(others[:-1], others[-1]), CONSTANTS)

    def measure(patient: Patient) -> float:
        return float(np.linalg.norm(count_query(*with_patient(others, patient), CONSTANTS) - base))

    claimed = count_sensitivity(CONSTANTS)
    assert claimed == pytest.approx((17 / 16) ** 0.5)
    found = worst(measure, rng)
    assert 0.99 * claimed < found <= claimed * SENSITIVITY_INFLATION


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1e300])
def test_query_2_moves_by_at_most_its_clip_whatever_the_head(scale: float) -> None:
    rng = np.random.default_rng(2)
    head = rng.standard_normal((K, D + 1)) * scale
    centre = np.abs(rng.standard_normal(D)) / D
    others = [random_patient(rng) for _ in range(5)]

    def query(features: NDArray, one_hot: NDArray, owners: NDArray) -> NDArray:
        return gradient_query(head, probe_inputs(features, centre, CONSTANTS), one_hot, owners, CONSTANTS)

    base = query(*with_patient(others[:-1], others[-1]))
    assert np.isfinite(base).all()

    def measure(patient: Patient) -> float:
        return float(np.linalg.norm(query(*with_patient(others, patient)) - base))

    found = worst(measure, rng)
    assert found <= CONSTANTS.gradient_clip * SENSITIVITY_INFLATION
    # With a zero head ||p - y|| is sqrt(2/3) and the longest gradient sqrt(2/3 * 1.25) = 0.913 > C still.
    assert found > 0.95 * CONSTANTS.gradient_clip or scale == 1e300


def test_what_the_head_sees_is_as_long_as_is_said() -> None:
    rng = np.random.default_rng(5)
    features = rng.standard_normal((200, D))
    x = probe_inputs(features, np.abs(rng.standard_normal(D)) / D, CONSTANTS)
    longest = (1 + CONSTANTS.bias**2) ** 0.5
    lengths = np.linalg.norm(x, axis=1)
    assert lengths.max() == pytest.approx(longest, rel=1e-12)
    # Beside the centre, within the radius, a row stays as short as it is.
    near = unit_rows(features[:1]) + CONSTANTS.feature_radius * 0.5 * np.eye(D)[:1]
    centre = near[0] - 0.25 * CONSTANTS.feature_radius * np.eye(D)[0]
    row = probe_inputs(near * 7, centre / np.linalg.norm(near), CONSTANTS)[0]
    assert np.linalg.norm(row[:D]) < 0.9
    assert row[D] == CONSTANTS.bias


def test_an_image_whose_direction_is_not_finite_adds_nothing() -> None:
    rng = np.random.default_rng(6)
    features, one_hot, owners = with_patient([random_patient(rng)], random_patient(rng))
    x = probe_inputs(np.abs(rng.standard_normal(features.shape)), np.zeros(D), CONSTANTS)
    hopeless = np.full((K, D + 1), 1e308)  # the logits of every image are infinite
    assert not gradient_query(hopeless, x, one_hot, owners, CONSTANTS).any()


def test_a_gradient_sums_to_zero_over_the_classes() -> None:
    rng = np.random.default_rng(3)
    features, one_hot, owners = with_patient([], random_patient(rng))
    x = probe_inputs(features, np.zeros(D), CONSTANTS)
    gradient = gradient_query(rng.standard_normal((K, D + 1)), x, one_hot, owners, CONSTANTS)
    assert np.allclose(gradient.sum(axis=0), 0, atol=1e-12)


class Silent:
    """A source without noise that takes every patient."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        return np.zeros(shape)

    def uniform(self, size: int) -> NDArray[np.float64]:
        return np.zeros(size)


def test_the_clipped_sum_of_dp_sgd_moves_by_at_most_the_clipping_norm() -> None:
    rng = np.random.default_rng(4)
    clip = 0.7
    parameters = [torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for shape in ((3, 2), (4,))]
    optimizer = PrivateOptimizer(
        torch.optim.SGD(parameters, lr=1.0),
        SampledGaussian(rate=1.0, clipping_norm=clip, noise=1.0, steps=1),
        expected_batch_size=1,
        source=Silent(),
    )

    def summed(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        optimizer.zero_grad()
        parameters[0].grad_sample = torch.from_numpy(rows[:, :6]).reshape(-1, 3, 2)
        parameters[1].grad_sample = torch.from_numpy(rows[:, 6:])
        optimizer.clip_and_accumulate()
        return np.concatenate([p.summed_grad.numpy().ravel() for p in parameters])

    def rows(count: int) -> NDArray[np.float32]:
        values = rng.standard_normal((count, 10)).astype(np.float32)
        values *= 10.0 ** rng.integers(-20, 20, (count, 1)).astype(np.float32)
        mask = rng.random(values.shape) < 0.05
        values[mask] = rng.choice(EXTREMES, int(mask.sum()))
        return values

    found = 0.0
    for _ in range(300):
        others, patient = rows(20), rows(1)
        with_them = summed(np.concatenate([others, patient]))
        assert np.isfinite(with_them).all()
        found = max(found, float(np.linalg.norm(with_them - summed(others))))
    assert 0.99 * clip < found <= clip * SENSITIVITY_INFLATION
