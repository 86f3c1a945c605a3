"""The sizes that hospitals state: who states them, and what they bound in a plan."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_samples import STAMP, Study
from forged_files import changed, put, reason_of, refused

from privxray.exchange.messages.plan_sizes import check_sizes, delta_remark
from privxray.formats.container import split
from privxray.formats.features import FORMAT_1, Form
from privxray.keys.brackets import BRACKETS, USUAL_BRACKET, advised_delta, most_delta
from privxray.keys.card import CardHeader, CardParts, read_card, write_card
from privxray.keys.size_statement import SizeStatement
from privxray.privacy.guarantee import Promise
from privxray.workflow.coordinator.planning.agreed_form import agreed_form

STUDY = Study()
A, B = STUDY.hospitals[:2]
SIZES = Form(2, ("sizes",))


def card(place: int = 0, bracket: Any = 1000, study: str | None = None, *, trustee: bool = False) -> bytes:
    own = STUDY.hospitals[place]
    mask = None if trustee else own.member(study).mask
    size = SizeStatement.sign(bracket, study, own.identity.signing) if bracket else None
    return write_card(own.identity, CardParts(own.name, mask, own.unsealing_statement(study), size), STAMP)


def read(data: bytes) -> CardHeader:
    return read_card(split(data))


def test_the_brackets() -> None:
    assert BRACKETS == (100, 1000, 10_000, 100_000)
    assert USUAL_BRACKET == 1000
    for bracket in BRACKETS:
        assert read(card(bracket=bracket)).size == SizeStatement.sign(bracket, None, A.identity.signing)


def test_the_deltas_of_the_brackets() -> None:
    for bracket in BRACKETS:
        assert advised_delta(bracket) == pytest.approx(0.01 / bracket, rel=1e-12)
        assert most_delta(bracket) == pytest.approx(0.1 / bracket, rel=1e-12)
        Promise(most_delta(bracket), bracket).require()
        assert reason_of(Promise(most_delta(bracket) * 1.001, bracket).require) == "delta.above-size"
    assert reason_of(Promise(1e-11, 100).require) == "delta.too-small"


def test_a_card_states_a_size_that_nobody_else_can_state_for_it() -> None:
    good = read(card(study="pneumonia"))
    assert good.member(SIZES).size == good.size
    assert good.member(FORMAT_1).size is None
    assert read(card(bracket=None)).features == ()
    other = SizeStatement.sign(1000, None, B.identity.signing).model_dump()
    elsewhere = SizeStatement.sign(1000, "cardiology", A.identity.signing).model_dump()
    for change, reason in (
        (put("size", "bracket", value=100), "statement.not-its-owners"),
        (put("size", value=other), "statement.not-its-owners"),
        (put("size", value=elsewhere), "card.key-of-other-study"),
        (put("size", "signature", value="AAAA"), "statement.signature-base64"),
        (put("size", "bracket", value=True), "header.field"),
        (put("size", "bracket", value=999), "header.field"),
    ):
        with refused(reason):
            read(changed(card(), change, A.identity))
    with refused("card.size-and-role"):
        read(card(trustee=True))


def test_a_plan_has_sizes_where_every_hospital_states_one() -> None:
    cards = [read(card(place)) for place in range(3)]
    assert agreed_form(cards) == SIZES
    trustee = read(card(0, None, trustee=True))
    assert agreed_form([*cards, trustee]) == SIZES
    assert agreed_form([*cards[:2], read(card(2, None))]) == Form(2)
    old = changed(card(2), put("can", value=[]), STUDY.hospitals[2].identity)
    with refused("plan.version-lacks"):
        agreed_form([*cards[:2], read(old)])


def plan(*brackets: Any, study: str | None = None, **changes: Any) -> Any:
    members = tuple(
        hospital.member().model_copy(
            update={"size": SizeStatement.sign(one, study, hospital.identity.signing)}
        )
        for hospital, one in zip(STUDY.hospitals, brackets, strict=True)
    )
    roster = STUDY.plan.roster.model_copy(update={"members": members})
    fields = {"format": 2, "features": ("sizes",), "roster": roster, "constants": {"n_max": max(brackets)}}
    return STUDY.make_plan(**(fields | changes))


def test_a_plan_is_held_against_the_sizes_in_it() -> None:
    good = plan(100, 1000, 1000)
    good.verify()
    assert (good.size_bound, good.remarks()) == (1000, ())
    assert list(good.sizes) == ["hospital-a", "hospital-b", "hospital-c"]
    plan(100, 100, 100, delta=1e-3).verify()
    later = plan(100, 100, 100, stage=2, stages=2, constants={"n_max": 1000})
    later.verify()  # the largest hospital has left
    for made, reason in (
        (plan(100, 1000, 1000, study="cardiology"), "roster.size-of-other-study"),
        (plan(100, 1000, 1000, delta=1.01e-4), "plan.delta-above-sizes"),
        (plan(100, 100, 100, constants={"n_max": 1000}), "plan.n-max-not-sizes"),
        (plan(100, 1000, 100, constants={"n_max": 100}), "plan.n-max-not-sizes"),
        (plan(100, 1000, 100, stage=2, stages=2, constants={"n_max": 100}), "plan.n-max-not-sizes"),
        (plan(1000, 1000, 1000, constants={"n_max": 1000, "weight_cap": 1001}), "plan.weight-above-sizes"),
    ):
        assert reason_of(made.verify) == reason


@pytest.mark.parametrize("n_max", [None, True, 1000.0, "1000", 999])
def test_n_max_is_a_bracket(n_max: Any) -> None:
    with refused("plan.n-max-not-sizes"):
        check_sizes([1000], {"n_max": n_max}, 1e-5, first=False)


@pytest.mark.parametrize("weight", [1000.5, 1001, True, False, "500", None])
def test_a_weight_is_a_number_and_at_most_the_largest_bracket(weight: Any) -> None:
    with refused("plan.weight-above-sizes"):
        check_sizes([1000], {"n_max": 1000, "weight_cap": weight}, 1e-5, first=True)
    for good in (1000, 999.5):
        check_sizes([1000], {"n_max": 1000, "weight_cap": good}, 1e-5, first=True)
    check_sizes([1000], {"n_max": 1000}, 1e-5, first=True)  # not every method weighs


def test_a_delta_above_the_advised_one_is_told_in_plain_words() -> None:
    assert delta_remark(1e-6, 10_000) is None
    told = delta_remark(1e-5, 10_000)
    assert told is not None
    assert told.startswith("delta 1e-05 is more than the 1e-06 that is advised for hospitals of up to 10,000")
    assert "with a chance of up to 10.0%, one patient of such a hospital may not be covered" in told
