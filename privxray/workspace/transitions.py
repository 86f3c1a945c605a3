"""The states of a round, and what may change them: one table for each role.

A round is seen from three sides, so a hospital, a coordinator and a trustee each have a table of their own.
:class:`privxray.workspace.state.State` changes a round's state by these tables and by nothing else: an event
that the table does not have for the present state is refused. ``python -m privxray.workspace.transitions``
prints the tables and their pictures; docs/ARCHITECTURE.md shows them.

Each :class:`Step` also says what is on the disk before its transaction commits. That order is what makes a
command safe to interrupt: until the commit nothing has left the workspace, and after it the same bytes can
be written again from what lies there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from privxray.errors import PrivxrayError
from privxray.workspace.config import Role


class RoundState(StrEnum):
    """Where a round stands for one party. The words are those of the database and of ``status --json``."""

    OPEN = "open"
    """Coordinator: the plan is signed, and updates are awaited."""
    REQUESTED = "requested"
    """Coordinator: the request is signed, and share files of keyholders are awaited."""
    JOINED = "joined"
    """Hospital: the plan is followed and not trained yet. Trustee: not asked yet."""
    TRAINED = "trained"
    """Hospital: the noisy result, of a training or of counting, lies here and has not left."""
    AGREED = "agreed"
    """Hospital: the agreement's bytes are fixed, and no key of it is gone yet."""
    EXPORTED = "exported"
    """Hospital: the update's bytes are fixed, and the keys that made them are gone."""
    ANSWERED = "answered"
    """Trustee: the request's answer is fixed, and the key that made it is gone."""
    CLOSED = "closed"
    """The round gave what it could give here."""
    VOID = "void"
    """A later plan took its place before anything of it had left."""

    @property
    def awaits_files(self) -> bool:
        """Coordinator: whether updates or share files of this round are still taken in."""
        return self in (RoundState.OPEN, RoundState.REQUESTED)

    @property
    def inside(self) -> bool:
        """Hospital: whether nothing of the round's training has left yet."""
        return self in (RoundState.JOINED, RoundState.TRAINED)

    @property
    def drawn(self) -> bool:
        """Hospital: whether the noise of the round's training or counting is drawn."""
        return self in (RoundState.TRAINED, RoundState.EXPORTED, RoundState.CLOSED)


class Event(StrEnum):
    """What changes a round: a command that is typed, together with what it finds or brings."""

    PLAN = "a plan is signed"
    INHERIT = "another coordinator's open round is taken over"
    INHERIT_RESULT = "another coordinator's closed round is taken over"
    FOLLOW = "a plan is followed"
    AGREE = "a plan is followed, and its agreement is fixed"
    TAKE_OVER = "a plan is followed, and takes over a finished training"
    TRAIN = "the training or counting ends"
    DESTROY = "the result is destroyed, to train anew"
    EXPORT = "the update is fixed"
    REQUEST = "the request is signed"
    ANSWER = "the request is answered"
    SUM = "the sum is opened"
    AGREED = "all agreements are here"
    ACCEPT_MODEL = "the round's model or summary comes"
    SUCCEED = "a later plan comes"


@dataclass(frozen=True)
class Step:
    """A row of a table.

    :param before: None where the event begins a round.
    :param typed: the commands that bring the event about.
    :param first: what is durable in the workspace before the new state is.
    """

    before: RoundState | None
    event: Event
    after: RoundState
    typed: str
    first: str


_S, _E = RoundState, Event
_PLAN_COPY = "the verified copy of the plan"
_SUCCESSOR = "the verified copy of the later plan"
_MODEL = "the copy of the model or summary"
_INHERITED = "the verified copy of the plan; the signed succession"
_ANSWER = "the answer's bytes (rounds/.../answer.share)"

HOSPITAL = (
    Step(None, _E.FOLLOW, _S.JOINED, "join, accept", _PLAN_COPY),
    Step(None, _E.TAKE_OVER, _S.TRAINED, "join, accept", _PLAN_COPY),
    Step(None, _E.AGREE, _S.AGREED, "join, accept", "the agreement's bytes; the verified copy of the plan"),
    Step(
        _S.JOINED,
        _E.TRAIN,
        _S.TRAINED,
        "train, describe, evaluate",
        "epsilon, noise and a key; the reservation in the ledger; each noisy answer; the result; its release",
    ),
    Step(_S.TRAINED, _E.DESTROY, _S.JOINED, "train --again", "-"),
    Step(_S.TRAINED, _E.EXPORT, _S.EXPORTED, "export-update", "the update's bytes (rounds/.../update.enc)"),
    # A keyholder answers whatever its own round has come to.
    *(Step(s, _E.ANSWER, s, "unmask", _ANSWER) for s in (_S.JOINED, _S.TRAINED, _S.EXPORTED, _S.CLOSED)),
    Step(_S.EXPORTED, _E.ACCEPT_MODEL, _S.CLOSED, "accept", _MODEL),
    # With keyholders a round's sum opens without hospitals that did not deliver, and its model reaches them.
    *(Step(s, _E.ACCEPT_MODEL, s, "accept", _MODEL) for s in (_S.JOINED, _S.TRAINED, _S.CLOSED, _S.VOID)),
    Step(_S.JOINED, _E.SUCCEED, _S.VOID, "join, accept", _SUCCESSOR),
    Step(_S.TRAINED, _E.SUCCEED, _S.VOID, "join, accept", _SUCCESSOR),
    Step(_S.AGREED, _E.SUCCEED, _S.CLOSED, "join, accept", _SUCCESSOR),
    Step(_S.EXPORTED, _E.SUCCEED, _S.CLOSED, "join, accept", _SUCCESSOR),
    Step(_S.CLOSED, _E.SUCCEED, _S.CLOSED, "join, accept", _SUCCESSOR),
    # The newest round of a restored workspace may be void (privxray/workflow/custody).
    Step(_S.VOID, _E.SUCCEED, _S.VOID, "join, accept", _SUCCESSOR),
)

COORDINATOR = (
    Step(None, _E.PLAN, _S.OPEN, "plan, aggregate", "the signed plan"),
    Step(None, _E.INHERIT, _S.VOID, "succeed --votes", _INHERITED),
    Step(None, _E.INHERIT_RESULT, _S.CLOSED, "succeed --votes --model", f"{_INHERITED}; {_MODEL}"),
    Step(
        _S.OPEN,
        _E.REQUEST,
        _S.REQUESTED,
        "aggregate",
        "the survivors' updates; the signed request (rounds/.../round.request)",
    ),
    Step(_S.OPEN, _E.AGREED, _S.CLOSED, "aggregate", "the next signed plan"),
    *(
        Step(
            s,
            _E.SUM,
            _S.CLOSED,
            "aggregate",
            "the signed model or summary; the next signed plan, where there is one",
        )
        for s in (_S.OPEN, _S.REQUESTED)
    ),
    *(
        Step(
            s,
            _E.SUCCEED,
            _S.VOID,
            "plan --replace, plan --continue, plan --repeat",
            "the later signed plan",
        )
        for s in (_S.OPEN, _S.REQUESTED)
    ),
    Step(_S.CLOSED, _E.SUCCEED, _S.CLOSED, "plan, plan --continue, aggregate", "the later signed plan"),
    Step(_S.VOID, _E.SUCCEED, _S.VOID, "plan, plan --continue", "the later signed plan"),
)

TRUSTEE = (
    Step(None, _E.FOLLOW, _S.JOINED, "join, accept", _PLAN_COPY),
    Step(_S.JOINED, _E.ANSWER, _S.ANSWERED, "unmask", _ANSWER),
    Step(_S.JOINED, _E.SUCCEED, _S.VOID, "join, accept", _SUCCESSOR),
    Step(_S.ANSWERED, _E.SUCCEED, _S.CLOSED, "join, accept", _SUCCESSOR),
    Step(_S.VOID, _E.SUCCEED, _S.VOID, "join, accept", _SUCCESSOR),
)

TABLES: dict[Role, tuple[Step, ...]] = {
    "hospital": HOSPITAL,
    "coordinator": COORDINATOR,
    "trustee": TRUSTEE,
}

_NEXT: dict[tuple[Role, RoundState | None, Event], RoundState] = {
    (role, step.before, step.event): step.after for role, table in TABLES.items() for step in table
}


def may(role: Role, before: RoundState | None, event: Event) -> bool:
    """Whether the table of ``role`` has this event for a round in the state ``before``."""
    return (role, before, event) in _NEXT


def after(role: Role, before: RoundState | None, event: Event) -> RoundState:
    """The state that an event leads to.

    :raises PrivxrayError: the table does not have it. Commands refuse such an event themselves, with advice,
        so this shows a fault in privxray, and nothing is written.
    """
    try:
        return _NEXT[role, before, event]
    except KeyError:
        where = "where there is no round" if before is None else f"in a round that is {before}"
        raise PrivxrayError(
            f"privxray itself failed: {where} of a {role} it can't be that {event}",
            reason="internal.forbidden-transition",
            advice="Nothing was changed; please report this message",
        ) from None


def states_of(role: Role) -> tuple[RoundState, ...]:
    """The states that a round of ``role`` can have, in the order of :class:`RoundState`."""
    reached = {step.after for step in TABLES[role]}
    return tuple(state for state in RoundState if state in reached)


def diagram(role: Role) -> str:
    """The picture of a table: a Mermaid ``stateDiagram-v2``. Events that change no state are not drawn."""
    lines: dict[tuple[str, str], list[str]] = {}
    for step in TABLES[role]:
        if step.before is not step.after:
            lines.setdefault((step.before or "[*]", step.after), []).append(f"{step.event} ({step.typed})")
    drawn = [f"    {one} --> {other}: {' / '.join(events)}" for (one, other), events in lines.items()]
    return "\n".join(("stateDiagram-v2", *drawn)) + "\n"


def page() -> Iterator[str]:
    """All pictures and tables in Markdown, part by part."""
    for role, table in TABLES.items():
        yield f"### A round of a {role}\n\n```mermaid\n{diagram(role)}```\n\n"
        yield "| state | event | next state | typed | on the disk before |\n| --- | --- | --- | --- | --- |\n"
        for step in table:
            yield f"| {step.before or '-'} | {step.event} | {step.after} | {step.typed} | {step.first} |\n"
        yield "\n"


if __name__ == "__main__":
    print("".join(page()).rstrip())
