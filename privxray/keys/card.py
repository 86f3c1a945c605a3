"""A card: a hospital's public keys and its next mask key, signed by itself.

A card proves only that its maker holds the keys. That they are the hospital's is settled by key words, which
cover every card of the roster and are compared by phone.
"""

from __future__ import annotations

from typing import Literal

from privxray.errors import MalformedError
from privxray.formats.container import Envelope, seal_header
from privxray.formats.header import Header, Name
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.maskkey import MaskStatement
from privxray.keys.roster import Member


class CardHeader(Header):
    """``study`` is null where the card fits any one study."""

    kind: Literal["card"] = "card"
    name: Name
    role: Literal["hospital"] = "hospital"
    keys: PublicKeys
    mask: MaskStatement

    def member(self) -> Member:
        """This card as an entry of a roster."""
        return Member(name=self.name, role=self.role, keys=self.keys, mask=self.mask)


def write_card(identity: Identity, *, name: str, mask: MaskStatement, created: str, software: str) -> bytes:
    """A card's bytes; it has no body."""
    keys = identity.public()
    header = CardHeader(
        study=mask.study,
        sender=keys.fingerprint,
        created=created,
        software=software,
        name=name,
        keys=keys,
        mask=mask,
    )
    return seal_header(header, identity.signing, keys.fingerprint)


def read_card(envelope: Envelope) -> CardHeader:
    """Verify a card by the key that it carries itself.

    :raises IdentityError: not signed by that key, or its mask key isn't.
    :raises MalformedError: not a card, or its parts contradict each other.
    """
    if envelope.kind != "card":
        raise MalformedError(f"this is a {envelope.kind}, not a card")
    keys = envelope.claim(CardHeader).keys
    header = envelope.verify(keys.verifier(), CardHeader)
    keys.sealer()
    header.mask.verify(keys)
    if header.sender != keys.fingerprint or header.study != header.mask.study:
        raise MalformedError("the card contradicts itself")
    return header
