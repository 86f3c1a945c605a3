"""A succession: other keys take the place of a key that is gone (docs/SPEC-2.md, section 10).

A party's recovery key consents to it, or hospitals that the plan names vote for a new coordinator. The new
key signs the file, so nobody is named who does not hold the key. Whether the consent is good, its reader says
(:mod:`privxray.exchange.admission.admit_succession`, and of votes
:mod:`~privxray.exchange.admission.admit_election`), who knows the plan.

Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from privxray.errors import MalformedError
from privxray.formats.container import Envelope, seal_header
from privxray.formats.features import SUCCESSION, Form, is_ascending
from privxray.formats.header import Base64, Digest, Fingerprint, Header, Name, PlanHash, Stamp, Strict
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.succession.consent import Ballot
from privxray.keys.succession.last_day import Day

MAX_VOTES = 100

_ANEW = "Ask its sender to make it again: privxray succeed"


class CountedVote(Strict):
    """One hospital's consent, which ends after the day ``until``; of an earlier version, it has none."""

    party: Fingerprint
    until: Day | None = None
    consent: Base64


class SuccessionHeader(Header):
    """``keys`` take the place of the key ``old``; ``name`` is the party's, or the new coordinator's.

    ``by`` says who consents: ``recovery`` the party's recovery key, in ``consent``; ``members`` the hospitals
    of ``votes``, ascending, for the study's coordinator. Then ``plan`` and ``round`` are of the last plan of
    the coordinator before, which the new one goes on from, and ``result`` is the digest of that plan's model
    or summary, where there is one. All votes were made over these.
    """

    kind: Literal["succession"] = "succession"
    name: Name
    old: Fingerprint
    keys: PublicKeys
    by: Literal["recovery", "members"]
    consent: Base64 | None
    votes: Annotated[tuple[CountedVote, ...], Field(strict=False, max_length=MAX_VOTES)] | None
    result: Digest | None = None


@dataclass(frozen=True)
class Elected:
    """What hospitals decided: the study, its last plan under the old key, and their consents.

    ``result`` is the digest of that plan's model or summary, where there is one.
    """

    study: str
    round: int
    plan: PlanHash
    result: Digest | None
    votes: tuple[CountedVote, ...]


def write_recovery(identity: Identity, name: str, old: Fingerprint, consent: str, stamp: Stamp) -> bytes:
    """The bytes of a succession that a recovery key consents to; it has no body.

    :param identity: the new keys, which sign.
    """
    return _written(identity, _header(identity, name, old, stamp).model_copy(update={"consent": consent}))


def write_election(identity: Identity, name: str, old: Fingerprint, elected: Elected, stamp: Stamp) -> bytes:
    """The bytes of a coordinator's succession; it has no body.

    :param identity: the new coordinator's keys, which sign.
    """
    changes = {
        "by": "members",
        "study": elected.study,
        "round": elected.round,
        "plan": elected.plan,
        "result": elected.result,
        "votes": tuple(sorted(elected.votes, key=lambda vote: vote.party)),
    }
    return _written(identity, _header(identity, name, old, stamp).model_copy(update=changes))


def read_succession(envelope: Envelope) -> SuccessionHeader:
    """Verify a succession by the new key that it names; who consents is not looked at.

    :raises IdentityError: that key has not signed it.
    :raises MalformedError: it is none, a key in it is none, or it contradicts itself.
    """
    envelope.expect("succession")
    keys = envelope.claim(SuccessionHeader).keys
    header = envelope.verify(keys.verifier(), SuccessionHeader)
    keys.check()
    _check_form(header)
    _check_parts(header)
    return header


def _check_form(header: SuccessionHeader) -> None:
    """Check what all kinds of file have.

    :raises MalformedError: another sender than the new key, another form, or a body.
    """
    if header.sender != header.keys.fingerprint:
        raise MalformedError(
            "the succession names a different sender from the new key",
            reason="succession.other-sender",
            advice=_ANEW,
        )
    if header.form != Form(2, (SUCCESSION,)):
        raise MalformedError(
            "the succession is of another format, or lists other features",
            reason="succession.other-form",
            advice=_ANEW,
        )
    if header.body.length:
        raise MalformedError(
            "the succession has a body, and successions have none", reason="succession.body", advice=_ANEW
        )


def _check_parts(header: SuccessionHeader) -> None:
    """Check that a succession has the parts of its kind, and no others.

    :raises MalformedError: it has not.
    """
    if header.old == header.keys.fingerprint:
        raise MalformedError(
            "the succession names the old key as the new one", reason="succession.same-key", advice=_ANEW
        )
    of_study = (header.study, header.plan, header.votes)
    election = (*of_study, header.result) != (None,) * 4 or header.round
    if header.by == "recovery" and (header.consent is None or election):
        raise MalformedError(
            "the succession by a recovery key lacks its consent, or has parts of a vote",
            reason="succession.recovery-parts",
            advice=_ANEW,
        )
    if header.by == "members" and (header.consent is not None or None in of_study or not header.round):
        raise MalformedError(
            "the succession by votes lacks a part, or has one of a recovery key",
            reason="succession.vote-parts",
            advice=_ANEW,
        )
    if not is_ascending([vote.party for vote in header.votes or ()]):
        raise MalformedError(
            "the succession counts a vote twice, or out of order",
            reason="succession.votes-order",
            advice=_ANEW,
        )
    if any(vote.until is None for vote in header.votes or ()):
        raise MalformedError(
            "the succession counts a vote without a last day: an earlier version of privxray made it",
            reason="succession.without-last-day",
            advice="Ask its sender to install the version that you have; then the hospitals vote again",
        )


def last_day(votes: Iterable[CountedVote]) -> Day | None:
    """The last day on which all of these votes count; None if there are none, or one has no such day."""
    days = [vote.until for vote in votes]
    return min((day for day in days if day), default=None) if all(days) else None


def ballots(header: SuccessionHeader) -> Iterator[tuple[CountedVote, Ballot]]:
    """The votes that a verified succession counts, each with what its hospital has to have signed."""
    for vote in header.votes or ():
        if header.study is None or header.plan is None or vote.until is None:
            continue  # read_succession lets none of these through; such a vote would not count
        round_, plan, result = header.round, header.plan, header.result
        yield vote, Ballot(header.study, round_, plan, result, header.old, header.keys, vote.until)


def _header(identity: Identity, name: str, old: Fingerprint, stamp: Stamp) -> SuccessionHeader:
    keys = identity.public()
    return SuccessionHeader(
        format=2,
        features=(SUCCESSION,),
        study=None,
        sender=keys.fingerprint,
        created=stamp.created,
        software=stamp.software,
        name=name,
        old=old,
        keys=keys,
        by="recovery",
        consent=None,
        votes=None,
    )


def _written(identity: Identity, header: SuccessionHeader) -> bytes:
    return seal_header(header, identity.signing, header.sender)
