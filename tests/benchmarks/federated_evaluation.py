"""How far the figures of a federated evaluation are off, by patients, epsilon and bins.

    python tests/benchmarks/federated_evaluation.py [--repeats 400] [--hospitals 3] [--choose]

Patients are made up: three classes in the shares of the chest X-rays of children (27, 47 and 26 %), logits
from normal distributions that are ``shift`` apart, and the softmax of these. Each repetition draws
patients, makes their histograms as hospitals do, adds the noise of all hospitals, and computes the figures
as a coordinator does. Their noise is numpy's: nobody is protected here.

By default one row for each number of patients and epsilon, with the bins that plans have. ``--choose``
compares numbers of bins and kinds of edges: equal in the score, equal in its logit, or equal in rank.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.evaluation.noisy_histograms import BINS, ClassFigures, auc, figures_of_class
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.study_cost import answer_noise
from privxray.workflow.hospital.counting.evaluate_together import score_counts

Floats = NDArray[np.float64]

SHARES = (0.27, 0.47, 0.26)
SCALE = 1.2
DELTA = 1e-5
MANY = 100_000
PATIENTS = (580, 1_000, 2_000, 4_000, 6_000, 10_000)
EPSILONS = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Setting:
    """What is varied."""

    patients: int
    epsilon: float
    edges: Sequence[float]
    hospitals: int
    shift: float


def patients(rng: np.random.Generator, number: int, shift: float) -> tuple[Floats, NDArray[np.int64]]:
    """Scores [P, K] and classes [P]."""
    labels = rng.choice(len(SHARES), number, p=SHARES)
    logits = rng.normal(0, 1, (number, len(SHARES)))
    logits[np.arange(number), labels] += shift
    found = np.exp(SCALE * logits)
    return found / found.sum(axis=1, keepdims=True), labels


def area(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The AUC of scores without ties."""
    ranks = scores.argsort().argsort() + 1
    own, rest = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - own * (own + 1) / 2) / (own * rest))


def edges(kind: str, bins: int, shift: float) -> list[float]:
    """The inner edges of bins that are equal in the score, its logit, or rank."""
    inner = np.arange(1, bins) / bins
    if kind == "score":
        return list(inner)
    if kind == "logit":
        return list(1 / (1 + np.exp(np.log(2.0) - 2.5 * np.linspace(-1, 1, bins - 1))))
    scores, _ = patients(np.random.default_rng(7), MANY, shift)
    return list(np.quantile(scores[:, 0], inner))


def measure(setting: Setting, repeats: int) -> dict[str, object]:
    """One row of the table, for the first class against the rest."""
    rng = np.random.default_rng(20261128)
    std = answer_noise(Guarantee(setting.epsilon, DELTA)) * len(SHARES) ** 0.5 * setting.hospitals**0.5
    scores, labels = patients(rng, MANY, setting.shift)
    true_auc = area(scores[:, 0], labels == 0)
    threshold = np.quantile(scores[labels != 0, 0], 0.9)
    true_sensitivity = float((scores[labels == 0, 0] > threshold).mean())
    found: list[tuple[ClassFigures, float, float]] = []
    shown = 0
    for _ in range(repeats):
        scores, labels = patients(rng, setting.patients, setting.shift)
        exact = score_counts(scores, labels, [setting.edges] * len(SHARES))[0]
        one = figures_of_class("x", exact + rng.normal(0, std, exact.shape), setting.edges, std)
        if one.auc is not None:
            shown += one.auc.is_shown
            pooled = area(scores[:, 0], labels == 0)
            found.append((one, pooled, auc(exact, 0.0).value - pooled))
    row: dict[str, object] = {"patients": setting.patients, "epsilon": setting.epsilon, "std": round(std, 1)}
    row |= {"usable": round(len(found) / repeats, 2), "shown": round(shown / repeats, 2)}
    if len(found) < repeats / 4:
        return row
    errors = [one.auc.value - pooled for one, pooled, _ in found if one.auc]
    widths = [one.auc.high - one.auc.low for one, *_ in found if one.auc]
    covers = [one.auc.low <= true_auc <= one.auc.high for one, *_ in found if one.auc]
    at = [one.sensitivity for one, *_ in found if one.sensitivity]
    return row | {
        "auc": round(true_auc, 3),
        "error": round(float(np.std(errors)), 3),
        "by bins": round(float(np.mean([bias for *_, bias in found])), 3),
        "width": round(float(np.median(widths)), 3),
        "covers": round(float(np.mean(covers)), 3),
        "sensitivity width": round(float(np.median([one.high - one.low for one in at])), 3),
        "sensitivity covers": round(float(np.mean([s.low <= true_sensitivity <= s.high for s in at])), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--hospitals", type=int, default=3)
    parser.add_argument("--shift", type=float, default=1.5)
    parser.add_argument("--choose", action="store_true")
    args = parser.parse_args()
    if args.choose:
        for kind in ("score", "logit", "rank"):
            for bins in (4, 6, 8, 12, 16):
                places = edges(kind, bins, args.shift)
                row = measure(Setting(2_000, 1.0, places, args.hospitals, args.shift), args.repeats)
                print(json.dumps({"edges": kind, "bins": bins} | row))
        return
    for number in PATIENTS:
        for epsilon in EPSILONS:
            places = edges("score", BINS, args.shift)
            row = measure(Setting(number, epsilon, places, args.hospitals, args.shift), args.repeats)
            print(json.dumps(row))


if __name__ == "__main__":
    sys.exit(main())
