"""Commands of all parties in random orders, with crashes: what has to hold whatever is typed when.

A state machine of hypothesis types real commands in real workspaces. After each of them:

* **table**: every round moved as :mod:`privxray.workspace.transitions` allows, and in no other way;
* **budget**: the ledger is never below what left, knows of every training, and keeps its lifetime limit;
* **masks**: no mask key serves two updates, no request or keyholder gives two answers in one round, and the
  private half of a key that served is gone;
* **replay**: an older plan or request changes nothing;
* **advice**: what ``status`` says can be typed succeeds.

PRIVXRAY_RANDOM_ORDERS=200 plays so many orders of each study, and other ones each time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import played_keyholders
import pytest
from crash import killed_at
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from played_study import HOSPITALS, PASSPHRASE, Result, Snapshots, World, copy_world

import privxray.learning.linear_probe.linear_probe_method
import privxray.privacy.accountant  # noqa: F401 - what is loaded here is not loaded in each child
from privxray.cli.app import run
from privxray.errors import PrivxrayError
from privxray.exchange.intake import read_again
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.request import RequestHeader
from privxray.exchange.messages.share import ShareHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.privacy.ledger import Ledger
from privxray.workflow.hospital.taking_in.accept import accept
from privxray.workflow.ledger.open_ledger import lacking_training
from privxray.workflow.upkeep.advice.advise import advise
from privxray.workflow.upkeep.advice.look import look
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import TABLES, RoundState

MOST_ROUNDS = 6
ORDERS = int(os.environ.get("PRIVXRAY_RANDOM_ORDERS", "0"))
ASKS = ("card", "plan", "aggregate", "export-update", "unmask")
REFUSED = (2, 4, 10, 13, 14, 15)
"""The exit codes of a command that comes too early, too late or twice: no fault (1), and no damage (11)."""

crashes = st.one_of(st.just(0), st.just(0), st.integers(1, 160))
"""At which step a command is killed; 0 lets it end."""
epsilons = st.sampled_from([(), ("--epsilon", "0.5"), ("--epsilon", "2")])


def reachable(role: str) -> dict[RoundState, set[RoundState]]:
    """By state, the states that one command may bring a round to: by no step of the table, one or two.

    Two, for ``aggregate`` closes a round and plans the next one.
    """
    steps = {(step.before, step.after) for step in TABLES[role]}  # type: ignore[index]
    once = {state: {state} | {after for before, after in steps if before is state} for state in RoundState}
    return {state: {two for one in once[state] for two in once[one]} for state in RoundState}


class Study(RuleBasedStateMachine):
    """A study at its beginning; sub-classes say which."""

    source: Path
    hospitals: tuple[str, ...]
    keyholders: tuple[str, ...] = ()
    trustees: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="random-orders-"))
        self.world = World(copy_world(self.source, self.folder / "world"))
        self.words = self.world.key_words()
        self.rounds = {party: self.rounds_of(party) for party in self.parties}
        self.log: list[str] = []

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @property
    def parties(self) -> tuple[str, ...]:
        return ("coordinator", *self.hospitals, *self.trustees)

    # Typing

    def type(self, party: str, *words: str | Path, crash: int = 0) -> Result | None:
        """Type a command, or kill it on its way, which gives None. Either way rounds move by the table."""
        line = ["-C", str(self.world[party]), *map(str, words)]
        if words[0] in ASKS:
            line += ["--passphrase-file", str(self.world.passphrase)]
        result = None
        if crash:
            killed_at(crash, lambda: run(line), fine=(0, *REFUSED))
        else:
            result = self.world.type(party, *words, asks=words[0] in ASKS)
            assert result.code in (0, *REFUSED), (party, words, result.code, result.err)
            assert "itself failed" not in result.err
        self.expect_steps_of_the_table(party, words)
        return result

    def expect_steps_of_the_table(self, party: str, words: tuple[str | Path, ...]) -> None:
        workspace = Workspace.find(self.world[party])
        allowed = reachable(workspace.config.role)
        now = self.rounds_of(party)
        for key, before in self.rounds[party].items():
            assert now[key].state in allowed[before.state], (party, words, before.state, now[key].state)
        for key in now.keys() - self.rounds[party].keys():
            first = {step.after for step in TABLES[workspace.config.role] if step.before is None}
            assert now[key].state in first, (party, words, now[key].state)
        self.rounds[party] = now

    def rounds_of(self, party: str) -> dict[int, Round]:
        with looking(Workspace.find(self.world[party])) as session:
            return {round_.number: round_ for round_ in session.state.rounds()}

    def carry(self, file: Path, party: str, folder: str) -> None:
        if file.exists():
            self.world.carry(file, party, folder)

    # How a study usually goes, so that random commands meet it at every stage

    @initialize(stages=st.integers(0, 4), away=st.sampled_from([0, 0, 1]))
    def play(self, stages: int, away: int) -> None:
        present = self.hospitals[: len(self.hospitals) - away]
        for stage in (self.deliver, self.sum_up, self.pass_on, self.deliver)[:stages]:
            stage(present)
        for place in range(len(self.parties)):
            self.follow_advice(place, 0)

    @rule(away=st.sampled_from([0, 0, 1]))
    def a_whole_round(self, away: int) -> None:
        present = self.hospitals[: len(self.hospitals) - away]
        self.deliver(present)
        self.sum_up(present)
        self.pass_on(present)

    def deliver(self, present: Sequence[str]) -> None:
        for party in present:
            self.type(party, "train", *(() if self.rounds[party][1].epsilon else ("--epsilon", "1")))
            self.type(party, "export-update")
            for update in sorted((self.world[party] / "updates").glob("*.enc")):
                self.carry(update, "coordinator", "updates")

    def sum_up(self, _: Sequence[str]) -> None:
        self.type("coordinator", "aggregate", "updates/*.enc")

    def pass_on(self, present: Sequence[str]) -> None:
        models = sorted(self.world["coordinator"].glob("models/*.model"))
        plan = sorted(self.world["coordinator"].glob("plan-*.plan"))[-1]
        for party in (*present, *self.trustees):
            for file in models[-1:] if party in present else ():
                self.carry(file, party, "received")
                self.accept(party, file.name)
            self.carry(plan, party, "received")
            self.type(party, "join", f"received/{plan.name}", "--key-words", self.words)

    def accept(self, party: str, name: str) -> None:
        """As the command does it, without the evaluation, which would compute features for seconds."""
        code, workspace = 0, Workspace.find(self.world[party])
        try:
            accept(workspace, self.world[party] / "received" / name, lambda *_: "", lambda: PASSPHRASE)
        except PrivxrayError as error:
            code = error.exit_code
        assert code in (0, *REFUSED), (party, name)
        self.expect_steps_of_the_table(party, ("accept",))

    # What a hospital types

    @rule(place=st.integers(0, 9), epsilon=epsilons, crash=crashes)
    def train(self, place: int, epsilon: tuple[str, ...], crash: int) -> None:
        self.type(self.hospital(place), "train", *epsilon, crash=crash)

    @rule(place=st.integers(0, 9), crash=crashes)
    def export(self, place: int, crash: int) -> None:
        self.type(self.hospital(place), "export-update", crash=crash)

    @rule(place=st.integers(0, 9), which=st.integers(0, 5))
    def accept_model(self, place: int, which: int) -> None:
        models = sorted(self.world["coordinator"].glob("models/*.model"))
        if models:
            party, model = self.hospital(place), models[which % len(models)]
            self.carry(model, party, "received")
            self.accept(party, model.name)

    # What every party types

    @rule(place=st.integers(0, 9), which=st.integers(0, 5), crash=crashes)
    def join(self, place: int, which: int, crash: int) -> None:
        party = self.parties[1:][place % (len(self.parties) - 1)]
        plans = sorted(self.world["coordinator"].glob("plan-*.plan"))
        plan = plans[which % len(plans)]
        number = SignedPlan.claimed(read_again(plan).envelope).plan.round
        before = self.rounds[party]
        self.carry(plan, party, "received")
        result = self.type(party, "join", f"received/{plan.name}", "--key-words", self.words, crash=crash)
        if number < max(before):
            assert result is None or result.code != 0 or number in before, "an older plan is no news"
            assert self.rounds[party] == before

    @rule(place=st.integers(0, 9), which=st.integers(0, 3))
    def follow_advice(self, place: int, which: int) -> None:
        party = self.parties[place % len(self.parties)]
        with looking(Workspace.find(self.world[party])) as session:
            lines = [line for line in advise(look(session)) if line.types]
        if lines:
            line = lines[which % len(lines)]
            if line.types != ("evaluate",):  # it would compute features for seconds
                result = self.type(party, *line.types)
                assert result is not None
                assert result.code == 0, (party, line.text, result.err)

    # What a coordinator types

    @rule(places=st.sets(st.integers(0, 9), min_size=1, max_size=5))
    def carry_updates(self, places: set[int]) -> None:
        for party in {self.hospital(place) for place in places}:
            for update in sorted((self.world[party] / "updates").glob("*.enc")):
                self.carry(update, "coordinator", "updates")

    @rule(crash=crashes)
    def aggregate(self, crash: int) -> None:
        self.type("coordinator", "aggregate", "updates/*.enc", crash=crash)

    @precondition(lambda self: len(self.rounds["coordinator"]) < MOST_ROUNDS)
    @rule(begin_anew=st.booleans(), crash=crashes)
    def plan(self, begin_anew: bool, crash: int) -> None:
        for party in self.parties[1:]:
            self.type(party, "card")
            self.carry(self.world[party] / f"{party}.card", "coordinator", "cards")
        more = ("--replace", *self.terms) if begin_anew else ("--continue",)
        self.type("coordinator", "plan", "cards/*.card", *more, crash=crash)

    # What has to hold

    @invariant()
    def no_ledger_is_below_what_left(self) -> None:
        for party in self.hospitals:
            workspace = Workspace.find(self.world[party])
            ledger = Ledger.open(workspace.ledger_path)
            with looking(workspace) as session:
                assert lacking_training(session.state, ledger) is None
            assert ledger.cost().epsilon <= ledger.limit.epsilon
            for _, header in self.left(party, "*.enc", UpdateHeader):
                assert header.ledger_head in ledger.heads(header.study or "")
                assert header.epsilon <= ledger.cost(header.study, header.delta).epsilon + 1e-4

    @invariant()
    def no_key_serves_twice(self) -> None:
        for party in self.hospitals:
            self.expect_one_a_round(party, "*.enc", UpdateHeader)
            with looking(Workspace.find(self.world[party])) as session:
                exported = {r.plan for r in session.state.rounds() if r.update_sha256 is not None}
                keys = [key for key in session.state.mask_keys.all() if key.plan in exported]
                assert len(keys) == len(exported)
                assert all(key.sealed is None for key in keys), "a key that masked an update is left"
        for party in self.keyholders:
            self.expect_one_a_round(party, "*.share", ShareHeader)
        self.expect_one_a_round("coordinator", "*.request", RequestHeader)

    def expect_one_a_round(self, party: str, pattern: str, kind: type) -> None:
        """One file for each plan, however often it was written and carried."""
        files: dict[str, set[str]] = {}
        for sha256, header in self.left(party, pattern, kind):
            files.setdefault(header.plan, set()).add(sha256)
        assert all(len(one) == 1 for one in files.values()), (party, pattern)

    def left(self, party: str, pattern: str, kind: type) -> Iterator[tuple[str, object]]:
        """The files of a kind that a party made, wherever they lie now: hash and header."""
        own = Workspace.find(self.world[party]).identity_path.with_suffix(".pub").read_bytes()
        for file in sorted(self.folder.rglob(pattern)):
            if not file.name.startswith("."):
                received = read_again(file)
                if received.envelope.key_id.encode() in self.fingerprint(own):
                    yield received.sha256, received.envelope.claim(kind)

    @staticmethod
    def fingerprint(public: bytes) -> bytes:
        from privxray.keys.identity import PublicKeys

        return PublicKeys.model_validate_json(public).fingerprint.encode()

    def hospital(self, place: int) -> str:
        return self.hospitals[place % len(self.hospitals)]


class StrictStudy(Study):
    """Three hospitals, all of whom have to deliver."""

    hospitals = HOSPITALS
    terms = ("--rounds", "2")


class KeyholderStudy(Study):
    """Five hospitals and two trustees; three of four keyholders open a sum of four hospitals or more."""

    hospitals = played_keyholders.HOSPITALS
    keyholders = played_keyholders.KEYHOLDERS
    trustees = played_keyholders.TRUSTEES
    terms = (
        "--mode", "keyholders", "--rounds", "2", "--keyholder", "hospital-a", "--keyholder", "hospital-b",
    )  # fmt: skip

    def sum_up(self, present: Sequence[str]) -> None:
        without = [word for party in self.hospitals if party not in present for word in ("--without", party)]
        self.type("coordinator", "aggregate", "updates/*.enc", *without)
        for request in sorted(self.world["coordinator"].glob("*.request"))[-1:]:
            for party in self.keyholders[:3]:
                self.carry(request, party, "received")
                self.type(party, "unmask", f"received/{request.name}")
        self.open(0)

    @rule(place=st.integers(0, 9), crash=crashes)
    def ask(self, place: int, crash: int) -> None:
        words = ("--without", self.hospital(place))
        self.type("coordinator", "aggregate", "updates/*.enc", *words, crash=crash)

    @precondition(lambda self: list(self.world["coordinator"].glob("*.request")))
    @rule(place=st.integers(0, 9), which=st.integers(0, 5), crash=crashes)
    def unmask(self, place: int, which: int, crash: int) -> None:
        party = self.keyholders[place % len(self.keyholders)]
        requests = sorted(self.world["coordinator"].glob("*.request"))
        request = requests[which % len(requests)]
        self.carry(request, party, "received")
        self.type(party, "unmask", f"received/{request.name}", crash=crash)

    @rule(crash=crashes)
    def open(self, crash: int) -> None:
        for party in self.keyholders:
            for share in sorted(self.world[party].glob("*.share")):
                self.carry(share, "coordinator", "shares")
        self.type("coordinator", "aggregate", "shares/*.share", crash=crash)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "stage"), [(StrictStudy, "untrained"), (KeyholderStudy, "keyholders-trained")]
)
def test_whatever_is_typed_when(study: type[Study], stage: str, snapshots: Snapshots) -> None:
    study.source = snapshots(stage)
    played = settings(
        max_examples=ORDERS or 2,
        stateful_step_count=30 if ORDERS else 8,
        deadline=None,
        derandomize=not ORDERS,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=(Phase.generate, Phase.shrink),
    )
    run_state_machine_as_test(study, settings=played)  # type: ignore[no-untyped-call]
