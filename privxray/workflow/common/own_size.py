"""The size that a hospital states of itself: the bracket of its last card.

It is what a person said, never what the data set holds: a size that followed the data would tell of the one
patient who passes a bracket's end. Tested in tests/cli/test_sizes.py.
"""

from __future__ import annotations

import sqlite3

from privxray.keys.brackets import BRACKETS, USUAL_BRACKET, Bracket
from privxray.keys.identity import Identity
from privxray.keys.size_statement import SizeStatement
from privxray.workspace.state import State

_SETTING = "patients up to"


def stated_size(state: State) -> Bracket | None:
    """The bracket that this hospital stated last; None where it never stated one."""
    try:
        stated = state.setting(_SETTING)
    except sqlite3.OperationalError:  # a state of an older version, only looked at, has no such table
        return None
    return next((bracket for bracket in BRACKETS if str(bracket) == stated), None)


def state_size(state: State, identity: Identity, study: str | None, bracket: Bracket | None) -> SizeStatement:
    """State a size, and remember it; call it in a transaction.

    :param bracket: None for the one that was stated last, or else the usual one.
    """
    chosen = bracket or stated_size(state) or USUAL_BRACKET
    state.set_setting(_SETTING, str(chosen))
    return SizeStatement.sign(chosen, study, identity.signing)
