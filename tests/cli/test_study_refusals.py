"""Refusals of a study's commands by their reasons: what is done before, who types what, which rule fires."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import played_keyholders  # noqa: F401 - its stages
import pytest
from played_keyholders import HOSPITALS as FIVE
from played_study import PASSPHRASE, Snapshots, World, copy_world, identity_in

from privxray.errors import IdentityError, MalformedError
from privxray.exchange.intake import read_again
from privxray.formats.container import seal_header
from privxray.keys.card import CardHeader
from privxray.workflow.coordinator import restore_masks
from privxray.workflow.coordinator.planning import starting_weights
from privxray.workflow.coordinator.planning.make_plan import make_plan
from privxray.workflow.coordinator.planning.plan_terms import Terms
from privxray.workspace.folder import Workspace

Before = Callable[[World], object]


def nothing(_: World) -> None:
    """The stage is enough."""


def sql(party: str, statement: str) -> Before:
    def done(world: World) -> None:
        with sqlite3.connect(world[party] / "state.db") as database:
            database.executescript(statement)

    return done


def write(file: str, data: bytes) -> Before:
    return lambda world: (world.root / file).write_bytes(data)


def remove(pattern: str) -> Before:
    def done(world: World) -> None:
        for file in world.root.glob(pattern):
            file.unlink()

    return done


def foreign_mask_key(world: World) -> None:
    """The mask key that the plan names is not the one of that number here."""
    sql("hospital-a", "UPDATE round_key SET number = number + 7 WHERE kind = 'mask-key'")(world)


def left_out_of_the_sum(world: World) -> None:
    """A model of a round that this hospital has not exported in."""
    sql("hospital-a", "UPDATE round SET state = 'trained', update_sha256 = NULL")(world)


def card_of_another_study(world: World) -> None:
    world.ok("hospital-a", "card", "--study", "cardiology", asks=True)
    world.carry(world["hospital-a"] / "hospital-a.card", "coordinator", "cards")


def folder_inside(world: World) -> None:
    (world["hospital-a"] / "deeper").mkdir()


def given_up(world: World) -> None:
    """No round of the coordinator was ever closed, and the newest is given up."""
    sql("coordinator", "UPDATE round SET state = 'void'")(world)


MODEL = "received/global-0001.model"
PLAN = "received/plan-0001.plan"

CASES: dict[str, tuple[str, Before, str, tuple[str, ...]]] = {
    # The workspace
    "init.workspace-here": (
        "initialised", nothing, "hospital-a", ("init", "--role", "hospital", "--name", "hospital-a")
    ),
    "init.inside-workspace": (
        "initialised", folder_inside, "hospital-a/deeper", ("init", "--role", "hospital", "--name", "x")
    ),
    "init.config-gone": (
        "initialised", remove("hospital-a/privxray.yaml"), "hospital-a",
        ("init", "--role", "hospital", "--name", "hospital-a"),
    ),
    "init.other-limit": (
        "initialised",
        lambda world: [remove(f"hospital-a/{name}")(world) for name in ("privxray.yaml", "state.db")],
        "hospital-a",
        ("init", "--role", "hospital", "--name", "hospital-a", "--budget", "3"),
    ),
    "workspace.config-damaged": (
        "initialised", write("hospital-a/privxray.yaml", b"role: king"), "hospital-a", ("status",)
    ),
    "workspace.state-damaged": (
        "initialised", write("hospital-a/state.db", b"x" * 9000), "hospital-a", ("status",)
    ),
    "workspace.state-of-later-version": (
        "joined", sql("hospital-a", "UPDATE round SET state = 'paused'"), "hospital-a", ("status",)
    ),
    "workspace.public-keys-damaged": (
        "joined", write("hospital-a/keys/identity.pub", b"{}"), "hospital-a", ("status",)
    ),
    "file.other-content": (
        "trained", write("hospital-a/updates/hospital-a-pneumonia-0001.enc", b"mine"), "hospital-a",
        ("export-update",),
    ),
    "doctor.no-such-file": ("joined", nothing, "hospital-a", ("doctor", "nowhere")),
    "study.not-joined": ("ingested", nothing, "hospital-a", ("train", "--study", "cardiology")),
    "workspace.none": ("initialised", nothing, ".", ("train",)),
    "study.several": (
        "ingested",
        sql(
            "hospital-a",
            "INSERT INTO study SELECT 'other', coordinator, 1, roster_digest FROM study;"
            "INSERT INTO round SELECT 'other', number, plan, stage, state, trained_in, epsilon, noise, "
            "vector_key, update_sha256, model FROM round",
        ),
        "hospital-a",
        ("train",),
    ),
    # A hospital
    "accept.first-plan": ("joined-not", nothing, "hospital-a", ("accept", "received/plan-0001.plan")),
    "plan.foreign-key": (
        "joined-not", foreign_mask_key, "hospital-a", ("join", "received/plan-0001.plan")
    ),
    "budget.above-plan": ("ingested", nothing, "hospital-a", ("train", "--epsilon", "7")),
    "epsilon.not-positive": ("ingested", nothing, "hospital-a", ("train", "--epsilon", "0")),
    "budget.other-events": (
        "trained",
        lambda world: [
            sql("hospital-a", "UPDATE round SET state = 'joined', noise = noise / 2")(world),
            forget_the_release(world),
        ],
        "hospital-a",
        ("train", "--epsilon", "6"),
    ),
    "round.result-exported": ("exported", nothing, "hospital-a", ("evaluate", "--local")),
    "round.result-gone": (
        "trained", remove("hospital-a/rounds/*/vector/*"), "hospital-a", ("export-update",)
    ),
    "model.without-this-hospital": (
        "unaccepted", left_out_of_the_sum, "hospital-a", ("accept", MODEL)
    ),
    "accept.other-kind": ("initialised", nothing, "hospital-a", ("accept", "hospital-a.card")),
    "model.second-of-round": (
        "unaccepted",
        sql("hospital-a", f"UPDATE round SET model = '{'0' * 64}'"),
        "hospital-a",
        ("accept", MODEL),
    ),
    # A coordinator
    "plan.none-to-continue": ("initialised", nothing, "coordinator", ("plan", "--continue")),
    "plan.study-complete": ("aggregated", nothing, "coordinator", ("plan", "--continue")),
    "plan.start-without-use": (
        "initialised", write("coordinator/w.safetensors", b""), "coordinator",
        ("plan", "cards/*.card", "--start", "w.safetensors"),
    ),
    "plan.start-missing": (
        "initialised", write("coordinator/terms.yaml", b"method: dp-sgd\nconstants: {start: file}"),
        "coordinator", ("plan", "cards/*.card", "--from", "terms.yaml"),
    ),
    "cohort.no-round-open": (
        "aggregated", write("coordinator/updates/x.enc", b"mine"), "coordinator",
        ("aggregate", "updates/*.enc"),
    ),
    "round.none-open": ("joined", given_up, "coordinator", ("aggregate", "updates/*.enc")),
    "card.other-study": ("initialised", card_of_another_study, "coordinator", ("plan", "cards/*.card")),
    "card.used-before": ("aggregated", nothing, "coordinator", ("plan", "cards/*.card")),
    "without.nobody": ("exported", nothing, "coordinator", ("plan", "--continue", "--without", "nobody")),
    "weights.unread": (
        "initialised",
        write("coordinator/terms.yaml", b"method: dp-sgd"),
        "coordinator",
        ("plan", "cards/*.card", "--from", "terms.yaml", "--start", "nowhere"),
    ),
    # With keyholders
    "cohort.below-minimum": (
        "keyholders-exported", remove("coordinator/updates/hospital-d-pneumonia-0001.enc"), "coordinator",
        ("aggregate", "updates/*.enc", "--without", "hospital-d", "--without", "hospital-e"),
    ),
    "request.signed-with-it": (
        "keyholders-requested", nothing, "coordinator",
        ("aggregate", "updates/*.enc", "--without", "hospital-a"),
    ),
    "without.unknown": (
        "keyholders-exported",
        nothing,
        "coordinator",
        ("aggregate", "updates/*.enc", "--without", "nobody"),
    ),
    "without.delivered": (
        "keyholders-exported",
        nothing,
        "coordinator",
        ("aggregate", "updates/*.enc", "--without", "hospital-a"),
    ),
    "unmask.other-kind": (
        "keyholders-requested",
        nothing,
        "notary",
        ("unmask", "received/plan-0001.plan"),
    ),
    "request.unknown-plan": (
        "keyholders-requested",
        sql("notary", f"UPDATE round SET plan = '{'0' * 64}'"),
        "notary",
        ("unmask", "received/round-0001.request"),
    ),
}  # fmt: skip


def forget_the_release(world: World) -> None:
    """The last entry of the ledger, as a crash before it leaves it."""
    from privxray.privacy.ledger import Ledger

    path = world["hospital-a"] / "ledger.db"
    entries = Ledger.open(path).entries()
    with sqlite3.connect(path) as database:
        database.execute("DROP TRIGGER entries_are_never_deleted")
        database.execute("DELETE FROM entries WHERE number = ?", (len(entries),))
        database.execute("UPDATE ledger SET length = ?, head = ?", (len(entries) - 1, entries[-2].hash))
    for update in world["hospital-a"].glob("rounds/*/update.enc"):
        update.unlink()


ASKS = ("init", "export-update", "plan", "aggregate", "unmask")


@pytest.mark.parametrize("reason", CASES)
def test_a_refusal_has_its_reason(reason: str, snapshots: Snapshots, tmp_path: Path) -> None:
    stage, before, party, words = CASES[reason]
    world = World(copy_world(snapshots(stage), tmp_path / "world"))
    before(world)
    if words[0] == "join":
        words = (*words, "--key-words", world.key_words())
    assert world.refused(party, *words, asks=words[0] in ASKS) == reason


def test_a_request_of_a_round_that_is_over_is_not_answered(snapshots: Snapshots, tmp_path: Path) -> None:
    world = World(copy_world(snapshots("keyholders-requested"), tmp_path / "world"))
    for party in (*FIVE, "notary", "university"):
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--continue", asks=True)
    world.ok("notary", "join", world.carry(planned["plan"], "notary"), "--key-words", world.key_words())
    assert world.refused("notary", "unmask", "received/round-0001.request", asks=True) == "request.round-over"


@pytest.mark.parametrize(
    ("terms", "allowed"),
    [
        (Terms(rounds=2000), "1 to 1000 rounds"),
        (Terms(classes=("Normal", "virus")), "lower-case letters"),
        (Terms(classes=("normal",)), "2 to 50 classes"),
    ],
)
def test_terms_that_no_plan_can_hold_are_named_to_a_program(
    terms: Terms, allowed: str, snapshots: Snapshots, tmp_path: Path
) -> None:
    """The command line refuses them before; the Python API comes here."""
    world = World(copy_world(snapshots("initialised"), tmp_path / "world"))
    workspace = Workspace.find(world["coordinator"])
    cards = sorted((workspace.root / "cards").iterdir())
    with pytest.raises(MalformedError) as caught:
        make_plan(workspace, cards, terms, lambda: PASSPHRASE)
    assert caught.value.reason == "plan.terms-out-of-range"
    assert allowed in caught.value.what
    assert not list(workspace.root.glob("*.plan"))


def test_a_share_that_is_not_what_was_dealt_names_its_keyholder(
    snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(copy_world(snapshots("keyholders-answered"), tmp_path / "world"))

    def other(*_: object) -> None:
        raise IdentityError("another share than was dealt", reason="share.other")

    monkeypatch.setattr(restore_masks, "checked_answer", other)
    words = ("aggregate", "shares/*.share")
    assert world.refused("coordinator", *words, asks=True) == "cohort.share-refused"
    told = world.type("coordinator", *words, asks=True)
    assert "the share file of hospital-a is refused: another share than was dealt" in told.err


@pytest.mark.parametrize(
    ("reason", "stage", "patched", "words"),
    [
        ("model.other-tensors", "unaccepted", "hospital.taking_in.accept.same_form", ("accept", MODEL)),
        ("model.other-extractor", "unaccepted", "common.method_inputs.InputForm.is_known", ("evaluate",)),
        ("plan.other-version", "joined-not", "common.method_inputs.InputForm.is_known", ("join", PLAN)),
    ],
)
def test_what_another_version_made_is_refused(
    reason: str,
    stage: str,
    patched: str,
    words: tuple[str, ...],
    snapshots: Snapshots,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(copy_world(snapshots(stage), tmp_path / "world"))
    if words == ("evaluate",):
        world.ok("hospital-a", "accept", MODEL, asks=True)
    monkeypatch.setattr(f"privxray.workflow.{patched}", lambda *_: False)
    if words[0] == "join":
        words = (*words, "--key-words", world.key_words())
    assert world.refused("hospital-a", *words) == reason


def test_a_card_that_names_another_signer_is_not_believed(snapshots: Snapshots, tmp_path: Path) -> None:
    world = World(copy_world(snapshots("initialised"), tmp_path / "world"))
    card = world["hospital-a"] / "hospital-a.card"
    received = read_again(card)
    identity = identity_in(world["hospital-a"])
    other = identity_in(world["hospital-b"]).public().fingerprint
    card.write_bytes(seal_header(received.envelope.claim(CardHeader), identity.signing, other))
    assert world.refused("hospital-a", "inspect", card) == "signature.other-signer"


def test_weights_larger_than_any_network_are_not_read(
    snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(copy_world(snapshots("initialised"), tmp_path / "world"))
    monkeypatch.setattr(starting_weights, "MAX_BYTES", 10)
    (world["coordinator"] / "w.safetensors").write_bytes(bytes(11))
    (world["coordinator"] / "terms.yaml").write_text("method: dp-sgd")
    words = ("plan", "cards/*.card", "--from", "terms.yaml", "--start", "w.safetensors")
    assert world.refused("coordinator", *words, asks=True) == "weights.too-large"


def test_a_stick_that_loses_bytes_is_noticed(
    snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(copy_world(snapshots("trained"), tmp_path / "world"))

    def lossy(data: bytes, path: Path, *, force: bool) -> None:
        path.write_bytes(data[:-1])

    monkeypatch.setattr("privxray.workflow.common.send.deliver", lossy)
    assert world.refused("hospital-a", "export-update", asks=True) == "update.read-back-differs"
    monkeypatch.undo()
    assert world.ok("hospital-a", "export-update", "--force", asks=True)["again"]
