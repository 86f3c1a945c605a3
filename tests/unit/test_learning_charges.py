"""What a dp-sgd round draws is what it charges: one object, spied on while it trains."""

from __future__ import annotations

import ast
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from test_learning_dp_sgd import CLASSES, DPSGD, hospital, warm_start

import privxray
from privxray.learning.interface import Drawing, Task
from privxray.privacy.noise import SENSITIVITY_INFLATION, SecureNoise
from privxray.privacy.releases import ReleaseStore


class Spy(SecureNoise):
    def __init__(self) -> None:
        self.stds: list[float] = []
        self.shapes: list[tuple[int, ...]] = []
        self.sampled: list[NDArray[np.float64]] = []

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        self.stds.append(std)
        self.shapes.append(shape)
        return super().gaussian(shape, std)

    def uniform(self, size: int) -> NDArray[np.float64]:
        self.sampled.append(super().uniform(size))
        return self.sampled[-1]


@pytest.mark.parametrize("q", [0.3, 1.0])
def test_a_round_draws_what_it_charges(tmp_path: Path, q: float) -> None:
    terms = {"image_size": 16, "steps": 4, "sampling_rate": q, "clipping_norm": 0.7, "expected_batch_size": 6}
    constants = DPSGD.constants(terms)
    (event,) = DPSGD.round_events(constants, 1.9)
    spy, start = Spy(), warm_start()
    store = ReleaseStore(tmp_path / "run", os.urandom(32))
    DPSGD.train(hospital(), Task(constants, CLASSES, start), Drawing(1.9, spy, store))
    assert (event.kind, event.q) == ("gaussian" if q == 1 else "poisson-gaussian", q)
    assert [len(draw) for draw in spy.sampled] == [20] * event.count
    assert len(spy.stds) == event.count * len(start)
    assert set(spy.stds) == {event.noise * constants.clipping_norm * SENSITIVITY_INFLATION}
    assert spy.shapes == [w.shape for w in start.values()] * event.count


def test_there_is_one_way_to_train() -> None:
    """Who in the package makes what trains: one place each. ``demo`` plays, and ``audit`` trains by the same
    methods, on a hospital's own patients under a charge of its own
    (``workflow.auditing.own_patients``).
    """
    package = Path(privxray.__file__).parent
    made: Counter[tuple[str, str]] = Counter()
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        if name.split("/")[0] in ("demo", "audit"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.endswith("method.train"):
                    called = "method.train"
                if called in ("Trainer", "ClippedSum", "SampledGaussian", "method.train"):
                    made[called, name] += 1
    assert made == {
        ("Trainer", "learning/dp_sgd/dp_sgd_method.py"): 1,
        ("ClippedSum", "learning/dp_sgd/trainer.py"): 1,
        ("SampledGaussian", "learning/dp_sgd/dp_sgd_method.py"): 1,
        ("method.train", "workflow/hospital/local_training/train.py"): 1,
        (
            "method.train",
            "workflow/hospital/local_training/rehearse.py",
        ): 1,  # on made-up numbers, to see how long it takes
    }
