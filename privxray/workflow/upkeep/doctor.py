"""``doctor``: what is right and wrong in a workspace, one line a check, without changing a byte.

No line can name a patient: files are called by the names that privxray itself gave them, and what is counted
are files, rounds and ledger entries.

Tested in tests/cli/test_doctor.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from privxray.errors import PrivxrayError, SystemTroubleError
from privxray.naming.public_names import public_names
from privxray.workflow.upkeep.check_files import keys, leftovers, permissions
from privxray.workflow.upkeep.check_machine import machine
from privxray.workflow.upkeep.check_records import (
    data_set,
    database,
    ledger,
    plans,
    restored,
    results,
    succession,
)
from privxray.workflow.upkeep.diagnosis import Diagnosis
from privxray.workflow.upkeep.sent_files import record_of_exports
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking


def diagnose(workspace: Workspace, files: Sequence[Path] = ()) -> Iterator[Diagnosis]:
    """All checks of a workspace, in the order in which trouble is best mended.

    :param files: exported updates that lie elsewhere (on a stick, in an archive), or folders of them. The
        ledger is compared with those as well.
    :raises SystemTroubleError: one of them is not there.
    """
    gone = next((file for file in files if not file.exists()), None)
    if gone is not None:
        raise SystemTroubleError(
            "there is no such file or folder",
            reason="doctor.no-such-file",
            file=public_names([gone])[0],
            advice="Check the path",
        )
    yield from _safely("keys", keys(workspace))
    yield from _safely("permissions", permissions(workspace))
    yield from _records(workspace, files)
    yield from _safely("leftovers", leftovers(workspace))
    yield from _safely("machine", machine(workspace))


def _records(workspace: Workspace, files: Sequence[Path]) -> Iterator[Diagnosis]:
    hospital = workspace.config.role == "hospital"
    state = list(_safely("state", database("state", workspace.state_path)))
    yield from state
    if all(one.level == "ok" for one in state):
        with looking(workspace, read_only=True) as session:
            rounds = session.state.rounds()
            yield from _safely("backup", restored(session.state))
            yield from _safely("plans", plans(workspace, rounds))
            yield from _safely("succession", succession(workspace, session.state))
            yield from _safely("results", results(workspace, rounds))
            yield from _safely("exports", record_of_exports(session))
            if hospital:
                yield from _safely("ledger", ledger(workspace, session.state, files))
    elif hospital:
        yield from _safely("ledger", ledger(workspace, None, files))
    if hospital:
        yield from _safely("data set", data_set(workspace))


def _safely(check: str, found: Iterable[Diagnosis]) -> Iterator[Diagnosis]:
    """What a check found. A check that fails is an error itself, and the next ones run all the same."""
    try:
        yield from found
    except PrivxrayError as error:
        yield Diagnosis(check, "error", error.what, error.advice)
    except (OSError, sqlite3.Error) as error:
        what = getattr(error, "strerror", None) or type(error).__name__
        yield Diagnosis(check, "error", f"this could not be checked ({what})", "Mend that and type it again")
