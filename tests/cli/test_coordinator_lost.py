"""A coordinator's key is lost, hospitals that the plan names vote for another one, and the study goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from crash import killed_at
from played_study import HOSPITALS, Snapshots, World, copy_world, identity_in
from played_succession import (
    NAMED,
    candidate,
    exported,
    newest_plan,
    planned_anew,
    play,
    succeeded,
    vote,
)

import privxray
from privxray.cli.app import run
from privxray.exchange.intake import envelope_of, read_again
from privxray.formats.header import Stamp
from privxray.keys.key_words import party_words
from privxray.keys.succession.candidacy import read_candidacy, write_candidacy
from privxray.workflow.common import new_coordinator, stamp
from privxray.workflow.coordinator import take_over_study
from privxray.workflow.custody import candidacy, named_successor
from privxray.workflow.custody import vote as vote_module
from privxray.workflow.upkeep.advice.advise import advise
from privxray.workflow.upkeep.advice.look import look
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

UNTIL = (stamp.today() + timedelta(30)).isoformat()
STAMP = Stamp(created="2026-01-02T03:04:05Z", software="privxray 0.1.0")


@pytest.fixture(scope="module")
def played(snapshots: Snapshots, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(snapshots, tmp_path_factory.mktemp("succession") / "world")


@pytest.fixture(scope="module")
def delivered(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all updates at the coordinator."""
    folder = copy_world(played, tmp_path_factory.mktemp("delivered") / "world")
    exported(World(folder), "coordinator")
    return folder


@pytest.fixture
def world(played: Path, tmp_path: Path) -> World:
    return World(copy_world(played, tmp_path / "world"))


def advice(world: World, party: str) -> str:
    with looking(Workspace.find(world[party])) as session:
        return "; ".join(one.text for one in advise(look(session)))


def told(world: World, party: str, plan: str | Path, key_words: str) -> str:
    """What a plan changes, as `join` tells it."""
    return "; ".join(world.ok(party, "join", plan, "--key-words", key_words)["changes"])


def test_the_study_goes_on_to_a_model(delivered: Path, copy: Callable[[Path], World]) -> None:
    """The open round is void, whoever exported pays again, and the new coordinator opens the next sum."""
    world = copy(delivered)
    before = newest_plan(world)
    shutil.rmtree(world["coordinator"])
    card = candidate(world)
    assert "carry the succession" not in advice(world, "coordinator-2")
    for party in ("hospital-a", "hospital-c"):
        assert vote(world, party, card)["candidate"] == "coordinator-2"
    assert "voted for coordinator-2" in advice(world, "hospital-a")
    file = world.root / "pneumonia.succession"
    made = world.ok("coordinator-2", "succeed", before, file, "--votes", "votes", asks=True)
    assert (made["voters"], made["has_model"], made["round"]) == (["hospital-a", "hospital-c"], False, 2)
    assert "carry the succession" in advice(world, "coordinator-2")
    for party in HOSPITALS:
        joined = world.ok(party, "join", file)
        assert joined["coordinator"]["name"] == "coordinator-2"
        assert joined["voters"] == ["hospital-a", "hospital-c"]
        assert world.ok(party, "join", file)["already"] is True
        assert "carry the card to coordinator-2" in advice(world, party)
    checks = world.ok("hospital-b", "doctor")["checks"]
    assert [one["result"] for one in checks if one["check"] == "coordinator"] == ["notice"]
    (world["coordinator-2"] / "cards").mkdir()
    cards = [world.ok(party, "card", asks=True)["card"] for party in HOSPITALS]
    for card in cards[:2]:
        shutil.copy(card, world["coordinator-2"] / "cards")
    assert "ask hospital-c for a fresh card (privxray card), put it into cards/" in advice(
        world, "coordinator-2"
    )
    shutil.copy(cards[2], world["coordinator-2"] / "cards")
    assert advice(world, "coordinator-2").endswith("type: privxray plan cards/*.card --continue")
    planned = world.ok("coordinator-2", "plan", "cards/*.card", "--continue", asks=True)
    assert (planned["round"], planned["stage"], planned["roster"]["version"]) == (3, 1, 2)
    assert planned["terms"]["successors"] == list(HOSPITALS)
    for party in HOSPITALS:
        plan = world.carry(planned["plan"], party)
        said = told(world, party, plan, planned["key_words"])
        assert "coordinator-2 is the coordinator, whom hospital-a and hospital-c named in place of" in said
    exported(world, "coordinator-2", "--epsilon", "1")
    model = world.ok("coordinator-2", "aggregate", "updates/*.enc", asks=True)["model"]
    assert world.ok("hospital-a", "accept", world.carry(model, "hospital-a"), asks=True)["proven"] is True
    assert world.ok("coordinator-2", "report", "study")


@pytest.fixture(scope="module")
def elected(delivered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hospitals have the round's model, the next plan has not left, and they have voted."""
    world = World(copy_world(delivered, tmp_path_factory.mktemp("elected") / "world"))
    model = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["model"]
    card = candidate(world)
    for party in ("hospital-a", "hospital-b"):
        world.ok(party, "accept", world.carry(model, party), asks=True)
        vote(world, party, card)
    return world.root


def model_at(world: World, party: str) -> Path:
    return next((world[party] / "models").glob("*.model"))


def taken_over(world: World, *words: str | Path) -> dict[str, Any]:
    """The plan by which coordinator-2 goes on."""
    file = succeeded(world, "coordinator-2", *words)
    (world["coordinator-2"] / "cards").mkdir()
    for party in HOSPITALS:
        world.ok(party, "join", file)
        shutil.copy(world.ok(party, "card", asks=True)["card"], world["coordinator-2"] / "cards")
    planned: dict[str, Any] = world.ok("coordinator-2", "plan", "cards/*.card", "--continue", asks=True)
    return planned


def test_a_closed_round_is_taken_over_with_its_model(elected: Path, copy: Callable[[Path], World]) -> None:
    """The next training round starts from the model that a member hands over."""
    world = copy(elected)
    model = model_at(world, "hospital-a")
    planned = taken_over(world, "--model", model)
    assert (planned["round"], planned["stage"]) == (3, 2)
    assert read_again(Path(planned["plan"])).body() == read_again(model).body()
    said = told(world, "hospital-a", planned["plan"], planned["key_words"])
    assert "does not start" not in said
    assert "model is kept here" not in said


def test_all_votes_are_over_the_same_model(elected: Path, copy: Callable[[Path], World]) -> None:
    """Two voters have the round's model: the candidate has to have it, and a third has to know it."""
    world = copy(elected)
    votes, model = world["coordinator-2"] / "votes", model_at(world, "hospital-a")
    line = ("succeed", newest_plan(world), "s.succession", "--votes", "votes")
    assert world.refused("coordinator-2", *line, asks=True) == "vote.newer-result"
    (votes / "hospital-b-pneumonia.vote").unlink()
    card = world.ok("coordinator-2", "card", "--candidacy", asks=True)
    vote(world, "hospital-c", card)
    refusal = world.type("coordinator-2", *line, "--model", model, asks=True)
    assert "1 of 2 votes" in refusal.err
    assert "hospital-c voted before it accepted the model or summary of round 2" in " ".join(
        refusal.err.split()
    )
    world.ok("hospital-c", "accept", world.carry(model, "hospital-c"), asks=True)
    assert "voted for coordinator-2" not in advice(world, "hospital-c")  # that vote counts no more
    assert vote(world, "hospital-c", card)["already"] is False
    assert "voted for coordinator-2" in advice(world, "hospital-c")
    made = world.ok("coordinator-2", *line, "--model", model, asks=True)
    assert (made["voters"], made["until"]) == (["hospital-a", "hospital-c"], card["until"])


def test_a_program_votes_and_takes_over(elected: Path, copy: Callable[[Path], World]) -> None:
    world = copy(elected)
    office, ward = (Workspace.find(world[party]) for party in ("coordinator-2", "hospital-a"))
    made = privxray.make_candidacy(office, world.secret)
    assert privxray.vote(ward, made.path, made.key_words, world.secret).already
    lineage = privxray.Lineage(newest_plan(world), model_at(world, "hospital-a"))
    file = world.root / "pneumonia.succession"
    taken = privxray.take_over(office, lineage, office.root / "votes", file, world.secret)
    assert (taken.voters, taken.until) == (("hospital-a", "hospital-b"), made.until)
    assert privxray.take_in_succession(ward, file).header.name == "coordinator-2"
    with pytest.raises(privxray.PrivxrayError) as told:
        privxray.take_in_succession(ward, lineage.plan)
    assert told.value.reason == "file.other-kind"


def test_who_has_a_model_refuses_votes_that_were_made_before_it(
    delivered: Path, copy: Callable[[Path], World]
) -> None:
    """The coordinator was found again and closed the round; then somebody uses the votes."""
    world = copy(delivered)
    card = candidate(world)
    for party in ("hospital-b", "hospital-c"):
        vote(world, party, card)
    file = succeeded(world)
    model = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["model"]
    world.ok("hospital-a", "accept", world.carry(model, "hospital-a"), asks=True)
    assert world.refused("hospital-a", "join", file) == "succession.before-newer-result"


def test_votes_end_with_their_last_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own, to = world["coordinator-2"] / "coordinator-2.candidacy", world["coordinator-2"] / "votes"
    today = stamp.today()

    def day(days: int) -> None:
        for module in (vote_module, candidacy, named_successor, new_coordinator, take_over_study):
            monkeypatch.setattr(module, "today", lambda: today + timedelta(days))

    day(0)  # also where midnight comes in between
    card = candidate(world)
    assert card["until"] == (today + timedelta(30)).isoformat()
    longer = world.ok("coordinator-2", "card", "--candidacy", "--days", "90", asks=True)
    assert longer["until"] == (today + timedelta(90)).isoformat()
    assert world.ok("coordinator-2", "card", "--candidacy", asks=True) == longer
    assert world.refused("coordinator-2", "card", "--days", "9", asks=True) == "card.days-without-candidacy"
    assert world.type("coordinator-2", "card", "--candidacy", "--days", "91").code == 2
    card = world.ok("coordinator-2", "card", "--candidacy", "--days", "2", asks=True)
    for party in ("hospital-a", "hospital-b"):
        assert vote(world, party, card)["until"] == card["until"]
    file = succeeded(world)
    line = ("vote", own, "--key-words", card["key_words"], "--to", to)
    day(2)
    world.ok("hospital-a", "join", file)
    assert "voted for coordinator-2" in advice(world, "hospital-b")
    day(3)
    assert world.refused("hospital-c", "join", file) == "succession.past"
    assert world.refused("hospital-c", *line, asks=True) == "candidacy.past"
    assert "voted for coordinator-2" not in advice(world, "hospital-b")
    # A candidacy that is past is made again by the same command, and the hospital votes again.
    made = world.ok("coordinator-2", "card", "--candidacy", asks=True)
    assert made["until"] == (today + timedelta(33)).isoformat()
    assert vote(world, "hospital-b", made)["already"] is False
    # What is no candidacy of its own, it does not replace, and it names no option that there is none of.
    own.write_bytes(b"notes")
    refused = world.type("coordinator-2", "card", "--candidacy", "--days", "9", "--json", asks=True)
    assert refused.json["error"]["reason"] == "file.other-content"
    assert "--force" not in refused.json["error"]["advice"]
    own.unlink()
    assert world.ok("coordinator-2", "card", "--candidacy", asks=True)["until"] == made["until"]
    # The new coordinator counts again; who has taken the first succession in knows these keys.
    again = ("succeed", newest_plan(world), file, "--votes", "votes")
    assert world.refused("coordinator-2", *again, asks=True) == "succession.votes-missing"
    line, in_the_way = (*line[:3], made["key_words"], *line[4:]), to / "hospital-c-pneumonia.vote"
    in_the_way.write_bytes(b"notes")
    assert world.refused("hospital-c", *line, asks=True) == "file.other-content"
    in_the_way.unlink()
    assert vote(world, "hospital-c", made)["already"]
    told = world.ok("coordinator-2", *again, asks=True)
    assert (told["voters"], told["until"]) == (["hospital-b", "hospital-c"], made["until"])
    assert world.ok("hospital-a", "join", file)["already"] is True
    assert world.ok("hospital-c", "join", file)["already"] is False
    assert world.ok("coordinator-2", *again, asks=True)["voters"] == []  # delivered again
    day(-2)
    made = world.ok("coordinator-2", "card", "--candidacy", "--days", "90", asks=True)
    day(-4)
    assert world.refused("hospital-b", *line, asks=True) == "candidacy.too-far"


def test_the_files_of_the_lost_key_are_refused_and_who_objects_is_named(world: World) -> None:
    """An old coordinator that is there after all: whoever sees both is told."""
    card = candidate(world)
    vote(world, "hospital-a", card)
    vote(world, "hospital-b", card)
    for party in HOSPITALS:
        shutil.copy(world.ok(party, "card", asks=True)["card"], world["coordinator"] / "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--replace", "--successors", NAMED, asks=True)
    third, words = Path(planned["plan"]), planned["key_words"]
    assert planned["round"] == 3
    # A hospital that voted and has not seen the succession yet hears that the old one signs still.
    assert "voted" not in told(world, "hospital-c", third, words)
    said = told(world, "hospital-a", third, words)
    assert "this hospital voted for coordinator-2 as coordinator, and the one before signs still" in said
    # The votes were made over the plan before: whoever follows the newer one refuses them.
    assert "voted for coordinator-2" not in advice(world, "hospital-a")
    file = world.root / "pneumonia.succession"
    line = ("succeed", newest_plan(world, "hospital-b"), file, "--votes", "votes")
    world.ok("coordinator-2", *line, asks=True)
    for party in ("hospital-a", "hospital-c"):
        assert world.refused(party, "join", file) == "succession.before-newer-plan"
    world.ok("hospital-b", "join", file)  # it has not heard of the old coordinator
    older = newest_plan(world, "hospital-b")
    for command in ("join", "accept"):
        refusal = world.refused("hospital-b", command, third)
        assert refusal == "plan.other-coordinator"
    assert world.refused("hospital-b", "train") == "round.coordinator-succeeded"
    inspected = world.ok("hospital-b", "inspect", third)
    assert "whose key was revoked" in inspected["signature"]
    # Its key is lost all the same: the others vote again, over the newer plan, and all come along.
    for party in ("hospital-a", "hospital-c"):
        vote(world, party, card)
    newer = ("succeed", third, file, "--votes", "votes")
    assert world.ok("coordinator-2", *newer, asks=True)["round"] == 3
    for party in HOSPITALS:
        assert world.ok(party, "join", file)["already"] is (party == "hospital-b")
    again = ("succeed", older, file, "--votes", "votes")
    assert world.refused("coordinator-2", *again, asks=True) == "succession.other-beginning"


def test_whoever_has_exported_exports_no_more_and_what_was_trained_stays(world: World) -> None:
    world.ok("hospital-a", "train")
    card = candidate(world)
    vote(world, "hospital-a", card)
    vote(world, "hospital-b", card)
    file = succeeded(world)
    world.ok("hospital-a", "join", file)
    assert world.refused("hospital-a", "export-update", asks=True) == "round.coordinator-succeeded"
    for party in ("hospital-b", "hospital-c"):
        world.ok(party, "join", file)
    planned_anew(world, "coordinator-2", "--continue")
    # Nothing of that training had left, so the new plan takes it over at no cost.
    assert "export-update" in advice(world, "hospital-a")
    world.ok("hospital-a", "export-update", asks=True)


def test_votes_that_are_refused(world: World) -> None:
    card = candidate(world)
    line = ("vote", card["card"], "--key-words")
    other = " ".join(["abandon"] * 12)
    assert world.refused("hospital-a", *line, other, asks=True) == "vote.wrong-words"
    assert world.refused("coordinator", *line, card["key_words"], asks=True) == "workspace.other-role"
    vote(world, "hospital-a", card)
    assert vote(world, "hospital-a", card)["already"] is True
    second = candidate(world, "coordinator-3")
    again = ("vote", second["card"], "--key-words", second["key_words"])
    assert world.refused("hospital-a", *again, asks=True) == "vote.second"
    assert vote(world, "hospital-a", second, "--change")["candidate"] == "coordinator-3"
    for folder, study, reason in (
        ("coordinator", "pneumonia", "candidacy.present-coordinator"),
        ("coordinator-3", "other", "candidacy.other-study"),
    ):
        file = world.root / f"{study}.candidacy"
        file.write_bytes(write_candidacy(identity_in(world[folder]), "x", study, UNTIL, STAMP))
        assert world.refused("hospital-b", "vote", file, "--key-words", "x", asks=True) == reason
    line = ("card", "--candidacy", "--study", "other")
    assert world.refused("coordinator", *line, asks=True) == "card.candidacy-options"
    assert world.refused("hospital-a", "card", "--candidacy", asks=True) == "workspace.other-role"


def test_a_study_takes_votes_of_those_alone_that_its_plan_names(world: World) -> None:
    planned_anew(world, "coordinator", "--replace", "--successors", "hospital-a,hospital-b")
    card = candidate(world)
    line = ("vote", card["card"], "--key-words", card["key_words"])
    assert world.refused("hospital-c", *line, asks=True) == "vote.not-named"
    planned_anew(world, "coordinator", "--replace", "--epsilon", "6")
    assert world.refused("hospital-a", *line, asks=True) == "succession.nobody-may"
    names, both = ("plan", "cards/*.card", "--replace"), "hospital-a,hospital-b"
    for party in HOSPITALS:
        shutil.copy(world.ok(party, "card", asks=True)["card"], world["coordinator"] / "cards")
    for words, reason in (
        (("--successors", "hospital-a,clinic"), "plan.unknown-successor"),
        (("--successors", "hospital-a"), "plan.successor-threshold"),
        (("--successors", both, "--successor-threshold", "3"), "plan.successor-threshold"),
        (("--successors", both, "--successor-threshold", "1"), "plan-option.successor-threshold"),
        (("--successor-threshold", "2"), "plan.successors-missing"),
    ):
        assert world.refused("coordinator", *names, *words, asks=True) == reason


def test_successions_that_are_refused(world: World) -> None:
    card = candidate(world)
    vote(world, "hospital-a", card)
    file = world.root / "pneumonia.succession"
    line = ("succeed", newest_plan(world), file, "--votes")
    assert world.refused("coordinator-2", *line, "nowhere", asks=True) == "succession.no-folder"
    assert world.refused("coordinator-2", *line, "votes", asks=True) == "succession.votes-missing"
    assert world.refused("hospital-a", *line, "votes", asks=True) == "workspace.other-role"
    assert world.refused("coordinator", *line, "votes", asks=True) == "succession.study-under-way"
    wrong = ("succeed", newest_plan(world), file, "--model", "x")
    assert world.refused("coordinator-2", *wrong, asks=True) == "succession.options-contradict"
    assert not file.exists()
    vote(world, "hospital-b", card)
    (world["coordinator-2"] / "votes" / "zzz.vote").write_bytes(b"PRIVXRAY nonsense")
    done = world.type("coordinator-2", *line, "votes", asks=True)
    assert done.code == 0
    assert "Not counted" in done.err
    assert world.refused("hospital-a", "distrust", file) == "succession.by-votes"
    world.ok("hospital-c", "join", file)
    third = candidate(world, "coordinator-3")
    for party in ("hospital-a", "hospital-b"):
        vote(world, party, third, "--change")
    other = world.root / "other.succession"
    made = ("succeed", newest_plan(world), other, "--votes", "votes")
    world.ok("coordinator-3", *made, asks=True)
    assert world.refused("hospital-c", "join", other) == "succession.second-coordinator"
    notes = world.ok("hospital-a", "join", file)["notes"]
    assert notes == ["this hospital had voted for coordinator-3"]
    world["stranger"].mkdir()
    world.ok("stranger", "init", "--role", "hospital", "--name", "stranger", asks=True)
    assert world.refused("stranger", "join", file) == "succession.unknown-study"


@pytest.mark.parametrize(("command", "stride"), [("card", 4), ("vote", 4), ("succeed", 2), ("join", 5)])
def test_kill_9_at_its_steps(elected: Path, copy: Callable[[Path], World], command: str, stride: int) -> None:
    world = copy(elected)
    card = world["coordinator-2"] / "coordinator-2.candidacy"
    key_words = party_words("coordinator-2", read_candidacy(envelope_of(card)).header.keys)
    lines = {
        "vote": ("hospital-c", "vote", card, "--key-words", key_words),
        "succeed": (
            "coordinator-2",
            "succeed",
            newest_plan(world),
            "s.succession",
            "--votes",
            "votes",
            "--model",
            model_at(world, "hospital-a"),
        ),
        "join": ("hospital-c", "join", world["coordinator-2"] / "s.succession"),
        "card": ("coordinator-2", "card", "--candidacy"),
    }
    if command == "card":
        card.unlink()
    party, *words = lines[command]
    if command == "join":
        maker, *made = lines["succeed"]
        world.ok(maker, *made, asks=True)
    line = ["-C", str(world[party]), *map(str, words)]
    if command != "join":
        line += ["--passphrase-file", str(world.passphrase)]
    steps = 1
    while killed_at(steps, lambda: run(line)):
        steps += stride
    assert steps > 10
    assert run(line) == 0
    if command == "succeed":
        world.ok("hospital-c", "join", world["coordinator-2"] / "s.succession")
    if command == "join":
        assert "carry the card to coordinator-2" in advice(world, "hospital-c")


def test_each_file_says_in_the_drop_folder_what_to_do_with_it(
    elected: Path, copy: Callable[[Path], World]
) -> None:
    world = copy(elected)
    card = world["coordinator-2"] / "coordinator-2.candidacy"
    given = next((world["coordinator-2"] / "votes").glob("hospital-a*.vote"))

    def said(party: str, file: Path) -> str:
        folder = world[party] / "incoming"
        folder.mkdir(exist_ok=True)
        shutil.copy(file, folder)
        told = world.type(party, "status")
        assert told.code == 0, told.err
        return " ".join((told.out + told.err).split())

    assert "vote incoming/coordinator-2.candidacy" in said("hospital-c", card)
    assert "collect the votes in a folder" in said("coordinator-2", given)
    file = succeeded(world, "coordinator-2", "--model", model_at(world, "hospital-a"))
    assert "join incoming/pneumonia.succession" in said("hospital-c", file)
    world.ok("hospital-c", "join", file)
    assert "join incoming/pneumonia.succession" not in said("hospital-c", file)
