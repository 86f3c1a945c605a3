"""An agreement: what a hospital encapsulated to the others, under a plan of the task ``agree``.

docs/SPEC-2.md, section 8. The hospital with the lower fingerprint of each two encapsulates to the other one's
ML-KEM-768 key. What it made is a signed statement. It goes up in the agreement and down, unchanged, in the
plan that follows, where each hospital finds what is meant for it. A ciphertext is no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.plan_hybrid import Ciphertext, StatedCiphertexts
from privxray.formats import canonical
from privxray.formats.container import seal_header
from privxray.formats.header import Fingerprint, Header, Stamp
from privxray.keys.identity import Identity


class AgreementHeader(Header):
    """The header of an agreement, which has no body. Each hospital of the plan sends one."""

    kind: Literal["agreement"] = "agreement"
    encapsulated: StatedCiphertexts


def recipients_of(plan: PlanHeader, own: Fingerprint) -> tuple[Fingerprint, ...]:
    """The hospitals to which hospital ``own`` encapsulates: those with higher fingerprints, ascending."""
    return tuple(sorted(other for other in plan.hospitals if other > own))


def encapsulate(
    signed: SignedPlan, own: Fingerprint
) -> tuple[dict[Fingerprint, bytes], dict[Fingerprint, bytes]]:
    """Encapsulate to the keys of all hospitals with higher fingerprints.

    :param signed: a plan of the task ``agree``, admitted.
    :returns: by hospital, the ciphertext (1,088 bytes) and the shared secret (32 bytes).
    """
    ciphertexts, shared = {}, {}
    for other in recipients_of(signed.plan, own):
        kem = signed.plan.roster.known_hospital(other).kem
        if kem is None:
            raise ValueError("the plan was not verified: a hospital has no encapsulation key")
        shared[other], ciphertexts[other] = kem.public_key().encapsulate()
    return ciphertexts, shared


def write_agreement(
    ciphertexts: Mapping[Fingerprint, bytes], signed: SignedPlan, identity: Identity, stamp: Stamp
) -> bytes:
    """Sign and serialise what was encapsulated under a plan.

    :param ciphertexts: by recipient.
    """
    plan, sender = signed.plan, identity.public().fingerprint
    form = plan.form.of_kind("agreement")
    header = AgreementHeader(
        format=form.format,
        features=form.features,
        study=plan.study,
        round=plan.round,
        sender=sender,
        recipients=(plan.sender,),
        plan=signed.digest,
        created=stamp.created,
        software=stamp.software,
        encapsulated=_stated(ciphertexts, signed, sender, identity.signing),
    )
    return seal_header(header, identity.signing, sender)


def _stated(
    ciphertexts: Mapping[Fingerprint, bytes],
    signed: SignedPlan,
    sender: Fingerprint,
    owner: Ed25519PrivateKey,
) -> StatedCiphertexts:
    listed = tuple(
        Ciphertext(to=to, ciphertext=canonical.to_base64(one)) for to, one in sorted(ciphertexts.items())
    )
    return StatedCiphertexts.sign(sender, signed.digest, listed, owner)
