"""The average of the weights is the one on paper, and goes on after an interruption with the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from privxray.learning.dp_sgd.averaged_weights import AveragedWeights

STEPS = [{"a": np.array([first, 5.0], np.float32)} for first in (1.0, 2.0, 4.0)]


def after(decay: float, steps: list[dict[str, NDArray[np.float32]]]) -> AveragedWeights:
    average = AveragedWeights(decay)
    for weights in steps:
        average.add(weights)
    return average


def test_later_steps_count_for_more_and_what_stays_the_same_is_itself() -> None:
    mean = after(0.5, STEPS).mean(3)["a"]
    assert mean == pytest.approx([(1.0 * 1 + 2.0 * 2 + 4.0 * 4) / 7, 5.0])
    assert mean.dtype == np.float64


def test_without_decay_it_is_the_last_weights_and_keeps_nothing() -> None:
    average = after(0.0, STEPS)
    assert average.mean(3)["a"].tolist() == [4.0, 5.0]
    assert average.state() == {}


def test_one_step_is_its_own_average() -> None:
    assert after(0.9, STEPS[:1]).mean(1)["a"] == pytest.approx([1.0, 5.0], rel=1e-15)


def test_it_goes_on_from_what_was_kept_to_the_last_bit() -> None:
    whole = after(0.7, STEPS)
    resumed = AveragedWeights(0.7)
    resumed.restore({**after(0.7, STEPS[:2]).state(), "weights.a": STEPS[1]["a"]})
    resumed.add(STEPS[2])
    assert resumed.mean(3)["a"].tobytes() == whole.mean(3)["a"].tobytes()
    assert list(resumed.state()) == ["average.a"]
