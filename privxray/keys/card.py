"""A card: a party's public keys and its keys for one round, signed by itself.

A card proves only that its maker holds the keys. That they are the hospital's is settled by key words, which
cover every card of the roster and are compared by phone.
"""

from __future__ import annotations

from typing import Literal

from privxray.errors import MalformedError
from privxray.formats.container import Envelope, seal_header
from privxray.formats.header import Header, Name, Stamp
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.maskkey import MaskStatement
from privxray.keys.roster import Member, Trustee
from privxray.keys.unsealing import UnsealingStatement


class CardHeader(Header):
    """``study`` is null where the card fits any one study. A hospital has a mask key, a trustee has none.

    Both have an unsealing key, for a hospital may be chosen as a keyholder too.
    """

    kind: Literal["card"] = "card"
    name: Name
    role: Literal["hospital", "trustee"] = "hospital"
    keys: PublicKeys
    mask: MaskStatement | None
    unsealing: UnsealingStatement

    def member(self) -> Member:
        """A hospital's card as an entry of a roster.

        :raises MalformedError: a trustee's.
        """
        if self.mask is None:
            raise MalformedError("this is a trustee's card, not a hospital's")
        return Member(name=self.name, keys=self.keys, mask=self.mask)

    def trustee(self) -> Trustee:
        """A trustee's card as an entry of a roster."""
        return Trustee(name=self.name, keys=self.keys)


def write_card(
    identity: Identity,
    *,
    name: str,
    mask: MaskStatement | None,
    unsealing: UnsealingStatement,
    stamp: Stamp,
) -> bytes:
    """A card's bytes; it has no body. Without a mask key it is a trustee's."""
    keys = identity.public()
    header = CardHeader(
        study=unsealing.study,
        sender=keys.fingerprint,
        created=stamp.created,
        software=stamp.software,
        name=name,
        role="hospital" if mask else "trustee",
        keys=keys,
        mask=mask,
        unsealing=unsealing,
    )
    return seal_header(header, identity.signing, keys.fingerprint)


def read_card(envelope: Envelope) -> CardHeader:
    """Verify a card by the key that it carries itself.

    :raises IdentityError: not signed by that key, or one of its keys for a round isn't.
    :raises MalformedError: not a card, or its parts contradict each other.
    """
    if envelope.kind != "card":
        raise MalformedError(f"this is a {envelope.kind}, not a card")
    keys = envelope.claim(CardHeader).keys
    header = envelope.verify(keys.verifier(), CardHeader)
    keys.check()
    statements = [header.unsealing] if header.mask is None else [header.mask, header.unsealing]
    for statement in statements:
        statement.verify(keys)
    if (
        header.sender != keys.fingerprint
        or any(statement.study != header.study for statement in statements)
        or (header.mask is None) != (header.role == "trustee")
    ):
        raise MalformedError("the card contradicts itself")
    return header
