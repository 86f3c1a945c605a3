"""A small study in memory: identities, a plan, updates. No files, no training."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from privxray.exchange.concealing import conceal
from privxray.exchange.masking.fixed_point import quantise
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.request import write_request
from privxray.exchange.messages.update import UpdateClaims, write_update
from privxray.exchange.sharing.committee import Committee, Seat, least_cohort
from privxray.formats.container import Envelope, seal_header, split
from privxray.formats.header import Body, Stamp
from privxray.formats.tensors import TensorSpec
from privxray.keys.identity import Identity
from privxray.keys.mask_statement import state_mask_key
from privxray.keys.roster import Member, Roster, Trustee
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement

MANIFEST = (
    TensorSpec(name="weights", shape=(3, 4), bound=100.0, fraction_bits=20),
    TensorSpec(name="counts", shape=(3,), bound=1000.0, fraction_bits=20),
)
STAMP = Stamp(created="2026-01-02T03:04:05Z", software="privxray 0.1.0")


@dataclass
class Hospital:
    """A hospital with one mask key after the other, or a trustee, who leaves it unused."""

    name: str
    identity: Identity = field(default_factory=Identity.generate)
    mask: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    unsealing: SealingKey = field(default_factory=SealingKey.generate)
    number: int = 1

    @property
    def fingerprint(self) -> str:
        return self.identity.public().fingerprint

    def member(self, study: str | None = None) -> Member:
        stated = state_mask_key(self.mask, study, self.number, self.identity.signing)
        return Member(name=self.name, keys=self.identity.public(), mask=stated)

    def trustee(self) -> Trustee:
        return Trustee(name=self.name, keys=self.identity.public())

    def unsealing_statement(self, study: str | None = None) -> UnsealingStatement:
        return UnsealingStatement.sign(self.unsealing.public(), study, self.number, self.identity.signing)


class Study:
    """A coordinator, hospitals and trustees under one plan; with trustees its mode is ``keyholders``."""

    def __init__(self, hospitals: int = 3, trustees: int = 0, **plan: Any) -> None:
        self.coordinator = Identity.generate()
        self.hospitals = [Hospital(f"hospital-{letter}") for letter in "abcdefghijklm"[:hospitals]]
        self.trustees = [Hospital(f"trustee-{number}") for number in range(1, trustees + 1)]
        self.plan = self.make_plan(**plan)

    def committee(self, keyholders: list[Hospital] | None = None, **changes: Any) -> Committee:
        """The trustees, or others, with the least numbers that are safe for one corrupt one of each kind."""
        holders = self.trustees if keyholders is None else keyholders
        fields = {"corrupt_keyholders": 1, "corrupt_hospitals": 1} | changes
        c, h = fields["corrupt_keyholders"], fields["corrupt_hospitals"]
        threshold = fields.setdefault("threshold", (len(holders) + c) // 2 + 1)
        least = least_cohort(len(self.hospitals), len(holders), threshold, c, h)
        fields.setdefault("minimum_cohort", least)
        seats = tuple(Seat(keyholder=one.fingerprint, unsealing=one.unsealing_statement()) for one in holders)
        return Committee(**({"seats": seats} | fields))

    def make_plan(self, **changes: Any) -> PlanHeader:
        keys = self.coordinator.public()
        fields: dict[str, Any] = {
            "study": "pneumonia",
            "round": 1,
            "sender": keys.fingerprint,
            "body": Body(),
            "coordinator": keys,
            "coordinator_name": "coordinator",
            "roster": Roster(
                version=1,
                members=tuple(h.member() for h in self.hospitals),
                trustees=tuple(t.trustee() for t in self.trustees),
            ),
            "mode": "keyholders" if self.trustees else "strict",
            "committee": self.committee() if self.trustees else None,
            "stage": 1,
            "stages": 1,
            "previous": None,
            "method": "linear-probe",
            "constants": {},
            "extractor": None,
            "classes": ("normal", "bacteria", "virus"),
            "epsilon": 6.0,
            "delta": 1e-5,
            "modulus_bits": 64,
            "manifest": MANIFEST,
            **vars(STAMP),
        }
        return PlanHeader(**(fields | changes))

    def plan_file(self, plan: PlanHeader | None = None, signer: Identity | None = None) -> Envelope:
        signer = signer or self.coordinator
        return split(seal_header(plan or self.plan, signer.signing, signer.public().fingerprint))

    def signed(self, plan: PlanHeader | None = None) -> SignedPlan:
        return SignedPlan.claimed(self.plan_file(plan))

    @property
    def plan_hash(self) -> str:
        return self.plan_file().digest

    def vector(self, seed: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        return {spec.name: rng.normal(0, 10, spec.shape) for spec in MANIFEST}

    def masked(self, hospital: Hospital, vector: dict[str, np.ndarray]) -> np.ndarray:
        numbers = quantise(vector, self.plan.manifest, self.plan.modulus_bits)
        assert conceal(numbers, self.signed(), hospital.fingerprint, hospital.mask) is None
        return numbers

    def concealed(self, hospital: Hospital, seed: int = 0) -> bytes:
        """An update under a plan with keyholders."""
        numbers = quantise(self.vector(seed), self.plan.manifest, self.plan.modulus_bits)
        dealt = conceal(numbers, self.signed(), hospital.fingerprint, hospital.mask)
        return self.update(hospital, numbers, dealt=dealt)

    def request(
        self, updates: dict[str, bytes], signer: Identity | None = None, plan: PlanHeader | None = None
    ) -> bytes:
        """The request for the sum of these updates, by fingerprint."""
        envelopes = {one: data[: split(data).length] for one, data in updates.items()}
        return write_request(envelopes, self.signed(plan), signer or self.coordinator, STAMP)

    def update(
        self, hospital: Hospital, numbers: np.ndarray, plan: PlanHeader | None = None, **changes: Any
    ) -> bytes:
        fields = {
            "epsilon": 5.9,
            "ledger_head": hashlib.sha256(b"").hexdigest(),
            "next_mask": state_mask_key(
                X25519PrivateKey.generate(), "pneumonia", hospital.number + 1, hospital.identity.signing
            ),
        }
        claims = UpdateClaims(**(fields | changes))
        return write_update(numbers, self.signed(plan), hospital.identity, claims, STAMP)
