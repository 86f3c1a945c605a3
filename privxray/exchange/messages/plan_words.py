"""A plan in words: where in its study it is, and what it fixes, for display.

Tested in tests/cli/test_inspect.py and tests/cli/test_tasks.py.
"""

from __future__ import annotations

from privxray.exchange.messages.plan import PlanHeader


def place_in_words(plan: PlanHeader) -> str:
    """Which part of its study a plan is, such as ``training round 1 of 3``."""
    if plan.its_task == "train":
        return f"training round {plan.stage} of {plan.stages}"
    return _PLACES[plan.its_task]


_PLACES = {
    "agree": "agreement on secrets for the masks",
    "describe": "description of the patients, before the training",
    "evaluate": "evaluation of the model, after the training",
}
