"""The privacy budget by its commands: overdraft, older copies, two at once, terms that promise nothing."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from crash import killed_at
from played_study import At, World, typed
from test_bad_input import one_line, tree

from privxray.cli.app import run
from privxray.privacy.accountant import calibrate
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger


def gaussian(scale: float) -> tuple[Event, ...]:
    return (Event(kind="gaussian", noise=scale),)


def spend(workspace: Path, amount: float, study: str = "elsewhere") -> None:
    """Charge a ledger for another study's training."""
    ledger = Ledger.open(workspace / "ledger.db")
    run = f"round-{len(ledger.entries()):04d}"
    ledger.reserve(study, run, gaussian(calibrate(gaussian, Guarantee(amount, ledger.limit.delta))))
    ledger.begin(study, run)
    ledger.finish(study, run)


def use_up(workspace: Path) -> None:
    """Charge a ledger for all that is left."""
    ledger = Ledger.open(workspace / "ledger.db")
    low, high = 0.1, 100.0  # refused and admitted: calibration rounds up, and would leave 0.01
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if ledger.admits(gaussian(middle)) else (middle, high)
    ledger.reserve("elsewhere", "1", gaussian(high))


def broken(ledger: Path) -> None:
    """Take the first entry out, as somebody would who has SQL and no key."""
    with sqlite3.connect(ledger) as database:
        database.execute("DROP TRIGGER entries_are_never_deleted")
        database.execute("DELETE FROM entries WHERE number = 1")


def test_an_overdraft_is_refused_before_any_batch_and_the_largest_epsilon_is_named(at: At) -> None:
    world = at("untrained")
    spend(world["hospital-a"], 9)
    before = (world["hospital-a"] / "ledger.db").read_bytes()
    refused = world.type("hospital-a", "train", "--epsilon", "6")
    one_line(
        refused, 14, "lifetime limit 10", "delta 1e-05", "add-or-remove-one-patient", "nothing was spent"
    )
    assert (world["hospital-a"] / "ledger.db").read_bytes() == before
    assert not list(world["hospital-a"].glob("rounds/*/steps/*"))
    named = re.search(r"train --epsilon (\d+(?:\.\d+)?)$", refused.err.strip())
    assert named, refused.err
    largest = float(named[1])
    one_line(world.type("hospital-a", "train", "--epsilon", f"{largest + 0.02:.2f}"), 14)
    world.ok("hospital-a", "train", "--epsilon", named[1])
    assert 9.98 < Ledger.open(world["hospital-a"] / "ledger.db").admitted().epsilon <= 10


def test_a_used_up_budget_names_no_epsilon(at: At) -> None:
    world = at("untrained")
    use_up(world["hospital-a"])
    one_line(world.type("hospital-a", "train"), 14, "Nothing is left")


def test_another_epsilon_is_refused_in_the_same_words_before_and_after_the_end(at: At) -> None:
    world = at("trained")
    done = world.type("hospital-a", "train", "--epsilon", "3")
    one_line(done, 4, "round 1 was trained with epsilon 6", "export-update")
    with sqlite3.connect(world["hospital-a"] / "state.db") as database:
        database.execute(
            "UPDATE round SET state = 'joined'"
        )  # as a crash right before the last step leaves it
    begun = world.type("hospital-a", "train", "--epsilon", "3")
    one_line(begun, 4, "round 1 was trained with epsilon 6", "train --epsilon 6")
    assert begun.err.split(". ")[0] == done.err.split(". ")[0]


def test_a_state_put_back_from_before_the_training_is_refused_and_draws_nothing(at: At) -> None:
    world = at("untrained")
    state = world["hospital-a"] / "state.db"
    snapshot = state.read_bytes()
    world.ok("hospital-a", "train")
    state.write_bytes(snapshot)
    charged = Ledger.open(world["hospital-a"] / "ledger.db").charged()
    for words in (("train",), ("train", "--epsilon", "3")):
        assert world.refused("hospital-a", *words) == "state.lacks-training"
        one_line(world.type("hospital-a", *words), 11, "backup of state.db")
    assert Ledger.open(world["hospital-a"] / "ledger.db").charged() == charged


def test_a_whole_workspace_put_back_from_a_snapshot_is_refused_beside_a_newer_update(at: At) -> None:
    world = at("trained")
    snapshot = world.root / "snapshot"
    shutil.copytree(world["hospital-a"], snapshot)
    spend(world["hospital-a"], 1)
    update = Path(world.ok("hospital-a", "export-update", asks=True)["update"])
    kept = world.root / update.name
    shutil.copy(update, kept)
    shutil.rmtree(world["hospital-a"])
    shutil.copytree(snapshot, world["hospital-a"])
    shutil.copy(kept, update)
    before = tree(world["hospital-a"])
    for words, asks in ((("train",), False), (("export-update", "--force"), True)):
        assert world.refused("hospital-a", *words, asks=asks) == "ledger.older-than-update"
        one_line(world.type("hospital-a", *words, asks=asks), 11, "ledger.db", "update of round 1")
    assert tree(world["hospital-a"]) == before


@pytest.mark.parametrize("command", [("train",), ("export-update",), ("budget",)])
def test_a_broken_chain_stops_all_that_spends_or_counts(at: At, command: tuple[str, ...]) -> None:
    world = at("trained")
    broken(world["hospital-a"] / "ledger.db")
    result = world.type("hospital-a", *command, asks=command[0] == "export-update")
    one_line(result, 11, "ledger.db", "was altered", "Put the untouched ledger back")


@pytest.mark.slow
def test_kill_9_at_every_write_of_train_to_the_ledger_is_paid_once(at: At, tmp_path: Path) -> None:
    source = at("untrained")["hospital-a"]
    line = ("train", "--epsilon", "0.1")
    step, states = 0, set()
    while True:
        step += 1
        copy = tmp_path / "copy" / str(step)
        shutil.copytree(source, copy)
        words = ["-C", str(copy), *line]
        killed = killed_at(step, lambda words=words: run(words), only="ledger.db")  # type: ignore[misc]
        assert typed(["-C", str(copy), "doctor"]).code == 0  # cut off is not wrong
        ledger = Ledger.open(copy / "ledger.db")
        states.add(tuple(entry.kind for entry in ledger.entries()))
        assert typed(words).code == 0
        assert [entry.kind for entry in ledger.entries()] == ["reserve", "spend", "release"]
        assert 0.099 < ledger.cost().epsilon <= 0.1
        shutil.rmtree(copy)
        if not killed:
            break
    assert step == 3 * 3 + 1, "an INSERT, an UPDATE and a COMMIT for each entry"
    assert states == {(), ("reserve",), ("reserve", "spend"), ("reserve", "spend", "release")}


def test_two_trainings_at_once_are_one(at: At) -> None:
    world = at("untrained")
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            code = 99
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                code = run(["-C", str(world["hospital-a"]), "train", "--epsilon", "6"])
            finally:
                os._exit(code)
        children.append(child)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert codes in ([0, 4], [0, 0])  # told that another command is at work, or that it is trained already
    entries = Ledger.open(world["hospital-a"] / "ledger.db").entries()
    assert [entry.kind for entry in entries] == ["reserve", "spend", "release"]


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "inf", "101"])
def test_a_plan_or_a_ledger_of_an_impossible_epsilon_is_not_made(at: At, amount: str) -> None:
    world = at("initialised")
    before = tree(world["coordinator"])
    planned = world.type("coordinator", "plan", "cards/*.card", "--epsilon", amount, asks=True)
    allowed = "it has to be a number above 0 and at most 100"
    one_line(planned, 2, f"--epsilon can't be '{float(amount)}': {allowed}")
    assert tree(world["coordinator"]) == before
    (world["fresh"]).mkdir()
    words = ("init", "--role", "hospital", "--name", "fresh", "--budget", amount)
    made = world.type("fresh", *words, asks=True)
    one_line(made, 2, f"--budget can't be '{amount}': {allowed}")
    assert not list(world["fresh"].iterdir())


@pytest.mark.parametrize(
    ("terms", "option"),
    [("", "1e-3"), ("", "1e-4"), ("", "nan"), ("", "0"), ("constants: {n_max: 100000}", "1e-5")],
)
def test_a_delta_that_is_not_below_one_over_n_max_is_not_planned(at: At, terms: str, option: str) -> None:
    """In a study of format 1; tests/cli/test_sizes.py has format 2."""
    world = at("initialised")
    of_format_1(world)
    (world["coordinator"] / "terms.yaml").write_text(terms)
    before = tree(world["coordinator"])
    words = ("plan", "cards/*.card", "--from", "terms.yaml", "--delta", option)
    one_line(world.type("coordinator", *words, asks=True), 2, "delta")
    assert tree(world["coordinator"]) == before


def of_format_1(world: World) -> None:
    """A card of an older version makes the study one of format 1, without sizes."""
    card = world.ok("hospital-b", "card", "--format", "1", asks=True)["card"]
    world.carry(card, "coordinator", "cards")


def test_such_a_delta_is_not_followed_either(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("initialised")
    of_format_1(world)
    monkeypatch.setattr(
        "privxray.workflow.coordinator.planning.plan_terms.require_delta_below", lambda *_: None
    )
    told = world.ok("coordinator", "plan", "cards/*.card", "--delta", "1e-3", asks=True)
    plan = world.carry(told["plan"], "hospital-a")
    refused = world.type("hospital-a", "join", plan, "--key-words", told["key_words"])
    one_line(refused, 4, "plan-0001.plan", "delta 0.001 promises nothing", "10,000")
    words = ("join", plan, "--key-words", told["key_words"])
    assert world.refused("hospital-a", *words) == "plan.delta-too-large"
    assert world.ok("hospital-a", "status")["rounds"] == []
