"""What a hospital's ledger says is compared with what its workspace remembers; each refusal by its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from refusals import refused

from privxray.errors import BudgetError, MalformedError, RefusedError, UsageError
from privxray.privacy import affordable
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.workflow.hospital.local_training import reserve_budget
from privxray.workflow.hospital.paid_round import PaidRound
from privxray.workflow.ledger import open_ledger as opening
from privxray.workflow.ledger.further_steps import FurtherSteps
from privxray.workflow.ledger.runs import (
    AUDITS,
    attempt_of,
    audit_number,
    charged_outside,
    next_run,
    run_name,
)
from privxray.workflow.ledger.saved_answers import SavedAnswers
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState

LIMIT = Guarantee(10.0, 1e-5)
RUN = (Event(kind="gaussian", noise=4.0),)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path / "ledger.db", LIMIT)


# Questions about further steps


@pytest.mark.parametrize(
    "question",
    [
        FurtherSteps(),
        FurtherSteps(steps=1),
        FurtherSteps(steps=affordable.MOST_STEPS, q=0.5),
        FurtherSteps(noise=0.5, q=1e-9),
        FurtherSteps(noise=999_999.9),
        FurtherSteps(noise=1.5, q=1.0),
    ],
)
def test_questions_that_make_sense(question: FurtherSteps) -> None:
    question.check()


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (FurtherSteps(steps=5, noise=1.0), "steps-and-noise"),
        (FurtherSteps(steps=0), "steps-out-of-range"),
        (FurtherSteps(steps=affordable.MOST_STEPS + 1), "steps-out-of-range"),
        (FurtherSteps(noise=0.0), "noise-out-of-range"),
        (FurtherSteps(noise=1e6), "noise-out-of-range"),
        (FurtherSteps(noise=float("nan")), "noise-out-of-range"),
        (FurtherSteps(steps=5, q=0.0), "rate-out-of-range"),
        (FurtherSteps(steps=5, q=1.001), "rate-out-of-range"),
        (FurtherSteps(q=0.5), "rate-alone"),
    ],
)
def test_questions_that_make_none(question: FurtherSteps, reason: str) -> None:
    with refused(UsageError, f"budget.{reason}"):
        question.check()


def test_the_answer_is_of_what_was_asked(ledger: Ledger) -> None:
    assert FurtherSteps().answer(ledger) is None
    noise = FurtherSteps(steps=3).answer(ledger)
    assert noise is not None
    assert noise.noise is not None
    assert (noise.steps, noise.q) == (3, 1.0)
    assert ledger.admits([Event(kind="gaussian", noise=noise.noise, count=3)])
    steps = FurtherSteps(noise=5.0).answer(ledger)
    assert steps is not None
    assert (steps.noise, steps.q) == (5.0, 1.0)
    found = [ledger.admits([Event(kind="gaussian", noise=5.0, count=steps.steps + more)]) for more in (0, 1)]
    assert found == [True, False]


# Runs


class Remembered:
    """A workspace's state, as far as it is compared with a ledger."""

    def __init__(self, *rounds: Round, drawn: Sequence[tuple[str, int]] = ()) -> None:
        self.listed, self.drawn = list(rounds), set(drawn)
        self.settings: dict[str, str] = {}

    def rounds(self, study: str | None = None) -> list[Round]:
        return [one for one in self.listed if study in (None, one.study)]

    def runs_with_releases(self) -> set[tuple[str, int]]:
        return self.drawn

    def studies(self) -> list[str]:
        return sorted({one.study for one in self.listed})

    def setting(self, name: str) -> str | None:
        return self.settings.get(name)

    def set_setting(self, name: str, value: str) -> None:
        self.settings[name] = value


def a_round(number: int, state: RoundState, **more: Any) -> Round:
    plan: Any = f"{number:x}" * 64
    return Round("study", number, plan, **{"stage": 1, "state": state, "trained_in": number} | more)


def test_a_run_is_called_after_the_round_that_it_was_trained_in() -> None:
    first, second = a_round(1, RoundState.VOID), a_round(2, RoundState.TRAINED, trained_in=1)
    state: Any = Remembered(first, second)
    assert run_name(state, second) == run_name(state, first) == "round-0001-111111111111"
    next_run(state, second)
    assert run_name(state, second) == "round-0001-111111111111-2"
    next_run(state, second)
    assert run_name(state, second) == "round-0001-111111111111-3"
    assert audit_number("one-run-00000000001f") == 31


def test_an_attempt_is_the_rounds_since_the_newest_first_stage() -> None:
    given_up = a_round(1, RoundState.VOID)
    before = a_round(2, RoundState.CLOSED)
    one, two = a_round(3, RoundState.CLOSED), a_round(4, RoundState.JOINED, stage=2)
    state: Any = Remembered(given_up, before, one, two)
    assert attempt_of(state, two) == [one, two]
    inside = [("study", run_name(state, round_)) for round_ in (one, two)]
    assert not charged_outside(state, [*inside, ("another", "round-0001-000000000000")], two)
    assert charged_outside(state, [*inside, ("study", run_name(state, before))], two)


def charge(ledger: Ledger, run: str, upto: str, study: str = "study") -> None:
    ledger.reserve(study, run, RUN)
    if upto != "reserved":
        ledger.begin(study, run)
    if upto == "released":
        ledger.finish(study, run)


IN_USE = [state for state in RoundState if state is not RoundState.VOID]
DONE = [RoundState.TRAINED, RoundState.EXPORTED, RoundState.CLOSED]


@pytest.mark.parametrize("state", list(RoundState))
@pytest.mark.parametrize("charged", ["", "reserved", "spending", "released"])
@pytest.mark.parametrize("drawn", [False, True])
def test_a_ledger_that_lacks_what_was_drawn_is_an_old_copy(
    ledger: Ledger, state: RoundState, charged: str, drawn: bool
) -> None:
    round_ = a_round(3, state)
    remembered: Any = Remembered(round_, drawn=[("study", 3)] if drawn else [])
    if charged:
        charge(ledger, run_name(remembered, round_), charged)
    lacks = (drawn and charged in ("", "reserved")) or (state in DONE and charged != "released")
    assert opening.lacking_training(remembered, ledger) == ("the training of round 3" if lacks else None)


def test_a_ledger_that_lacks_an_audit_is_an_old_copy(ledger: Ledger) -> None:
    charge(ledger, "one-run-00000000001f", "released", AUDITS)
    known: Any = Remembered(drawn=[(AUDITS, 31)])
    assert opening.lacking_training(known, ledger) is None
    unknown: Any = Remembered(drawn=[(AUDITS, 31), (AUDITS, 32)])
    assert opening.lacking_training(unknown, ledger) == "an audit on own patients"
    elsewhere: Any = Remembered(drawn=[("study", 32)])  # of a round that is not here any more
    assert opening.lacking_training(elsewhere, ledger) is None


def opened(ledger: Ledger, state: Any, monkeypatch: pytest.MonkeyPatch, newer: Sequence[str] = ()) -> Ledger:
    monkeypatch.setattr(opening, "newer_than", lambda *_: (list(newer), len(newer)))
    session: Any = SimpleNamespace(state=state, workspace=SimpleNamespace(ledger_path=ledger.path))
    return opening.open_ledger(session)


def test_a_reservation_of_a_round_that_was_given_up_is_taken_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up, taken_over = a_round(1, RoundState.VOID), a_round(2, RoundState.VOID)
    drawn, now = a_round(3, RoundState.VOID), a_round(4, RoundState.JOINED, trained_in=2)
    state: Any = Remembered(given_up, taken_over, drawn, now)
    names = {one.number: run_name(state, one) for one in (given_up, taken_over, drawn)}
    for number, upto in ((1, "reserved"), (2, "reserved"), (3, "spending")):
        charge(ledger, names[number], upto)
    again = opened(ledger, state, monkeypatch)
    assert {run: how for (_, run), (how, _) in again.charged().items()} == {
        names[2]: "reserved",
        names[3]: "spending",
    }


def test_an_old_ledger_is_not_spent_from(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with refused(MalformedError, "ledger.older-than-update") as refusal:
        opened(ledger, Remembered(), monkeypatch, newer=["the update of round 1", "that of round 2"])
    assert "older than the update of round 1, or another one" in str(refusal.value)
    with refused(MalformedError, "ledger.lacks-training"):
        opened(ledger, Remembered(a_round(1, RoundState.TRAINED)), monkeypatch)


def test_a_restored_workspace_with_nothing_left_spends_no_more(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = Remembered()
    state.settings[opening.RESTORED] = "2026-11-01"
    assert opened(ledger, state, monkeypatch).charged() == {}
    state.settings[opening.SPENT_BEYOND] = "2026-11-01"
    with refused(BudgetError, "ledger.spent-beyond-backup"):
        opened(ledger, state, monkeypatch)


def test_the_state_is_the_witness_of_saved_answers(tmp_path: Path) -> None:
    with State(tmp_path / "state.db") as state, state.transaction():
        answers = SavedAnswers(state, "study", 3, "restore it")
        assert answers.saved() == 0
        answers.remember(2)
        assert (answers.saved(), state.saved_releases("study", 3)) == (2, 2)
        assert not state.lost_release("study", 3)
        answers.note_loss()
        assert state.lost_release("study", 3)


# What a training may cost


class Trained:
    """A training as far as its budget goes; its noise is 30 / epsilon."""

    promise = None
    expect_known = PaidRound.expect_known

    def __init__(self, ledger: Ledger, state: Remembered, largest: float = 0.0) -> None:
        self.ledger, self.largest = ledger, largest
        self.session = SimpleNamespace(state=state)
        self.plan = SimpleNamespace(size_bound=None, epsilon=6.0, delta=1e-5, study="study")

    @property
    def round(self) -> Round:
        return self.session.state.listed[-1]

    @property
    def run(self) -> str:
        return run_name(self.session.state, self.round)

    def remaining(self) -> Any:
        return SimpleNamespace(noise=lambda epsilon: 30 / epsilon, largest_epsilon=lambda _: self.largest)

    def chosen(self, **fields: Any) -> Trained:
        self.session.state.listed[-1] = replace(self.round, **fields)
        return self

    def events(self) -> list[Event]:
        assert self.round.noise is not None
        return [Event(kind="gaussian", noise=self.round.noise)]


def test_an_epsilon_is_chosen_as_asked_or_else_the_least_that_ever_was(ledger: Ledger) -> None:
    training: Any = Trained(ledger, Remembered(a_round(1, RoundState.JOINED)))
    choose = reserve_budget.choose_epsilon
    assert [choose(asked, training) for asked in (6.0, 0.5, 1e-9, None)] == [6.0, 0.5, 1e-9, 6.0]
    before = a_round(1, RoundState.CLOSED, epsilon=2.0)
    later: Any = Trained(ledger, Remembered(before, a_round(2, RoundState.JOINED, stage=2)))
    assert [choose(None, later), choose(3.0, later)] == [2.0, 3.0]


@pytest.mark.parametrize(
    ("asked", "kind", "reason"),
    [
        (0.0, UsageError, "epsilon.not-positive"),
        (-1.0, UsageError, "epsilon.not-positive"),
        (float("inf"), UsageError, "epsilon.not-positive"),
        (float("nan"), UsageError, "epsilon.not-positive"),
        (6.000001, BudgetError, "budget.above-plan"),
    ],
)
def test_an_epsilon_that_is_none_or_too_large_is_refused(
    ledger: Ledger, asked: float, kind: Any, reason: str
) -> None:
    training: Any = Trained(ledger, Remembered(a_round(1, RoundState.JOINED)))
    with refused(kind, reason):
        reserve_budget.choose_epsilon(asked, training)


def test_a_study_that_was_paid_for_before_names_its_epsilon_itself(ledger: Ledger) -> None:
    given_up = a_round(1, RoundState.VOID)
    state = Remembered(given_up, a_round(2, RoundState.JOINED))
    training: Any = Trained(ledger, state)
    charge(ledger, run_name(training.session.state, given_up), "released")
    with refused(BudgetError, "budget.paid-before"):
        reserve_budget.choose_epsilon(None, training)
    assert reserve_budget.choose_epsilon(1.0, training) == 1.0


def test_a_reservation_fixes_noise_and_key_and_charges_once(ledger: Ledger) -> None:
    training: Any = Trained(ledger, Remembered(a_round(1, RoundState.JOINED)))
    chosen: Any = reserve_budget.reserve(training, 3.0)
    key = chosen.round.vector_key
    assert (chosen.round.epsilon, chosen.round.noise, len(key)) == (3.0, 10.0, 32)
    assert ledger.events("study", chosen.run) == (Event(kind="gaussian", noise=10.0),)
    assert reserve_budget.reserve(chosen, 3.0).round.vector_key == key  # it goes on as it is
    again: Any = reserve_budget.reserve(chosen, 2.0)  # nothing was drawn yet
    assert (again.round.epsilon, again.round.noise) == (2.0, 15.0)
    assert again.round.vector_key != key
    assert ledger.events("study", again.run) == (Event(kind="gaussian", noise=15.0),)


def test_what_was_drawn_for_stays(ledger: Ledger) -> None:
    training: Any = Trained(ledger, Remembered(a_round(1, RoundState.JOINED)))
    chosen: Any = reserve_budget.reserve(training, 3.0)
    ledger.begin("study", chosen.run)
    assert reserve_budget.reserve(chosen, 3.0) is chosen
    with refused(RefusedError, "round.other-epsilon") as refusal:
        reserve_budget.reserve(chosen, 2.0)
    assert refusal.value.reason == "round.other-epsilon"
    chosen.chosen(epsilon=None)
    with refused(MalformedError, "state.lacks-training"):
        reserve_budget.reserve(chosen, 3.0)


@pytest.mark.parametrize(
    ("largest", "other_study", "advice"),
    [
        (0.0, False, "Nothing is left for this study: the lifetime limit is reached (privxray budget)"),
        (0.5, False, "The largest that is still possible here: privxray train --epsilon 0.5"),
        (1.5, True, "The largest that is still possible here: privxray train --epsilon 1.5 --study study"),
    ],
)
def test_an_overdraft_is_forgotten_and_what_is_left_is_named(
    ledger: Ledger, largest: float, other_study: bool, advice: str
) -> None:
    charge(ledger, "round-0009-000000000000", "released", "elsewhere")
    others = [replace(a_round(1, RoundState.CLOSED), study="another")] if other_study else []
    training: Any = Trained(ledger, Remembered(*others, a_round(1, RoundState.JOINED)), largest)
    with refused(BudgetError, "budget.exceeded") as refusal:
        reserve_budget.reserve(training, 100.0)  # noise 0.3
    assert refusal.value.advice == advice
    assert (training.round.epsilon, training.round.noise, training.round.vector_key) == (None, None, None)
    assert len(ledger.charged()) == 1
