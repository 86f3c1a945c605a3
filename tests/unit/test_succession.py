"""Recovery keys, candidacies, votes and successions: every rule, with bytes and headers alone."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import spec_reader as spec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from exchange_samples import STAMP, Study
from forged_files import Change, changed, put, reason_of, refused
from mnemonic import Mnemonic

from privxray.exchange.admission.admit import admit_plan
from privxray.exchange.admission.admit_election import (
    StudyNow,
    admit_candidate,
    admit_election,
    admit_last_day,
    admit_vote,
    named_in,
    voters,
)
from privxray.exchange.admission.admit_succession import admit_recovery, expect_by
from privxray.exchange.admission.admit_successor import admit_successor
from privxray.exchange.admission.repeating.admit_repeat import admit_repeat
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.repeats import Repeats, Same
from privxray.exchange.messages.successors import Successors
from privxray.formats.container import split
from privxray.keys.card import CardParts, read_card, write_card
from privxray.keys.identity import Identity
from privxray.keys.key_words import listed
from privxray.keys.succession.candidacy import read_candidacy, write_candidacy
from privxray.keys.succession.consent import Ballot, Recovery, is_consent, sign_consent
from privxray.keys.succession.last_day import DEFAULT_DAYS, MOST_DAYS, day_after
from privxray.keys.succession.recovery_key import key_of, new_words, public_of
from privxray.keys.succession.recovery_statement import RecoveryStatement
from privxray.keys.succession.succession_file import (
    CountedVote,
    Elected,
    SuccessionHeader,
    read_succession,
    write_election,
    write_recovery,
)
from privxray.keys.succession.vote import read_vote, write_vote
from privxray.workflow.coordinator.planning.successor_terms import SuccessorTerms
from privxray.workflow.custody.recovery_key import numbered

TODAY, UNTIL = date(2026, 1, 2), "2026-02-01"
WORDS = Mnemonic("english").to_mnemonic(bytes(range(32)))


class World:
    """A study whose plan gives its hospitals votes, and where hospital-a has a recovery key."""

    def __init__(self, threshold: int = 2) -> None:
        self.study = Study(3)
        self.a, self.b, self.c = self.study.hospitals
        self.recovery, self.new = key_of(WORDS), Identity.generate()
        statement = RecoveryStatement.sign(public_of(self.recovery), self.a.identity.signing)
        first, *others = self.study.plan.roster.members
        members = (first.model_copy(update={"recovery": statement}), *others)
        roster = self.study.plan.roster.model_copy(update={"members": members})
        named = tuple(sorted(hospital.fingerprint for hospital in self.study.hospitals))
        self.successors = Successors(members=named, threshold=threshold)
        self.plan = self.make(roster=roster, successors=self.successors)
        self.signed = self.study.signed(self.plan)

    def make(self, **changes: Any) -> PlanHeader:
        return self.study.make_plan(format=2, features=("succession",), **changes)

    def ballot(self, **changes: Any) -> Ballot:
        fields = {
            "study": "pneumonia",
            "round": 1,
            "plan": self.signed.digest,
            "result": None,
            "old": self.plan.sender,
            "keys": self.new.public(),
            "until": UNTIL,
        }
        return Ballot(**(fields | changes))

    def vote(self, hospital: Any, **changes: Any) -> bytes:
        return write_vote(hospital.identity, self.ballot(**changes), STAMP)

    def counted(self, *hospitals: Any, **changes: Any) -> tuple[CountedVote, ...]:
        ballot = self.ballot(**changes)
        return tuple(
            CountedVote(
                party=one.fingerprint,
                until=ballot.until,
                consent=sign_consent(one.identity.signing, ballot),
            )
            for one in hospitals
        )

    def now(self, **changes: Any) -> StudyNow:
        """What a hospital knows that follows the plan."""
        return replace(StudyNow(self.signed, None, TODAY), **changes)

    def voted(self, *hospitals: Any, **changes: Any) -> SuccessionHeader:
        """A succession by votes that say what it says."""
        told = {name: value for name, value in changes.items() if name != "until"}
        return self.elected(*self.counted(*hospitals, **changes), **told)

    def elected(self, *votes: CountedVote, **changes: Any) -> SuccessionHeader:
        fields = {
            "study": "pneumonia",
            "round": 1,
            "plan": self.signed.digest,
            "result": None,
            "votes": votes,
        }
        old = changes.pop("old", self.plan.sender)
        data = write_election(self.new, "coordinator-2", old, Elected(**(fields | changes)), STAMP)
        return read_succession(split(data))

    def recovered(self, key: Ed25519PrivateKey | None = None, name: str = "hospital-a") -> bytes:
        old = self.a.fingerprint
        consent = sign_consent(key or self.recovery, Recovery(old, self.new.public()))
        return write_recovery(self.new, name, old, consent, STAMP)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def test_words_are_those_of_bip_39_and_the_key_is_derived_as_the_specification_says() -> None:
    made = new_words()
    assert len(made.split()) == 24
    assert Mnemonic("english").check(made)
    assert made != new_words()
    assert spec.recovery_key(WORDS) == base64.b64decode(public_of(key_of(WORDS)))
    assert listed(numbered(WORDS)) == WORDS.split()
    assert public_of(key_of(numbered(WORDS).upper())) == public_of(key_of(WORDS))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda words: words[:-1], "recovery.word-count"),
        (lambda words: [*words[:5], "qwertz", *words[6:]], "recovery.unknown-word"),
        (lambda words: [words[1], words[0], *words[2:]], "recovery.checksum"),
        (lambda words: [*words[:-1], "zoo"], "recovery.checksum"),
    ],
)
def test_slips_in_words_are_told_and_no_word_is_repeated(
    change: Callable[[list[str]], list[str]], reason: str
) -> None:
    typed = change(WORDS.split())
    with refused(reason) as told:
        key_of(" ".join(typed))
    assert not set(typed) & (set(listed(str(told.value))) - {"word", "these", "that", "there", "all"})


def test_words_that_are_not_in_the_list_are_told_by_their_numbers() -> None:
    words = WORDS.split()
    with refused("recovery.unknown-word") as told:
        key_of(" ".join([*words[:5], "qwertz", *words[6:]]))
    assert "number 6 is not in the list" in str(told.value)
    with refused("recovery.unknown-word") as told:
        key_of(" ".join(["qwertz", *words[1:23], "azerty"]))
    assert "number 1, 24 are not in the list" in str(told.value)


def test_a_file_of_another_kind_is_none_of_these(world: World) -> None:
    candidacy = split(write_candidacy(world.new, "coordinator-2", "pneumonia", UNTIL, STAMP))
    succession, vote = split(world.recovered()), split(world.vote(world.a))
    assert reason_of(lambda: read_candidacy(succession)) == "file.other-kind"
    assert reason_of(lambda: read_succession(candidacy)) == "file.other-kind"
    assert reason_of(lambda: read_vote(succession, voters(world.plan))) == "file.other-kind"
    assert reason_of(lambda: read_succession(vote)) == "file.other-kind"


def test_new_keys_are_keys(world: World) -> None:
    """A sealing key to which nobody can seal would stop whoever plans with it."""
    bad = {**world.new.public().model_dump(), "sealing": base64.b64encode(bytes(1216)).decode()}
    good = write_candidacy(world.new, "coordinator-2", "pneumonia", UNTIL, STAMP)
    candidacy = split(changed(good, put("keys", value=bad), world.new))
    assert reason_of(lambda: read_candidacy(candidacy)) == "sealing-key.weak"
    succession = split(changed(world.recovered(), put("keys", value=bad), world.new))
    assert reason_of(lambda: read_succession(succession)) == "sealing-key.weak"


def test_a_recovery_statement_is_its_owners_and_no_useless_key(world: World) -> None:
    owner, good = world.a.identity, world.plan.roster.members[0].recovery
    assert good is not None
    good.verify(owner.public())
    for key, reason in (
        (base64.b64encode(bytes(32)).decode(), "recovery.weak-key"),
        ("AAAA", "recovery.key-base64"),
        (owner.public().signing, "recovery.own-key"),
    ):
        other = RecoveryStatement.sign(key, owner.signing)
        assert reason_of(lambda one=other: one.verify(owner.public())) == reason
    assert reason_of(lambda: good.verify(world.b.identity.public())) == "statement.not-its-owners"
    first, second, third = world.plan.roster.members
    stolen = second.model_copy(update={"recovery": good})
    roster = world.plan.roster.model_copy(update={"members": (first, stolen, third)})
    bad = world.study.plan_file(world.make(roster=roster))
    assert reason_of(lambda: admit_plan(bad, None)) == "statement.not-its-owners"


def test_a_card_lists_the_feature_where_it_has_a_recovery_key(world: World) -> None:
    statement = world.plan.roster.members[0].recovery
    parts = CardParts("hospital-a", world.a.member().mask, world.a.unsealing_statement(), recovery=statement)
    card = read_card(split(write_card(world.a.identity, parts, STAMP)))
    assert card.features == ("succession",)
    assert "succession" in (card.can or ())
    assert card.member(world.plan.form).recovery == statement == card.trustee(world.plan.form).recovery
    plain = world.study.plan.form
    assert card.member(plain).recovery is None
    old = read_card(split(write_card(world.a.identity, parts, STAMP, format_=1)))
    assert (old.features, old.recovery) == ((), None)


def test_which_hospitals_a_plan_may_name(world: World) -> None:
    a, b, c = world.successors.members

    def admitted(members: tuple[str, ...], threshold: int) -> str | None:
        named = Successors(members=members, threshold=threshold)
        return reason_of(lambda: admit_plan(world.study.plan_file(world.make(successors=named)), None))

    assert admitted((a, b), 2) is None
    assert admitted((b, a), 2) == "plan.successors-order"
    assert admitted((a, a), 2) == "plan.successors-order"
    assert admitted(tuple(sorted((a, "0" * 64))), 2) == "plan.successors-unknown"
    assert admitted((a, b), 3) == "plan.successors-too-few"
    with pytest.raises(ValueError, match="threshold"):
        Successors(members=(a, b, c), threshold=1)


def test_terms_name_successors_by_name(world: World) -> None:
    roster = world.plan.roster
    assert SuccessorTerms(("hospital-a", "hospital-b", "hospital-c")).among(roster) == world.successors
    assert SuccessorTerms(("hospital-a", "hospital-b"), 2).among(roster).threshold == 2
    two = SuccessorTerms(("hospital-b", "hospital-c"), 2).among(roster)
    assert two.stated(roster) == {"successors": ["hospital-b", "hospital-c"], "successor_threshold": 2}
    nobody = SuccessorTerms(("clinic", "hospital-a"))
    assert reason_of(lambda: nobody.among(roster)) == "plan.unknown-successor"
    for names, threshold in ((("hospital-a",), None), (("hospital-a", "hospital-b"), 3)):
        wrong = SuccessorTerms(names, threshold)
        assert reason_of(lambda w=wrong: w.among(roster)) == "plan.successor-threshold"


def test_who_leaves_loses_its_vote_and_who_has_new_keys_keeps_it(world: World) -> None:
    before = world.plan.roster
    left = before.model_copy(update={"members": before.members[:2]})
    after = world.successors.after(before, left)
    assert after is not None
    assert set(after.members) == {world.a.fingerprint, world.b.fingerprint}
    alone = before.model_copy(update={"members": before.members[:1]})
    assert world.successors.after(before, alone) is None
    keyed = before.members[2].model_copy(update={"keys": world.new.public()})
    new = before.model_copy(update={"members": (*before.members[:2], keyed)})
    again = world.successors.after(before, new)
    assert again is not None
    assert world.new.public().fingerprint in again.members


def test_under_one_roster_version_successors_stay(world: World) -> None:
    fewer = Successors(members=world.successors.members[:2], threshold=2)
    before = world.study.signed(world.plan.model_copy(update={"stages": 2}))
    fields = {"round": 2, "stage": 2, "stages": 2, "previous": before.digest}
    admit_successor(world.plan.model_copy(update=fields), before)
    changed_plan = world.plan.model_copy(update=fields | {"successors": fewer})
    assert reason_of(lambda: admit_successor(changed_plan, before)) == "plan.successors-changed"


def test_a_recovery_succession_is_judged_by_the_key_that_the_plan_states(world: World) -> None:
    party, other = world.plan.roster.members[0], world.plan.roster.members[1]
    good = read_succession(split(world.recovered()))
    admit_recovery(good, party)
    assert (good.by, good.study, good.votes, good.old) == ("recovery", None, None, world.a.fingerprint)
    assert reason_of(lambda: admit_recovery(good, other)) == "succession.no-recovery-key"
    thief = read_succession(split(world.recovered(Ed25519PrivateKey.generate())))
    assert reason_of(lambda: admit_recovery(thief, party)) == "succession.wrong-consent"
    renamed = read_succession(split(world.recovered(name="hospital-b")))
    assert reason_of(lambda: admit_recovery(renamed, party)) == "succession.other-name"
    assert reason_of(lambda: expect_by(good, "members")) == "succession.by-recovery"


def test_no_consent_stands_for_another(world: World) -> None:
    """Signed bytes bind the old key and both new keys; those of a vote bind all that it says."""
    signer, old, keys = Ed25519PrivateKey.generate(), world.a.fingerprint, world.new.public()
    public, good = signer.public_key(), Recovery(old, keys)
    sealing = keys.model_copy(update={"sealing": world.b.identity.public().sealing})
    ballot = world.ballot(old=old)
    others = [
        *(replace(good, keys=other) for other in (world.b.identity.public(), sealing)),
        replace(good, old=world.b.fingerprint),
        ballot,
    ]
    consent = sign_consent(signer, good)
    assert is_consent(consent, public, good)
    assert not any(is_consent(consent, public, other) for other in others)
    assert reason_of(lambda: is_consent("AAAA", public, good)) == "succession.consent-base64"
    vote = sign_consent(signer, ballot)
    changes: dict[str, Any] = {
        "study": "other",
        "round": 2,
        "plan": "0" * 64,
        "result": "0" * 64,
        "old": world.b.fingerprint,
        "keys": sealing,
        "until": "2026-02-02",
    }
    assert set(changes) == set(vars(ballot))
    assert is_consent(vote, public, ballot)
    for name, value in changes.items():
        assert not is_consent(vote, public, replace(ballot, **{name: value})), name
    assert not is_consent(vote, public, good)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("sender", value="0" * 64), "succession.other-sender"),
        (put("features", value=[]), "succession.other-form"),
        (put("body", "length", value=5), "succession.body"),
        (put("study", value="pneumonia"), "succession.recovery-parts"),
        (put("round", value=1), "succession.recovery-parts"),
        (put("votes", value=[]), "succession.recovery-parts"),
        (put("consent", value=None), "succession.recovery-parts"),
        (put("result", value="0" * 64), "succession.recovery-parts"),
        (put("by", value="members"), "succession.vote-parts"),
        (put("by", value="old"), "header.field"),
    ],
)
def test_a_succession_has_the_parts_of_its_kind(world: World, change: Change, reason: str) -> None:
    data = changed(world.recovered(), change, world.new)
    assert reason_of(lambda: read_succession(split(data))) == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("consent", value="AAAA"), "succession.vote-parts"),
        (put("round", value=0), "succession.vote-parts"),
        (put("study", value=None), "succession.vote-parts"),
        (put("votes", value=None), "succession.vote-parts"),
        (put("votes", value=[{"party": "0" * 64, "consent": ""}] * 101), "header.field"),
        (put("votes", value=[{"party": "0" * 64, "consent": ""}] * 100), "succession.votes-order"),
        (put("votes", 0, "until", value=None), "succession.without-last-day"),
        (put("votes", 0, "until", value="2026-02-30"), "header.field"),
    ],
)
def test_a_succession_by_votes_has_all_of_its_parts(world: World, change: Change, reason: str) -> None:
    elected = Elected("pneumonia", 1, world.signed.digest, None, world.counted(world.a, world.b))
    good = write_election(world.new, "coordinator-2", world.plan.sender, elected, STAMP)
    assert reason_of(lambda: read_succession(split(changed(good, change, world.new)))) == reason


def test_a_succession_names_keys_that_its_signer_holds(world: World) -> None:
    data = changed(world.recovered(), put("keys", value=world.b.identity.public().model_dump()), world.new)
    assert reason_of(lambda: read_succession(split(data))) == "signature.other-signer"
    same = write_recovery(world.a.identity, "hospital-a", world.a.fingerprint, "", STAMP)
    assert reason_of(lambda: read_succession(split(same))) == "succession.same-key"


def test_enough_votes_of_named_hospitals_make_a_coordinator(world: World) -> None:
    header = world.elected(*world.counted(world.a, world.c))
    admit_election(header, world.now(), world.plan.sender)
    assert header.votes is not None
    assert [vote.party for vote in header.votes] == sorted([world.a.fingerprint, world.c.fingerprint])
    assert reason_of(lambda: expect_by(header, "recovery")) == "succession.by-votes"


def test_elections_that_are_refused(world: World) -> None:
    both, stranger = world.counted(world.a, world.b), World().a

    def admitted(header: SuccessionHeader, plan: PlanHeader = world.plan) -> str | None:
        now = world.now(last=world.study.signed(plan))
        return reason_of(lambda: admit_election(header, now, plan.sender))

    assert admitted(world.elected(*both[:1])) == "succession.too-few-votes"
    assert admitted(world.elected(*both), world.make()) == "succession.nobody-may"
    assert admitted(world.elected(*both, study="other")) == "succession.other-coordinator"
    assert admitted(world.elected(*both, old="0" * 64)) == "succession.other-coordinator"
    assert admitted(world.elected(*both, *world.counted(stranger))) == "succession.no-vote"
    elsewhere = world.counted(world.a, study="other")
    assert admitted(world.elected(*both[1:], *elsewhere)) == "succession.false-vote"
    earlier = world.counted(world.a, old="1" * 64)
    assert admitted(world.elected(*both[1:], *earlier)) == "succession.false-vote"
    named = Successors(members=tuple(sorted((world.b.fingerprint, world.c.fingerprint))), threshold=2)
    assert admitted(world.elected(*both), world.make(successors=named)) == "succession.no-vote"
    assert reason_of(lambda: world.elected(*both, both[0])) == "succession.votes-order"


def test_a_vote_is_over_once_the_coordinator_before_has_signed_anything_since(world: World) -> None:
    """Votes of an emergency that has passed are refused by whoever has a newer file of the coordinator's."""
    model, other = "1" * 64, "2" * 64

    def taken(header: SuccessionHeader, **known: Any) -> str | None:
        return reason_of(lambda: admit_election(header, world.now(**known), world.plan.sender))

    votes = world.voted(world.a, world.b)
    assert taken(votes) is None
    later = world.study.signed(world.plan.model_copy(update={"round": 2, "previous": world.signed.digest}))
    assert taken(votes, last=later) == "succession.before-newer-plan"
    assert taken(votes, result=model) == "succession.before-newer-result"
    over_model = world.voted(world.a, world.b, result=model)
    assert taken(over_model) is None  # it has not come here
    assert taken(over_model, result=model) is None
    assert taken(over_model, result=other) == "succession.other-result"
    assert taken(world.voted(world.a, world.b, plan="0" * 64)) == "succession.other-plan"
    assert taken(world.voted(world.a, world.b, round=2, plan="0" * 64)) is None  # a plan was missed here
    assert taken(votes, today=date(2026, 2, 1)) is None
    assert taken(votes, today=date(2026, 2, 2)) == "succession.past"
    mixed = world.counted(world.a)
    sooner = world.elected(*mixed, *world.counted(world.b, until="2026-01-15"))
    assert taken(sooner, today=date(2026, 1, 16)) == "succession.past"
    over_others = world.elected(*mixed, *world.counted(world.b, result=model))
    assert taken(over_others) == "succession.false-vote"


def test_a_candidacy_counts_for_some_days_alone() -> None:
    assert reason_of(lambda: admit_last_day("2026-01-02", TODAY)) is None
    assert reason_of(lambda: admit_last_day("2026-01-01", TODAY)) == "candidacy.past"
    assert (DEFAULT_DAYS, MOST_DAYS) == (30, 90)
    most = day_after(TODAY, MOST_DAYS)
    assert reason_of(lambda: admit_last_day(most, TODAY)) is None
    assert reason_of(lambda: admit_last_day(most, date(2026, 1, 1))) is None  # a clock that is slow by a day
    assert reason_of(lambda: admit_last_day(most, date(2025, 12, 31))) == "candidacy.too-far"


def test_who_can_be_a_candidate(world: World) -> None:
    admit_candidate(world.new.public(), world.plan)
    own, party = world.plan.coordinator, world.b.identity.public()
    assert reason_of(lambda: admit_candidate(own, world.plan)) == "candidacy.present-coordinator"
    assert reason_of(lambda: admit_candidate(party, world.plan)) == "candidacy.keys-of-a-party"
    for half in ("sealing", "signing"):
        mixed = world.new.public().model_copy(update={half: getattr(party, half)})
        assert reason_of(lambda keys=mixed: admit_candidate(keys, world.plan)) == "candidacy.keys-of-a-party"
    votes = world.counted(world.a, world.c, keys=party)
    elected = Elected("pneumonia", 1, world.signed.digest, None, votes)
    data = write_election(world.b.identity, "hospital-b", world.plan.sender, elected, STAMP)
    header = read_succession(split(data))
    refusal = reason_of(lambda: admit_election(header, world.now(), world.plan.sender))
    assert refusal == "candidacy.keys-of-a-party"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("sender", value="0" * 64), "candidacy.other-sender"),
        (put("features", value=[]), "candidacy.other-form"),
        (put("study", value=None), "candidacy.body-or-study"),
        (put("body", "length", value=5), "candidacy.body-or-study"),
        (put("name", value="a b"), "header.field"),
        (lambda header: header.pop("until"), "candidacy.without-last-day"),
        (put("until", value="2026-2-1"), "header.field"),
    ],
)
def test_candidacies_that_are_refused(world: World, change: Change, reason: str) -> None:
    good = write_candidacy(world.new, "coordinator-2", "pneumonia", UNTIL, STAMP)
    assert read_candidacy(split(good)).header.keys == world.new.public()
    data = changed(good, change, world.new)
    assert reason_of(lambda: read_candidacy(split(data))) == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("sender", value="0" * 64), "vote.other-sender"),
        (put("features", value=[]), "vote.other-form"),
        (put("study", value=None), "vote.body-or-plan"),
        (put("plan", value=None), "vote.body-or-plan"),
        (put("body", "length", value=5), "vote.body-or-plan"),
        (put("old", value="0" * 64), "vote.wrong-consent"),
        (put("study", value="other"), "vote.wrong-consent"),
        (put("until", value="2026-03-01"), "vote.wrong-consent"),
        (put("result", value="0" * 64), "vote.wrong-consent"),
        (lambda header: header.pop("until"), "vote.without-last-day"),
    ],
)
def test_votes_that_can_t_be_read(world: World, change: Change, reason: str) -> None:
    data = changed(world.vote(world.a), change, world.a.identity)
    assert reason_of(lambda: read_vote(split(data), voters(world.plan))) == reason


def test_which_votes_a_candidate_counts(world: World) -> None:
    def counted(data: bytes, keys: Any = None, **known: Any) -> str | None:
        vote = read_vote(split(data), voters(world.plan))
        return reason_of(lambda: admit_vote(vote, world.now(**known), keys or world.new.public()))

    assert counted(world.vote(world.a)) is None
    assert counted(world.vote(world.a, round=0, plan="0" * 64)) == "vote.older-plan"
    model, other = "1" * 64, "2" * 64
    assert counted(world.vote(world.a, result=model), result=model) is None
    assert counted(world.vote(world.a, result=model)) == "vote.newer-result"
    assert counted(world.vote(world.a), result=model) == "vote.before-result"
    assert counted(world.vote(world.a, result=other), result=model) == "vote.other-result"
    assert counted(world.vote(world.a), today=date(2026, 2, 1)) is None
    assert counted(world.vote(world.a), today=date(2026, 2, 2)) == "vote.past"
    assert counted(world.vote(world.a, round=2)) == "vote.newer-plan"
    assert counted(world.vote(world.a, plan="0" * 64)) == "vote.other-plan"
    assert counted(world.vote(world.a), keys=world.b.identity.public()) == "vote.other-candidate"
    assert counted(world.vote(world.a, old="0" * 64)) == "vote.other-candidate"
    stranger = World().vote(World().a)
    assert reason_of(lambda: read_vote(split(stranger), voters(world.plan))) == "vote.unknown-signer"
    assert reason_of(lambda: named_in(world.make())) == "succession.nobody-may"


def test_a_new_coordinator_repeats_no_round_of_the_one_before(world: World) -> None:
    followed = world.study.signed(world.plan)
    same = (Same(party=world.a.fingerprint, commitment=""),)
    keys = world.new.public()
    plan = world.plan.model_copy(
        update={
            "round": 2,
            "sender": keys.fingerprint,
            "coordinator": keys,
            "repeats": Repeats(plan=followed.digest, same=same),
        }
    )
    assert reason_of(lambda: admit_repeat(plan, followed)) == "repeat.other-coordinator"
    by_the_same = plan.model_copy(update={"sender": world.plan.sender, "coordinator": world.plan.coordinator})
    assert reason_of(lambda: admit_repeat(by_the_same, followed)) is None
