"""Hybrid masks (docs/SPEC-2.md, section 8): the keys by hand, the sums, and each refusal of the rules."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from exchange_samples import STAMP, Hospital
from hybrid_samples import FEATURES, Agreeing, key_by_hand

from privxray.errors import CohortError, PrivxrayError
from privxray.exchange.admission.admit import admit_plan
from privxray.exchange.admission.admit_agreement import Agreements, admit_agreed, admit_agreement
from privxray.exchange.admission.admit_hybrid import check_hybrid
from privxray.exchange.admission.admit_successor import admit_successor
from privxray.exchange.commitments.group import wide_scalar
from privxray.exchange.commitments.scalars import as_scalars, to_bytes
from privxray.exchange.concealing import conceal, conceal_committed
from privxray.exchange.masking.agreed_secrets import later_secret
from privxray.exchange.masking.fixed_point import quantise
from privxray.exchange.masking.masks import add_streams, mask_streams, pairwise_key
from privxray.exchange.messages.agreement import (
    AgreementHeader,
    encapsulate,
    recipients_of,
    write_agreement,
)
from privxray.exchange.messages.plan import PEDERSEN, PlanHeader, SignedPlan
from privxray.exchange.messages.plan_hybrid import Ciphertext, StatedCiphertexts
from privxray.exchange.messages.plan_words import public_constants
from privxray.exchange.opening import checked_answer, restored
from privxray.exchange.opening_committed import CommittedUpdate, faulty_updates, open_committed_sum
from privxray.exchange.sharing.dealing import SELF, open_box, secrets_to_open
from privxray.formats import canonical
from privxray.formats.container import MAX_ENVELOPE, seal_header, split
from privxray.formats.header import Body
from privxray.formats.tensors import scalars_prefix
from privxray.keys.encapsulation_statement import EncapsulationStatement

WORLD = Agreeing()
A, B, C = sorted(WORLD.study.hospitals, key=lambda one: one.fingerprint)
PLAN = WORLD.study.signed(WORLD.training())


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(PrivxrayError) as caught:
        act()
    assert caught.value.reason is not None
    return caught.value.reason


def test_both_plans_are_good_and_follow_each_other() -> None:
    asked = admit_plan(WORLD.study.plan_file(WORLD.asked.plan), None)
    plan = admit_plan(WORLD.study.plan_file(PLAN.plan), WORLD.study.coordinator.public())
    admit_successor(plan.plan, asked)
    for hospital in WORLD.study.hospitals:
        admit_agreed(plan.plan, asked, WORLD.agreements().taken[hospital.fingerprint].encapsulated)
    assert public_constants(asked.plan)["masks"] == "X25519 and ML-KEM-768 together"
    assert public_constants(WORLD.study.plan)["masks"] == "X25519 alone"


@pytest.mark.parametrize("round_", [2, 5])
def test_masks_cancel_and_their_keys_are_those_by_hand(round_: int) -> None:
    plan = WORLD.study.signed(WORLD.training(round=round_))
    total = np.zeros(15, np.uint64)
    for hospital in WORLD.study.hospitals:
        numbers = np.zeros(15, np.uint64)
        conceal(numbers, plan, hospital.fingerprint, hospital.mask, agreed=WORLD.secrets(hospital, round_))
        assert numbers.any()
        total += numbers
    assert not total.any()
    # One hospital's masks, from keys that were computed by hand.
    keys = {other.fingerprint: key_by_hand(WORLD, B, other, plan) for other in (A, C)}
    mine, by_hand = np.zeros(15, np.uint64), np.zeros(15, np.uint64)
    conceal(mine, plan, B.fingerprint, B.mask, agreed=WORLD.secrets(B, round_))
    add_streams(by_hand, mask_streams(B.fingerprint, keys))
    assert (mine == by_hand).all()


def test_a_key_takes_both_secrets_and_its_own_round() -> None:
    keys = {key_by_hand(WORLD, A, B, PLAN), key_by_hand(WORLD, A, C, PLAN)}
    keys.add(key_by_hand(WORLD, A, B, WORLD.study.signed(WORLD.training(round=3))))
    other = Hospital("hospital-a", identity=A.identity)  # another X25519 key
    keys.add(key_by_hand(WORLD, other, B, PLAN))
    assert len(keys) == 4
    first = os.urandom(32)
    assert later_secret(first, 0) == first
    assert later_secret(later_secret(first, 2), 3) == later_secret(first, 5)


def test_who_has_every_x25519_key_strips_no_hybrid_mask() -> None:
    """A quantum computer gives each private mask key from the plan; the coordinator opens bodies anyway."""
    vector = quantise(WORLD.study.vector(3), PLAN.plan.manifest, 64)
    for plan, agreed in ((WORLD.study.signed(), None), (PLAN, WORLD.secrets(B, 2))):
        sent = vector.copy()
        conceal(sent, plan, B.fingerprint, B.mask, agreed=agreed)
        opened = []
        for guess in (None, bytes(32), b""):
            keys = {
                one: pairwise_key(B.mask, other.mask.public_key(), plan.digest, B.fingerprint, one, guess)
                for other in (A, C)
                for one in [other.fingerprint]
            }
            bare = sent.copy()
            add_streams(bare, [(key, one > B.fingerprint) for one, key in keys.items()])
            opened.append(bool((bare == vector).all()))
        assert opened == [agreed is None, False, False]


def test_nothing_is_masked_without_the_secrets_that_the_plan_asks_for() -> None:
    numbers = np.zeros(15, np.uint64)
    with pytest.raises(ValueError):
        conceal(numbers, PLAN, A.fingerprint, A.mask)
    with pytest.raises(ValueError):
        conceal(numbers, WORLD.study.signed(), A.fingerprint, A.mask, agreed=WORLD.secrets(A, 2))
    with pytest.raises(KeyError):
        conceal(numbers, PLAN, A.fingerprint, A.mask, agreed={})


def test_keyholders_restore_hybrid_keys() -> None:
    world = Agreeing(5, 4)
    plan = world.study.signed(world.training())
    first, *others = world.study.hospitals
    lost, survivors = others[-1], [first, *others[:-1]]
    dealt = {
        one.fingerprint: conceal(
            np.zeros(15, np.uint64), plan, one.fingerprint, one.mask, agreed=world.secrets(one, 2)
        )
        for one in survivors
    }
    wanted = secrets_to_open([one.fingerprint for one in survivors], plan.plan.hospitals)
    answers = {}
    for seat, holder in enumerate(world.study.trustees[:3], start=1):
        boxes = {
            owner: open_box(one, plan.dealing(owner), seat, holder.unsealing)
            for owner, one in dealt.items()
            if one
        }
        shares = {(owner, secret): boxes[owner][secret] for owner, secret in wanted}
        answers[seat] = checked_answer(plan, seat, {k: v for k, v in dealt.items() if v}, shares)
    found = restored(plan, [one.fingerprint for one in survivors], answers)
    pairwise = {one.owner: one.key for one in found if one.secret != SELF}
    assert pairwise == {one.fingerprint: key_by_hand(world, one, lost, plan) for one in survivors}


def test_a_hospital_that_decapsulates_wrongly_is_named_by_its_commitments() -> None:
    world = Agreeing(3, features=("commitments", *FEATURES), commitments=PEDERSEN)
    plan, low, _, high = (
        world.study.signed(world.training()),
        *sorted(world.study.hospitals, key=lambda one: one.fingerprint),
    )
    updates = []
    for hospital in sorted(world.study.hospitals, key=lambda one: one.fingerprint):
        agreed = world.secrets(hospital, 2)
        if hospital is high:
            wrong = world.kems[high.fingerprint].decapsulate(bytes(1088))  # ML-KEM gives some key, no error
            agreed[low.fingerprint] = wrong
        numbers = quantise(world.study.vector(1), plan.plan.manifest, 64)
        scalars = as_scalars(numbers, wide_scalar(os.urandom(64)))
        committed, _ = conceal_committed(scalars, plan, hospital.fingerprint, hospital.mask, agreed=agreed)

        body = [scalars_prefix(len(scalars)) + to_bytes(scalars)]
        updates.append(CommittedUpdate(hospital.fingerprint, committed, body))
    assert faulty_updates(plan.plan, updates) == frozenset()
    with pytest.raises(CohortError, match=f"{low.name} and {high.name} state different masks") as caught:
        open_committed_sum(plan.plan, updates)
    assert caught.value.reason == "update.masks-contradict"


def forged(hospital: Hospital = A, signer: Hospital | None = None, **changes: Any) -> Callable[[], object]:
    """Take in hospital A's agreement with other fields, signed by A or somebody else."""
    envelope = split(WORLD.agreement(hospital))
    header = envelope.claim(AgreementHeader).model_copy(update=changes)
    by = signer or hospital
    data = seal_header(header, by.identity.signing, by.fingerprint)
    return lambda: Agreements(WORLD.asked).take(split(data))


def stated(
    owner: Hospital = A, *, to: Any = None, plan: str | None = None, by: Hospital | None = None, cut: int = 0
) -> StatedCiphertexts:
    """What hospital A states that it encapsulated, with something wrong in it."""
    recipients = recipients_of(WORLD.asked.plan, owner.fingerprint) if to is None else to
    listed = tuple(
        Ciphertext(to=one, ciphertext=canonical.to_base64(bytes(1088 - cut))) for one in recipients
    )
    signer = (by or owner).identity.signing
    return StatedCiphertexts.sign(owner.fingerprint, plan or WORLD.asked.digest, listed, signer)


STRANGER = Hospital("hospital-x")

AGREEMENTS: dict[str, tuple[Callable[[], object], str]] = {
    "of a stranger": (forged(signer=STRANGER, sender=STRANGER.fingerprint), "agreement.unknown-signer"),
    "with another sender": (forged(sender=B.fingerprint), "agreement.other-sender"),
    "of another study": (forged(study="cardiology"), "file.other-study"),
    "of another plan": (forged(plan="ab" * 32), "file.other-plan"),
    "for another recipient": (forged(recipients=(B.fingerprint,)), "agreement.other-recipient"),
    "with a body": (forged(body=Body(length=5)), "agreement.body"),
    "in another form": (forged(features=()), "file.other-form"),
    "whose ciphertext is cut": (forged(encapsulated=stated(cut=1)), "agreement.ciphertext"),
    "to one hospital too few": (
        forged(encapsulated=stated(to=[C.fingerprint])),
        "agreement.other-recipients",
    ),
    "to itself": (
        forged(encapsulated=stated(to=[A.fingerprint, B.fingerprint])),
        "agreement.recipients-not-ascending",
    ),
    "out of order": (
        forged(encapsulated=stated(to=[C.fingerprint, B.fingerprint])),
        "agreement.recipients-not-ascending",
    ),
    "to one twice": (
        forged(encapsulated=stated(to=[B.fingerprint, B.fingerprint])),
        "agreement.recipients-not-ascending",
    ),
    "stated by another": (forged(encapsulated=stated(by=B)), "statement.not-its-owners"),
    "stated for another plan": (forged(encapsulated=stated(plan="ab" * 32)), "agreement.other-recipients"),
    "of another party inside": (forged(encapsulated=stated(B)), "statement.not-its-owners"),
}


@pytest.mark.parametrize("what", AGREEMENTS)
def test_an_agreement_is_refused(what: str) -> None:
    act, reason = AGREEMENTS[what]
    if what == "in another form":  # it can't even be written
        with pytest.raises(PrivxrayError):
            act()
        return
    assert refusal(act) == reason


def test_a_second_agreement_that_differs_is_refused_and_who_is_missing_is_known() -> None:
    taken = Agreements(WORLD.asked)
    data = WORLD.agreement(A)
    taken.take(split(data))
    taken.take(split(data))
    assert {one.name for one in taken.missing} == {B.name, C.name}
    other = Agreeing(study=WORLD.study)  # the same hospitals, other ciphertexts
    second = write_agreement(other.ciphertexts[A.fingerprint], WORLD.asked, A.identity, STAMP)
    assert refusal(lambda: taken.take(split(second))) == "agreement.second"


def test_an_agreement_that_nobody_asked_for_is_refused() -> None:
    data = write_agreement(WORLD.ciphertexts[A.fingerprint], PLAN, A.identity, STAMP)
    assert refusal(lambda: Agreements(PLAN).take(split(data))) == "agreement.not-asked"


def verifying(plan: PlanHeader) -> Callable[[], object]:
    return lambda: admit_plan(WORLD.study.plan_file(plan), None)


def with_kems(change: Callable[[Hospital], Any], **fields: Any) -> Callable[[], object]:
    """Verify the plan that asks, with other encapsulation keys."""
    members = tuple(
        WORLD.member(one).model_copy(update={"kem": change(one)}) for one in WORLD.study.hospitals
    )
    roster = WORLD.asked.plan.roster.model_copy(update={"members": members})
    return verifying(WORLD.asking(roster=roster, **fields))


def kem_of(key: bytes, owner: Hospital, study: str | None = None) -> EncapsulationStatement:
    return EncapsulationStatement.sign(canonical.to_base64(key), study, 1, owner.identity.signing)


RAW = {one.fingerprint: WORLD.kems[one.fingerprint].public_key().public_bytes_raw() for one in (A, B, C)}


def trained(**changes: Any) -> Callable[[], object]:
    return verifying(WORLD.training(**changes))


def lacking_pair() -> Callable[[], object]:
    good = PLAN.plan.encapsulated or ()
    short = StatedCiphertexts.sign(
        A.fingerprint, WORLD.asked.digest, good[0].ciphertexts[:1], A.identity.signing
    )
    return trained(encapsulated=(short, *good[1:]))


def mixed_plans() -> Callable[[], object]:
    good = PLAN.plan.encapsulated or ()
    other = StatedCiphertexts.sign(C.fingerprint, "ab" * 32, (), C.identity.signing)
    return trained(encapsulated=(*good[:2], other))


def many() -> Callable[[], object]:
    roster = WORLD.asked.plan.roster
    names = [f"hospital-{n}" for n in range(61)]
    members = tuple(WORLD.member(A).model_copy(update={"name": name}) for name in names)
    plan = WORLD.asking(roster=roster.model_copy(update={"members": members}))
    return lambda: check_hybrid(plan)


PLANS: dict[str, tuple[Callable[[], object], str]] = {
    "no key in the plan that asks": (with_kems(lambda _: None), "plan.encapsulation-keys"),
    "keys in a plan that trains": (trained(roster=WORLD.asked.plan.roster), "plan.encapsulation-keys"),
    "a key that fails the modulus check": (
        with_kems(lambda one: kem_of(b"\xff" * 3 + RAW[one.fingerprint][3:], one)),
        "encapsulation-key.not-mlkem",
    ),
    "a key of another length": (
        with_kems(lambda one: kem_of(RAW[one.fingerprint][1:], one)),
        "encapsulation-key.base64",
    ),
    "a key that another signed": (
        with_kems(lambda one: kem_of(RAW[one.fingerprint], STRANGER)),
        "statement.not-its-owners",
    ),
    "a key for another study": (
        with_kems(lambda one: kem_of(RAW[one.fingerprint], one, "cardiology")),
        "roster.encapsulation-key-of-other-study",
    ),
    "one key for all": (
        with_kems(lambda one: kem_of(RAW[A.fingerprint], one)),
        "roster.encapsulation-key-twice",
    ),
    "no schedule": (
        trained(features=("hybrid-masks",), task=None, schedule=None),
        "plan.hybrid-without-tasks",
    ),
    "ciphertexts in the plan that asks": (
        verifying(WORLD.asking(encapsulated=PLAN.plan.encapsulated)),
        "plan.other-ciphertexts",
    ),
    "a hospital without ciphertexts": (
        trained(encapsulated=(PLAN.plan.encapsulated or ())[:2]),
        "plan.other-ciphertexts",
    ),
    "out of order": (trained(encapsulated=(PLAN.plan.encapsulated or ())[::-1]), "plan.other-ciphertexts"),
    "a pair without a ciphertext": (lacking_pair(), "plan.ciphertext-lacking"),
    "ciphertexts of two plans": (mixed_plans(), "plan.ciphertexts-of-two-plans"),
    "too many hospitals": (many(), "plan.too-many-for-hybrid"),
}


@pytest.mark.parametrize("what", PLANS)
def test_a_plan_is_refused(what: str) -> None:
    act, reason = PLANS[what]
    assert refusal(act) == reason


def with_a_fourth() -> PlanHeader:
    roster = PLAN.plan.roster
    members = (*roster.members, STRANGER.member())
    return PLAN.plan.model_copy(update={"roster": roster.model_copy(update={"members": members})})


def test_whoever_left_agrees_on_nothing_and_a_plan_without_keys_is_not_answered() -> None:
    header = split(WORLD.agreement(A)).claim(AgreementHeader)
    assert refusal(lambda: admit_agreement(header, STRANGER.member(), WORLD.asked)) == "agreement.sender-left"
    with pytest.raises(ValueError, match="not verified"):
        encapsulate(PLAN, A.fingerprint)


def test_a_plan_that_goes_on_from_another_agreement_is_refused() -> None:
    own = WORLD.agreements().taken[A.fingerprint].encapsulated
    other = Agreeing(study=WORLD.study)
    cases: list[tuple[PlanHeader, SignedPlan | None, StatedCiphertexts | None, str]] = [
        (PLAN.plan, None, None, "plan.without-agreement"),
        (PLAN.plan, PLAN, None, "plan.without-agreement"),
        (WORLD.training(encapsulated=None), WORLD.asked, own, "plan.without-agreement"),
        (PLAN.plan, other.asked, None, "plan.ciphertexts-of-other-plan"),
        (with_a_fourth(), WORLD.asked, None, "plan.hospital-not-asked-to-agree"),
        (PLAN.plan, WORLD.asked, stated(), "plan.other-own-ciphertexts"),
    ]
    for plan, followed, mine, reason in cases:
        assert refusal(lambda p=plan, f=followed, m=mine: admit_agreed(p, f, m)) == reason  # type: ignore[misc]
    admit_agreed(WORLD.training(encapsulated=None, round=3), PLAN, None)
    admit_agreed(WORLD.study.plan, None, None)


def test_a_hospital_that_did_not_agree_is_left_out_of_the_plan_after_it() -> None:
    world = Agreeing(4)
    first, *others = world.study.hospitals
    taken = Agreements(world.asked)
    for hospital in others:
        taken.take(split(world.agreement(hospital)))
    assert [one.name for one in taken.missing] == [first.name]
    roster = world.study.plan.roster
    fields = {
        "roster": roster.model_copy(update={"version": 2, "members": roster.members[1:]}),
        "encapsulated": taken.encapsulated(one.fingerprint for one in others),
    }
    plan = admit_plan(world.study.plan_file(world.training(**fields)), None)
    for hospital in others:
        admit_agreed(plan.plan, world.asked, taken.taken[hospital.fingerprint].encapsulated)
    total = np.zeros(15, np.uint64)
    for hospital in others:
        numbers = np.zeros(15, np.uint64)
        conceal(numbers, plan, hospital.fingerprint, hospital.mask, agreed=world.secrets(hospital, 2))
        total += numbers
    assert not total.any()


def test_a_fresh_key_pair_of_another_decapsulates_to_something_else() -> None:
    ciphertext = WORLD.ciphertexts[A.fingerprint][B.fingerprint]
    assert MLKEM768PrivateKey.generate().decapsulate(ciphertext) != WORLD.shared[A.fingerprint][B.fingerprint]
    assert WORLD.kems[B.fingerprint].decapsulate(ciphertext) == WORLD.shared[A.fingerprint][B.fingerprint]


def test_the_plan_of_sixty_hospitals_fits_into_its_envelope() -> None:
    each = len(canonical.encode({"ciphertext": canonical.to_base64(bytes(1088)), "to": "0" * 64})) + 1
    party = 3000  # an entry of the roster, and the frame of a statement
    assert (60 * 59 // 2 * each + 60 * party) * 4 / 3 < MAX_ENVELOPE
