"""One hospital of three sends more than the plan allows it: it is named, and no sum with it is accepted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from committed_round import BOUNDS, PROVEN, CommittedRound
from exchange_samples import MANIFEST, Study
from test_false_proofs import checked
from test_repeats_played_off import Shown, reason_of

from privxray.errors import CohortError, MalformedError, PrivxrayError, RefusedError
from privxray.exchange.admission import admit_proof as admission
from privxray.exchange.admission.repeating.admit_repeat import admit_repeat
from privxray.exchange.bounds import making
from privxray.exchange.bounds.statement import Statement
from privxray.exchange.messages.plan import PEDERSEN, PlanHeader
from privxray.exchange.messages.plan_bounds import can_be_proven, check_bounds
from privxray.exchange.messages.repeats import MAX_FAULTY, Faulty, Repeats, Same
from privxray.exchange.messages.update import UpdateHeader
from privxray.exchange.opening_committed import expect_as_committed, faulty_updates
from privxray.formats.container import split
from privxray.formats.stated_bounds import SharedTensor, StatedBounds
from privxray.workflow.coordinator.repeat_files import expect_to_fit


class ProvenStudy(Study):
    """Hospitals of 30 patients, whose heads are within 8."""

    def vector(self, seed: int) -> dict[str, np.ndarray]:
        head = np.clip(np.random.default_rng(seed).normal(0, 3, MANIFEST[0].shape), -8, 8)
        return {"weights": np.clip(30 * head, -100, 100), "counts": np.array([5.0, 5.0, 20.0])}


@pytest.fixture(scope="module")
def honest() -> CommittedRound:
    return CommittedRound(study=ProvenStudy(**PROVEN))


def with_a_forger(
    monkeypatch: pytest.MonkeyPatch, hospitals: int = 3, trustees: int = 0, study: Study | None = None
) -> CommittedRound:
    """hospital-b weighs less than nothing. Its software proves what it can: that a heavier one would fit."""
    differences, made = making._differences, study or ProvenStudy(hospitals, trustees, **PROVEN)

    def lenient(statement: Statement, vector: list[int]) -> list[int]:
        return differences(statement, [abs(number) for number in vector])

    right = made.vector

    def vector(seed: int) -> dict[str, np.ndarray]:
        numbers = right(seed)
        return {**numbers, "counts": -numbers["counts"]} if seed == 1 else numbers

    made.vector = vector  # type: ignore[method-assign]
    monkeypatch.setattr(making, "_differences", lenient)
    return CommittedRound(study=made)


def test_honest_updates_are_opened_and_proven(honest: CommittedRound) -> None:
    honest.update_of = updates = honest.updates()
    opened = honest.opened(updates)
    proven = checked(honest, honest.proof(updates, opened))
    assert proven.own
    assert len(proven.hospitals) == 3


def test_the_forger_is_named_and_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_a_forger(monkeypatch)
    with pytest.raises(CohortError) as caught:
        made.opened(made.updates())
    assert caught.value.reason == "update.out-of-bounds"
    assert "hospital-b" in caught.value.what
    received = [made.received(data) for data in made.updates().values()]
    wrong = faulty_updates(made.signed.plan, received)
    assert wrong == {made.study.hospitals[1].fingerprint}


def test_with_keyholders_it_is_found_before_they_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_a_forger(monkeypatch, 3, 4)
    with pytest.raises(CohortError) as caught:
        expect_as_committed(made.signed.plan, [made.received(data) for data in made.updates().values()])
    assert caught.value.reason == "update.out-of-bounds"
    assert "--without NAME" in caught.value.advice


def test_members_refuse_a_sum_with_it_whatever_the_coordinator_says(monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_a_forger(monkeypatch)
    made.update_of = updates = made.updates()
    with monkeypatch.context() as patch:
        patch.setattr("privxray.exchange.opening_committed.out_of_bounds", lambda statement, claims: [])
        opened = made.opened(updates)
    proof = made.proof(updates, opened)
    with pytest.raises(RefusedError) as refused:
        checked(made, proof)
    assert refused.value.reason == "proof.out-of-bounds"
    assert "hospital-b" in refused.value.what
    # It is refused for that alone.
    monkeypatch.setattr(admission, "out_of_bounds", lambda statement, claims: [])
    assert checked(made, proof).own


def test_everybody_can_be_shown_that_its_update_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    form = {**PROVEN, "features": ("bound-proofs", "commitments", "repeats", "repeats-without")}
    shown = Shown()
    shown.form = form
    shown.round = with_a_forger(monkeypatch, study=ProvenStudy(4, **form))
    shown.study, shown.failed = shown.round.study, shown.round.signed
    shown.d = shown.study.hospitals[1]
    admit_repeat(shown.plan(shown.claim(shown.round.update(shown.d)), shown.d), shown.failed)
    a = shown.study.hospitals[0]
    assert (
        reason_of(lambda: admit_repeat(shown.plan(shown.claim(shown.round.update(a)), a), shown.failed))
        == "repeat.not-faulty"
    )


def test_wrong_updates_that_do_not_fit_into_one_plan_are_refused_as_such() -> None:
    one = Faulty(update="A" * (MAX_FAULTY // 2), key="AAAA")
    expect_to_fit([one, one])
    with pytest.raises(RefusedError) as refused:
        expect_to_fit([one, one, Faulty(update="AAAA", key="AAAA")])
    assert refused.value.reason == "repeat.faulty-too-large"


def test_a_proof_of_another_hospital_or_round_is_none(honest: CommittedRound) -> None:
    a, b, _ = honest.study.hospitals
    borrowed = dataclasses.replace(honest.sent[b.fingerprint], bounds=honest.sent[a.fingerprint].bounds)
    sent = {**honest.sent, b.fingerprint: borrowed}
    other = CommittedRound.__new__(CommittedRound)
    other.__dict__ |= {**vars(honest), "sent": sent}
    with pytest.raises(CohortError) as caught:
        other.opened(other.updates())
    assert caught.value.reason == "update.out-of-bounds"
    assert "hospital-b" in caught.value.what


def test_an_update_without_a_proof_is_not_admitted(honest: CommittedRound) -> None:
    data = honest.update(honest.study.hospitals[0], bounds=None)
    with pytest.raises(MalformedError) as lacking:
        split(data).verify(honest.study.hospitals[0].identity.public().verifier(), UpdateHeader)
    assert lacking.value.reason == "header.field-of-feature-lacking"


def reason(plan: PlanHeader) -> str:
    with pytest.raises(PrivxrayError) as refused:
        plan.verify()
    return refused.value.reason or ""


def test_bounds_can_be_proven_of_what_is_neither_too_long_nor_too_large() -> None:
    long = MANIFEST[0].model_copy(update={"shape": (8190,)})
    large = MANIFEST[0].model_copy(update={"bound": 2.0**61, "fraction_bits": 40})
    assert can_be_proven(MANIFEST, BOUNDS)
    assert can_be_proven(MANIFEST, None)
    assert not any(can_be_proven((one, MANIFEST[1]), BOUNDS) for one in (long, large))


def test_plans_whose_bounds_nobody_can_prove_are_refused() -> None:
    study = ProvenStudy(**PROVEN)
    study.plan.verify()
    study.make_plan(**{**PROVEN, "bounds": None}).verify()  # then each number has its own bound alone
    absent = StatedBounds(total="bias", shared=BOUNDS.shared)
    assert reason(study.make_plan(**{**PROVEN, "bounds": absent})) == "plan.bounds"
    twice = StatedBounds(total="counts", shared=(*BOUNDS.shared, SharedTensor(tensor="weights", times=9)))
    assert reason(study.make_plan(**{**PROVEN, "bounds": twice})) == "plan.bounds-twice"
    only = {**PROVEN, "features": ("bound-proofs",), "commitments": None}
    assert reason(study.make_plan(**only)) == "plan.bounds-without-commitments"
    counting = {**PROVEN, "features": ("bound-proofs", "commitments", "tasks"), "task": "describe"}
    assert reason(study.make_plan(**counting)) == "plan.bounds-of-other-task"
    check_bounds(MANIFEST, None, PEDERSEN, "describe")  # a count has its own bound


def test_a_round_is_not_repeated_under_looser_bounds(honest: CommittedRound) -> None:
    form = {**PROVEN, "features": ("bound-proofs", "commitments", "repeats")}
    study = ProvenStudy(**form)
    failed = study.signed()
    same = tuple(Same(party=one, commitment="AAAA") for one in sorted(h.fingerprint for h in study.hospitals))
    again = {**form, "round": 2, "repeats": Repeats(plan=failed.digest, same=same)}
    admit_repeat(study.make_plan(**again), failed)
    for bounds in (None, StatedBounds(total="counts", shared=(SharedTensor(tensor="weights", times=9),))):
        looser = study.make_plan(**{**again, "bounds": bounds})
        assert reason_of(lambda plan=looser: admit_repeat(plan, failed)) == "repeat.other-terms"
