"""Opening the ledger for a command that spends: only one that is no older than the workspace.

A ledger that was put back from a backup lacks what was spent since. It is a valid book by itself, so it is
compared with what else remembers: the state, and the updates that left.
"""

from __future__ import annotations

from privxray.errors import BudgetError, MalformedError
from privxray.privacy.ledger import Ledger
from privxray.workflow.ledger.past_exports import newer_than
from privxray.workflow.ledger.runs import AUDITS, audit_number, run_name
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.transitions import RoundState

RESTORED = "restored from a backup of"
"""The setting that tells when the backup was made that a workspace was restored from."""
SPENT_BEYOND = "spent beyond the limit since the backup of"
"""The setting of a restored workspace whose patients have no budget left."""
_RESTORE = (
    "Restore the newest backup of it (privxray help backup); what was spent on these patients stays spent"
)


def open_ledger(session: Session) -> Ledger:
    """The hospital's ledger, after comparing it with what this workspace remembers.

    Reservations of rounds that were given up before any noise was drawn are taken back.

    :raises BudgetError: the workspace was restored, and what was spent since its backup leaves nothing.
    :raises MalformedError: it is an older copy: it lacks a training or an audit that was done here, or the
        entry that an update in the workspace names.
    """
    path = session.workspace.ledger_path
    since = session.state.setting(SPENT_BEYOND)
    if since is not None:
        raise BudgetError(
            f"this workspace was restored from a backup of {since}, and what was spent since is more than "
            "the lifetime limit allows",
            reason="ledger.spent-beyond-backup",
            file=path,
            advice="Nothing more can be trained on these patients",
        )
    ledger = Ledger.open(path)
    newer, _ = newer_than(ledger, session.workspace)
    if newer:
        raise MalformedError(
            f"the privacy ledger is older than {newer[0]}, or another one: it lacks the entry that the "
            "update names",
            reason="ledger.older-than-update",
            file=path,
            advice=_RESTORE,
        )
    lacking = lacking_training(session.state, ledger)
    if lacking is not None:
        raise MalformedError(
            f"the privacy ledger is an old copy: it lacks {lacking}",
            reason="ledger.lacks-training",
            file=path,
            advice=_RESTORE,
        )
    _take_back_reservations(session.state, ledger)
    return ledger


def lacking_training(state: State, ledger: Ledger) -> str | None:
    """What was drawn here without the ledger knowing of it, in words; None where it knows of everything."""
    charged = ledger.charged()
    drawn = state.runs_with_releases()
    for round_ in state.rounds():
        done = round_.state.drawn and round_.task != "agree"
        found = charged.get((round_.study, run_name(state, round_)), ("", ()))[0]
        begun = (round_.study, round_.number) in drawn and found not in ("spending", "released")
        if begun or (done and found != "released"):
            return f"the training of round {round_.number}"
    audits = {audit_number(run) for study, run in charged if study == AUDITS}
    if any(study == AUDITS and number not in audits for study, number in drawn):
        return "an audit on own patients"
    return None


def _take_back_reservations(state: State, ledger: Ledger) -> None:
    """Withdraw what is reserved for rounds that were given up, and that no later round took over."""
    charged = ledger.charged()
    rounds = state.rounds()
    in_use = {(r.study, r.trained_in) for r in rounds if r.state is not RoundState.VOID}
    for round_ in rounds:
        if round_.state is RoundState.VOID and (round_.study, round_.number) not in in_use:
            run = (round_.study, run_name(state, round_))
            if charged.get(run, ("", ()))[0] == "reserved":
                ledger.withdraw(*run)
