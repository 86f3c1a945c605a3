"""The rules for waivers and refusals; their order is that of :mod:`privxray.exchange.admission`."""

from __future__ import annotations

from privxray.errors import IdentityError, MalformedError, RefusedError
from privxray.exchange.admission.admit import belongs
from privxray.exchange.messages.consents import RefusalHeader, WaiverHeader
from privxray.exchange.messages.plan import SignedPlan
from privxray.formats.container import Envelope
from privxray.formats.header import Fingerprint, Header

_ASK_WHO = "Ask who sent it; leave it out"


def admit_waiver(envelope: Envelope, signed: SignedPlan) -> WaiverHeader:
    """A hospital's statement that the round of ``signed`` may be repeated without it.

    :raises IdentityError: signed by no hospital of that plan, or altered.
    :raises RefusedError: of another study, plan or round, or not for its coordinator.
    :raises MalformedError: it has a body.
    """
    envelope.expect("waiver")
    member = signed.plan.roster.hospital(envelope.key_id)
    if member is None:
        raise IdentityError(
            "the waiver is signed by no hospital of the plan that it is about",
            reason="waiver.unknown-signer",
            advice=_ASK_WHO,
        )
    header = envelope.verify(member.keys.verifier(), WaiverHeader)
    _check_form(header, envelope.key_id, signed)
    return header


def admit_refusal(envelope: Envelope, signed: SignedPlan) -> RefusalHeader:
    """A keyholder's statement that it has answered nothing under the plan ``signed``, and never will.

    :raises IdentityError: signed by no keyholder of that plan, or altered; or its next key is not its own.
    :raises RefusedError: of another study, plan or round, or not for its coordinator; or its next key is not
        a fresh one.
    :raises MalformedError: it has a body.
    """
    envelope.expect("refusal")
    seated = signed.plan.seated(envelope.key_id)
    if seated is None:
        raise IdentityError(
            "the refusal is signed by no keyholder of the plan that it is about",
            reason="refusal.unknown-signer",
            advice=_ASK_WHO,
        )
    party = signed.plan.roster.known_party(envelope.key_id)
    header = envelope.verify(party.keys.verifier(), RefusalHeader)
    _check_form(header, envelope.key_id, signed)
    committee, seat = seated
    header.next_unsealing.verify(party.keys)
    if not header.next_unsealing.succeeds(committee.seats[seat - 1].unsealing, signed.plan.study):
        raise RefusedError(
            "the refusal's next unsealing key is not a fresh one for this study",
            reason="refusal.next-key-not-fresh",
            advice="Ask the keyholder for its refusal again",
        )
    return header


def _check_form(header: Header, signer: Fingerprint, signed: SignedPlan) -> None:
    if header.sender != signer:
        raise IdentityError(
            "the statement names a different sender from its signer",
            reason="consent.other-sender",
            advice=_ASK_WHO,
        )
    belongs(header, signed)
    if header.recipients != (signed.plan.sender,):
        raise RefusedError(
            "the statement is not addressed to this coordinator",
            reason="consent.other-recipient",
            advice=_ASK_WHO,
        )
    if header.body.length:
        raise MalformedError(
            "the statement has a body, and such a file has none",
            reason="consent.body",
            advice="Ask its sender for it again",
        )
