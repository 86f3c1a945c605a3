"""Dealing, requests and share files: what each keyholder gets, and which class of error each forgery ends
in."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from exchange_samples import STAMP, Hospital, Study
from forged_files import refused

from privxray.exchange.admission.admit_opening import admit_request
from privxray.exchange.concealing import conceal
from privxray.exchange.masking.fixed_point import quantise
from privxray.exchange.masking.masks import pairwise_key
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.exchange.messages.share import ShareHeader, body_length, open_share, write_share
from privxray.exchange.messages.update import UpdateHeader
from privxray.exchange.opening import checked_answer, open_sum, restored_streams
from privxray.exchange.sharing import shamir
from privxray.exchange.sharing.dealing import (
    SELF,
    Dealt,
    Opened,
    check_form,
    check_share,
    deal,
    open_box,
    secrets_to_open,
)
from privxray.formats.container import split
from privxray.formats.stream import sealed_length
from privxray.keys.identity import Identity
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement


@pytest.fixture(scope="module")
def study() -> Study:
    """Four hospitals of whom three must deliver, four keyholders of whom three open."""
    return Study(hospitals=4, trustees=4)


@pytest.fixture(scope="module")
def updates(study: Study) -> dict[str, bytes]:
    return {h.fingerprint: study.concealed(h, place) for place, h in enumerate(study.hospitals)}


@pytest.fixture(scope="module")
def request_(study: Study, updates: dict[str, bytes]) -> bytes:
    """For everybody but hospital-d."""
    chosen = {h.fingerprint: updates[h.fingerprint] for h in study.hospitals[:3]}
    return study.request(chosen)


@pytest.fixture(scope="module")
def share(study: Study, updates: dict[str, bytes], request_: bytes) -> bytes:
    return answered(study, updates, request_, study.trustees[0])


def dealt_by(update: bytes) -> Dealt:
    dealt = split(update).claim(UpdateHeader).dealt
    assert dealt is not None
    return dealt


def answered(study: Study, updates: dict[str, bytes], request: bytes, keyholder: Hospital) -> bytes:
    envelope = split(request)
    header, seat = admit_request(envelope, study.signed(), keyholder.fingerprint, None)
    opened = {
        owner: open_box(dealt_by(updates[owner]), study.signed().dealing(owner), seat, keyholder.unsealing)
        for owner in header.survivors
    }
    following = UnsealingStatement.sign(
        SealingKey.generate().public(), "pneumonia", 2, keyholder.identity.signing
    )
    return write_share(
        opened, SignedRequest(header, envelope.digest), study.signed(), keyholder.identity, following, STAMP
    )


def test_every_keyholder_gets_its_share_of_every_secret(study: Study, updates: dict[str, bytes]) -> None:
    a = study.hospitals[0]
    context = study.signed().dealing(a.fingerprint)
    opened = [
        open_box(dealt_by(updates[a.fingerprint]), context, seat, keyholder.unsealing)
        for seat, keyholder in enumerate(study.trustees, start=1)
    ]
    others = sorted(h.fingerprint for h in study.hospitals[1:])
    assert all(list(one) == [SELF, *others] for one in opened)
    for peer in study.hospitals[1:]:
        held = {seat: one[peer.fingerprint].share for seat, one in enumerate(opened, start=1)}
        expected = pairwise_key(
            a.mask, peer.mask.public_key(), study.plan_hash, a.fingerprint, peer.fingerprint
        )
        assert shamir.restore(held, 3) == expected
        assert shamir.restore({seat: held[seat] for seat in (1, 3, 4)}, 3) == expected
    salts = [one[name].salt for one in opened for name in one]
    assert len(set(salts)) == len(salts)


def test_a_seed_is_fresh_with_every_export(study: Study) -> None:
    a = study.hospitals[0]
    drawn: list[bytes] = []

    def random(count: int) -> bytes:
        drawn.append(hashlib.sha256(bytes([len(drawn)])).digest()[:count])
        return drawn[-1]

    numbers = [np.zeros(15, np.uint64) for _ in range(2)]
    for vector in numbers:
        conceal(vector, study.signed(), a.fingerprint, a.mask, random=random)
    assert len(drawn[0]) == 32
    assert not np.array_equal(numbers[0], numbers[1])


def test_a_box_opens_for_its_seat_owner_plan_and_study_alone(study: Study, updates: dict[str, bytes]) -> None:
    a, b = study.hospitals[:2]
    dealt, context = dealt_by(updates[a.fingerprint]), study.signed().dealing(a.fingerprint)
    key = study.trustees[0].unsealing
    open_box(dealt, context, 1, key)
    for where, seat, with_ in (
        (dataclasses.replace(context, owner=b.fingerprint), 1, key),
        (dataclasses.replace(context, plan="ab" * 32), 1, key),
        (dataclasses.replace(context, study="cardiology"), 1, key),
        (context, 2, key),
        (context, 1, study.trustees[1].unsealing),
        (context, 1, study.trustees[0].identity.sealing),
    ):
        with refused("update.box-not-for-this-keyholder"):
            open_box(dealt, where, seat, with_)


def test_a_commitment_is_to_one_share_of_one_secret_of_one_seat(
    study: Study, updates: dict[str, bytes]
) -> None:
    a = study.hospitals[0]
    dealt, context = dealt_by(updates[a.fingerprint]), study.signed().dealing(a.fingerprint)
    opened = open_box(dealt, context, 1, study.trustees[0].unsealing)
    first, second = context.secrets[:2]
    check_share(dealt, context, 1, first, opened[first])
    for seat, secret, one in (
        (2, first, opened[first]),
        (1, second, opened[first]),
        (1, first, opened[second]),
        (1, first, Opened(opened[first].share, bytes(16))),
        (1, first, Opened(bytes(33), opened[first].salt)),
    ):
        with refused("share.not-as-committed"):
            check_share(dealt, context, seat, secret, one)


def test_the_largest_plan_fits_its_header(study: Study) -> None:
    """100 hospitals and 16 keyholders: no length limit of the format is in the way."""
    names = tuple(hashlib.sha256(bytes([place])).hexdigest() for place in range(100))
    seats = study.committee([*study.trustees, *(Hospital(f"k{place}") for place in range(12))])
    context = dataclasses.replace(study.signed().dealing(names[0]), hospitals=names, committee=seats)
    dealt = deal(context, dict.fromkeys(context.secrets, bytes(32)))
    check_form(Dealt.model_validate(json.loads(dealt.model_dump_json())), context)
    assert len(dealt.commitments) == 68_268
    assert {len(box) for box in dealt.boxes} == {8_048}


def test_a_share_file_holds_what_opens_the_sum_and_no_more(
    study: Study, updates: dict[str, bytes], request_: bytes
) -> None:
    header = split(request_).claim(RequestHeader)
    missing = study.hospitals[3].fingerprint
    vectors = [quantise(study.vector(place), study.plan.manifest, 64) for place in range(3)]
    answers = {}
    for seat, keyholder in enumerate(study.trustees[:3], start=1):
        data = answered(study, updates, request_, keyholder)
        envelope = split(data)
        share = envelope.claim(ShareHeader)
        assert share.body.length == sealed_length(body_length(3, 4))
        answers[seat] = open_share(
            share, data[envelope.length :], header.survivors, study.plan, study.coordinator
        )
        assert list(answers[seat]) == secrets_to_open(header.survivors, study.plan.hospitals)
        assert {secret for _, secret in answers[seat]} == {SELF, missing}
    from privxray.exchange.messages.update import open_update

    streams = restored_streams(study.signed(), header.survivors, answers)
    bodies = []
    for survivor in header.survivors:
        envelope = split(updates[survivor])
        update = envelope.claim(UpdateHeader)
        bodies.append(
            (survivor, open_update(update, [updates[survivor][envelope.length :]], study.coordinator))
        )
    assert np.array_equal(open_sum(study.plan, bodies, streams), sum(vectors))


def test_a_wrong_mask_leaves_a_sum_that_is_refused(study: Study, updates: dict[str, bytes]) -> None:
    from privxray.exchange.messages.update import open_update

    bodies = []
    for fingerprint in updates:
        envelope = split(updates[fingerprint])
        pieces = [updates[fingerprint][envelope.length :]]
        bodies.append((fingerprint, open_update(envelope.claim(UpdateHeader), pieces, study.coordinator)))
    with refused("sum.out-of-range"):
        open_sum(study.plan, bodies)


def test_a_share_file_sealed_to_somebody_else_or_altered_does_not_open(
    study: Study, request_: bytes, share: bytes
) -> None:
    survivors = split(request_).claim(RequestHeader).survivors
    envelope = split(share)
    header, body = envelope.claim(ShareHeader), share[envelope.length :]
    with refused("seal.other-key"):
        open_share(header, body, survivors, study.plan, Identity.generate())
    for change in ({"plan": "ab" * 32}, {"study": "cardiology"}, {"sender": study.trustees[1].fingerprint}):
        with refused("seal.other-key"):
            open_share(header.model_copy(update=change), body, survivors, study.plan, study.coordinator)
    with refused("body.not-authentic"):
        open_share(header, body[:-1] + bytes([body[-1] ^ 1]), survivors, study.plan, study.coordinator)
    key = header.body.key.model_copy(update={"wrapped": "="})
    evil = header.model_copy(update={"body": header.body.model_copy(update={"key": key})})
    with refused("body-key.base64"):
        open_share(evil, body, survivors, study.plan, study.coordinator)


def test_shares_that_a_hospital_dealt_wrongly_are_noticed_by_whoever_restores(
    study: Study, updates: dict[str, bytes], request_: bytes
) -> None:
    """It deals shares of two polynomials and commits to them. With one answer more than opens, it shows."""
    evil = study.hospitals[0]
    context = study.signed().dealing(evil.fingerprint)
    answers: dict[int, dict[tuple[str, str], Opened]] = {}
    for seat, keyholder in enumerate(study.trustees, start=1):
        data = answered(study, updates, request_, keyholder)
        envelope = split(data)
        survivors = split(request_).claim(RequestHeader).survivors
        answers[seat] = open_share(
            envelope.claim(ShareHeader), data[envelope.length :], survivors, study.plan, study.coordinator
        )
    pair = (evil.fingerprint, SELF)
    good = answers[4][pair]
    answers[4][pair] = Opened(shamir.split(bytes(32), 3, 4)[3], good.salt)
    with refused("shares.dealt-wrongly") as told:
        restored_streams(study.signed(), survivors, answers)
    assert "hospital-a" in str(told.value)
    answers[4][pair] = Opened(b"\xff" * 33, good.salt)
    with refused("shares.dealt-wrongly"):
        restored_streams(study.signed(), survivors, answers)
    answers[4][pair] = good
    assert len(restored_streams(study.signed(), survivors, answers)) == 6
    with refused("share.not-as-committed"):
        dealt = {one: dealt_by(updates[one]) for one in survivors}
        checked_answer(study.signed(), 4, dealt, answers[3])
    assert context.secrets[0] == SELF
