"""kill -9 at the steps of every command: ``status`` explains, the same command goes on, nothing is lost or
paid twice."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import played_hybrid
import played_keyholders  # noqa: F401 - its stages
import pytest
from crash import killed_at
from played_study import Snapshots, World

import privxray.imaging.features
import privxray.learning.dp_sgd.dp_sgd_method
import privxray.privacy.accountant  # noqa: F401
from privxray.cli.app import run
from privxray.errors import PrivxrayError
from privxray.exchange.bounds import checking
from privxray.exchange.intake import read_again
from privxray.privacy.ledger import Ledger
from privxray.reports.training_page import SpendingSection
from privxray.workspace.folder import Workspace

# Killed at every so many steps, for the module takes two minutes as it is.
STRIDE = {
    "init": 3,
    "init-coordinator": 3,
    "plan": 3,
    "plan-repeat": 5,
    "train": 11,
    "ingest": 5,
    "export-update": 4,
    "export-update-keyholders": 5,
    "aggregate": 4,
    "aggregate-request": 5,
    "aggregate-open": 7,
    "accept": 4,
    "refuse": 6,
    "waive": 5,
    "describe": 23,
    "evaluate": 67,
    "aggregate-summary": 13,
    "accept-summary": 11,
    "join-agree": 41,
    "aggregate-agreements": 43,
    "accept-agreed": 43,
}

TRAVELLING = (
    *(".card", ".plan", ".agreement", ".enc", ".request", ".share", ".proof", ".model", ".summary"),
    *(".waiver", ".refusal"),
)

Case = tuple[str, str, tuple[str, ...], bool]

CASES: dict[str, Case] = {
    "init": ("initialised", "fresh", ("init", "--role", "hospital", "--name", "fresh"), True),
    "init-coordinator": ("initialised", "fresh", ("init", "--role", "coordinator", "--study", "s"), True),
    "card": ("initialised", "hospital-a", ("card",), True),
    "plan": ("initialised", "coordinator", ("plan", "cards/*.card"), True),
    "plan-repeat": ("exported", "coordinator", ("plan", "--repeat", "updates/*.enc"), True),
    "join": ("joined-not", "hospital-a", ("join", "received/plan-0001.plan"), False),
    "join-agree": ("hybrid-planned", "hospital-a", ("join", played_hybrid.ASKS), True),
    "aggregate-agreements": ("hybrid-agreed", "coordinator", ("aggregate", "updates/*.agreement"), True),
    "accept-agreed": ("hybrid-came", "hospital-a", ("accept", played_hybrid.TRAINS), True),
    "ingest": ("joined", "hospital-a", ("ingest", "source/images", "--labels", "source/labels.csv"), False),
    "train": ("untrained", "hospital-a", ("train", "--epsilon", "0.1"), False),
    "export-update": ("trained", "hospital-a", ("export-update",), True),
    "export-update-keyholders": ("keyholders-trained", "hospital-a", ("export-update",), True),
    "aggregate": ("exported", "coordinator", ("aggregate", "updates/*.enc"), True),
    "aggregate-request": (
        "keyholders-exported",
        "coordinator",
        ("aggregate", "updates/*.enc", "--without", "hospital-e"),
        True,
    ),
    "unmask": ("keyholders-requested", "notary", ("unmask", "received/round-0001.request"), True),
    "refuse": ("keyholders-requested", "notary", ("refuse",), True),
    "waive": ("exported", "hospital-a", ("waive",), True),
    "aggregate-open": ("keyholders-answered", "coordinator", ("aggregate", "shares/*.share"), True),
    "describe": ("counting", "hospital-a", ("describe", "--contribute"), False),
    "evaluate": ("evaluating", "hospital-a", ("evaluate", "--contribute"), False),
    "aggregate-summary": ("counted", "coordinator", ("aggregate", "updates/*.enc"), True),
    "accept-summary": ("summed", "hospital-a", ("accept", "received/round-0002.summary"), True),
    "verify": ("unaccepted", "hospital-a", ("verify", "received/global-0001.proof"), True),
    "accept": ("unaccepted", "hospital-a", ("accept", "received/global-0001.model"), True),
}


def fresh(source: Path, party: str, folder: Path) -> World:
    """A copy of what one party has: the others do not matter to its command."""
    folder.mkdir()
    for name in ("passphrase", "key-words"):
        if (source / name).exists():
            shutil.copy(source / name, folder)
    if (source / party).exists():
        shutil.copytree(source / party, folder / party)
    else:
        (folder / party).mkdir()
    return World(folder)


def typed(world: World, case: Case) -> list[str]:
    _, party, words, asks = case
    line = ["-C", str(world[party]), *words]
    if words[0] == "join":
        line += ["--key-words", world.key_words()]
    return [*line, "--passphrase-file", str(world.passphrase)] if asks else line


def outcome(world: World, party: str) -> Any:
    """What ``status`` tells, less the workspace's place and the time of day."""
    told = world.ok(party, "status")
    told.pop("workspace")
    for training in told["trained"]:
        training.pop("time")
    return told


def visible_files_are_whole(folder: Path) -> None:
    """Every file that a person might carry away can be read to its end."""
    for file in folder.rglob("*"):
        if file.suffix in TRAVELLING and not file.name.startswith("."):
            try:
                received = read_again(file)
                header = json.loads(received.envelope.payload)
                assert received.body_length == header["body"]["length"]
                assert received.body_sha256 == header["body"]["sha256"]
            except PrivxrayError as error:
                pytest.fail(f"{file}: {error}")


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_kill_9_at_every_step(
    name: str, snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    # What the report of a training shows is only read; tests/cli/test_report.py kills that.
    reporting = "privxray.workflow.hospital.reporting"
    monkeypatch.setattr(f"{reporting}.model_section.model_section", lambda *_: None)
    nothing = SpendingSection([], None, [])
    monkeypatch.setattr(f"{reporting}.training_report.spending", lambda *_: nothing)
    # Checking proofs of bounds touches no disk, and would be half of the module's time. They are only read.
    monkeypatch.setattr(checking, "_all_hold", lambda _, claims: all(claim is not None for claim in claims))
    stage, party, _, _ = case
    source = snapshots(stage)
    smooth = fresh(source, party, tmp_path / "smooth")
    assert not killed_at(-1, lambda: run(typed(smooth, case)))
    expected = outcome(smooth, party)
    steps = 0
    while True:
        steps += STRIDE.get(name, 1)
        world = fresh(source, party, tmp_path / str(steps))
        killed = killed_at(steps, lambda world=world: run(typed(world, case)))  # type: ignore[misc]
        visible_files_are_whole(world[party])
        if (world[party] / "privxray.yaml").exists():
            world.ok(party, "status")
        if not killed:
            assert outcome(world, party) == expected
            break
        left = {
            path: path.read_bytes()
            for pattern in (
                *("updates/*.enc", "updates/*.agreement", "*.share", "*.request"),
                *("*.waiver", "*.refusal"),
            )
            for path in world[party].glob(pattern)
            if not path.name.startswith(".")
        }
        code = run(typed(world, case))
        assert code == 0 or (name.startswith("init") and is_done(world, party))
        assert outcome(world, party) == expected
        assert all(path.read_bytes() == data for path, data in left.items()), "two of them have left"
        if code == 0:  # an init that was complete already leaves its litter to the next command
            assert not list(world[party].rglob(".*.tmp"))
        if name == "train":
            ledger = Ledger.open(world[party] / "ledger.db")
            assert len({entry.run for entry in ledger.entries()}) == 1
            assert 0.099 < ledger.cost().epsilon <= 0.1
        shutil.rmtree(world.root)
    assert steps > 10, "the harness has to see the command's steps"


def is_done(world: World, party: str) -> bool:
    """An ``init`` that was killed after its last step is refused the second time, and is complete."""
    workspace = Workspace.find(world[party])
    if workspace.config.role == "coordinator":
        return True
    with sqlite3.connect(workspace.state_path) as database:
        keys = database.execute("SELECT count(*) FROM round_key WHERE kind = 'mask-key'").fetchone()[0]
    return bool(keys) and workspace.card_path.exists()
