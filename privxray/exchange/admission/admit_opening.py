"""The rules for a request and for the share files that answer it.

Their order is that of :mod:`privxray.exchange.admission`.
"""

from __future__ import annotations

from collections.abc import Iterable

from privxray.errors import IdentityError, MalformedError, PrivxrayError, RefusedError
from privxray.exchange.admission.admit import admit_update, belongs, read_update
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.request import RequestHeader, SignedRequest, survivors_envelopes
from privxray.exchange.messages.share import ShareHeader, body_length
from privxray.exchange.sharing.committee import Committee
from privxray.exchange.sharing.dealing import Dealt
from privxray.formats.container import Envelope
from privxray.formats.header import Digest, Fingerprint
from privxray.formats.stream import sealed_length
from privxray.keys.roster import Member, Trustee

_ASK_WHO = "Ask who sent it; leave it out"
_ASK_KEYHOLDER = "Ask the keyholder for its answer to this round's request"
_DONT_HELP = "Don't help; tell the data officers of the hospitals"


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
    envelope.expect("request")
    if envelope.key_id != plan.sender:
        raise IdentityError(
            "this request is signed by someone other than the study's coordinator",
            reason="request.other-coordinator",
            advice=_DONT_HELP,
        )
    header = envelope.verify(plan.coordinator.verifier(), RequestHeader)
    if header.sender != plan.sender:
        raise IdentityError(
            "the request names a different sender from its signer",
            reason="request.other-sender",
            advice="Ask the coordinator for the request again",
        )
    belongs(header, signed)
    if answered is not None and answered != envelope.digest:
        raise RefusedError(
            "another request of this round was answered before, and a keyholder answers one",
            reason="request.second",
            advice="Two requests would let the coordinator subtract one sum from the other: don't help, "
            "call the data officers of the hospitals and ask the coordinator which of them it sent",
        )
    seated = plan.seated(own)
    if seated is None:
        raise RefusedError(
            "this workspace is not a keyholder of that plan",
            reason="request.no-keyholder-here",
            advice="Carry it to the keyholders that the plan names",
        )
    committee, seat = seated
    if own not in header.recipients:
        raise RefusedError(
            "the request is not addressed to this keyholder",
            reason="request.other-recipients",
            advice="Carry it to those that it names: privxray inspect FILE",
        )
    if header.body.cipher != "none" or header.body.key is not None:
        raise MalformedError(
            "a request is not encrypted, and this one says it is",
            reason="request.encrypted",
            advice="Ask the coordinator for the request again",
        )
    _check_survivors(header, plan, committee)
    return header, seat


def _check_survivors(header: RequestHeader, plan: PlanHeader, committee: Committee) -> None:
    """Whether the survivors of a request are hospitals of the plan, each once, and enough.

    :raises RefusedError: they are not.
    """
    survivors = header.survivors
    if list(survivors) != sorted(set(survivors)):
        raise RefusedError(
            "the request names a hospital twice, or not in order",
            reason="request.survivors-not-ascending",
            advice=_DONT_HELP,
        )
    if not set(survivors) <= set(plan.hospitals):
        raise RefusedError(
            "the request names a hospital that is not in the plan",
            reason="request.survivor-unknown",
            advice=_DONT_HELP,
        )
    if len(survivors) < committee.minimum_cohort:
        raise RefusedError(
            f"the request would open the sum of {len(survivors)} hospitals, and the plan allows no fewer "
            f"than {committee.minimum_cohort}",
            reason="request.too-few-survivors",
            advice=_DONT_HELP,
        )


def admit_survivors(header: RequestHeader, body: bytes, signed: SignedPlan) -> dict[Fingerprint, Dealt]:
    """The signed updates in the verified body of an admitted request: what each survivor dealt.

    An error has the reason of the rule that the update breaks.

    :raises IdentityError: an update that its hospital has not signed.
    :raises RefusedError: an update of another plan or round.
    :raises MalformedError: an update that is damaged.
    """
    dealt = {}
    for fingerprint, envelope in survivors_envelopes(header, body).items():
        member = signed.plan.roster.known_hospital(fingerprint)
        try:
            update, _ = read_update(envelope, [member])
            admit_update(update, member, signed)
        except PrivxrayError as error:
            raise type(error)(
                f"the request's update of {member.name} is refused: {error.what}",
                reason=error.reason,
                advice="Don't answer; ask the coordinator and that hospital about it",
            ) from error
        assert update.dealt is not None  # the plan has a committee
        dealt[fingerprint] = update.dealt
    return dealt


def read_share(envelope: Envelope, parties: Iterable[Member | Trustee]) -> ShareHeader:
    """Rules 1 to 3 for a share file: its kind, its signer among the study's parties, its signature.

    :raises IdentityError: signed by nobody of the study, or altered.
    """
    envelope.expect("share")
    party = next((party for party in parties if party.keys.fingerprint == envelope.key_id), None)
    if party is None:
        raise IdentityError("signed by nobody of this study", reason="share.unknown-signer", advice=_ASK_WHO)
    header = envelope.verify(party.keys.verifier(), ShareHeader)
    if header.sender != party.keys.fingerprint:
        raise IdentityError(
            "the share file names a different sender from its signer",
            reason="share.other-sender",
            advice=_ASK_WHO,
        )
    return header


def admit_share(header: ShareHeader, signed: SignedPlan, asked: SignedRequest) -> int:
    """The number of the seat whose answer to this request a share file is; its signature is good.

    :raises IdentityError: not by a keyholder of the plan, or the next key is not its own.
    :raises RefusedError: of another study, plan, round or request, or not for this coordinator.
    :raises MalformedError: not encrypted, or not as long as the answer is.
    """
    belongs(header, signed)
    plan = signed.plan
    seated = plan.seated(header.sender)
    if seated is None:
        raise IdentityError(
            "signed by no keyholder of this plan", reason="share.no-keyholder", advice=_ASK_WHO
        )
    committee, seat = seated
    party = plan.roster.known_party(header.sender)
    if header.request != asked.digest:
        raise RefusedError(
            "it answers a different request from this round's",
            reason="share.other-request",
            advice=_ASK_KEYHOLDER,
        )
    key = header.body.key
    if header.recipients != (plan.sender,) or key is None or key.recipient != plan.sender:
        raise RefusedError(
            "it is not addressed to this coordinator", reason="share.other-recipient", advice=_ASK_KEYHOLDER
        )
    header.next_unsealing.verify(party.keys)
    if not header.next_unsealing.succeeds(committee.seats[seat - 1].unsealing, plan.study):
        raise RefusedError(
            "its next unsealing key is not a fresh one for this study",
            reason="share.next-key-not-fresh",
            advice=_ASK_KEYHOLDER,
        )
    if header.head != signed.stated_head:
        raise RefusedError(
            f"{party.name} has seen other files of the coordinator than those that this plan goes on from",
            reason="share.other-head",
            advice=f"Phone {party.name}, and compare the words of the plan that each has: "
            "privxray verify FILE",
        )
    if header.body.cipher == "none":
        raise MalformedError("it is not encrypted", reason="share.not-encrypted", advice=_ASK_KEYHOLDER)
    if header.body.length != sealed_length(body_length(len(asked.request.survivors), len(plan.hospitals))):
        raise MalformedError(
            "it holds a different number of shares from what was asked for",
            reason="share.other-size",
            advice=_ASK_KEYHOLDER,
        )
    return seat
