"""``doctor``'s checks of what the workspace has on record: state, plans, results, ledger and data set.

Tested in tests/cli/test_doctor.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from privxray.exchange.intake import read_again
from privxray.imaging.data_set.glance import FILE as DATA_SET
from privxray.imaging.data_set.glance import images_of_earlier_decoders
from privxray.privacy.ledger import Ledger
from privxray.workflow.common.new_coordinator import awaited_coordinator
from privxray.workflow.common.own_recovery import stated_recovery
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.ledger.open_ledger import RESTORED, lacking_training
from privxray.workflow.ledger.past_exports import newer_than
from privxray.workflow.upkeep.diagnosis import Diagnosis, counted
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState


def database(check: str, path: Path) -> Iterator[Diagnosis]:
    """Whether a SQLite file is whole. It is opened so that not even an unfinished write is taken back."""
    if not path.is_file():
        yield Diagnosis(
            check, "error", f"{path.name} is gone", "Restore it from a backup (privxray help backup)"
        )
        return
    journal = path.with_name(path.name + "-journal")
    if journal.is_file() and journal.stat().st_size:
        what = f"a command was cut off while it wrote {path.name}"
        yield Diagnosis(check, "notice", what, "The next command undoes the unfinished write")
        return
    place = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(place, uri=True, timeout=10)) as opened:
        try:
            answers = [row[0] for row in opened.execute("PRAGMA quick_check(3)")]
        except sqlite3.DatabaseError:
            answers = ["not a database"]
    if answers == ["ok"]:
        yield Diagnosis(check, "ok", f"{path.name} is whole")
    else:
        yield Diagnosis(
            check, "error", f"{path.name} is damaged", "Restore it from a backup (privxray help backup)"
        )


def plans(workspace: Workspace, rounds: Sequence[Round]) -> Iterator[Diagnosis]:
    """Whether the copies of plans are those that were verified.

    :raises MalformedError: one is not.
    """
    for round_ in rounds:
        load_plan(workspace, round_)
    verb = "is" if len(rounds) == 1 else "are"
    yield Diagnosis("plans", "ok", f"{counted(len(rounds), 'plan')} {verb} as verified")


def restored(state: State) -> Iterator[Diagnosis]:
    """Whether this is a workspace out of a backup, which does not know what happened between the two."""
    since = state.setting(RESTORED)
    if since is not None:
        yield Diagnosis(
            "backup",
            "notice",
            f"this workspace was restored from a backup of {since}, and knows nothing of what came after",
            "Compare with what left since: privxray doctor FILES. Never use the old workspace again",
        )


def succession(workspace: Workspace, state: State) -> Iterator[Diagnosis]:
    """Whether the party has a recovery key, and who coordinates its studies."""
    if workspace.config.role == "coordinator":
        return
    if stated_recovery(state) is None:
        what = "there is no recovery key (privxray recovery make); backups work without one"
        yield Diagnosis("recovery key", "ok", what)
    else:
        yield Diagnosis("recovery key", "ok", "the cards state a recovery key, whose words are not here")
    for study in state.studies():
        named = awaited_coordinator(state, study)
        if named is not None:
            yield Diagnosis(
                "coordinator",
                "notice",
                f"{' and '.join(named.voters)} named {named.name} coordinator of {study}, whose plan has not "
                "come",
                f"Carry a fresh card to {named.name} (privxray card), and join its plan",
            )


def results(workspace: Workspace, rounds: Iterable[Round]) -> Iterator[Diagnosis]:
    """Whether what was trained and exported is still there."""
    trouble = False
    for round_ in rounds:
        found = list(_result(workspace, round_))
        trouble = trouble or bool(found)
        yield from found
    everything = "everything else" if trouble else "everything"
    yield Diagnosis("results", "ok", f"{everything} that was trained and exported is there")


_WORK = {"train": "training", "describe": "description", "evaluate": "evaluation", "agree": "agreement"}


def _result(workspace: Workspace, round_: Round) -> Iterator[Diagnosis]:
    update = workspace.round_folder(round_.study, round_.number) / "update.enc"
    if round_.update_sha256 is not None and (
        not update.is_file() or read_again(update).sha256 != round_.update_sha256
    ):
        yield Diagnosis(
            "results",
            "error",
            f"the update of round {round_.number} is not the one that was exported",
            "Restore rounds/ from a backup (privxray help backup); the update can't be made again",
        )
    if round_.state is RoundState.TRAINED:
        vector = workspace.round_folder(round_.study, round_.trained_in) / "vector"
        if not any(vector.glob("release-*.bin")):
            yield Diagnosis(
                "results",
                "error",
                f"the training result of round {round_.number} is gone",
                "Restore rounds/ from a backup (privxray help backup); it can't be made again without "
                "paying again",
            )
    if round_.state is RoundState.JOINED and round_.epsilon is not None:
        yield Diagnosis(
            "results",
            "notice",
            f"the {_WORK[round_.task]} of round {round_.number} was begun and not finished",
            "It goes on with the command that privxray status names",
        )


def ledger(workspace: Workspace, state: State | None, files: Sequence[Path]) -> Iterator[Diagnosis]:
    """Whether the ledger is whole, and no older than the state and the updates that left.

    :param state: None where it is damaged.
    :param files: further updates, or folders of them.
    :raises MalformedError: its chain of entries is broken.
    """
    for found in database("ledger", workspace.ledger_path):
        if found.level != "ok":
            yield found
            return
    opened = Ledger.open(workspace.ledger_path)
    entries = counted(len(opened.entries()), "entry", "entries")
    yield Diagnosis("ledger", "ok", f"the chain of its {entries} is whole")
    if state is not None:
        yield _against_state(opened, state)
    yield _against_updates(opened, workspace, files)


def _against_state(opened: Ledger, state: State) -> Diagnosis:
    lacking = lacking_training(state, opened)
    if lacking is None:
        return Diagnosis("ledger and state", "ok", "every training that was done here is in the ledger")
    return Diagnosis(
        "ledger and state",
        "error",
        f"the ledger lacks {lacking}: it is an old copy",
        "Restore the newest backup of ledger.db (privxray help backup); what was spent stays spent",
    )


def _against_updates(opened: Ledger, workspace: Workspace, files: Sequence[Path]) -> Diagnosis:
    check = "ledger and updates"
    given = [inner for file in files for inner in (sorted(file.rglob("*")) if file.is_dir() else [file])]
    newer, looked = newer_than(opened, workspace, given)
    if newer:
        return Diagnosis(
            check,
            "error",
            f"the ledger is older than {newer[0]}, or another one: it lacks the entry that the update names",
            "Restore the newest backup of ledger.db (privxray help backup), and don't train before: what "
            "was spent stays spent",
        )
    if looked:
        what = f"the ledger has the entries that {counted(looked, 'update')} of this hospital name"
        return Diagnosis(check, "ok", what)
    return Diagnosis(check, "ok", "there is no update of this hospital here to compare the ledger with")


def data_set(workspace: Workspace) -> Iterator[Diagnosis]:
    """Whether the data set's database is whole, and its images are decoded as this version does it."""
    path = workspace.data / DATA_SET
    if not path.exists():
        yield Diagnosis("data set", "ok", "nothing is ingested yet")
        return
    whole = list(database("data set", path))
    yield from whole
    if [one.level for one in whole] == ["ok"]:
        yield from _decoders(workspace)


def _decoders(workspace: Workspace) -> Iterator[Diagnosis]:
    """Nothing is said where all images are of this version's decoder."""
    from privxray.imaging.decode import DECODER

    if old := images_of_earlier_decoders(workspace.data, DECODER):
        what = f"an earlier version of privxray decoded {counted(old, 'image')}, some perhaps with faults"
        yield Diagnosis("decoder", "notice", what, "Before the next round, ingest all images again")
