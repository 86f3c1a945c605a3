"""A patient's part in a step of dp-sgd: all images, all views, one clip; in bounded memory."""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from refusals import refused
from test_learning_dp_sgd import CLASSES, DPSGD, SMALL, Scripted, hospital, naive_step, train, warm_start
from torch import nn

from privxray.errors import RefusedError, SystemTroubleError
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd import image_gradients, layer_gradients, network_inputs, networks, trainer
from privxray.learning.dp_sgd.clipped_sum import ClippedSum
from privxray.learning.dp_sgd.image_gradients import Images
from privxray.learning.dp_sgd.layer_gradients import Passed, Rows
from privxray.learning.dp_sgd.memory import Portion, forget_memory
from privxray.learning.dp_sgd.network_inputs import inputs_of
from privxray.learning.dp_sgd.networks import NETWORKS, initial_weights, network
from privxray.learning.dp_sgd.separable import require_separable
from privxray.learning.dp_sgd.views import ViewTerms, draw_views
from privxray.learning.interface import Drawing, Task
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import SENSITIVITY_INFLATION
from privxray.privacy.releases import ReleaseStore

ONE_STEP = {"steps": 1, "learning_rate": 0.1, "sampling_rate": 1.0}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "run", os.urandom(32))


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images were in each pass over patients."""
    seen: list[int] = []
    plain = trainer.Trainer._seen

    def note(self: trainer.Trainer, *part: Any) -> Images:
        images = plain(self, *part)
        seen.append(len(images.labels))
        return images

    monkeypatch.setattr(trainer.Trainer, "_seen", note)
    return seen


def at_once(images: int, group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on so much at once, whatever the device and its memory."""
    monkeypatch.setattr(trainer, "portion", lambda *_: Portion(images, group))
    monkeypatch.setattr(trainer, "largest_independent", lambda _model, _task, portion: portion)


def check(vector: dict[str, NDArray], total: dict[str, NDArray]) -> None:
    for name, expected in total.items():
        assert np.abs(vector[name] + 0.1 * expected / 7.0).max() <= 2e-6, name


def test_resnet_s_step_equals_a_loop_over_patients(
    store: ReleaseStore, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(2, 1, monkeypatch)
    data = hospital(3, largest=4, size=32)
    constants = DPSGD.constants({**SMALL, **ONE_STEP, "image_size": 32, "network": "resnet18"})
    start = warm_start("resnet18")
    source = Scripted([np.zeros(3)])
    vector = DPSGD.train(data, Task(constants, CLASSES, start), Drawing(1.0, source, store))
    check(vector, naive_step(start, data, np.arange(3), 1.0, "resnet18"))
    assert set(batches) == {2}
    assert len(source.stds) == 62


def test_a_patient_with_10_000_images_counts_once_and_with_all_of_them(
    store: ReleaseStore, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(64, 64, monkeypatch)
    rng = np.random.default_rng(8)
    owners = np.array([0, 0, 2, *[1] * 10_000])
    data = TrainingData(
        rng.integers(0, 256, (len(owners), 16, 16), np.uint8), rng.integers(0, 3, len(owners)), owners
    )
    vector = train(data, {**ONE_STEP, "clipping_norm": 0.05}, Scripted([np.zeros(3)]), store)
    check(vector, naive_step(warm_start(), data, np.arange(3), 0.05))
    moved = np.sqrt(sum((change**2).sum() for change in vector.values())) / 0.1 * 7.0
    assert moved <= 3 * 0.05 + 1e-6
    assert set(batches) == {64}


class Chosen(Scripted):
    """Takes the patients that a test names."""

    def __init__(self, patients: int) -> None:
        super().__init__([])
        self.patients, self.taken = patients, np.arange(0)

    def uniform(self, size: int) -> NDArray[np.float64]:
        return np.where(np.isin(np.arange(self.patients), self.taken), 0.0, 1.0)


def sums_of(
    data: TrainingData, clip: float, *chosen: NDArray[np.int64], size: int = 16
) -> list[torch.Tensor]:
    """The exact sums of steps with the chosen patients."""
    source = Chosen(data.patient_count)
    constants = DPSGD.constants({**SMALL, "image_size": size, "clipping_norm": clip})
    mechanism = SampledGaussian(rate=0.5, clipping_norm=clip, noise=1.0, steps=1)
    subject = trainer.Trainer(data, Task(constants, CLASSES, warm_start()), mechanism, source)
    sums = []
    for taken in chosen:
        source.taken = taken
        parts = subject.exact_sum(subject.draw_batch())
        sums.append(torch.cat([part.flatten() for part in parts]).cpu())
    return sums


def length(vector: torch.Tensor) -> float:
    """It is exact to the last bits, for very short vectors too."""
    largest = float(vector.abs().max())
    return largest * float((vector / largest).norm()) if largest else 0.0


@pytest.mark.parametrize(("images", "group"), [(64, 64), (16, 4), (8, 1)])
def test_what_a_patient_adds_does_not_depend_on_how_many_others_there_are(
    images: int, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit. It was 1e-15 of the clip with sums in float64, 4e-7 without blank images, 2e-4 in a
    network with ReLU and max pooling, and twice the clip at a clip of 1e-6: docs/adr/0050 and 0094.
    """
    at_once(images, group, monkeypatch)
    patients, clip = 40, 0.5
    data, everybody = hospital(patients, largest=4, size=32), np.arange(patients)
    others = [np.delete(everybody, patient) for patient in (16, 28)]
    together, *rest = sums_of(data, clip, everybody, *others, everybody[[16]], everybody[[28]], size=32)
    for without, alone in zip(rest[:2], rest[2:], strict=True):
        assert 0.99 * clip < length(alone) <= clip * SENSITIVITY_INFLATION
        assert torch.equal(together - without, alone)


@pytest.mark.parametrize("clip", [1e-9, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("images", "group"), [(64, 64), (8, 2), (8, 1)])
def test_alike_patients_whose_images_a_pass_cuts_in_two_add_the_same_at_any_clip(
    clip: float, images: int, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounding that always goes the same way adds up where patients are alike: a single patient more once
    moved such a sum by 1.84 C at a clip of 1e-6 and 3.6 C at 1e-8.
    """
    at_once(images, group, monkeypatch)
    rng = np.random.default_rng(12)
    first, patient = rng.integers(0, 256, (2, 16, 16), np.uint8), rng.integers(0, 256, (30, 16, 16), np.uint8)
    owners = np.array([0, 0, *np.repeat(np.arange(1, 9), 30)])
    pixels = np.concatenate([first, *[patient] * 8])
    data = TrainingData(pixels, np.arange(len(owners)) % 2, owners)
    alike = np.arange(1, 9)
    together, without, eight, alone = sums_of(data, clip, np.arange(9), alike, alike[:-1], alike[:1])
    assert 0 < length(together - without) <= clip * SENSITIVITY_INFLATION
    assert torch.equal(without, 8 * alone)
    assert torch.equal(eight, 7 * alone)
    if clip <= 1.0:
        assert length(alone) == pytest.approx(clip, rel=1e-6)


@pytest.mark.parametrize(("images", "group"), [(64, 64), (8, 1)])
def test_a_patient_whose_gradient_is_not_finite_takes_nobody_else_s_away(
    images: int, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan's starting weights may be such that one patient's images overflow, and no other's."""
    at_once(images, group, monkeypatch)
    patients, clip = 12, 0.5
    data = hospital(patients, largest=4)
    white = data.inputs.copy()
    white[data.patients == 5] = 255
    data = TrainingData(white, data.labels, data.patients)

    def as_input(pixels: NDArray[np.uint8]) -> torch.Tensor:
        images = networks.as_input(pixels)
        images[(pixels == 255).all(axis=(1, 2))] = torch.nan
        return images

    monkeypatch.setattr(network_inputs, "as_input", as_input)
    everybody = np.arange(patients)
    together, without, alone = sums_of(data, clip, everybody, np.delete(everybody, 5), everybody[[5]])
    assert not alone.any()
    assert length(without) > clip
    assert torch.equal(together, without)


def test_views_of_an_image_are_inside_its_patient_s_average(store: ReleaseStore) -> None:
    data = hospital(12, largest=4)
    moves = np.random.default_rng(9).random(len(data.labels) * 2 * 3)
    views = draw_views(len(data.labels), ViewTerms(3, True, 2), Scripted([moves]))
    assert not views.moves[::3].any()
    assert {tuple(np.unique(views.moves[:, axis])) for axis in (1, 2)} == {(-2, -1, 0, 1, 2)}
    order = np.argsort(data.patients, kind="stable")
    moved = TrainingData(
        views.of(np.repeat(data.inputs[order], 3, axis=0)),
        np.repeat(data.labels[order], 3),
        np.repeat(data.patients[order], 3),
    )
    overrides = {**ONE_STEP, "views": 3, "view_shift": 2}
    vector = train(data, overrides, Scripted([np.zeros(12), moves]), store)
    check(vector, naive_step(warm_start(), moved, np.arange(12), 1.0))


def test_a_view_is_the_image_mirrored_and_shifted() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    views = draw_views(1, ViewTerms(2, True, 1), Scripted([np.array([0.4, 0.99, 0.0])]))
    assert views.moves.tolist() == [[0, 0, 0], [1, 1, -1]]
    shown = views.of(np.repeat(image, 2, axis=0))
    assert np.array_equal(shown[0], image[0])
    mirrored = image[0, :, ::-1]
    assert np.array_equal(shown[1], mirrored[[0, 0, 1]][:, [1, 2, 3, 3]])


def out_of_memory_above(images: int, monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[torch.Tensor]]:
    """Memory runs out in the middle of the backward pass. Returned is what that pass had in hand."""
    plain, held = layer_gradients.LAYERS[nn.GroupNorm], []

    def limited(layer: nn.Module, passed: Passed) -> Rows:
        if len(passed.slopes) > images and layer.num_channels == 16:
            held.append(weakref.ref(passed.slopes))
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return plain(layer, passed)

    monkeypatch.setitem(layer_gradients.LAYERS, nn.GroupNorm, limited)
    return held


def test_memory_that_runs_out_halves_the_portion_and_draws_nothing_twice(
    store: ReleaseStore, monkeypatch: pytest.MonkeyPatch, batches: list[int]
) -> None:
    at_once(64, 64, monkeypatch)
    data = hospital(40, largest=9)
    held = out_of_memory_above(20, monkeypatch)
    source = Scripted([np.zeros(40)])
    vector = train(data, {**ONE_STEP, "clipping_norm": 0.3}, source, store)
    check(vector, naive_step(warm_start(), data, np.arange(40), 0.3))
    assert len(source.stds) == len(vector)
    assert batches[:3] == [64, 32, 16]
    assert set(batches[3:]) == {16}
    assert [reference() for reference in held] == [None, None]


def test_a_portion_that_was_halved_is_tried_before_it_is_used(
    store: ReleaseStore, monkeypatch: pytest.MonkeyPatch, batches: list[int]
) -> None:
    at_once(64, 64, monkeypatch)
    tried = []

    def note(_model: nn.Module, _task: object, portion: Portion) -> Portion:
        tried.append(portion.images)
        return portion if portion.images == 64 else Portion(8, 8)

    monkeypatch.setattr(trainer, "largest_independent", note)
    out_of_memory_above(40, monkeypatch)
    train(hospital(40, largest=9), ONE_STEP, Scripted([np.zeros(40)]), store)
    assert tried == [64, 32]
    assert (batches[0], set(batches[1:])) == (64, {8})


def test_a_pass_that_failed_leaves_no_hook_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network("small-cnn", warm_start(), 3)
    subject = image_gradients.ImageGradients(model)
    images = Images(torch.zeros(4, 1, 16, 16), torch.zeros(4, dtype=torch.int64), torch.ones(4))
    with monkeypatch.context() as patch:
        patch.setattr(torch.autograd, "grad", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            list(subject.rows(images, 4))
    assert not [layer for layer in model.modules() if layer._forward_hooks]
    assert len(list(subject.rows(images, 2))) == 2


@pytest.mark.parametrize(("kind", "emptied"), [("cuda", 1), ("cpu", 0)])
def test_a_gpu_s_memory_is_given_back_after_a_failed_pass(
    monkeypatch: pytest.MonkeyPatch, kind: str, emptied: int
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(None))
    forget_memory(torch.device(kind))
    assert len(calls) == emptied


def test_torch_warns_of_nothing(store: ReleaseStore) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(hospital(), ONE_STEP, Scripted([np.zeros(20)]), store)


def test_memory_that_runs_out_while_clipping_changes_no_sum(
    store: ReleaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = ClippedSum.lengths, []

    def failing(self: ClippedSum, rows: Rows) -> torch.Tensor:
        calls.append(len(rows[0]))
        if len(calls) == 2:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return plain(self, rows)

    at_once(64, 16, monkeypatch)
    monkeypatch.setattr(ClippedSum, "lengths", failing)
    data = hospital(60, largest=9)
    vector = train(data, ONE_STEP, Scripted([np.zeros(60)]), store)
    check(vector, naive_step(warm_start(), data, np.arange(60), 1.0))
    assert len(calls) > 4


def test_a_patient_that_was_added_in_part_is_not_added_again(
    store: ReleaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = ClippedSum._double, []

    def failing(self: ClippedSum, part: torch.Tensor) -> torch.Tensor:
        calls.append(part)
        if len(calls) > 20:  # 14 parameters: measured all, added some
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return plain(self, part)

    at_once(64, 64, monkeypatch)
    monkeypatch.setattr(ClippedSum, "_double", failing)
    source = Scripted([np.zeros(20)])
    with refused(SystemTroubleError, "system.memory"):
        train(hospital(), ONE_STEP, source, store)
    assert len(calls) == 21
    assert source.stds == []
    assert store.latest() is None


def test_no_memory_for_one_image_is_one_line(store: ReleaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(64, 64, monkeypatch)
    out_of_memory_above(0, monkeypatch)
    source = Scripted([np.zeros(20)])
    with refused(SystemTroubleError, "system.memory") as refusal:
        train(hospital(), ONE_STEP, source, store)
    assert "too little memory for one image" in str(refusal.value)
    assert source.stds == []
    assert store.latest() is None


def test_no_memory_for_the_update_is_one_line_and_saves_nothing(
    store: ReleaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.SGD, "step", full)
        with refused(SystemTroubleError, "system.memory") as refusal:
            train(hospital(), ONE_STEP, Scripted([np.zeros(20)]), store)
    assert "too little memory for a step of this network" in str(refusal.value)
    assert store.latest() is None
    check(
        train(hospital(), ONE_STEP, Scripted([np.zeros(20)]), store),
        naive_step(warm_start(), hospital(), np.arange(20), 1.0),
    )


def test_another_error_is_not_taken_for_memory(store: ReleaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("shapes differ")

    with monkeypatch.context() as patch:
        patch.setitem(layer_gradients.LAYERS, nn.GroupNorm, broken)
        with pytest.raises(RuntimeError, match="shapes differ"):
            train(hospital(), ONE_STEP, Scripted([np.zeros(20)]), store)
    monkeypatch.setattr(torch.optim.SGD, "step", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        train(hospital(), ONE_STEP, Scripted([np.zeros(20)]), store)


def test_nothing_depends_on_torch_s_or_numpy_s_generators(tmp_path: Path) -> None:
    vectors = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        moves = np.random.default_rng(3).random((2, 20))
        source = Scripted([*moves])
        run = ReleaseStore(tmp_path / str(seed), os.urandom(32))
        vectors.append(train(hospital(), {"steps": 2}, source, run))
    assert all(np.array_equal(vectors[0][name], vectors[1][name]) for name in vectors[0])


class _Wrapped(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3), *layers, nn.Flatten(), nn.LazyLinear(3))
        self.layers(torch.zeros(2, 1, 16, 16))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


class _Mixing(_Wrapped):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images - images.mean(dim=0))


class _Remembering(_Wrapped):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))


LAYER, MIXES, KEEPS = "network.layer-refused", "network.mixes-images", "network.keeps-statistics"


@pytest.mark.parametrize(
    ("build", "reason", "names"),
    [
        (lambda: _Wrapped(nn.BatchNorm2d(4)), LAYER, "BatchNorm2d"),
        (lambda: _Wrapped(nn.BatchNorm2d(4, track_running_stats=False)), LAYER, "BatchNorm2d"),
        (lambda: _Wrapped(nn.InstanceNorm2d(4, track_running_stats=True)), LAYER, "InstanceNorm2d"),
        (lambda: _Wrapped(nn.Dropout(0.5)), LAYER, "Dropout"),
        (_Mixing, MIXES, ""),
        (_Remembering, KEEPS, ""),
    ],
)
def test_a_network_that_mixes_patients_or_remembers_them_is_refused(
    build: Callable[[], nn.Module], reason: str, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (_Wrapped, _Mixing, _Remembering):  # as if the package had a container like these
        monkeypatch.setattr(kind, "__module__", "privxray.learning.dp_sgd.networks")
    with refused(RefusedError, reason) as refusal:
        require_separable(build(), (1, 16, 16))
    assert names in str(refusal.value)


def test_a_network_of_a_type_that_is_not_ours_is_refused() -> None:
    with refused(RefusedError, LAYER):
        require_separable(_Wrapped(), (1, 16, 16))


def test_a_network_is_checked_before_it_is_trained(
    store: ReleaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = network

    def with_batch_norm(name: str, weights: dict[str, NDArray], classes: int) -> nn.Module:
        model = plain(name, weights, classes)
        model.features[0][1] = nn.BatchNorm2d(16)
        return model

    monkeypatch.setattr(trainer, "network", with_batch_norm)
    source = Scripted([np.zeros(20)])
    with refused(RefusedError, LAYER):
        train(hospital(), ONE_STEP, source, store)
    assert len(source._uniforms) == 1


def seen_by(name: str) -> tuple[int, int, int]:
    """Channels, height and width of an image as a network sees it."""
    return inputs_of(DPSGD.constants({"network": name, "image_size": 32})).shape


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_package_s_own_networks_are_admitted(name: str) -> None:
    require_separable(network(name, initial_weights(name, 3), 3), seen_by(name))
