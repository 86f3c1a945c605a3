"""A card: a party's public keys and its keys for one round, signed by itself.

A card proves only that its maker holds the keys. Whether they are the hospital's, people settle by phone:
they compare key words, which cover every card of the roster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from privxray.errors import MalformedError
from privxray.formats.container import READS, Envelope, seal_header
from privxray.formats.features import HYBRID_MASKS, SIZES, SUCCESSION, Form, carried_out
from privxray.formats.header import Features, Formats, Header, Name, Stamp
from privxray.keys.encapsulation_statement import EncapsulationStatement
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.roster import Member, Trustee
from privxray.keys.size_statement import SizeStatement
from privxray.keys.succession.recovery_statement import RecoveryStatement
from privxray.keys.unsealing_statement import UnsealingStatement

_ANEW = "Ask its owner for a new card: privxray card"


class CardHeader(Header):
    """``study`` is null if the card fits any one study. A hospital has a mask key, a trustee has none.

    Both have an unsealing key, for a hospital may be a keyholder too. ``formats`` and ``can`` are what its
    maker's version reads and carries out; a card of format 1 does not say, and stands for format 1 alone.
    ``kem`` is the key to which other hospitals encapsulate, if a plan asks for hybrid masks.
    """

    kind: Literal["card"] = "card"
    name: Name
    role: Literal["hospital", "trustee"] = "hospital"
    keys: PublicKeys
    mask: MaskStatement | None
    unsealing: UnsealingStatement
    formats: Formats | None = None
    can: Features | None = None
    size: SizeStatement | None = None
    kem: EncapsulationStatement | None = None
    recovery: RecoveryStatement | None = None

    @property
    def round_keys(self) -> tuple[str, ...]:
        """Its public keys that serve in one round, or of hybrid masks in one study, and never again."""
        return tuple(one.key for one in (self.mask, self.unsealing, self.kem) if one)

    def lacks(self, form: Form) -> tuple[str, ...]:
        """What its maker's version lacks of a form, in words: the format, or features; empty for nothing."""
        if form.format not in (self.formats or (1,)):
            return (f"format {form.format}",)
        return tuple(name for name in form.features if name not in (self.can or ()))

    def member(self, form: Form) -> Member:
        """A hospital's card as an entry of the roster of a plan of this form."""
        assert (
            self.mask is not None
        )  # read_card demands it of a hospital, and callers ask for hospitals alone
        size = self.size if SIZES in form.features else None
        kem = self.kem if HYBRID_MASKS in form.features else None
        return Member(
            name=self.name,
            keys=self.keys,
            mask=self.mask,
            size=size,
            kem=kem,
            recovery=self.recovery_in(form),
        )

    def trustee(self, form: Form) -> Trustee:
        """A trustee's card as an entry of the roster of a plan of this form."""
        return Trustee(name=self.name, keys=self.keys, recovery=self.recovery_in(form))

    def recovery_in(self, form: Form) -> RecoveryStatement | None:
        """Its recovery key as a plan of this form states it."""
        return self.recovery if SUCCESSION in form.features else None


@dataclass(frozen=True)
class CardParts:
    """What a card says besides its maker's keys: the fields of these names in :class:`CardHeader`.

    ``can``, ``size``, ``kem`` and ``recovery`` travel in format 2 alone.
    """

    name: str
    mask: MaskStatement | None
    unsealing: UnsealingStatement
    size: SizeStatement | None = None
    can: tuple[str, ...] = field(default_factory=carried_out)
    kem: EncapsulationStatement | None = None
    recovery: RecoveryStatement | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """The features of a card of format 2 with these fields, ascending."""
        listed = {HYBRID_MASKS: self.kem, SIZES: self.size, SUCCESSION: self.recovery}
        return tuple(sorted(name for name, field in listed.items() if field is not None))


def write_card(identity: Identity, parts: CardParts, stamp: Stamp, *, format_: Literal[1, 2] = 2) -> bytes:
    """A card's bytes; it has no body. Without a mask key it is a trustee's card.

    :param format_: 1 for a coordinator whose version reads no other.
    """
    keys = identity.public()
    header = CardHeader(
        format=format_,
        features=parts.features if format_ > 1 else (),
        study=parts.unsealing.study,
        sender=keys.fingerprint,
        created=stamp.created,
        software=stamp.software,
        name=parts.name,
        role="hospital" if parts.mask else "trustee",
        keys=keys,
        mask=parts.mask,
        unsealing=parts.unsealing,
        formats=READS,
        can=parts.can,
        size=parts.size,
        kem=parts.kem,
        recovery=parts.recovery,
    )
    return seal_header(header, identity.signing, keys.fingerprint)


def read_card(envelope: Envelope) -> CardHeader:
    """Verify a card by the key that it carries itself.

    :raises IdentityError: it, or one of its keys for a round, is not signed by that key.
    :raises MalformedError: not a card, a key in it is none, or its parts contradict each other.
    """
    envelope.expect("card")
    keys = envelope.claim(CardHeader).keys
    header = envelope.verify(keys.verifier(), CardHeader)
    keys.check()
    stated = (header.mask, header.unsealing, header.size, header.kem)
    statements = [one for one in stated if one is not None]
    for statement in statements:
        statement.verify(keys)
    if header.recovery is not None:
        header.recovery.verify(keys)
    if header.body.length:
        raise MalformedError("the card has a body, and cards have none", reason="card.body", advice=_ANEW)
    if header.sender != keys.fingerprint:
        raise MalformedError(
            "the card names a different sender from the party whose keys it carries",
            reason="card.other-sender",
            advice=_ANEW,
        )
    if any(statement.study != header.study for statement in statements):
        raise MalformedError(
            "the card is for a different study from a statement in it",
            reason="card.key-of-other-study",
            advice=_ANEW,
        )
    if (header.mask is None) != (header.role == "trustee"):
        raise MalformedError(
            "the card contradicts itself: a hospital has a mask key, and a trustee has none",
            reason="card.mask-key-and-role",
            advice=_ANEW,
        )
    if header.size is not None and header.role == "trustee":
        raise MalformedError(
            "the card contradicts itself: a trustee holds no patients, and it states how many",
            reason="card.size-and-role",
            advice=_ANEW,
        )
    if header.kem is not None and header.role == "trustee":
        raise MalformedError(
            "the card contradicts itself: a trustee has no masks, and it has an encapsulation key",
            reason="card.encapsulation-key-and-role",
            advice=_ANEW,
        )
    return header
