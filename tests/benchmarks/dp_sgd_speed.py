"""How fast dp-sgd trains: images a second, and what a step costs besides, for each network.

    python tests/benchmarks/dp_sgd_speed.py [--images 32] [--size 224] [--networks resnet18] [--peers]

Made-up images of one patient each (for ``lite2-head`` made-up maps), all of them in every step. A step
without any image is the noise, the sum and the update of all parameters; the rest of a full step is
gradients, clipping and summing. Beside it,
forward and backward passes alone; with ``--peers``, Opacus's per-sample hooks with flat clipping and its
ghost clipping, too, on the same images in batches of the same size. All are measured in turns within one run,
so that whatever else runs on the machine meets them alike; the figures to compare are the ratios of a turn,
of which the median is told. On a busy machine ``--threads 1 --processor-time`` counts what is computed and
not what is waited for. Without ``--peers``, last, a step of the linear probe on 1,500 images, with its
closed-form clip and without.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from privxray.learning.constants import DpSgdConstants, LinearProbeConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.network_inputs import MapInputs, inputs_of
from privxray.learning.dp_sgd.networks import device, initial_weights
from privxray.learning.dp_sgd.networks import network as build
from privxray.learning.dp_sgd.trainer import Trainer
from privxray.learning.interface import Task, softmax
from privxray.learning.linear_probe.probe_queries import gradient_query, probe_inputs
from privxray.privacy.clipping import row_norms
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import SecureNoise

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opacus.grad_sample import GradSampleModule
    from opacus.grad_sample.grad_sample_module_fast_gradient_clipping import (
        GradSampleModuleFastGradientClipping,
    )
    from opacus.optimizers import DPOptimizer
    from opacus.optimizers.optimizer_fast_gradient_clipping import DPOptimizerFastGradientClipping
    from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping


class Sampled(SecureNoise):
    """The secure source, but everybody or nobody is in a step."""

    everybody = True

    def uniform(self, size: int) -> np.ndarray:
        return np.full(size, 0.0 if self.everybody else 1.0)


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def seconds(work: Callable[[], None], clock: str) -> float:
    finished()
    started = CLOCKS[clock]()
    work()
    finished()
    return CLOCKS[clock]() - started


@dataclass(frozen=True)
class Case:
    """What is measured: N images of one patient each, and how many of them are seen at once."""

    network: str
    inputs: torch.Tensor
    labels: torch.Tensor
    at_once: int

    def model(self) -> torch.nn.Module:
        """The network with its starting weights, on the device."""
        return build(self.network, initial_weights(self.network, 3), 3).to(device())

    def parts(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The batches of one pass over all images."""
        yield from zip(
            torch.split(self.inputs, self.at_once), torch.split(self.labels, self.at_once), strict=True
        )


def without_privacy(case: Case) -> Callable[[], None]:
    bare = case.model()

    def work() -> None:
        for images, labels in case.parts():
            cross_entropy(bare(images), labels).backward()

    return work


def opacus_hooks(case: Case) -> Callable[[], None]:
    """Per-sample gradients, flat clipping and summing, as Opacus's DPOptimizer does them."""
    hooked = GradSampleModule(case.model(), loss_reduction="sum")
    optimizer = DPOptimizer(
        torch.optim.SGD(hooked.parameters(), lr=0.0),
        noise_multiplier=0.0,
        max_grad_norm=1.0,
        expected_batch_size=1,
        loss_reduction="sum",
    )

    def work() -> None:
        for images, labels in case.parts():
            cross_entropy(hooked(images), labels, reduction="sum").backward()
            optimizer.clip_and_accumulate()
            for parameter in optimizer.params:
                parameter.grad = parameter.grad_sample = None
        optimizer.zero_grad()

    return work


def opacus_ghost(case: Case) -> Callable[[], None]:
    """Ghost clipping: norms without gradients, then a second backward pass over the weighted losses."""
    hooked = GradSampleModuleFastGradientClipping(case.model(), max_grad_norm=1.0, loss_reduction="sum")
    optimizer = DPOptimizerFastGradientClipping(
        torch.optim.SGD(hooked.parameters(), lr=0.0),
        noise_multiplier=0.0,
        max_grad_norm=1.0,
        expected_batch_size=1,
        loss_reduction="sum",
    )
    criterion = torch.nn.CrossEntropyLoss(reduction="sum")
    loss_of = DPLossFastGradientClipping(hooked, optimizer, criterion, loss_reduction="sum")

    def work() -> None:
        for images, labels in case.parts():
            loss_of(hooked(images), labels).backward()
            optimizer.accumulate()
            for parameter in optimizer.params:
                parameter.grad = None
        optimizer.zero_grad()

    return work


PEERS = {"plain": without_privacy, "opacus_hooks": opacus_hooks, "opacus_ghost": opacus_ghost}


def finished() -> None:
    """Wait for a GPU, whose work goes on when a call has returned."""
    if device().type == "cuda":
        torch.cuda.synchronize()


def measured(network: str, options: argparse.Namespace, peers: list[str]) -> dict[str, object]:
    images, size = options.images, options.size
    rng = np.random.default_rng(1)
    constants = DpSgdConstants(network=network, image_size=size, sampling_rate=0.5)
    form = inputs_of(constants)
    if isinstance(form, MapInputs):
        inputs = rng.standard_normal((images, form.numbers)).astype(np.float32)
    else:
        inputs = rng.integers(0, 256, (images, size, size), np.uint8)
    data = TrainingData(inputs, rng.integers(0, 3, images), np.arange(images))
    source = Sampled()
    mechanism = SampledGaussian(rate=0.5, clipping_norm=1.0, noise=1.0, steps=1)
    trainer = Trainer(data, Task(constants, ("a", "b", "c"), initial_weights(network, 3)), mechanism, source)
    at_once = trainer._portion.images
    seen = form.for_prediction(inputs)[0]
    case = Case(network, seen.to(device()), torch.from_numpy(data.labels).to(device()), at_once)

    def full() -> None:
        source.everybody = True
        trainer.step()

    def empty() -> None:
        source.everybody = False
        trainer.step()

    sides = {"full": full, "empty": empty} | {name: PEERS[name](case) for name in peers}
    for work in sides.values():
        work()  # once, to warm up
    turns = [
        {name: seconds(work, options.clock) for name, work in sides.items()} for _ in range(options.repeats)
    ]
    rates = [
        {name: images / taken for name, taken in turn.items() if name in peers}
        | {"privxray": images / (turn["full"] - turn["empty"])}
        for turn in turns
    ]

    def median(values: Iterable[float]) -> float:
        return float(f"{statistics.median(values):.3g}")

    return {
        "network": network,
        "size": size,
        "device": torch.cuda.get_device_name() if device().type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "parameters": sum(w.size for w in trainer.weights().values()),
        "at_once": at_once,
        "repeats": options.repeats,
        "clock": options.clock,
        "seconds_empty_step": median(turn["empty"] for turn in turns),
        "images_a_second": {name: median(rate[name] for rate in rates) for name in rates[0]},
        "privxray_over": {name: median(rate["privxray"] / rate[name] for rate in rates) for name in peers},
    }


def probe(images: int = 1500, repeats: int = 100) -> dict[str, object]:
    rng = np.random.default_rng(1)
    constants = LinearProbeConstants()
    features = np.abs(rng.standard_normal((images, constants.feature_dim))).astype(np.float32)
    x = probe_inputs(features, np.full(constants.feature_dim, 0.02), constants)
    labels, patients = np.eye(3)[rng.integers(0, 3, images)], np.arange(images) * 2 // 3
    weights, lengths = rng.standard_normal((3, constants.feature_dim + 1)) * 0.1, row_norms(x)

    def plain() -> None:
        (labels - softmax(x @ weights.T)).T @ x

    def clipped() -> None:
        gradient_query(weights, x, labels, patients, constants, lengths)

    # In turns, so that whatever else runs on the machine meets both alike.
    pairs = [(seconds(plain, "wall"), seconds(clipped, "wall")) for _ in range(repeats)]
    taken = [round(1000 * statistics.median(side), 2) for side in zip(*pairs, strict=True)]
    return {"network": "linear-probe", "ms_plain_step": taken[0], "ms_clipped_step": taken[1]}


def main() -> None:
    warnings.filterwarnings("ignore", message="Full backward hook is firing")
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=["small-cnn", "resnet18"])
    parser.add_argument("--threads", type=int, help="of torch; the system's default without it")
    parser.add_argument(
        "--processor-time", dest="clock", action="store_const", const="processor", default="wall"
    )
    parser.add_argument("--peers", action="store_true", help="measure Opacus, too")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    peers = list(PEERS) if options.peers else ["plain"]
    rows = [measured(name, options, peers) for name in options.networks]
    if not options.peers:
        rows.append(probe())
    json.dump(rows, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
