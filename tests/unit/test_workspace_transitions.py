"""Every event in every state of every role: a round moves as its table says, and in no other way."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from privxray.errors import PrivxrayError
from privxray.workspace.config import Role
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import (
    TABLES,
    Event,
    RoundState,
    Step,
    after,
    diagram,
    may,
    page,
    states_of,
)

ROLES: tuple[Role, ...] = ("hospital", "coordinator", "trustee")


def begun(state: State, role: Role, step: Step, number: int = 1) -> Round:
    state.begin_round(role, step.event, study="s", number=number, plan="0" * 64, stage=1)
    return state.rounds("s")[-1]


def paths(role: Role) -> Iterator[list[Step]]:
    """Every path from a round's beginning that takes no step twice.

    In each state all events that leave it as it is come first.
    """

    def further(path: list[Step]) -> Iterator[list[Step]]:
        here = [step for step in TABLES[role] if step.before is path[-1].after]
        path = [*path, *(step for step in here if step.after is step.before)]
        yield path
        for step in here:
            if step.after is not step.before and step not in path:
                yield from further([*path, step])

    for step in TABLES[role]:
        if step.before is None:
            yield from further([step])


def walked(state: State, role: Role, path: list[Step], number: int = 1) -> Round:
    round_ = begun(state, role, path[0], number)
    for step in path[1:]:
        state.change_round(role, round_, step.event)
        assert state.rounds("s")[-1].state is step.after
    return state.rounds("s")[-1]


@pytest.mark.parametrize("role", ROLES)
def test_every_path_of_the_table_can_be_walked(role: Role, tmp_path: Path) -> None:
    with State(tmp_path / "state.db") as state, state.transaction():
        reached = {walked(state, role, path, number).state for number, path in enumerate(paths(role), 1)}
    assert reached == set(states_of(role))


@pytest.mark.parametrize("role", ROLES)
def test_every_pair_that_the_table_lacks_is_refused_and_changes_nothing(role: Role, tmp_path: Path) -> None:
    shortest: dict[RoundState, list[Step]] = {}
    for path in paths(role):
        known = shortest.setdefault(path[-1].after, path)
        if len(path) < len(known):
            shortest[path[-1].after] = path
    refused = 0
    with State(tmp_path / "state.db") as state, state.transaction():
        for number, before in enumerate(states_of(role), 1):
            round_ = walked(state, role, shortest[before], number)
            for event in Event:
                if may(role, before, event):
                    continue
                refused += 1
                with pytest.raises(PrivxrayError) as told:
                    state.change_round(role, round_, event, model="1" * 64)
                assert told.value.reason == "internal.forbidden-transition"
                assert state.last_round("s") == round_
    steps = sum(step.before is not None for step in TABLES[role])
    assert refused == len(states_of(role)) * len(Event) - steps


@pytest.mark.parametrize("role", ROLES)
def test_a_round_begins_with_what_the_table_begins_with(role: Role, tmp_path: Path) -> None:
    with State(tmp_path / "state.db") as state:
        for event in Event:
            if may(role, None, event):
                continue
            with pytest.raises(PrivxrayError) as told:
                state.begin_round(role, event, study="s", number=1, plan="0" * 64, stage=1)
            assert told.value.reason == "internal.forbidden-transition"
        assert state.rounds() == []


def test_what_counts_is_the_state_in_the_database(tmp_path: Path) -> None:
    """A round that was read before another change of it can't bring an older state back."""
    with State(tmp_path / "state.db") as state:
        stale = begun(state, "hospital", TABLES["hospital"][0])
        state.change_round("hospital", stale, Event.TRAIN)
        state.change_round("hospital", stale, Event.EXPORT)
        for role, event in (("hospital", Event.TRAIN), ("trustee", Event.ANSWER)):
            with pytest.raises(PrivxrayError) as told:
                state.change_round(role, stale, event)
            assert told.value.reason == "internal.forbidden-transition"


def test_no_other_field_sets_a_state(tmp_path: Path) -> None:
    with State(tmp_path / "state.db") as state:
        begun(state, "hospital", TABLES["hospital"][0])
        with pytest.raises(ValueError, match="field"):
            state.set_training("s", 1, state="closed")  # type: ignore[arg-type]


def test_the_words_in_the_database_are_those_of_earlier_versions(tmp_path: Path) -> None:
    words = {"open", "requested", "joined", "agreed", "trained", "exported", "answered", "closed", "void"}
    assert {str(state) for state in RoundState} == words
    with State(tmp_path / "state.db") as state:
        walked(state, "hospital", [TABLES["hospital"][0]])
    with sqlite3.connect(tmp_path / "state.db") as database:
        assert database.execute("SELECT state, typeof(state) FROM round").fetchone() == ("joined", "text")


@pytest.mark.parametrize("role", ROLES)
def test_a_table_says_one_thing_of_each_pair(role: Role) -> None:
    table = TABLES[role]
    assert len({(step.before, step.event) for step in table}) == len(table)
    for step in table:
        assert after(role, step.before, step.event) is step.after
        assert step.typed
        assert step.first


@pytest.mark.parametrize("role", ROLES)
def test_the_picture_shows_every_change_of_state(role: Role) -> None:
    drawn = re.findall(r"^    (\S+) --> (\S+): ", diagram(role), re.MULTILINE)
    changes = {
        ("[*]" if step.before is None else str(step.before), str(step.after))
        for step in TABLES[role]
        if step.before is not step.after
    }
    assert set(drawn) == changes
    assert len(drawn) == len(changes)


def test_the_module_prints_its_page() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "privxray.workspace.transitions"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "".join(page()).strip()
    assert told.stdout.count("```mermaid") == 3
