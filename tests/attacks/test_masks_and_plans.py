"""A coordinator that lies about plans, keys and members, and masks that are used twice."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Callable

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from exchange_samples import Hospital, Study
from forged_files import reason_of
from simulator import (
    Attacker,
    Inputs,
    World,
    differing,
    offered,
    pair_differs,
    self_differs,
    some_inputs,
)

from privxray.exchange.admission.admit_successor import admit_successor
from privxray.exchange.admission.cohort import Cohort, Verdict
from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.masking.masks import adds, pairwise_key
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.request import SignedRequest
from privxray.formats import canonical
from privxray.formats.container import split
from privxray.formats.header import Body, PlanHash
from privxray.keys.identity import Identity
from privxray.keys.mask_statement import MaskStatement, state_mask_key
from privxray.keys.roster import Member
from privxray.workspace.key_ring import SCHEMA, KeyRing


@pytest.fixture(scope="module")
def study() -> Study:
    """Three hospitals in the mode ``strict``, of which hospital-c is corrupt where anybody is."""
    return Study()


@pytest.fixture(scope="module")
def held() -> Study:
    """Five hospitals with four keyholders."""
    return Study(hospitals=5, trustees=4)


# Different plans


def other_models(study: Study) -> tuple[PlanHeader, PlanHeader]:
    """Two plans that differ in the bytes of the starting model alone."""
    bodies = (Body(length=4, sha256=hashlib.sha256(model).hexdigest()) for model in (b"good", b"evil"))
    first, second = (study.make_plan(body=body) for body in bodies)
    return first, second


def other_terms(study: Study) -> tuple[PlanHeader, PlanHeader]:
    return study.plan, study.make_plan(epsilon=5.0)


@pytest.mark.parametrize("plans", [other_terms, other_models])
def test_different_plans_or_models_to_different_hospitals(
    study: Study, plans: Callable[[Study], tuple[PlanHeader, PlanHeader]]
) -> None:
    """The victim, hospital-a, gets one plan and the others another. With Pasquini et al. 2022 the others'
    model gives updates that are known beforehand, so that the sum would be the victim's; but its masks
    don't cancel."""
    inputs = some_inputs(study)
    one, other = (World(study, plan) for plan in plans(study))
    a, b, c = study.hospitals

    def play(moved: Inputs) -> dict[str, bytes]:
        alone, together = Attacker(one, [c]), Attacker(other, [c])
        alone.sees(a.name, one.export(a, moved[a.name]))
        for hospital in (b, c):
            together.sees(hospital.name, other.export(hospital, moved[hospital.name]))
        known = {f"together {part}": value for part, value in together.view().items()}
        mixed = alone.stripped(a.name) + together.body(b.name) + together.body(c.name)
        return alone.view() | known | {"mixed": mixed.tobytes()}

    sign = -1 if adds(a.fingerprint, b.fingerprint) else 1
    assert differing(play, inputs, {a.name: 1}, one.pairwise_key(a, b), sign) == set()
    plain = sum(inputs.values()).tobytes()
    assert play(inputs)["mixed"] != plain


def test_different_plans_in_the_mode_with_keyholders(held: Study) -> None:
    """Under the plan that only two hospitals got, one of them corrupt, no sum is large enough to be asked
    for."""
    plan = held.make_plan(epsilon=5.0)
    world, inputs = World(held, plan), some_inputs(held)
    a, e = held.hospitals[0], held.hospitals[-1]
    updates = {h.name: world.export(h, inputs[h.name]) for h in (a, e)}
    request = world.request(updates, updates)
    for keyholder in held.trustees:
        assert reason_of(lambda k=keyholder: world.answer(k, request)) == "request.too-few-survivors"
    elsewhere = World(held)  # a keyholder that got the other plan
    assert reason_of(lambda: elsewhere.answer(held.trustees[0], request)) == "file.other-plan"


def test_a_second_plan_for_the_same_round(study: Study) -> None:
    other = study.make_plan(epsilon=5.0)
    assert reason_of(lambda: admit_successor(other, study.signed())) == "plan.replayed"
    identity = Identity.generate()
    ring = key_ring(identity)
    ring.bind(1, study.plan_hash)
    ring.bind(1, study.plan_hash)
    later = study.plan_file(study.make_plan(round=2, previous=study.plan_hash)).digest
    assert reason_of(lambda: ring.bind(1, later)) == "key.served-another-plan", (
        "nor under a later round's number"
    )


def key_ring(identity: Identity) -> KeyRing:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.row_factory = sqlite3.Row
    database.executescript(SCHEMA)
    ring = KeyRing(database, "mask-key")
    ring.add(bytes(32), "a public key", 1, None, identity)
    return ring


# Keys that are not what they seem


def with_members(study: Study, *members: Member) -> PlanHeader:
    return study.make_plan(roster=study.plan.roster.model_copy(update={"members": members}))


def stated_by(owner: Identity, key: bytes, number: int = 1) -> MaskStatement:
    unsigned = MaskStatement(study=None, number=number, key=canonical.to_base64(key), signature="")
    signature = canonical.to_base64(owner.signing.sign(unsigned.signed_bytes()))
    return unsigned.model_copy(update={"signature": signature})


def test_substituted_mask_keys(study: Study) -> None:
    """The coordinator puts a key of its own, or another hospital's statement, under the victim's name."""
    victim, b, c = study.plan.roster.members
    own = state_mask_key(X25519PrivateKey.generate(), None, 1, study.coordinator.signing)
    forged = stated_by(Identity.generate(), b"\x09" + bytes(31))
    renumbered = victim.mask.model_copy(update={"number": 2})
    for mask in (
        own,
        forged,
        renumbered,
        state_mask_key(X25519PrivateKey.generate(), None, 2, study.hospitals[2].identity.signing),
    ):
        plan = with_members(study, victim.model_copy(update={"mask": mask}), b, c)
        assert reason_of(plan.verify) == "statement.not-its-owners"


def test_duplicate_mask_keys(study: Study) -> None:
    """A corrupt hospital signs the victim's mask key as its own, to share its masks."""
    a, b, c = study.plan.roster.members
    copied = stated_by(study.hospitals[2].identity, base64.b64decode(a.mask.key))
    plan = with_members(study, a, b, c.model_copy(update={"mask": copied}))
    assert reason_of(plan.verify) == "roster.mask-key-twice"


def test_an_x25519_key_that_is_not_canonical(study: Study) -> None:
    """The victim's key under its other encodings: with the top bit, and with p added where that fits 32
    bytes."""
    a, b, c = study.plan.roster.members
    value = int.from_bytes(base64.b64decode(a.mask.key), "little")
    for other in (value | 1 << 255, 2**255 - 19 + 9, 0, 1, 2**255 - 20):
        evil = stated_by(study.hospitals[2].identity, other.to_bytes(32, "little"))
        plan = with_members(study, a, b, c.model_copy(update={"mask": evil}))
        assert reason_of(plan.verify) == "mask-key.weak"


def test_a_key_that_differs_from_the_victims_by_a_point_of_order_two(study: Study) -> None:
    """1/u instead of u: X25519 gives the same shared secret (its scalars are even), so the key is the
    victim's in another guise, and no check on encodings sees it. The fingerprints in HKDF's info part the
    masks."""
    a, b, c = study.hospitals
    value = int.from_bytes(a.mask.public_key().public_bytes_raw(), "little")
    twin = pow(value, -1, 2**255 - 19).to_bytes(32, "little")
    public = X25519PublicKey.from_public_bytes(twin)
    assert b.mask.exchange(public) == b.mask.exchange(a.mask.public_key())
    members = study.plan.roster.members
    evil = members[2].model_copy(update={"mask": stated_by(c.identity, twin)})
    with_members(study, *members[:2], evil).verify()
    ab = pairwise_key(b.mask, a.mask.public_key(), study.plan_hash, b.fingerprint, a.fingerprint)
    assert pairwise_key(b.mask, public, study.plan_hash, b.fingerprint, c.fingerprint) != ab


# Members that are not who they seem


def test_all_others_are_sybils(study: Study) -> None:
    """What it costs where words are compared with the coordinator alone: one real hospital among made-up
    ones is opened, and only its differential privacy is left. Two real ones are not told apart."""
    world, inputs = World(study), some_inputs(study)
    a, b, c = study.hospitals

    def play(sybils: list[Hospital]) -> Callable[[Inputs], dict[str, bytes]]:
        def played(moved: Inputs) -> dict[str, bytes]:
            attacker = Attacker(world, sybils)
            for hospital in study.hospitals:
                attacker.sees(hospital.name, world.export(hospital, moved[hospital.name]))
            attacker.sum_of([h.name for h in study.hospitals])
            return attacker.view()

        return played

    assert play([b, c])(inputs)["stripped hospital-a 0"] == inputs["hospital-a"].tobytes()
    assert "stripped hospital-a 0" in pair_differs(world, play([b, c]), inputs, a, b)
    assert pair_differs(world, play([c]), inputs, a, b) == set()


def test_a_roster_with_a_substituted_hospital_has_other_words_and_no_old_version(study: Study) -> None:
    members = study.plan.roster.members
    evil = Hospital(members[1].name)
    swapped = with_members(study, members[0], evil.member(), members[2])
    following = {"round": 2, "previous": study.plan_hash}
    plan = swapped.model_copy(update=following)
    assert reason_of(lambda: admit_successor(plan, study.signed())) == "plan.members-changed"
    newer = plan.model_copy(update={"roster": plan.roster.model_copy(update={"version": 2})})
    admit_successor(newer, study.signed())
    keys = study.coordinator.public()
    assert newer.roster.digest("pneumonia", keys) != study.plan.roster.digest("pneumonia", keys)
    back = newer.model_copy(update={"roster": study.plan.roster, "round": 3, "previous": "ab" * 32})
    before = SignedPlan(newer, PlanHash("ab" * 32))
    assert reason_of(lambda: admit_successor(back, before)) == "plan.older-roster"


def test_a_committee_exchanged_under_the_same_words(held: Study) -> None:
    """Key words cover the parties and not who of them are keyholders: mid-study that may not change under
    them."""
    members = held.plan.roster.members
    plan = held.make_plan(stages=2)
    plan_hash = held.plan_file(plan).digest
    following = {"stages": 2, "stage": 2, "round": 2, "previous": plan_hash}
    for committee in (
        held.committee([*held.trustees, *held.hospitals[3:]]),
        held.committee(minimum_cohort=5),
        held.committee(threshold=3, corrupt_hospitals=2, minimum_cohort=5),
    ):
        evil = held.make_plan(**following, committee=committee)
        evil.verify()
        before = SignedPlan(plan, plan_hash)
        assert reason_of(lambda e=evil, b=before: admit_successor(e, b)) == "plan.opening-changed"
    good = held.make_plan(**following)
    admit_successor(good, SignedPlan(plan, plan_hash))
    assert good.roster.members == members


# Masks that serve twice


def test_mask_reuse_over_rounds(study: Study) -> None:
    """The ring refuses it (above). What it would cost: the difference of two vectors, and the coupling
    sees it."""
    world, inputs = World(study), some_inputs(study)
    a, b, _ = study.hospitals
    second = inputs[a.name] + np.uint64(3)

    def play(moved: Inputs) -> dict[str, bytes]:
        attacker = Attacker(world)
        attacker.sees(a.name, world.export(a, moved[a.name]))
        attacker.sees(b.name, world.export(b, moved[b.name]))
        attacker.sees(a.name, world.export(a, second))
        return attacker.view()

    assert "body hospital-a 1" in pair_differs(world, play, inputs, a, b)
    view = play(inputs)
    bodies = [np.frombuffer(view[f"body hospital-a {which}"], np.uint64) for which in (0, 1)]
    assert np.array_equal(bodies[1] - bodies[0], np.full(15, 3, np.uint64))


def test_mask_reuse_after_a_crashed_export(study: Study, held: Study) -> None:
    """An export that starts over masks the same vector: strict, to the same integers; with keyholders, behind
    another self-mask. An attacker that gets both, which a crash leaves no way to, learns nothing from it."""
    inputs = some_inputs(study)
    world = World(study)
    a, b = study.hospitals[:2]
    attacker = Attacker(world)
    for attempt in (0, 1):
        attacker.sees(a.name, world.export(a, inputs[a.name], attempt))
    assert np.array_equal(attacker.body(a.name, 0), attacker.body(a.name, 1))

    inputs, world = some_inputs(held), World(held)
    a, b = held.hospitals[:2]
    names = [h.name for h in held.hospitals]

    def play(moved: Inputs) -> dict[str, bytes]:
        fresh = World(held)
        seen = Attacker(fresh, held.hospitals[-1:], held.trustees[-1:])
        updates = {h.name: fresh.export(h, moved[h.name]) for h in held.hospitals}
        for name, update in updates.items():
            seen.sees(name, update)
        seen.sees(a.name, fresh.export(a, moved[a.name], attempt=1))
        request = fresh.request(updates, names)
        seen.sum_of(names, [(fresh.answer(one, request), request) for one in held.trustees[:3]])
        return seen.view()

    assert pair_differs(world, play, inputs, a, b) == set()


def test_a_used_up_key_does_not_open_again() -> None:
    identity = Identity.generate()
    ring = key_ring(identity)
    ring.bind(1, "ab" * 32)
    key = ring.all()[0]
    assert ring.open(key.public, identity) == bytes(32)
    ring.burn_plan("ab" * 32)
    assert reason_of(lambda: ring.open(ring.all()[0].public, identity)) == "key.used-up"
    assert reason_of(lambda: ring.bind(1, "ab" * 32)) == "key.served-another-plan"


# Files of another round


def test_replay(held: Study) -> None:
    """Updates, requests and share files of round 1 in round 2: passed over by the coordinator, refused by
    keyholders and by whoever is asked to sum them as survivors; the same file twice in its own round
    counts once."""
    first, inputs = World(held), some_inputs(held)
    updates = {h.name: first.export(h, inputs[h.name]) for h in held.hospitals}
    request = first.request(updates, updates)
    share = first.answer(held.trustees[0], request)
    plan = held.make_plan(round=2, previous=first.plan_hash)
    second = World(held, plan)
    parties = {party.keys.fingerprint: party for party in plan.roster.parties}
    cohort = Cohort(second.signed, parties, earlier=[first.plan_hash])
    assert offered(cohort, updates["hospital-a"]) is Verdict.OVER
    assert offered(cohort, share) is Verdict.OVER
    assert not cohort.updates
    assert not cohort.answers
    assert reason_of(lambda: second.answer(held.trustees[0], request)) == "file.other-round"
    old = second.request(updates, updates)
    assert reason_of(lambda: second.answer(held.trustees[0], old)) == "file.other-round"
    assert not second.memory
    cohort = Cohort(first.signed, parties)
    for _ in range(2):
        assert offered(cohort, updates["hospital-a"]) is Verdict.TAKEN
    assert len(cohort.updates) == 1
    asked = split(request)
    cohort.set_request(SignedRequest.claimed(asked))
    for _ in range(2):
        assert offered(cohort, share) is Verdict.TAKEN
    assert len(cohort.answers) == 1
    again = first.answer(held.trustees[0], request)
    assert reason_of(lambda: offered(cohort, again)) == "share.second"
    closed = Cohort(first.signed, parties, is_open=False)
    assert offered(closed, share) is Verdict.OVER


def test_sum_minus_sum_differencing(study: Study) -> None:
    """Two legitimate rounds whose cohorts differ by hospital-d. Their difference is d's vector, to which
    everybody else's change of mind is added, if anybody trained anew: masks can't help, the commands warn,
    and what is left is that d's vector carries d's noise. With the same vectors sent twice it would be d's
    to the bit."""
    four = Study(hospitals=4)
    inputs = some_inputs(four)
    with_d = World(four)
    three = four.plan.roster.model_copy(update={"version": 2, "members": four.plan.roster.members[:3]})
    without = World(four, four.make_plan(round=2, previous=with_d.plan_hash, roster=three))
    sums = []
    for world, hospitals in ((with_d, four.hospitals), (without, four.hospitals[:3])):
        attacker = Attacker(world)
        for hospital in hospitals:
            attacker.sees(hospital.name, world.export(hospital, inputs[hospital.name]))
        sums.append(attacker.sum_of([h.name for h in hospitals]))
    assert np.array_equal(sums[0] - sums[1], inputs["hospital-d"])
    (warning,) = differs_by_one(set(with_d.plan.hospitals), set(without.plan.hospitals))
    assert "each patient keeps the plan's epsilon" in warning


def test_model_inconsistency(held: Study) -> None:
    """Pasquini et al. 2022 in the mode with keyholders: the victim, hospital-a, trains on another model than
    the rest. The keyholders follow the rest's plan: they refuse a request with the victim's update in it, and
    what they answer for the rest's sum tells nothing of the victim."""
    good, evil = (World(held, plan) for plan in other_models(held))
    inputs = some_inputs(held)
    a, b, *_, e = held.hospitals
    victims = good.export(a, inputs[a.name])
    rest = {h.name: evil.export(h, inputs[h.name]) for h in held.hospitals[1:]}
    mixed = evil.request(rest | {a.name: victims}, [a.name, *rest])
    for keyholder in held.trustees:
        assert reason_of(lambda k=keyholder: evil.answer(k, mixed)) == "file.other-plan"

    def play(moved: Inputs) -> dict[str, bytes]:
        alone, together = Attacker(good, [e], held.trustees[-1:]), Attacker(World(held, evil.plan), [e])
        alone.sees(a.name, good.export(a, moved[a.name]))
        for hospital in held.hospitals[1:]:
            together.sees(hospital.name, evil.export(hospital, moved[hospital.name]))
        request = together.world.request({n: seen[0] for n, seen in together.updates.items()}, rest)
        answers = [(together.world.answer(one, request), request) for one in held.trustees[:3]]
        together.sum_of(rest, answers)
        return alone.view() | {f"together {part}": value for part, value in together.view().items()}

    assert self_differs(good, play, inputs, a) == set()
    sign = -1 if adds(a.fingerprint, b.fingerprint) else 1
    assert differing(play, inputs, {a.name: 1}, good.pairwise_key(a, b), sign) == set()


def test_a_hospital_restored_from_a_snapshot_exports_twice(study: Study, held: Study) -> None:
    """Under one plan, another vector. In the mode ``strict`` the masks are the same: the difference is open.
    With keyholders each export has its own self-mask, of which a round opens one."""
    inputs, world = some_inputs(study), World(study)
    a = study.hospitals[0]
    attacker = Attacker(world)
    for attempt, vector in enumerate((inputs[a.name], inputs[a.name] + np.uint64(3))):
        attacker.sees(a.name, world.export(a, vector, attempt))
    assert np.array_equal(attacker.body(a.name, 1) - attacker.body(a.name, 0), np.full(15, 3, np.uint64))

    inputs = some_inputs(held) | {"second": some_inputs(held, seed=1)["hospital-a"]}
    a = held.hospitals[0]
    names = [h.name for h in held.hospitals]

    def play(moved: Inputs) -> dict[str, bytes]:
        fresh = World(held)
        seen = Attacker(fresh, held.hospitals[-1:], held.trustees[-1:])
        updates = {h.name: fresh.export(h, moved[h.name]) for h in held.hospitals}
        for name, update in updates.items():
            seen.sees(name, update)
        seen.sees(a.name, fresh.export(a, moved["second"], attempt=1))
        request = fresh.request(updates, names)
        for keyholder in held.trustees[:3]:
            seen.hears(fresh.answer(keyholder, request), request)
        return seen.view()

    second = World(held).self_mask_key(a, attempt=1)
    assert differing(play, inputs, {"second": 1}, second, -1) == set()
    first = World(held).self_mask_key(a)
    assert "stripped hospital-a 0" in differing(play, inputs, {"hospital-a": 1}, first, -1), (
        "the one that is opened"
    )


def test_poisoning_beyond_the_bounds(study: Study) -> None:
    """A corrupt hospital need not clamp. Nobody sees its vector, and of the sum only the size is checked: it
    moves a coordinate by about as much as all hospitals together may, and is refused beyond that."""
    bound = 100 * 2**20  # of the tensor ``weights``
    inputs = some_inputs(study)
    names = [h.name for h in study.hospitals]
    honest = sum(inputs.values())
    for factor, passes in ((2.9, True), (3.1, False)):
        poison = inputs[names[2]].copy()
        poison[0] = np.uint64(int(factor * bound))
        attacker = Attacker(World(study))
        for hospital in study.hospitals:
            vector = poison if hospital.name == names[2] else inputs[hospital.name]
            attacker.sees(hospital.name, attacker.world.export(hospital, vector))
        if passes:
            moved = attacker.sum_of(names) - honest
            assert moved[0] == poison[0] - inputs[names[2]][0]
            assert not moved[1:].any()
        else:
            assert reason_of(lambda one=attacker: one.sum_of(names)) == "sum.out-of-range"
