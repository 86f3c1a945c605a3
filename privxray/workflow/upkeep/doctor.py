"""``doctor``: what is right and wrong in a workspace, one line a check, without changing a byte.

Nothing is told that could name a patient: files are called by the names that privxray itself gave them, and
what is counted are files, rounds and ledger entries.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from privxray.errors import PrivxrayError, SystemTroubleError
from privxray.exchange.intake import read_again
from privxray.naming.public_names import public_names
from privxray.privacy.ledger import Ledger
from privxray.workflow.common.session import load_plan, public_keys
from privxray.workflow.hospital.past_exports import newer_than
from privxray.workflow.hospital.reserve_budget import lacking_training
from privxray.workflow.upkeep.machine import Finding, machine
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import RoundState


def diagnose(workspace: Workspace, files: Sequence[Path] = ()) -> Iterator[Finding]:
    """All checks of a workspace, in the order in which trouble is best mended.

    :param files: exported updates that lie elsewhere (on a stick, in an archive), or folders of them: the
        ledger is held against those as well.
    :raises SystemTroubleError: one of them is not there.
    """
    gone = next((file for file in files if not file.exists()), None)
    if gone is not None:
        raise SystemTroubleError(
            "there is no such file", file=public_names([gone])[0], advice="Check the path"
        )
    yield from _safely("keys", _keys(workspace))
    yield from _safely("permissions", _permissions(workspace))
    usable = True
    for finding in _safely("state", _database("state", workspace.state_path)):
        usable = usable and finding.level == "ok"
        yield finding
    if usable:
        with State(workspace.state_path, read_only=True) as state:
            rounds = tuple(state.rounds())
            yield from _safely("plans", _plans(workspace, rounds))
            yield from _safely("results", _results(workspace, rounds))
            if workspace.config.role == "hospital":
                yield from _safely("ledger", _ledger(workspace, state, files))
    elif workspace.config.role == "hospital":
        yield from _safely("ledger", _ledger(workspace, None, files))
    if workspace.config.role == "hospital":
        yield from _safely("data set", _dataset(workspace))
    yield from _safely("leftovers", _leftovers(workspace))
    yield from _safely("machine", machine(workspace))


def _safely(check: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings of a check. One that fails is a finding itself, and the next are made all the same."""
    try:
        yield from findings
    except PrivxrayError as error:
        yield Finding(check, "error", error.what, error.advice)
    except (OSError, sqlite3.Error) as error:
        what = getattr(error, "strerror", None) or type(error).__name__
        yield Finding(check, "error", f"could not be looked at ({what})", "Mend that and type it again")


def _keys(workspace: Workspace) -> Iterator[Finding]:
    public_keys(workspace)
    if not workspace.identity_path.is_file() or not workspace.identity_path.stat().st_size:
        yield Finding("keys", "error", "keys/identity.key is gone", "Restore it from a backup")
    else:
        yield Finding("keys", "ok", "the identity is there, under its passphrase")


def _permissions(workspace: Workspace) -> Iterator[Finding]:
    private = [workspace.state_path, workspace.ledger_path, *_private_files(workspace)]
    readable = [path for path in private if path.is_file() and path.stat().st_mode & 0o077]
    foreign = [path for path in private if path.is_file() and path.stat().st_uid != os.getuid()]
    passphrase = Path(os.environ.get("PRIVXRAY_PASSPHRASE_FILE") or os.devnull)
    if readable:
        names = [str(path.relative_to(workspace.root)) for path in readable]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        folders = " ".join(sorted({name.partition("/")[0] for name in names}))
        yield Finding(
            "permissions",
            "error",
            f"other accounts may read {', '.join(names[:3])}{more}",
            f"Type: chmod -R go= {folders}",
        )
    elif passphrase.is_file() and passphrase.stat().st_mode & 0o077:
        yield Finding(
            "permissions",
            "error",
            "other accounts may read the file that PRIVXRAY_PASSPHRASE_FILE names",
            "Take their permissions away: chmod 600, and change the passphrase if others use this machine",
        )
    elif foreign:
        yield Finding(
            "permissions",
            "notice",
            f"{_number(len(foreign), 'private file')} of another account",
            "Give them to the account that runs privxray",
        )
    else:
        yield Finding("permissions", "ok", "private files are readable by this account only")


def _private_files(workspace: Workspace) -> Iterator[Path]:
    """All files of the folders that nobody but privxray puts files into."""
    for part in ("keys", "data", "rounds", "plans", "inbox", "inference"):
        for path in sorted((workspace.root / part).rglob("*")):
            if path.is_file():
                yield path


def _database(name: str, path: Path) -> Iterator[Finding]:
    """A SQLite file, opened so that not even an unfinished write is taken back."""
    if not path.is_file():
        yield Finding(name, "error", f"{path.name} is gone", "Restore it from a backup")
        return
    journal = path.with_name(path.name + "-journal")
    if journal.is_file() and journal.stat().st_size:
        yield Finding(
            name,
            "notice",
            f"a command was cut off while it wrote {path.name}",
            "The next command takes it back",
        )
        return
    with sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10) as database:
        try:
            answers = [row[0] for row in database.execute("PRAGMA quick_check(3)")]
        except sqlite3.DatabaseError:
            answers = ["not a database"]
    database.close()
    if answers == ["ok"]:
        yield Finding(name, "ok", f"{path.name} is whole")
    else:
        yield Finding(name, "error", f"{path.name} is damaged", "Restore it from a backup")


def _plans(workspace: Workspace, rounds: Iterable[Round]) -> Iterator[Finding]:
    seen = 0
    for round_ in rounds:
        load_plan(workspace, round_)
        seen += 1
    yield Finding("plans", "ok", f"{_number(seen, 'plan')} as verified")


def _results(workspace: Workspace, rounds: Iterable[Round]) -> Iterator[Finding]:
    for round_ in rounds:
        folder = workspace.round_folder(round_.study, round_.number)
        if round_.update_sha256 is not None and (
            not (folder / "update.enc").is_file()
            or read_again(folder / "update.enc").sha256 != round_.update_sha256
        ):
            yield Finding(
                "results",
                "error",
                f"the update of round {round_.number} is not the one that was exported",
                "Restore rounds/ from a backup; the update can't be made again",
            )
        if round_.state is RoundState.TRAINED:
            vector = workspace.round_folder(round_.study, round_.trained_in) / "vector"
            if not any(vector.glob("release-*.bin")):
                yield Finding(
                    "results",
                    "error",
                    f"the training result of round {round_.number} is gone",
                    "Restore rounds/ from a backup; it can't be made again without paying again",
                )
        if round_.state is RoundState.JOINED and round_.epsilon is not None:
            yield Finding(
                "results",
                "notice",
                f"the training of round {round_.number} was begun and not finished",
                "It goes on with: privxray train",
            )
    yield Finding("results", "ok", "what else was trained and exported is there")


def _ledger(workspace: Workspace, state: State | None, files: Sequence[Path]) -> Iterator[Finding]:
    for finding in _database("ledger", workspace.ledger_path):
        if finding.level != "ok":
            yield finding
            return
    ledger = Ledger.open(workspace.ledger_path)
    entries = ledger.entries()
    yield Finding("ledger", "ok", f"the chain of its {_number(len(entries), 'entry', 'entries')} is whole")
    if state is not None:
        lacking = lacking_training(state, ledger)
        if lacking is not None:
            yield Finding(
                "ledger and state",
                "error",
                f"the ledger lacks {lacking}: it is an old copy",
                "Restore the newest backup of ledger.db; what was spent stays spent",
            )
        else:
            yield Finding("ledger and state", "ok", "every training that was done here is in the ledger")
    given = [inner for file in files for inner in (sorted(file.rglob("*")) if file.is_dir() else [file])]
    newer, looked = newer_than(ledger, workspace, given)
    if newer:
        yield Finding(
            "ledger and updates",
            "error",
            f"the ledger is older than {newer[0]}, or another one: it never stood where that says",
            "Restore the newest backup of ledger.db; don't train before: what was spent stays spent",
        )
    elif looked:
        what = f"the ledger has stood where {_number(looked, 'update')} of this hospital say"
        yield Finding("ledger and updates", "ok", what)
    else:
        yield Finding("ledger and updates", "ok", "no update of this hospital is here to hold it against")


def _dataset(workspace: Workspace) -> Iterator[Finding]:
    path = workspace.data / "data.db"
    if path.exists():
        yield from _database("data set", path)
    else:
        yield Finding("data set", "ok", "nothing is ingested yet")


def _leftovers(workspace: Workspace) -> Iterator[Finding]:
    if _at_work(workspace):
        yield Finding(
            "leftovers", "notice", "another privxray command is at work", "Look again when it ended"
        )
        return
    found = sum(1 for _ in workspace.root.rglob(".*.tmp"))
    if found:
        what = f"{_number(found, 'half-written file')} of a command that was cut off"
        yield Finding("leftovers", "notice", what, "The next command that writes there removes it")
    else:
        yield Finding("leftovers", "ok", "no half-written file")


def _at_work(workspace: Workspace) -> bool:
    lock = workspace.root / ".lock"
    if not lock.exists():
        return False
    with lock.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
