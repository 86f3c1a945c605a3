"""A hospital's or a trustee's side of a plan: verify it, compare key words, and follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import IdentityError, RefusedError
from privxray.exchange.admission.admit import admit_party, admit_plan, admit_successor, terms_of
from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.intake import Received, take_in
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.formats.header import PlanHash
from privxray.formats.tensors import same_form, unpack
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import Member, Trustee, same_words
from privxray.keys.statement import Statement
from privxray.privacy.guarantee import promises_something
from privxray.workflow.common.session import load_plan, public_keys
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.key_ring import KeyRing, RoundKey
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import Event, RoundState

AskWords = Callable[[PlanHeader, tuple[str, ...]], str]
"""Shows a plan and the changes of its roster, and returns the key words that a person typed."""


@dataclass(frozen=True)
class Joined:
    """A plan that this hospital now follows. ``changes`` names who joined or left since the last plan."""

    plan: PlanHeader
    changes: tuple[str, ...]
    already: bool


def join(workspace: Workspace, path: Path, ask_words: AskWords) -> Joined:
    """Verify a plan and follow it from now on.

    Key words are asked for once a roster version. Joining the same plan again changes nothing.

    :raises IdentityError: the words, the signature or the coordinator are wrong.
    :raises RefusedError: an unsafe plan, one without this hospital, a replayed or a skipped one.
    """
    workspace.require(("hospital", "trustee"), "join")
    with workspace.locked(), State(workspace.state_path) as state, take_in(path, workspace.inbox) as received:
        known = state.study(_study_of(received))
        trusted = PublicKeys.model_validate_json(known["coordinator"]) if known else None
        plan = admit_plan(received.envelope, trusted).plan
        received.check_body(plan.body)
        return follow(workspace, state, received, plan, ask_words)


def follow(
    workspace: Workspace, state: State, received: Received, plan: PlanHeader, ask_words: AskWords
) -> Joined:
    """Follow a plan that :func:`~privxray.exchange.admission.admit.admit_plan` accepted."""
    study, plan_hash = plan.study or "", PlanHash(received.envelope.digest)
    last = state.last_round(study)
    if last and last.plan == plan_hash:
        return Joined(plan, (), already=True)
    before = load_plan(workspace, last) if last else None
    if last and before:
        admit_successor(plan, SignedPlan(before, last.plan))
    changes = roster_changes(before, plan)
    own = admit_party(plan, public_keys(workspace), workspace.config.name, workspace.config.role)
    keys = [(ring, _own_key(ring, statement, study)) for ring, statement in _round_keys(state, plan, own)]
    if isinstance(own, Member):
        check_terms(plan, received.body())
    digest = plan.roster.digest(study, plan.coordinator).hex()
    known = state.study(study)
    if known is None or (known["roster_version"], known["roster_digest"]) != (plan.roster.version, digest):
        expected = plan.roster.key_words(study, plan.coordinator)
        if not same_words(ask_words(plan, changes), expected):
            raise IdentityError(
                "these are not the key words of this plan",
                advice="Compare them by phone with the coordinator and another hospital; do not train on it",
            )
    copy = workspace.plan_copy(study, plan.round)
    make_private_folder(copy.parent)
    write_atomic(copy, received.path.read_bytes(), overwrite=True)
    with state.transaction():
        state.trust_study(study, plan.coordinator.model_dump_json(), plan.roster.version, digest)
        for ring, key in keys:
            ring.bind(key.number, plan_hash)
        goes_on = bool(
            last and before and training_of(before) == training_of(plan) and _unspoilt(state, last)
        )
        took_over = goes_on and last is not None and last.state is RoundState.TRAINED
        state.begin_round(
            workspace.config.role,
            Event.TAKE_OVER if took_over else Event.FOLLOW,
            study=study,
            number=plan.round,
            plan=plan_hash,
            stage=plan.stage,
        )
        if last:
            _leave(workspace, state, last, plan.round, goes_on=goes_on)
    return Joined(plan, changes, already=False)


def roster_changes(before: PlanHeader | None, plan: PlanHeader) -> tuple[str, ...]:
    """Who joined, left or came with new keys since the plan before, by name, and which terms are others.

    Key words cover the parties and no terms, so under known words this is where a lower guard is seen.
    """
    if before is None:
        return ()
    old = {party.name: party.keys for party in before.roster.parties}
    new = {party.name: party.keys for party in plan.roster.parties}
    return (
        *(f"{name} joined" for name in new if name not in old),
        *(f"{name} left" for name in old if name not in new),
        *(f"{name} has new keys" for name in new if name in old and new[name] != old[name]),
        *_seat_changes(before, plan),
        *_term_changes(before, plan),
        *differs_by_one(set(before.hospitals), set(plan.hospitals)),
    )


def _seat_changes(before: PlanHeader, plan: PlanHeader) -> tuple[str, ...]:
    """Whose help opens the sum, where that is not as before."""
    sat, sit = (
        {party.name for seat in p.committee.seats if (party := p.roster.party(seat.keyholder))}
        if p.committee
        else set()
        for p in (before, plan)
    )
    return (
        *(f"{name} is a keyholder now" for name in sorted(sit - sat)),
        *(f"{name} is no keyholder any more" for name in sorted(sat - sit)),
    )


def _term_changes(before: PlanHeader, plan: PlanHeader) -> tuple[str, ...]:
    """The public terms that are not as before; keyholders are named by :func:`_seat_changes`."""
    old, new = before.public_constants(), plan.public_constants()
    return tuple(
        f"{name} is {new.get(name, 'not set')} and was {old.get(name, 'not set')}"
        for name in {**old, **new}
        if name != "keyholders" and old.get(name) != new.get(name)
    )


def check_terms(plan: PlanHeader, body: bytes) -> None:
    """Check that this version would train what the plan describes, before anything is charged for it.

    :raises UsageError: a method or a constant that does not exist here.
    :raises RefusedError: the plan's delta promises nothing, the constants give another vector, the extractor
        is another one, or the starting model has not the tensors that the method starts from.
    """
    from privxray.learning import methods
    from privxray.workflow.common.method_inputs import extractor_of, fits_extractor

    method = methods.get(plan.method)
    constants = method.constants(plan.constants)
    if not promises_something(plan.delta, constants.n_max):
        raise RefusedError(
            f"the plan's delta {plan.delta:g} promises nothing to one patient of {constants.n_max:,}, its "
            "constant n_max",
            advice="Ask the coordinator for a plan with a smaller delta",
        )
    start = unpack(body) if body else {}
    if plan.stage == 1:
        expected = method.starting_model(constants, plan.classes)
    else:
        expected = methods.model_form(method, constants, plan.classes)
    built_in = plan.stage == 1 and not method.starts_from_file(constants)
    if (
        constants.model_dump(mode="json") != plan.constants
        or tuple(method.manifest(constants, plan.classes)) != plan.manifest
        or method.modulus_bits != plan.modulus_bits
        or extractor_of(method) != plan.extractor
        or not fits_extractor(method, constants)
        or not same_form(start, expected)
        or (built_in and any((start[name] != expected[name]).any() for name in expected))
    ):
        raise RefusedError(
            "this version of privxray would not train what the plan describes",
            advice="Install the version that the coordinator uses (privxray inspect FILE names it)",
        )


def training_of(plan: PlanHeader) -> tuple[object, ...]:
    """All of a plan that training depends on: who else takes part is not of it."""
    return (*terms_of(plan), plan.stage, plan.body.sha256)


def _unspoilt(state: State, last: Round) -> bool:
    """Whether a training that was begun or done has not left, and nothing of it was lost."""
    inside = last.state in (RoundState.JOINED, RoundState.TRAINED)
    return inside and not state.lost_release(last.study, last.trained_in)


def _leave(workspace: Workspace, state: State, last: Round, successor: int, *, goes_on: bool) -> None:
    """End the round before, in the transaction that begins its successor.

    Its mask key dies with it, and so does the key of its training's result.

    :param goes_on: the successor takes over the training and its key first.
    """
    if goes_on:
        state.set_training(
            last.study,
            successor,
            epsilon=last.epsilon,
            noise=last.noise,
            vector_key=last.vector_key,
            trained_in=last.trained_in,
        )
    state.change_round(workspace.config.role, last, Event.SUCCEED, vector_key=None)
    for ring in (state.mask_keys, state.unsealing_keys):
        ring.burn_plan(last.plan)


def _round_keys(state: State, plan: PlanHeader, own: Member | Trustee) -> list[tuple[KeyRing, Statement]]:
    """The keys of this workspace that the plan names, and the rings that hold them."""
    named: list[tuple[KeyRing, Statement]] = []
    if isinstance(own, Member):
        named.append((state.mask_keys, own.mask))
    seat = plan.committee.seat(own.keys.fingerprint) if plan.committee else None
    if plan.committee and seat:
        named.append((state.unsealing_keys, plan.committee.seats[seat - 1].unsealing))
    return named


def _own_key(ring: KeyRing, statement: Statement, study: str) -> RoundKey:
    key = ring.find(statement.key)
    if key is None or key.number != statement.number or key.study not in (None, study):
        raise RefusedError(
            f"the plan names a key of this workspace ({ring.kind}) that it never made for this study",
            advice="Send the coordinator a fresh card: privxray card",
        )
    return key


def _study_of(received: Received) -> str:
    # A claim only: it selects which coordinator the signature must be of, and admit_plan then demands it.
    if received.envelope.kind != "plan":
        return ""
    return received.envelope.claim(PlanHeader).study or ""
