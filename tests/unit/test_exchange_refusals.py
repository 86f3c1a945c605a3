"""Which rule refuses a travelling file: for each kind a table of what is altered, and the reason.

Every file is altered and signed anew by whoever could sign it, so that the rule behind the signature decides.
What is altered without a new signature is in tests/attacks/test_altered_files.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from exchange_samples import STAMP, Hospital, Study
from forged_files import Change, changed, put, refused, signed

from privxray.exchange.admission.admit import admit_model, admit_party, admit_plan, admit_update, read_update
from privxray.exchange.admission.admit_opening import admit_request, admit_share, admit_survivors, read_share
from privxray.exchange.admission.admit_successor import admit_successor
from privxray.exchange.messages.model import write_model
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.exchange.messages.share import write_share
from privxray.exchange.messages.update import UpdateHeader
from privxray.exchange.sharing.committee import Seat
from privxray.exchange.sharing.dealing import open_box
from privxray.explanations import catalogue
from privxray.formats import canonical
from privxray.formats.container import check_body, split
from privxray.formats.features import FORMAT_1
from privxray.formats.header import PlanHash
from privxray.formats.stated_bounds import StatedBounds
from privxray.formats.tensors import TensorSpec
from privxray.keys.card import CardParts, read_card, write_card
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.mask_statement import MaskStatement, state_mask_key
from privxray.keys.roster import Member, Roster
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement

OTHER = "ab" * 32
"""The digest or fingerprint of nothing."""
P = 2**255 - 19
STRICT = Study(hospitals=4)
HELD = Study(hospitals=5, trustees=4)
"""Five hospitals of whom four must deliver, four keyholders of whom three open."""


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def weak_signing(keys: PublicKeys) -> PublicKeys:
    """By which anybody could sign."""
    return keys.model_copy(update={"signing": text((1).to_bytes(32, "little"))})


def weak_sealing(keys: PublicKeys) -> PublicKeys:
    """Its X25519 half gives everybody the same secret."""
    return keys.model_copy(update={"sealing": text(base64.b64decode(keys.sealing)[:1184] + bytes(32))})


def no_mlkem(keys: PublicKeys) -> PublicKeys:
    """Its ML-KEM half has coefficients that are not below the modulus."""
    return keys.model_copy(update={"sealing": text(b"\xff" * 1152 + base64.b64decode(keys.sealing)[1152:])})


def body_of(data: bytes) -> bytes:
    return data[split(data).length :]


def check(header: Any, data: bytes) -> None:
    body = body_of(data)
    check_body(header.body, len(body), hashlib.sha256(body).hexdigest())


# Cards


def card(study: str | None = None, *, trustee: bool = False) -> bytes:
    own = STRICT.hospitals[0]
    mask = None if trustee else own.member(study).mask
    return write_card(own.identity, CardParts(own.name, mask, own.unsealing_statement(study)), STAMP)


def statement(kind: type[Any], owner: Hospital, **changes: Any) -> dict[str, Any]:
    """A signed statement of a key for one round, as JSON; of a good key unless another is given."""
    good = {MaskStatement: owner.mask.public_key().public_bytes_raw(), UnsealingStatement: None}[kind]
    key = changes.pop("key", text(good) if good else owner.unsealing.public())
    fields = {"study": None, "number": 1} | changes
    stated: dict[str, Any] = kind.sign(
        key, fields["study"], fields["number"], owner.identity.signing
    ).model_dump()
    return stated


A, B = STRICT.hospitals[:2]
WEAK_MASK = text(bytes(32))
CARDS: dict[str, tuple[Change, str]] = {
    "a body": (put("body", "length", value=1), "card.body"),
    "a kind of its own": (put("kind", value="plan"), "header.field"),
    "a field more": (lambda card: card.update(more=1), "header.field"),
    "another sender": (put("sender", value=OTHER), "card.other-sender"),
    "another study than its mask key's": (
        put("mask", value=statement(MaskStatement, A, study="cardiology")),
        "card.key-of-other-study",
    ),
    "another study than its unsealing key's": (
        put("unsealing", value=statement(UnsealingStatement, A, study="cardiology")),
        "card.key-of-other-study",
    ),
    "a hospital without a mask key": (put("mask", value=None), "card.mask-key-and-role"),
    "a trustee with a mask key": (put("role", value="trustee"), "card.mask-key-and-role"),
    "another's mask key": (put("mask", value=statement(MaskStatement, B)), "statement.not-its-owners"),
    "another's unsealing key": (
        put("unsealing", value=statement(UnsealingStatement, B)),
        "statement.not-its-owners",
    ),
    "no signature under the mask key": (put("mask", "signature", value=""), "statement.signature-base64"),
    "a weak mask key": (
        put("mask", value=statement(MaskStatement, A, key=WEAK_MASK)),
        "mask-key.weak",
    ),
    "a mask key of 31 bytes": (
        put("mask", value=statement(MaskStatement, A, key=text(bytes(31)))),
        "mask-key.base64",
    ),
    "an unsealing key of 32 bytes": (
        put("unsealing", value=statement(UnsealingStatement, A, key=WEAK_MASK)),
        "sealing-key.base64",
    ),
    "a weak sealing key": (
        put("keys", "sealing", value=weak_sealing(A.identity.public()).sealing),
        "sealing-key.weak",
    ),
    "a sealing key that is none": (
        put("keys", "sealing", value=no_mlkem(A.identity.public()).sealing),
        "sealing-key.not-mlkem",
    ),
    "another's signing key": (
        put("keys", "signing", value=B.identity.public().signing),
        "signature.other-signer",
    ),
    "a weak signing key": (
        put("keys", "signing", value=weak_signing(A.identity.public()).signing),
        "signing-key.weak",
    ),
    "a signing key of 31 bytes": (put("keys", "signing", value=text(bytes(31))), "signing-key.base64"),
}


@pytest.mark.parametrize("what", CARDS)
def test_cards_that_are_refused(what: str) -> None:
    change, reason = CARDS[what]
    with refused(reason):
        read_card(split(changed(card(), change, A.identity)))


def test_good_cards_are_read() -> None:
    for study in (None, "pneumonia"):
        assert read_card(split(card(study))).member(FORMAT_1).name == A.name
        assert read_card(split(card(study, trustee=True))).trustee(FORMAT_1).name == A.name


def test_a_card_that_somebody_else_signed_or_that_is_none() -> None:
    with refused("signature.wrong"):
        read_card(split(changed(card(), put("name", value="evil"), B.identity)))
    with refused("file.other-kind"):
        read_card(STRICT.plan_file())


# Plans


def coordinator_as_member() -> Member:
    """A hospital's entry with the coordinator's keys; all of it is signed as it should be."""
    coordinator = STRICT.coordinator
    mask = state_mask_key(X25519PrivateKey.generate(), None, 1, coordinator.signing)
    return Member(name="hospital-e", keys=coordinator.public(), mask=mask)


def fifth(**keys: str) -> Hospital | Member:
    """One hospital more, with a long-lived key in the place of its own."""
    hospital = Hospital("hospital-e")
    member = hospital.member()
    return member.model_copy(update={"keys": member.keys.model_copy(update=keys)})


def roster(*members: Any, **changes: Any) -> dict[str, Any]:
    return {"roster": STRICT.plan.roster.model_copy(update={"members": members} | changes)}


def first_with(**changes: Any) -> dict[str, Any]:
    """The plan whose first hospital has something else in its entry."""
    first, *others = STRICT.plan.roster.members
    return roster(first.model_copy(update=changes), *others)


def masked_as(owner: Hospital, **changes: Any) -> MaskStatement:
    return MaskStatement(**statement(MaskStatement, owner, **changes))


def spec(name: str = "w", bound: float = 1.0, bits: int = 20, shape: tuple[int, ...] = (3,)) -> TensorSpec:
    return TensorSpec(name=name, shape=shape, bound=bound, fraction_bits=bits)


MEMBERS = STRICT.plan.roster.members
PLANS: dict[str, tuple[dict[str, Any], str]] = {
    "no study": ({"study": None}, "plan.no-study"),
    "no round": ({"round": 0}, "plan.no-round"),
    "a stage beyond the last": ({"stage": 2}, "plan.stage-after-last"),
    "a class twice": ({"classes": ("normal", "virus", "normal")}, "plan.class-twice"),
    "another sender": ({"sender": OTHER}, "plan.other-sender"),
    "a weak sealing key of the coordinator": (
        {"coordinator": weak_sealing(STRICT.coordinator.public())},
        "sealing-key.weak",
    ),
    "two hospitals": (roster(*MEMBERS[:2]), "roster.too-few-hospitals"),
    "a name twice": (first_with(name=MEMBERS[1].name.upper()), "roster.name-twice"),
    "a signing key twice": (
        roster(*MEMBERS, fifth(signing=MEMBERS[0].keys.signing)),
        "roster.signing-key-twice",
    ),
    "a sealing key twice": (
        roster(*MEMBERS, fifth(sealing=MEMBERS[0].keys.sealing)),
        "roster.sealing-key-twice",
    ),
    "a mask key twice": (first_with(mask=masked_as(A, key=MEMBERS[1].mask.key)), "roster.mask-key-twice"),
    "a mask key of another study": (
        first_with(mask=masked_as(A, study="cardiology")),
        "roster.mask-key-of-other-study",
    ),
    "a mask key of the coordinator's making": (
        first_with(mask=masked_as(Hospital("evil"))),
        "statement.not-its-owners",
    ),
    "a weak mask key": (first_with(mask=masked_as(A, key=WEAK_MASK)), "mask-key.weak"),
    "a weak signing key": (first_with(keys=weak_signing(MEMBERS[0].keys)), "signing-key.weak"),
    "a weak sealing key": (first_with(keys=weak_sealing(MEMBERS[0].keys)), "sealing-key.weak"),
    "the coordinator as a hospital": (roster(*MEMBERS, coordinator_as_member()), "plan.coordinator-is-party"),
    "the coordinator's sealing key": (
        roster(*MEMBERS, fifth(sealing=STRICT.coordinator.public().sealing)),
        "plan.coordinators-sealing-key",
    ),
    "keyholders without a committee": ({"mode": "keyholders"}, "plan.keyholders-missing"),
    "trustees without a committee": (
        roster(*MEMBERS, trustees=(Hospital("trustee").trustee(),)),
        "plan.trustees-without-keyholders",
    ),
    "no tensor": ({"manifest": ()}, "plan.vector-empty"),
    "too many numbers": (
        {"manifest": (spec("a", 1, 0, (1 << 26,)), spec("b", 1, 0))},
        "plan.vector-too-long",
    ),
    "a tensor twice": ({"manifest": (spec(), spec())}, "plan.tensor-twice"),
    "sums that overflow": ({"manifest": (spec(), spec("v", bound=2.0**41))}, "plan.sums-overflow"),
}


@pytest.mark.parametrize("what", PLANS)
def test_plans_that_no_recipient_follows(what: str) -> None:
    changes, reason = PLANS[what]
    with refused(reason):
        admit_plan(STRICT.plan_file(STRICT.make_plan(**changes)), None)


def test_a_plan_is_accepted_from_its_coordinator_only() -> None:
    keys = STRICT.coordinator.public()
    for trusted in (None, keys):
        assert admit_plan(STRICT.plan_file(), trusted) == STRICT.signed()
    other = Identity.generate()
    with refused("plan.other-coordinator"):
        admit_plan(STRICT.plan_file(), other.public())
    with refused("plan.other-coordinator"):
        admit_plan(STRICT.plan_file(signer=other), None)
    with refused("plan.coordinators-keys"):
        admit_plan(STRICT.plan_file(), keys.model_copy(update={"sealing": other.public().sealing}))
    with refused("plan.coordinators-keys"):
        admit_plan(STRICT.plan_file(STRICT.make_plan(coordinator=other.public())), keys)
    with refused("signature.wrong"):
        admit_plan(split(signed("plan", STRICT.plan_file().payload, other, keys.fingerprint)), keys)
    with refused("file.other-kind"):
        admit_plan(split(card()), keys)
    weak = STRICT.make_plan(coordinator=weak_signing(keys))
    with refused("signing-key.weak"):
        admit_plan(split(signed("plan", canonical.encode(weak.stated()), STRICT.coordinator,
                                weak.coordinator.fingerprint)), None)  # fmt: skip


def test_the_limits_of_a_plan_are_allowed() -> None:
    """One step back from the rules above: what just about passes."""
    for changes in (
        {"stage": 2, "stages": 2},
        roster(*MEMBERS[:3]),
        first_with(mask=masked_as(A, study="pneumonia")),
        {"manifest": (spec("a", 1, 0, ((1 << 26) - 3,)), spec("b", 1, 0))},
        {"manifest": (spec(bound=2.0**40, bits=20),)},
    ):
        admit_plan(STRICT.plan_file(STRICT.make_plan(**changes)), None)


def committee(**changes: Any) -> dict[str, Any]:
    return {"committee": HELD.plan.committee.model_copy(update=changes)}


def unsealing(owner: Hospital, **changes: Any) -> Any:
    return UnsealingStatement(**statement(UnsealingStatement, owner, **changes))


SEATS = HELD.plan.committee.seats
TRUSTEES = HELD.plan.roster.trustees
COMMITTEES: dict[str, tuple[dict[str, Any], str]] = {
    "a strict plan with keyholders": ({"mode": "strict"}, "plan.keyholders-in-strict"),
    "no corrupt keyholder": (committee(corrupt_keyholders=0), "committee.no-corrupt-keyholder"),
    "all keyholders have to answer": (committee(threshold=4), "committee.nobody-may-miss"),
    "two sums": (committee(threshold=2), "committee.two-sums"),
    "no corrupt hospital": (committee(corrupt_hospitals=0), "committee.no-corrupt-hospital"),
    "a sum of two": (committee(minimum_cohort=2), "committee.cohort-too-small"),
    "a sum of the corrupt and one more": (
        committee(corrupt_hospitals=3, minimum_cohort=4),
        "committee.cohort-too-small",
    ),
    "more than there are": (committee(minimum_cohort=6), "committee.cohort-too-large"),
    "one hospital left": (committee(minimum_cohort=3), "committee.one-hospital-left"),
    "a keyholder twice": (committee(seats=(SEATS[0], *SEATS[:3])), "committee.keyholder-twice"),
    "an unsealing key twice": (
        committee(
            seats=(
                SEATS[0].model_copy(
                    update={"unsealing": unsealing(HELD.trustees[0], key=SEATS[1].unsealing.key)}
                ),
                *SEATS[1:],
            )
        ),
        "committee.unsealing-key-twice",
    ),
    "a trustee without a seat": (
        committee(
            seats=(
                Seat(
                    keyholder=HELD.hospitals[0].fingerprint,
                    unsealing=HELD.hospitals[0].unsealing_statement(),
                ),
                *SEATS[1:],
            )
        ),
        "committee.trustee-without-seat",
    ),
    "a keyholder from outside": (
        {"roster": HELD.plan.roster.model_copy(update={"trustees": TRUSTEES[:3]})},
        "committee.keyholder-not-in-roster",
    ),
    "another's unsealing key": (
        committee(
            seats=(
                SEATS[0].model_copy(update={"unsealing": HELD.hospitals[0].unsealing_statement()}),
                *SEATS[1:],
            )
        ),
        "statement.not-its-owners",
    ),
    "an unsealing key of another study": (
        committee(
            seats=(
                SEATS[0].model_copy(update={"unsealing": unsealing(HELD.trustees[0], study="cardiology")}),
                *SEATS[1:],
            )
        ),
        "committee.unsealing-key-of-other-study",
    ),
    "two hospitals": (
        {"roster": HELD.plan.roster.model_copy(update={"members": HELD.plan.roster.members[:2]})},
        "roster.too-few-hospitals",
    ),
}


@pytest.mark.parametrize("what", COMMITTEES)
def test_plans_with_keyholders_that_no_recipient_follows(what: str) -> None:
    changes, reason = COMMITTEES[what]
    with refused(reason):
        admit_plan(HELD.plan_file(HELD.make_plan(**changes)), None)


def test_an_unsealing_key_may_be_for_this_study() -> None:
    first = SEATS[0].model_copy(update={"unsealing": unsealing(HELD.trustees[0], study="pneumonia")})
    admit_plan(HELD.plan_file(HELD.make_plan(**committee(seats=(first, *SEATS[1:])))), None)


def test_a_party_finds_its_own_entry() -> None:
    keys = A.identity.public()
    assert admit_party(STRICT.plan, keys, A.name, "hospital") == MEMBERS[0]
    trustee = HELD.trustees[0]
    assert admit_party(HELD.plan, trustee.identity.public(), trustee.name, "trustee") == TRUSTEES[0]
    with refused("plan.party-missing"):
        admit_party(STRICT.plan, Identity.generate().public(), A.name, "hospital")
    for own, name, role in (
        (keys, "hospital-b", "hospital"),
        (keys, A.name, "trustee"),
        (keys.model_copy(update={"sealing": B.identity.public().sealing}), A.name, "hospital"),
    ):
        with refused("plan.party-listed-otherwise"):
            admit_party(STRICT.plan, own, name, role)


# Successors

BEFORE = STRICT.signed(STRICT.make_plan(stages=3, stage=2, round=5))
OTHERS = Roster(version=1, members=(*MEMBERS[:3], Hospital("hospital-e").member()))


def following(**changes: Any) -> PlanHeader:
    fields = {"stages": 3, "stage": 3, "round": 6, "previous": BEFORE.digest}
    return STRICT.make_plan(**(fields | changes))


def version(number: int, *members: Any) -> Roster:
    return STRICT.plan.roster.model_copy(update={"version": number, "members": members or MEMBERS})


SUCCESSORS: dict[str, tuple[PlanHeader, str | None]] = {
    "the next stage": (following(), None),
    "the same stage again": (following(stage=2), None),
    "the first stage again, on other terms": (following(stage=1, epsilon=3.0), None),
    "other members under a higher version": (following(roster=version(2, *OTHERS.members)), None),
    "plans skipped under a higher version": (following(previous=OTHER, roster=version(2)), None),
    "a round that was": (following(round=5), "plan.replayed"),
    "an earlier round": (following(round=4), "plan.replayed"),
    "another predecessor": (following(previous=OTHER), "plan.other-predecessor"),
    "no predecessor": (following(previous=None), "plan.other-predecessor"),
    "other members": (following(roster=OTHERS), "plan.members-changed"),
    "an earlier stage that is not the first": (
        STRICT.make_plan(stages=4, stage=2, round=6, previous=BEFORE.digest),
        "plan.terms-changed",
    ),
    "a higher version, other terms": (following(roster=version(2), epsilon=5.0), "plan.terms-changed"),
}


@pytest.mark.parametrize("what", SUCCESSORS)
def test_a_plan_after_another(what: str) -> None:
    plan, reason = SUCCESSORS[what]
    if reason is None:
        admit_successor(plan, BEFORE)
        return
    with refused(reason):
        admit_successor(plan, BEFORE)


def test_stages_neither_go_back_nor_are_skipped() -> None:
    third = STRICT.signed(STRICT.make_plan(stages=9, stage=3, round=5))
    for stage, reason in ((2, "plan.stage-back"), (5, "plan.stage-skipped")):
        plan = STRICT.make_plan(stages=9, stage=stage, round=6, previous=third.digest)
        with refused(reason):
            admit_successor(plan, third)
    skipped = STRICT.make_plan(stages=9, stage=5, round=7, previous=OTHER, roster=version(2))
    admit_successor(skipped, third)  # by a party that was away: key words settle it
    with refused("plan.stage-skipped"):
        admit_successor(skipped.model_copy(update={"previous": third.digest}), third)


def test_a_roster_does_not_go_back() -> None:
    second = STRICT.signed(following(roster=version(2)))
    plan = following(round=7, previous=second.digest)
    with refused("plan.older-roster"):
        admit_successor(plan, second)
    with refused("plan.other-predecessor"):
        admit_successor(plan.model_copy(update={"previous": OTHER}), second)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "dp-sgd"},
        {"constants": {"steps": 3}},
        {"extractor": "another"},
        {"classes": ("normal", "virus")},
        {"epsilon": 9.0},
        {"delta": 1e-6},
        {"stages": 4},
        {"modulus_bits": 32},
        {"manifest": (spec(),)},
        {"bounds": StatedBounds(total="counts")},
    ],
)
def test_terms_stay_in_the_middle_of_a_study(change: dict[str, Any]) -> None:
    with refused("plan.terms-changed"):
        admit_successor(following(**change), BEFORE)


def test_who_opens_the_sum_stays_in_the_middle_of_a_study() -> None:
    before = HELD.signed(HELD.make_plan(stages=2))
    fields = {"stages": 2, "stage": 2, "round": 2, "previous": before.digest}
    admit_successor(HELD.make_plan(**fields), before)
    newer = HELD.plan.roster.model_copy(update={"version": 2})
    for made, reason in (
        (HELD.committee(minimum_cohort=5), "plan.opening-changed"),
        (HELD.committee([*HELD.trustees, HELD.hospitals[0]]), "plan.opening-changed"),
        *(
            (HELD.plan.committee.model_copy(update={number: 2}), "plan.terms-changed")
            for number in ("threshold", "corrupt_keyholders", "corrupt_hospitals")
        ),
    ):
        with refused(reason):
            admit_successor(HELD.make_plan(**fields, committee=made), before)
        again = HELD.make_plan(**(fields | {"stage": 1}), committee=made)
        admit_successor(again, before)
    admit_successor(
        HELD.make_plan(**fields, committee=HELD.committee(minimum_cohort=5), roster=newer), before
    )
    strict = HELD.make_plan(**fields, mode="strict", committee=None, roster=newer)
    with refused("plan.terms-changed"):
        admit_successor(strict, before)


# Updates

UPDATE = STRICT.update(A, STRICT.masked(A, STRICT.vector(0)))
SHARED = HELD.concealed(HELD.hospitals[0])


def next_mask(owner: Hospital, **changes: Any) -> dict[str, Any]:
    fresh = text(X25519PrivateKey.generate().public_key().public_bytes_raw())
    return statement(MaskStatement, owner, **({"study": "pneumonia", "number": 2, "key": fresh} | changes))


def receive_update(study: Study, data: bytes, **where: Any) -> UpdateHeader:
    """All rules for an update, in the order in which ``aggregate`` applies them."""
    header, member = read_update(split(data), where.get("members", study.plan.roster.members))
    admit_update(header, member, where.get("signed", study.signed()))
    check(header, data)
    return header


UPDATES: dict[str, tuple[Change, str | None]] = {
    "the date": (put("created", value="1970-01-01T00:00:00Z"), None),
    "the software": (put("software", value="privxray 9"), None),
    "its epsilon": (put("epsilon", value=7), None),
    "a kind of its own": (put("kind", value="share"), "header.field"),
    "another sender": (put("sender", value=B.fingerprint), "update.other-sender"),
    "another study": (put("study", value="cardiology"), "file.other-study"),
    "no study": (put("study", value=None), "file.other-study"),
    "another plan": (put("plan", value=OTHER), "file.other-plan"),
    "no plan": (put("plan", value=None), "file.other-plan"),
    "another round": (put("round", value=2), "file.round-contradicts"),
    "another round and plan": (lambda h: h.update(round=2, plan=OTHER), "file.other-round"),
    "another delta": (put("delta", value=1e-6), "update.other-delta"),
    "another recipient": (put("recipients", value=[OTHER]), "update.other-recipient"),
    "no recipient": (put("recipients", value=[]), "update.other-recipient"),
    "a second recipient": (lambda h: h["recipients"].append(OTHER), "update.other-recipient"),
    "a body key for another": (put("body", "key", "recipient", value=OTHER), "update.other-recipient"),
    "no body key": (put("body", "key", value=None), "update.other-recipient"),
    "not encrypted": (put("body", "cipher", value="none"), "update.not-encrypted"),
    "a byte less": (lambda h: h["body"].update(length=h["body"]["length"] - 1), "update.other-size"),
    "a byte more": (lambda h: h["body"].update(length=h["body"]["length"] + 1), "update.other-size"),
    "another digest": (put("body", "sha256", value=OTHER), "body.altered"),
    "a next key of this round": (
        put("next_mask", value=next_mask(A, number=1)),
        "update.next-key-not-fresh",
    ),
    "a next key of another study": (
        put("next_mask", value=next_mask(A, study="cardiology")),
        "update.next-key-not-fresh",
    ),
    "a next key for any study": (put("next_mask", value=next_mask(A, study=None)), None),
    "another's next key": (put("next_mask", value=next_mask(B)), "statement.not-its-owners"),
    "a weak next key": (put("next_mask", value=next_mask(A, key=WEAK_MASK)), "mask-key.weak"),
    "shares": (
        put("dealt", value=json.loads(split(SHARED).payload)["dealt"]),
        "update.needless-shares",
    ),
}


@pytest.mark.parametrize("what", UPDATES)
def test_updates_with_something_altered(what: str) -> None:
    change, reason = UPDATES[what]
    data = changed(UPDATE, change, A.identity)
    if reason is None:
        receive_update(STRICT, data)
        return
    with refused(reason):
        receive_update(STRICT, data)


def test_whose_updates_are_read() -> None:
    stranger = Hospital("stranger")
    with refused("update.unknown-signer"):
        receive_update(STRICT, STRICT.update(stranger, np.zeros(15, np.uint64)))
    with refused("signature.wrong"):
        receive_update(STRICT, changed(UPDATE, put("epsilon", value=1), stranger.identity))
    with refused("file.other-kind"):
        read_update(STRICT.plan_file(), MEMBERS)
    left = STRICT.make_plan(roster=version(2, *MEMBERS[1:]))
    data = STRICT.update(A, np.zeros(15, np.uint64), plan=left)
    with refused("update.sender-left"):
        receive_update(STRICT, data, signed=STRICT.signed(left))
    twin = MEMBERS[0].model_copy(update={"name": "hospital-z"})
    with refused("update.sender-left"):
        receive_update(STRICT, UPDATE, members=[twin])


def shorter(box: str) -> str:
    return text(base64.b64decode(box)[:-1])


SHARES_IN_UPDATES: dict[str, tuple[Change, str]] = {
    "none": (put("dealt", value=None), "update.shares-missing"),
    "a box less": (lambda h: h["dealt"]["boxes"].pop(), "update.boxes"),
    "a box more": (lambda h: h["dealt"]["boxes"].append(h["dealt"]["boxes"][0]), "update.boxes"),
    "a byte less": (
        lambda h: put("dealt", "boxes", 0, value=shorter(h["dealt"]["boxes"][0]))(h),
        "update.boxes",
    ),
    "no base64": (put("dealt", "boxes", 0, value="="), "update.box-base64"),
    "a commitment less": (
        lambda h: h["dealt"].update(commitments=h["dealt"]["commitments"][: 40 * -4]),
        "update.commitments",
    ),
    "no commitments": (put("dealt", "commitments", value=""), "update.commitments"),
    "commitments that are no base64": (put("dealt", "commitments", value="A="), "update.commitments-base64"),
}


@pytest.mark.parametrize("what", SHARES_IN_UPDATES)
def test_updates_with_other_shares(what: str) -> None:
    change, reason = SHARES_IN_UPDATES[what]
    with refused(reason):
        receive_update(HELD, changed(SHARED, change, HELD.hospitals[0].identity))


# Requests

UPDATES_OF = {h.fingerprint: HELD.concealed(h, place) for place, h in enumerate(HELD.hospitals)}
REQUEST = HELD.request({h.fingerprint: UPDATES_OF[h.fingerprint] for h in HELD.hospitals[:4]})
KEYHOLDER = HELD.trustees[0]


def receive_request(data: bytes, own: str = KEYHOLDER.fingerprint, answered: str | None = None) -> int:
    """What a keyholder checks before it opens its boxes."""
    header, seat = admit_request(split(data), HELD.signed(), own, answered)
    check(header, data)
    admit_survivors(header, body_of(data), HELD.signed())
    return seat


REQUESTS: dict[str, tuple[Change, str | None]] = {
    "the date": (put("created", value="1970-01-01T00:00:00Z"), None),
    "the software": (put("software", value="privxray 9"), None),
    "no date": (put("created", value="today"), "header.field"),
    "a field more": (lambda h: h.update(more=1), "header.field"),
    "a field less": (lambda h: h.pop("survivors"), "header.field"),
    "a format of its own": (put("format", value=2), "header.other-format"),
    "a kind of its own": (put("kind", value="share"), "header.field"),
    "another study": (put("study", value="cardiology"), "file.other-study"),
    "another plan": (put("plan", value=OTHER), "file.other-plan"),
    "another round": (put("round", value=2), "file.round-contradicts"),
    "another sender": (put("sender", value=OTHER), "request.other-sender"),
    "other recipients": (put("recipients", value=[OTHER]), "request.other-recipients"),
    "encrypted": (put("body", "cipher", value="chacha20poly1305-stream"), "request.encrypted"),
    "a body key": (put("body", "key", value={"recipient": OTHER, "wrapped": ""}), "request.encrypted"),
    "survivors descending": (lambda h: h["survivors"].reverse(), "request.survivors-not-ascending"),
    "a survivor twice": (
        lambda h: h["survivors"].append(h["survivors"][-1]),
        "request.survivors-not-ascending",
    ),
    "a stranger": (lambda h: h["survivors"].append("f" * 64), "request.survivor-unknown"),
    "too few": (lambda h: h["survivors"].pop(), "request.too-few-survivors"),
    "none": (put("survivors", value=[]), "header.field"),
    "another length": (put("body", "length", value=7), "body.longer-than-said"),
    "a longer one": (lambda h: h["body"].update(length=h["body"]["length"] + 1), "body.cut-off"),
    "another digest": (put("body", "sha256", value=OTHER), "body.altered"),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_requests_with_something_altered(what: str) -> None:
    change, reason = REQUESTS[what]
    data = changed(REQUEST, change, HELD.coordinator)
    if reason is None:
        assert receive_request(data) == 1
        return
    with refused(reason):
        receive_request(data)


def test_whose_requests_are_answered_and_by_whom() -> None:
    for seat, keyholder in enumerate(HELD.trustees, start=1):
        assert receive_request(REQUEST, keyholder.fingerprint) == seat
    assert receive_request(REQUEST, answered=split(REQUEST).digest) == 1
    with refused("request.second"):
        receive_request(REQUEST, answered=OTHER)
    with refused("request.no-keyholder-here"):
        receive_request(REQUEST, HELD.hospitals[0].fingerprint)
    with refused("request.no-keyholder-here"):  # a strict plan has none at all
        strict = HELD.signed(HELD.make_plan(mode="strict", committee=None))
        data = changed(REQUEST, put("plan", value=strict.digest), HELD.coordinator)
        admit_request(split(data), strict, KEYHOLDER.fingerprint, None)
    with refused("request.other-coordinator"):
        receive_request(HELD.request(UPDATES_OF, signer=HELD.hospitals[0].identity))
    with refused("signature.wrong"):
        receive_request(changed(REQUEST, put("created", value="1970-01-01T00:00:00Z"), Identity.generate()))
    with refused("file.other-kind"):
        receive_request(UPDATES_OF[HELD.hospitals[0].fingerprint])


def request_with(parts: list[bytes]) -> bytes:
    """A request whose body are these envelopes, and whose header says so."""
    body = b"".join(parts)
    stated = {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    change: Change = lambda header: header["body"].update(stated)  # noqa: E731
    return changed(REQUEST[: split(REQUEST).length], change, HELD.coordinator) + body


def test_the_updates_in_a_request() -> None:
    header = split(REQUEST).claim(RequestHeader)
    parts = [UPDATES_OF[one][: split(UPDATES_OF[one]).length] for one in header.survivors]
    assert receive_request(request_with(parts)) == 1
    a, b, c, d = parts
    for arranged, reason in (
        ([b, a, c, d], "request.other-updates"),
        ([a, a, c, d], "request.other-updates"),
        ([a, b, c], "file.not-privxray"),
        ([a, b, c, d[:-1]], "envelope.cut-off"),
        ([a, b, c, d, a], "request.more-than-updates"),
        ([a, b, c, d, b"\0"], "request.more-than-updates"),
    ):
        with refused(reason):
            receive_request(request_with(arranged))


SURVIVORS: dict[str, tuple[Change, str]] = {
    "of another plan": (put("plan", value=OTHER), "file.other-plan"),
    "of another study": (put("study", value="cardiology"), "file.other-study"),
    "without shares": (put("dealt", value=None), "update.shares-missing"),
    "with a next key of this round": (
        lambda h: h.update(next_mask=next_mask(HELD.hospitals[0], number=1)),
        "update.next-key-not-fresh",
    ),
    "by another sender": (put("sender", value=HELD.hospitals[1].fingerprint), "update.other-sender"),
}


@pytest.mark.parametrize("what", SURVIVORS)
def test_a_survivor_that_did_not_deliver_under_this_plan(what: str) -> None:
    change, reason = SURVIVORS[what]
    first = HELD.hospitals[0]
    evil = changed(UPDATES_OF[first.fingerprint], change, first.identity)
    data = HELD.request(UPDATES_OF | {first.fingerprint: evil})
    with refused(reason) as told:
        receive_request(data)
    assert "the request's update of hospital-a is refused: " in str(told.value)


def test_a_survivor_whose_update_somebody_else_signed() -> None:
    first = HELD.hospitals[0]
    evil = changed(UPDATES_OF[first.fingerprint], put("epsilon", value=1), Identity.generate())
    with refused("signature.wrong"):
        receive_request(HELD.request(UPDATES_OF | {first.fingerprint: evil}))


# Share files


def share(keyholder: Hospital = KEYHOLDER) -> bytes:
    asked = SignedRequest.claimed(split(REQUEST))
    header, seat = admit_request(split(REQUEST), HELD.signed(), keyholder.fingerprint, None)
    opened = {}
    for owner, dealt in admit_survivors(header, body_of(REQUEST), HELD.signed()).items():
        opened[owner] = open_box(dealt, HELD.signed().dealing(owner), seat, keyholder.unsealing)
    following_ = UnsealingStatement(**next_unsealing(keyholder))
    return write_share(opened, asked, HELD.signed(), keyholder.identity, following_, STAMP)


def next_unsealing(owner: Hospital, **changes: Any) -> dict[str, Any]:
    fields = {"study": "pneumonia", "number": 2, "key": SealingKey.generate().public()} | changes
    return statement(UnsealingStatement, owner, **fields)


SHARE = share()


def receive_share(data: bytes, study: SignedPlan | None = None) -> int:
    """What a coordinator checks before it decrypts."""
    header = read_share(split(data), HELD.plan.roster.parties)
    seat = admit_share(header, study or HELD.signed(), SignedRequest.claimed(split(REQUEST)))
    check(header, data)
    return seat


SHARES: dict[str, tuple[Change, str | None]] = {
    "the date": (put("created", value="1970-01-01T00:00:00Z"), None),
    "the software": (put("software", value="privxray 9"), None),
    "a kind of its own": (put("kind", value="request"), "header.field"),
    "a format of its own": (put("format", value=2), "header.other-format"),
    "another sender": (put("sender", value=OTHER), "share.other-sender"),
    "another study": (put("study", value="cardiology"), "file.other-study"),
    "another plan": (put("plan", value=OTHER), "file.other-plan"),
    "another round": (put("round", value=2), "file.round-contradicts"),
    "another request": (put("request", value=OTHER), "share.other-request"),
    "another recipient": (put("recipients", value=[OTHER]), "share.other-recipient"),
    "a body key for another": (put("body", "key", "recipient", value=OTHER), "share.other-recipient"),
    "no body key": (put("body", "key", value=None), "share.other-recipient"),
    "not encrypted": (put("body", "cipher", value="none"), "share.not-encrypted"),
    "a byte less": (lambda h: h["body"].update(length=h["body"]["length"] - 1), "share.other-size"),
    "a byte more": (lambda h: h["body"].update(length=h["body"]["length"] + 1), "share.other-size"),
    "another digest": (put("body", "sha256", value=OTHER), "body.altered"),
    "another's next key": (
        put("next_unsealing", value=next_unsealing(HELD.trustees[1])),
        "statement.not-its-owners",
    ),
    "a next key of this round": (
        put("next_unsealing", value=next_unsealing(KEYHOLDER, number=1)),
        "share.next-key-not-fresh",
    ),
    "a next key of another study": (
        put("next_unsealing", value=next_unsealing(KEYHOLDER, study="cardiology")),
        "share.next-key-not-fresh",
    ),
    "a next key that is none": (
        put("next_unsealing", value=next_unsealing(KEYHOLDER, key="AAAA")),
        "sealing-key.base64",
    ),
}


@pytest.mark.parametrize("what", SHARES)
def test_share_files_with_something_altered(what: str) -> None:
    change, reason = SHARES[what]
    data = changed(SHARE, change, KEYHOLDER.identity)
    if reason is None:
        assert receive_share(data) == 1
        return
    with refused(reason):
        receive_share(data)


def test_whose_share_files_are_taken() -> None:
    for seat, keyholder in enumerate(HELD.trustees, start=1):
        assert receive_share(share(keyholder)) == seat
    hospital = HELD.hospitals[0]
    header = json.loads(split(SHARE).payload) | {"sender": hospital.fingerprint}
    by_hospital = signed("share", canonical.encode(header), hospital.identity) + body_of(SHARE)
    with refused("share.no-keyholder"):
        receive_share(by_hospital)
    strict = HELD.signed(HELD.make_plan(mode="strict", committee=None))
    with refused("share.no-keyholder"):
        receive_share(changed(SHARE, put("plan", value=strict.digest), KEYHOLDER.identity), strict)
    with refused("share.unknown-signer"):
        receive_share(signed("share", canonical.encode(header), Identity.generate()) + body_of(SHARE))
    with refused("signature.wrong"):
        receive_share(changed(SHARE, put("software", value="privxray 9"), Identity.generate()))
    with refused("file.other-kind"):
        receive_share(REQUEST)


def test_a_keyholders_next_key_follows_the_one_of_its_own_seat() -> None:
    """Not that of another seat: the second keyholder's key in the plan is its third."""
    second = HELD.trustees[1]
    third = unsealing(second, number=3)
    seats = (SEATS[0], SEATS[1].model_copy(update={"unsealing": third}), *SEATS[2:])
    plan = HELD.signed(HELD.make_plan(**committee(seats=seats)))
    header = json.loads(split(share(second)).payload) | {"plan": plan.digest}
    for number, reason in ((3, "share.next-key-not-fresh"), (4, None)):
        header["next_unsealing"] = next_unsealing(second, number=number)
        data = signed("share", canonical.encode(header), second.identity) + body_of(share(second))
        read = read_share(split(data), HELD.plan.roster.parties)
        asked = SignedRequest.claimed(split(REQUEST))
        if reason is None:
            assert admit_share(read, plan, asked) == 2
        else:
            with refused(reason):
                admit_share(read, plan, asked)


# Models

MODEL = write_model({"weights": np.zeros((3, 4))}, STRICT.signed(), STRICT.coordinator, STAMP)
MODELS: dict[str, tuple[Change, str | None]] = {
    "the date": (put("created", value="1970-01-01T00:00:00Z"), None),
    "a kind of its own": (put("kind", value="plan"), "header.field"),
    "another study": (put("study", value="cardiology"), "file.other-study"),
    "another plan": (put("plan", value=OTHER), "file.other-plan"),
    "another round": (put("round", value=2), "file.round-contradicts"),
    "another sender": (put("sender", value=OTHER), "model.not-as-planned"),
    "another method": (put("method", value="dp-sgd"), "model.not-as-planned"),
    "other constants": (put("constants", value={"steps": 3}), "model.not-as-planned"),
    "other classes": (put("classes", value=["normal", "virus"]), "model.not-as-planned"),
    "another extractor": (put("extractor", value="another"), "model.not-as-planned"),
    "another stage": (put("stage", value=2), "model.not-as-planned"),
    "other stages": (put("stages", value=2), "model.not-as-planned"),
    "another epsilon": (put("epsilon", value=5.0), "model.not-as-planned"),
    "another delta": (put("delta", value=1e-6), "model.not-as-planned"),
}


@pytest.mark.parametrize("what", MODELS)
def test_models_with_something_altered(what: str) -> None:
    change, reason = MODELS[what]
    data = changed(MODEL, change, STRICT.coordinator)
    if reason is None:
        assert admit_model(split(data), STRICT.signed()).round == 1
        return
    with refused(reason):
        admit_model(split(data), STRICT.signed())


def test_whose_models_are_accepted() -> None:
    with refused("model.other-coordinator"):
        admit_model(split(write_model({}, STRICT.signed(), Identity.generate(), STAMP)), STRICT.signed())
    with refused("signature.wrong"):
        admit_model(split(changed(MODEL, put("stage", value=2), Identity.generate())), STRICT.signed())
    with refused("file.other-kind"):
        admit_model(STRICT.plan_file(), STRICT.signed())
    assert SignedPlan(STRICT.plan, PlanHash(STRICT.plan_hash)) == STRICT.signed()


def test_every_rule_of_a_travelling_file_is_tried_by_a_test() -> None:
    """By its reason. tests/mutants goes further: there each refusal is taken out in turn."""
    tests = Path(__file__).parents[1]
    tried = "".join(
        path.read_text("utf-8")
        for place in ("unit", "attacks", "cli")
        for path in tests.glob(f"{place}/*.py")
    )
    folder = Path(catalogue.__file__).parent / "reasons"
    families = [tomllib.loads((folder / f"{one}.toml").read_text("utf-8")) for one in FAMILIES]
    assert [reason for family in families for reason in family if f'"{reason}"' not in tried] == []


FAMILIES = ("files", "keys", "plans", "rounds")
