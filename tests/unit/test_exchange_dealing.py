"""Dealing, requests and share files: what each keyholder gets, and which class of error each forgery ends
in."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from exchange_samples import STAMP, Hospital, Study

from privxray.errors import IdentityError, MalformedError, PrivxrayError, RefusedError, WrongKeyError
from privxray.exchange.admission.admit import admit_update, read_update
from privxray.exchange.admission.admit_opening import admit_request, admit_share, admit_survivors, read_share
from privxray.exchange.concealing import conceal
from privxray.exchange.masking.fixed_point import quantise
from privxray.exchange.masking.masks import pairwise_key
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.exchange.messages.share import ShareHeader, body_length, open_share, write_share
from privxray.exchange.messages.update import UpdateHeader
from privxray.exchange.opening import open_sum
from privxray.exchange.sharing import shamir
from privxray.exchange.sharing.dealing import (
    SELF,
    Dealt,
    Opened,
    check_form,
    check_share,
    deal,
    names_of,
    open_box,
)
from privxray.formats import canonical
from privxray.formats.container import MAGIC, check_body, payload_type, pre_authentication, split
from privxray.formats.stream import sealed_length
from privxray.keys.identity import Identity
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing import UnsealingStatement


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
        opened, SignedRequest(header, envelope.digest), study.plan, keyholder.identity, following, STAMP
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
    for changed, seat, with_ in (
        (dataclasses.replace(context, owner=b.fingerprint), 1, key),
        (dataclasses.replace(context, plan="ab" * 32), 1, key),
        (dataclasses.replace(context, study="cardiology"), 1, key),
        (context, 2, key),
        (context, 1, study.trustees[1].unsealing),
        (context, 1, study.trustees[0].identity.sealing),
    ):
        with pytest.raises(IdentityError, match="not sealed to this keyholder"):
            open_box(dealt, changed, seat, with_)


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
        with pytest.raises(IdentityError, match="not the one that its owner committed to"):
            check_share(dealt, context, seat, secret, one)


def test_boxes_and_commitments_are_as_many_and_as_long_as_the_plan_demands(
    study: Study, updates: dict[str, bytes]
) -> None:
    a = study.hospitals[0]
    dealt, context = dealt_by(updates[a.fingerprint]), study.signed().dealing(a.fingerprint)
    check_form(dealt, context)
    shorter = canonical.to_base64(canonical.from_base64(dealt.boxes[0], "")[:-1])
    commitments = canonical.from_base64(dealt.commitments, "")
    for changes in (
        {"boxes": dealt.boxes[:-1]},
        {"boxes": (*dealt.boxes, dealt.boxes[0])},
        {"boxes": (shorter, *dealt.boxes[1:])},
        {"boxes": ()},
        {"boxes": ("=", *dealt.boxes[1:])},
        {"commitments": canonical.to_base64(commitments[:-32])},
        {"commitments": canonical.to_base64(commitments + bytes(32))},
        {"commitments": ""},
    ):
        with pytest.raises(MalformedError):
            check_form(dealt.model_copy(update=changes), context)


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
        assert list(answers[seat]) == names_of(header.survivors, study.plan.hospitals)
        assert {secret for _, secret in answers[seat]} == {SELF, missing}
    from privxray.exchange.messages.update import open_update
    from privxray.exchange.opening import restored_streams

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
    with pytest.raises(MalformedError, match="larger than the plan allows"):
        open_sum(study.plan, bodies)


def test_dealt_shares_and_keyholders_come_together(study: Study, updates: dict[str, bytes]) -> None:
    strict = study.make_plan(mode="strict", committee=None)
    a = study.hospitals[0]
    with_shares = study.update(
        a, np.zeros(15, np.uint64), plan=strict,
        dealt=dealt_by(updates[a.fingerprint]),
    )  # fmt: skip
    header, member = read_update(split(with_shares), strict.roster.members)
    with pytest.raises(RefusedError, match="no keyholders"):
        admit_update(header, member, study.signed(strict))
    without = split(study.update(a, np.zeros(15, np.uint64)))
    header, member = read_update(without, study.plan.roster.members)
    with pytest.raises(RefusedError, match="no keyholders"):
        admit_update(header, member, study.signed())


# Forged headers, one field after the other


def signed(kind: str, header: dict[str, Any], signer: Identity, key_id: str) -> bytes:
    """An envelope over any JSON, as its signer may make it."""
    payload, type_ = canonical.encode(header), payload_type(kind)
    signature = signer.signing.sign(pre_authentication(type_, payload))
    raw = canonical.encode(
        {
            "payload": canonical.to_base64(payload),
            "payloadType": type_,
            "signatures": [{"keyid": key_id, "sig": canonical.to_base64(signature)}],
        }
    )
    return MAGIC + b"\x01" + len(raw).to_bytes(4, "big") + raw


def changed(data: bytes, change: Callable[[dict[str, Any]], None], signer: Identity) -> bytes:
    envelope = split(data)
    header = json.loads(envelope.payload)
    change(header)
    return signed(envelope.kind, header, signer, envelope.key_id) + data[envelope.length :]


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        for part in path[:-1]:
            header = header[part]
        assert path[-1] in header
        header[path[-1]] = value

    return change


OTHER = "ab" * 32
REQUEST_FIELDS: dict[str, tuple[Callable[[dict[str, Any]], None], type[PrivxrayError] | None]] = {
    "kind": (put("kind", value="share"), MalformedError),
    "format": (put("format", value=2), MalformedError),
    "study": (put("study", value="cardiology"), RefusedError),
    "no study": (put("study", value=None), RefusedError),
    "round": (put("round", value=2), RefusedError),
    "sender": (put("sender", value=OTHER), IdentityError),
    "recipients": (put("recipients", value=[OTHER]), RefusedError),
    "plan": (put("plan", value=OTHER), RefusedError),
    "no plan": (put("plan", value=None), RefusedError),
    "length": (put("body", "length", value=7), MalformedError),
    "sha256": (put("body", "sha256", value=OTHER), MalformedError),
    "cipher": (put("body", "cipher", value="chacha20poly1305-stream"), MalformedError),
    "key": (put("body", "key", value={"recipient": OTHER, "wrapped": ""}), MalformedError),
    "created": (put("created", value="1970-01-01T00:00:00Z"), None),
    "created badly": (put("created", value="today"), MalformedError),
    "software": (put("software", value="privxray 9"), None),
    "another field": (lambda header: header.update(more=1), MalformedError),
    "a field less": (lambda header: header.pop("survivors"), MalformedError),
    "unsorted": (lambda header: header["survivors"].reverse(), RefusedError),
    "one twice": (lambda header: header["survivors"].append(header["survivors"][-1]), RefusedError),
    "a stranger": (lambda header: header["survivors"].append("f" * 64), RefusedError),
    "too few": (lambda header: header["survivors"].pop(), RefusedError),
    "none": (put("survivors", value=[]), MalformedError),
}


@pytest.mark.parametrize("name", REQUEST_FIELDS)
def test_a_request_with_one_field_changed(study: Study, request_: bytes, name: str) -> None:
    """By the coordinator itself; by anybody else it is an IdentityError whatever is changed."""
    change, expected = REQUEST_FIELDS[name]

    def admit(data: bytes) -> None:
        envelope = split(data)
        own = study.trustees[0].fingerprint
        header, _ = admit_request(envelope, study.signed(), own, None)
        body = data[envelope.length :]
        check_body(header.body, len(body), hashlib.sha256(body).hexdigest())
        admit_survivors(header, body, study.signed())

    data = changed(request_, change, study.coordinator)
    with pytest.raises(IdentityError):
        admit(changed(request_, change, Identity.generate()))
    if expected is None:
        admit(data)
        return
    with pytest.raises(PrivxrayError) as caught:
        admit(data)
    assert caught.type is expected


def test_survivors_that_are_enough_and_others_than_the_body_holds(
    study: Study, updates: dict[str, bytes]
) -> None:
    everybody = study.request(updates)
    data = changed(everybody, lambda header: header["survivors"].pop(0), study.coordinator)
    envelope = split(data)
    header, _ = admit_request(envelope, study.signed(), study.trustees[0].fingerprint, None)
    with pytest.raises(MalformedError, match="not those of its survivors"):
        admit_survivors(header, data[envelope.length :], study.signed())


def test_a_request_is_for_this_keyholder_and_answered_once(study: Study, request_: bytes) -> None:
    envelope = split(request_)
    own = study.trustees[0].fingerprint
    assert admit_request(envelope, study.signed(), own, envelope.digest)[1] == 1
    with pytest.raises(RefusedError, match="another request of this round"):
        admit_request(envelope, study.signed(), own, OTHER)
    with pytest.raises(RefusedError, match="no keyholder"):
        admit_request(envelope, study.signed(), study.hospitals[0].fingerprint, None)


@pytest.mark.parametrize("what", ["plan", "study", "signature", "next mask"])
def test_a_survivor_that_did_not_deliver_under_this_plan(
    study: Study, updates: dict[str, bytes], what: str
) -> None:
    a = study.hospitals[0]
    change, signer, expected = {
        "plan": (put("plan", value=OTHER), a.identity, RefusedError),
        "study": (put("study", value="cardiology"), a.identity, RefusedError),
        "signature": (put("created", value="1970-01-01T00:00:00Z"), Identity.generate(), IdentityError),
        "next mask": (put("next_mask", "number", value=1), a.identity, IdentityError),
    }[what]
    evil = changed(updates[a.fingerprint], change, signer)
    data = study.request(updates | {a.fingerprint: evil})
    header = split(data).claim(RequestHeader)
    with pytest.raises(PrivxrayError, match="the request's update of hospital-a is refused") as caught:
        admit_survivors(header, data[split(data).length :], study.signed())
    assert caught.type is expected


def statement(owner: Hospital, study: str | None = "pneumonia", number: int = 2, key: str = "") -> Any:
    stated = UnsealingStatement.sign(
        key or SealingKey.generate().public(), study, number, owner.identity.signing
    )
    return stated.model_dump(mode="json")


SHARE_FIELDS: dict[
    str, tuple[Callable[[Study], Callable[[dict[str, Any]], None]], type[PrivxrayError] | None]
] = {
    "kind": (lambda s: put("kind", value="request"), MalformedError),
    "format": (lambda s: put("format", value=2), MalformedError),
    "study": (lambda s: put("study", value="cardiology"), RefusedError),
    "round": (lambda s: put("round", value=2), RefusedError),
    "sender": (lambda s: put("sender", value=OTHER), IdentityError),
    "recipients": (lambda s: put("recipients", value=[OTHER]), RefusedError),
    "plan": (lambda s: put("plan", value=OTHER), RefusedError),
    "request": (lambda s: put("request", value=OTHER), RefusedError),
    "length": (lambda s: put("body", "length", value=7), MalformedError),
    "sha256": (lambda s: put("body", "sha256", value=OTHER), MalformedError),
    "cipher": (lambda s: put("body", "cipher", value="none"), MalformedError),
    "key": (lambda s: put("body", "key", value=None), RefusedError),
    "key's recipient": (lambda s: put("body", "key", "recipient", value=OTHER), RefusedError),
    "created": (lambda s: put("created", value="1970-01-01T00:00:00Z"), None),
    "software": (lambda s: put("software", value="privxray 9"), None),
    "next key of another": (lambda s: put("next_unsealing", value=statement(s.trustees[1])), IdentityError),
    "next key's number": (
        lambda s: put("next_unsealing", value=statement(s.trustees[0], number=1)),
        RefusedError,
    ),
    "next key's study": (
        lambda s: put("next_unsealing", value=statement(s.trustees[0], study="cardiology")),
        RefusedError,
    ),
    "next key": (
        lambda s: put("next_unsealing", value=statement(s.trustees[0], key="AAAA")),
        MalformedError,
    ),
}


@pytest.mark.parametrize("name", SHARE_FIELDS)
def test_a_share_file_with_one_field_changed(study: Study, request_: bytes, share: bytes, name: str) -> None:
    make, expected = SHARE_FIELDS[name]
    asked = split(request_)

    def admit(data: bytes) -> None:
        envelope = split(data)
        header = read_share(envelope, study.plan.roster.parties)
        admit_share(header, study.signed(), SignedRequest.claimed(asked))
        body = data[envelope.length :]
        check_body(header.body, len(body), hashlib.sha256(body).hexdigest())

    with pytest.raises(IdentityError):
        admit(changed(share, make(study), Identity.generate()))
    data = changed(share, make(study), study.trustees[0].identity)
    if expected is None:
        admit(data)
        return
    with pytest.raises(PrivxrayError) as caught:
        admit(data)
    assert caught.type is expected


def test_a_share_file_by_somebody_who_is_no_keyholder(study: Study, request_: bytes, share: bytes) -> None:
    a = study.hospitals[0]
    asked = split(request_)
    header = json.loads(split(share).payload) | {"sender": a.fingerprint}
    by_hospital = split(signed("share", header, a.identity, a.fingerprint))
    read = read_share(by_hospital, study.plan.roster.parties)
    with pytest.raises(IdentityError, match="no keyholder"):
        admit_share(read, study.signed(), SignedRequest.claimed(asked))
    stranger = Identity.generate()
    forged = split(signed("share", header, stranger, stranger.public().fingerprint))
    with pytest.raises(IdentityError, match="nobody of this study"):
        read_share(forged, study.plan.roster.parties)


def test_a_share_file_sealed_to_somebody_else_or_altered_does_not_open(
    study: Study, request_: bytes, share: bytes
) -> None:
    survivors = split(request_).claim(RequestHeader).survivors
    envelope = split(share)
    header, body = envelope.claim(ShareHeader), share[envelope.length :]
    with pytest.raises(WrongKeyError):
        open_share(header, body, survivors, study.plan, Identity.generate())
    with pytest.raises(WrongKeyError):
        open_share(header.model_copy(update={"plan": OTHER}), body, survivors, study.plan, study.coordinator)
    with pytest.raises(MalformedError):
        open_share(header, body[:-1] + bytes([body[-1] ^ 1]), survivors, study.plan, study.coordinator)
    with pytest.raises(MalformedError, match="another number of shares"):
        open_share(header, body, survivors[:1], study.plan, study.coordinator)
