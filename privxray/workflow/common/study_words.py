"""The key words of a study, for whoever follows its plan: remembered, because they are costly to compute.

Tested in tests/cli/test_key_words.py.
"""

from __future__ import annotations

from privxray.exchange.messages.plan import PlanHeader
from privxray.workspace.state import State


def study_words(state: State, plan: PlanHeader) -> str:
    """The twelve words of a plan's parties, as they were remembered, or else computed.

    Show them only for a plan that is followed here. Before that, a person has to hear them from another
    party: read off the file, they would prove nothing.
    """
    return state.setting(_name(plan)) or plan.roster.key_words(plan.study_name, plan.coordinator)


def remember_words(state: State, plan: PlanHeader, words: str) -> None:
    """Remember the words, within a transaction."""
    state.set_setting(_name(plan), words)


def _name(plan: PlanHeader) -> str:
    return f"key words {plan.roster.digest(plan.study_name, plan.coordinator).hex()}"
