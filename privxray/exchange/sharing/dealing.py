"""What a hospital deals to the keyholders with its update, and how a keyholder opens its part.

The secrets of hospital u are, in this order, the seed b_u of its self-mask and then k_uv for every other
hospital v by ascending fingerprint. :mod:`.shamir` splits each of them. Seat x gets the x-th share of each in
one box, sealed to its unsealing key and bound to (plan, owner, keyholder). A box that is copied into somebody
else's update has another owner there, and does not open.

The signed header also commits to every share: it has the SHA-256 of what the share is of, a salt of 16 bytes
and the share. So a keyholder sees that it got what the others can check, and the coordinator sees that a
keyholder answers with what it got.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from privxray.errors import IdentityError, MalformedError, WrongKeyError
from privxray.exchange.sharing import shamir
from privxray.exchange.sharing.committee import MAX_KEYHOLDERS, Committee
from privxray.formats import canonical
from privxray.formats.header import Base64, Fingerprint, PlanHash, Strict
from privxray.keys import sealing_keys
from privxray.keys.hpke_info import hpke_info
from privxray.keys.roster import MAX_HOSPITALS
from privxray.keys.sealing_keys import SealingKey

SALT_BYTES = 16
OPENED_BYTES = shamir.SHARE_BYTES + SALT_BYTES
_COMMITMENT_BYTES = 32
_LABEL = b"privxray share v1"
_ANEW = "Ask the hospital to export its update again, or leave it out"
_MAX_COMMITMENTS = 4 * (MAX_HOSPITALS * MAX_KEYHOLDERS * _COMMITMENT_BYTES // 3 + 1)

SecretName = str
"""How one of a hospital's secrets is called: :data:`SELF`, or the other hospital's fingerprint."""

SELF: SecretName = "self"
"""The name of b_u among a hospital's secrets; the others are named by the other hospital's fingerprint."""


class Dealt(Strict):
    """What goes into the update's header.

    ``boxes`` are one for each seat, in the committee's order. ``commitments`` are 32 bytes each, by seat,
    then by secret.
    """

    boxes: Annotated[tuple[Base64, ...], Field(strict=False, max_length=MAX_KEYHOLDERS)]
    commitments: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=_MAX_COMMITMENTS)]


@dataclass(frozen=True)
class DealingContext:
    """What dealt secrets belong to: the plan, its committee, all hospitals' fingerprints, and the owner."""

    study: str | None
    plan: PlanHash
    committee: Committee
    hospitals: tuple[Fingerprint, ...]
    owner: Fingerprint

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the owner's secrets, in the order in which they are dealt."""
        return (SELF, *sorted(other for other in self.hospitals if other != self.owner))

    def box_info(self, seat: int) -> bytes:
        """HPKE's ``info`` for the box of a seat."""
        return hpke_info(
            kind="update",
            purpose="shares",
            study=self.study,
            plan=self.plan,
            sender=self.owner,
            recipient=self.committee.seats[seat - 1].keyholder,
        )

    def commitment(self, seat: int, secret: str, opened: Opened) -> bytes:
        """The commitment to one share."""
        of = {"owner": self.owner, "plan": self.plan, "seat": seat, "secret": secret}
        return hashlib.sha256(_LABEL + canonical.encode(of) + opened.salt + opened.share).digest()


@dataclass(frozen=True, repr=False)
class Opened:
    """A share (33 bytes) and the salt (16 bytes) of its commitment."""

    share: bytes
    salt: bytes

    def to_bytes(self) -> bytes:
        """49 bytes: the share, then the salt."""
        return self.share + self.salt

    @classmethod
    def from_bytes(cls, data: bytes) -> Opened:
        """Read what :meth:`to_bytes` wrote; the length is the caller's check."""
        return cls(data[: shamir.SHARE_BYTES], data[shamir.SHARE_BYTES :])


def deal(
    context: DealingContext,
    secrets: Mapping[str, bytes],
    *,
    random: Callable[[int], bytes] = os.urandom,
) -> Dealt:
    """Split, commit to and seal a hospital's secrets (32 bytes each, by name) for every seat.

    :param random: gives random bytes for the salts; the operating system's, except in test vectors.
    """
    committee, names = context.committee, context.secrets
    shares = {name: shamir.split(secrets[name], committee.threshold, len(committee.seats)) for name in names}
    boxes, commitments = [], []
    for number, seat in enumerate(committee.seats, start=1):
        opened = [Opened(shares[name][number - 1], random(SALT_BYTES)) for name in names]
        commitments += [
            context.commitment(number, name, one) for name, one in zip(names, opened, strict=True)
        ]
        content = b"".join(one.to_bytes() for one in opened)
        sealed = sealing_keys.seal_to(seat.unsealing.key, content, context.box_info(number))
        boxes.append(canonical.to_base64(sealed))
    return Dealt(boxes=tuple(boxes), commitments=canonical.to_base64(b"".join(commitments)))


def check_form(dealt: Dealt, context: DealingContext) -> None:
    """Whether boxes and commitments are as many and as long as the plan demands.

    :raises MalformedError: they are not.
    """
    seats, names = len(context.committee.seats), len(context.secrets)
    expected = [sealing_keys.SEALED_OVERHEAD + names * OPENED_BYTES] * seats
    if [len(_box(box)) for box in dealt.boxes] != expected:
        raise MalformedError(
            "its shares are not for the keyholders of the plan", reason="update.boxes", advice=_ANEW
        )
    if len(_commitments(dealt)) != seats * names * _COMMITMENT_BYTES:
        raise MalformedError(
            "its commitments are not for the shares of the plan", reason="update.commitments", advice=_ANEW
        )


def open_box(dealt: Dealt, context: DealingContext, seat: int, key: SealingKey) -> dict[str, Opened]:
    """A keyholder's shares of one hospital's secrets, by name.

    :param dealt: of the form that :func:`check_form` demands.
    :param key: the keyholder's unsealing key for this plan.
    :raises IdentityError: the box is not sealed to this seat for this owner (a copied one is not), or holds
        other shares than its owner committed to.
    """
    try:
        content = key.open(_box(dealt.boxes[seat - 1]), context.box_info(seat))
    except WrongKeyError:
        raise IdentityError(
            "its shares are not sealed to this keyholder by it for this round",
            reason="update.box-not-for-this-keyholder",
            advice="That hospital has to export again under a further plan",
        ) from None
    opened = {
        name: Opened.from_bytes(content[place * OPENED_BYTES : (place + 1) * OPENED_BYTES])
        for place, name in enumerate(context.secrets)
    }
    for name, one in opened.items():
        check_share(dealt, context, seat, name, one)
    return opened


def check_share(dealt: Dealt, context: DealingContext, seat: int, secret: str, opened: Opened) -> None:
    """Hold a share against its owner's signed commitment.

    :raises IdentityError: the owner committed to another share.
    """
    place = ((seat - 1) * len(context.secrets) + context.secrets.index(secret)) * _COMMITMENT_BYTES
    committed = _commitments(dealt)[place : place + _COMMITMENT_BYTES]
    if not hmac.compare_digest(committed, context.commitment(seat, secret, opened)):
        raise IdentityError(
            "a share is not the one that its owner committed to",
            reason="share.not-as-committed",
            advice="Whoever sent it can't be relied on in this round",
        )


def secrets_to_open(
    survivors: Sequence[Fingerprint], hospitals: Sequence[Fingerprint]
) -> list[tuple[Fingerprint, SecretName]]:
    """The (owner, secret) pairs that open the sum of the survivors, in the order of a share file.

    For every survivor, these are its self-mask's seed and then its pairwise keys with the hospitals that are
    missing. There are never both secrets of one hospital, and no key between two survivors or between two
    hospitals that are missing.

    :param hospitals: all of the plan.
    """
    missing = sorted(set(hospitals) - set(survivors))
    return [(owner, secret) for owner in sorted(survivors) for secret in (SELF, *missing)]


def _box(text: str) -> bytes:
    return canonical.from_base64(text, "a box of shares", reason="update.box-base64")


def _commitments(dealt: Dealt) -> bytes:
    return canonical.from_base64(
        dealt.commitments, "the commitments to shares", reason="update.commitments-base64"
    )
