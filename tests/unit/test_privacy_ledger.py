"""The ledger refuses overdraft, survives kill -9, serialises, and notices tampering."""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest
from crash import killed_at
from refusals import refused

from privxray.errors import BudgetError, MalformedError, RefusedError, SystemTroubleError, UsageError
from privxray.privacy import accountant, ledger_chain
from privxray.privacy import ledger as ledger_module
from privxray.privacy.adaptive_filter import filter_of
from privxray.privacy.events import Event, steps_of, to_text
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger

SMALL = (Event(kind="gaussian", noise=4.0),)
LARGE = (Event(kind="gaussian", noise=0.7),)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path / "ledger.db", Guarantee(10, 1e-5))


def test_a_new_ledger_is_private_empty_and_whole(ledger: Ledger) -> None:
    assert ledger.path.stat().st_mode & 0o777 == 0o600
    again = Ledger.open(ledger.path)
    assert again.limit == Guarantee(10.0, 1e-5)
    assert again.entries() == ()
    assert again.cost().epsilon == 0
    with refused(RefusedError, "file.exists"):
        Ledger.create(ledger.path, Guarantee(10, 1e-5))


@pytest.mark.parametrize(
    ("limit", "delta", "reason"),
    [
        (0, 1e-5, "epsilon.out-of-range"),
        (float("nan"), 1e-5, "epsilon.out-of-range"),
        (float("inf"), 1e-5, "epsilon.out-of-range"),
        (10, 0, "delta.out-of-range"),
        (10, float("nan"), "delta.out-of-range"),
    ],
)
def test_limits_out_of_range_are_refused(tmp_path: Path, limit: float, delta: float, reason: str) -> None:
    with refused(UsageError, reason):
        Ledger.create(tmp_path / "l", Guarantee(limit, delta))
    assert list(tmp_path.iterdir()) == []


def test_a_run_goes_from_reserved_to_released(ledger: Ledger) -> None:
    assert ledger.reserve("study", "1", SMALL) == "reserved"
    ledger.begin("study", "1")
    assert ledger.state("study", "1") == "spending"
    ledger.begin("study", "1")  # resumed
    ledger.finish("study", "1")
    ledger.finish("study", "1")
    assert ledger.reserve("study", "1", SMALL) == "released"
    assert [entry.kind for entry in ledger.entries()] == ["reserve", "spend", "release"]
    assert ledger.events() == SMALL
    with refused(RefusedError, "ledger.wrong-state"):
        ledger.begin("study", "1")


def test_a_command_waits_a_minute_for_another_one(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []
    connect = sqlite3.connect

    def seen(*place: str, **options: Any) -> sqlite3.Connection:
        waits.append(options["timeout"])
        return connect(*place, **options)

    monkeypatch.setattr(sqlite3, "connect", seen)
    ledger.reserve("study", "1", SMALL)
    ledger.begin("study", "1")
    assert waits == [60.0, 60.0]


def test_room_is_asked_for_without_a_trace(ledger: Ledger) -> None:
    ledger.expect_room(LARGE)
    ledger.reserve("study", "1", LARGE)
    with refused(BudgetError, "budget.exceeded"):
        ledger.expect_room(LARGE)
    ledger.expect_room(SMALL)
    assert [entry.run for entry in ledger.entries()] == ["1"]


def test_steps_that_sample_need_half_of_their_sensitivity_in_noise(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "l", Guarantee(100, 1e-5))
    for q in (1e-5, 0.999):
        with refused(RefusedError, "budget.noise-too-small"):
            ledger.reserve("a", f"{q}", (SMALL[0], steps_of(0.4999, q, 1)))
    assert ledger.entries() == ()
    assert ledger.reserve("a", "1", (steps_of(0.5, 0.5, 1),)) == "reserved"
    other = Ledger.create(tmp_path / "other", Guarantee(100, 1e-5))
    assert other.reserve("a", "1", (steps_of(0.25, 1.0, 1),)) == "reserved"  # it sees everybody


def test_an_epsilon_below_one_that_is_left_is_offered(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "l", Guarantee(0.9, 1e-5))
    with refused(BudgetError, "budget.exceeded") as refusal:
        ledger.reserve("a", "1", LARGE)
    left = int(accountant.epsilon(ledger.room(), 1e-5) * 100) / 100
    assert 0.5 < left < 0.9
    assert f"You can still spend about epsilon {left:g}" in refusal.value.advice


def test_reserving_again_charges_once_and_other_events_are_refused(ledger: Ledger) -> None:
    ledger.reserve("study", "1", SMALL)
    assert ledger.reserve("study", "1", SMALL) == "reserved"
    with refused(RefusedError, "ledger.other-charge"):
        ledger.reserve("study", "1", LARGE)
    with pytest.raises(ValueError, match="nothing to reserve"):
        ledger.reserve("study", "2", ())
    assert len(ledger.entries()) == 1


def test_an_overdraft_is_refused_with_the_numbers_and_nothing_is_written(ledger: Ledger) -> None:
    ledger.reserve("a", "1", LARGE)
    before = ledger.path.read_bytes()
    with refused(BudgetError, "budget.exceeded") as refusal:
        ledger.reserve("b", "1", LARGE)
    assert ledger.path.read_bytes() == before
    text = str(refusal.value)
    rule = filter_of(ledger.limit)
    total = Guarantee(rule.epsilon([*LARGE, *LARGE]), 1e-5)
    used = rule.epsilon(LARGE)
    left = int(accountant.epsilon(ledger.room(), 1e-5) * 100) / 100
    assert f"{total}, more than its lifetime limit 10 (so far {used:.4g}); nothing was spent" in text
    assert f"You can still spend about epsilon {left:g}" in text
    assert refusal.value.exit_code == 14


def test_what_the_refusal_offers_is_admitted(ledger: Ledger) -> None:
    ledger.reserve("a", "1", LARGE)
    left = int(accountant.epsilon(ledger.room(), 1e-5) * 100) / 100

    def gaussian(scale: float) -> tuple[Event, ...]:
        return (Event(kind="gaussian", noise=scale),)

    ledger.reserve("b", "1", gaussian(accountant.calibrate(gaussian, Guarantee(left, 1e-5))))
    assert 9.5 < ledger.cost().epsilon <= 10
    assert accountant.epsilon(ledger.room(), 1e-5) < 1.5


def test_the_limit_itself_can_be_reached_and_then_nothing_is_left(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "l", Guarantee(6, 1e-5))

    def gaussian(scale: float) -> tuple[Event, ...]:
        return (Event(kind="gaussian", noise=scale),)

    with refused(BudgetError, "budget.exceeded") as refusal:  # a tenth of delta is kept for sampled events
        ledger.reserve("a", "1", gaussian(accountant.calibrate(gaussian, Guarantee(6, 1e-5))))
    assert "epsilon 5.96:" in refusal.value.advice
    ledger.reserve("a", "1", gaussian(accountant.calibrate(gaussian, Guarantee(5.96, 1e-5))))
    with refused(BudgetError, "budget.exceeded"):
        ledger.reserve("a", "2", SMALL)


def test_a_limit_that_is_met_to_the_last_bit_admits_and_leaves_nothing(tmp_path: Path) -> None:
    exactly = filter_of(Guarantee(10, 1e-5)).epsilon(LARGE)  # of Gaussian events the limit changes nothing
    ledger = Ledger.create(tmp_path / "l", Guarantee(exactly, 1e-5))
    ledger.reserve("a", "1", LARGE)
    with refused(BudgetError, "budget.exceeded") as refusal:
        ledger.reserve("a", "2", SMALL)
    assert "Nothing is left" in refusal.value.advice


def test_studies_compose(ledger: Ledger) -> None:
    ledger.reserve("a", "1", SMALL)
    ledger.reserve("b", "1", SMALL)
    assert ledger.events("a") == SMALL
    assert ledger.cost("a").epsilon < ledger.cost().epsilon
    assert ledger.cost().epsilon == accountant.epsilon([*SMALL, *SMALL], 1e-5)
    assert ledger.cost(delta=1e-6).epsilon > ledger.cost().epsilon


def test_only_an_untouched_reservation_can_be_withdrawn(ledger: Ledger) -> None:
    ledger.reserve("a", "1", SMALL)
    ledger.withdraw("a", "1")
    assert ledger.events() == ()
    ledger.reserve("a", "1", LARGE)
    ledger.begin("a", "1")
    with refused(RefusedError, "ledger.wrong-state") as refusal:
        ledger.withdraw("a", "1")
    assert "this run is spending, so it can't be withdrawn" in str(refusal.value)
    with refused(RefusedError, "ledger.not-reserved"):
        ledger.withdraw("a", "never reserved")
    ledger.finish("a", "1")
    with refused(RefusedError, "ledger.wrong-state"):
        ledger.withdraw("a", "1")
    assert ledger.events() == LARGE


def test_what_was_not_reserved_can_t_be_spent(ledger: Ledger) -> None:
    for step in (ledger.begin, ledger.finish):
        with refused(RefusedError, "ledger.not-reserved"):
            step("a", "1")
    ledger.reserve("a", "1", SMALL)
    with refused(RefusedError, "ledger.wrong-state"):
        ledger.finish("a", "1")


def test_heads_change_with_every_entry_and_differ_between_studies(ledger: Ledger) -> None:
    heads = {ledger.head("a"), ledger.head("b")}
    ledger.reserve("a", "1", SMALL)
    heads |= {ledger.head("a"), ledger.head("b")}
    ledger.begin("a", "1")
    heads |= {ledger.head("a"), ledger.head("b")}
    assert len(heads) == 6
    assert all(len(head) == 64 for head in heads)


ALTERED, CUT, STRANGE = "ledger.entry-altered", "ledger.end-altered", "ledger.unknown-format"
TAMPERING = [
    ("UPDATE entries SET events = replace(events, '4.0', '400.0') WHERE number = 1", ALTERED),
    ("UPDATE entries SET study = 'other' WHERE number = 2", ALTERED),
    ("UPDATE entries SET run = 'other' WHERE number = 3", ALTERED),
    ("UPDATE entries SET at = '2001-01-01' WHERE number = 1", ALTERED),
    ("UPDATE entries SET kind = 'withdraw' WHERE number = 2", ALTERED),
    ("UPDATE entries SET number = 5 WHERE number = 3", ALTERED),
    ("DELETE FROM entries WHERE number = 1", ALTERED),
    ("DELETE FROM entries WHERE number = 2", ALTERED),
    ("DELETE FROM entries WHERE number = 3", CUT),
    ("DELETE FROM entries", CUT),
    ("UPDATE ledger SET epsilon_limit = 100", ALTERED),
    ("UPDATE ledger SET delta = 0.1", ALTERED),
    ("UPDATE ledger SET secret = zeroblob(32)", ALTERED),
    ("UPDATE ledger SET length = 2", CUT),
    ("UPDATE ledger SET head = zeroblob(32)", CUT),
    ("INSERT INTO entries VALUES (4, 'withdraw', 'a', '2', '[]', '', x'00')", ALTERED),
    ("UPDATE ledger SET format = 2", STRANGE),
    ("DELETE FROM ledger", STRANGE),
    ("INSERT INTO ledger SELECT * FROM ledger", STRANGE),
]


@pytest.mark.parametrize(("statement", "reason"), TAMPERING)
def test_tampering_breaks_the_chain(ledger: Ledger, statement: str, reason: str) -> None:
    ledger.reserve("a", "1", SMALL)
    ledger.begin("a", "1")
    ledger.reserve("a", "2", SMALL)
    database = sqlite3.connect(ledger.path)
    if "entries" in statement and not statement.startswith("INSERT"):
        with pytest.raises(sqlite3.IntegrityError):  # the schema itself forbids it
            database.execute(statement)
    database.execute("DROP TRIGGER entries_are_never_changed")
    database.execute("DROP TRIGGER entries_are_never_deleted")
    database.execute(statement)
    database.commit()
    database.close()
    uses: list[Callable[[], object]] = [
        lambda: Ledger.open(ledger.path),
        ledger.cost,
        ledger.charged,
        lambda: ledger.heads("a"),
        lambda: ledger.reserve("a", "3", SMALL),
        lambda: ledger.finish("a", "1"),
    ]
    for use in uses:
        with refused(MalformedError, reason) as refusal:
            use()
        assert refusal.value.file == str(ledger.path)


OUT_OF_ORDER = "ledger.entry-out-of-order"
WRITTEN = to_text(SMALL)
FORGED = [
    ([("spend", "2", "[]")], OUT_OF_ORDER),
    ([("release", "1", "[]")], OUT_OF_ORDER),
    ([("reserve", "1", WRITTEN)], OUT_OF_ORDER),
    ([("reserve", "2", "[]")], OUT_OF_ORDER),
    ([("spend", "1", WRITTEN)], OUT_OF_ORDER),
    ([("spend", "1", "[]"), ("withdraw", "1", "[]")], OUT_OF_ORDER),
    ([("spend", "1", "[]"), ("spend", "1", "[]")], OUT_OF_ORDER),
    ([("spend", "1", "[]"), ("release", "1", "[]"), ("spend", "1", "[]")], OUT_OF_ORDER),
    ([("withdraw", "1", "[]"), ("spend", "1", "[]")], OUT_OF_ORDER),
    ([("refund", "1", "[]")], OUT_OF_ORDER),
    ([("reserve", "2", WRITTEN.replace("4.0", "-4.0"))], "ledger.entry-impossible"),
    ([("reserve", "2", "nothing")], "ledger.entry-impossible"),
]


@pytest.mark.parametrize(("entries", "reason"), FORGED)
def test_entries_that_contradict_the_others_are_refused_under_a_chain_that_holds(
    ledger: Ledger, entries: list[tuple[str, str, str]], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes have no key, so whoever writes an entry by hand can chain it."""
    ledger.reserve("a", "1", SMALL)
    monkeypatch.setattr(ledger_chain, "to_text", lambda text: text)
    number, head = 1, ledger.entries()[-1].hash
    with closing(sqlite3.connect(ledger.path)) as database:
        for kind, run, text in entries:
            before = SimpleNamespace(entries=range(number), head=head)
            ledger_chain.append(database, before, kind, "a", run, text)  # type: ignore[arg-type]
            number += 1
            ((head,),) = database.execute("SELECT head FROM ledger").fetchall()
        database.commit()
    with refused(MalformedError, reason):
        Ledger.open(ledger.path)


def test_a_gap_in_the_numbers_is_refused_under_a_chain_that_holds(ledger: Ledger) -> None:
    ledger.reserve("a", "1", SMALL)
    with closing(sqlite3.connect(ledger.path)) as database:
        before = SimpleNamespace(entries=range(2), head=ledger.entries()[-1].hash)  # so it writes number 3
        ledger_chain.append(database, before, "spend", "a", "1", ())  # type: ignore[arg-type]
        database.execute("UPDATE ledger SET length = 2")
        database.commit()
    with refused(MalformedError, ALTERED):
        Ledger.open(ledger.path)


def test_an_entry_s_hash_is_what_every_ledger_has(ledger: Ledger) -> None:
    ledger.reserve("a", "1", SMALL)
    (entry,) = ledger.entries()
    with closing(sqlite3.connect(ledger.path)) as database:
        limit, delta, secret = database.execute("SELECT epsilon_limit, delta, secret FROM ledger").fetchone()
        ((at,),) = database.execute("SELECT at FROM entries").fetchall()
    genesis = f'[1,{limit},{delta},"{hashlib.sha256(secret).hexdigest()}"]'
    start = hashlib.sha256(genesis.encode()).hexdigest()
    events = '[{\\"count\\":1,\\"kind\\":\\"gaussian\\",\\"noise\\":4.0,\\"q\\":1.0}]'
    line = f'["{start}",1,"reserve","a","1","{events}","{at}"]'
    assert (limit, delta, len(secret)) == (10.0, 1e-5, 32)
    assert entry.hash == hashlib.sha256(line.encode()).digest()
    assert entry.at == at == datetime.fromisoformat(at).astimezone(UTC).isoformat(timespec="seconds")
    tag = hmac.new(secret, b"a\0" + entry.hash, hashlib.sha256).hexdigest()
    assert ledger.head("a") == tag


def test_another_file_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database, but long enough to be looked at as one" * 20)
    with refused(MalformedError, "ledger.not-a-database"):
        Ledger.open(path)
    with refused(MalformedError, "ledger.absent"):
        Ledger.open(tmp_path / "absent")
    with refused(MalformedError, "ledger.absent"):
        Ledger.open(tmp_path)
    assert not (tmp_path / "absent").exists()


def test_a_ledger_that_can_t_be_used_is_one_line(tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "empty.db"
    path.write_bytes(b"")  # a database without tables
    with refused(SystemTroubleError, "system.database"):
        Ledger.open(path)


def forked(work: Callable[[Callable[[str], object]], None]) -> tuple[int, IO[str]]:
    """Run ``work(say)`` in a process of its own: its id, and the lines that it says.

    A fork has the imports already, which take a fresh interpreter two seconds.
    """
    accountant.epsilon(SMALL, 1e-5)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.close(reading)
            work(lambda line: os.write(writing, f"{line}\n".encode()))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    return child, os.fdopen(reading)


def test_concurrent_processes_can_t_overdraw_together(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "ledger.db", Guarantee(4, 1e-5))  # room for four of these

    def four(say: Callable[[str], object], name: int) -> None:
        own = Ledger.open(ledger.path)
        for number in range(4):
            try:
                own.reserve("study", f"{name}-{number}", (Event(kind="gaussian", noise=2.2),))
            except BudgetError:
                say("refused")

    processes = [forked(lambda say, name=name: four(say, name)) for name in range(2)]  # type: ignore[misc]
    refusals = 0
    for child, said in processes:
        with said:
            refusals += said.read().count("refused")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(ledger.entries()) == 8 - refusals
    assert 0 < refusals < 8
    assert ledger.cost().epsilon <= 4 < accountant.epsilon([*ledger.events(), *ledger.events()[:1]], 1e-5) * 2


def endless(say: Callable[[str], object], path: Path, number: int) -> None:
    ledger = Ledger.open(path)
    say("ready")
    while True:
        run = str(number)
        ledger.reserve("study", run, (Event(kind="gaussian", noise=1e4),))
        say(f"reserved {run}")
        ledger.begin("study", run)
        say(f"spending {run}")
        ledger.finish("study", run)
        say(f"released {run}")
        number += 1


def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(ledger: Ledger) -> None:
    order = {"reserved": 1, "spending": 2, "released": 3}
    chance = random.Random(1)
    for attempt in range(6):
        child, said = forked(lambda say, start=1000 * attempt: endless(say, ledger.path, start))  # type: ignore[misc]
        with said:
            assert said.readline() == "ready\n"
            # However slow the disk is, every second child has reserved something by then.
            first = [said.readline()] if attempt % 2 else []
            time.sleep(chance.uniform(0.05, 0.3))
            os.kill(child, signal.SIGKILL)
            acknowledged = {run: state for state, run in map(str.split, [*first, *said])}
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        reopened = Ledger.open(ledger.path)
        for run, state in acknowledged.items():
            found = reopened.state("study", run)
            assert found is not None
            assert order[found] >= order[state]
    assert len(ledger.entries()) >= 3


def one_training(path: Path) -> int:
    """What ``train`` does with the ledger, from the start or from wherever a crash left it."""
    ledger = Ledger.open(path)
    if ledger.reserve("study", "1", SMALL) != "released":
        ledger.begin("study", "1")
        ledger.finish("study", "1")
    return 0


def test_kill_9_at_every_write_leaves_a_whole_book_and_charges_once(tmp_path: Path) -> None:
    accountant.epsilon(SMALL, 1e-5)  # the imports would be steps
    kinds, step = set(), 0
    while True:
        step += 1
        ledger = Ledger.create(tmp_path / f"{step}.db", Guarantee(10, 1e-5))
        killed = killed_at(step, lambda path=ledger.path: one_training(path))  # type: ignore[misc]
        left = tuple(entry.kind for entry in Ledger.open(ledger.path).entries())
        kinds.add(left)
        one_training(ledger.path)
        assert [entry.kind for entry in ledger.entries()] == ["reserve", "spend", "release"]
        assert ledger.events() == SMALL
        if not killed:
            break
    assert step > 15, "the harness has to see the ledger's statements"
    assert kinds == {(), ("reserve",), ("reserve", "spend"), ("reserve", "spend", "release")}


def test_kill_9_while_a_ledger_is_made_leaves_none_or_a_whole_one(tmp_path: Path) -> None:
    step, killed = 0, True
    while killed:
        step += 1
        path = tmp_path / f"{step}.db"
        killed = killed_at(step, lambda path=path: Ledger.create(path, Guarantee(10, 1e-5)) and 0)  # type: ignore[misc]
        if path.exists():
            assert Ledger.open(path).entries() == ()
    assert step > 5


def test_a_step_that_fails_half_way_leaves_the_book_as_it_was(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.reserve("a", "1", SMALL)
    before = ledger.path.read_bytes()
    plain = ledger_module.append

    def failing(*terms: object) -> None:
        plain(*terms)
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger_module, "append", failing)
    for step in (ledger.begin, ledger.withdraw):
        with pytest.raises(KeyboardInterrupt):
            step("a", "1")
    assert ledger.path.read_bytes() == before
    assert ledger.state("a", "1") == "reserved"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_crash_between_sqlite_s_own_writes_is_rolled_back(ledger: Ledger) -> None:
    """A journal that a killed process left behind: the half-written book is what it was before."""
    ledger.reserve("a", "1", SMALL)
    before = ledger.path.read_bytes()
    journal = ledger.path.with_name(ledger.path.name + "-journal")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        database = sqlite3.connect(ledger.path, isolation_level=None)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA cache_size = 1")  # pages are written before the commit
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE ledger SET length = 99, head = zeroblob(40000)")
        database.execute("CREATE TABLE filler AS SELECT zeroblob(40000) AS bytes")
        os.write(writing, b"written")
        time.sleep(60)
    os.read(reading, 7)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert journal.exists()
    assert ledger.path.read_bytes() != before
    assert Ledger.open(ledger.path).events() == SMALL
    assert not journal.exists()


def test_a_book_knows_every_head_that_it_had_and_no_other(ledger: Ledger, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    heads = [ledger.head("a")]
    for number in range(3):
        ledger.reserve("a", str(number), SMALL)
        heads.append(ledger.head("a"))
        if number == 0:
            old.write_bytes(ledger.path.read_bytes())
    assert set(heads) == ledger.heads("a")
    assert not set(heads) & ledger.heads("b")
    assert [head in Ledger.open(old).heads("a") for head in heads] == [True, True, False, False]
    assert not set(heads) & Ledger.create(tmp_path / "other.db", Guarantee(10, 1e-5)).heads("a")
