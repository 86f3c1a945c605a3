"""A coordinator that plays the keyholders off against each other, or hands them what is not theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
import pytest
from exchange_samples import STAMP, Hospital, Study
from forged_files import reason_of
from simulator import (
    Attacker,
    Inputs,
    World,
    offered,
    pair_differs,
    self_differs,
    some_inputs,
)

from privxray.exchange import concealing
from privxray.exchange.admission.cohort import Cohort, Verdict
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.exchange.messages.share import write_share
from privxray.exchange.messages.update import UpdateHeader
from privxray.exchange.sharing.dealing import SELF, Opened, secrets_to_open
from privxray.formats import canonical
from privxray.formats.container import seal_header, split
from privxray.keys import sealing_keys


@pytest.fixture(scope="module")
def study() -> Study:
    """Five hospitals, four trustees of whom three open; a and b are the victims, e is corrupt."""
    return Study(hospitals=5, trustees=4)


def exports(world: World, inputs: Inputs) -> dict[str, bytes]:
    return {h.name: world.export(h, inputs[h.name]) for h in world.study.hospitals}


def all_but(study: Study, *left_out: str) -> list[str]:
    return [h.name for h in study.hospitals if h.name not in left_out]


def round_of(
    study: Study,
    inputs: Inputs,
    sets: Mapping[str, Iterable[str]],
    *,
    corrupt: int = 1,
    stale: Iterable[str] = (),
    world: World | None = None,
) -> Attacker:
    """Everybody delivers; each keyholder is asked for the sum of its own set, a stale one for another too.

    The last ``corrupt`` trustees and hospital-e are the attacker's.
    """
    world = world or World(study)
    keyholders = study.trustees[len(study.trustees) - corrupt :]
    attacker = Attacker(world, study.hospitals[-1:], keyholders)
    updates = exports(world, inputs)
    for name, update in updates.items():
        attacker.sees(name, update)
    for keyholder in study.trustees[: len(study.trustees) - corrupt if sets else 0]:
        request = world.request(updates, sets[keyholder.name])
        attacker.hears(world.answer(keyholder, request), request)
        if keyholder.name in stale:
            world.restore_snapshot(keyholder)
            request = world.request(updates, sets["again"])
            attacker.hears(world.answer(keyholder, request), request)
    return attacker


def total(inputs: Inputs, names: Iterable[str]) -> np.ndarray:
    return sum(inputs[name] for name in names)


def test_an_honest_round_opens_the_sum_of_the_survivors_and_hides_the_rest(study: Study) -> None:
    inputs, names = some_inputs(study), all_but(study, "hospital-d")
    world = World(study)

    def play(moved: Inputs) -> dict[str, bytes]:
        fresh = World(study)
        attacker = Attacker(fresh, study.hospitals[-1:], study.trustees[-1:])
        updates = exports(fresh, moved)
        for name, update in updates.items():
            attacker.sees(name, update)
        request = fresh.request(updates, names)
        answers = [(fresh.answer(one, request), request) for one in study.trustees[:3]]
        if moved is inputs:
            assert np.array_equal(attacker.sum_of(names, answers), total(inputs, names))
        else:
            attacker.sum_of(names, answers)
        return attacker.view()

    a, b, _, d, _ = study.hospitals
    assert pair_differs(world, play, inputs, a, b) == set()
    assert self_differs(world, play, inputs, d) == set(), "the late one's self-mask"


def test_both_secrets_requested(study: Study) -> None:
    """First with the victim, then without it: the second request is refused by whoever answered the first."""
    world, inputs = World(study), some_inputs(study)
    updates = exports(world, inputs)
    with_victim = world.request(updates, all_but(study))
    without = world.request(updates, all_but(study, "hospital-a"))
    keyholder = study.trustees[0]
    world.answer(keyholder, with_victim)
    assert reason_of(lambda: world.answer(keyholder, without)) == "request.second"
    assert reason_of(lambda: world.answer(keyholder, with_victim)) is None, (
        "the same again is the same answer"
    )


def test_no_answer_holds_both_secrets_of_a_hospital(study: Study) -> None:
    hospitals = study.plan.hospitals
    for size in range(1, 6):
        survivors = sorted(hospitals)[:size]
        pairs = secrets_to_open(survivors, hospitals)
        assert len(pairs) == len(set(pairs)) == size * (1 + 5 - size)
        for owner, secret in pairs:
            assert owner in survivors
            assert secret == SELF or secret not in survivors


def two_sums(study: Study, corrupt: int, with_victim: int = 2) -> dict[str, list[str]]:
    """Some honest keyholders are asked for everybody, the others for everybody but hospital-a."""
    honest = study.trustees[: len(study.trustees) - corrupt]
    everybody, without = all_but(study), all_but(study, "hospital-a")
    sets = {one.name: everybody if place < with_victim else without for place, one in enumerate(honest)}
    return sets | {"again": without}


def test_two_requests_to_two_halves_with_c_corrupt_open_nothing_more(study: Study) -> None:
    world, inputs = World(study), some_inputs(study)
    a, b = study.hospitals[:2]

    def play(moved: Inputs) -> dict[str, bytes]:
        return round_of(study, moved, two_sums(study, 1)).view()

    assert pair_differs(world, play, inputs, a, b) == set()


@pytest.mark.parametrize("with_victim", [2, 3])
def test_a_keyholder_from_a_restored_snapshot_is_one_of_the_c(study: Study, with_victim: int) -> None:
    """c = 1 stale keyholder that answers both, nobody corrupt: covered. Either the sum without a opens, and a
    is behind its self-mask, or the one with a, and it is behind its masks with the others."""
    world, inputs = World(study), some_inputs(study)
    a, b = study.hospitals[:2]
    sets = two_sums(study, 0, with_victim)

    def play(moved: Inputs) -> dict[str, bytes]:
        return round_of(study, moved, sets, corrupt=0, stale=["trustee-1"]).view()

    if with_victim == 2:
        assert self_differs(world, play, inputs, a) == set()
    else:
        assert pair_differs(world, play, inputs, a, b) == set()


@pytest.mark.parametrize(
    ("corrupt", "stale", "with_victim"),
    [(1, ["trustee-1"], 2), (0, ["trustee-1", "trustee-2"], 3), (2, [], 1)],
)
def test_one_more_than_c_opens_the_victims_vector(
    study: Study, corrupt: int, stale: list[str], with_victim: int
) -> None:
    """What c + 1 costs, whether they are corrupt or stale: hospital-a's vector, to the bit."""
    inputs = some_inputs(study)
    sets = two_sums(study, corrupt, with_victim)

    def play(moved: Inputs) -> dict[str, bytes]:
        return round_of(study, moved, sets, corrupt=corrupt, stale=stale).view()

    view = play(inputs)
    assert view["stripped hospital-a 0"] == inputs["hospital-a"].tobytes()
    a, b = study.hospitals[:2]
    assert "stripped hospital-a 0" in pair_differs(World(study), play, inputs, a, b), "the coupling sees it"


MIXED = {
    "trustee-1": ["hospital-a", "hospital-b", "hospital-e"],
    "trustee-2": ["hospital-a", "hospital-c", "hospital-e"],
    "trustee-3": ["hospital-a", "hospital-d", "hospital-e"],
}


def test_requests_that_differ_for_every_keyholder_and_combine(study: Study) -> None:
    """docs/adr/0064: under a minimum cohort of 3, every keyholder answers once, nobody is asked for fewer
    than three hospitals, one keyholder and one hospital are corrupt as the plan assumes, and hospital-a is
    opened. So every recipient refuses such a plan."""
    unsafe = study.make_plan(committee=study.committee(minimum_cohort=3))
    inputs = some_inputs(study)
    attacker = round_of(study, inputs, MIXED, world=World(study, unsafe))
    assert np.array_equal(attacker.stripped("hospital-a"), inputs["hospital-a"])
    assert reason_of(unsafe.verify) == "committee.one-hospital-left"
    assert study.plan.committee is not None
    assert study.plan.committee.minimum_cohort == 4
    world = World(study)
    updates = exports(world, inputs)
    for name, names in MIXED.items():
        request = world.request(updates, names)
        assert (
            reason_of(lambda n=name, r=request: world.answer(world.parties[n], r))
            == "request.too-few-survivors"
        )


def test_no_mixture_of_requests_that_are_answered_isolates_a_hospital(study: Study) -> None:
    """Every way to ask three honest keyholders for four or five of the hospitals, with one keyholder and
    hospital-e corrupt: a stays hidden behind a mask with an honest hospital, or behind its own."""
    a = study.hospitals[0].fingerprint
    honest = [h.fingerprint for h in study.hospitals[1:4]]
    heard = round_of(study, some_inputs(study), {})
    updates = {name: seen[0] for name, seen in heard.updates.items()}
    answers = {}
    for keyholder, out in product(study.trustees[:3], LEFT_OUT):
        world = World(study)
        request = world.request(updates, all_but(study, *out))
        seat = world.plan.committee.seat(keyholder.fingerprint)
        told = Attacker(world).hears(world.answer(keyholder, request), request)
        answers[keyholder.name, out] = {pair: {seat: one.share} for pair, one in told.items()}
    for asked in combinations_with_replacement(LEFT_OUT, 3):
        attacker = copy(heard)
        attacker.shares = {pair: dict(held) for pair, held in heard.shares.items()}
        for keyholder, out in zip(study.trustees, asked, strict=False):
            for pair, held in answers[keyholder.name, out].items():
                attacker.shares.setdefault(pair, {}).update(held)
        keys = attacker.keys()
        assert (a, SELF) not in keys or any((a, other) not in keys for other in honest)


LEFT_OUT = [(), ("hospital-a",), ("hospital-b",), ("hospital-c",), ("hospital-d",)]


def tampered(world: World, hospital: Hospital, update: bytes, **changes: Any) -> bytes:
    """A corrupt hospital signs another header over its own body."""
    envelope = split(update)
    header = envelope.claim(UpdateHeader).model_copy(update=changes)
    return seal_header(header, hospital.identity.signing, header.sender) + update[envelope.length :]


def test_a_share_transplant(study: Study) -> None:
    """hospital-e deals hospital-a's boxes and commitments as its own, to have them opened as its own."""
    world, inputs = World(study), some_inputs(study)
    updates = exports(world, inputs)
    victims = split(updates["hospital-a"]).claim(UpdateHeader).dealt
    own = split(updates["hospital-e"]).claim(UpdateHeader).dealt
    assert victims is not None
    assert own is not None
    copied, others = "update.box-not-for-this-keyholder", "share.not-as-committed"
    for dealt, reason in (
        (victims, copied),
        (own.model_copy(update={"boxes": victims.boxes}), copied),
        (own.model_copy(update={"boxes": (victims.boxes[0], *own.boxes[1:])}), copied),
        (own.model_copy(update={"commitments": victims.commitments}), others),
        (own.model_copy(update={"boxes": own.boxes[::-1]}), copied),
    ):
        evil = tampered(world, study.hospitals[-1], updates["hospital-e"], dealt=dealt)
        request = world.request(updates | {"hospital-e": evil}, all_but(study, "hospital-d"))
        assert reason_of(lambda r=request: world.answer(study.trustees[0], r)) == reason
        assert study.trustees[0].name not in world.memory, "nothing was answered, so the state is clean"


def test_a_box_that_the_corrupt_hospital_seals_itself_does_not_pass_without_its_commitments(
    study: Study,
) -> None:
    world, inputs = World(study), some_inputs(study)
    updates = exports(world, inputs)
    own = split(updates["hospital-e"]).claim(UpdateHeader).dealt
    assert own is not None
    assert world.plan.committee is not None
    evil = study.hospitals[-1]
    context = world.signed.dealing(evil.fingerprint)
    key = world.plan.committee.seats[0].unsealing.key
    content = bytes(49 * 5)
    box = canonical.to_base64(sealing_keys.seal_to(key, content, context.box_info(1)))
    dealt = own.model_copy(update={"boxes": (box, *own.boxes[1:])})
    update = tampered(world, evil, updates["hospital-e"], dealt=dealt)
    request = world.request(updates | {"hospital-e": update}, all_but(study))
    assert reason_of(lambda: world.answer(study.trustees[0], request)) == "share.not-as-committed"


def test_a_share_altered_by_its_keyholder(study: Study) -> None:
    """A corrupt keyholder answers with another share, another salt, or two shares exchanged: refused."""
    world, inputs = World(study), some_inputs(study)
    updates = exports(world, inputs)
    request = world.request(updates, all_but(study))
    keyholder = study.trustees[0]
    attacker = Attacker(world)
    for name, update in updates.items():
        attacker.sees(name, update)
    good = attacker.hears(world.answer(keyholder, request), request)
    header = split(request).claim(RequestHeader)
    first, second = sorted(header.survivors)[:2]
    one = good[first, SELF]
    for altered in (
        Opened((int.from_bytes(one.share, "big") ^ 1).to_bytes(33, "big"), one.salt),
        Opened(one.share, bytes(16)),
        good[second, SELF],
    ):
        opened = {owner: {SELF: good[owner, SELF]} for owner in header.survivors}
        opened[first][SELF] = altered
        unsealing = keyholder.unsealing_statement().model_copy(update={"number": 2})
        unsealing = type(unsealing).sign(unsealing.key, "pneumonia", 2, keyholder.identity.signing)
        forged = write_share(
            opened, SignedRequest.claimed(split(request)), world.signed, keyholder.identity, unsealing, STAMP
        )
        assert reason_of(lambda f=forged: attacker.hears(f, request)) == "share.not-as-committed"


def test_a_share_altered_on_its_way(study: Study) -> None:
    world, inputs = World(study), some_inputs(study)
    updates = exports(world, inputs)
    request = world.request(updates, all_but(study))
    share = bytearray(world.answer(study.trustees[0], request))
    share[-1] ^= 1
    assert reason_of(lambda: Attacker(world).hears(bytes(share), request)) == "body.altered"


def test_a_late_update_after_recovery(study: Study) -> None:
    """hospital-d is late: its masks with everybody are open by then. An honest coordinator passes the file
    over, and for a lying one d's self-mask hides it."""
    world, inputs = World(study), some_inputs(study)
    updates = exports(world, inputs)
    cohort = Cohort(world.signed, {p.keys.fingerprint: p for p in world.plan.roster.parties})
    for name in all_but(study, "hospital-d"):
        assert offered(cohort, updates[name]) is Verdict.TAKEN
    envelope = split(world.request(updates, all_but(study, "hospital-d")))
    cohort.set_request(SignedRequest.claimed(envelope))
    assert offered(cohort, updates["hospital-d"]) is Verdict.LATE
    without = dict.fromkeys(("trustee-1", "trustee-2", "trustee-3"), all_but(study, "hospital-d"))
    d = study.hospitals[3]

    def play(moved: Inputs) -> dict[str, bytes]:
        attacker = round_of(study, moved, without)
        keys = attacker.keys()
        assert all((d.fingerprint, h.fingerprint) in keys for h in study.hospitals if h is not d)
        return attacker.view()

    assert self_differs(world, play, inputs, d) == set()


def test_a_late_update_without_a_self_mask_is_opened(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The coupling can fail: leave the self-mask out of the exports, and it does, and d's vector is there."""
    real = concealing.add_streams

    def without_self_mask(vector: np.ndarray, streams: Any) -> None:
        real(vector, streams[:-1])

    world, inputs = World(study), some_inputs(study)
    without = dict.fromkeys(("trustee-1", "trustee-2", "trustee-3"), all_but(study, "hospital-d"))
    d = study.hospitals[3]

    def play(moved: Inputs) -> dict[str, bytes]:
        patched = concealing.add_streams
        with monkeypatch.context() as patch:
            patch.setattr(concealing, "add_streams", lambda v, s: patched(v, s[:-1]))
            return round_of(study, moved, without).view()

    assert "stripped hospital-d 0" in self_differs(world, play, inputs, d)
    monkeypatch.setattr(concealing, "add_streams", without_self_mask)
    attacker = round_of(study, inputs, without)
    pairwise = {pair: key for pair, key in attacker.keys().items() if pair[1] != SELF}
    monkeypatch.setattr(attacker, "keys", lambda: pairwise)
    assert np.array_equal(attacker.stripped("hospital-d"), inputs["hospital-d"])


def test_two_late_hospitals_hide_behind_each_other_too(study: Study) -> None:
    """Under a plan of six that may lose two: the key of two that are missing is in no answer."""
    six = Study(hospitals=6, trustees=4)
    world, inputs = World(six), some_inputs(six)
    names = [h.name for h in six.hospitals[:4]]
    c, d = six.hospitals[4:]
    attacker = Attacker(world, keyholders=six.trustees[-1:])
    updates = exports(world, inputs)
    for name, update in updates.items():
        attacker.sees(name, update)
    request = world.request(updates, names)
    for keyholder in six.trustees[:3]:
        attacker.hears(world.answer(keyholder, request), request)
    assert not {(c.fingerprint, d.fingerprint), (d.fingerprint, c.fingerprint)} & set(attacker.keys())


def test_a_coordinator_with_a_quantum_computer(study: Study) -> None:
    """Whoever computes all private mask keys from the plan takes all pairwise masks off. Survivors are open
    then, for their seeds were given; one that came too late is not, for its seed is in boxes under ML-KEM."""
    inputs = some_inputs(study)
    without = dict.fromkeys(("trustee-1", "trustee-2", "trustee-3"), all_but(study, "hospital-d"))

    def play(moved: Inputs) -> dict[str, bytes]:
        attacker = round_of(study, moved, without)
        attacker.hospitals = study.hospitals
        return attacker.view()

    view = play(inputs)
    for name in all_but(study, "hospital-d"):
        assert view[f"stripped {name} 0"] == inputs[name].tobytes()
    assert self_differs(World(study), play, inputs, study.hospitals[3]) == set()
