"""A study with hybrid masks in memory: the plan that asks for agreements, those, and the plan after it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from exchange_samples import STAMP, Hospital, Study

from privxray.exchange.admission.admit_agreement import Agreements
from privxray.exchange.masking.agreed_secrets import agreed_secret, later_secret
from privxray.exchange.messages.agreement import AgreementHeader, encapsulate, write_agreement
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.plan_tasks import ScheduleEntry
from privxray.formats.container import split
from privxray.keys.encapsulation_statement import state_encapsulation_key
from privxray.keys.roster import Member

AGREE = ScheduleEntry(task="agree", epsilon=0.0, stages=1)
TRAIN = ScheduleEntry(task="train", epsilon=6.0, stages=2)
FEATURES = ("hybrid-masks", "tasks")
FORM: dict[str, Any] = {"format": 2, "features": FEATURES, "schedule": (AGREE, TRAIN)}


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256 and one block, by hand."""
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


class Agreeing:
    """Hospitals with encapsulation keys, and what they do in the first two plans of a study."""

    def __init__(
        self,
        hospitals: int = 3,
        trustees: int = 0,
        *,
        study: Study | None = None,
        kem: Callable[[str], MLKEM768PrivateKey] = lambda _: MLKEM768PrivateKey.generate(),
        **plan: Any,
    ) -> None:
        """:param kem: gives a hospital's encapsulation key, by the hospital's name."""
        self.study = study or Study(hospitals, trustees)
        self.terms = {**FORM, **plan}
        self.kems = {h.fingerprint: kem(h.name) for h in self.study.hospitals}
        self.asked = self.study.signed(self.asking())
        self.ciphertexts: dict[str, dict[str, bytes]] = {}
        self.shared: dict[str, dict[str, bytes]] = {}
        for hospital in self.study.hospitals:
            own = hospital.fingerprint
            self.ciphertexts[own], self.shared[own] = encapsulate(self.asked, own)

    def take(self, agreement: bytes) -> None:
        """Let a hospital have encapsulated what an agreement of it says."""
        stated = split(agreement).claim(AgreementHeader).encapsulated
        for one in stated.ciphertexts:
            self.ciphertexts[stated.party][one.to] = one.raw()
            self.shared[stated.party][one.to] = self.kems[one.to].decapsulate(one.raw())

    def member(self, hospital: Hospital, study: str | None = None) -> Member:
        kem = state_encapsulation_key(self.kems[hospital.fingerprint], study, 1, hospital.identity.signing)
        return hospital.member().model_copy(update={"kem": kem})

    def asking(self, **changes: Any) -> PlanHeader:
        """The plan of the task ``agree``."""
        plain = self.study.plan.roster
        roster = plain.model_copy(update={"members": tuple(self.member(h) for h in self.study.hospitals)})
        fields = {"task": "agree", "epsilon": 0.0, "stages": 1, "roster": roster}
        return self.study.make_plan(**(self.terms | fields | changes))

    def agreement(self, hospital: Hospital, signed: SignedPlan | None = None) -> bytes:
        own = hospital.fingerprint
        return write_agreement(self.ciphertexts[own], signed or self.asked, hospital.identity, STAMP)

    def agreements(self) -> Agreements:
        """What the coordinator has once all have come."""
        taken = Agreements(self.asked)
        for hospital in self.study.hospitals:
            taken.take(split(self.agreement(hospital)))
        return taken

    def training(self, **changes: Any) -> PlanHeader:
        """The plan that follows."""
        fields = {
            "task": "train",
            "stages": 2,
            "round": 2,
            "previous": self.asked.digest,
            "encapsulated": self.agreements().encapsulated(self.study.plan.hospitals),
        }
        return self.study.make_plan(**(self.terms | fields | changes))

    def secrets(self, hospital: Hospital, round_: int) -> dict[str, bytes]:
        """What a hospital has with each other one for a round, as it computes it itself."""
        own, found = hospital.fingerprint, {}
        for other in self.study.plan.hospitals:
            if other == own:
                continue
            low, high = sorted((own, other))
            ciphertext = self.ciphertexts[low][high]
            mine = self.shared[own][other] if own == low else self.kems[own].decapsulate(ciphertext)
            first = agreed_secret(mine, self.asked.digest, own, other, ciphertext)
            found[other] = later_secret(first, round_ - self.asked.plan.round)
        return found


def key_by_hand(world: Agreeing, one: Hospital, other: Hospital, plan: SignedPlan) -> bytes:
    """k_uv as docs/SPEC-2.md, section 8, says, without a line of privxray."""
    low, high = sorted((one, other), key=lambda hospital: hospital.fingerprint)
    ciphertext = world.ciphertexts[low.fingerprint][high.fingerprint]
    pair = bytes.fromhex(low.fingerprint) + bytes.fromhex(high.fingerprint)
    secret = hkdf(
        world.kems[high.fingerprint].decapsulate(ciphertext),
        bytes.fromhex(world.asked.digest),
        b"privxray agreed secret v2" + pair + hashlib.sha256(ciphertext).digest(),
    )
    for _ in range(plan.plan.round - world.asked.plan.round):
        secret = hkdf(secret, b"", b"privxray next secret v2")
    curve = one.mask.exchange(other.mask.public_key())
    return hkdf(curve + secret, bytes.fromhex(plan.digest), b"privxray mask v2" + pair)
