"""Hybrid masks, step by step: what following a plan does for them (docs/SPEC-2.md, section 8).

A plan of the task ``agree`` is answered at once: nothing of a patient is in an agreement, and following the
plan was the decision. The bytes are kept first; the transaction that follows the plan records the secrets;
then the file leaves. With the plan after it come the others' ciphertexts, which are opened once, and the key
that opened them is destroyed. All later plans need nothing: their secrets come of the earlier ones.

Tested in tests/cli/test_hybrid_masks.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from privxray.exchange.admission.admit_agreement import admit_agreed
from privxray.exchange.intake import envelope_of
from privxray.exchange.masking.agreed_secrets import agreed_secret, later_secret
from privxray.exchange.messages.agreement import AgreementHeader, encapsulate, write_agreement
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.plan_hybrid import StatedCiphertexts
from privxray.formats.features import HYBRID_MASKS
from privxray.formats.header import Fingerprint
from privxray.keys.identity import Identity
from privxray.workflow.common.new_round_keys import open_encapsulation_key
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import PlannedRound
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workflow.hospital.agreeing.kept_secrets import expect_agreed, keep_secrets, secrets_of
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.session import Session

_KEPT = "own.agreement"


def expect_goes_on(session: Session, plan: PlanHeader, before: PlannedRound | None) -> None:
    """Check a plan with hybrid masks against what was agreed here; other plans pass.

    :param before: the round that was followed last.
    :raises RefusedError: it goes on from another agreement, or this hospital has no secret with another.
    """
    admit_agreed(plan, before.signed if before else None, _own_statement(before))
    if session.role == "hospital":
        expect_agreed(session.state, plan, public_keys(session.workspace).fingerprint)


def prepared(
    session: Session, signed: SignedPlan, before: PlannedRound | None, unlock: Callable[[], Identity]
) -> Callable[[], None]:
    """Do what following a plan asks for hybrid masks, short of recording it.

    :param before: the round that was followed last.
    :param unlock: opens the keys; called only where they are needed.
    :returns: records what was done; to be called in the transaction that follows the plan.
    """
    plan, state = signed.plan, session.state
    if session.role != "hospital" or HYBRID_MASKS not in plan.features:
        return lambda: None
    if plan.its_task != "agree" and plan.encapsulated is None:
        return lambda: state.end_agreed_before(plan.study_name, plan.round)
    identity = unlock()
    if plan.its_task == "agree":
        shared = _agree(session, signed, identity)
        return lambda: keep_secrets(state, identity, plan.study_name, plan.round, shared, ahead=1)
    assert before is not None  # expect_goes_on demands it
    secrets = _opened(session, plan, before, identity)

    def record() -> None:
        keep_secrets(state, identity, plan.study_name, plan.round, secrets)
        state.encapsulation_keys.burn_plan(before.signed.digest)

    return record


def deliver_agreement(session: Session, plan: PlanHeader) -> Path | None:
    """Let this hospital's agreement leave, once it is recorded; None where the plan asks for none."""
    if session.role != "hospital" or plan.its_task != "agree":
        return None
    workspace = session.workspace
    kept = workspace.round_folder(plan.study_name, plan.round) / _KEPT
    path = workspace.updates / workspace.own_file(plan.study_name, plan.round, "agreement")
    send(session.state, kept.read_bytes(), path, force=True)
    return path


def _agree(session: Session, signed: SignedPlan, identity: Identity) -> dict[Fingerprint, bytes]:
    """Encapsulate, and keep the agreement's bytes; the first secrets with those to whom it encapsulated."""
    own = identity.public().fingerprint
    ciphertexts, shared = encapsulate(signed, own)
    folder = session.workspace.round_folder(signed.plan.study_name, signed.plan.round)
    make_private_folder(folder)
    write_atomic(folder / _KEPT, write_agreement(ciphertexts, signed, identity, stamp()), overwrite=True)
    return {
        other: agreed_secret(one, signed.digest, own, other, ciphertexts[other])
        for other, one in shared.items()
    }


def _opened(
    session: Session, plan: PlanHeader, before: PlannedRound, identity: Identity
) -> dict[Fingerprint, bytes]:
    """The secrets of a plan's round with all its hospitals, from what they encapsulated before."""
    own, asked = identity.public().fingerprint, before.signed
    kem = asked.plan.roster.known_hospital(own).kem
    assert kem is not None  # the plan was verified when it came
    private = open_encapsulation_key(session.state, kem.key, identity)
    secrets = secrets_of(session.state, identity, plan.study_name, asked.plan.round)
    for one in plan.encapsulated or ():
        ciphertext = one.to(own)
        if ciphertext is not None:
            shared = private.decapsulate(ciphertext)
            secrets[one.party] = agreed_secret(shared, asked.digest, own, one.party, ciphertext)
    rounds = plan.round - asked.plan.round
    others = set(plan.hospitals) - {own}
    return {other: later_secret(secret, rounds) for other, secret in secrets.items() if other in others}


def _own_statement(before: PlannedRound | None) -> StatedCiphertexts | None:
    """What this hospital stated under the plan that it followed last; None where that asked for nothing."""
    kept = before.folder / _KEPT if before else None
    if kept is None or not kept.exists():
        return None
    return envelope_of(kept).claim(AgreementHeader).encapsulated
