"""A coordinator that fails rounds on purpose, to have the same vectors added up twice (docs/adr/0145).

The hospitals export the same numbers in every round of a chain, so whatever is opened in two of them can be
subtracted. The keyholders are real ones, and hold each request against what they answered before by the
product's own rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from committed_round import FORM as COMMITTED
from committed_round import CommittedRound
from exchange_samples import STAMP, Hospital, Study
from forged_files import reason_of, refused
from simulator import Attacker, Inputs, World, some_inputs

from privxray.exchange.admission.repeating.admit_repeat import admit_repeat
from privxray.exchange.admission.repeating.repeat_chain import Chain
from privxray.exchange.messages.consents import enclosed, write_refusal, write_waiver
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.repeats import Faulty, Repeats, Same, Without
from privxray.exchange.messages.update import UpdateHeader
from privxray.exchange.sharing.committee import Committee
from privxray.formats import canonical
from privxray.formats.container import split
from privxray.keys.roster import Roster
from privxray.keys.sealed_body import body_key
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement

FORM: dict[str, Any] = {"format": 2, "features": ("repeats", "repeats-without")}
NOBODY = (Same(party="0" * 64, commitment="AAAA"),)  # these vectors have no commitments
KEY = canonical.to_base64(bytes(32))
OTHERS = "request.other-hospitals-than-repeated"


class Chained:
    """Rounds of five hospitals and four trustees, of whom three open; each repeats the one before.

    hospital-e and trustee-4 are the coordinator's.
    """

    def __init__(self) -> None:
        self.study = Study(hospitals=5, trustees=4)
        self.inputs: Inputs = some_inputs(self.study)
        self.worlds: list[World] = []
        self.attackers: list[Attacker] = []
        self.updates: list[dict[str, bytes]] = []
        self.answered: dict[str, dict[str, set[str]]] = {}
        self.plan(self.study.make_plan(**FORM))

    def plan(self, plan: PlanHeader) -> SignedPlan:
        """Begin a round under a plan: everybody in it exports the same numbers as before."""
        world = World(self.study, plan)
        attacker = Attacker(world, self.study.hospitals[-1:], self.study.trustees[-1:])
        updates = {}
        for hospital in self.study.hospitals:
            if hospital.fingerprint in plan.hospitals:
                updates[hospital.name] = world.export(hospital, self.inputs[hospital.name])
                attacker.sees(hospital.name, updates[hospital.name])
        self.worlds.append(world)
        self.attackers.append(attacker)
        self.updates.append(updates)
        return world.signed

    def again(self, left: Collection[str] = (), without: Without | None = None) -> SignedPlan:
        """Repeat the last round, less some hospitals."""
        last = self.worlds[-1].signed
        members = tuple(h.member() for h in self.study.hospitals if h.name not in left)
        roster = Roster(
            version=len(self.worlds) + 1,
            members=members,
            trustees=tuple(t.trustee() for t in self.study.trustees),
        )
        committee = self.study.committee()
        committee = committee.model_copy(update={"minimum_cohort": min(4, len(members))})
        repeats = Repeats(plan=last.digest, same=NOBODY)
        number = len(self.worlds) + 1
        changes = {"round": number, "previous": last.digest, "repeats": repeats, "without": without}
        return self.plan(self.study.make_plan(**FORM, roster=roster, committee=committee, **changes))

    @property
    def chain(self) -> Chain:
        signed = [world.signed for world in self.worlds]
        return Chain(signed[-1].plan, tuple(reversed(signed[:-1])))

    def ask(self, keyholder: Hospital, names: Iterable[str]) -> None:
        """Ask for a sum in the newest round, and let the coordinator hear the answer."""
        world, names = self.worlds[-1], sorted(names)
        request = world.request(self.updates[-1], names)
        before = self.answered.setdefault(keyholder.name, {})
        survivors = {world.parties[name].fingerprint for name in names}
        self.chain.expect_bound(before, survivors)
        share = world.answer(keyholder, request)
        before[world.plan_hash] = survivors
        self.attackers[-1].hears(share, request)

    def opened(self, names: Iterable[str], place: int = -1) -> np.ndarray | None:
        """The sum of some hospitals in a round, as far as the coordinator can take their masks off."""
        total = np.zeros_like(self.inputs["hospital-a"])
        for name in names:
            total += self.attackers[place].stripped(name)
        return total if np.array_equal(total, sum(self.inputs[name] for name in names)) else None


@pytest.fixture
def chained() -> Chained:
    return Chained()


ALL = ("hospital-a", "hospital-b", "hospital-c", "hospital-d", "hospital-e")
BUT_A = ALL[1:]


def test_two_requests_across_a_chain_are_refused_by_whoever_answered_the_first(chained: Chained) -> None:
    first, second, third, _ = chained.study.trustees
    for keyholder in (first, second):
        chained.ask(keyholder, ALL)
    assert chained.opened(ALL) is not None, "two honest ones and the corrupt one open the first sum"
    chained.again()
    for keyholder in (first, second):
        assert reason_of(lambda k=keyholder: chained.ask(k, BUT_A)) == OTHERS
    chained.ask(third, BUT_A)
    assert chained.opened(BUT_A) is None, "one honest keyholder and the corrupt one are two of three"
    assert reason_of(lambda: chained.ask(first, ALL)) is None, "the same hospitals again"
    assert chained.opened(ALL) is None, "not with a keyholder that was asked for others"
    chained.ask(second, ALL)
    assert np.array_equal(chained.opened(ALL), chained.opened(ALL, 0)), "the same sum tells nothing new"


def test_without_that_memory_the_difference_is_a_hospitals_vector(chained: Chained) -> None:
    """What the rule is for; and what keyholders restored from a backup cost, if they are more than c."""
    for keyholder in chained.study.trustees[:2]:
        chained.ask(keyholder, ALL)
    chained.again()
    chained.answered.clear()
    for keyholder in chained.study.trustees[:2]:
        chained.ask(keyholder, BUT_A)
    difference = chained.opened(ALL, 0) - chained.opened(BUT_A)
    assert np.array_equal(difference, chained.inputs["hospital-a"])


def test_a_hospital_that_is_dropped_from_the_roster_is_not_dropped_from_memory(chained: Chained) -> None:
    """With keyholders nobody needs a waiver to leave; but who helped to add it up helps with nothing else."""
    for keyholder in chained.study.trustees[:2]:
        chained.ask(keyholder, ALL)
    chained.again(left=["hospital-a"])
    for keyholder in chained.study.trustees[:2]:
        assert reason_of(lambda k=keyholder: chained.ask(k, BUT_A)) == OTHERS
    chained.ask(chained.study.trustees[2], BUT_A)
    assert chained.opened(BUT_A) is None


def test_memory_reaches_through_repetitions_of_repetitions(chained: Chained) -> None:
    first = chained.study.trustees[0]
    chained.ask(first, ALL)
    for _ in range(3):
        chained.again()
    assert reason_of(lambda: chained.ask(first, BUT_A)) == OTHERS
    assert reason_of(lambda: chained.ask(first, ALL)) is None
    chained.again()
    assert reason_of(lambda: chained.ask(first, BUT_A)) == OTHERS


def waiver(chained: Chained, name: str, place: int = -1) -> str:
    world = chained.worlds[place]
    return enclosed(write_waiver(world.signed, world.parties[name].identity, STAMP))


def test_who_waives_may_be_left_out_and_nobody_else(chained: Chained) -> None:
    first, second, *_ = chained.study.trustees
    for keyholder in (first, second):
        chained.ask(keyholder, ALL)
    chained.again(["hospital-a"], Without(waivers=(waiver(chained, "hospital-a"),)))
    less = ("hospital-c", "hospital-d", "hospital-e")
    assert reason_of(lambda: chained.ask(first, less)) == OTHERS
    for keyholder in (first, second):
        chained.ask(keyholder, BUT_A)
    assert np.array_equal(chained.opened(ALL, 0) - chained.opened(BUT_A), chained.inputs["hospital-a"]), (
        "this is what it agreed to"
    )
    # And the next repetition is bound to those that are left.
    chained.again(["hospital-a"])
    assert reason_of(lambda: chained.ask(first, BUT_A)) is None
    assert reason_of(lambda: chained.ask(second, BUT_A)) is None


def test_waivers_that_are_forged_or_replayed_count_for_nothing(chained: Chained) -> None:
    study = chained.study
    elsewhere = Chained()
    e_for_a = write_waiver(chained.worlds[0].signed, study.hospitals[-1].identity, STAMP)
    renamed = split(e_for_a)
    cases = {
        "waiver.unknown-signer": waiver(elsewhere, "hospital-a"),
        "repeat.waived-and-there": enclosed(e_for_a),  # of e, and a is left out
        "file.other-kind": enclosed(refusal(chained, study.trustees[0])),
        "repeat.statement-longer": enclosed(e_for_a + b"x"),
        "repeat.statement-base64": "AAA",
        "file.not-privxray": enclosed(b"hello"),
    }
    assert renamed.kind == "waiver"
    for reason, text in cases.items():
        assert reason_of(lambda t=text: admit_strictly(chained, left="hospital-a", waivers=(t,))) == reason
    # One of the first round, in a plan that repeats the second.
    old = waiver(chained, "hospital-a")
    chained.again()
    assert reason_of(lambda: admit_strictly(chained, left="hospital-a", waivers=(old,))) == "file.other-round"
    good = waiver(chained, "hospital-a")
    assert reason_of(lambda: admit_strictly(chained, left="hospital-a", waivers=(good,))) is None
    there = "repeat.waived-and-there"
    assert reason_of(lambda: admit_strictly(chained, left="hospital-b", waivers=(good,))) == there


def admit_strictly(chained: Chained, left: str, waivers: Sequence[str]) -> None:
    """Hold a plan without a hospital against the last one, as if both had no keyholders."""
    last = chained.worlds[-1].signed
    strict = last.plan.model_copy(update={"committee": None, "mode": "strict"})
    members = tuple(m for m in strict.roster.members if m.name != left)
    roster = strict.roster.model_copy(update={"members": members})
    repeats = Repeats(plan=last.digest, same=NOBODY)
    changes = {"roster": roster, "repeats": repeats, "without": Without(waivers=tuple(waivers))}
    admit_repeat(strict.model_copy(update=changes), SignedPlan(strict, last.digest))


def refusal(chained: Chained, keyholder: Hospital, place: int = -1, **changes: Any) -> bytes:
    fresh = SealingKey.generate().public()
    stated = UnsealingStatement.sign(fresh, "pneumonia", 9, keyholder.identity.signing)
    return write_refusal(chained.worlds[place].signed, keyholder.identity, changes.get("key", stated), STAMP)


def test_with_enough_refusals_nothing_was_opened_and_all_may_change(chained: Chained) -> None:
    """One honest keyholder answered for everybody, the corrupt one did too and swears it did not."""
    first, second, third, corrupt = chained.study.trustees
    chained.ask(first, ALL)
    sworn = [enclosed(refusal(chained, one)) for one in (second, third, corrupt)]
    assert chained.opened(ALL) is None
    before = chained.answered[first.name]
    survivors = {chained.worlds[0].parties[name].fingerprint for name in BUT_A}
    for count, bound in ((2, OTHERS), (3, None)):
        trial = Chain(
            again_as_drafted(chained, Without(refusals=tuple(sworn[:count]))), (chained.worlds[-1].signed,)
        )
        assert reason_of(lambda t=trial: t.expect_bound(before, survivors)) == bound
    chained.again(without=Without(refusals=tuple(sworn)))
    for keyholder in (first, second):
        chained.ask(keyholder, BUT_A)
    assert chained.opened(BUT_A) is not None
    assert chained.opened(ALL, 0) is None, "there is nothing to subtract"


def again_as_drafted(chained: Chained, without: Without, **changes: Any) -> PlanHeader:
    last = chained.worlds[-1].signed
    repeats = Repeats(plan=last.digest, same=NOBODY)
    fields = {"round": len(chained.worlds) + 1, "repeats": repeats, "without": without}
    return chained.study.make_plan(**FORM, **(fields | changes))


def test_refusals_that_are_forged_replayed_or_repeated_count_for_nothing(chained: Chained) -> None:
    study = chained.study
    first, second, third, _ = study.trustees
    last = chained.worlds[-1].signed

    def dead(*files: bytes) -> bool:
        plan = again_as_drafted(chained, Without(refusals=tuple(map(enclosed, files))))
        return last.digest in Chain(plan, (last,)).dead()

    good = [refusal(chained, one) for one in (first, second, third)]
    assert dead(*good)
    assert not dead(*good[:2], good[1], good[1]), "one keyholder refuses once"
    assert not dead(*good[:2])
    assert reason_of(lambda: dead(refusal(chained, study.hospitals[0]))) == "refusal.unknown-signer"
    used = first.unsealing_statement("pneumonia")
    assert reason_of(lambda: dead(refusal(chained, first, key=used))) == "refusal.next-key-not-fresh"
    of_second = refusal(chained, second, key=UnsealingStatement.sign(
        SealingKey.generate().public(), "pneumonia", 9, first.identity.signing
    ))  # fmt: skip
    assert reason_of(lambda: dead(of_second)) == "statement.not-its-owners"
    # Of the first round, in a plan that repeats the second: they say nothing of the second.
    chained.again()
    plan = again_as_drafted(chained, Without(refusals=tuple(map(enclosed, good))))
    chain = Chain(plan, (chained.worlds[1].signed, chained.worlds[0].signed))
    assert chain.dead() == {chained.worlds[0].plan_hash}


def committee(study: Study, holders: Sequence[Hospital], **changes: Any) -> Committee:
    return study.committee(list(holders), minimum_cohort=4, **changes)


def test_keyholders_that_are_exchanged_to_escape_their_memory() -> None:
    """Four of threshold 3 can't exchange one: two quorums would share one seat, which may be corrupt."""
    study = Study(hospitals=5, trustees=7)
    t = study.trustees
    four = committee(study, t[:4])
    assert four.shares_quorums_with(four)
    assert not four.shares_quorums_with(committee(study, [*t[:3], t[4]]))
    five = committee(study, t[:5])
    assert five.threshold == 4
    assert five.shares_quorums_with(committee(study, [*t[:4], t[5]]))
    assert not five.shares_quorums_with(committee(study, [*t[:3], t[5], t[6]]))
    six = committee(study, t[:6])
    assert six.threshold == 4
    assert six.shares_quorums_with(committee(study, t[:5], threshold=4)), "fewer seats are no danger"
    last = study.signed(study.make_plan(**FORM, committee=four))
    repeats = Repeats(plan=last.digest, same=NOBODY)
    other = study.make_plan(
        **FORM, round=2, committee=committee(study, [*t[:3], t[4]]), repeats=repeats, without=None
    )
    with refused("repeat.other-keyholders"):
        admit_repeat(other, last)
    refusals = tuple(
        enclosed(write_refusal(last, one.identity, UnsealingStatement.sign(
            SealingKey.generate().public(), "pneumonia", 9, one.identity.signing), STAMP))
        for one in t[:3]
    )  # fmt: skip
    admit_repeat(other.model_copy(update={"without": Without(refusals=refusals)}), last)


# A search over everything that a coordinator can ask for, without cryptography.

Sets = Sequence[frozenset[int]]


def sums(hospitals: int, asked: Sets, threshold: int, corrupt: int) -> frozenset[frozenset[int]]:
    """The sums that come out where honest keyholders answered for these sets; see docs/adr/0064."""
    everybody = range(hospitals)
    missing = threshold - corrupt
    seeds = [sum(u in one for one in asked) >= missing for u in everybody]

    def closed(u: int, v: int) -> bool:
        return all(sum(a in one and b not in one for one in asked) < missing for a, b in ((u, v), (v, u)))

    found, left = set(), set(everybody)
    while left:
        part, fresh = set(), {left.pop()}
        while fresh:
            part |= fresh
            fresh = {v for u in fresh for v in everybody if v != u and closed(u, v)} - part
        left -= part
        if all(seeds[u] for u in part):
            found.add(frozenset(part))
    return frozenset(found)


def two_rounds(sets: Sets, first: int, second: int, both: int) -> Iterator[tuple[Sets, Sets]]:
    """What honest keyholders can answer in two rounds, each for one set: ``first`` sit in the first committee
    alone, ``second`` in the second alone, and ``both`` in both, where each may answer in one round or two."""
    for chosen in product(sets, repeat=first + second + both):
        ones, twos, threes = chosen[:first], chosen[first : first + second], chosen[first + second :]
        for answers in product((1, 2, 3), repeat=both):
            yield (
                [*ones, *(s for s, a in zip(threes, answers, strict=True) if a & 1)],
                [*twos, *(s for s, a in zip(threes, answers, strict=True) if a & 2)],
            )


THREE = [frozenset({0, 1, 2}), frozenset({1, 2}), frozenset({0, 2}), frozenset({0, 1})]


def differing_sums(sets: Sets, counts: tuple[int, int, int], threshold: int, corrupt: int) -> set[Any]:
    return {
        (one, other)
        for before, after in two_rounds(sets, *counts)
        for one in sums(3, before, threshold, corrupt)
        for other in sums(3, after, threshold, corrupt)
        if one != other
    }


def test_over_a_chain_at_most_one_set_of_hospitals_is_ever_added_up() -> None:
    assert not differing_sums(THREE, (0, 0, 3), 3, 1)  # four keyholders of threshold 3, one corrupt
    assert not differing_sums(THREE[:2], (1, 1, 3), 4, 1)  # five of threshold 4, an honest one exchanged


def test_the_search_finds_two_where_a_rule_is_broken() -> None:
    assert differing_sums(THREE, (1, 1, 2), 3, 1), "four of threshold 3, an honest one exchanged"
    assert differing_sums(THREE, (1, 1, 3), 3, 1), "2t = k + c"


# Updates that are said to be wrong.


class Shown:
    """A strict round of four with commitments, after which hospital-d is said to have sent a wrong update."""

    def __init__(self) -> None:
        form = {**COMMITTED, "features": ("commitments", "repeats", "repeats-without")}
        self.round = CommittedRound(study=Study(4, **form))
        self.study, self.failed = self.round.study, self.round.signed
        self.d = self.study.hospitals[-1]
        self.form: dict[str, Any] = form

    def claim(self, data: bytes, key: bytes | None = None) -> Faulty:
        header = split(data).claim(UpdateHeader)
        assert header.body.key is not None
        right = body_key(header.body.key, header, header.plan, self.study.coordinator)
        return Faulty(update=enclosed(data), key=canonical.to_base64(key or right))

    def plan(self, claim: Faulty, *left: Hospital) -> PlanHeader:
        stay = [h for h in self.study.hospitals if h not in left]
        same = tuple(Same(party=one, commitment="AAAA") for one in sorted(h.fingerprint for h in stay))
        fields = {
            "round": 2,
            "roster": Roster(version=2, members=tuple(h.member() for h in stay)),
            "repeats": Repeats(plan=self.failed.digest, same=same),
            "without": Without(faulty=(claim,)),
        }
        return self.study.make_plan(**(self.form | fields))


def test_nobody_can_show_an_honest_update_to_be_wrong() -> None:
    shown = Shown()
    data, d = shown.round.update(shown.d), shown.d
    body = split(data).length
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    other = Shown().round
    cases = {
        "repeat.not-faulty": shown.claim(data),
        "body.not-authentic": shown.claim(data, key=bytes(32)),
        "body.altered": shown.claim(data).model_copy(update={"update": enclosed(flipped)}),
        "body.cut-off": shown.claim(data).model_copy(update={"update": enclosed(data[:body])}),
        "update.unknown-signer": Faulty(update=enclosed(other.update(other.study.hospitals[-1])), key=KEY),
        "repeat.faulty-key": shown.claim(data).model_copy(update={"key": "AAAA"}),
    }
    for reason, claim in cases.items():
        assert reason_of(lambda c=claim: admit_repeat(shown.plan(c, d), shown.failed)) == reason
    # Of an earlier plan of the same study, where the update was wrong.
    shown.round.sent[d.fingerprint].masked[0] += 1
    wrong = shown.claim(shown.round.update(d))
    later = shown.study.signed(shown.study.make_plan(**shown.form, round=2))
    with refused("file.other-round"):
        Chain(shown.plan(wrong, d), (later,)).free()


def test_a_wrong_update_is_shown_by_its_key_and_its_hospital_is_left_out() -> None:
    shown = Shown()
    shown.round.sent[shown.d.fingerprint].masked[3] += 1
    claim = shown.claim(shown.round.update(shown.d))
    plan = shown.plan(claim, shown.d)
    admit_repeat(plan, shown.failed)
    assert Chain(plan, (shown.failed,)).free() == {shown.d.fingerprint}
    with refused("repeat.waived-and-there"):
        admit_repeat(shown.plan(claim), shown.failed)
    with refused("repeat.waived-and-there"):
        admit_repeat(shown.plan(claim, shown.study.hospitals[0]), shown.failed)
    shown.round.sent[shown.d.fingerprint].masked.append(0)  # a vector of another length
    garbage = shown.claim(shown.round.update(shown.d))
    assert reason_of(lambda: admit_repeat(shown.plan(garbage, shown.d), shown.failed)) == "update.other-size"
