"""A vote: a hospital that a plan names says who is to coordinate its study from now on.

Tested in tests/unit/test_succession.py and tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from privxray.errors import IdentityError, MalformedError
from privxray.formats.container import Envelope, seal_header
from privxray.formats.features import SUCCESSION, Form
from privxray.formats.header import Base64, Digest, Fingerprint, Header, Stamp
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.succession.consent import Ballot, is_consent, sign_consent
from privxray.keys.succession.last_day import Day

_ASK_WHO = "Ask who sent it; leave it out"
_ANEW = "Ask the hospital to make it again: privxray vote FILE"


class VoteHeader(Header):
    """``old`` is the coordinator's key that is lost, ``keys`` are the candidate's, who is the one recipient.

    ``plan`` and ``round`` are of the newest plan that the hospital follows, ``result`` is the digest of that
    plan's model or summary, if the hospital has accepted it. After the day ``until`` the vote does not count;
    votes of earlier versions have none, and count nowhere. ``consent`` goes into the succession.
    """

    kind: Literal["vote"] = "vote"
    old: Fingerprint
    keys: PublicKeys
    result: Digest | None = None
    until: Day | None = None
    consent: Base64


@dataclass(frozen=True)
class Vote:
    """A verified vote, and what its hospital consents to."""

    header: VoteHeader
    ballot: Ballot


def write_vote(identity: Identity, ballot: Ballot, stamp: Stamp) -> bytes:
    """A vote's bytes; it has no body."""
    own = identity.public().fingerprint
    header = VoteHeader(
        format=2,
        features=(SUCCESSION,),
        study=ballot.study,
        round=ballot.round,
        plan=ballot.plan,
        sender=own,
        recipients=(ballot.keys.fingerprint,),
        created=stamp.created,
        software=stamp.software,
        old=ballot.old,
        keys=ballot.keys,
        result=ballot.result,
        until=ballot.until,
        consent=sign_consent(identity.signing, ballot),
    )
    return seal_header(header, identity.signing, own)


def read_vote(envelope: Envelope, hospitals: Mapping[Fingerprint, PublicKeys]) -> Vote:
    """Verify a vote of one of these hospitals.

    :raises IdentityError: none of them has signed it, or its consent is not the sender's.
    :raises MalformedError: it is none, contradicts itself, or is of an earlier version.
    """
    envelope.expect("vote")
    keys = hospitals.get(envelope.key_id)
    if keys is None:
        raise IdentityError(
            "signed by no hospital of this plan", reason="vote.unknown-signer", advice=_ASK_WHO
        )
    header = envelope.verify(keys.verifier(), VoteHeader)
    if header.sender != keys.fingerprint:
        raise IdentityError(
            "the vote names a different sender from its signer", reason="vote.other-sender", advice=_ASK_WHO
        )
    if header.form != Form(2, (SUCCESSION,)):
        raise MalformedError(
            "the vote is of another format, or lists other features", reason="vote.other-form", advice=_ANEW
        )
    if header.body.length or header.study is None or header.plan is None:
        raise MalformedError(
            "the vote has a body, or names no study or no plan", reason="vote.body-or-plan", advice=_ANEW
        )
    if header.until is None:
        raise MalformedError(
            "the vote has no last day: an earlier version of privxray made it",
            reason="vote.without-last-day",
            advice="Ask the hospital to install the version that you have, and to vote again: privxray vote "
            "FILE, with a candidacy of that version (privxray card --candidacy)",
        )
    ballot = Ballot(
        header.study, header.round, header.plan, header.result, header.old, header.keys, header.until
    )
    if not is_consent(header.consent, keys.verifier(), ballot):
        raise IdentityError(
            "what the vote consents to is not what it says", reason="vote.wrong-consent", advice=_ANEW
        )
    return Vote(header, ballot)
