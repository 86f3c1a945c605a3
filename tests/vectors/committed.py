"""The vectors of docs/SPEC-2.md, section 5: a round with commitments, under ``committed-plan``."""

from __future__ import annotations

import base64
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path += [str(Path(__file__).parents[1] / "unit")]

from committed_round import CommittedRound
from exchange_samples import STAMP
from forged_files import put
from format2 import Made, altered, dropped

from privxray.exchange.commitments.scalars import OpenedSum
from privxray.exchange.messages.model import write_model
from privxray.exchange.messages.proof import write_proof
from privxray.formats.container import seal_header, split

SMALL_ORDER = bytes.fromhex("ec" + "ff" * 30 + "7f")
"""(0, -1), a point of order 2."""


class Files:
    """The good files, and what is made from them.

    :param kept: gives the stored bytes of a good file, for sealing is randomised.
    """

    def __init__(self, round_: CommittedRound, kept: Callable[[str, Callable[[], bytes]], bytes]) -> None:
        self.round, self.kept, self.coordinator = round_, kept, round_.study.coordinator
        self.plan = seal_header(round_.signed.plan, self.coordinator.signing, round_.signed.plan.sender)
        self.updates = {
            h.name[-1]: kept(f"committed-update-{h.name[-1]}", lambda h=h: round_.update(h))
            for h in round_.study.hospitals
        }
        in_order = sorted(self.updates.values(), key=lambda data: split(data).key_id)
        self.in_order = {str(place): data for place, data in enumerate(in_order)}
        self.opened = round_.opened(self.in_order)
        self.proof = kept("proof", lambda: round_.proof(self.in_order, self.opened))
        weights = {"weights": np.arange(12.0).reshape(3, 4)}
        digest = split(self.proof).digest
        self.model = write_model(weights, round_.signed, self.coordinator, STAMP, proof=digest)

    def all(self) -> Made:
        return {
            "committed-plan": (self.plan, "ok", "a plan with commitments"),
            **{f"committed-update-{n}": (data, "ok", "an update") for n, data in self.updates.items()},
            "proof": (self.proof, "ok", "a proof"),
            "committed-model": (self.model, "ok", "a model with the digest of its proof"),
            **self._updates(),
            **self._proofs(),
            "committed-plan-without-commitments": (
                altered(self.plan, self.coordinator, dropped("commitments")),
                "header.field-of-feature-lacking",
                "a plan with the feature says which commitments",
            ),
            "committed-plan-other-group": (
                altered(self.plan, self.coordinator, put("commitments", value="pedersen-ristretto255")),
                "header.field",
                "there is one kind of commitment",
            ),
        }

    def _updates(self) -> Made:
        data = self.updates["a"]
        hospital = self.round.study.hospitals[0]
        stated = self.round.sent[hospital.fingerprint].committed
        masks = base64.b64decode(stated.stated(hospital.fingerprint)[1])

        def with_masks(value: bytes) -> bytes:
            return altered(data, hospital.identity, put("masks", value=base64.b64encode(value).decode()))

        def with_commitment(value: bytes) -> bytes:
            return altered(data, hospital.identity, put("commitment", value=base64.b64encode(value).decode()))

        point = "update.commitment-no-point"
        return {
            "committed-update-without-commitment": (
                altered(data, hospital.identity, dropped("commitment")),
                "header.field-of-feature-lacking",
                "an update is committed to",
            ),
            "committed-update-one-mask": (
                with_masks(masks[:32]),
                "update.commitments-count",
                "one point a mask",
            ),
            "committed-update-three-masks": (
                with_masks(masks + masks[:32]),
                "update.commitments-count",
                "one point a mask",
            ),
            "committed-update-mask-cut": (with_masks(masks[:-1]), "update.commitments-count", "32 bytes"),
            "commitment-of-small-order": (with_commitment(SMALL_ORDER), point, "in the subgroup"),
            "commitment-neutral": (with_commitment(b"\x01" + bytes(31)), point, "not the neutral element"),
            "commitment-not-canonical": (
                with_commitment(b"\xee" + b"\xff" * 30 + b"\x7f"),
                point,
                "canonical",
            ),
            "commitment-no-point": (with_commitment(b"\x02" + bytes(31)), point, "on the curve"),
        }

    def _proofs(self) -> Made:
        """Each of them is sealed anew, so its bytes are kept."""

        def proof(name: str, starts: dict[str, bytes], opened: OpenedSum) -> bytes:
            pieces = [data[: split(data).length] for data in starts.values()]
            signed = self.round.signed
            return self.kept(name, lambda: write_proof(pieces, opened, signed, self.coordinator, STAMP))

        numbers = self.opened.numbers.copy()
        numbers[3] += 1
        other_sum = dataclasses.replace(self.opened, numbers=numbers)
        other_blinding = dataclasses.replace(self.opened, blinding=self.opened.blinding ^ 1)
        without = dict(list(self.in_order.items())[:2])
        upside_down = dict(reversed(self.in_order.items()))
        header: dict[str, Any] = {
            "recipients": [h.fingerprint for h in self.round.study.hospitals[:2]],
        }
        sum_ = "proof.sum-not-as-committed"
        return {
            "proof-other-sum": (proof("proof-other-sum", self.in_order, other_sum), sum_, "the sum opens"),
            "proof-other-blinding": (
                proof("proof-other-blinding", self.in_order, other_blinding),
                sum_,
                "the blinding factors' sum opens",
            ),
            "proof-without-a-hospital": (
                proof("proof-without-a-hospital", without, self.opened),
                "proof.hospital-lacking",
                "a strict sum has everybody in it",
            ),
            "proof-upside-down": (
                proof("proof-upside-down", upside_down, self.opened),
                "proof.other-updates",
                "ascending, each sender once",
            ),
            "proof-of-another-update": (
                altered(self.proof, self.coordinator, put("updates", 1, value="ab" * 32)),
                "proof.other-updates",
                "the digests of the updates in the sum",
            ),
            "proof-other-recipients": (
                altered(self.proof, self.coordinator, put("recipients", value=header["recipients"])),
                "proof.other-recipients",
                "for all hospitals of the plan",
            ),
        }
