"""A sum that hospitals can check: wrong updates have a name, and a coordinator that lies is not believed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from committed_round import FORM, CommittedRound
from exchange_samples import Hospital, Study
from forged_files import changed, put

from privxray.errors import CohortError, PrivxrayError
from privxray.exchange.admission.admit_proof import ProvenSum, admit_proof, prove
from privxray.exchange.commitments.checking import is_as_committed
from privxray.exchange.commitments.committed import Committed
from privxray.exchange.commitments.group import ORDER, add, combine, generator, generators
from privxray.exchange.commitments.pedersen import commit
from privxray.exchange.commitments.scalars import OpenedSum, add_into, as_integers, as_scalars
from privxray.exchange.masking.fixed_point import dequantise
from privxray.exchange.masking.masks import adds
from privxray.exchange.messages.proof import open_proof
from privxray.exchange.opening_committed import CommittedUpdate, expect_as_committed, faulty_updates
from privxray.formats.container import split
from privxray.formats.tensors import TensorSpec, unpack


@pytest.fixture
def made() -> CommittedRound:
    return CommittedRound()


def checked(made: CommittedRound, proof: bytes, place: int = 0, own: str | None = "") -> ProvenSum:
    """What hospital number ``place`` makes of a proof."""
    hospital = made.study.hospitals[place]
    envelope = split(proof)
    header = admit_proof(envelope, made.signed)
    content = open_proof(header, proof[envelope.length :], made.signed, hospital.identity)
    if own == "":
        own = split(made.update_of[hospital.fingerprint]).digest
    return prove(header, content, made.signed, own)


def whole(made: CommittedRound) -> tuple[dict[str, bytes], OpenedSum, bytes]:
    made.update_of = updates = made.updates()
    opened = made.opened(updates)
    return updates, opened, made.proof(updates, opened)


def test_the_sum_is_what_the_hospitals_put_in(made: CommittedRound) -> None:
    _, opened, proof = whole(made)
    plan = made.signed.plan
    sums = dequantise(opened.numbers, plan.manifest, plan.modulus_bits)
    for spec in plan.manifest:
        expected = sum(vector[spec.name] for vector in made.vectors.values())
        assert np.abs(sums[spec.name] - expected).max() <= 3 * 2.0**-21
    for place in range(3):
        proven = checked(made, proof, place)
        assert proven.own
        assert proven.hospitals == tuple(sorted(plan.hospitals))
        assert np.array_equal(proven.opened.numbers, opened.numbers)


def test_keyholders_open_the_sum_of_those_who_delivered() -> None:
    from test_exchange_dealing import answered, dealt_by

    from privxray.exchange.messages.request import RequestHeader
    from privxray.exchange.messages.share import ShareHeader, open_share
    from privxray.exchange.opening import checked_answer, restored

    made = CommittedRound(4, 4)
    made.update_of = updates = made.updates()
    late = made.study.hospitals[3].fingerprint
    survivors = {one: data for one, data in updates.items() if one != late}
    request = made.study.request(survivors)
    header = split(request).claim(RequestHeader)
    answers = {}
    for seat, keyholder in enumerate(made.study.trustees[:3], start=1):
        share = answered(made.study, updates, request, keyholder)
        envelope = split(share)
        opened = open_share(
            envelope.claim(ShareHeader), share[envelope.length :], header.survivors, made.signed.plan,
            made.study.coordinator,
        )  # fmt: skip
        dealt = {one: dealt_by(updates[one]) for one in header.survivors}
        answers[seat] = checked_answer(made.signed, seat, dealt, opened)
    left = restored(made.signed, header.survivors, answers)
    total = made.opened(survivors, left_over=left)
    expected = sum(made.numbers(h).view("<i8") for h in made.study.hospitals[:3])
    assert np.array_equal(total.numbers.view("<i8"), expected)
    proof = made.proof(survivors, total)
    assert checked(made, proof).hospitals == header.survivors
    assert not checked(made, proof, 3).own
    # A key that was dealt and is not the stream's is the dealer's fault.
    liar = left[0]
    wrong = [dataclasses.replace(liar, key=bytes(32)), *left[1:]]
    with pytest.raises(CohortError) as caught:
        made.opened(survivors, left_over=wrong)
    assert caught.value.reason == "shares.not-as-committed"
    assert made.signed.plan.roster.hospital(liar.owner).name in caught.value.what
    # Masks that nobody takes off leave no sum.
    with pytest.raises(PrivxrayError) as stays:
        made.opened(survivors)
    assert stays.value.reason == "sum.masks-stay"


@pytest.mark.parametrize("place", [0, 7, 14, 15])
def test_a_wrong_vector_names_its_hospital_and_opens_nothing(made: CommittedRound, place: int) -> None:
    liar = made.study.hospitals[1]
    made.sent[liar.fingerprint].masked[place] += 5
    with pytest.raises(CohortError) as caught:
        made.opened(made.updates())
    assert caught.value.reason == "update.not-as-committed"
    assert "hospital-b" in caught.value.what
    assert "hospital-a" not in caught.value.what
    assert "hospital-c" not in caught.value.what


def test_with_keyholders_a_wrong_update_is_found_before_they_are_asked() -> None:
    """So it is left out of the request, and the round does not fail."""
    made = CommittedRound(hospitals=3, trustees=4)
    plan, updates = made.signed.plan, made.updates()
    expect_as_committed(plan, [made.received(data) for data in updates.values()])
    made.sent[made.study.hospitals[1].fingerprint].masked[2] += 1
    with pytest.raises(CohortError) as caught:
        expect_as_committed(plan, [made.received(data) for data in made.updates().values()])
    assert caught.value.reason == "update.not-as-committed"
    assert "hospital-b" in caught.value.what
    assert "aggregate updates/*.enc --without NAME" in caught.value.advice


def test_masks_of_another_plan_name_the_hospital(made: CommittedRound) -> None:
    """A hospital that exports under another plan's masks contradicts the others."""
    other = CommittedRound()
    other.study.hospitals = made.study.hospitals
    other.signed = other.study.signed(other.study.make_plan(**FORM, round=2))
    other.vectors = made.vectors
    liar = made.study.hospitals[2]
    made.sent[liar.fingerprint] = other.send(liar)
    with pytest.raises(CohortError) as caught:
        made.opened(made.updates())
    assert caught.value.reason == "update.masks-contradict"
    assert "hospital-c" in caught.value.what


def test_a_lie_about_one_mask_names_the_pair(made: CommittedRound) -> None:
    liar, peer = made.study.hospitals[0], made.study.hospitals[2]
    sent = made.sent[liar.fingerprint]
    sent.masked[3] += 500
    change = combine([500 if adds(liar.fingerprint, peer.fingerprint) else -500], [generator(3)])
    streams = {
        **sent.committed.streams,
        peer.fingerprint: add(sent.committed.streams[peer.fingerprint], change),
    }
    sent.committed = Committed(sent.committed.vector, streams)
    with pytest.raises(CohortError) as caught:
        made.opened(made.updates())
    assert caught.value.reason == "update.masks-contradict"
    assert "hospital-a" in caught.value.what
    assert "hospital-c" in caught.value.what
    assert "hospital-b" not in caught.value.what


def test_a_hospital_may_commit_only_to_what_it_sends(made: CommittedRound) -> None:
    """A commitment that is computed from others opens nothing: its sender does not know what is in it."""
    liar = made.study.hospitals[0]
    sent = made.sent[liar.fingerprint]
    rogue = add(sent.committed.vector, generators(1)[0])
    sent.committed = Committed(rogue, sent.committed.streams)
    with pytest.raises(CohortError) as caught:
        made.opened(made.updates())
    assert caught.value.reason == "update.not-as-committed"


def scalar_of(own: Hospital, other: Hospital) -> int:
    """What one more of a stream between two hospitals adds to the masked vector of the first."""
    return 1 if adds(own.fingerprint, other.fingerprint) else -1


def test_only_those_train_anew_whose_updates_are_not_as_committed(made: CommittedRound) -> None:
    """`plan --repeat` goes by it: an innocent hospital sends the same vector again.

    So do both of a pair that state different masks between them: a liar would make the other one pay.
    """
    a, b, c = made.study.hospitals

    def received() -> list[CommittedUpdate]:
        return [made.received(data) for data in made.updates().values()]

    def faulty(updates: list[CommittedUpdate]) -> set[str]:
        return set(faulty_updates(made.signed.plan, updates))

    assert faulty(received()) == set()
    unreadable = [
        dataclasses.replace(one, body=[b"no vector"]) if one.sender == c.fingerprint else one
        for one in received()
    ]
    assert faulty(unreadable) == {c.fingerprint}
    made.sent[b.fingerprint].masked[3] += 5
    assert faulty(received()) == {b.fingerprint}
    stated = made.sent[a.fingerprint].committed
    other = {**stated.streams, c.fingerprint: add(stated.streams[c.fingerprint], generator(0))}
    made.sent[a.fingerprint].committed = Committed(stated.vector, other)
    assert faulty(received()) == {a.fingerprint, b.fingerprint}
    made.sent[b.fingerprint].masked[3] -= 5
    assert faulty(received()) == {a.fingerprint}
    shift = scalar_of(a, c)
    made.sent[a.fingerprint].masked[0] += shift  # now it is as committed, and contradicts hospital-c
    assert faulty(received()) == set()
    with pytest.raises(CohortError) as caught:
        made.opened(made.updates())
    assert caught.value.reason == "update.masks-contradict"


# A coordinator that lies. It has the sum, all updates, and its own signing key.


def shifted(opened: OpenedSum) -> OpenedSum:
    numbers = opened.numbers.copy()
    numbers[0] += 1
    return OpenedSum(numbers, opened.blinding)


def other_blinding(opened: OpenedSum) -> OpenedSum:
    return OpenedSum(opened.numbers, opened.blinding + 1)


def nothing(opened: OpenedSum) -> OpenedSum:
    return OpenedSum(np.zeros_like(opened.numbers), 0)


@pytest.mark.parametrize("change", [shifted, other_blinding, nothing])
def test_another_sum_is_refused(made: CommittedRound, change: Callable[[OpenedSum], OpenedSum]) -> None:
    updates, opened, _ = whole(made)
    assert refused(made, made.proof(updates, change(opened))) == "proof.sum-not-as-committed"


def refused(made: CommittedRound, proof: bytes, place: int = 0, own: str | None = "") -> str:
    with pytest.raises(PrivxrayError) as caught:
        checked(made, proof, place, own)
    return caught.value.reason


def test_a_hospital_can_not_be_left_out_or_counted_twice(made: CommittedRound) -> None:
    updates, opened, _ = whole(made)
    one, two, three = updates
    without = {one: updates[one], two: updates[two]}
    assert refused(made, made.proof(without, opened)) == "proof.hospital-lacking"
    listed = [updates[one], updates[two], updates[two], updates[three]]
    assert refused(made, made.proof(dict(enumerate(listed)), opened)) == "proof.other-updates"
    assert refused(made, made.proof(dict(reversed(updates.items())), opened)) == "proof.other-updates"


@pytest.mark.parametrize("place", [0, 2])
def test_a_proof_lists_the_digests_of_the_updates_in_it(made: CommittedRound, place: int) -> None:
    """Else a coordinator could list the update that a hospital exported, and prove another one."""
    _, _, proof = whole(made)
    other = changed(proof, put("updates", place, value="ab" * 32), made.study.coordinator)
    assert refused(made, other) == "proof.other-updates"


def test_a_hospital_that_followed_another_plan_is_named(made: CommittedRound) -> None:
    updates, opened, _ = whole(made)
    b = made.study.hospitals[1]
    other = changed(updates[b.fingerprint], put("plan", value="ab" * 32), b.identity)
    with pytest.raises(PrivxrayError) as caught:
        checked(made, made.proof(updates | {b.fingerprint: other}, opened))
    assert caught.value.reason == "proof.other-plan"
    assert caught.value.what.startswith("hospital-b has followed another plan")


def test_an_update_of_somebody_else_is_refused(made: CommittedRound) -> None:
    updates, opened, _ = whole(made)
    stranger = CommittedRound()
    one = next(iter(updates))
    foreign = updates | {one: next(iter(stranger.updates().values()))}
    assert refused(made, made.proof(foreign, opened)) == "update.unknown-signer"


def test_the_own_update_is_the_one_that_left(made: CommittedRound) -> None:
    """A stolen key of hospital-a signs a second update; with it in the proof, hospital-a notices."""
    _, _, first = whole(made)
    exported = made.update_of
    a = made.study.hospitals[0]
    made.sent[a.fingerprint] = made.send(a)
    _, _, proof = whole(made)
    assert checked(made, first, own=split(exported[a.fingerprint]).digest).own
    assert refused(made, proof, own=split(exported[a.fingerprint]).digest) == "proof.other-own-update"
    assert refused(made, proof, own=None) == "proof.other-own-update"


def test_the_sum_stays_in_the_range_of_the_plan() -> None:
    """A vector outside of the plan's bounds does not pass, however well it is committed to."""
    made = CommittedRound()
    a = made.study.hospitals[0]
    sent = made.sent[a.fingerprint]
    far = [2**60] + [0] * (len(sent.masked) - 1)
    add_into(sent.masked, far)
    sent.committed = Committed(
        add(sent.committed.vector, combine([2**60], generators(1))), sent.committed.streams
    )
    updates = made.updates()
    with pytest.raises(PrivxrayError) as caught:
        made.opened(updates)
    assert caught.value.reason == "sum.out-of-range"
    made.update_of = updates
    total = [0] * len(sent.masked)
    for one in made.sent.values():
        add_into(total, one.masked)
    proof = made.proof(updates, OpenedSum(as_integers(total), total[-1]))
    assert refused(made, proof) == "sum.out-of-range"


def test_a_proof_is_encrypted_to_all_hospitals_of_the_plan(made: CommittedRound) -> None:
    updates, opened, _ = whole(made)
    proof = made.proof(updates, opened)
    fewer = changed(proof, lambda header: header["recipients"].pop(), made.study.coordinator)
    assert refused(made, fewer) == "proof.other-recipients"
    keyless = changed(proof, lambda header: header["keys"].pop(), made.study.coordinator)
    assert refused(made, keyless) == "proof.other-recipients"


def test_a_plan_without_commitments_has_no_proof(made: CommittedRound) -> None:
    updates, opened, _ = whole(made)
    plain = made.study.signed(made.study.make_plan(format=2))
    header = {"plan": plain.digest, "features": []}
    forged = changed(made.proof(updates, opened), lambda old: old.update(header), made.study.coordinator)
    made.signed = plain
    assert refused(made, forged) == "proof.plan-without-commitments"


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("sum", "proof.other-content"),
        ("blinding", "proof.other-content"),
        ("envelopes", "envelope.cut-off"),
    ],
)
def test_a_proof_of_another_form_is_refused(made: CommittedRound, name: str, cut: str) -> None:
    """Each part cut by its last number, each with one number more, of another type, and in two dimensions."""
    _, _, proof = whole(made)
    for other, reason in (
        (lambda array: array[:-1], cut),
        (lambda array: np.append(array, array[:1]), "proof.other-content"),
        (lambda array: array.astype("<i4"), "proof.other-content"),
        (lambda array: array.reshape(-1, 1), "proof.other-content"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "privxray.exchange.messages.proof.unpack",
                lambda body, other=other: (read := unpack(body)) | {name: other(read[name])},
            )
            assert refused(made, proof) == reason


@pytest.mark.parametrize("number", [ORDER, 2**256 - 1])
def test_a_blinding_factor_is_below_the_order(made: CommittedRound, number: int) -> None:
    _, _, proof = whole(made)
    with pytest.MonkeyPatch.context() as patch:
        great = np.frombuffer(number.to_bytes(32, "little"), np.uint8)
        patch.setattr(
            "privxray.exchange.messages.proof.unpack", lambda body: unpack(body) | {"blinding": great}
        )
        assert refused(made, proof) == "proof.other-content"


def test_nothing_may_follow_the_envelopes(made: CommittedRound) -> None:
    _, _, proof = whole(made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "privxray.exchange.messages.proof.unpack",
            lambda body: (read := unpack(body)) | {"envelopes": np.append(read["envelopes"], np.uint8(0))},
        )
        assert refused(made, proof) == "proof.other-content"


def test_updates_in_a_proof_must_agree_about_their_masks(made: CommittedRound) -> None:
    """A coordinator that goes on although two updates contradict each other is not believed."""
    liar, peer = made.study.hospitals[0], made.study.hospitals[2]
    sent = made.sent[liar.fingerprint]
    stated = sent.committed.streams
    sent.committed = Committed(
        sent.committed.vector, {**stated, peer.fingerprint: add(stated[peer.fingerprint], generator(0))}
    )
    made.update_of = updates = made.updates()
    total = [0] * len(sent.masked)
    for one in made.sent.values():
        add_into(total, one.masked)
    proof = made.proof(updates, OpenedSum(as_integers(total), total[-1]))
    assert refused(made, proof) == "proof.masks-contradict"


def test_a_plan_asks_for_no_more_commitments_than_take_seconds() -> None:
    most = TensorSpec(name="w", shape=(1 << 18,), bound=1.0, fraction_bits=20)
    study = Study(3, **FORM, manifest=(most,))
    study.plan.verify()
    longer = study.make_plan(**FORM, manifest=(most.model_copy(update={"shape": ((1 << 18) + 1,)}),))
    with pytest.raises(PrivxrayError) as caught:
        longer.verify()
    assert caught.value.reason == "plan.commitments-too-long"


def test_a_proof_is_by_the_coordinator(made: CommittedRound) -> None:
    updates, opened, _ = whole(made)
    other = Study(3)
    made.study.coordinator = other.coordinator
    assert refused(made, made.proof(updates, opened)) == "proof.other-coordinator"


def test_any_vector_fits_a_masked_one(made: CommittedRound) -> None:
    """What the simulator of docs/adr/0112 rests on: with streams that fit, the statements fit as well."""
    a, b = made.study.hospitals[:2]
    masked = made.sent[a.fingerprint].masked
    claimed = as_scalars(made.numbers(b), 12345)  # another hospital's vector, as if it were a's
    sign = 1 if adds(a.fingerprint, b.fingerprint) else -1
    stream = [sign * (y - x) for y, x in zip(masked, claimed, strict=True)]
    bound = Committed(commit(claimed), {b.fingerprint: commit(stream)})
    assert is_as_committed(masked, bound, a.fingerprint)
