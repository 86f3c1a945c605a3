"""dp-sgd on the maps of frozen blocks: what a step is, what a view is, and what leaves."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from refusals import refused
from test_learning_dp_sgd import CLASSES, Crashing, InterruptedRunError, Repeatable, Scripted
from torch.nn.functional import cross_entropy, group_norm

from privxray.errors import UsageError
from privxray.imaging import features
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd import lite_head
from privxray.learning.dp_sgd.dp_sgd_method import DpSgd
from privxray.learning.dp_sgd.network_inputs import MapInputs
from privxray.learning.dp_sgd.networks import initial_weights
from privxray.learning.dp_sgd.trainer import Trainer
from privxray.learning.dp_sgd.views import Views, ViewTerms, draw_views
from privxray.learning.interface import Drawing, Task
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import SENSITIVITY_INFLATION, SecureNoise
from privxray.privacy.releases import ReleaseStore

METHOD = DpSgd()
SHORT = {"steps": 3, "expected_batch_size": 7.0, "learning_rate": 0.1}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def hospital(patients: int = 12, largest: int = 4) -> TrainingData:
    rng = np.random.default_rng(5)
    owners = np.repeat(np.arange(patients), rng.integers(1, largest, patients))
    rows = rng.normal(0.1, 3.0, (len(owners), 3840)).astype(np.float32)
    return TrainingData(rows, rng.integers(0, 3, len(owners)), owners)


def warm_start() -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(6)
    return {
        name: w + np.float32(0.1) * rng.standard_normal(w.shape).astype(np.float32)
        for name, w in initial_weights("lite2-head", 3).items()
    }


def new(**overrides: object) -> DpSgdConstants:
    return METHOD.new_constants({**SHORT, **overrides})


def train(
    data: TrainingData, constants: DpSgdConstants, source: object, store: ReleaseStore
) -> dict[str, NDArray[np.float64]]:
    return METHOD.train(data, Task(constants, CLASSES, warm_start()), Drawing(1.0, source, store))


def by_hand(weights: dict[str, NDArray[np.float32]], maps: torch.Tensor) -> torch.Tensor:
    """[N, K] logits of [N, 120, 4, 4], without the network."""
    at = {name: torch.from_numpy(w).double().requires_grad_() for name, w in weights.items()}
    by_hand.parameters = at  # type: ignore[attr-defined]
    normal = group_norm(maps.double(), 8, at["norm.weight"], at["norm.bias"])
    return normal.flatten(1) @ at["head.weight"].T + at["head.bias"]


def summed_by_hand(data: TrainingData, clip: float) -> dict[str, NDArray[np.float64]]:
    """The clipped sum over all patients, each the mean over images and mirror images."""
    total = {name: np.zeros(w.shape) for name, w in warm_start().items()}
    for patient in range(data.patient_count):
        mine = data.patients == patient
        maps = torch.from_numpy(data.inputs[mine].reshape(-1, 120, 4, 4))
        loss = cross_entropy(by_hand(warm_start(), maps), torch.from_numpy(np.repeat(data.labels[mine], 2)))
        found = torch.autograd.grad(loss, list(by_hand.parameters.values()))  # type: ignore[attr-defined]
        gradient = dict(zip(total, (g.numpy() for g in found), strict=True))
        length = np.sqrt(sum((g**2).sum() for g in gradient.values()))
        for name, part in gradient.items():
            total[name] += part * min(1.0, clip / length)
    return total


@pytest.mark.parametrize("clip", [0.05, 100.0])
def test_a_step_is_the_sum_of_patients_means_over_images_and_mirror_images(
    clip: float, tmp_path: Path
) -> None:
    data, constants = hospital(), new(steps=1, clipping_norm=clip, averaging=0.0)
    images = len(data.labels)
    source = Scripted([np.zeros(12), np.random.default_rng(1).random(3 * images)])
    vector = train(data, constants, source, ReleaseStore(tmp_path / "run", os.urandom(32)))
    for name, total in summed_by_hand(data, clip).items():
        assert np.allclose(vector[name], -0.1 * total / 7.0, atol=2e-6), name
    assert source.stds == [pytest.approx(clip * SENSITIVITY_INFLATION)] * 4


def test_every_second_view_is_the_mirror_image_and_shifts_are_by_fields() -> None:
    terms = ViewTerms(4, True, 1, "every-second")
    views = draw_views(2, terms, Scripted([np.full(18, 0.9)]))
    assert views.moves[:, 0].tolist() == [0, 1, 0, 1] * 2
    assert views.moves[:4, 1:].tolist() == [[0, 0], [1, 1], [1, 1], [1, 1]]
    row = np.arange(3840, dtype=np.float32)[None]
    plain, mirror = row.reshape(2, 120, 4, 4)
    moves = Views(np.array([[0, 0, 0], [1, 0, 0], [1, 1, -1]]))
    seen = MapInputs().seen(np.repeat(row, 3, axis=0), moves).numpy()
    assert np.array_equal(seen[0], plain)
    assert np.array_equal(seen[1], mirror)
    assert np.array_equal(seen[2], mirror[:, [0, 0, 1, 2]][:, :, [1, 2, 3, 3]])
    assert not draw_views(3, ViewTerms(2, False, 0, "every-second"), Scripted([np.zeros(9)])).moves.any()


def sum_of(data: TrainingData, clip: float, *chosen: int) -> torch.Tensor:
    """The exact sum of a step with these patients, as one vector."""
    numbers = np.flatnonzero(np.isin(data.patients, chosen))
    part = TrainingData(
        data.inputs[numbers],
        data.labels[numbers],
        np.unique(data.patients[numbers], return_inverse=True)[1],
    )
    mechanism = SampledGaussian(rate=1.0, clipping_norm=clip, noise=1.0, steps=1)
    subject = Trainer(part, Task(new(clipping_norm=clip), CLASSES, warm_start()), mechanism, SecureNoise())
    return torch.cat([each.flatten() for each in subject.exact_sum(subject.draw_batch())])


@pytest.mark.parametrize("clip", [1e-6, 0.5])
@pytest.mark.parametrize("worst", [np.nan, np.inf, 3e38, 0.0])
def test_a_patient_moves_a_step_s_sum_by_the_clip_at_most_whatever_the_maps_hold(
    clip: float, worst: float
) -> None:
    """And changes nothing of what the others add, to the last bit."""
    data = hospital()
    data.inputs[data.patients == 5] *= 1e4
    data.inputs[data.patients == 7] = worst
    everybody = range(12)
    together = sum_of(data, clip, *everybody)
    for patient in (5, 7):
        alone = sum_of(data, clip, patient)
        assert float(alone.norm()) <= clip * SENSITIVITY_INFLATION
        assert torch.equal(together - sum_of(data, clip, *(set(everybody) - {patient})), alone)


def test_a_run_interrupted_after_each_step_gives_the_same_average(tmp_path: Path) -> None:
    data, key, constants = hospital(), os.urandom(32), new()
    whole = train(data, constants, Repeatable(), ReleaseStore(tmp_path / "whole", key))
    source = Repeatable()
    for _ in range(3):
        with pytest.raises(InterruptedRunError):
            train(data, constants, source, Crashing(tmp_path / "run", key))
    resumed = train(data, constants, Scripted([]), ReleaseStore(tmp_path / "run", key))
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


def test_what_leaves_is_the_average_of_the_noisy_weights_less_the_start(tmp_path: Path) -> None:
    class Kept(ReleaseStore):
        def save(self, index: int, arrays: dict[str, NDArray]) -> None:
            seen.append(arrays["weights.head.weight"].astype(np.float64))
            super().save(index, arrays)

    seen: list[NDArray[np.float64]] = []
    vector = train(hospital(), new(averaging=0.5), SecureNoise(), Kept(tmp_path / "run", os.urandom(32)))
    mean = (seen[0] + 2 * seen[1] + 4 * seen[2]) / 7
    assert np.allclose(vector["head.weight"], mean - warm_start()["head.weight"], atol=1e-12)
    assert not np.allclose(vector["head.weight"], seen[2] - warm_start()["head.weight"], atol=1e-3)


def test_a_prediction_is_the_same_for_an_image_and_for_its_mirror_image() -> None:
    rows = hospital().inputs
    mirrored = rows.reshape(-1, 2, 1920)[:, ::-1].reshape(-1, 3840)
    once, again = (METHOD.probabilities(warm_start(), one, new(), CLASSES) for one in (rows, mirrored))
    assert np.allclose(once, again, atol=1e-7)
    halves = torch.from_numpy(rows.reshape(-1, 120, 4, 4))
    logits = by_hand(warm_start(), halves).detach().view(-1, 2, 3).mean(dim=1)
    assert np.allclose(once, logits.softmax(1).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 3840)), np.zeros((2, 296), np.float32), np.zeros((2, 64, 64), np.uint8)]
)
def test_inputs_of_another_form_are_refused(bad: NDArray, tmp_path: Path) -> None:
    data = TrainingData(bad, np.zeros(2, np.int64), np.arange(2))
    with refused(UsageError, "train.map-size"):
        train(data, new(), SecureNoise(), ReleaseStore(tmp_path / "run", os.urandom(32)))
    with refused(UsageError, "train.map-size"):
        METHOD.probabilities(warm_start(), bad, new(), CLASSES)


def test_the_maps_have_the_form_that_the_extractor_gives() -> None:
    assert METHOD.input_size(new()) == features.DIMS[features.GRID] == MapInputs.numbers
    extracted = (features.GRID_VIEWS, features.GRID_CHANNELS, features.GRID_SIDE)
    assert extracted == (lite_head.VIEWS, lite_head.CHANNELS, lite_head.SIDE)


def test_all_patients_are_in_every_step_so_a_round_is_one_gaussian_mechanism() -> None:
    """And the lifetime's filter charges no more for it than the study's epsilon."""
    constants = METHOD.new_constants({})
    noise = METHOD.plan_noise(constants, Guarantee(6.0, 1e-5), rounds_left=1, past=())
    (event,) = METHOD.round_events(constants, noise)
    assert event.kind == "gaussian"
