"""Section 13 of docs/SPEC.md against the methods: its tables of constants, the starts, and the linear probe
computed again from the text.
"""

from __future__ import annotations

import hashlib
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forged_files import refused
from torch.nn import functional

from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.dp_sgd_method import RECIPE as DP_RECIPE
from privxray.learning.dp_sgd.networks import initial_weights, shapes
from privxray.learning.interface import Drawing, Task
from privxray.learning.linear_probe.linear_probe_method import RECIPE as PROBE_RECIPE
from privxray.learning.linear_probe.linear_probe_method import LinearProbe
from privxray.learning.methods import get
from privxray.privacy.releases import ReleaseStore

PAGE = (Path(__file__).parents[2] / "docs" / "SPEC.md").read_text("utf-8")


def rows(method: str) -> dict[str, list[str]]:
    """The table of a method's constants: by name, the cells after it."""
    part = PAGE.partition(f"`{method}`\n")[2].partition("**Manifest**")[0]
    found = re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", part, re.M)
    return {name: [cell.strip(" `") for cell in rest.split("|")] for name, rest in found}


def value(cell: str) -> Any:
    if cell == "0.8 sqrt(1.25)":
        return 0.8 * math.sqrt(1.25)
    if cell in ("true", "false"):
        return cell == "true"
    text = cell.replace(",", "")
    return float(text) if re.fullmatch(r"[0-9.]+", text) else cell


@pytest.mark.parametrize(("name", "recipe"), [("linear-probe", PROBE_RECIPE), ("dp-sgd", DP_RECIPE)])
def test_the_tables_have_every_constant_with_its_default(name: str, recipe: dict[str, Any]) -> None:
    method, told = get(name), rows(name)
    defaults = method.constants({}).model_dump(mode="json")
    assert set(told) == set(defaults) - {"n_max"}
    assert {one: value(told[one][1]) for one in told} == {one: defaults[one] for one in told}
    new = {one: value(cells[2]) for one, cells in told.items() if cells[2] and cells[2] != "by size"}
    assert new == dict(recipe)


def edges(told: str) -> tuple[list[Any], list[Any]]:
    """Values at the ends of a range, as the table writes it, and others just beyond them."""
    plain = told.replace(",", "").replace("10^9", "1e9")
    if plain == "boolean":
        return [True, False], ["perhaps"]
    if "`" in told or not re.search(r"\d|positive", plain):
        return [one.strip(" `") for one in told.split(",")], ["another"]
    if plain == "positive":
        return [1e-9, 1e6], [0.9e-9, 1.1e6]
    low, high = map(float, re.findall(r"[0-9][0-9.e-]*", plain)[:2])
    if "integer" in plain or "multiple" in plain:
        step = 8 if "multiple" in plain else 1
        return [int(low), int(high)], [int(low) - step, int(high) + step]
    good, bad = [(low + high) / 2], [low - 0.001, high * 1.001]
    (bad if "(" in plain else good).append(low)
    (bad if plain.endswith(")") else good).append(high)
    return good, bad


@pytest.mark.parametrize("name", ["linear-probe", "dp-sgd"])
def test_the_ranges_are_those_of_the_methods(name: str) -> None:
    method = get(name)
    for constant, cells in rows(name).items():
        good, bad = edges(cells[0])
        for one in good:
            method.constants({constant: one})
        for one in bad:
            with refused("plan.constant-refused"):
                method.constants({constant: one})


def test_the_starts_are_those_of_the_page() -> None:
    for network in ("lite2-head", "small-cnn", "resnet18"):
        numbers = b"".join(weights.tobytes() for weights in initial_weights(network, 3).values())
        assert hashlib.sha256(numbers).hexdigest() in PAGE.partition("**Built-in start**")[2]
    assert shapes("lite2-head", 3)["head.weight"] == (3, 1920)


class Recorded:
    """Gaussians that a second computation can be given again; every uniform value is 0.25."""

    def __init__(self) -> None:
        self.drawn: list[tuple[np.ndarray, float]] = []

    def gaussian(self, shape: tuple[int, ...], std: float) -> np.ndarray:
        noise = np.random.default_rng(len(self.drawn)).normal(0, std, shape)
        self.drawn.append((noise, std))
        return noise

    def uniform(self, size: int) -> np.ndarray:
        return np.full(size, 0.25)


def probe(
    features: np.ndarray, labels: np.ndarray, patients: np.ndarray, k: dict[str, Any], s: float, drawn: Any
) -> dict[str, np.ndarray]:
    """Section 13.1, image by image, in the order of its text."""
    d, steps, keep, classes = k["feature_dim"], k["steps"], k["momentum"], 3
    images = {p: np.flatnonzero(patients == p) for p in np.unique(patients)}

    def sums(vector: Any) -> np.ndarray:
        return np.asarray(sum(np.mean([vector(i) for i in mine], axis=0) for mine in images.values()))

    unit = [f / n if 0 < (n := float(np.linalg.norm(f))) < math.inf else np.zeros(d) for f in features]
    one_hot = np.eye(classes)[labels]
    noise, std = drawn[0]
    expected = s / math.sqrt(k["count_share"]) * math.sqrt(1 + k["label_scale"] ** 2) * (1 + 1e-6)
    assert std == pytest.approx(expected, rel=1e-12)
    q = sums(lambda i: np.concatenate([unit[i], k["label_scale"] * one_hot[i]])) + noise
    counts = np.maximum(q[d:] / k["label_scale"], k["count_floor"])
    n, c = counts.sum(), q[:d] / counts.sum()
    if k["centre"] == "clamped":
        c = np.clip(c, 0, 1)
    else:
        shrink = max(0.0, 1 - (d - 2) * (std / n) ** 2 / float(c @ c))
        c = c * shrink / max(1.0, shrink * float(np.linalg.norm(c)))
    z = [(u - c) / k["feature_radius"] for u in unit]
    x = [np.append(one / max(1.0, float(np.linalg.norm(one))), k["bias"]) for one in z]
    averaged = max(1, math.floor(k["averaged_share"] * steps + 0.5))
    v = [
        sum((1 - keep ** (j - t + 1)) / (1 - keep) for j in range(max(steps - averaged + 1, t), steps + 1))
        for t in range(1, steps + 1)
    ]
    w_t = [max(one, 0.05 * max(v)) for one in v]
    even = s * math.sqrt(steps / (1 - k["count_share"]))
    rate = k["rate"] * min(k["rate_cap"], k["rate_slope"] * n / s) / steps
    w, velocity, after = np.zeros((classes, d + 1)), np.zeros((classes, d + 1)), []

    def direction(i: int) -> np.ndarray:
        logits = w @ x[i]
        p = np.exp(logits - logits.max())
        r = one_hot[i] - p / p.sum()
        length = float(np.linalg.norm(r) * np.linalg.norm(x[i]))
        return np.outer(r, x[i]) * min(1.0, k["gradient_clip"] / length)

    for t in range(steps):
        noise, std = drawn[t + 1]
        by_weight = math.sqrt(float(np.mean(w_t)) / w_t[t]) if k["step_noise"] == "by-weight" else 1.0
        assert std == pytest.approx(even * by_weight * k["gradient_clip"] * (1 + 1e-6), rel=1e-12)
        g = sums(direction) + noise
        g = g - g.mean(axis=0)
        velocity = keep * velocity + g / n
        w = w + rate * velocity
        after.append(w)
    head = np.mean(after[-averaged:], axis=0)
    counts = counts * (min(1.0, 1 / (8 * s)) if k["weighting"] == "patients-by-mu" else 1.0)
    counts = counts * min(1.0, k["weight_cap"] / counts.sum())
    n = counts.sum()
    bound = k["weight_bound"]
    return {"weights": n * np.clip(head, -bound, bound), "centre": n * c, "counts": counts}


@pytest.mark.parametrize("recipe", [{}, dict(PROBE_RECIPE)])
def test_the_linear_probe_from_the_specification(recipe: dict[str, Any], tmp_path: Path) -> None:
    rng, method, s = np.random.default_rng(3), LinearProbe(), 0.7
    constants = method.constants({**recipe, "feature_dim": 12, "steps": 5, "count_floor": 2.0})
    patients = np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 5])
    features = np.abs(rng.normal(size=(10, 12))).astype(np.float32)
    features[4] = 0
    labels = rng.integers(0, 3, 10)
    source = Recorded()
    drawing = Drawing(s, source, ReleaseStore(tmp_path, bytes(32)))
    task = Task(constants, ("normal", "bacteria", "virus"), {})
    made = method.train(TrainingData(features, labels, patients), task, drawing)
    again = probe(features.astype(float), labels, patients, constants.model_dump(), s, source.drawn)
    for name, numbers in again.items():
        assert np.allclose(made[name], numbers, rtol=1e-9, atol=1e-9), name


def lite_head(
    maps: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    start: dict[str, np.ndarray],
    k: dict[str, Any],
    s: float,
    drawn: Any,
) -> dict[str, np.ndarray]:
    """Section 13.2 for `lite2-head` with q = 1, two views and no shift; the gradient is torch's."""
    weights = {name: torch.tensor(one) for name, one in start.items()}
    velocity: dict[str, torch.Tensor] = {}
    views, after = torch.tensor(maps.reshape(len(maps), 2, 120, 4, 4)), []
    draws = iter(drawn)

    def loss(tried: dict[str, torch.Tensor], mine: np.ndarray) -> torch.Tensor:
        seen, target = views[mine].flatten(0, 1), torch.tensor(np.repeat(labels[mine], 2))
        normed = functional.group_norm(seen, 8, tried["norm.weight"], tried["norm.bias"])
        logits = normed.flatten(1) @ tried["head.weight"].T + tried["head.bias"]
        return functional.cross_entropy(logits, target)

    for _ in range(k["steps"]):
        total = {name: np.zeros(one.shape) for name, one in weights.items()}
        for patient in np.unique(patients):
            tried = {name: one.clone().requires_grad_() for name, one in weights.items()}
            found = torch.autograd.grad(
                loss(tried, np.flatnonzero(patients == patient)), list(tried.values())
            )
            length = math.sqrt(sum(float((one.double() ** 2).sum()) for one in found))
            for name, one in zip(tried, found, strict=True):
                total[name] += one.double().numpy() * min(1.0, k["clipping_norm"] / length)
        for name in weights:
            noise, std = next(draws)
            assert std == pytest.approx(s * k["clipping_norm"] * (1 + 1e-6), rel=1e-12)
            g = torch.tensor((total[name] + noise) / k["expected_batch_size"]).float()
            velocity[name] = k["momentum"] * velocity[name] + g if name in velocity else g
            weights[name] = weights[name] - k["learning_rate"] * velocity[name]
        after.append({name: one.double().numpy() for name, one in weights.items()})
    d, last = k["averaging"], len(after) - 1
    share = [d ** (last - t) for t in range(len(after))]
    mean = {n: sum(w * one[n] for w, one in zip(share, after, strict=True)) / sum(share) for n in weights}
    return {n: np.clip(mean[n] - start[n], -k["delta_bound"], k["delta_bound"]) for n in weights}


def test_dp_sgd_from_the_specification(tmp_path: Path) -> None:
    rng, method, s = np.random.default_rng(5), get("dp-sgd"), 0.8
    constants = method.constants({**DP_RECIPE, "steps": 3, "expected_batch_size": 4.0})
    patients, labels = np.array([0, 0, 1, 2, 3, 3, 3]), np.array([0, 0, 1, 2, 1, 1, 1])
    maps = rng.normal(size=(7, 3840)).astype(np.float32)
    start = method.starting_model(constants, ("normal", "bacteria", "virus"))
    source = Recorded()
    drawing = Drawing(s, source, ReleaseStore(tmp_path, bytes(32)))
    task = Task(constants, ("normal", "bacteria", "virus"), start)
    made = method.train(TrainingData(maps, labels, patients), task, drawing)
    again = lite_head(maps, labels, patients, start, constants.model_dump(), s, source.drawn)
    assert list(again) == [spec.name for spec in method.manifest(constants, task.classes)]
    for name, numbers in again.items():
        assert np.allclose(made[name], numbers, rtol=1e-4, atol=1e-5), name
