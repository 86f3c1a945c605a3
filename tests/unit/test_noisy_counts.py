"""Noisy counts: sums along each axis, and the error of each."""

from __future__ import annotations

import numpy as np
import pytest

from privxray.evaluation.noisy_counts import Axis, noisy_sums

AXES = (Axis("class", ("normal", "virus")), Axis("age", ("young", "old", "unknown")))


def test_sums_along_each_axis_with_their_errors() -> None:
    counts = np.array([[10.0, 20.0, 30.0], [1.0, 2.0, -3.0]])
    sums = {(one.by, one.name): one for one in noisy_sums(counts, AXES, 2.0)}
    assert {name: one.value for name, one in sums.items()} == {
        ("all", "all patients"): 60,
        ("class", "normal"): 60,
        ("class", "virus"): 0,
        ("age", "young"): 11,
        ("age", "old"): 22,
        ("age", "unknown"): 27,
    }
    assert sums["all", "all patients"].error == pytest.approx(2 * 6**0.5)
    assert sums["class", "virus"].error == pytest.approx(2 * 3**0.5)
    assert sums["age", "old"].error == pytest.approx(2 * 2**0.5)
    assert [one.is_clear for one in sums.values()] == [True, True, False, True, True, True]


def test_groups_of_nobody_are_hardly_ever_taken_for_patients() -> None:
    axes = (Axis("class", ("a", "b", "c")), Axis("age", tuple("1234567")), Axis("sex", tuple("1234")))
    rng = np.random.default_rng(5)
    tables = [noisy_sums(rng.normal(0, 12, (3, 7, 4)), axes, 12.0) for _ in range(300)]
    assert sum(any(one.is_clear for one in sums) for sums in tables) < 15
