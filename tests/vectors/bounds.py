"""The vectors of docs/SPEC-2.md, section 13: a round with proofs of bounds, under ``bounds-plan``."""

from __future__ import annotations

import base64
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path += [str(Path(__file__).parents[1] / "unit")]

from committed_round import BOUNDS, PROVEN, CommittedRound
from exchange_samples import MANIFEST, Study
from forged_files import put
from format2 import Made, altered, dropped

from privxray.formats.container import seal_header
from privxray.formats.stated_bounds import StatedBounds


class Proven(CommittedRound):
    """Three hospitals of 10, 11 and 12 patients, whose heads are within 8."""

    def __init__(self, study: Study, random: Callable[[str], bytes]) -> None:
        study.vector = self.vector  # type: ignore[method-assign]
        super().__init__(study=study, random=random)

    @staticmethod
    def vector(seed: int) -> dict[str, np.ndarray]:
        """Of hospital number ``seed``, from 0."""
        head = np.linspace(-8 + seed, 8 - seed, 12).reshape(MANIFEST[0].shape)
        return {"weights": (10 + seed) * head, "counts": np.array([2.0, 3.0, 5.0 + seed])}


class Files:
    """The good files, and what is made from them.

    :param kept: gives the stored bytes of a good file, for sealing and proving are randomised.
    """

    def __init__(self, round_: Proven, kept: Callable[[str, Callable[[], bytes]], bytes]) -> None:
        self.round, self.kept, self.coordinator = round_, kept, round_.study.coordinator
        self.plan = seal_header(round_.signed.plan, self.coordinator.signing, round_.signed.plan.sender)
        self.updates = {
            h.fingerprint: kept(f"bounds-update-{h.name[-1]}", lambda h=h: round_.update(h))
            for h in round_.study.hospitals
        }
        self.in_order = dict(sorted(self.updates.items()))

    def all(self) -> Made:
        opened = self.round.opened(self.in_order)
        a, b, _ = self.round.study.hospitals
        # b proves what is true of a's vector, and not of its own.
        borrowed = dataclasses.replace(
            self.round.sent[b.fingerprint], bounds=self.round.sent[a.fingerprint].bounds
        )
        false = self.kept(
            "bounds-update-of-another",
            lambda: self.round.update(b, bounds=borrowed.bounds),
        )
        with_false = dict(sorted({**self.in_order, b.fingerprint: false}.items()))
        names = {h.fingerprint: f"bounds-update-{h.name[-1]}" for h in self.round.study.hospitals}
        return {
            "bounds-plan": (self.plan, "ok", "a plan with bounds that are proven"),
            **{names[one]: (data, "ok", "an update with its proof") for one, data in self.updates.items()},
            "bounds-proof": (
                self.kept("bounds-proof", lambda: self.round.proof(self.in_order, opened)),
                "ok",
                "a proof whose updates show their bounds",
            ),
            "bounds-update-of-another": (false, "ok", "its form is good; its proof is read with the sum"),
            "bounds-proof-false": (
                self.kept("bounds-proof-false", lambda: self.round.proof(with_false, opened)),
                "proof.out-of-bounds",
                "each update shows that it keeps to the bounds",
            ),
            **self._updates(),
            **self._plans(),
        }

    def _updates(self) -> Made:
        hospital = self.round.study.hospitals[0]
        data = self.updates[hospital.fingerprint]
        bounds = self.round.sent[hospital.fingerprint].bounds
        assert bounds is not None
        right = base64.b64decode(stated(data))

        def with_proof(value: bytes) -> bytes:
            text = base64.b64encode(value).decode()
            return altered(data, hospital.identity, put("bound_proof", value=text))

        form, order = "update.bounds-form", 2**252 + 27742317777372353535851937790883648493
        return {
            "bounds-update-without-proof": (
                altered(data, hospital.identity, dropped("bound_proof")),
                "header.field-of-feature-lacking",
                "an update has its proof",
            ),
            "bounds-update-not-base64": (
                altered(data, hospital.identity, put("bound_proof", value="A=")),
                "update.bounds-base64",
                "base64",
            ),
            "bounds-update-cut": (with_proof(right[:-32]), form, "as long as the plan's numbers give"),
            "bounds-update-longer": (
                with_proof(right + bytes(32)),
                form,
                "as long as the plan's numbers give",
            ),
            "bounds-update-neutral": (
                with_proof(b"\x01" + bytes(31) + right[32:]),
                form,
                "no neutral element",
            ),
            "bounds-update-no-point": (with_proof(b"\x02" + bytes(31) + right[32:]), form, "points"),
            "bounds-update-scalar": (
                with_proof(right[:-32] + order.to_bytes(32, "little")),
                form,
                "scalars are below the order",
            ),
        }

    def _plans(self) -> Made:
        def made(**changes: Any) -> bytes:
            plan = self.round.study.make_plan(**{**PROVEN, **changes})
            return seal_header(plan, self.coordinator.signing, plan.sender)

        weights, counts = MANIFEST
        shared = BOUNDS.shared
        return {
            "bounds-plan-null": (made(bounds=None), "ok", "each number has its own bound alone"),
            "bounds-plan-without-bounds": (
                altered(self.plan, self.coordinator, dropped("bounds")),
                "header.field-of-feature-lacking",
                "bounds are stated, be it as null",
            ),
            "bounds-plan-unknown-tensor": (
                made(bounds=StatedBounds(total="bias", shared=shared)),
                "plan.bounds",
                "the total is in the manifest",
            ),
            "bounds-plan-shared-total": (
                made(bounds=StatedBounds(total="weights", shared=shared)),
                "plan.bounds",
                "the total is not shared",
            ),
            "bounds-plan-other-bits": (
                made(manifest=(weights, counts.model_copy(update={"fraction_bits": 19}))),
                "plan.bounds",
                "one number of fraction bits",
            ),
            "bounds-plan-too-long": (
                made(manifest=(weights.model_copy(update={"shape": (8190,)}), counts)),
                "plan.bounds",
                "at most 2^13 numbers",
            ),
            "bounds-plan-times-zero": (
                altered(self.plan, self.coordinator, put("bounds", "shared", 0, "times", value=0)),
                "header.field",
                "a factor is 1 to 64",
            ),
            "bounds-plan-without-commitments": (
                made(features=("bound-proofs",), commitments=None),
                "plan.bounds-without-commitments",
                "a proof is about a commitment",
            ),
        }


def stated(data: bytes) -> str:
    """The proof in an update."""
    from privxray.exchange.messages.update import UpdateHeader
    from privxray.formats.container import split

    return split(data).claim(UpdateHeader).bound_proof or ""
