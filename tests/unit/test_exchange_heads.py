"""What a plan says of the files before it, against what a party has seen: each rule, and honest pasts."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest
from exchange_samples import Hospital, Study
from forged_files import changed, put, reason_of, refused
from pydantic import ValidationError
from test_exchange_dealing import answered

from privxray.exchange.admission.admit import admit_plan, admit_update, read_update
from privxray.exchange.admission.admit_heads import Own, admit_heads
from privxray.exchange.admission.admit_opening import admit_share, read_share
from privxray.exchange.messages.heads import START, Seen, Since, head_after
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.request import SignedRequest
from privxray.formats.container import split
from privxray.workflow.coordinator.planning.past_files import Past

NOTHING = Since(request=None, result=None)
FORM: dict[str, Any] = {"format": 2, "features": ("heads",)}
FIRST: dict[str, Any] = FORM | {"head": START, "since": NOTHING, "heads": ()}
MODEL, REQUEST, OTHER = "aa" * 32, "bb" * 32, "cc" * 32


class Round:
    """A study whose first round gave a model, and plans that follow it."""

    def __init__(self, hospitals: int = 3, trustees: int = 0, **plan: Any) -> None:
        self.study = Study(hospitals, trustees, **(FIRST | plan))
        self.first = self.study.signed()
        self.hospitals = self.study.hospitals
        self.since = Since(request=None, result=MODEL)

    def next(self, **changes: Any) -> PlanHeader:
        parties = [h.fingerprint for h in self.hospitals]
        fields = Past(self.first, changes.get("since", self.since), parties).fields(("heads",))
        place = {"round": 2, "previous": self.first.digest}
        return self.study.make_plan(**(FORM | fields | place | changes))

    def own(self, place: int = 0, **known: Any) -> Own:
        return Own(self.hospitals[place].fingerprint, **({"followed": self.first} | known))

    def seen(self, **other: str) -> tuple[Seen, ...]:
        """What hospitals stated, some of them another head, by the last letter of their names."""
        stated = [
            Seen(party=h.fingerprint, head=other.get(h.name[-1], self.first.head_after))
            for h in self.hospitals
        ]
        return tuple(sorted(stated, key=lambda one: one.party))


@pytest.fixture
def made() -> Round:
    return Round()


def test_a_head_is_a_hash_over_the_log() -> None:
    first = hashlib.sha256(b"privxray log v2" + bytes(32) + b"\xaa" * 32).digest()
    second = hashlib.sha256(b"privxray log v2" + first + b"\xbb" * 32).hexdigest()
    assert head_after(START, MODEL, REQUEST) == second
    assert Since(request=REQUEST, result=MODEL).files() == (REQUEST, MODEL)
    assert head_after(second) == second


@pytest.mark.parametrize("result", [None, MODEL])
def test_honest_plans_are_followed_whoever_has_accepted_the_model(made: Round, result: str | None) -> None:
    plan = made.next()
    assert plan.head == head_after(made.first.head_after, MODEL)
    assert plan.heads == made.seen()
    admit_plan(made.study.plan_file(plan), made.study.coordinator.public())
    for place in range(3):
        admit_heads(plan, made.own(place, result=result))
    admit_heads(plan, Own(Hospital("new").fingerprint))  # a newcomer


def test_a_plan_without_the_feature_says_nothing(made: Round) -> None:
    old = Study()
    assert Past(old.signed(), NOTHING, ["x"]).fields(()) == {"head": None, "since": None, "heads": None}
    admit_heads(old.plan, made.own())
    assert old.signed().stated_head is None
    # A study that is begun anew with the feature goes on from a plan without it, whose files stated no head.
    fields = Past(old.signed(), NOTHING, [h.fingerprint for h in old.hospitals]).fields(("heads",))
    plan = old.make_plan(**FORM, **fields, round=2, previous=old.signed().digest)
    assert (plan.head, plan.heads) == (head_after(START, old.signed().digest), ())
    admit_heads(plan, Own(old.hospitals[0].fingerprint, old.signed()))


def test_a_round_that_gave_nothing_is_followed(made: Round) -> None:
    plan = made.next(since=NOTHING, heads=())
    assert plan.head == made.first.head_after
    admit_heads(plan, made.own())


def test_a_restored_coordinator_says_that_it_does_not_know(made: Round) -> None:
    plan = made.next(since=None, heads=())
    assert (plan.since, plan.head) == (None, made.first.head_after)
    admit_plan(made.study.plan_file(plan), made.study.coordinator.public())
    admit_heads(plan, made.own(result=MODEL))


def test_a_first_plan_names_nothing_before_it(made: Round) -> None:
    wrong: list[dict[str, Any]] = [
        {"head": OTHER},
        {"since": Since(request=None, result=MODEL)},
        {"since": None},
        {"heads": made.seen()[:1]},
    ]
    for one in wrong:
        plan = made.study.make_plan(**(FIRST | one))
        with refused("heads.before-the-first"):
            admit_plan(made.study.plan_file(plan), None)
    for heads in (tuple(reversed(made.seen())), made.seen()[:1] * 2):
        with refused("heads.not-ascending"):
            admit_plan(made.study.plan_file(made.next(heads=heads)), None)


def other_plan(made: Round) -> SignedPlan:
    """Another plan of round 1, by the same coordinator."""
    return made.study.signed(made.study.make_plan(**FIRST, epsilon=5.0))


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "heads.other-result": ({}, {"result": OTHER}),
    "heads.other-request": ({}, {"request": REQUEST}),
    "heads.other-log": ({"head": OTHER}, {}),
    "heads.hospital-lacking": ({"heads": ()}, {}),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_plan_that_goes_on_from_other_files_is_refused(made: Round, reason: str) -> None:
    changes, known = REFUSALS[reason]
    with refused(reason):
        admit_heads(made.next(**changes), made.own(**known))


def test_a_hidden_model_is_asked_for(made: Round) -> None:
    with refused("heads.other-result"):
        admit_heads(made.next(since=NOTHING), made.own(result=MODEL))


def test_who_was_shown_another_plan_is_named(made: Round) -> None:
    """hospital-b followed another plan, and the next one echoes its head truly."""
    plan = made.next(heads=made.seen(b=other_plan(made).head_after))
    with refused("heads.other-files") as told:
        admit_heads(plan, made.own(0))
    assert told.value.what.startswith("hospital-b has seen other files")
    assert told.value.advice is not None
    assert "phone hospital-b" in told.value.advice


def test_who_was_lied_about_notices(made: Round) -> None:
    """The echo for hospital-b is not what it stated."""
    plan = made.next(heads=made.seen(b=OTHER))
    with refused("heads.own-falsified"):
        admit_heads(plan, made.own(1))
    # The same lie to who followed the other plan: the plan goes on from one that it has not.
    shown_b = dataclasses.replace(made.own(1), followed=other_plan(made))
    with refused("heads.second-plan"):
        admit_heads(made.next(), shown_b)
    # A newcomer sees that the plan contradicts itself, and whom it is about.
    with refused("heads.other-files"):
        admit_heads(plan, Own(Hospital("new").fingerprint))


def test_who_missed_a_plan_takes_over_what_is_said_of_the_past(made: Round) -> None:
    heads = made.seen(a=OTHER, b=OTHER, c=OTHER)
    plan = made.next(round=3, previous=OTHER, head=head_after(OTHER, MODEL), heads=heads)
    admit_heads(plan, made.own(result=OTHER))


def test_somebody_who_left_is_named_by_the_plan_before(made: Round) -> None:
    plan = made.next(heads=made.seen(c=OTHER))
    roster = plan.roster.model_copy(update={"members": plan.roster.members[:2]})
    with refused("heads.other-files") as told:
        admit_heads(plan.model_copy(update={"roster": roster}), made.own())
    assert "hospital-c" in told.value.what
    with refused("heads.other-files") as unknown:
        admit_heads(plan.model_copy(update={"roster": roster}), Own(Hospital("new").fingerprint))
    c = made.hospitals[2].fingerprint
    assert unknown.value.what.startswith(f"the party with the key {c[:16]} has seen other files")


def test_with_keyholders_not_everybody_is_in_the_sum() -> None:
    made = Round(4, 4)
    plan = made.next(since=Since(request=REQUEST, result=MODEL), heads=made.seen()[:3])
    admit_heads(plan, made.own(request=REQUEST, result=MODEL))
    admit_heads(plan, made.own(result=MODEL))  # it is no keyholder
    with refused("heads.other-request"):
        admit_heads(plan, made.own(request=OTHER))


def test_a_plan_lists_no_more_parties_than_a_roster_has(made: Round) -> None:
    seen = [Seen(party=f"{number:064x}", head=OTHER) for number in range(117)]
    assert made.next(heads=tuple(seen[:116])).heads == tuple(seen[:116])
    with pytest.raises(ValidationError):
        made.next(heads=tuple(seen))


def test_an_update_states_the_head_of_its_plan(made: Round) -> None:
    hospital = made.hospitals[0]
    good = made.study.update(hospital, made.study.masked(hospital, made.study.vector(0)))

    def admitted(data: bytes) -> str | None:
        header, member = read_update(split(data), made.first.plan.roster.members)
        return reason_of(lambda: admit_update(header, member, made.first))

    assert admitted(good) is None
    assert admitted(changed(good, put("head", value=OTHER), hospital.identity)) == "update.other-head"


def test_a_share_file_states_the_head_of_its_plan() -> None:
    made = Round(4, 4)
    study, keyholder = made.study, made.study.trustees[0]
    updates = {h.fingerprint: study.concealed(h) for h in study.hospitals[:3]}
    request = study.request(updates)
    good = answered(study, updates, request, keyholder)

    def admitted(data: bytes) -> str | None:
        header = read_share(split(data), made.first.plan.roster.parties)
        return reason_of(lambda: admit_share(header, made.first, SignedRequest.claimed(split(request))))

    assert admitted(good) is None
    assert admitted(changed(good, put("head", value=OTHER), keyholder.identity)) == "share.other-head"
