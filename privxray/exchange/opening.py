"""Opening a sum: adding up what came, and taking off the masks that the keyholders' shares give.

The sum is checked last. Memory holds the sum and a chunk, whatever the number of hospitals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from privxray.errors import IdentityError, MalformedError, about
from privxray.exchange.masking.fixed_point import Integers, unsigned
from privxray.exchange.masking.masks import add_streams, adds, self_mask_key
from privxray.exchange.masking.summing import add_to_sum, check_range
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.sharing import shamir
from privxray.exchange.sharing.dealing import SELF, Dealt, Opened, SecretName, check_share, secrets_to_open
from privxray.formats.header import Fingerprint
from privxray.formats.tensors import total_size

Shares = Mapping[tuple[Fingerprint, SecretName], Opened]
"""What one keyholder answers: its share of each secret, by (owner, secret)."""


def open_sum(
    plan: PlanHeader,
    bodies: Iterable[tuple[str, Iterable[bytes]]],
    left_over: Sequence[tuple[bytes, bool]] = (),
) -> Integers:
    """The sum of decrypted updates, without any mask: integers of shape [d].

    :param bodies: a name for messages, and the decrypted body in pieces, of each hospital of the sum.
    :param left_over: the masks that don't cancel in it, as :func:`restored_streams` gives them.
    :raises MalformedError: a body is not the plan's vector, or the sum is larger than the plan's vectors can
        give. Then some update or share is not what its sender says.
    """
    total = np.zeros(total_size(plan.manifest), unsigned(plan.modulus_bits))
    count = 0
    for name, pieces in bodies:
        with about(name):
            add_to_sum(total, pieces, plan.modulus_bits)
        count += 1
    add_streams(total, left_over)
    check_range(total, plan.manifest, count)
    return total


def checked_answer(
    signed: SignedPlan, seat: int, survivors: Mapping[Fingerprint, Dealt], shares: Shares
) -> Shares:
    """One keyholder's shares, each held against the commitment in its owner's signed update.

    :raises IdentityError: the keyholder answers with a different share from the one it got.
    """
    for (owner, secret), opened in shares.items():
        check_share(survivors[owner], signed.dealing(owner), seat, secret, opened)
    return shares


@dataclass(frozen=True, repr=False)
class Restored:
    """The key of a stream that the survivors' sum still carries.

    :param owner: the survivor whose vector it hides.
    :param secret: :data:`~privxray.exchange.sharing.dealing.SELF`, or the missing hospital at its other end.
    """

    owner: Fingerprint
    secret: SecretName
    key: bytes

    @property
    def other(self) -> Fingerprint:
        """The hospital at the other end; the owner itself for its self-mask."""
        return self.owner if self.secret == SELF else Fingerprint(self.secret)

    @property
    def was_added(self) -> bool:
        """Whether the owner added the stream, and did not subtract it."""
        return self.secret == SELF or adds(self.owner, self.other)


def restored_streams(
    signed: SignedPlan, survivors: Iterable[Fingerprint], answers: Mapping[int, Shares]
) -> list[tuple[bytes, bool]]:
    """The masks that the survivors' sum still carries, ready to be taken off by :func:`open_sum`.

    The parameters are those of :func:`restored`.
    """
    return [(one.key, one.was_added) for one in restored(signed, survivors, answers)]


def restored(
    signed: SignedPlan, survivors: Iterable[Fingerprint], answers: Mapping[int, Shares]
) -> list[Restored]:
    """The keys of the masks that the survivors' sum still carries.

    :param survivors: the fingerprints of the hospitals in the sum.
    :param answers: the shares by seat number, from :func:`checked_answer`, of at least ``threshold`` seats.
    :raises IdentityError: the shares that one hospital dealt don't fit together.
    """
    plan, committee = signed.plan, signed.plan.keyholding
    keys = []
    for owner, secret in secrets_to_open(tuple(survivors), plan.hospitals):
        held = {seat: shares[owner, secret].share for seat, shares in answers.items()}
        try:
            key = shamir.restore(held, committee.threshold)
        except MalformedError as error:
            member = plan.roster.known_hospital(owner)
            raise IdentityError(
                f"the shares that {member.name} dealt don't fit together",
                reason="shares.dealt-wrongly",
                advice="Ask for the version of privxray there, then repeat the round: privxray plan --repeat "
                "shares/*.share cards/*.card; or plan it anew without this hospital",
            ) from error
        if secret == SELF:
            key = self_mask_key(key, signed.digest, owner)
        keys.append(Restored(owner, secret, key))
    return keys
