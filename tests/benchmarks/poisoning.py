"""How far one malicious hospital moves the linear probe's model, and how many of the others are warned.

    python tests/benchmarks/poisoning.py --data labels.csv [--runs 5]

Training patients are dealt evenly among 3, 5 or 10 hospitals, held-out ones too. One hospital sends, in place
of its vector, what an attack of the literature makes of a head that it trained on its own patients at epsilon
100. It knows its own patients, the constants and the number of hospitals, and no other vector.

``unproven``: a plan without proofs of bounds. The hospital's software is altered, and it sends what the range
of the *sum* lets pass: n times the bounds in each number. ``proven``: it has to prove its bounds
(docs/adr/0156), so it weighs at most ``weight_cap`` and no number of its head is above ``weight_bound``. Each
row is the mean of several runs. "Others warned" is the share of the others whose ``accept`` says that the
model is far worse than their own training (privxray/evaluation/spoilt.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from probe_accuracy import CLASSES, PROBE, Collection, trained

from privxray.evaluation.held_out import Predictions
from privxray.evaluation.spoilt import figures, worse_than_own
from privxray.learning.constants import LinearProbeConstants
from privxray.learning.interface import Task
from privxray.learning.metrics import scores
from privxray.workflow.coordinator.planning.plan_terms import Terms

EPSILON = 6.0
TARGET = 1  # the class that is attacked: bacteria
Vector = dict[str, NDArray[np.float64]]
ATTACKS = ("none", "sign flip", "replacement", "label flip", "a little", "one class")


@dataclass(frozen=True)
class Limits:
    """What the malicious hospital can send: what its counts add up to, and the largest number of n W."""

    weight: float
    top: float


def limits(which: str, constants: LinearProbeConstants, hospitals: int, largest_share: float) -> Limits:
    """``unproven``: n times each number by itself. ``proven``: the counts together, and weights by them."""
    cap, bound = constants.weight_cap, constants.weight_bound
    if which == "proven":
        return Limits(cap, cap * bound)
    return Limits(hospitals * cap / largest_share, hospitals * cap * bound)


def poisoned(
    attack: str, own: Vector, exact: Vector, flipped: Vector, hospitals: int, limit: Limits
) -> Vector:
    """What the malicious hospital sends.

    :param own: its honest vector. :param exact: that of epsilon 100. :param flipped: that of epsilon 100 on
        labels of which the target's are another's.
    """
    top, cap, weight, n = limit.top, limit.weight, own["counts"].sum(), exact["counts"].sum()
    head, centre, shares = exact["weights"] / n, exact["centre"] / n, exact["counts"] / n
    if attack == "none":
        return own
    if attack == "sign flip":  # Xie et al. 2020: the opposite direction, as far as the bounds go
        sent = -head * top / np.abs(head).max()
        return {"weights": sent, "centre": cap * centre, "counts": cap * shares}
    if attack == "replacement":  # Bagdasaryan et al. 2020: cancel what the others send, put another head in
        wanted = np.roll(head, 1, axis=0)
        total = weight * (hospitals - 1) + cap
        sent = total * wanted - weight * (hospitals - 1) * head
        return {"weights": np.clip(sent, -top, top), "centre": cap * centre, "counts": cap * shares}
    if attack == "label flip":  # Tolpegin et al. 2020, at the most weight that one hospital can have
        return {name: value * cap / flipped["counts"].sum() for name, value in flipped.items()}
    if attack == "a little":  # Baruch et al. 2019: 1.5 deviations of an honest head against the direction
        moved = head - 1.5 * np.sign(head) * np.std(own["weights"] / weight - head)
        return {"weights": cap * moved, "centre": cap * centre, "counts": cap * shares}
    sent = cap * head
    sent[TARGET, -1] = -top  # only the bias of one class
    return {"weights": sent, "centre": cap * centre, "counts": cap * shares}


def within(which: str, vector: Vector, constants: LinearProbeConstants, hospitals: int) -> Vector:
    """What gets through: cut to the range of the sum, or to what can be proven."""
    bound = {spec.name: spec.bound for spec in PROBE.manifest(constants, CLASSES)}
    if which == "unproven":
        return {
            name: np.clip(v, -hospitals * bound[name], hospitals * bound[name]) for name, v in vector.items()
        }
    counts = np.maximum(vector["counts"], 0.0)
    counts = counts * min(1.0, constants.weight_cap / counts.sum())
    n, times = counts.sum(), {"weights": constants.weight_bound, "centre": 1.0}
    return {"counts": counts} | {
        name: np.clip(vector[name], -n * most, n * most) for name, most in times.items()
    }


def predicted(model: Mapping[str, NDArray[Any]], data: Any, constants: LinearProbeConstants) -> Predictions:
    return Predictions(
        PROBE.probabilities(model, data.inputs, constants, CLASSES), data.labels, data.patients, CLASSES
    )


def run(collection: Collection, hospitals: int, seed: int) -> dict[tuple[str, str], tuple[float, ...]]:
    """By bounds and attack: macro AUC, recall of the target, share of the others that are warned."""
    rng = np.random.default_rng(seed)
    patients = rng.permutation(collection.patients.max() + 1)
    place = np.empty_like(patients)
    place[patients] = np.arange(len(patients)) % hospitals
    mine = [place[collection.patients] == number for number in range(hospitals)]
    data = [collection.data(one & collection.train) for one in mine]
    held = [collection.data(one & ~collection.train) for one in mine]
    everybody = collection.data(~collection.train)
    constants = Terms(epsilon=EPSILON).resolved(1000)[1]
    assert isinstance(constants, LinearProbeConstants)
    task = Task(constants, CLASSES, {})
    free = Task(constants.model_copy(update={"weight_cap": 65536.0, "weight_bound": 64.0}), CLASSES, {})
    vectors = [trained(one, task, EPSILON, 1.0) for one in data]
    exact = trained(data[0], free, 100.0, 1.0)
    labels = np.where(data[0].labels == TARGET, 2, data[0].labels)
    flipped = trained(type(data[0])(data[0].inputs, labels, data[0].patients), free, 100.0, 1.0)
    found = {}
    for which in ("unproven", "proven"):
        limit = limits(which, constants, hospitals, float(exact["counts"].max() / exact["counts"].sum()))
        for attack in ATTACKS:
            bad = poisoned(attack, vectors[0], exact, flipped, hospitals, limit)
            sent = [within(which, bad, constants, hospitals), *vectors[1:]]
            model = PROBE.combine({n: sum(one[n] for one in sent) for n in sent[0]}, hospitals, task)
            seen = predicted(model, everybody, constants)
            right = seen.probabilities.argmax(axis=1) == seen.labels
            warned = []
            for vector, patients_ in zip(vectors[1:], held[1:], strict=True):
                own = predicted(PROBE.local_model(vector, task), patients_, constants)
                alarms = list(worse_than_own(predicted(model, patients_, constants), figures(own)))
                warned.append(bool(alarms))
            area = scores(seen.probabilities, seen.labels, CLASSES)["macro_auc"]
            found[which, attack] = (float(area or 0), right[seen.labels == TARGET].mean(), np.mean(warned))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    collection = Collection(chosen.data, chosen.images or chosen.data.parent / "images")
    print("| hospitals | bounds | attack | macro AUC | recall of bacteria | others warned |")
    print("| --- | --- | --- | --- | --- | --- |")
    for hospitals in (3, 5, 10):
        runs = [run(collection, hospitals, seed) for seed in range(chosen.runs)]
        for which, attack in runs[0]:
            area, recall, warned = np.mean([one[which, attack] for one in runs], axis=0)
            row = f"| {hospitals} | {which} | {attack} | {area:.3f} | {recall:.2f} | {warned:.0%} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
