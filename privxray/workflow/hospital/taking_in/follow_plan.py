"""Following a plan: what a hospital or a trustee checks before it does, and what it then writes down.

Tested in tests/cli/test_rounds.py, tests/cli/test_keyholders.py and tests/attacks/test_lying_coordinator.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import IdentityError, RefusedError
from privxray.exchange.admission.admit import admit_party
from privxray.exchange.admission.admit_heads import admit_heads
from privxray.exchange.admission.admit_successor import admit_successor, task_terms_of, terms_of
from privxray.exchange.admission.repeating.admit_repeat import admit_repeat
from privxray.exchange.intake import Received
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.formats.features import HYBRID_MASKS
from privxray.keys.key_words import same_words, slip_in
from privxray.keys.roster import Member, Trustee
from privxray.keys.statement import Statement
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.repeated_plans import chain_of
from privxray.workflow.common.study_words import remember_words, study_words
from privxray.workflow.custody.revoked import expect_none_revoked, expect_not_revoked
from privxray.workflow.hospital.agreeing.agree import deliver_agreement, expect_goes_on, prepared
from privxray.workflow.hospital.kept_vector import repeated, sent_before
from privxray.workflow.hospital.open_round import over_here
from privxray.workflow.hospital.taking_in.check_evaluated import check_evaluated
from privxray.workflow.hospital.taking_in.check_trainable import check_trainable
from privxray.workflow.hospital.taking_in.plan_changes import known_here, plan_changes
from privxray.workflow.hospital.taking_in.seen_files import expect_own_model, seen_here
from privxray.workflow.hospital.training_results import remove_unreadable
from privxray.workflow.hospital.waive import waived_round
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.key_ring import KeyRing, RoundKey
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import KnownStudy, Round
from privxray.workspace.transitions import Event, RoundState

AskWords = Callable[[PlanHeader, tuple[str, ...]], str]
"""Shows a plan and what it changes, and returns the key words that a person typed."""

_Keys = list[tuple[KeyRing, RoundKey]]


@dataclass(frozen=True)
class Joined:
    """A plan that this party now follows.

    :param changes: what the plan changes, see
        :func:`~privxray.workflow.hospital.taking_in.plan_changes.plan_changes`.
    :param already: the plan was followed before.
    :param agreement: the file to carry to the coordinator, where the plan asked to agree on secrets.
    """

    plan: PlanHeader
    changes: tuple[str, ...]
    already: bool
    agreement: Path | None = None


def follow(
    session: Session, received: Received, signed: SignedPlan, ask_words: AskWords, passphrase: Passphrase
) -> Joined:
    """Follow a plan that :func:`~privxray.exchange.admission.admit.admit_plan` accepted.

    Key words are asked for where they were not compared for this roster version yet. Only then is the plan's
    body copied and parsed: until then it may be a stranger's.

    :param received: the file that the plan came in.
    :param passphrase: asked for only where the plan begins hybrid masks.
    :raises IdentityError: the words that were typed are not the plan's.
    :raises RefusedError: a plan without this party, a replayed or a skipped one, one that this version would
        not train, one that names a key of this workspace that it must not name, or one that brings another
        model than the one that was accepted here.
    """
    plan, state = signed.plan, session.state
    last = state.last_round(plan.study_name)
    if last and last.plan == signed.digest:
        if last.state is RoundState.VOID:
            raise over_here(last)
        received.check_body(plan.body)
        return Joined(plan, (), already=True, agreement=deliver_agreement(session, plan))
    expect_not_revoked(state, plan.sender)
    expect_none_revoked(state, plan.roster.parties)
    before = planned_round(session.workspace, last) if last else None
    if before:
        admit_successor(plan, before.signed)
        admit_repeat(plan, before.signed, chain_of(session, before.plan).earlier)
    again = repeated(session, plan, before) if session.role == "hospital" else None
    own_keys = public_keys(session.workspace)
    changes = (
        ()
        if before is None
        else plan_changes(before.plan, plan, own_keys.fingerprint, known_here(session, before, plan))
    )
    if plan.roster.party(own_keys.fingerprint) is None:
        _expect_not_waived(session, plan)
    own = admit_party(plan, own_keys, session.name, session.role)
    expect_goes_on(session, plan, before)
    keys = _own_round_keys(state, plan, own)
    study = _with_compared_words(state, plan, lambda: ask_words(plan, changes))
    admit_heads(plan, seen_here(state, own_keys.fingerprint, before))
    expect_own_model(session, plan, before)
    received.check_body(plan.body)  # not before its coordinator is known to be the right one
    if isinstance(own, Member):
        check_trainable(session.workspace, plan, received.body())
        check_evaluated(session, plan)
    record_agreed = prepared(session, signed, before, lambda: unlock(session.workspace, passphrase))
    copy = session.workspace.plan_copy(study.name, plan.round)
    make_private_folder(copy.parent)
    write_atomic(copy, received.path.read_bytes(), overwrite=True)
    words = study_words(state, plan)
    with state.transaction():
        state.trust_study(study)
        remember_words(state, plan, words)
        for ring, key in keys:
            ring.bind(key.number, signed.digest)
        record_agreed()
        _begin(session, signed, before, again)
    if session.role == "hospital":
        remove_unreadable(session)
    return Joined(plan, changes, already=False, agreement=deliver_agreement(session, plan))


def _with_compared_words(state: State, plan: PlanHeader, ask: Callable[[], str]) -> KnownStudy:
    """The study as it is known once a person has compared the key words of this roster, now or before.

    :raises IdentityError: the words that were typed are others.
    """
    name = plan.study_name
    study = KnownStudy(
        name, plan.coordinator, plan.roster.version, plan.roster.digest(name, plan.coordinator).hex()
    )
    known = state.study(name)
    if known and (known.roster_version, known.roster_digest) == (study.roster_version, study.roster_digest):
        return study
    typed, words = ask(), plan.roster.key_words(name, plan.coordinator)
    if not same_words(typed, words):
        raise slip_in(typed, words) or IdentityError(
            "these are not the key words of this plan",
            reason="plan.wrong-words",
            advice="Compare them by phone with the coordinator and another hospital; do not train on it",
        )
    return study


def _begin(session: Session, signed: SignedPlan, before: PlannedRound | None, again: Round | None) -> None:
    """Begin the plan's round and end the one before; within a transaction.

    A training that was begun or done and never exported serves the new round if the new plan describes the
    same training and nothing of it was lost. Otherwise its key is destroyed, and its result with it. The
    one-round keys of the round before die in any case.

    :param again: the exported round whose vector this one repeats; None where it repeats none. A vector that
        is not repeated is forgotten.
    """
    plan, state, role = signed.plan, session.state, session.role
    last = before.round if before else None
    goes_on = before is not None and _training_of(before.plan) == _training_of(plan)
    kept = again or (last if last and goes_on and _unspoilt(state, last) and not sent_before(last) else None)
    took_over = again is not None or (kept is not None and kept.state is RoundState.TRAINED)
    event = Event.TAKE_OVER if took_over else Event.FOLLOW
    if plan.its_task == "agree" and role == "hospital":
        event = Event.AGREE
    study = plan.study_name
    state.begin_round(role, event, study=study, number=plan.round, plan=signed.digest, stage=plan.stage)
    if plan.task is not None:
        state.note_task(study, plan.round, plan.task, plan.place.entry)
    if kept:
        state.set_training(
            study,
            plan.round,
            epsilon=kept.epsilon,
            noise=kept.noise,
            vector_key=kept.vector_key,
            trained_in=kept.trained_in,
        )
    if again is None:
        state.forget_vectors(study)
    if last:
        state.change_round(role, last, Event.SUCCEED, vector_key=None)
        for ring in (state.mask_keys, state.unsealing_keys, state.encapsulation_keys):
            ring.burn_plan(last.plan)


def _expect_not_waived(session: Session, plan: PlanHeader) -> None:
    """:raises RefusedError: the plan goes on without this hospital, as it has signed."""
    waived = waived_round(session, plan.study_name)
    if waived is not None:
        again = "To take part again, make a fresh card (privxray card) and carry it to the coordinator"
        if HYBRID_MASKS in plan.features:
            again = "Its secrets for the masks ended with that: it can take part in a study begun anew"
        raise RefusedError(
            f"the study goes on without this hospital, which has waived round {waived}",
            reason="plan.waived",
            advice=again,
        )


def _training_of(plan: PlanHeader) -> tuple[object, ...]:
    """All of a plan that training depends on. Who else takes part is not among it."""
    return (*terms_of(plan), *task_terms_of(plan), plan.stage, plan.body.sha256)


def _unspoilt(state: State, last: Round) -> bool:
    """Whether a training has not left yet and nothing of it was lost."""
    return last.state.inside and not state.lost_release(last.study, last.trained_in)


def _own_round_keys(state: State, plan: PlanHeader, own: Member | Trustee) -> _Keys:
    """The keys of this workspace that the plan uses, with the rings that hold them.

    A plan that agrees on secrets uses encapsulation keys alone. The others that it names serve the next plan.

    :raises RefusedError: one that it never made for this study.
    """
    named: list[tuple[KeyRing, Statement]] = []
    if plan.its_task == "agree":
        kem = own.kem if isinstance(own, Member) else None
        ring = state.encapsulation_keys
        return [(ring, _own_key(ring, kem, plan.study_name))] if kem else []
    if isinstance(own, Member):
        named.append((state.mask_keys, own.mask))
    seat = plan.committee.seat(own.keys.fingerprint) if plan.committee else None
    if plan.committee and seat:
        named.append((state.unsealing_keys, plan.committee.seats[seat - 1].unsealing))
    return [(ring, _own_key(ring, statement, plan.study_name)) for ring, statement in named]


def _own_key(ring: KeyRing, statement: Statement, study: str) -> RoundKey:
    key = ring.find(statement.key)
    if key is None or key.number != statement.number or key.study not in (None, study):
        raise RefusedError(
            f"the plan names a key of this workspace ({ring.kind}) that it never made for this study",
            reason="plan.foreign-key",
            advice="Make a fresh card (privxray card), send it to the coordinator and ask for a new plan",
        )
    return key
