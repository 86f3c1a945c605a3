"""A revocation: a party says that its own key is no longer to be trusted (docs/SPEC-2.md, section 10).

It proves that whoever made it held the key, and that is enough: the owner may give the key up, and a thief
who does the same does no harm. So it can be made in advance and kept where the workspace is not.

Tested in tests/cli/test_revocation.py.
"""

from __future__ import annotations

from typing import Literal, get_args

from privxray.errors import MalformedError
from privxray.formats.container import Envelope, seal_header
from privxray.formats.features import REVOCATION, Form
from privxray.formats.header import Header, Name, Stamp
from privxray.keys.identity import Identity, PublicKeys

Why = Literal["lost", "left", "replaced"]
WHYS: tuple[Why, ...] = get_args(Why)
"""The workspace was lost or stolen; the party left the study; other keys are in its place."""

_ANEW = "Ask its owner to make it again: privxray revoke FILE"


class RevocationHeader(Header):
    """``keys`` are those that are given up; the same party signs with them.

    ``successor`` are the party's keys from now on, or null where it names none.
    """

    kind: Literal["revocation"] = "revocation"
    name: Name
    keys: PublicKeys
    why: Why
    successor: PublicKeys | None = None


def write_revocation(
    identity: Identity, name: str, why: Why, stamp: Stamp, *, successor: PublicKeys | None = None
) -> bytes:
    """A revocation's bytes; it has no body.

    :param successor: the keys that take the place of these, only where ``why`` is ``replaced``.
    """
    keys = identity.public()
    header = RevocationHeader(
        format=2,
        features=(REVOCATION,),
        study=None,
        sender=keys.fingerprint,
        created=stamp.created,
        software=stamp.software,
        name=name,
        keys=keys,
        why=why,
        successor=successor,
    )
    return seal_header(header, identity.signing, keys.fingerprint)


def read_revocation(envelope: Envelope) -> RevocationHeader:
    """Verify a revocation by the key that it is about.

    :raises IdentityError: that key has not signed it.
    :raises MalformedError: it is none, or contradicts itself.
    """
    envelope.expect("revocation")
    keys = envelope.claim(RevocationHeader).keys
    header = envelope.verify(keys.verifier(), RevocationHeader)
    if header.sender != keys.fingerprint:
        raise MalformedError(
            "the revocation names a different sender from the party whose key it is about",
            reason="revocation.other-sender",
            advice=_ANEW,
        )
    if header.form != Form(2, (REVOCATION,)):
        raise MalformedError(
            "the revocation is of another format, or lists other features",
            reason="revocation.other-form",
            advice=_ANEW,
        )
    if header.body.length or header.study is not None:
        raise MalformedError(
            "the revocation has a body or a study, and it holds for all studies and has none",
            reason="revocation.body-or-study",
            advice=_ANEW,
        )
    if header.successor is not None:
        if header.why != "replaced" or header.successor.fingerprint == keys.fingerprint:
            raise MalformedError(
                "the revocation names keys in place of its own that can't be meant",
                reason="revocation.successor",
                advice=_ANEW,
            )
        header.successor.check()
    return header
