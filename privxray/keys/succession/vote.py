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
from privxray.formats.header import Base64, Fingerprint, Header, PlanHash, Stamp
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.succession.consent import is_consent, sign_consent

_ASK_WHO = "Ask who sent it; leave it out"
_ANEW = "Ask the hospital to make it again: privxray vote FILE"


class VoteHeader(Header):
    """``old`` is the coordinator's key that is lost, ``keys`` are the candidate's, who is the one recipient.

    ``plan`` and ``round`` are of the newest plan that the hospital follows. ``consent`` goes into the
    succession.
    """

    kind: Literal["vote"] = "vote"
    old: Fingerprint
    keys: PublicKeys
    consent: Base64


@dataclass(frozen=True)
class VoteParts:
    """What a vote says: the fields of these names in :class:`VoteHeader`."""

    study: str
    round: int
    plan: PlanHash
    old: Fingerprint
    keys: PublicKeys


def write_vote(identity: Identity, parts: VoteParts, stamp: Stamp) -> bytes:
    """A vote's bytes; it has no body."""
    own = identity.public().fingerprint
    header = VoteHeader(
        format=2,
        features=(SUCCESSION,),
        study=parts.study,
        round=parts.round,
        plan=parts.plan,
        sender=own,
        recipients=(parts.keys.fingerprint,),
        created=stamp.created,
        software=stamp.software,
        old=parts.old,
        keys=parts.keys,
        consent=sign_consent(identity.signing, parts.study, parts.old, parts.keys),
    )
    return seal_header(header, identity.signing, own)


def read_vote(envelope: Envelope, hospitals: Mapping[Fingerprint, PublicKeys]) -> VoteHeader:
    """Verify a vote of one of these hospitals.

    :raises IdentityError: none of them has signed it, or its consent is not the sender's.
    :raises MalformedError: it is none, or contradicts itself.
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
    if not is_consent(header.consent, keys.verifier(), header.study, header.old, header.keys):
        raise IdentityError(
            "what the vote consents to is not what it says", reason="vote.wrong-consent", advice=_ANEW
        )
    return header
