"""Searches for the patient who moves the un-noised queries most, and finds nobody beyond what is claimed.

Each search climbs from random and from extreme starting points and must get close to the bound: a search that
could not find a violation would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from privxray.learning.constants import LinearProbeConstants
from privxray.learning.dp_sgd import clipped_sum
from privxray.learning.dp_sgd.clipped_sum import MOST_PATIENTS, ClippedSum, inflation, unit
from privxray.learning.linear_probe.probe_queries import (
    count_query,
    count_sensitivity,
    gradient_query,
    probe_inputs,
)
from privxray.privacy.clipping import unit_rows
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


WIDTHS = (6, 4)


def exact_sum(
    rows: NDArray[np.float32],
    owners: NDArray[np.int64],
    clip: float,
    group: int,
    cuts: list[int] | None = None,
) -> NDArray[np.float64]:
    """The clipped sum of rows of ten numbers, in calls of ``group`` rows, or of as many as ``cuts`` say."""
    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    subject = ClippedSum([torch.Size((3, 2)), torch.Size((4,))], clip, where)
    ends = np.append(owners[1:] != owners[:-1], True)
    at = 0
    while at < len(rows):
        number = min(cuts.pop(0) if cuts else group, group, len(rows) - at)
        filled = np.full((group, 10), np.nan, np.float32)  # what is in the other rows must not matter
        filled[:number] = rows[at : at + number]
        parts = torch.from_numpy(filled).to(where).split(WIDTHS, dim=1)
        subject.add([part.clone() for part in parts], owners[at : at + number], ends[at : at + number])
        at += number
    assert subject.whole
    return torch.cat([part.flatten() for part in subject.total()]).cpu().numpy()


def nonsense_rows(rng: np.random.Generator, count: int, clip: float) -> NDArray[np.float32]:
    """Gradients of all lengths, some not finite, some all alike and longer than the clip."""
    values = rng.standard_normal((count, 10)).astype(np.float32)
    values *= 10.0 ** rng.integers(-20, 20, (count, 1)).astype(np.float32)
    mask = rng.random(values.shape) < 0.05
    values[mask] = rng.choice(EXTREMES, int(mask.sum()))
    if rng.random() < 0.3:
        values[:] = values[0]
    if rng.random() < 0.3:
        values = np.full_like(values, clip * rng.random())
    return values


@pytest.mark.parametrize("clip", [1e-9, 1e-8, 1e-6, 0.7, 1.0, 1e6])
def test_a_patient_moves_the_clipped_sum_of_dp_sgd_by_the_patient_s_own_part_to_the_last_bit(
    clip: float,
) -> None:
    """For patients of 1 to 30 images, in calls of any size, wherever those end."""
    rng = np.random.default_rng(4)
    found = 0.0
    for _ in range(100):
        counts = rng.choice([1, 2, 30], 20)
        owners = np.repeat(np.arange(20), counts)
        rows = nonsense_rows(rng, len(owners), clip)
        group = int(rng.choice([1, 2, 8, 64]))
        patient = int(rng.integers(20))
        mine = owners == patient
        others = np.where(owners > patient, owners - 1, owners)[~mine]
        cuts = [int(cut) for cut in rng.integers(1, group + 1, 8)]
        together = exact_sum(rows, owners, clip, group, cuts)
        without = exact_sum(rows[~mine], others, clip, group)
        alone = exact_sum(rows[mine], owners[mine], clip, 1)
        assert np.isfinite(together).all()
        assert np.array_equal(together - without, alone)
        largest = np.abs(alone).max()
        found = max(found, float(largest * np.linalg.norm(alone / largest)) if largest else 0.0)
    assert 0.999 * clip < found <= clip * inflation(10, patients=20)


def test_in_what_order_patients_are_added_changes_no_bit_of_their_sum() -> None:
    rng = np.random.default_rng(9)
    rows = rng.standard_normal((2000, 10)).astype(np.float32) * np.float32(0.4)
    forwards = exact_sum(rows, np.arange(2000), 1.0, 64)
    backwards = exact_sum(rows[::-1].copy(), np.arange(2000), 1.0, 1)
    assert np.array_equal(forwards, backwards)


def test_a_part_is_cut_towards_zero_to_whole_units() -> None:
    u = unit(1.0)
    row = np.array([[0.9, -0.9, 1.5, -1.5, 2.0, -2.0, 0.0, 1e-30, -1e-30, 3.25]], np.float32) * np.float32(u)
    found = exact_sum(row, np.zeros(1, np.int64), 1.0, 1)
    assert (found / u).tolist() == [0, 0, 1, -1, 2, -2, 0, 0, 0, 3]


def test_the_unit_leaves_room_for_all_patients_in_64_bits() -> None:
    for clip in (1e-9, 0.5, 0.75, 1.0, 1e6):
        assert 2.0**31 <= clip / unit(clip) <= 2.0**32
        assert MOST_PATIENTS * clip * inflation(10**7) / unit(clip) < 2.0**63
    assert MOST_PATIENTS > 10**9  # the most that a plan may state


def test_the_inflation_is_a_function_of_the_width_and_of_the_precision_and_stays_below_the_allowance() -> (
    None
):
    resnet18 = 11_171_779
    assert inflation(resnet18, patients=2**20) == pytest.approx(1 + resnet18 / 2 * 2.0**-53, rel=1e-12)
    assert inflation(resnet18) == pytest.approx(1 + resnet18 / 2 * 2.0**-53 + 2.0**-22, rel=1e-12)
    assert inflation(resnet18) < 1 + 3e-7 < SENSITIVITY_INFLATION
    assert inflation(30, 24, 1) > SENSITIVITY_INFLATION  # float32 measures thirty numbers too inexactly
    assert inflation(2**25, 24) == inflation(2**24 - 1, 24) == np.inf
    with pytest.raises(ValueError, match="too inexactly"):
        ClippedSum([torch.Size((2**40,))], 1.0, torch.device("cpu"))


def test_the_inflation_term_by_term() -> None:
    """With so few digits that each of the roundings counts: d + 1 in the length, four more, and the sum."""
    assert inflation(3, 4, 1) == pytest.approx((1 + 4 / 16) / (1 - 4 / 16) ** 0.5 + 2 / 16, rel=1e-12)
    exact = inflation(10, patients=1)
    assert inflation(10, patients=2**21) == exact  # their sum has 53 digits
    assert inflation(10, patients=2**21 + 1) > exact + 2.0**-32


def test_rows_at_the_allowance_itself_are_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipped_sum, "SENSITIVITY_INFLATION", inflation(4))
    ClippedSum([torch.Size((4,))], 1.0, torch.device("cpu"))


def test_a_network_may_have_a_single_parameter() -> None:
    subject = ClippedSum([torch.Size((2,))], 8.0, torch.device("cpu"))
    subject.add(
        [torch.tensor([[1.0, 2.0], [4.0, 0.5], [2.0, 1.0]])], np.array([0, 0, 1]), np.array([0, 1, 1]) > 0
    )
    assert subject.total()[0].tolist() == [7.0, 3.5]


def test_no_length_is_measured_shorter_than_the_inflation_allows() -> None:
    """The worst case of a sum in floating point: one large square, then many that are rounded away."""
    width = 200_000
    row = torch.full((1, width), 2.0**-27)
    row[0, 0] = 1.0
    exact = (1.0 + (width - 1) * 2.0**-54) ** 0.5
    subject = ClippedSum([torch.Size((width,))], 0.5, torch.device("cpu"))
    assert 1.0 <= exact / float(subject.lengths([row])[0]) <= inflation(width, patients=1)


def test_sums_that_round_move_by_more_than_the_noise_allows_for() -> None:
    """Why the sum is exact: 512 patients who are alike, by plain float32 addition, and one of them less."""
    rows = np.tile(np.float32(0.1), (512, 10))
    mine = rows[0].astype(np.float64)
    clip = float(np.linalg.norm(mine))

    def excess(together: NDArray[Any], without: NDArray[Any]) -> float:
        return float(np.linalg.norm(together.astype(np.float64) - without - mine)) / clip

    exact = excess(exact_sum(rows, np.arange(512), clip, 8), exact_sum(rows[1:], np.arange(511), clip, 8))
    rounded = excess(np.cumsum(rows, axis=0)[-1], np.cumsum(rows[1:], axis=0)[-1])
    assert exact <= 10**0.5 * unit(clip) / clip < 2e-9
    assert rounded > SENSITIVITY_INFLATION - 1
