"""The recovery key that a party states in its cards. Only its public half is ever in the workspace.

Tested in tests/cli/test_recovery.py.
"""

from __future__ import annotations

from privxray.keys.succession.recovery_statement import RecoveryStatement
from privxray.workspace.state import State

_SETTING = "recovery key"


def stated_recovery(state: State) -> RecoveryStatement | None:
    """The statement that this party's cards carry; None where it has no recovery key."""
    stated = state.setting(_SETTING)
    return None if stated is None else RecoveryStatement.model_validate_json(stated)


def remember_recovery(state: State, statement: RecoveryStatement) -> None:
    """State this recovery key in later cards; call it in a transaction."""
    state.set_setting(_SETTING, statement.model_dump_json())
