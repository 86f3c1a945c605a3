"""The coordinator's round as a state machine: any order of files, replays and foreign files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from exchange_samples import STAMP, Hospital, Study
from forged_files import refused
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from privxray.errors import IdentityError, MalformedError, PrivxrayError, RefusedError
from privxray.exchange.admission.admit_opening import admit_request
from privxray.exchange.admission.cohort import Cohort, Verdict
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.exchange.messages.share import write_share
from privxray.exchange.messages.update import UpdateHeader
from privxray.exchange.sharing.dealing import open_box
from privxray.formats.container import check_body, split
from privxray.keys.mask_statement import state_mask_key
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement


@dataclass(frozen=True)
class File:
    """A file that might be offered: what it is, and whether it could be good in this round."""

    data: bytes
    kind: str
    sender: str
    good: bool
    over: bool = False
    answers: str | None = None


class Pool:
    """Four hospitals, four keyholders, three must deliver; every kind of file that could come."""

    def __init__(self) -> None:
        self.study = Study(hospitals=4, trustees=4)
        self.plan, self.plan_hash = self.study.plan, self.study.plan_hash
        self.before = self.study.make_plan(epsilon=5.0)
        self.before_hash = self.study.signed(self.before).digest
        self.used_key = X25519PrivateKey.generate()
        self.files: list[File] = []
        good = {}
        for hospital in self.study.hospitals:
            for place in range(2):  # two different exports of one hospital: its workspace was restored
                data = self.study.concealed(hospital, place)
                self.add(data, "update", hospital, good=True)
                good.setdefault(hospital.fingerprint, data)
            self.add(self.early(hospital), "update", hospital, good=False, over=True)
        a, b = self.study.hospitals[:2]
        next_of_b = split(good[b.fingerprint]).claim(UpdateHeader).next_mask.key
        for key in (self.used_key, None):
            self.add(self.with_next_key(a, key, next_of_b), "update", a, good=key is None)
        self.add(good[a.fingerprint][:-1], "update", a, good=False)
        stranger = Hospital("stranger")
        self.add(self.study.update(stranger, self.zeros()), "update", stranger, good=False)
        elsewhere = self.study.make_plan(study="cardiology")
        data = self.study.update(a, self.zeros(), plan=elsewhere)
        self.add(data, "update", a, good=False)
        self.requests = {}
        for survivors in (good, dict(list(good.items())[:3])):
            request = self.study.request(survivors)
            envelope = split(request)
            self.requests[envelope.digest] = envelope.claim(RequestHeader)
            for trustee in self.study.trustees:
                for _ in range(2):
                    data = self.answer(trustee, request, good)
                    self.add(data, "share", trustee, good=True, answers=envelope.digest)
        (last,) = [f for f in self.files if f.sender == self.study.trustees[-1].fingerprint][-1:]
        self.add(last.data[:-1], "share", self.study.trustees[-1], good=False, answers=last.answers)
        early = self.answer(
            self.study.trustees[0],
            self.early_request(),
            self.earlier,
            self.study.signed(self.before),
        )
        self.add(early, "share", self.study.trustees[0], good=False, over=True)

    def add(self, data: bytes, kind: str, sender: Hospital, **said: Any) -> None:
        self.files.append(File(data, kind, sender.fingerprint, **said))

    def zeros(self) -> Any:
        import numpy as np

        return np.zeros(15, np.uint64)

    def early(self, hospital: Hospital) -> bytes:
        from privxray.exchange.concealing import conceal

        numbers = self.zeros()
        dealt = conceal(numbers, self.study.signed(self.before), hospital.fingerprint, hospital.mask)
        return self.study.update(hospital, numbers, plan=self.before, dealt=dealt)

    def early_request(self) -> bytes:
        self.earlier = {f.sender: f.data for f in self.files if f.over and f.kind == "update"}
        return self.study.request(self.earlier, plan=self.before)

    def with_next_key(self, hospital: Hospital, key: X25519PrivateKey | None, fallback: str) -> bytes:
        """An update whose next mask key was used before, or is the one that another hospital states."""
        from privxray.keys.mask_statement import MaskStatement

        if key is not None:
            stated = state_mask_key(key, "pneumonia", 2, hospital.identity.signing)
        else:
            stated = MaskStatement.sign(fallback, "pneumonia", 2, hospital.identity.signing)
        update = self.study.concealed(hospital, 9)
        dealt = split(update).claim(UpdateHeader).dealt
        return self.study.update(hospital, self.zeros(), dealt=dealt, next_mask=stated)

    def answer(
        self,
        trustee: Hospital,
        request: bytes,
        updates: dict[str, bytes],
        signed: SignedPlan | None = None,
        following: UnsealingStatement | None = None,
    ) -> bytes:
        signed = signed or self.study.signed()
        envelope = split(request)
        header, seat = admit_request(envelope, signed, trustee.fingerprint, None)
        opened = {}
        for owner in header.survivors:
            dealt = split(updates[owner]).claim(UpdateHeader).dealt
            assert dealt is not None
            opened[owner] = open_box(dealt, signed.dealing(owner), seat, trustee.unsealing)
        following = following or UnsealingStatement.sign(
            SealingKey.generate().public(), "pneumonia", 2, trustee.identity.signing
        )
        return write_share(
            opened, SignedRequest(header, envelope.digest), signed, trustee.identity, following, STAMP
        )

    def cohort(self) -> Cohort:
        used = self.with_used()
        parties = {party.keys.fingerprint: party for party in self.plan.roster.parties}
        return Cohort(self.study.signed(), parties, earlier=[self.before_hash], used=used)

    def with_used(self) -> set[str]:
        from privxray.formats import canonical

        return {canonical.to_base64(self.used_key.public_key().public_bytes_raw())}


POOL = Pool()


def offer(cohort: Cohort, file: File) -> Verdict:
    envelope = split(file.data)
    body = file.data[envelope.length :]

    def check(stated: Any) -> str:
        check_body(stated, len(body), hashlib.sha256(body).hexdigest())
        return hashlib.sha256(file.data).hexdigest()

    take = cohort.take_share if file.kind == "share" else cohort.take_update
    return take(envelope, check)


def contents(cohort: Cohort) -> tuple[Any, ...]:
    return (dict(cohort.updates), dict(cohort.answers), cohort.asked, cohort.is_open)


class Round(RuleBasedStateMachine):
    """Files in any order, any number of times; a request at any moment at which enough have delivered."""

    @initialize()
    def begin(self) -> None:
        self.cohort = POOL.cohort()
        self.taken: dict[tuple[str, str], bytes] = {}

    @rule(file=st.sampled_from(POOL.files))
    def offered(self, file: File) -> None:
        before = contents(self.cohort)
        try:
            verdict = offer(self.cohort, file)
        except (IdentityError, RefusedError, MalformedError):
            assert contents(self.cohort) == before, "what is refused changes nothing"
            assert not file.over
            return
        if file.over:
            assert verdict is Verdict.OVER
        if verdict is not Verdict.TAKEN:
            assert contents(self.cohort) == before, "what is passed over changes nothing"
            return
        assert file.good
        first = self.taken.setdefault((file.kind, file.sender), file.data)
        assert first == file.data, "of two different files of one sender the first is kept"

    @precondition(lambda self: self.cohort.request is None)
    @rule(digest=st.sampled_from(sorted(POOL.requests)))
    def requested(self, digest: str) -> None:
        header = POOL.requests[digest]
        if set(header.survivors) <= set(self.cohort.updates):
            self.cohort.updates = {
                sender: one for sender, one in self.cohort.updates.items() if sender in header.survivors
            }
            self.taken = {key: data for key, data in self.taken.items() if key[1] in header.survivors}
            self.cohort.set_request(SignedRequest(header, digest))

    @precondition(lambda self: self.cohort.request is not None)
    @rule(digest=st.sampled_from(sorted(POOL.requests)))
    def requested_again(self, digest: str) -> None:
        if digest == self.cohort.asked.digest:
            self.cohort.set_request(SignedRequest(POOL.requests[digest], digest))
            return
        with refused("request.signed-before"):
            self.cohort.set_request(SignedRequest(POOL.requests[digest], digest))

    @invariant()
    def what_is_in_belongs_there(self) -> None:
        if not hasattr(self, "cohort"):
            return
        cohort = self.cohort
        keys = [one.header.next_mask.key for one in cohort.updates.values()]
        keys += [one.header.next_unsealing.key for one in cohort.answers.values()]
        assert len(set(keys)) == len(keys)
        assert not set(keys) & set(cohort.used)
        assert set(cohort.updates) <= set(cohort.plan.hospitals)
        assert {m.keys.fingerprint for m in cohort.missing} == set(cohort.plan.hospitals) - set(
            cohort.updates
        )
        for sender, one in cohort.updates.items():
            assert one.header.sender == sender
            assert one.header.plan == cohort.signed.digest
        if cohort.request is None:
            assert not cohort.answers
        else:
            assert set(cohort.updates) <= set(cohort.request.survivors)
        for seat, answer in cohort.answers.items():
            assert cohort.plan.committee is not None
            assert cohort.plan.committee.seat(answer.header.sender) == seat == answer.seat
            assert answer.header.request == cohort.asked.digest
        assert cohort.answers_lacking == max(0, 3 - len(cohort.answers))


TestRound = Round.TestCase
TestRound.settings = settings(max_examples=40, stateful_step_count=40, deadline=None, database=None)


def test_every_kind_of_verdict_occurs_in_the_pool() -> None:
    """The machine above is not idle: a round that is played out takes, passes over and refuses."""
    cohort = POOL.cohort()
    seen: list[Any] = []
    for file in POOL.files:
        try:
            seen.append(offer(cohort, file))
        except PrivxrayError as error:
            seen.append(type(error))
    assert {Verdict.TAKEN, Verdict.OVER, IdentityError, RefusedError, MalformedError} <= set(seen)
    digest, header = next((d, h) for d, h in POOL.requests.items() if len(h.survivors) == 3)
    late = [sender for sender in cohort.updates if sender not in header.survivors]
    cohort = POOL.cohort()
    cohort.set_request(SignedRequest(header, digest))
    verdicts = {offer(cohort, f) for f in POOL.files if f.kind == "update" and f.good and f.sender in late}
    assert verdicts == {Verdict.LATE}
    assert sum(_takes(cohort, f) for f in POOL.files if f.kind == "share") == 4
    assert cohort.answers_lacking == 0


def _takes(cohort: Cohort, file: File) -> bool:
    try:
        return offer(cohort, file) is Verdict.TAKEN
    except PrivxrayError:
        return False


@pytest.mark.parametrize("kind", ["update", "share"])
def test_nothing_is_taken_once_the_round_is_over(kind: str) -> None:
    cohort = POOL.cohort()
    cohort.is_open = False
    for file in POOL.files:
        if file.kind == kind and file.good:
            assert offer(cohort, file) is Verdict.OVER
    assert not cohort.updates
    assert not cohort.answers


def test_no_share_file_is_taken_before_the_request() -> None:
    cohort = POOL.cohort()
    shares = [file for file in POOL.files if file.kind == "share" and not file.over]
    for file in shares:
        with refused("share.before-request"):
            offer(cohort, file)


def files_of(kind: str, sender: Hospital, answers: str | None = None) -> list[File]:
    """The good files of one sender, in the order in which they were made."""
    return [
        file
        for file in POOL.files
        if (file.kind, file.sender, file.answers, file.good) == (kind, sender.fingerprint, answers, True)
    ]


def test_of_two_updates_of_one_hospital_the_first_is_kept() -> None:
    cohort, a = POOL.cohort(), POOL.study.hospitals[0]
    first, second, with_the_key_of_b = files_of("update", a)
    for _ in range(2):
        assert offer(cohort, first) is Verdict.TAKEN
    for other in (second, with_the_key_of_b):
        with refused("update.second"):
            offer(cohort, other)
    assert cohort.updates[a.fingerprint].sha256 == hashlib.sha256(first.data).hexdigest()


def test_a_key_for_the_next_round_is_of_one_sender_and_new() -> None:
    a, b = POOL.study.hospitals[:2]
    used = next(f for f in POOL.files if f.sender == a.fingerprint and not f.good and not f.over)
    cohort = POOL.cohort()
    with refused("round-key.used-before"):
        offer(cohort, used)
    copied, own = files_of("update", a)[-1], files_of("update", b)[0]
    assert offer(cohort, own) is Verdict.TAKEN
    with refused("round-key.named-twice"):
        offer(cohort, copied)
    cohort = POOL.cohort()
    assert offer(cohort, copied) is Verdict.TAKEN
    with refused("round-key.named-twice"):
        offer(cohort, own)


def test_of_two_answers_of_one_keyholder_the_first_is_kept_and_their_keys_are_new() -> None:
    digest, header = next(iter(POOL.requests.items()))
    trustee, other = POOL.study.trustees[:2]
    cohort = POOL.cohort()
    cohort.set_request(SignedRequest(header, digest))
    assert cohort.answers_lacking == 3
    first, second = files_of("share", trustee, digest)
    for _ in range(2):
        assert offer(cohort, first) is Verdict.TAKEN
    with refused("share.second"):
        offer(cohort, second)
    assert cohort.answers_lacking == 2
    named = cohort.answers[1].header.next_unsealing.key
    cohort = POOL.cohort()
    cohort.used = {named}
    cohort.set_request(SignedRequest(header, digest))
    with refused("round-key.used-before"):
        offer(cohort, first)
    cohort.used = set()
    assert offer(cohort, first) is Verdict.TAKEN
    updates = {f.sender: f.data for h in POOL.study.hospitals for f in files_of("update", h)[:1]}
    request = POOL.study.request(updates)
    stated = UnsealingStatement.sign(named, "pneumonia", 2, other.identity.signing)
    copied = POOL.answer(other, request, updates, following=stated)
    assert split(request).digest == digest
    with refused("round-key.named-twice"):
        offer(cohort, File(copied, "share", other.fingerprint, good=False))


def test_a_request_is_signed_once() -> None:
    (first, one), (second, other) = POOL.requests.items()
    cohort = POOL.cohort()
    assert cohort.request is None
    for _ in range(2):
        cohort.set_request(SignedRequest(one, first))
    with refused("request.signed-before"):
        cohort.set_request(SignedRequest(other, second))
    assert cohort.request == one


def test_a_body_is_held_against_its_header_before_a_file_is_taken() -> None:
    cohort = POOL.cohort()
    good = files_of("update", POOL.study.hospitals[0])[0]
    with refused("body.cut-off"):
        offer(cohort, File(good.data[:-1], "update", good.sender, good=False))
    assert not cohort.updates
    digest, header = next(iter(POOL.requests.items()))
    cohort.set_request(SignedRequest(header, digest))
    share = files_of("share", POOL.study.trustees[0], digest)[0]
    with refused("body.cut-off"):
        offer(cohort, File(share.data[:-1], "share", share.sender, good=False))
    assert not cohort.answers


def test_a_hospital_that_left_is_told_apart_from_a_stranger() -> None:
    """Its earlier updates are read, for it may be asked about them; in a round without it none is taken."""
    study = POOL.study
    a, *others = study.plan.roster.members
    left = study.make_plan(
        roster=study.plan.roster.model_copy(update={"version": 2, "members": tuple(others)})
    )
    signed = study.signed(left)
    parties = {party.keys.fingerprint: party for party in study.plan.roster.parties}
    numbers = POOL.zeros()
    update = study.update(study.hospitals[0], numbers, plan=left)
    file = File(update, "update", a.keys.fingerprint, good=False)
    with refused("update.sender-left"):
        offer(Cohort(signed, parties), file)
    del parties[a.keys.fingerprint]
    with refused("update.unknown-signer"):
        offer(Cohort(signed, parties), file)
