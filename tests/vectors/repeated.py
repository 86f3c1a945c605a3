"""The vectors of docs/SPEC-2.md, section 6: plans that repeat a round, waivers and refusals.

Strict ones come under ``repeatable-plan``, those of keyholders under ``repeatable-held-plan``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parents[1] / "unit")]

from committed_round import FORM, CommittedRound
from exchange_samples import STAMP, Hospital, Study
from forged_files import put
from format2 import Made, altered, dropped

from privxray.exchange.messages.consents import enclosed, write_refusal, write_waiver
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.repeats import Faulty, Repeats, Same, Without
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats import canonical
from privxray.formats.container import seal_header, split
from privxray.keys.identity import Identity
from privxray.keys.roster import Roster
from privxray.keys.sealed_body import body_key
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement

POINT = "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY="
FORM_6: dict[str, Any] = FORM | {"features": ("commitments", "repeats", "repeats-without")}


class Files:
    """Four hospitals, and four trustees of threshold three in the one study of two that has keyholders.

    :param party: gives a party by its name; its keys are those of the mode ``keyholders``.
    :param coordinator: gives the coordinator's.
    """

    def __init__(
        self,
        party: Callable[[str], Hospital],
        coordinator: Identity,
        sealing_key: Callable[[str], SealingKey],
        seeded: Callable[..., bytes],
        kept: Callable[[str, Callable[[], bytes]], bytes],
    ) -> None:
        self.sealing_key = sealing_key
        self.strict, self.held = (self._study(party, coordinator, held) for held in (False, True))
        self.d = self.strict.hospitals[-1]
        self.failed, self.failed_held = self.strict.signed(), self.held.signed()
        self.waiver = write_waiver(self.failed, self.d.identity, STAMP)
        self.refusals = [self.refusal(keyholder) for keyholder in self.held.trustees]
        made = CommittedRound(study=self.strict, random=lambda name: seeded(f"{name} blinding", 64))
        self.right = kept("format2/shown-update", lambda: made.update(self.d))
        made.sent[self.d.fingerprint].masked[3] += 1
        self.wrong = kept("format2/shown-update-wrong", lambda: made.update(self.d))

    def shown(self, data: bytes) -> Without:
        """What a plan says of an update that is to be seen to be wrong."""
        header = split(data).claim(UpdateHeader)
        assert header.body.key is not None
        key = body_key(header.body.key, header, header.plan, self.strict.coordinator)
        return Without(faulty=(Faulty(update=enclosed(data), key=canonical.to_base64(key)),))

    def _study(self, party: Callable[[str], Hospital], coordinator: Identity, held: bool) -> Study:
        study = Study.__new__(Study)
        study.coordinator = coordinator
        study.hospitals = [party(f"hospital-{letter}") for letter in "abcd"]
        study.trustees = [party(f"trustee-{number}") for number in range(1, 5)] if held else []
        study.plan = study.make_plan(**FORM_6)
        return study

    def refusal(self, keyholder: Hospital) -> bytes:
        fresh = self.sealing_key(f"{keyholder.name} next unsealing").public()
        stated = UnsealingStatement.sign(fresh, "pneumonia", 2, keyholder.identity.signing)
        return write_refusal(self.failed_held, keyholder.identity, stated, STAMP)

    def again(self, study: Study, left: int = 0, **changes: Any) -> bytes:
        """A plan that repeats a study's round, less so many of the last hospitals."""
        stay = study.hospitals[: len(study.hospitals) - left]
        trustees = tuple(t.trustee() for t in study.trustees)
        roster = Roster(version=2, members=tuple(h.member() for h in stay), trustees=trustees)
        failed = self.failed_held if study is self.held else self.failed
        fields = {
            "round": 2,
            "previous": failed.digest,
            "roster": roster,
            "repeats": Repeats(plan=failed.digest, same=same(*stay)),
        }
        return written(study, study.make_plan(**(FORM_6 | fields | changes)))

    def all(self) -> dict[str, Made]:
        return {"repeatable-plan": self._strict(), "repeatable-held-plan": self._held()}

    def _strict(self) -> Made:
        study, coordinator = self.strict, self.strict.coordinator
        waived = Without(waivers=(enclosed(self.waiver),))
        good = self.again(study, 1, without=waived)
        of_c = enclosed(write_waiver(self.failed, study.hospitals[2].identity, STAMP))
        elsewhere = enclosed(write_waiver(self.failed_held, self.d.identity, STAMP))

        def other(*changes: Any) -> bytes:
            return altered(good, coordinator, *changes)

        return {
            "repeatable-plan": (written(study, study.plan), "ok", "a plan that may be repeated"),
            "repeated-plan": (self.again(study), "ok", "all send the same again"),
            "repeated-plan-without-a-hospital": (good, "ok", "without a hospital that signed a waiver"),
            "repeated-plan-without-a-waiver": (
                self.again(study, 1),
                "repeat.other-hospitals",
                "the same hospitals, less those that signed a waiver",
            ),
            "repeated-plan-waiver-of-another": (
                other(put("without", "waivers", value=[of_c])),
                "repeat.waived-and-there",
                "who signed a waiver is not in the plan",
            ),
            "repeated-plan-waiver-of-another-plan": (
                other(put("without", "waivers", value=[elsewhere])),
                "file.other-plan",
                "a waiver names the plan that is repeated",
            ),
            "repeated-plan-with-asked": (
                other(put("without", "asked", value=[])),
                "repeat.keyholders-in-strict",
                "asked is null in the mode strict",
            ),
            "repeated-plan-without-the-field": (
                other(dropped("without")),
                "header.field-of-feature-lacking",
                "the field where the feature is listed",
            ),
            "plan-without-and-no-repetition": (
                other(put("repeats", value=None)),
                "repeat.without-alone",
                "without only in a plan that repeats",
            ),
            "repeated-plan-parties-upside-down": (
                altered(self.again(study), coordinator, lambda header: header["repeats"]["same"].reverse()),
                "repeat.other-parties",
                "same ascends",
            ),
            "repeated-plan-of-another-round": (
                other(put("repeats", "plan", value="ab" * 32)),
                "repeat.other-round",
                "the plan whose round is repeated",
            ),
            "repeated-plan-other-epsilon": (
                other(put("epsilon", value=5.0)),
                "repeat.other-terms",
                "the same terms",
            ),
            "shown-update": (self.right, "ok", "an update"),
            "shown-update-wrong": (self.wrong, "ok", "its header does not show that its body is wrong"),
            "repeated-plan-shows-a-wrong-update": (
                self.again(study, 1, without=self.shown(self.wrong)),
                "ok",
                "everybody sees that the update is not as committed",
            ),
            "repeated-plan-shows-a-right-update": (
                self.again(study, 1, without=self.shown(self.right)),
                "repeat.not-faulty",
                "an update that is as committed is no reason",
            ),
            "waiver": (self.waiver, "ok", "a waiver"),
            "waiver-with-a-body": (
                altered(self.waiver, self.d.identity, put("body", "length", value=1)),
                "consent.body",
                "no body",
            ),
            "waiver-to-nobody": (
                altered(self.waiver, self.d.identity, put("recipients", value=[])),
                "consent.other-recipient",
                "for the coordinator",
            ),
            "waiver-of-another-plan": (
                altered(self.waiver, self.d.identity, put("plan", value="ab" * 32)),
                "file.other-plan",
                "of this plan",
            ),
            "waiver-by-the-coordinator": (
                altered(self.waiver, coordinator, put("sender", value=study.plan.sender)),
                "signature.wrong",
                "signed by the hospital itself",
            ),
        }

    def _held(self) -> Made:
        study, keyholder = self.held, self.held.trustees[0]
        own = tuple(sorted(h.fingerprint for h in study.hospitals[:3]))
        sworn = tuple(map(enclosed, self.refusals[:3]))
        fewer = study.committee(study.trustees[:2] + study.hospitals[:2])
        trustees = tuple(t.trustee() for t in study.trustees[:2])
        roster = Roster(version=2, members=tuple(h.member() for h in study.hospitals), trustees=trustees)
        exchanged: dict[str, Any] = {"committee": fewer, "roster": roster}
        three = study.committee().model_copy(update={"minimum_cohort": 3})
        return {
            "repeatable-held-plan": (written(study, study.plan), "ok", "a plan that may be repeated"),
            "repeated-held-plan": (
                self.again(study, without=Without(asked=own)),
                "ok",
                "the sum of these was asked for",
            ),
            "repeated-held-plan-without-a-hospital": (
                self.again(study, 1, committee=three),
                "ok",
                "with keyholders no waiver is needed",
            ),
            "repeated-held-plan-shows-an-update": (
                self.again(study, 1, committee=three, without=self.shown(self.wrong)),
                "repeat.faulty-with-keyholders",
                "faulty is empty with keyholders",
            ),
            "repeated-held-plan-asked-a-stranger": (
                self.again(study, without=Without(asked=("ab" * 32,))),
                "repeat.asked-others",
                "asked are hospitals of the plan",
            ),
            "repeated-held-plan-other-keyholders": (
                self.again(study, **exchanged),
                "repeat.other-keyholders",
                "t + t' + o - k - k' > c",
            ),
            "repeated-held-plan-two-refusals": (
                self.again(study, **exchanged, without=Without(refusals=(*sworn[:2], sworn[1]))),
                "repeat.other-keyholders",
                "more than k - t + c distinct keyholders have refused",
            ),
            "repeated-held-plan-three-refusals": (
                self.again(study, **exchanged, without=Without(refusals=sworn)),
                "ok",
                "nothing was opened, and the keyholders may be others",
            ),
            "refusal": (self.refusals[0], "ok", "a refusal"),
            "refusal-used-key": (
                altered(
                    self.refusals[0],
                    keyholder.identity,
                    put("next_unsealing", value=keyholder.unsealing_statement().model_dump()),
                ),
                "refusal.next-key-not-fresh",
                "a later key, for this study",
            ),
        }


def same(*hospitals: Hospital) -> tuple[Same, ...]:
    return tuple(Same(party=one, commitment=POINT) for one in sorted(h.fingerprint for h in hospitals))


def written(study: Study, plan: PlanHeader) -> bytes:
    return seal_header(plan, study.coordinator.signing, plan.sender)
