"""The vectors of docs/SPEC-2.md, section 8: a study with hybrid masks.

Agreements come under ``hybrid-asking``, the plan that asks for them, and so does the plan that follows it;
the update comes under that, ``hybrid-plan``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path += [str(Path(__file__).parents[1] / "unit")]

from exchange_samples import STAMP, Hospital
from forged_files import Change, put
from format2 import Made, altered, dropped
from hybrid_samples import Agreeing

from privxray.exchange.concealing import conceal
from privxray.exchange.masking.fixed_point import quantise
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.plan_hybrid import Ciphertext, StatedCiphertexts
from privxray.formats import canonical
from privxray.formats.container import seal_header
from privxray.keys.card import CardParts, write_card
from privxray.keys.encapsulation_statement import EncapsulationStatement

CAN = ("hybrid-masks", "tasks")


class Files:
    """The good files, and what is made from them.

    :param kept: gives the stored bytes of a good file, for encapsulating and sealing are randomised.
    """

    def __init__(self, world: Agreeing, kept: Callable[[str, Callable[[], bytes]], bytes]) -> None:
        self.world, self.coordinator = world, world.study.coordinator
        self.low, self.middle, self.high = sorted(world.study.hospitals, key=lambda one: one.fingerprint)
        self.agreements = {}
        for hospital in world.study.hospitals:
            name = f"agreement-{hospital.name[-1]}"
            self.agreements[hospital.name] = kept(name, lambda h=hospital: world.agreement(h))
            world.take(self.agreements[hospital.name])
        self.asking, self.training = world.asked.plan, world.training()
        self.plan = self._signed(self.training)
        self.update = kept("hybrid-update", self._update)
        parts = CardParts(
            self.low.name,
            self.low.member().mask,
            self.low.unsealing_statement(),
            can=CAN,
            kem=world.member(self.low).kem,
        )
        self.card = write_card(self.low.identity, parts, STAMP)

    def asked(self) -> Made:
        """What comes under the plan that asks."""
        good = {
            "hybrid-asking": (self._signed(self.asking), "ok", "a plan that asks for agreements"),
            "hybrid-card": (self.card, "ok", "a card with an encapsulation key"),
            **{f"agreement-{n[-1]}": (data, "ok", "an agreement") for n, data in self.agreements.items()},
            "hybrid-plan": (self.plan, "ok", "the plan that follows"),
        }
        return good | self._cards() | self._asking() | self._agreements() | self._plans()

    def trained(self) -> Made:
        """What comes under the plan that trains."""
        return {"hybrid-update": (self.update, "ok", "an update under hybrid masks")}

    def _signed(self, plan: Any) -> bytes:
        return seal_header(plan, self.coordinator.signing, plan.sender)

    def _update(self) -> bytes:
        study, hospital = self.world.study, self.low
        signed: SignedPlan = study.signed(self.training)
        numbers = quantise(study.vector(0), self.training.manifest, 64)
        secrets = self.world.secrets(hospital, self.training.round)
        conceal(numbers, signed, hospital.fingerprint, hospital.mask, agreed=secrets)
        assert isinstance(numbers, np.ndarray)
        return study.update(hospital, numbers, self.training)

    def _cards(self) -> Made:
        def card(*changes: Change) -> bytes:
            return altered(self.card, self.low.identity, *changes)

        trustee = CardParts(
            self.low.name, None, self.low.unsealing_statement(), can=CAN, kem=self.world.member(self.low).kem
        )
        return {
            "hybrid-card-without-key": (
                card(dropped("kem")),
                "header.field-of-feature-lacking",
                "present where the feature is",
            ),
            "hybrid-card-key-unlisted": (
                card(put("features", value=[])),
                "header.field-of-other-feature",
                "only where the feature is",
            ),
            "hybrid-card-key-of-another": (
                card(put("kem", value=self._kem(self.low, by=self.high))),
                "statement.not-its-owners",
                "signed by its owner",
            ),
            "hybrid-card-key-for-another-study": (
                card(put("kem", value=self._kem(self.low, study="cardiology"))),
                "card.key-of-other-study",
                "the study of the card",
            ),
            "hybrid-card-key-above-modulus": (
                card(put("kem", value=self._kem(self.low, start=b"\xff\xff\xff"))),
                "encapsulation-key.not-mlkem",
                "the modulus check of FIPS 203",
            ),
            "hybrid-card-key-cut": (
                card(put("kem", value=self._kem(self.low, cut=1))),
                "encapsulation-key.base64",
                "1,184 bytes",
            ),
            "hybrid-card-of-trustee": (
                write_card(self.low.identity, trustee, STAMP),
                "card.encapsulation-key-and-role",
                "of a hospital",
            ),
        }

    def _asking(self) -> Made:
        def plan(*changes: Change) -> bytes:
            return altered(self._signed(self.asking), self.coordinator, *changes)

        member = ("roster", "members")
        one = self.asking.roster.members[0].kem
        assert one is not None
        stated = [found.model_dump() for found in self.training.encapsulated or ()]
        return {
            "hybrid-asking-key-null": (
                plan(put(*member, 0, "kem", value=None)),
                "plan.encapsulation-keys",
                "one key for each hospital",
            ),
            "hybrid-asking-key-of-another": (
                plan(put(*member, 1, "kem", value=one.model_dump())),
                "statement.not-its-owners",
                "signed by its owner",
            ),
            "hybrid-asking-with-ciphertexts": (
                plan(put("encapsulated", value=stated)),
                "plan.other-ciphertexts",
                "null in the plan that asks",
            ),
            "hybrid-asking-that-trains": (
                plan(put("task", value="train"), put("epsilon", value=6.0), put("stages", value=2)),
                "plan.encapsulation-keys",
                "null in a plan that trains",
            ),
        }

    def _agreements(self) -> Made:
        data = self.agreements[self.low.name]

        def of_low(*changes: Change) -> bytes:
            return altered(data, self.low.identity, *changes)

        def stated(**wrong: Any) -> bytes:
            return of_low(put("encapsulated", value=self._stated(self.low, **wrong)))

        both = [self.middle.fingerprint, self.high.fingerprint]
        twice = [self.high.fingerprint, self.high.fingerprint]
        return {
            "agreement-ciphertext-cut": (stated(cut=1), "agreement.ciphertext", "1,088 bytes"),
            "agreement-one-too-few": (stated(to=both[1:]), "agreement.other-recipients", "one for each"),
            "agreement-descending": (
                stated(to=both[::-1]),
                "agreement.recipients-not-ascending",
                "ascending",
            ),
            "agreement-one-twice": (stated(to=twice), "agreement.recipients-not-ascending", "each once"),
            "agreement-to-itself": (
                stated(to=[self.low.fingerprint, *both]),
                "agreement.recipients-not-ascending",
                "higher fingerprints",
            ),
            "agreement-stated-by-another": (
                stated(by=self.high),
                "statement.not-its-owners",
                "the statement is its sender's",
            ),
            "agreement-for-another-plan": (
                stated(plan="ab" * 32),
                "agreement.other-recipients",
                "the plan that asks",
            ),
            "agreement-to-another-recipient": (
                of_low(put("recipients", value=[self.high.fingerprint])),
                "agreement.other-recipient",
                "to the coordinator alone",
            ),
            "agreement-signed-by-another": (
                altered(data, self.high.identity),
                "signature.wrong",
                "signed by its sender",
            ),
            "agreement-without-its-feature": (
                of_low(put("features", value=[]), dropped("encapsulated")),
                "header.field",
                "of the form of its plan",
            ),
        }

    def _plans(self) -> Made:
        def plan(*changes: Change) -> bytes:
            return altered(self.plan, self.coordinator, *changes)

        stated = [one.model_dump() for one in self.training.encapsulated or ()]
        low_alone = self._stated(self.low, to=[self.middle.fingerprint])
        elsewhere = self._stated(self.high, plan="ab" * 32)
        return {
            "hybrid-plan-without-ciphertexts": (
                plan(put("encapsulated", value=None)),
                "plan.without-agreement",
                "there after the plan that asks",
            ),
            "hybrid-plan-field-missing": (
                plan(dropped("encapsulated")),
                "header.field-of-feature-lacking",
                "present, and null elsewhere",
            ),
            "hybrid-plan-one-party-too-few": (
                plan(put("encapsulated", value=stated[:2])),
                "plan.other-ciphertexts",
                "of each hospital",
            ),
            "hybrid-plan-parties-descending": (
                plan(put("encapsulated", value=stated[::-1])),
                "plan.other-ciphertexts",
                "ascending",
            ),
            "hybrid-plan-pair-missing": (
                plan(put("encapsulated", 0, value=low_alone)),
                "plan.ciphertext-lacking",
                "for each two hospitals",
            ),
            "hybrid-plan-of-two-plans": (
                plan(put("encapsulated", 2, value=elsewhere)),
                "plan.ciphertexts-of-two-plans",
                "all under one plan",
            ),
            "hybrid-plan-ciphertext-altered": (
                plan(put("encapsulated", 0, "ciphertexts", 0, "ciphertext", value="A" * 1452)),
                "statement.not-its-owners",
                "signed by who made it",
            ),
        }

    def _kem(
        self,
        owner: Hospital,
        *,
        by: Hospital | None = None,
        study: str | None = None,
        start: bytes = b"",
        cut: int = 0,
    ) -> Any:
        raw = self.world.kems[owner.fingerprint].public_key().public_bytes_raw()
        key = canonical.to_base64((start + raw[len(start) :])[: len(raw) - cut])
        return EncapsulationStatement.sign(key, study, 1, (by or owner).identity.signing).model_dump()

    def _stated(
        self,
        owner: Hospital,
        *,
        to: list[str] | None = None,
        plan: str | None = None,
        by: Hospital | None = None,
        cut: int = 0,
    ) -> Any:
        own = self.world.ciphertexts[owner.fingerprint]
        listed = tuple(
            Ciphertext(to=one, ciphertext=canonical.to_base64(own.get(one, bytes(1088))[: 1088 - cut]))
            for one in (sorted(own) if to is None else to)
        )
        signer = (by or owner).identity.signing
        return StatedCiphertexts.sign(
            owner.fingerprint, plan or self.world.asked.digest, listed, signer
        ).model_dump()
