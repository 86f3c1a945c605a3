"""The vectors of the mode ``strict``: a card, a plan, an update, a model, and what breaks one rule of each.

A file whose rule is one of the container is an update, unless its name says otherwise.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

HERE = Path(__file__).parent
sys.path += [str(HERE.parent / "unit")]

from exchange_samples import STAMP, Hospital, Study  # noqa: E402
from forged_files import framed, put, signed  # noqa: E402

from privxray.exchange.masking.fixed_point import unsigned  # noqa: E402
from privxray.exchange.messages.model import write_model  # noqa: E402
from privxray.formats import canonical  # noqa: E402
from privxray.formats.container import MAGIC, PREAMBLE, seal_header, split  # noqa: E402
from privxray.formats.tensors import TensorSpec  # noqa: E402
from privxray.keys.card import CardParts, write_card  # noqa: E402
from privxray.keys.identity import Identity, PublicKeys  # noqa: E402
from privxray.keys.mask_statement import state_mask_key  # noqa: E402
from privxray.keys.roster import Member, Trustee  # noqa: E402

Made = dict[str, tuple[bytes, str, str]]
"""By name: the bytes, the reason of the refusal or ``ok``, and the rule that is tried."""

OTHER = "ab" * 32


class Files:
    """The good files, and what is made from them.

    :param kept: gives the stored bytes of a good file, for sealing is randomised.
    """

    def __init__(
        self,
        world: Study,
        identity: Callable[[str], Identity],
        seeded: Callable[..., bytes],
        kept: Callable[[str, Callable[[], bytes]], bytes],
    ) -> None:
        self.world, self.identity, self.seeded = world, identity, seeded
        a = world.hospitals[0]
        self.plan = seal_header(world.plan, world.coordinator.signing, world.plan.sender)
        parts = CardParts(a.name, a.member().mask, a.unsealing_statement())
        self.card = write_card(a.identity, parts, STAMP, format_=1)
        self.update = kept("update", lambda: world.update(a, world.masked(a, world.vector(0))))
        weights = {"weights": np.arange(12.0).reshape(3, 4)}
        self.model = write_model(weights, world.signed(), world.coordinator, STAMP)

    def all(self) -> Made:
        good = {
            "card": (self.card, "ok", "a card"),
            "plan": (self.plan, "ok", "a plan"),
            "update": (self.update, "ok", "an update"),
            "model": (self.model, "ok", "a model"),
        }
        made = good | self._damaged() | self._updates() | self._weak_cards() | self._cards()
        return made | self._plans() | self._rosters() | self._models()

    def _damaged(self) -> Made:
        """What is wrong before or at the signature, and bodies."""
        good, start = self.update, split(self.update).length
        body = good[start:]
        envelope = json.loads(good[PREAMBLE:start])
        spaced = json.dumps(envelope).encode()
        flipped = bytearray(good)
        flipped[-1] ^= 1
        (signature,) = envelope["signatures"]
        zeroed = {**signature, "sig": canonical.to_base64(bytes(64))}
        payload = base64.b64decode(envelope["payload"])
        signer = self.world.hospitals[0].identity

        def enveloped(**changes: object) -> bytes:
            return framed(envelope | changes) + body

        def headed(data: bytes) -> bytes:
            return signed("update", data, signer) + body

        header = json.loads(payload)
        return {
            "not-privxray": (b"DICM" + good[4:], "file.not-privxray", "magic"),
            "cut-in-preamble": (good[:12], "preamble.cut-off", "truncation"),
            "another-version": (MAGIC + b"\x03" + good[9:], "file.other-version", "format version"),
            "envelope-too-long": (
                MAGIC + b"\x01\x7f\xff\xff\xff" + good[13:],
                "envelope.too-long",
                "envelope length",
            ),
            "cut-in-envelope": (good[: start - 1], "envelope.cut-off", "truncation"),
            "spaces-in-envelope": (
                MAGIC + b"\x01" + len(spaced).to_bytes(4, "big") + spaced + body,
                "envelope.not-canonical",
                "canonical JSON",
            ),
            "field-more-in-envelope": (enveloped(more=1), "envelope.fields", "these fields and no others"),
            "two-signatures": (enveloped(signatures=[signature] * 2), "envelope.fields", "one signature"),
            "field-more-in-signature": (
                enveloped(signatures=[{**signature, "cert": ""}]),
                "envelope.fields",
                "these fields and no others",
            ),
            "kind-unknown": (
                enveloped(payloadType="application/vnd.privxray.diary+json"),
                "envelope.unknown-kind",
                "kind",
            ),
            "base64-without-padding": (
                enveloped(payload=canonical.to_base64(payload + b" " * (1 - len(payload) % 3)).rstrip("=")),
                "header.base64",
                "base64",
            ),
            "signature-too-short": (
                enveloped(signatures=[{**signature, "sig": canonical.to_base64(bytes(63))}]),
                "signature.base64",
                "signature of 64 bytes",
            ),
            "signature-zeroed": (enveloped(signatures=[zeroed]), "signature.wrong", "signature"),
            "kind-exchanged": (
                enveloped(payloadType="application/vnd.privxray.model+json"),
                "file.other-kind",
                "kind",
            ),
            "spaces-in-header": (
                headed(json.dumps(header).encode()),
                "header.not-canonical",
                "canonical JSON",
            ),
            "field-more-in-header": (
                headed(canonical.encode(header | {"more": 1})),
                "header.field",
                "no other fields",
            ),
            "field-missing-in-header": (
                headed(canonical.encode({k: v for k, v in header.items() if k != "ledger_head"})),
                "header.field",
                "every field",
            ),
            "header-of-another-kind": (
                headed(canonical.encode(header | {"kind": "share"})),
                "header.field",
                "kind equal to KIND",
            ),
            "cut-in-body": (good[:-1], "body.cut-off", "body length"),
            "more-than-body": (good + b"\0", "body.longer-than-said", "body length"),
            "body-bit-flipped": (bytes(flipped), "body.altered", "body SHA-256"),
        }

    def _updates(self) -> Made:
        a, b, _ = self.world.hospitals
        stranger = self.identity("stranger")
        other_mask = state_mask_key(
            X25519PrivateKey.from_private_bytes(self.seeded("other mask")), "pneumonia", 2, b.identity.signing
        )
        elsewhere = state_mask_key(
            X25519PrivateKey.from_private_bytes(self.seeded("other mask")),
            "cardiology",
            2,
            a.identity.signing,
        )
        body = json.loads(split(self.update).payload)["body"]
        dealt = {"boxes": [], "commitments": ""}

        def signed_(signer: Identity = a.identity, **changes: Any) -> bytes:
            return self._resigned(self.update, signer, **changes)

        def with_body(**changes: Any) -> bytes:
            return signed_(body=body | changes)

        return {
            "stranger": (
                signed_(stranger, sender=stranger.public().fingerprint),
                "update.unknown-signer",
                "roster",
            ),
            "sender-is-not-signer": (signed_(b.identity), "update.other-sender", "sender"),
            "another-study": (signed_(study="cardiology"), "file.other-study", "study"),
            "another-plan": (signed_(plan=OTHER), "file.other-plan", "plan"),
            "another-round": (signed_(round=2), "file.round-contradicts", "round"),
            "another-round-and-plan": (signed_(round=2, plan=OTHER), "file.other-round", "plan"),
            "another-delta": (signed_(delta=1e-6), "update.other-delta", "delta"),
            "another-recipient": (signed_(recipients=[OTHER]), "update.other-recipient", "recipients"),
            "second-recipient": (
                signed_(recipients=[self.world.plan.sender, OTHER]),
                "update.other-recipient",
                "recipients",
            ),
            "key-for-another": (
                with_body(key=body["key"] | {"recipient": OTHER}),
                "update.other-recipient",
                "body key's recipient",
            ),
            "key-missing": (with_body(key=None), "update.other-recipient", "body key's recipient"),
            "not-encrypted": (with_body(cipher="none"), "update.not-encrypted", "cipher"),
            "body-longer-than-said": (
                with_body(length=body["length"] + 1),
                "update.other-size",
                "size of the plan's vector",
            ),
            "vector-too-short": (
                self.world.update(a, np.zeros(14, unsigned(64))),
                "update.other-size",
                "size of the plan's vector",
            ),
            "next-mask-of-another": (
                signed_(next_mask=other_mask.model_dump()),
                "statement.not-its-owners",
                "mask key statement",
            ),
            "next-mask-reused": (
                signed_(next_mask=a.member("pneumonia").mask.model_dump()),
                "update.next-key-not-fresh",
                "fresh mask key",
            ),
            "next-mask-of-another-study": (
                signed_(next_mask=elsewhere.model_dump()),
                "update.next-key-not-fresh",
                "fresh mask key",
            ),
            "shares-without-keyholders": (signed_(dealt=dealt), "update.needless-shares", "dealt"),
        }

    def _weak_cards(self) -> Made:
        """Cards with keys that are none, or of small order: anybody can sign, or nobody can seal."""
        point = (1).to_bytes(32, "little")
        by_nobody = canonical.to_base64(point + bytes(32))  # good for every message under the neutral point
        fields = json.loads(split(self.card).payload)
        sealing = base64.b64decode(fields["keys"]["sealing"])
        fields["keys"]["signing"] = canonical.to_base64(point)
        fields["mask"]["signature"] = fields["unsealing"]["signature"] = by_nobody
        fields["sender"] = hashlib.sha256(point).hexdigest()
        envelope = {
            "payload": canonical.to_base64(canonical.encode(fields)),
            "payloadType": "application/vnd.privxray.card+json",
            "signatures": [{"keyid": fields["sender"], "sig": by_nobody}],
        }

        def sealed_by(raw: bytes) -> bytes:
            changed = json.loads(split(self.card).payload)
            changed["keys"]["sealing"] = canonical.to_base64(raw)
            return self._resigned(self.card, self.world.hospitals[0].identity, keys=changed["keys"])

        return {
            "card-that-anybody-signs": (framed(envelope), "signing-key.weak", "refused keys"),
            "card-that-nobody-can-seal-to": (
                sealed_by(sealing[:1184] + bytes(32)),
                "sealing-key.weak",
                "refused keys",
            ),
            "card-without-an-mlkem-key": (
                sealed_by(b"\xff" * 1152 + sealing[1152:]),
                "sealing-key.not-mlkem",
                "FIPS 203's modulus check",
            ),
        }

    def _cards(self) -> Made:
        a, b, _ = self.world.hospitals

        def card(**changes: Any) -> bytes:
            return self._resigned(self.card, a.identity, **changes)

        return {
            "card-sender-is-not-signer": (card(sender=OTHER), "card.other-sender", "sender"),
            "card-signed-by-another": (
                self._resigned(self.card, b.identity, keys=b.identity.public().model_dump(), key_id=OTHER),
                "signature.other-signer",
                "the signer is the key in it",
            ),
            "card-of-another-study-than-its-keys": (
                card(study="pneumonia"),
                "card.key-of-other-study",
                "study equal to that of each statement",
            ),
            "card-hospital-without-mask-key": (card(mask=None), "card.mask-key-and-role", "mask and role"),
            "card-trustee-with-mask-key": (card(role="trustee"), "card.mask-key-and-role", "mask and role"),
            "card-unsealing-key-of-another": (
                card(unsealing=b.unsealing_statement().model_dump()),
                "statement.not-its-owners",
                "statement",
            ),
        }

    def _plans(self) -> Made:
        other = self.identity("stranger").public()
        keys = self.world.coordinator.public()
        spec = TensorSpec(name="w", shape=(3,), bound=2.0**40, fraction_bits=20)

        def plan(signer: Identity = self.world.coordinator, **changes: Any) -> bytes:
            return seal_header(self.world.make_plan(**changes), signer.signing, signer.public().fingerprint)

        def tensors(value: Any) -> bytes:
            return self._resigned(self.plan, self.world.coordinator, manifest=value)

        exchanged = PublicKeys(signing=keys.signing, sealing=other.sealing)
        return {
            "plan-of-another-coordinator": (
                plan(self.identity("stranger"), coordinator=other, sender=other.fingerprint),
                "plan.other-coordinator",
                "the study's coordinator signs",
            ),
            "plan-coordinators-keys-exchanged": (
                plan(coordinator=exchanged),
                "plan.coordinators-keys",
                "the study's coordinator, by both keys",
            ),
            "plan-sender-is-not-signer": (plan(sender=OTHER), "plan.other-sender", "sender"),
            "plan-without-study": (plan(study=None), "plan.no-study", "a study"),
            "plan-without-round": (plan(round=0), "plan.no-round", "round >= 1"),
            "plan-stage-after-last": (plan(stage=2), "plan.stage-after-last", "stage <= stages"),
            "plan-class-twice": (
                plan(classes=("normal", "normal")),
                "plan.class-twice",
                "classes all different",
            ),
            "plan-vector-empty": (plan(manifest=()), "plan.vector-empty", "tensors"),
            "plan-tensor-twice": (
                plan(manifest=(self.world.plan.manifest[0],) * 2),
                "plan.tensor-twice",
                "names of tensors all different",
            ),
            "plan-tensor-too-large": (
                tensors([spec.model_dump() | {"shape": [1 << 14, 1 << 13]}]),
                "header.field",
                "2^26 coordinates",
            ),
            "plan-vector-too-long": (
                plan(
                    manifest=(
                        TensorSpec(name="a", shape=(1 << 26,), bound=1.0, fraction_bits=0),
                        TensorSpec(name="b", shape=(1,), bound=1.0, fraction_bits=0),
                    )
                ),
                "plan.vector-too-long",
                "2^26 coordinates in all",
            ),
            "plan-sums-overflow": (
                plan(manifest=(TensorSpec(name="w", shape=(3,), bound=2.0**42, fraction_bits=20),)),
                "plan.sums-overflow",
                "n (B 2^f + 1/2) < 2^(modulus_bits - 1)",
            ),
            "plan-epsilon-zero": (
                self._resigned(self.plan, self.world.coordinator, epsilon=0.0),
                "header.field",
                "0 < epsilon <= 100",
            ),
            "plan-keyholders-missing": (plan(mode="keyholders"), "plan.keyholders-missing", "mode"),
        }

    def _rosters(self) -> Made:
        roster = self.world.plan.roster
        a, b, c = roster.members
        coordinator = self.world.coordinator
        new = Hospital(
            "hospital-d",
            self.identity("hospital-d"),
            X25519PrivateKey.from_private_bytes(self.seeded("hospital-d mask")),
        )
        d = new.member()
        mask = state_mask_key(new.mask, None, 1, coordinator.signing)
        elsewhere = state_mask_key(
            self.world.hospitals[0].mask, "cardiology", 1, self.world.hospitals[0].identity.signing
        )

        def plan(*members: Member, trustees: tuple[Trustee, ...] = ()) -> bytes:
            listed = roster.model_copy(update={"members": members, "trustees": trustees})
            return seal_header(
                self.world.make_plan(roster=listed), coordinator.signing, self.world.plan.sender
            )

        def with_keys(**keys: str) -> Member:
            return d.model_copy(update={"keys": d.keys.model_copy(update=keys)})

        return {
            "plan-two-hospitals": (plan(a, b), "roster.too-few-hospitals", "n >= 3"),
            "plan-name-twice": (
                plan(a, b.model_copy(update={"name": a.name.upper()}), c),
                "roster.name-twice",
                "names all different",
            ),
            "plan-signing-key-twice": (
                plan(a, b, c, with_keys(signing=a.keys.signing)),
                "roster.signing-key-twice",
                "signing keys all different",
            ),
            "plan-sealing-key-twice": (
                plan(a, b, c, with_keys(sealing=a.keys.sealing)),
                "roster.sealing-key-twice",
                "sealing keys all different",
            ),
            "plan-mask-key-of-another-study": (
                plan(a.model_copy(update={"mask": elsewhere}), b, c),
                "roster.mask-key-of-other-study",
                "statements for this study",
            ),
            "plan-coordinator-as-hospital": (
                plan(a, b, c, Member(name="hospital-d", keys=coordinator.public(), mask=mask)),
                "plan.coordinator-is-party",
                "no key of the coordinator's",
            ),
            "plan-coordinators-sealing-key": (
                plan(a, b, c, with_keys(sealing=coordinator.public().sealing)),
                "plan.coordinators-sealing-key",
                "no key of the coordinator's",
            ),
            "plan-weak-signing-key": (
                plan(a, b, c, with_keys(signing=canonical.to_base64((1).to_bytes(32, "little")))),
                "signing-key.weak",
                "refused keys",
            ),
            "plan-trustees-without-keyholders": (
                plan(a, b, c, trustees=(Trustee(name="notary", keys=d.keys),)),
                "plan.trustees-without-keyholders",
                "no trustees where the mode is strict",
            ),
        }

    def _models(self) -> Made:
        coordinator = self.world.coordinator

        def model(signer: Identity = coordinator, **changes: Any) -> bytes:
            return self._resigned(self.model, signer, **changes)

        hospital = self.world.hospitals[0].identity
        return {
            "model-by-a-hospital": (
                model(hospital, sender=hospital.public().fingerprint),
                "model.other-coordinator",
                "the coordinator signs",
            ),
            "model-sender-is-not-signer": (model(sender=OTHER), "model.not-as-planned", "sender"),
            "model-of-another-study": (model(study="cardiology"), "file.other-study", "study"),
            "model-of-another-plan": (model(plan=OTHER), "file.other-plan", "plan"),
            "model-of-another-round": (model(round=2), "file.round-contradicts", "round"),
            "model-of-another-method": (model(method="dp-sgd"), "model.not-as-planned", "method"),
            "model-of-other-constants": (
                model(constants={"steps": 11}),
                "model.not-as-planned",
                "constants",
            ),
            "model-of-other-classes": (
                model(classes=["normal", "virus"]),
                "model.not-as-planned",
                "classes",
            ),
            "model-of-another-epsilon": (model(epsilon=5.0), "model.not-as-planned", "epsilon"),
        }

    @staticmethod
    def _resigned(data: bytes, signer: Identity, key_id: str | None = None, **changes: Any) -> bytes:
        """A file with other values in its header, signed anew; its body stays.

        :param key_id: what the envelope says of its signer, by default the truth.
        """
        envelope = split(data)
        header = json.loads(envelope.payload)
        for field, value in changes.items():
            put(field, value=value)(header)
        start = signed(envelope.kind, canonical.encode(header), signer, key_id)
        return start + data[envelope.length :]
