"""A key that was given up is refused wherever a file comes in or a plan is made or followed."""

from __future__ import annotations

import shutil
from pathlib import Path

import played_keyholders  # noqa: F401 - its stages
import pytest
from crash import killed_at
from forged_files import changed, put
from played_study import HOSPITALS, At, Result, World, identity_in

from privxray.cli.app import run
from privxray.keys.identity import Identity


def reason(result: Result) -> tuple[int, str]:
    return result.code, result.json["error"]["reason"]


def revocation(world: World, party: str) -> Path:
    file = world.root / f"{party}.revocation"
    world.ok(party, "revoke", file, "--why", "left", asks=True)
    return file


def test_a_revoked_hospital_s_update_is_passed_over_and_it_counts_as_missing(at: At) -> None:
    world = at("exported")
    told = world.ok("coordinator", "distrust", revocation(world, "hospital-c"))
    assert (told["party"], told["why"], told["already"]) == ("hospital-c", "left", False)
    assert world.ok("coordinator", "distrust", world.root / "hospital-c.revocation")["already"] is True
    result = world.type("coordinator", "aggregate", "updates/*.enc", "--json", asks=True)
    assert reason(result) == (15, "cohort.refused")
    assert "missing: hospital-c" in result.json["error"]["what"]
    assert "the key of hospital-c was revoked" in result.json["error"]["what"]
    seen = world.ok("coordinator", "inspect", next((world["coordinator"] / "updates").glob("hospital-c*")))
    assert "whose key was revoked" in seen["signature"]


def test_no_plan_is_made_or_followed_with_a_revoked_party(at: At) -> None:
    world = at("joined-not")
    file = revocation(world, "hospital-c")
    world.ok("hospital-a", "distrust", file)
    plan = next((world["hospital-a"] / "received").glob("*.plan"))
    words = (world.root / "key-words").read_text()
    followed = world.type("hospital-a", "join", plan, "--key-words", words, "--json")
    assert reason(followed) == (4, "plan.revoked-party")
    world.ok("coordinator", "distrust", file)
    for party in HOSPITALS:
        shutil.copy(world.ok(party, "card", asks=True)["card"], world["coordinator"] / "cards")
    planned = world.type("coordinator", "plan", "cards/*.card", "--replace", "--json", asks=True)
    assert reason(planned) == (13, "key.revoked")


def test_a_member_who_gives_its_key_up_later_is_not_carried_into_the_next_plan(at: At) -> None:
    world = at("keyholders-answered")  # each update brought its hospital's key for the next round
    world.ok("coordinator", "distrust", revocation(world, "hospital-c"))
    world.ok("coordinator", "aggregate", "shares/*.share", asks=True)
    fresh = [world.carry(world.ok(f"hospital-{one}", "card", asks=True)["card"], "coordinator", "cards")
             for one in "be"]  # fmt: skip
    carried = world.type("coordinator", "plan", *fresh, "--continue", "--json", asks=True)
    assert reason(carried) == (4, "plan.revoked-party")
    assert "hospital-c" in carried.json["error"]["what"]
    went_on = world.ok("coordinator", "plan", *fresh, "--continue", "--without", "hospital-c", asks=True)
    members = world.ok("coordinator", "inspect", went_on["plan"])["header"]["roster"]["members"]
    assert [member["name"] for member in members] == ["hospital-a", "hospital-b", "hospital-d", "hospital-e"]


def test_a_revoked_coordinator_is_followed_no_more(at: At) -> None:
    world = at("unaccepted")
    world.ok("hospital-a", "distrust", revocation(world, "coordinator"))
    accepted = world.type("hospital-a", "accept", "received/global-0001.model", "--json", asks=True)
    assert reason(accepted) == (13, "key.revoked")


@pytest.mark.usefixtures("quick")
def test_a_revoked_party_is_refused_in_encrypted_inference(asked: Path, copy: object) -> None:
    world: World = copy(asked)  # type: ignore[operator]
    query = next((world["clinic"] / "queries").glob("*.query"))
    world.ok("coordinator", "distrust", revocation(world, "clinic"))
    answered = world.type("coordinator", "infer", "answer", query, "--key-words", "x", "--json", asks=True)
    assert reason(answered) == (13, "key.revoked")
    world.ok("clinic", "distrust", revocation(world, "coordinator"))
    asked_again = world.type("clinic", "infer", "ask", "x.png", "--json", asks=True)
    assert reason(asked_again) == (13, "key.revoked")


def test_key_words_are_forgotten(asked: Path, copy: object) -> None:
    world: World = copy(asked)  # type: ignore[operator]
    unknown = world.type("clinic", "infer", "distrust", "nobody", "--json")
    assert reason(unknown) == (2, "party.unknown")
    world.ok("clinic", "infer", "distrust", "coordinator")
    again = world.type("clinic", "infer", "ask", "x.png", "--json", asks=True)
    assert reason(again) == (10, "offer.none-yet")
    assert reason(world.type("clinic", "infer", "distrust", "coordinator", "--json")) == (2, "party.unknown")


def test_what_is_no_revocation_is_refused(at: At) -> None:
    world = at("initialised")
    file = revocation(world, "hospital-c")
    signer = identity_in(world["hospital-c"])
    good, other = file.read_bytes(), Identity.generate()
    for change, by, why in (
        (put("sender", value="0" * 64), signer, (11, "revocation.other-sender")),
        (put("study", value="pneumonia"), signer, (11, "revocation.body-or-study")),
        (put("body", "length", value=5), signer, (11, "revocation.body-or-study")),
        (put("name", value="hospital-b"), other, (13, "signature.wrong")),
        (put("why", value="angry"), signer, (11, "header.field")),
    ):
        file.write_bytes(changed(good, change, by))
        assert reason(world.type("hospital-a", "distrust", file, "--json")) == why
    file.write_bytes(good)
    assert reason(world.type("hospital-c", "distrust", file, "--json")) == (4, "revocation.own")
    card = world["hospital-b"] / "hospital-b.card"
    assert reason(world.type("hospital-a", "distrust", card, "--json")) == (11, "file.other-kind")
    again = world.type("hospital-c", "revoke", file, "--why", "lost", "--json", asks=True)
    assert reason(again) == (4, "file.other-content")


@pytest.mark.parametrize("command", ["revoke", "distrust"])
def test_kill_9_at_every_step(at: At, command: str) -> None:
    world = at("initialised")
    file = world.root / "c.revocation"
    made = revocation(world, "hospital-c")
    words = ["-C", str(world["hospital-c"]), "revoke", str(file), "--passphrase-file", str(world.passphrase)]
    if command == "distrust":
        words = ["-C", str(world["hospital-a"]), "distrust", str(made)]
    steps = 0
    while killed_at(steps := steps + 1, lambda: run(words)):
        pass
    assert steps > 10
    assert run(words) in (0, 4)
    world.ok("hospital-a", "distrust", file if command == "revoke" else made)


def test_an_old_key_names_a_new_one_and_members_see_it(at: At) -> None:
    """The roster's words change, and `join` says who named the new keys; without the statement it says so."""
    world = at("joined")
    new = world["new"]
    new.mkdir()
    shutil.copy(world["hospital-c"] / "ledger.db", new)
    world.ok("new", "init", "--role", "hospital", "--name", "hospital-c", asks=True)
    file = world.root / "c.revocation"
    told = world.ok("hospital-c", "succeed", new / "hospital-c.card", file, asks=True)
    again = world.ok("hospital-c", "succeed", new / "hospital-c.card", file, asks=True)
    assert again == told
    for party in ("coordinator", "hospital-a"):
        assert world.ok(party, "distrust", file)["successor"] == told["successor"]
    cards = [new / "hospital-c.card"]
    for party in ("hospital-a", "hospital-b"):
        cards.append(Path(world.ok(party, "card", asks=True)["card"]))
    line = ("plan", *cards, "--continue", "--without", "hospital-c")
    planned = world.ok("coordinator", *line, asks=True)
    assert planned["key_words"] != world.key_words()
    for party, says in (
        ("hospital-a", "hospital-c has new keys, which its old key has named"),
        (
            "hospital-b",
            "hospital-c has new keys, and no statement of its old key that names them has come here",
        ),
    ):
        plan = world.carry(planned["plan"], party)
        joined = world.type(party, "join", plan, "--key-words", planned["key_words"])
        assert joined.code == 0, joined.err
        assert says in " ".join(joined.err.split())
    world.ok("new", "join", planned["plan"], "--key-words", planned["key_words"])


def test_whom_an_old_key_can_name(at: At) -> None:
    world = at("initialised")
    file = world.root / "c.revocation"

    def succeeded(card: Path) -> tuple[int, str]:
        return reason(world.type("hospital-c", "succeed", card, file, "--json", asks=True))

    assert succeeded(world["hospital-b"] / "hospital-b.card") == (4, "succession.other-party")
    assert succeeded(world["hospital-c"] / "hospital-c.card") == (4, "succession.own-card")
    assert not file.exists()
    by_coordinator = world.type("coordinator", "succeed", "x", file, "--json", asks=True)
    assert reason(by_coordinator) == (10, "workspace.other-role")
