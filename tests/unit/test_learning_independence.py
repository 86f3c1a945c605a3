"""A device is trusted to compute each image by itself only once that was tried; rows are true gradients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused
from test_learning_dp_sgd import CLASSES, DPSGD, SMALL, Scripted, hospital, warm_start
from torch import nn
from torch.nn.functional import cross_entropy

from privxray.errors import RefusedError, SystemTroubleError
from privxray.learning.constants import DpSgdConstants
from privxray.learning.dp_sgd import image_gradients, independence, layer_gradients, memory, trainer
from privxray.learning.dp_sgd.image_gradients import ImageGradients, Images
from privxray.learning.dp_sgd.independence import largest_independent, made_up
from privxray.learning.dp_sgd.layer_gradients import Passed, Rows, as_groups, unfolded
from privxray.learning.dp_sgd.memory import Portion, portion
from privxray.learning.dp_sgd.network_inputs import inputs_of
from privxray.learning.dp_sgd.networks import NETWORKS, network
from privxray.learning.interface import Task

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, GPU])]


@pytest.fixture(autouse=True)
def _tried_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(independence, "_FOUND", {})


def task(name: str = "small-cnn", size: int = 16) -> Task[DpSgdConstants]:
    return Task(DpSgdConstants(network=name, image_size=size), CLASSES, {})


def seen_by(name: str, size: int = 32) -> tuple[int, int, int]:
    """Channels, height and width of an image as a network sees it."""
    return inputs_of(task(name, size).constants).shape


def model(name: str = "small-cnn", where: str = "cpu") -> nn.Module:
    return network(name, warm_start(name), 3).to(where)


@pytest.mark.parametrize("where", DEVICES)
@pytest.mark.parametrize(
    ("name", "asked"),
    [("small-cnn", Portion(64, 64)), ("resnet18", Portion(4, 1)), ("lite2-head", Portion(64, 64))],
)
def test_the_package_s_networks_are_independent_in_the_size_that_is_used(
    where: str, name: str, asked: Portion
) -> None:
    assert largest_independent(model(name, where), task(name, 32), asked) == asked


@pytest.mark.parametrize("where", DEVICES)
@pytest.mark.parametrize(
    ("name", "images", "group"), [("small-cnn", 8, 4), ("resnet18", 2, 1), ("lite2-head", 8, 4)]
)
def test_a_row_is_the_gradient_that_torch_computes_of_that_image(
    where: str, name: str, images: int, group: int
) -> None:
    pixels, labels = made_up(torch.arange(images), seen_by(name)), torch.arange(images) % 3
    weights = torch.linspace(0.25, 1.0, images)
    batch = Images(pixels, labels, weights).to(torch.device(where))
    found = list(ImageGradients(model(name, where)).rows(batch, group))
    plain = model(name)
    for image in range(images):
        plain.zero_grad()
        loss = weights[image] * cross_entropy(plain(pixels[image : image + 1]), labels[image : image + 1])
        loss.backward()
        for row, parameter in zip(found[image // group], plain.parameters(), strict=True):
            expected = parameter.grad.flatten()
            error = (row[image % group].cpu() - expected).norm() / expected.norm()
            assert error < 2e-4, parameter.shape


@pytest.mark.parametrize("where", DEVICES)
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 5, 3, stride=2, padding=1),
        nn.Conv2d(3, 5, (3, 5), padding=(0, 2), bias=False),
        nn.Conv2d(3, 4, 1, stride=2),
        nn.Conv2d(3, 4, 3, dilation=2),
    ],
)
def test_both_ways_to_a_convolution_s_rows_agree(layer: nn.Conv2d, where: str) -> None:
    layer = layer.to(where)
    inputs = made_up(torch.arange(12), (1, 16, 16)).view(4, 3, 16, 16).to(where)
    passed = Passed(inputs, layer(inputs).detach().sin())
    moved = Passed(inputs.roll(1, 0), passed.slopes.roll(1, 0))
    rows = as_groups(layer, passed).flatten(1)
    for way in (as_groups, unfolded):
        assert torch.allclose(way(layer, passed).flatten(1), rows, atol=1e-4)
        assert torch.equal(way(layer, moved).flatten(1), way(layer, passed).flatten(1).roll(1, 0))
    assert torch.allclose(as_groups(layer, passed[1:2]).flatten(1), rows[1:2], atol=1e-4)


def spoiled(monkeypatch: pytest.MonkeyPatch, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Group norm's rows are changed by a function of all slopes of their group."""
    plain = layer_gradients.LAYERS[nn.GroupNorm]

    def changed(layer: nn.Module, passed: Passed) -> Rows:
        weight, bias = plain(layer, passed)
        return [weight + change(passed.slopes), bias]

    monkeypatch.setitem(layer_gradients.LAYERS, nn.GroupNorm, changed)


def by_the_largest(slopes: torch.Tensor) -> torch.Tensor:
    return 1e-9 * slopes.abs().nan_to_num(0, 0, 0).amax().view(1, 1)


def by_a_neighbour(slopes: torch.Tensor) -> torch.Tensor:
    return 1e-6 * slopes.roll(1, 0).sum((1, 2, 3))[:, None] if len(slopes) > 4 else torch.zeros(1, 1)


def by_the_place(slopes: torch.Tensor) -> torch.Tensor:
    return torch.linspace(0, 1e-6, len(slopes))[:, None] if len(slopes) > 4 else torch.zeros(1, 1)


def by_the_size(slopes: torch.Tensor) -> torch.Tensor:
    return torch.full((1, 1), 1e-6 * len(slopes))


@pytest.mark.parametrize(
    ("change", "left"), [(by_a_neighbour, 4), (by_the_place, 4), (by_the_largest, 1), (by_the_size, 16)]
)
def test_a_device_that_mixes_images_is_found_and_fewer_are_seen_at_once(
    change: Callable[[torch.Tensor], torch.Tensor], left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of a group may matter, for it is always the same."""
    spoiled(monkeypatch, change)
    assert largest_independent(model(), task(), Portion(16, 16)) == Portion(left, left)


def test_a_device_that_never_computes_the_same_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def drift(slopes: torch.Tensor) -> torch.Tensor:
        calls.append(slopes)
        return torch.full((1, 1), 1e-3 * len(calls))

    spoiled(monkeypatch, drift)
    with refused(RefusedError, "train.device-not-repeatable"):
        largest_independent(model(), task(), Portion(4, 4))


def test_memory_that_runs_out_is_found_before_a_patient_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, room = layer_gradients.LAYERS[nn.Linear], [2]

    def limited(layer: nn.Module, passed: Passed) -> Rows:
        if len(passed.slopes) > room[0]:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return plain(layer, passed)

    monkeypatch.setitem(layer_gradients.LAYERS, nn.Linear, limited)
    assert largest_independent(model(), task(), Portion(8, 8)) == Portion(2, 2)
    room[0] = 0
    with refused(SystemTroubleError, "system.memory"):
        largest_independent(model(), task(), Portion(4, 4))


def test_another_error_is_told_and_an_answer_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Rows:
        raise RuntimeError("shapes differ")

    found = largest_independent(model(), task(), Portion(2, 2))
    monkeypatch.setitem(layer_gradients.LAYERS, nn.Linear, broken)
    assert largest_independent(model(), task(), Portion(2, 2)) == found
    with pytest.raises(RuntimeError, match="shapes differ"):
        largest_independent(model(), task(), Portion(1, 1))


def test_memory_is_given_back_before_fewer_images_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, given_back = layer_gradients.LAYERS[nn.Linear], []

    def limited(layer: nn.Module, passed: Passed) -> Rows:
        if len(passed.slopes) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return plain(layer, passed)

    monkeypatch.setitem(layer_gradients.LAYERS, nn.Linear, limited)
    monkeypatch.setattr(independence, "forget_memory", given_back.append)
    assert largest_independent(model(), task(), Portion(4, 4)) == Portion(1, 1)
    assert given_back == [torch.device("cpu")] * 2


class _Recorder:
    """In the place of a network's gradients: notes each batch, and has the same row for every image."""

    def __init__(self) -> None:
        self.batches: list[Images] = []

    def rows(self, images: Images, group: int) -> Iterator[Rows]:
        self.batches.append(images)
        for _ in range(0, len(images.labels), group):
            yield [torch.zeros(group, 1)]


def test_an_image_is_tried_alone_in_all_places_and_beside_all_kinds_of_others() -> None:
    recorder = _Recorder()
    tried = independence.Tried("small-cnn", 3, (1, 16, 16), torch.device("cpu"), 1)
    assert independence._independent(recorder, tried, Portion(8, 4))  # type: ignore[arg-type]
    nan, long = torch.nan, 1e30
    alone, everywhere, longest, nonsense = recorder.batches
    # By place: the made-up image (None is a blank), its weight, its label.
    for batch, images, weights, labels in (
        (alone, [0, *[None] * 7], [1.0, *[0.0] * 7], [0] * 8),
        (everywhere, [0] * 8, [1.0] * 8, [0] * 8),
        (longest, [0, 0, 0, 3, 0, 0, 0, 7], [1, long, 1, 1, 1, long, 1, 1], [0, 0, 0, 0, 0, 0, 0, 1]),
        (nonsense, [0, 0, 2, 0, 0, 0, 6, 0], [nan, 1, 1, 1, nan, 1, 1, 1], [0, 0, 2, 0, 0, 0, 0, 0]),
    ):
        blank = torch.zeros(1, 1, 16, 16)
        pixels = [blank if image is None else made_up(torch.tensor([image]), (1, 16, 16)) for image in images]
        assert torch.equal(batch.pixels, torch.cat(pixels))
        assert torch.equal(batch.weights.isnan(), torch.tensor(weights).isnan())
        assert torch.equal(batch.weights.nan_to_num(0.0), torch.tensor(weights).nan_to_num(0.0))
        assert batch.labels.tolist() == labels


def test_a_layer_of_zeros_is_tried_with_other_numbers() -> None:
    layers = nn.Sequential(nn.Linear(4, 1), nn.Linear(1, 1))
    with torch.no_grad():
        layers[0].weight.zero_()
    tried = independence.without_zero_layers(layers)
    assert tried[0].weight.tolist() == [[-1.0, pytest.approx(-1 / 3), pytest.approx(1 / 3), 1.0]]
    assert torch.equal(tried[1].weight, layers[1].weight)
    assert not layers[0].weight.any()


def test_every_pass_is_one_that_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = []

    @contextmanager
    def noted() -> Iterator[None]:
        entered.append(True)
        yield

    monkeypatch.setattr(image_gradients, "repeatable", noted)
    images = Images(made_up(torch.arange(2), (1, 16, 16)), torch.zeros(2, dtype=torch.int64), torch.ones(2))
    list(ImageGradients(model()).rows(images, 1))
    assert entered == [True]


def test_what_a_gpu_is_told_so_that_it_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    torch.set_float32_matmul_precision("medium")
    with image_gradients.repeatable():
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert torch.get_float32_matmul_precision() == "highest"
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.benchmark
        assert not torch.backends.cudnn.allow_tf32


class _Twice(nn.Module):
    def __init__(self, uses: int) -> None:
        super().__init__()
        self.layer, self.uses = nn.Linear(256, 256), uses
        self.head = nn.Linear(256, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = images.flatten(1)
        for _ in range(self.uses):
            seen = self.layer(seen)
        return self.head(seen)


class _Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: _Twice(2), "used twice"),
        (lambda: _Twice(0), "not used"),
        (_Own, "_Own with parameters"),
        (lambda: nn.Conv2d(4, 4, 3, groups=2), "Conv2d with parameters"),
        (lambda: nn.LayerNorm(4), "LayerNorm with parameters"),
    ],
)
def test_a_network_whose_rows_would_be_wrong_is_refused(build: Callable[[], nn.Module], names: str) -> None:
    images = Images(made_up(torch.arange(2), (1, 16, 16)), torch.zeros(2, dtype=torch.int64), torch.ones(2))
    with refused(RefusedError, "network.layer-refused") as refusal:
        list(ImageGradients(build()).rows(images, 2))
    assert names in str(refusal.value)


def test_made_up_images_are_unlike_each_other_and_always_the_same() -> None:
    images = made_up(torch.arange(6), (1, 24, 24))
    assert images.shape == (6, 1, 24, 24)
    assert images.abs().max() <= 1.0
    assert torch.equal(images[3:4], made_up(torch.tensor([3]), (1, 24, 24)))
    for image in range(6):
        for place in (0, 1, 25, 575):  # by the rule again, in whole numbers
            mixed = (place + 7919 * 24 * (image + 1)) * 2_654_435_761 % 2**32
            mixed = (mixed ^ mixed >> 15) * 2_246_822_519 % 2**32 >> 24
            assert float(images[image].flatten()[place]) == (mixed - 127) / 128
    assert np.abs(np.corrcoef(images.flatten(1).numpy()) - np.eye(6)).max() < 0.2


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_portion_is_what_half_of_the_free_memory_holds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = model(name)
    monkeypatch.setattr(memory, "free_bytes", lambda _: 64 << 30)
    plenty = portion(subject, seen_by(name, 64))
    assert plenty == (Portion(8, 1) if name == "resnet18" else Portion(64, 64))
    each = 3 * memory._bytes_computed(subject, seen_by(name, 64))
    for images in (1, 2, 4):
        monkeypatch.setattr(memory, "free_bytes", lambda _, images=images: 2 * images * each)
        assert portion(subject, seen_by(name, 64)).images == images
    monkeypatch.setattr(memory, "free_bytes", lambda _: 1)
    assert portion(subject, seen_by(name, 64)) == Portion(1, 1)


def test_free_memory_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = tmp_path / "meminfo"
    monkeypatch.setattr(memory, "_MEMINFO", said)
    assert memory.free_bytes(torch.device("cpu")) == 2 << 30
    said.write_text("MemTotal: 9 kB\nMemAvailable:   5 kB\n")
    assert memory.free_bytes(torch.device("cpu")) == 5 << 10
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (7, 9))
    assert memory.free_bytes(torch.device("cuda")) == 7


def test_what_a_network_computes_is_counted_without_computing_it() -> None:
    # Convolution, norm and tanh of 16 x 8 x 8, 32 x 4 x 4 and 32 x 2 x 2; pooled and flat 512; 3 logits.
    assert memory._bytes_computed(model(), (1, 16, 16)) == 4 * (3 * (1024 + 512 + 128) + 2 * 512 + 3)


@pytest.mark.parametrize("where", DEVICES)
def test_a_method_trains_on_the_device_at_hand(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "device", lambda: torch.device(where))
    constants = DPSGD.constants({**SMALL, "sampling_rate": 1.0})
    mechanism = trainer.SampledGaussian(rate=1.0, clipping_norm=1.0, noise=1.0, steps=1)
    subject = trainer.Trainer(
        hospital(), Task(constants, CLASSES, warm_start()), mechanism, Scripted([np.zeros(20)] * 2)
    )
    batch = subject.draw_batch()
    for once, again in zip(subject.exact_sum(batch), subject.exact_sum(batch), strict=True):
        assert torch.equal(once, again)
        assert once.device.type == where
