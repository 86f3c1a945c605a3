"""Plans that repeat a failed round: what is refused, by the plan alone and against the plan before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from committed_round import FORM
from exchange_samples import STAMP, Hospital, Study
from forged_files import refused

from privxray.exchange.admission.admit import admit_plan, admit_update, read_update
from privxray.exchange.admission.repeat_form import check_repeats
from privxray.exchange.admission.repeating.admit_consents import admit_refusal, admit_waiver
from privxray.exchange.admission.repeating.admit_repeat import admit_repeat
from privxray.exchange.admission.repeating.repeat_chain import Chain
from privxray.exchange.messages.consents import (
    RefusalHeader,
    WaiverHeader,
    enclosed,
    write_refusal,
    write_waiver,
)
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.repeats import Repeats, Same, Without
from privxray.formats.container import seal_header, split
from privxray.formats.header import Body, Header
from privxray.keys.roster import Roster
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workflow.keyholder import refuse

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


# With keyholders, and without a hospital.

FORM_3: dict[str, Any] = FORM | {"features": ("commitments", "repeats", "repeats-without")}


class Held:
    """A round with keyholders that may be repeated, and plans that repeat it."""

    def __init__(self, **changes: Any) -> None:
        self.study = Study(5, 4, **(FORM_3 | changes))
        self.followed = self.study.signed()

    def again(self, *, left: int = 0, **changes: Any) -> PlanHeader:
        """Without so many of the last hospitals."""
        stay = self.study.hospitals[: 5 - left]
        trustees = tuple(t.trustee() for t in self.study.trustees)
        roster = Roster(version=2, members=tuple(h.member() for h in stay), trustees=trustees)
        repeats = Repeats(plan=self.followed.digest, same=same(*self.study.hospitals[:2]))
        committee = self.study.committee().model_copy(update={"minimum_cohort": min(4, len(stay))})
        fields = {"round": 2, "repeats": repeats, "roster": roster, "committee": committee}
        return self.study.make_plan(**(FORM_3 | fields | changes))


@pytest.fixture
def held() -> Held:
    return Held()


def test_keyholders_guard_a_repetition_without_a_hospital(held: Held) -> None:
    for left in (0, 1):
        plan = held.again(left=left)
        admit_plan(held.study.plan_file(plan), held.study.coordinator.public())
        admit_repeat(plan, held.followed)


def test_nobody_comes_to_a_repetition(held: Held) -> None:
    newcomer = Hospital("hospital-x")
    roster = held.again().roster
    more = roster.model_copy(update={"members": (*roster.members, newcomer.member())})
    with refused("repeat.other-hospitals"):
        admit_repeat(held.again(roster=more), held.followed)


def test_what_is_said_of_a_repetition_has_to_have_a_place(held: Held) -> None:
    stranger, study = Hospital("x").fingerprint, held.study
    own = sorted(h.fingerprint for h in study.hospitals)
    cases: list[tuple[str, PlanHeader]] = [
        ("repeat.without-alone", study.make_plan(**FORM_3, without=Without())),
        ("repeat.asked-others", held.again(without=Without(asked=(*own[:3], stranger)))),
        ("repeat.asked-others", held.again(without=Without(asked=tuple(reversed(own))))),
        ("repeat.other-mode", held.again(features=("commitments", "repeats"))),
    ]
    check_repeats(held.again(without=Without(asked=tuple(own))))
    strict = Study(4, **FORM_3)
    repeats = Repeats(plan="0" * 64, same=same(strict.hospitals[0]))
    for without in (Without(asked=()), Without(refusals=("AAAA",))):
        plan = strict.make_plan(**FORM_3, repeats=repeats, without=without)
        with refused("repeat.keyholders-in-strict"):
            admit_plan(strict.plan_file(plan), None)
    for reason, plan in cases:
        with refused(reason):
            check_repeats(plan)


def test_a_strict_round_is_repeated_without_a_hospital_that_signed_a_waiver() -> None:
    study = Study(4, **FORM_3)
    followed = study.signed()
    d = study.hospitals[-1]
    roster = Roster(version=2, members=tuple(h.member() for h in study.hospitals[:3]))
    repeats = Repeats(plan=followed.digest, same=same(*study.hospitals[:3]))
    changes: dict[str, Any] = {"round": 2, "repeats": repeats, "roster": roster}
    with refused("repeat.other-hospitals"):
        admit_repeat(study.make_plan(**FORM_3, **changes), followed)
    waiver = enclosed(write_waiver(followed, d.identity, STAMP))
    without = Without(waivers=(waiver,))
    plan = study.make_plan(**FORM_3, **changes, without=without)
    admit_plan(study.plan_file(plan), study.coordinator.public())
    admit_repeat(plan, followed)
    chain = Chain(plan, (followed,))
    assert chain.free() == {d.fingerprint}
    assert chain.dead() == frozenset()


def test_a_waiver_of_an_earlier_repetition_does_not_count_again() -> None:
    """d has left with its waiver; the next repetition is of the same hospitals, and needs none."""
    study = Study(4, **FORM_3)
    first = study.signed()
    roster = Roster(version=2, members=tuple(h.member() for h in study.hospitals[:3]))
    waiver = enclosed(write_waiver(first, study.hospitals[-1].identity, STAMP))
    plan_2 = study.make_plan(
        **FORM_3,
        round=2,
        roster=roster,
        repeats=Repeats(plan=first.digest, same=same(*study.hospitals[:3])),
        without=Without(waivers=(waiver,)),
    )
    second = study.signed(plan_2)
    again = Repeats(plan=second.digest, same=same(*study.hospitals[:3]))
    plan_3 = study.make_plan(**FORM_3, round=3, roster=roster, repeats=again)
    admit_repeat(plan_3, second, [first])
    chain = Chain(plan_3, (second, first))
    assert chain.free(since=second.digest) == frozenset()
    assert chain.free(since=first.digest) == chain.free() == {study.hospitals[-1].fingerprint}
    with refused("repeat.other-hospitals"):  # who has left does not come back
        admit_repeat(study.make_plan(**FORM_3, round=3, repeats=again), second, [first])


def test_a_refusal_names_a_later_key_than_that_of_its_own_seat(held: Held) -> None:
    held.study.trustees[0].number = 2
    followed = held.study.signed(held.study.make_plan(**FORM_3))
    with refused("refusal.next-key-not-fresh"):
        admit_refusal(split(consent(held, "refusal", plan=followed.digest)), followed)
    held.study.trustees[0].number = 1
    held.study.trustees[3].number = 9  # another seat's key is no measure
    followed = held.study.signed(held.study.make_plan(**FORM_3))
    admit_refusal(split(consent(held, "refusal", plan=followed.digest)), followed)


def consent(held: Held, kind: str, **changes: Any) -> bytes:
    """A waiver of hospital-a or a refusal of trustee-1, with other fields than it should have."""
    study = held.study
    if kind == "waiver":
        signer, made = study.hospitals[0], write_waiver(held.followed, study.hospitals[0].identity, STAMP)
        header: Header = split(made).claim(WaiverHeader)
    else:
        signer, key = study.trustees[0], SealingKey.generate().public()
        stated = UnsealingStatement.sign(key, "pneumonia", 2, signer.identity.signing)
        header = split(write_refusal(held.followed, signer.identity, stated, STAMP)).claim(RefusalHeader)
    return seal_header(header.model_copy(update=changes), signer.identity.signing, signer.fingerprint)


@pytest.mark.parametrize("kind", ["waiver", "refusal"])
def test_statements_are_of_their_sender_for_this_plan_and_coordinator(held: Held, kind: str) -> None:
    admit = admit_waiver if kind == "waiver" else admit_refusal
    assert admit(split(consent(held, kind)), held.followed).plan == held.followed.digest
    cases: dict[str, dict[str, Any]] = {
        "consent.other-sender": {"sender": "0" * 64},
        "consent.other-recipient": {"recipients": ()},
        "consent.body": {"body": Body(length=1)},
        "file.other-study": {"study": "cardiology"},
        "file.other-plan": {"plan": "0" * 64},
        "file.other-round": {"plan": "0" * 64, "round": 2},
        "file.round-contradicts": {"round": 2},
        "file.other-form": {"features": ()},
    }
    for reason, changes in cases.items():
        with refused(reason):
            admit(split(consent(held, kind, **changes)), held.followed)
    other = Held()
    with refused(f"{kind}.unknown-signer"):
        admit(split(consent(other, kind)), held.followed)
    with refused("file.other-kind"):
        admit(split(consent(held, "refusal" if kind == "waiver" else "waiver")), held.followed)


def test_a_keyholder_refuses_only_a_round_that_has_a_sum_and_may_be_repeated(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyholder = held.study.trustees[0].identity.public()
    monkeypatch.setattr(refuse, "public_keys", lambda _: keyholder)
    session: Any = SimpleNamespace(state=None, workspace=None)
    for changes in ({"features": ("commitments", "repeats")}, {"task": "agree"}):
        planned: Any = SimpleNamespace(plan=held.followed.plan.model_copy(update=changes))
        with refused("refusal.not-in-plan"):
            refuse._expect_refusable(session, planned)
