"""What a plan says of itself: its hospitals, its keyholders, and the terms that a person is shown."""

from __future__ import annotations

import pytest
from exchange_samples import Study

from privxray.exchange.messages.plan import SignedPlan, members_of
from privxray.exchange.messages.plan_words import public_constants

STRICT, HELD = Study(), Study(hospitals=5, trustees=4)


def test_a_signed_plan_is_named_by_the_digest_of_its_header() -> None:
    envelope = STRICT.plan_file()
    assert SignedPlan.claimed(envelope) == STRICT.signed() == SignedPlan(STRICT.plan, envelope.digest)
    other = STRICT.signed(STRICT.make_plan(epsilon=5.0))
    assert other.digest != envelope.digest


def test_hospitals_are_in_the_rosters_order() -> None:
    fingerprints = [hospital.fingerprint for hospital in STRICT.hospitals]
    assert list(STRICT.plan.hospitals) == fingerprints
    members = STRICT.plan.roster.members
    assert members_of(STRICT.plan, fingerprints[::-1]) == list(members)
    assert members_of(STRICT.plan, fingerprints[2:0:-1]) == [members[1], members[2]]
    assert members_of(STRICT.plan, []) == []


def test_what_a_plan_has_or_has_not_is_asked_for_by_name() -> None:
    assert HELD.plan.keyholding is HELD.plan.committee
    with pytest.raises(ValueError, match="no keyholders"):
        _ = STRICT.plan.keyholding
    assert STRICT.plan.study_name == "pneumonia"
    with pytest.raises(ValueError, match="no study"):
        _ = STRICT.plan.model_copy(update={"study": None}).study_name


def test_secrets_are_dealt_under_a_plan_for_their_owner() -> None:
    owner = HELD.hospitals[0].fingerprint
    context = HELD.signed().dealing(owner)
    assert (context.study, context.plan, context.owner) == ("pneumonia", HELD.plan_hash, owner)
    assert context.committee == HELD.plan.committee
    assert context.hospitals == HELD.plan.hospitals


def test_the_terms_of_a_strict_plan() -> None:
    plan = STRICT.make_plan(constants={"b": 2, "a": 1}, stages=3)
    assert list(public_constants(plan).items()) == [
        ("format", 1),
        ("method", "linear-probe"),
        ("rounds", 3),
        ("classes", ["normal", "bacteria", "virus"]),
        ("epsilon", 6.0),
        ("delta", 1e-5),
        ("adjacency", "add-or-remove-one-patient"),
        ("mode", "strict"),
        ("masks", "X25519 alone"),
        ("extractor", None),
        ("a", 1),
        ("b", 2),
    ]


def test_the_terms_of_a_plan_with_keyholders_name_them() -> None:
    terms = public_constants(HELD.plan)
    assert terms["mode"] == "keyholders"
    assert terms["keyholders"] == ["trustee-1", "trustee-2", "trustee-3", "trustee-4"]
    numbers = ("threshold", "corrupt_keyholders", "corrupt_hospitals", "minimum_cohort")
    assert [terms[name] for name in numbers] == [3, 1, 1, 4]


@pytest.mark.parametrize("study", [STRICT, HELD])
def test_a_plan_that_was_checked_names_its_study(study: Study) -> None:
    study.plan.verify()
    assert study.plan.study_name == "pneumonia"
