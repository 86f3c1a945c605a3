"""The accuracy of dp-sgd's network ``lite2-head`` over rounds and epsilon, with its spread over the noise.

    python tests/benchmarks/dp_sgd_accuracy.py --data labels.csv [--cv] [--seeds 3] [--rounds 1 2 4]

Each run is a study of the csv's sites with the package's own training and averaging, with fresh noise; only
the files in between are left out, for masks cancel to the last bit. The recipe's steps are dealt to the
rounds, so that all studies take as many. Maps of the frozen blocks are computed once. Figures are macro AUC
over the images of the split ``val``; with ``--cv`` of five-fold cross-validation over the patients of
``train``, with the noise of 1.25 times as many patients, by which the recipe was chosen: val is not looked
at. Constants after ``--with`` override those of the recipe; ``--hospitals 10`` deals the patients to ten.

    ... --cv --with '{"learning_rate": 0.2}'
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from probe_accuracy import CLASSES, DELTA, FOLDS, Collection, split_anew

from privxray.imaging.features import GRID
from privxray.learning.constants import DpSgdConstants
from privxray.learning.dp_sgd.dp_sgd_method import DpSgd
from privxray.learning.interface import Drawing, Task
from privxray.learning.metrics import scores
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore

METHOD = DpSgd()


@dataclass(frozen=True)
class Study:
    """What a study is played on.

    :param owners: [N] which hospital's an image is.
    :param train: [N] the images to train on. :param held_out: [N] those to score.
    :param more: how many times as many patients the noise is made for.
    """

    collection: Collection
    owners: NDArray[np.int64]
    train: NDArray[np.bool_]
    held_out: NDArray[np.bool_]
    more: float = 1.0

    def auc(self, model: Any, constants: DpSgdConstants) -> float:
        """Macro AUC on what is held out."""
        inputs, labels = self.collection.features[self.held_out], self.collection.labels[self.held_out]
        found = scores(METHOD.probabilities(model, inputs, constants, CLASSES), labels, CLASSES)
        return float(found["macro_auc"] or 0.0)

    def play(self, constants: DpSgdConstants, rounds: int, epsilon: float) -> tuple[float, float]:
        """Macro AUC of the last global model, and the mean of the hospitals' own in the first round."""
        collection, alone = self.collection, []
        limit = Guarantee(epsilon, DELTA)
        noise = METHOD.plan_noise(constants, limit, rounds_left=rounds, past=()) / self.more
        model = METHOD.starting_model(constants, CLASSES)
        for stage in range(rounds):
            task, vectors = Task(constants, CLASSES, model), []
            for hospital in np.unique(self.owners):
                data = collection.data(self.train & (self.owners == hospital))
                with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                    store = ReleaseStore(Path(folder) / "answers", os.urandom(32))
                    vectors.append(METHOD.train(data, task, Drawing(noise, SecureNoise(), store)))
            if stage == 0:
                alone = [self.auc(METHOD.local_model(vector, task), constants) for vector in vectors]
            summed = {name: sum(vector[name] for vector in vectors) for name in vectors[0]}
            model = METHOD.combine(summed, len(vectors), task)
        return self.auc(model, constants), statistics.mean(alone)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path, help="default: images beside the csv")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0, 3.0, 6.0])
    parser.add_argument("--hospitals", type=int, help="deal patients anew to so many, in equal parts")
    parser.add_argument("--cv", action="store_true")
    parser.add_argument("--with", dest="overrides", type=json.loads, default={})
    options = parser.parse_args()
    c = Collection(options.data, options.images or options.data.parent / "images", GRID)
    fold = np.random.default_rng(0).permutation(c.patients.max() + 1)[c.patients] % FOLDS
    owners = split_anew(c, options.hospitals) if options.hospitals else c.sites
    studies = [Study(c, owners, c.train, ~c.train)]
    if options.cv:
        masks = [(c.train & (fold != k), c.train & (fold == k)) for k in range(FOLDS)]
        studies = [Study(c, owners, train, held_out, 1.25) for train, held_out in masks]
    for epsilon in options.epsilon:
        for rounds in options.rounds:
            recipe = METHOD.new_constants(options.overrides)
            constants = recipe.model_copy(update={"steps": recipe.steps // rounds})
            started = time.process_time()
            runs = [study.play(constants, rounds, epsilon) for study in studies for _ in range(options.seeds)]
            seconds = (time.process_time() - started) / len(runs)
            together, alone = zip(*runs, strict=True)
            spread = statistics.stdev(together) if len(together) > 1 else 0.0
            print(
                f"epsilon {epsilon:g}, {rounds} rounds: together {statistics.mean(together):.4f} "
                f"(sd {spread:.4f}), alone {statistics.mean(alone):.4f}; {len(runs)} studies of "
                f"{seconds:.1f} processor seconds",
                flush=True,
            )


if __name__ == "__main__":
    main()
