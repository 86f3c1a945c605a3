"""When two sums show one hospital's vector, and are warned of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from exchange_samples import Study

from privxray.exchange.admission.differencing import differs_by_one
from privxray.workflow.common import planned_round


@pytest.mark.parametrize(
    ("before", "after", "warned"),
    [
        ("abcd", "abc", True),
        ("abc", "abcd", True),
        ("abc", "abc", False),
        ("abcd", "abce", False),
        ("abcde", "abc", False),
        ("", "abc", False),
        ("", "a", False),
        ("a", "", True),
    ],
)
def test_only_a_difference_of_one_hospital_is_warned_of(before: str, after: str, warned: bool) -> None:
    warnings = differs_by_one(set(before), set(after))
    assert len(warnings) == int(warned)
    assert all("each patient keeps the plan's epsilon" in warning for warning in warnings)


def test_sums_of_one_task_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was agreed on or counted between them: a count and a model have no difference."""
    made = ("describe", "train", "train", "agree", "describe", "evaluate")
    rounds = [SimpleNamespace(number=number, task=task) for number, task in enumerate(made, 1)]
    session: Any = SimpleNamespace(state=SimpleNamespace(rounds=lambda _: rounds), workspace=None)
    monkeypatch.setattr(planned_round, "load_plan", lambda _, one: one.number)
    plan = Study().plan
    last = {
        task: planned_round.last_of_task(session, plan.model_copy(update={"task": task, "round": number}))
        for task, number in (("describe", 5), ("train", 7), ("agree", 7), ("evaluate", 6))
    }
    assert last == {"describe": 1, "train": 3, "agree": None, "evaluate": None}
