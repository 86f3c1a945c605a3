"""Hiding a hospital's vector: all masks of its plan at once, and the shares that can take them off again."""

from __future__ import annotations

import os
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from privxray.exchange.masking.fixed_point import Integers
from privxray.exchange.masking.masks import add_streams, mask_streams, pairwise_key, self_mask_key
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.sharing.dealing import SELF, Dealt, SecretName, deal
from privxray.exchange.sharing.shamir import SECRET_BYTES
from privxray.formats.header import Fingerprint


def conceal(
    numbers: Integers,
    signed: SignedPlan,
    own: Fingerprint,
    private: X25519PrivateKey,
    *,
    random: Callable[[int], bytes] = os.urandom,
) -> Dealt | None:
    """Mask a quantised vector of shape [d] in place, and deal its secrets if the plan has keyholders.

    Each call draws a fresh seed for the self-mask. Nobody knows it but this call and, in shares, the
    keyholders; the same holds for the pairwise keys. So an export that starts over after a crash hides behind
    another seed.

    :param own: this hospital's fingerprint.
    :param private: the private half of its mask key for this plan.
    :param random: gives random bytes; the operating system's, except in test vectors.
    :returns: what goes into the update's header; None in the mode ``strict``.
    """
    keys = {
        peer.keys.fingerprint: pairwise_key(
            private, peer.mask.public_key(), signed.digest, own, peer.keys.fingerprint
        )
        for peer in signed.plan.roster.members
        if peer.keys.fingerprint != own
    }
    streams = mask_streams(own, keys)
    if signed.plan.committee is None:
        add_streams(numbers, streams)
        return None
    seed = random(SECRET_BYTES)
    secrets: dict[SecretName, bytes] = {SELF: seed, **dict(keys.items())}
    add_streams(numbers, [*streams, (self_mask_key(seed, signed.digest, own), False)])
    return deal(signed.dealing(own), secrets, random=random)
