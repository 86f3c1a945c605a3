"""A patient's part in a step of dp-sgd: all images, all views, one clip; in bounded memory."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from opacus.grad_sample import GradSampleModule, grad_sample_module
from refusals import refused
from test_learning_dp_sgd import CLASSES, DPSGD, SMALL, Scripted, hospital, naive_step, train, warm_start
from torch import nn

from privxray.errors import RefusedError, SystemTroubleError
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd import networks, patient_gradients, trainer
from privxray.learning.dp_sgd.networks import NETWORKS, initial_weights, network
from privxray.learning.dp_sgd.private_optimizer import PrivateOptimizer
from privxray.learning.dp_sgd.separable import require_separable
from privxray.learning.dp_sgd.views import draw_views
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
def batches() -> Iterator[list[int]]:
    """How many images were in each pass."""
    seen: list[int] = []

    def note(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, GradSampleModule):
            seen.append(len(inputs[0]))

    handle = nn.modules.module.register_module_forward_pre_hook(note)
    yield seen
    handle.remove()


def check(vector: dict[str, NDArray], total: dict[str, NDArray]) -> None:
    for name, expected in total.items():
        assert np.abs(vector[name] + 0.1 * expected / 7.0).max() <= 2e-6, name


def test_resnet_s_step_equals_a_loop_over_patients(
    store: ReleaseStore, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trainer._CHUNK_BYTES, "cpu", 100 << 20)  # two images: 45 MB of gradient each
    data = hospital(3, largest=4, size=32)
    constants = DPSGD.constants({**SMALL, **ONE_STEP, "image_size": 32, "network": "resnet18"})
    start = warm_start("resnet18")
    source = Scripted([np.zeros(3)])
    vector = DPSGD.train(data, Task(constants, CLASSES, start), Drawing(1.0, source, store))
    check(vector, naive_step(start, data, np.arange(3), 1.0, "resnet18"))
    assert set(batches) == {2}
    assert len(source.stds) == 62


def test_a_patient_with_10_000_images_counts_once_and_with_all_of_them(
    store: ReleaseStore, batches: list[int]
) -> None:
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


def test_what_a_patient_adds_does_not_depend_on_how_many_others_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """1e-15 of the clip where this was written, and 4e-7 without the blank images that fill up the last part
    (2e-4 in a network with ReLU and max pooling: docs/adr/0050).
    """
    patients, clip = 40, 0.5
    sums: list[NDArray[np.float64]] = []

    def keep(self: PrivateOptimizer) -> None:
        sums.append(np.concatenate([p.summed_grad.numpy().ravel() for p in self.params]))
        for p in self.params:
            p.grad = torch.zeros_like(p)

    monkeypatch.setattr(PrivateOptimizer, "add_noise", keep)
    source = Chosen(patients)
    constants = DPSGD.constants({**SMALL, "image_size": 32, "clipping_norm": clip})
    mechanism = SampledGaussian(rate=0.5, clipping_norm=clip, noise=1.0, steps=1)
    data = hospital(patients, largest=4, size=32)
    subject = trainer.Trainer(data, Task(constants, CLASSES, warm_start()), mechanism, source)
    everybody = np.arange(patients)
    for patient in (16, 28):
        sums.clear()
        for taken in (everybody, np.delete(everybody, patient), everybody[[patient]]):
            source.taken = taken
            subject.step()
        together, without, alone = sums
        assert np.linalg.norm(alone) > 0.5 * clip
        assert np.linalg.norm(together - without - alone) < 3e-7 * clip
        assert np.linalg.norm(together - without) <= SENSITIVITY_INFLATION * clip


def test_a_patient_whose_gradient_is_not_finite_takes_nobody_else_s_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A plan's starting weights may be such that one patient's images overflow, and no other's."""
    patients, clip = 12, 0.5
    data = hospital(patients, largest=4)
    white = data.inputs.copy()
    white[data.patients == 5] = 255
    data = TrainingData(white, data.labels, data.patients)

    def as_input(pixels: NDArray[np.uint8]) -> torch.Tensor:
        images = networks.as_input(pixels)
        images[(pixels == 255).all(axis=(1, 2))] = torch.nan
        return images

    sums: list[NDArray[np.float64]] = []

    def keep(self: PrivateOptimizer) -> None:
        sums.append(np.concatenate([p.summed_grad.numpy().ravel() for p in self.params]))
        for p in self.params:
            p.grad = torch.zeros_like(p)

    monkeypatch.setattr(patient_gradients, "as_input", as_input)
    monkeypatch.setattr(PrivateOptimizer, "add_noise", keep)
    source = Chosen(patients)
    constants = DPSGD.constants({**SMALL, "clipping_norm": clip})
    mechanism = SampledGaussian(rate=0.5, clipping_norm=clip, noise=1.0, steps=1)
    subject = trainer.Trainer(data, Task(constants, CLASSES, warm_start()), mechanism, source)
    everybody = np.arange(patients)
    for taken in (everybody, np.delete(everybody, 5), everybody[[5]]):
        source.taken = taken
        subject.step()
    together, without, alone = sums
    assert not alone.any()
    assert np.linalg.norm(without) > clip
    assert np.linalg.norm(together - without) < 3e-7 * clip


def test_views_of_an_image_are_inside_its_patient_s_average(store: ReleaseStore) -> None:
    data = hospital(12, largest=4)
    moves = np.random.default_rng(9).random(len(data.labels) * 2 * 3)
    views = draw_views(len(data.labels), 3, True, 2, Scripted([moves]))
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
    views = draw_views(1, 2, True, 1, Scripted([np.array([0.4, 0.99, 0.0])]))
    assert views.moves.tolist() == [[0, 0, 0], [1, 1, -1]]
    shown = views.of(np.repeat(image, 2, axis=0))
    assert np.array_equal(shown[0], image[0])
    mirrored = image[0, :, ::-1]
    assert np.array_equal(shown[1], mirrored[[0, 0, 1]][:, [1, 2, 3, 3]])


def out_of_memory_above(images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory runs out in the middle of the backward pass, where Opacus has counted half of the layers."""
    plain = GradSampleModule.GRAD_SAMPLERS[nn.GroupNorm]

    def limited(layer: nn.Module, activations: list[torch.Tensor], slopes: torch.Tensor) -> object:
        if len(slopes) > images and layer.num_channels == 16:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return plain(layer, activations, slopes)

    monkeypatch.setitem(GradSampleModule.GRAD_SAMPLERS, nn.GroupNorm, limited)


def test_memory_that_runs_out_halves_the_chunk_and_draws_nothing_twice(
    store: ReleaseStore, monkeypatch: pytest.MonkeyPatch, batches: list[int]
) -> None:
    data = hospital(40, largest=9)
    out_of_memory_above(20, monkeypatch)
    source = Scripted([np.zeros(40)])
    vector = train(data, {**ONE_STEP, "clipping_norm": 0.3}, source, store)
    check(vector, naive_step(warm_start(), data, np.arange(40), 0.3))
    assert len(source.stds) == len(vector)
    assert batches[:3] == [64, 32, 16]
    assert set(batches[3:]) == {16}


def test_what_a_failed_pass_left_is_let_go(store: ReleaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold the memory that ran out, and Opacus would count on from it."""
    plain = patient_gradients.PatientGradients.recover
    held: list[list[str]] = []

    def left(subject: patient_gradients.PatientGradients) -> list[str]:
        network = subject._hooked._module
        names = ("activations", "max_batch_len", "_current_grad_sample")
        parts = [*network.modules(), *network.parameters()]
        return [name for part in parts for name in names if name in part.__dict__]

    def watched(subject: patient_gradients.PatientGradients) -> None:
        held.append(left(subject))
        plain(subject)
        held.append(left(subject))

    create = grad_sample_module.create_or_accumulate_grad_sample

    def limited(*, param: torch.Tensor, grad_sample: torch.Tensor, max_batch_len: int) -> None:
        create(param=param, grad_sample=grad_sample, max_batch_len=max_batch_len)
        if len(grad_sample) > 20:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(patient_gradients.PatientGradients, "recover", watched)
    monkeypatch.setattr(grad_sample_module, "create_or_accumulate_grad_sample", limited)
    train(hospital(40, largest=9), ONE_STEP, Scripted([np.zeros(40)]), store)
    before, after = held[0::2], held[1::2]
    assert all({"activations", "max_batch_len", "_current_grad_sample"} <= set(found) for found in before)
    assert after == [[], []]


@pytest.mark.parametrize(("kind", "emptied"), [("cuda", 1), ("cpu", 0)])
def test_a_gpu_s_memory_is_given_back_after_a_failed_pass(
    monkeypatch: pytest.MonkeyPatch, kind: str, emptied: int
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(None))
    subject = patient_gradients.PatientGradients(network("small-cnn", warm_start(), 3), hospital())
    subject._device = torch.device(kind)
    subject.recover()
    assert len(calls) == emptied


def test_torch_warns_of_nothing(store: ReleaseStore) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(hospital(), ONE_STEP, Scripted([np.zeros(20)]), store)


def test_memory_that_runs_out_while_clipping_changes_no_sum(
    store: ReleaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = PrivateOptimizer.clip_and_accumulate
    calls = []

    def failing(self: PrivateOptimizer) -> None:
        calls.append(len(self.params[0].grad_sample))
        if len(calls) == 2:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        plain(self)

    monkeypatch.setattr(PrivateOptimizer, "clip_and_accumulate", failing)
    data = hospital(60, largest=9)
    vector = train(data, ONE_STEP, Scripted([np.zeros(60)]), store)
    check(vector, naive_step(warm_start(), data, np.arange(60), 1.0))
    assert len(calls) > 4


def test_no_memory_for_one_image_is_one_line(store: ReleaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
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
        patch.setitem(GradSampleModule.GRAD_SAMPLERS, nn.GroupNorm, broken)
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
        require_separable(build(), 16)
    assert names in str(refusal.value)


def test_a_network_of_a_type_that_is_not_ours_is_refused() -> None:
    with refused(RefusedError, LAYER):
        require_separable(_Wrapped(), 16)


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


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_package_s_own_networks_are_admitted(name: str) -> None:
    require_separable(network(name, initial_weights(name, 3), 3), 32)
