"""How far the figures of a federated evaluation are off on real radiographs, at the sizes of real hospitals.

    python tests/benchmarks/federated_evaluation_cxr.py --data labels.csv [--repeats 200]

The sites of the csv (columns image, patient, label, site, split) are the hospitals. Each holds out a share of
its patients, all train on the rest at epsilon 6, and the model's scores of held-out patients are counted by
the package's own functions: a patient's mean score, in the plan's histograms, with each hospital's noise from
the package's source, added up. Only the files in between are left out. A line is a figure of one evaluation,
repeated with fresh noise:

- *pooled*: from all hospitals' scores together, without bins and noise; *bins*: how far bins alone move it;
- *shown*: how often. Of those that are shown: *error* (root of the mean square) and *width* (median);
- *noise*: how often an AUC's interval for its noise alone holds the value of the bins; 95 in 100 where right;
- *holds*: of those that are shown, how often the interval holds the pooled value. It has room for the chance
  of other patients as well, which there are none of here, so this may be more than 95 in 100;
- *others*: likewise, where in each repetition the patients are drawn anew from these, with replacement. Here
  the interval has to hold everything that it promises to: 95 in 100 where right;
- *wrong*: of these repetitions, how often a figure was shown and did not hold the pooled value.

Nothing of the images is kept or printed. The noise can't be seeded, so figures differ a little between runs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from probe_accuracy import CLASSES, DELTA, PROBE, Collection, trained

from privxray.evaluation.noisy_histograms import (
    BINS,
    Area,
    ClassFigures,
    Measured,
    figures_of_class,
    mean_auc,
)
from privxray.learning.interface import Task
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import SecureNoise
from privxray.workflow.common.study_cost import answer_deviation, answer_noise
from privxray.workflow.hospital.counting.evaluate_together import score_counts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EDGES = [[number / BINS for number in range(1, BINS)]] * len(CLASSES)
EPSILONS = (0.5, 1.0, 2.0, 4.0)
Z = 1.959964


@dataclass(frozen=True)
class Scored:
    """Held-out patients of all hospitals. :ivar scores: [P, K]. :ivar labels: [P]. :ivar sites: [P]."""

    scores: Floats
    labels: Ints
    sites: Ints

    def drawn(self, rng: np.random.Generator) -> Scored:
        """As many patients, drawn from these with replacement."""
        chosen = rng.integers(len(self.labels), size=len(self.labels))
        return Scored(self.scores[chosen], self.labels[chosen], self.sites[chosen])

    def histograms(self) -> list[Floats]:
        """Each hospital's own, without noise."""
        return [
            score_counts(self.scores[self.sites == site], self.labels[self.sites == site], EDGES)
            for site in np.unique(self.sites)
        ]


def held_out(c: Collection, share: float | None) -> NDArray[np.bool_]:
    """[N] which images are held out: a share of each site's patients, or the csv's own split."""
    if share is None:
        return ~c.train
    rng = np.random.default_rng(27)
    chosen: set[int] = set()
    for site in np.unique(c.sites):
        own = np.unique(c.patients[c.sites == site])
        chosen.update(rng.choice(own, round(share * len(own)), replace=False).tolist())
    return np.isin(c.patients, list(chosen))


def scored(c: Collection, rest: NDArray[np.bool_]) -> Scored:
    """The scores of held-out patients by a model that all sites have trained at epsilon 6."""
    task = Task(PROBE.constants(PROBE.recipe), CLASSES, {})
    vectors = [trained(c.data(~rest & (c.sites == site)), task, 6.0, 1.0) for site in np.unique(c.sites)]
    summed = {name: sum(vector[name] for vector in vectors) for name in vectors[0]}
    model = PROBE.combine(summed, len(vectors), task)
    found = PROBE.probabilities(model, c.features[rest], task.constants, CLASSES)
    patients = np.unique(c.patients[rest], return_inverse=True)[1]
    images = np.bincount(patients)
    means = np.stack([np.bincount(patients, weights=column) for column in found.T], axis=1) / images[:, None]
    labels = np.zeros((len(images), len(CLASSES)), np.int64)
    np.add.at(labels, (patients, c.labels[rest]), 1)
    first = np.unique(patients, return_index=True)[1]
    return Scored(means, labels.argmax(axis=1), c.sites[rest][first])


def area(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The AUC; two equal scores count as a half."""
    above = scores[positive][:, None] - scores[~positive][None]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def sensitive(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The sensitivity at the specificity of the figures."""
    return float((scores[positive] > np.quantile(scores[~positive], 0.9)).mean())


def counted(parts: Sequence[Floats], deviation: float) -> Floats:
    """The hospitals' histograms, each with its own noise, added up."""
    return np.sum([part + SecureNoise().gaussian(part.shape, deviation) for part in parts], axis=0)


def figures(parts: Sequence[Floats], deviation: float) -> list[ClassFigures]:
    """What the coordinator computes of the sum."""
    summed, std = counted(parts, deviation), deviation * len(parts) ** 0.5
    return [
        figures_of_class(label, table, inner, std)
        for label, table, inner in zip(CLASSES, summed, EDGES, strict=True)
    ]


Drawn = list[Measured | None]
"""A figure of each repetition; None where there were too few patients for the noise."""


def share(found: Sequence[bool]) -> float | None:
    return round(statistics.mean(found), 3) if found else None


def held(one: Measured, true: float) -> bool:
    return one.low <= true <= one.high


def row(drawn: Drawn, anew: Drawn, true: float, binned: float) -> dict:
    """What one line says.

    :param drawn: of the same patients with fresh noise. :param anew: of patients drawn anew.
    """
    seen = [one for one in drawn if one and one.is_shown]
    told = {"pooled": round(true, 4), "bins": round(binned - true, 4)}
    told["shown"] = round(len(seen) / len(drawn), 3)
    told["noise"] = share(
        [abs(one.value - binned) <= Z * one.noise for one in drawn if isinstance(one, Area)]
    )
    if seen:
        told["error"] = round(float(np.sqrt(np.mean([(one.value - true) ** 2 for one in seen]))), 4)
        told["width"] = round(statistics.median(one.high - one.low for one in seen), 4)
    told["holds"] = share([held(one, true) for one in seen])
    others = [held(one, true) for one in anew if one and one.is_shown]
    return told | {"others": share(others), "wrong": round((len(others) - sum(others)) / len(anew), 3)}


def rows(patients: Scored, epsilon: float, repeats: int) -> Iterator[dict]:
    """The lines of one evaluation: AUC and sensitivity of each class, and the mean AUC."""
    rng = np.random.default_rng(27)
    noise = answer_deviation(answer_noise(Guarantee(epsilon, DELTA)), "evaluate", len(CLASSES))
    parts = patients.histograms()
    same = [figures(parts, noise) for _ in range(repeats)]
    anew = [figures(patients.drawn(rng).histograms(), noise) for _ in range(repeats)]
    exact = [
        figures_of_class(label, table, inner, 0.0)
        for label, table, inner in zip(CLASSES, sum(parts), EDGES, strict=True)
    ]
    areas = []
    for number, label in enumerate(CLASSES):
        own = patients.labels == number
        areas.append(area(patients.scores[:, number], own))
        auc, at = exact[number].auc, exact[number].sensitivity
        assert auc is not None
        assert at is not None
        for what, true, binned in (
            ("auc", areas[-1], auc.value),
            ("sensitivity", sensitive(patients.scores[:, number], own), at.value),
        ):
            drawn, others = ([getattr(one[number], what) for one in runs] for runs in (same, anew))
            yield {"of": f"{what} {label}"} | row(drawn, others, true, binned)
    mean = mean_auc(exact)
    assert mean is not None
    means = [*map(mean_auc, same)], [*map(mean_auc, anew)]
    yield {"of": "auc mean"} | row(*means, statistics.mean(areas), mean.value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path, help="default: images beside the csv")
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    c = Collection(options.data, options.images or options.data.parent / "images")
    for part in (None, 0.2, 0.5):
        patients = scored(c, held_out(c, part))
        by_class = dict(zip(CLASSES, np.bincount(patients.labels).tolist(), strict=True))
        for epsilon in EPSILONS:
            for line in rows(patients, epsilon, options.repeats):
                print(json.dumps({"patients": len(patients.labels), **by_class, "epsilon": epsilon} | line))
                sys.stdout.flush()


if __name__ == "__main__":
    main()
