"""The linear probe's accuracy over epsilon, hospitals and steps, with its spread over the noise.

    python tests/benchmarks/probe_accuracy.py --data labels.csv [--picture docs/probe_accuracy.svg]

Each run is a study with the package's own training and averaging, with fresh noise; only the files in between
are left out, for masks cancel to the last bit (the fixed point has 32 bits after the point). Features are
computed once. Figures are macro AUC over patients' images of the split ``val``; ``cv`` is five-fold over
training patients, with the noise of 1.25 times as many patients, by which recipes are chosen. The picture
needs nothing but matplotlib and shows no radiograph.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.imaging.decode import decode_path
from privxray.imaging.features import MAPS, Extractor
from privxray.imaging.labels import read_labels
from privxray.learning.data import TrainingData
from privxray.learning.interface import Drawing, Task
from privxray.learning.linear_probe.linear_probe_method import LinearProbe
from privxray.learning.metrics import scores
from privxray.learning.reference import pooled_reference
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore

CLASSES = ("normal", "bacteria", "virus")
PROBE = LinearProbe()
DELTA = 1e-5
FOLDS = 5


class Collection:
    """All images of the csv as features, with what is said of each."""

    def __init__(self, labels: Path, images: Path, extractor_name: str = MAPS) -> None:
        rows = read_labels(labels, images, CLASSES)
        extractor, parts = Extractor(extractor_name), []
        for at in range(0, len(rows), 64):
            paths = [images / row.relative for row in rows[at : at + 64]]
            parts.append(extractor(np.stack([decode_path(path, "an image") for path in paths])))
        self.features = np.concatenate(parts)
        self.labels = np.array([CLASSES.index(row.label) for row in rows])
        self.patients = np.unique(
            [row.patient.reveal() if row.patient else "" for row in rows], return_inverse=True
        )[1]
        self.sites = np.unique([str(row.site) for row in rows], return_inverse=True)[1]
        self.train = np.array([row.split == "train" for row in rows])

    def data(self, chosen: NDArray[np.bool_]) -> TrainingData:
        numbers = np.unique(self.patients[chosen], return_inverse=True)[1]
        return TrainingData(self.features[chosen], self.labels[chosen], numbers)

    def auc(self, model: Any, task: Task, chosen: NDArray[np.bool_]) -> float:
        p = PROBE.probabilities(model, self.features[chosen], task.constants, CLASSES)
        return float(scores(p, self.labels[chosen], CLASSES)["macro_auc"] or 0.0)


def trained(data: TrainingData, task: Task, epsilon: float, more_mu: float) -> dict[str, NDArray[Any]]:
    noise = PROBE.plan_noise(task.constants, Guarantee(epsilon, DELTA), rounds_left=1, past=[]) / more_mu
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        store = ReleaseStore(Path(folder) / "answers", os.urandom(32))
        return PROBE.train(data, task, Drawing(noise, SecureNoise(), store))


def study(
    c: Collection, owners: NDArray[np.int64], masks: tuple[NDArray, NDArray], epsilon: float, **terms: Any
) -> tuple[float, float]:
    """Macro AUC of the global model, and the mean of the hospitals' own."""
    train, held_out = masks
    more_mu = terms.pop("more_mu", 1.0)
    task = Task(PROBE.constants({**PROBE.recipe, **terms}), CLASSES, {})
    vectors = [
        trained(c.data(train & (owners == site)), task, epsilon, more_mu) for site in np.unique(owners[train])
    ]
    summed = {name: sum(vector[name] for vector in vectors) for name in vectors[0]}
    together = c.auc(PROBE.combine(summed, len(vectors), task), task, held_out)
    alone = statistics.mean(c.auc(PROBE.local_model(vector, task), task, held_out) for vector in vectors)
    return together, alone


def told(name: str, runs: list[tuple[float, float]]) -> tuple[float, float]:
    together, alone = zip(*runs, strict=True)
    mean, spread = statistics.mean(together), statistics.stdev(together)
    print(f"{name:24} together {mean:.4f} (sd {spread:.4f})  alone {statistics.mean(alone):.4f}", flush=True)
    return mean, spread


def split_anew(c: Collection, hospitals: int) -> NDArray[np.int64]:
    """Training patients dealt to so many hospitals of equal size."""
    dealt = np.random.default_rng(hospitals).permutation(c.patients.max() + 1) % hospitals
    return dealt[c.patients]


def picture(path: Path, points: dict[float, tuple[float, float]], reference: float) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(figsize=(6, 3.6))
    epsilons = list(points)
    means, spreads = zip(*points.values(), strict=True)
    axes.errorbar(epsilons, means, yerr=spreads, marker="o", capsize=3, label="three hospitals, mean and sd")
    axes.axhline(reference, linestyle="--", color="0.4", label="pooled, without privacy")
    axes.set_xscale("log")
    axes.set_xticks(epsilons, [f"{value:g}" for value in epsilons])
    axes.minorticks_off()
    axes.set_xlabel(f"epsilon per patient, delta {DELTA:g}")
    axes.set_ylabel("macro AUC, held-out patients")
    axes.legend(loc="lower right")
    fig.tight_layout()
    fig.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path, help="default: images beside the csv")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--cv", action="store_true", help="cross-validation only; val is not looked at")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    c = Collection(options.data, options.images or options.data.parent / "images")
    train, val = c.train, ~c.train
    fold = np.random.default_rng(0).permutation(c.patients.max() + 1)[c.patients] % FOLDS
    for epsilon in (1.0, 6.0):
        told(
            f"cv, epsilon {epsilon:g}",
            [
                study(c, c.sites, (train & (fold != k), train & (fold == k)), epsilon, more_mu=1.25)
                for k in range(FOLDS)
                for _ in range(max(options.seeds // FOLDS, 1))
            ],
        )
    if options.cv:
        return
    runs = range(options.seeds)
    points = {
        epsilon: told(f"epsilon {epsilon:g}", [study(c, c.sites, (train, val), epsilon) for _ in runs])
        for epsilon in (0.5, 1.0, 3.0, 6.0, 10.0)
    }
    for hospitals in (3, 10, 30):
        owners = split_anew(c, hospitals)
        for epsilon in (1.0, 6.0):
            name = f"{hospitals} hospitals, epsilon {epsilon:g}"
            told(name, [study(c, owners, (train, val), epsilon) for _ in runs])
    for steps in (10, 20, 80):
        told(f"{steps} steps, epsilon 6", [study(c, c.sites, (train, val), 6.0, steps=steps) for _ in runs])
    p = pooled_reference(c.data(train), c.features[val], len(CLASSES))
    reference = float(scores(p, c.labels[val], CLASSES)["macro_auc"] or 0.0)
    print(f"pooled, without privacy  {reference:.4f}")
    if options.picture:
        picture(options.picture, points, reference)


if __name__ == "__main__":
    main()
