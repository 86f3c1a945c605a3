"""The rules for a request and for the share files that answer it; their order is that of :mod:`.admit`."""

from __future__ import annotations

from collections.abc import Iterable

from privxray.errors import IdentityError, MalformedError, PrivxrayError, RefusedError
from privxray.exchange.admission.admit import admit_update, belongs, expect, read_update
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.request import RequestHeader, SignedRequest, survivors_envelopes
from privxray.exchange.messages.share import ShareHeader, body_length
from privxray.exchange.sharing.dealing import Dealt
from privxray.formats.container import Envelope
from privxray.formats.header import Digest, Fingerprint
from privxray.formats.stream import sealed_length
from privxray.keys.roster import Member, Trustee


def admit_request(
    envelope: Envelope, signed: SignedPlan, own: Fingerprint, answered: Digest | None
) -> tuple[RequestHeader, int]:
    """All rules for a request that need no body, as the keyholder with the fingerprint ``own`` applies them.

    :param answered: the digest of the request of this round that was answered before, if one was.
    :returns: the header, and the number of this keyholder's seat.
    :raises IdentityError: not signed by the plan's coordinator.
    :raises RefusedError: of another study, plan or round; not for this keyholder; a second request that
        differs from the first; survivors that are too few or not of the roster.
    :raises MalformedError: it says that its body is encrypted.
    """
    plan = signed.plan
    expect(envelope, "request")
    if envelope.key_id != plan.sender:
        raise IdentityError("this request is signed by another coordinator than the study's")
    header = envelope.verify(plan.coordinator.verifier(), RequestHeader)
    if header.sender != plan.sender:
        raise IdentityError("the request names another sender than its signer")
    belongs(header, signed)
    if answered is not None and answered != envelope.digest:
        raise RefusedError(
            "another request of this round was answered before, and a keyholder answers one",
            advice="Two requests would let the coordinator subtract one sum from the other: don't help, "
            "call the data officers of the hospitals and ask the coordinator which of them it sent",
        )
    committee = plan.committee
    seat = committee.seat(own) if committee else None
    if committee is None or seat is None or own not in header.recipients:
        raise RefusedError(
            "this workspace is no keyholder of that plan", advice="Carry it to those that the plan names"
        )
    if header.body.cipher != "none" or header.body.key is not None:
        raise MalformedError("a request is not encrypted, and this one says it is")
    survivors = header.survivors
    if list(survivors) != sorted(set(survivors)) or not set(survivors) <= set(plan.hospitals):
        raise RefusedError("the request names hospitals that are not in the plan, or one twice")
    if len(survivors) < committee.minimum_cohort:
        raise RefusedError(
            f"the request would open the sum of {len(survivors)} hospitals, and the plan allows no fewer "
            f"than {committee.minimum_cohort}",
            advice="Don't help; tell the data officers of the hospitals",
        )
    return header, seat


def admit_survivors(header: RequestHeader, body: bytes, signed: SignedPlan) -> dict[Fingerprint, Dealt]:
    """The signed updates in the verified body of an admitted request: what each survivor dealt.

    :raises IdentityError: one that its hospital has not signed.
    :raises RefusedError: one of another plan or round.
    :raises MalformedError: one that is damaged.
    """
    dealt = {}
    for fingerprint, envelope in survivors_envelopes(header, body).items():
        member = signed.plan.roster.named(fingerprint)
        assert member is not None  # survivors are hospitals of the plan
        try:
            update, _ = read_update(envelope, [member])
            admit_update(update, member, signed)
        except PrivxrayError as error:
            raise type(error)(f"the request's update of {member.name} is refused: {error.what}") from error
        assert update.dealt is not None  # admit_update demands it under a plan with a committee
        dealt[fingerprint] = update.dealt
    return dealt


def read_share(envelope: Envelope, parties: Iterable[Member | Trustee]) -> ShareHeader:
    """Rules 1 to 3 for a share file: its kind, its signer among the study's parties, its signature.

    :raises IdentityError: signed by nobody of the study, or altered.
    """
    expect(envelope, "share")
    party = next((party for party in parties if party.keys.fingerprint == envelope.key_id), None)
    if party is None:
        raise IdentityError("signed by nobody of this study", advice="Ask who sent it; leave it out")
    header = envelope.verify(party.keys.verifier(), ShareHeader)
    if header.sender != party.keys.fingerprint:
        raise IdentityError("the share file names another sender than its signer")
    return header


def admit_share(header: ShareHeader, signed: SignedPlan, asked: SignedRequest) -> int:
    """The number of the seat whose answer to this request a share file is; its signature is good.

    :raises IdentityError: not by a keyholder of the plan, or the next key is not its own.
    :raises RefusedError: of another study, plan, round or request.
    :raises MalformedError: not as long as the answer is.
    """
    belongs(header, signed)
    plan = signed.plan
    committee, party = plan.committee, plan.roster.party(header.sender)
    seat = committee.seat(header.sender) if committee else None
    if committee is None or party is None or seat is None:
        raise IdentityError("signed by no keyholder of this plan", advice="Ask who sent it; leave it out")
    if header.request != asked.digest:
        raise RefusedError("it answers another request than this round's")
    key = header.body.key
    if header.recipients != (plan.sender,) or key is None or key.recipient != plan.sender:
        raise RefusedError("it is not addressed to this coordinator")
    header.next_unsealing.verify(party.keys)
    if not header.next_unsealing.succeeds(committee.seats[seat - 1].unsealing, plan.study):
        raise RefusedError("its next unsealing key is not a fresh one for this study")
    expected = sealed_length(body_length(len(asked.request.survivors), len(plan.hospitals)))
    if header.body.cipher == "none" or header.body.length != expected:
        raise MalformedError("it holds another number of shares than was asked for")
    return seat
