"""Plans that repeat a failed round: what is refused, by the plan alone and against the plan before."""

from __future__ import annotations

from typing import Any

import pytest
from committed_round import FORM
from exchange_samples import Hospital, Study
from forged_files import refused

from privxray.exchange.admission.admit import admit_plan, admit_update, read_update
from privxray.exchange.admission.admit_repeat import admit_repeat
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.repeats import Repeats, Same
from privxray.formats.container import split
from privxray.formats.header import Body
from privxray.keys.roster import Roster

POINT = "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY="
FORM_2: dict[str, Any] = FORM | {"features": ("commitments", "repeats")}


def same(*hospitals: Hospital) -> tuple[Same, ...]:
    return tuple(Same(party=one, commitment=POINT) for one in sorted(h.fingerprint for h in hospitals))


class Failed:
    """A round under a plan that allows a repetition, and plans that repeat it."""

    def __init__(self) -> None:
        self.study = Study(3, **FORM_2)
        self.followed = self.study.signed()

    def again(self, **changes: Any) -> PlanHeader:
        repeats = Repeats(plan=self.followed.digest, same=same(*self.study.hospitals[:2]))
        fields = {"round": 2, "previous": self.followed.digest, "repeats": repeats}
        return self.study.make_plan(**FORM_2, **(fields | changes))


@pytest.fixture
def failed() -> Failed:
    return Failed()


def test_the_same_hospitals_repeat_their_round(failed: Failed) -> None:
    plan = failed.again()
    admit_plan(failed.study.plan_file(plan), failed.study.coordinator.public())
    admit_repeat(plan, failed.followed)
    assert plan.repeats is not None
    assert plan.repeats.commitment_of(failed.study.hospitals[0].fingerprint) == POINT
    assert plan.repeats.commitment_of(failed.study.hospitals[2].fingerprint) is None
    admit_repeat(failed.study.make_plan(**FORM_2, round=2), failed.followed)  # it repeats nothing


def test_all_hospitals_may_send_the_same_again(failed: Failed) -> None:
    repeats = Repeats(plan=failed.followed.digest, same=same(*failed.study.hospitals))
    plan = failed.again(repeats=repeats)
    admit_plan(failed.study.plan_file(plan), failed.study.coordinator.public())
    admit_repeat(plan, failed.followed)


def test_what_the_plan_itself_shows_to_be_wrong(failed: Failed) -> None:
    a, b, _ = failed.study.hospitals
    stranger = Hospital("stranger")
    upside_down = tuple(reversed(same(a, b)))
    cases = {
        "a stranger": same(a, stranger),
        "one twice": same(a, a),
        "in another order": upside_down,
    }
    for what, parties in cases.items():
        repeats = Repeats(plan=failed.followed.digest, same=parties)
        with refused("repeat.other-parties"):
            admit_plan(failed.study.plan_file(failed.again(repeats=repeats)), None)
        assert what
    held = Study(4, 4, **FORM_2)
    repeats = Repeats(plan=failed.followed.digest, same=same(held.hospitals[0]))
    with refused("repeat.other-mode"):
        admit_plan(held.plan_file(held.make_plan(**FORM_2, repeats=repeats)), None)
    plain = failed.study.make_plan(format=2, features=("repeats",), repeats=failed.again().repeats)
    with refused("repeat.other-mode"):
        admit_plan(failed.study.plan_file(plain), None)


def test_a_list_of_nobody_is_none() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Repeats(plan="0" * 64, same=())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"repeats": Repeats(plan="0" * 64, same=same(Hospital("x")))}, "repeat.other-round"),
        ({"stage": 2, "stages": 2}, "repeat.other-round"),
        ({"epsilon": 5.0}, "repeat.other-terms"),
        ({"constants": {"steps": 3}}, "repeat.other-terms"),
        ({"body": Body(length=1, sha256="0" * 64)}, "repeat.other-terms"),
    ],
)
def test_another_round_or_other_terms(failed: Failed, changes: dict[str, Any], reason: str) -> None:
    with refused(reason):
        admit_repeat(failed.again(**changes), failed.followed)


def test_other_hospitals(failed: Failed) -> None:
    """One who left or came would be what both sums differ by."""
    study = failed.study
    newcomer = Hospital("hospital-d")
    for hospitals in (study.hospitals[:2], [*study.hospitals, newcomer], [*study.hospitals[:2], newcomer]):
        roster = Roster(version=2, members=tuple(h.member() for h in hospitals))
        with refused("repeat.other-hospitals"):
            admit_repeat(failed.again(roster=roster), failed.followed)


def test_an_update_repeats_the_vector_that_the_plan_names() -> None:
    from committed_round import CommittedRound

    made = CommittedRound(study=Study(3, **FORM_2))
    a, b, _ = made.study.hospitals
    for hospital, good in ((a, True), (b, False)):
        stated = made.sent[hospital.fingerprint].committed.stated(hospital.fingerprint)[0]
        listed = Same(party=hospital.fingerprint, commitment=stated if good else POINT)
        repeats = Repeats(plan=made.signed.digest, same=(listed,))
        signed = made.study.signed(made.study.make_plan(**FORM_2, round=2, repeats=repeats))
        made.signed = signed
        header, member = read_update(split(made.update(hospital)), signed.plan.roster.members)
        if good:
            admit_update(header, member, signed)
        else:
            with refused("update.other-vector"):
                admit_update(header, member, signed)
