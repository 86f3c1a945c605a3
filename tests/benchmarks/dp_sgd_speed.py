"""How fast dp-sgd trains: images a second, and what a step costs besides, for each network.

    python tests/benchmarks/dp_sgd_speed.py [--images 32] [--size 224] [--networks small-cnn resnet18]

Made-up images of one patient each, all of them in every step. A step without any image is the noise, the sum
and the update of all parameters; the rest of a full step is gradients, clipping and summing. Beside it,
forward and backward passes alone. Last, a step of the linear probe on 1,500 images, with its closed-form clip
and without.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from privxray.learning.constants import DpSgdConstants, LinearProbeConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.networks import as_input, device, initial_weights
from privxray.learning.dp_sgd.networks import network as build
from privxray.learning.dp_sgd.trainer import Trainer
from privxray.learning.interface import Task, softmax
from privxray.learning.linear_probe.probe_queries import gradient_query, probe_inputs
from privxray.privacy.clipping import row_norms
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import SecureNoise


class Sampled(SecureNoise):
    """The secure source, but everybody or nobody is in a step."""

    everybody = True

    def uniform(self, size: int) -> np.ndarray:
        return np.full(size, 0.0 if self.everybody else 1.0)


def seconds(work: Callable[[], None], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def measured(network: str, images: int, size: int, repeats: int) -> dict[str, object]:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (images, size, size), np.uint8)
    data = TrainingData(pixels, rng.integers(0, 3, images), np.arange(images))
    constants = DpSgdConstants(network=network, image_size=size, sampling_rate=0.5)
    source = Sampled()
    mechanism = SampledGaussian(rate=0.5, clipping_norm=1.0, noise=1.0, steps=1)
    trainer = Trainer(data, Task(constants, ("a", "b", "c"), initial_weights(network, 3)), mechanism, source)
    trainer.step()
    bare = build(network, initial_weights(network, 3), 3).to(device())
    inputs, labels = as_input(pixels).to(device()), torch.from_numpy(data.labels).to(device())

    def without_privacy() -> None:
        for part in range(0, images, trainer._limit):
            chosen = slice(part, part + trainer._limit)
            torch.nn.functional.cross_entropy(bare(inputs[chosen]), labels[chosen]).backward()

    # In turns, so that whatever else runs on the machine meets both alike.
    turns = []
    for _ in range(repeats):
        source.everybody = True
        full = seconds(trainer.step, 1)
        source.everybody = False
        turns.append((full, seconds(trainer.step, 1), seconds(without_privacy, 1)))
    full, empty, plain = (statistics.median(side) for side in zip(*turns, strict=True))
    return {
        "network": network,
        "size": size,
        "device": trainer._device.type,
        "threads": torch.get_num_threads(),
        "parameters": sum(w.size for w in trainer.weights().values()),
        "chunk": trainer._limit,
        "seconds_empty_step": round(empty, 3),
        "images_a_second": round(images / (full - empty), 1),
        "images_a_second_without_privacy": round(images / plain, 1),
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
    pairs = [(seconds(plain, 1), seconds(clipped, 1)) for _ in range(repeats)]
    taken = [round(1000 * statistics.median(side), 2) for side in zip(*pairs, strict=True)]
    return {"network": "linear-probe", "ms_plain_step": taken[0], "ms_clipped_step": taken[1]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=["small-cnn", "resnet18"])
    options = parser.parse_args()
    rows = [measured(name, options.images, options.size, options.repeats) for name in options.networks]
    rows.append(probe())
    json.dump(rows, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
