"""A small study in memory: identities, a plan, updates. No files, no training."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from privxray.exchange.concealing import conceal
from privxray.exchange.fixedpoint import quantise
from privxray.exchange.plan import PlanHeader
from privxray.exchange.update import write_update
from privxray.formats.container import Envelope, seal_header, split
from privxray.formats.header import Body
from privxray.formats.tensors import TensorSpec
from privxray.keys.identity import Identity
from privxray.keys.maskkey import state_mask_key
from privxray.keys.roster import Member, Roster
from privxray.keys.sealing import SealingKey
from privxray.keys.unsealing import UnsealingStatement

MANIFEST = (
    TensorSpec(name="weights", shape=(3, 4), bound=100.0, fraction_bits=20),
    TensorSpec(name="counts", shape=(3,), bound=1000.0, fraction_bits=20),
)
CREATED = {"created": "2026-01-02T03:04:05Z", "software": "privxray 0.1.0"}


@dataclass
class Hospital:
    """A hospital with one mask key after the other."""

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

    def unsealing_statement(self, study: str | None = None) -> UnsealingStatement:
        return UnsealingStatement.sign(self.unsealing.public(), study, self.number, self.identity.signing)


class Study:
    """A coordinator and three hospitals under one plan."""

    def __init__(self, **plan: Any) -> None:
        self.coordinator = Identity.generate()
        self.hospitals = [Hospital(f"hospital-{letter}") for letter in "abc"]
        self.plan = self.make_plan(**plan)

    def make_plan(self, **changes: Any) -> PlanHeader:
        keys = self.coordinator.public()
        fields: dict[str, Any] = {
            "study": "pneumonia",
            "round": 1,
            "sender": keys.fingerprint,
            "body": Body(),
            "coordinator": keys,
            "coordinator_name": "coordinator",
            "roster": Roster(version=1, members=tuple(h.member() for h in self.hospitals)),
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
            **CREATED,
        }
        return PlanHeader(**(fields | changes))

    def plan_file(self, plan: PlanHeader | None = None, signer: Identity | None = None) -> Envelope:
        signer = signer or self.coordinator
        return split(seal_header(plan or self.plan, signer.signing, signer.public().fingerprint))

    @property
    def plan_hash(self) -> str:
        return self.plan_file().digest

    def vector(self, seed: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        return {spec.name: rng.normal(0, 10, spec.shape) for spec in MANIFEST}

    def masked(self, hospital: Hospital, vector: dict[str, np.ndarray]) -> np.ndarray:
        numbers = quantise(vector, self.plan.manifest, self.plan.modulus_bits)
        assert conceal(numbers, self.plan, self.plan_hash, hospital.fingerprint, hospital.mask) is None
        return numbers

    def update(self, hospital: Hospital, numbers: np.ndarray, **changes: Any) -> bytes:
        fields = {
            "epsilon": 5.9,
            "ledger_head": hashlib.sha256(b"").hexdigest(),
            "next_mask": state_mask_key(
                X25519PrivateKey.generate(), "pneumonia", hospital.number + 1, hospital.identity.signing
            ),
            **CREATED,
        }
        plan, plan_hash = changes.pop("plan", self.plan), changes.pop("plan_hash", self.plan_hash)
        return write_update(numbers, plan, plan_hash, hospital.identity, **(fields | changes))
