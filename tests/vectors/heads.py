"""The vectors of docs/SPEC-2.md, section 7: a first plan, its model, the plan after it, and what obeys them.

A plan under ``heads-first`` comes to hospital-a, which follows that plan and has accepted ``heads-model``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path += [str(Path(__file__).parents[1] / "unit")]

import keyholders
from exchange_samples import STAMP, Study
from forged_files import Change, put
from format2 import Made, altered, dropped

from privxray.exchange.messages.heads import START, Since, head_after
from privxray.exchange.messages.model import write_model
from privxray.exchange.messages.plan import SignedPlan
from privxray.formats.container import seal_header, split
from privxray.workflow.coordinator.planning.past_files import Past

FIRST: dict[str, Any] = {
    "format": 2,
    "features": ("heads",),
    "head": START,
    "since": Since(request=None, result=None),
    "heads": (),
}
OTHER = "ab" * 32


class Files:
    """The good files, and what is made from them.

    :param kept: gives the stored bytes of a good file, for sealing is randomised.
    :param held: a round with keyholders under a plan with the feature.
    """

    def __init__(
        self, world: Study, held: keyholders.Round, kept: Callable[[str, Callable[[], bytes]], bytes]
    ) -> None:
        self.world, self.held, self.coordinator = world, held, world.coordinator
        world.plan = world.make_plan(**FIRST)
        self.first = seal_header(world.plan, self.coordinator.signing, world.plan.sender)
        before = SignedPlan.claimed(split(self.first))
        weights = {"weights": np.arange(12.0).reshape(3, 4)}
        self.model = write_model(weights, before, self.coordinator, STAMP)
        result = split(self.model).digest
        self.parties = sorted(h.fingerprint for h in world.hospitals)
        self.a = world.hospitals[0]
        past = Past(before, Since(request=None, result=result), self.parties)
        fields = {"format": 2, "features": ("heads",), "round": 2, "previous": before.digest}
        world.plan = world.make_plan(**fields, **past.fields(("heads",)))
        self.plan = seal_header(world.plan, self.coordinator.signing, world.plan.sender)
        self.head = before.head_after
        self.update = kept(
            "heads-update", lambda: world.update(self.a, world.masked(self.a, world.vector(0)))
        )

    def all(self) -> dict[str, Made]:
        """By the plan that they come under."""
        return {"heads-first": self._plans(), "heads-plan": self._updates(), "heads-held-plan": self._held()}

    def _plans(self) -> Made:
        coordinator, place = self.coordinator, self.parties.index(self.a.fingerprint)
        b = (place + 1) % 3

        def plan(*changes: Change) -> bytes:
            return altered(self.plan, coordinator, *changes)

        def named(result: str | None) -> bytes:
            """With the head that follows from it."""
            head = head_after(self.head, *([result] if result else []))
            return plan(put("since", "result", value=result), put("head", value=head))

        lacking = "header.field-of-feature-lacking"
        return {
            "heads-first": (self.first, "ok", "the first plan of a study"),
            "heads-model": (self.model, "ok", "its model"),
            "heads-plan": (self.plan, "ok", "the plan after both"),
            "heads-first-names-a-model": (
                altered(self.first, coordinator, put("since", "result", value=OTHER)),
                "heads.before-the-first",
                "nothing is before the first plan",
            ),
            "heads-first-with-a-head": (
                altered(self.first, coordinator, put("head", value=OTHER)),
                "heads.before-the-first",
                "the log begins with zeros",
            ),
            "heads-plan-of-another-log": (
                plan(put("head", value=OTHER)),
                "heads.other-log",
                "head follows from the plan before and from since",
            ),
            "heads-plan-of-another-model": (
                named(OTHER),
                "heads.other-result",
                "since names the model that was accepted",
            ),
            "heads-plan-hides-the-model": (
                named(None),
                "heads.other-result",
                "since names the model that was accepted",
            ),
            "heads-plan-since-null": (
                plan(put("since", value=None), put("head", value=self.head), put("heads", value=[])),
                "ok",
                "a restored coordinator does not know",
            ),
            "heads-plan-b-saw-others": (
                plan(put("heads", b, "head", value=OTHER)),
                "heads.other-files",
                "each head is that of the plan before",
            ),
            "heads-plan-lies-about-a": (
                plan(put("heads", place, "head", value=OTHER)),
                "heads.own-falsified",
                "each head is that of the plan before, one's own included",
            ),
            "heads-plan-without-a-hospital": (
                plan(lambda header: header["heads"].pop()),
                "heads.hospital-lacking",
                "in the mode strict all hospitals are in heads",
            ),
            "heads-plan-descending": (
                plan(lambda header: header["heads"].reverse()),
                "heads.not-ascending",
                "ascending, each party once",
            ),
            "heads-plan-after-another-plan": (
                plan(put("previous", value=OTHER)),
                "heads.second-plan",
                "there is one plan a round",
            ),
            "heads-plan-without-heads": (plan(dropped("heads")), lacking, "present where the feature is"),
            "heads-plan-heads-null": (plan(put("heads", value=None)), lacking, "not null"),
            "heads-plan-without-since": (plan(dropped("since")), lacking, "present where the feature is"),
            "heads-plan-unlisted": (
                plan(put("features", value=[])),
                "header.field-of-other-feature",
                "only where the feature is",
            ),
        }

    def _updates(self) -> Made:
        owner = self.a.identity
        return {
            "heads-update": (self.update, "ok", "an update"),
            "heads-update-of-another-head": (
                altered(self.update, owner, put("head", value=OTHER)),
                "update.other-head",
                "head is that after the plan",
            ),
            "heads-update-without-head": (
                altered(self.update, owner, dropped("head")),
                "header.field-of-feature-lacking",
                "present where the feature is",
            ),
        }

    def _held(self) -> Made:
        held, share = self.held, self.held.shares["trustee-1"]
        keyholder = held.parties["trustee-1"].identity
        plan = seal_header(held.study.plan, held.study.coordinator.signing, held.study.plan.sender)
        return {
            "heads-held-plan": (plan, "ok", "a plan with keyholders"),
            **{f"heads-held-update-{n[-1]}": (data, "ok", "an update") for n, data in held.updates.items()},
            "heads-request": (held.request, "ok", "a request, which has no head"),
            "heads-share": (share, "ok", "a share file"),
            "heads-share-of-another-head": (
                altered(share, keyholder, put("head", value=OTHER)),
                "share.other-head",
                "head is that after the plan",
            ),
        }
