"""A candidacy: the keys of somebody who would coordinate a study whose coordinator has lost its own.

It is to a coordinator what a card is to a hospital. It proves that its maker holds the keys; whose they are,
the voting hospitals settle by key words.

Tested in tests/unit/test_succession.py and tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from privxray.errors import MalformedError
from privxray.formats.container import Envelope, seal_header
from privxray.formats.features import SUCCESSION, Form
from privxray.formats.header import Header, Name, Stamp
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.succession.last_day import Day

_ANEW = "Ask its maker to make it again: privxray card --candidacy"


class CandidacyHeader(Header):
    """``name`` and ``keys`` are those of whoever would be the study's coordinator.

    After the day ``until`` no vote for it counts; candidacies of earlier versions have none, and are refused.
    """

    kind: Literal["candidacy"] = "candidacy"
    name: Name
    keys: PublicKeys
    until: Day | None = None


@dataclass(frozen=True)
class Candidate:
    """What a verified candidacy says; ``header`` is the whole of it."""

    header: CandidacyHeader
    study: str
    until: Day


def write_candidacy(identity: Identity, name: str, study: str, until: Day, stamp: Stamp) -> bytes:
    """A candidacy's bytes; it has no body.

    :param until: the last day on which votes for it count.
    """
    keys = identity.public()
    header = CandidacyHeader(
        format=2,
        features=(SUCCESSION,),
        study=study,
        sender=keys.fingerprint,
        created=stamp.created,
        software=stamp.software,
        name=name,
        keys=keys,
        until=until,
    )
    return seal_header(header, identity.signing, keys.fingerprint)


def read_candidacy(envelope: Envelope) -> Candidate:
    """Verify a candidacy by the key that it carries itself.

    :raises IdentityError: that key has not signed it.
    :raises MalformedError: it is none, a key in it is none, it contradicts itself, or it is of an earlier
        version.
    """
    envelope.expect("candidacy")
    keys = envelope.claim(CandidacyHeader).keys
    header = envelope.verify(keys.verifier(), CandidacyHeader)
    keys.check()
    if header.sender != keys.fingerprint:
        raise MalformedError(
            "the candidacy names a different sender from the one whose keys it carries",
            reason="candidacy.other-sender",
            advice=_ANEW,
        )
    if header.form != Form(2, (SUCCESSION,)):
        raise MalformedError(
            "the candidacy is of another format, or lists other features",
            reason="candidacy.other-form",
            advice=_ANEW,
        )
    if header.body.length or header.study is None:
        raise MalformedError(
            "the candidacy has a body or names no study", reason="candidacy.body-or-study", advice=_ANEW
        )
    if header.until is None:
        raise MalformedError(
            "the candidacy has no last day: an earlier version of privxray made it",
            reason="candidacy.without-last-day",
            advice=_ANEW,
        )
    return Candidate(header, header.study, header.until)
