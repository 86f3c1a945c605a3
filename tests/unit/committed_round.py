"""A round under a plan with commitments, in memory: what each hospital sends, the sum, the proof."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from exchange_samples import STAMP, Hospital, Study

from privxray.exchange.bounds.bound_proof import BoundProof
from privxray.exchange.commitments.committed import Committed
from privxray.exchange.commitments.group import wide_scalar
from privxray.exchange.commitments.scalars import OpenedSum, Scalars, as_scalars
from privxray.exchange.concealing import conceal_committed, proof_of_bounds
from privxray.exchange.masking.fixed_point import quantise
from privxray.exchange.messages.plan import PEDERSEN
from privxray.exchange.messages.proof import write_proof
from privxray.exchange.messages.update import UpdateHeader, bounds_claim, committed_of, open_update
from privxray.exchange.opening_committed import CommittedUpdate, open_committed_sum
from privxray.exchange.sharing.dealing import Dealt
from privxray.formats.container import split
from privxray.formats.stated_bounds import SharedTensor, StatedBounds

FORM: dict[str, Any] = {"format": 2, "features": ("commitments",), "commitments": PEDERSEN}
BOUNDS = StatedBounds(total="counts", shared=(SharedTensor(tensor="weights", times=8),))
PROVEN: dict[str, Any] = {**FORM, "features": ("bound-proofs", "commitments"), "bounds": BOUNDS}
"""A plan with commitments, and one whose bounds are proven as well: heads are within 8."""


@dataclass
class Sent:
    """One hospital's update before it is sealed: a test may alter each part."""

    masked: Scalars
    committed: Committed
    dealt: Dealt | None
    bounds: BoundProof | None = None


class CommittedRound:
    """Hospitals, their vectors, and what they send. The coordinator sees updates alone."""

    def __init__(
        self,
        hospitals: int = 3,
        trustees: int = 0,
        *,
        study: Study | None = None,
        random: Callable[[str], bytes] = lambda _: os.urandom(64),
    ) -> None:
        """:param random: gives a hospital's blinding factor as 64 bytes, by the hospital's name."""
        self.study = study or Study(hospitals, trustees, **FORM)
        self.random = random
        self.signed = self.study.signed()
        self.vectors = {
            h.fingerprint: self.study.vector(place) for place, h in enumerate(self.study.hospitals)
        }
        self.sent = {h.fingerprint: self.send(h) for h in self.study.hospitals}

    def numbers(self, hospital: Hospital) -> np.ndarray:
        plan = self.signed.plan
        return quantise(self.vectors[hospital.fingerprint], plan.manifest, plan.modulus_bits)

    def send(self, hospital: Hospital) -> Sent:
        scalars = as_scalars(self.numbers(hospital), wide_scalar(self.random(hospital.name)))
        plain = list(scalars)
        committed, dealt = conceal_committed(scalars, self.signed, hospital.fingerprint, hospital.mask)
        bounds = proof_of_bounds(plain, committed, self.signed, hospital.fingerprint)
        return Sent(scalars, committed, dealt, bounds)

    def update(self, hospital: Hospital, **changes: Any) -> bytes:
        sent = self.sent[hospital.fingerprint]
        fields = {"committed": sent.committed, "dealt": sent.dealt, "bounds": sent.bounds} | changes
        return self.study.update(hospital, sent.masked, self.signed.plan, **fields)

    def updates(self) -> dict[str, bytes]:
        """By ascending fingerprint."""
        return {
            h.fingerprint: self.update(h) for h in sorted(self.study.hospitals, key=lambda h: h.fingerprint)
        }

    def opened(self, updates: dict[str, bytes], **left: Any) -> OpenedSum:
        """What the coordinator does with them."""
        return open_committed_sum(
            self.signed.plan, [self.received(data) for data in updates.values()], **left
        )

    def received(self, data: bytes) -> CommittedUpdate:
        envelope = split(data)
        header = envelope.claim(UpdateHeader)
        pieces = open_update(header, [data[envelope.length :]], self.study.coordinator)
        plan = self.signed.plan
        claim = partial(bounds_claim, header, plan)
        return CommittedUpdate(header.sender, committed_of(header, plan), pieces, claim)

    def proof(self, updates: dict[str, bytes], opened: OpenedSum) -> bytes:
        starts = [data[: split(data).length] for data in updates.values()]
        return write_proof(starts, opened, self.signed, self.study.coordinator, STAMP)
