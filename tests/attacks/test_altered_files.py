"""Files that are cut, mixed, exchanged or edited on their way: every kind, by the rules that its recipient
has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exchange_samples import STAMP, Study
from forged_files import reason_of
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import World, some_inputs

from privxray.exchange.admission.admit import admit_model, admit_plan, admit_update, read_update
from privxray.exchange.admission.admit_opening import admit_request, admit_share, admit_survivors, read_share
from privxray.exchange.intake import take_in
from privxray.exchange.messages.model import write_model
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.formats.container import MAGIC, PREAMBLE, check_body, seal_header, split
from privxray.formats.header import Body
from privxray.keys.card import CardParts, read_card, write_card

STARTING_MODEL = bytes(range(256)) * 3


@dataclass
class Sent:
    """One file of every kind, all of one study."""

    study: Study
    world: World
    files: dict[str, bytes]

    def admit(self, kind: str, data: bytes) -> Any:
        """Everything that the recipient of this kind checks before it decrypts."""
        envelope = split(data)
        body = data[envelope.length :]
        header = self._header(kind, envelope)
        check_body(header.body, len(body), hashlib.sha256(body).hexdigest())
        if kind == "request":
            admit_survivors(header, body, self.world.signed)
        return header

    def _header(self, kind: str, envelope: Any) -> Any:
        plan, signed = self.world.plan, self.world.signed
        if kind == "card":
            return read_card(envelope)
        if kind == "plan":
            return admit_plan(envelope, self.study.coordinator.public()).plan
        if kind == "update":
            header, member = read_update(envelope, plan.roster.members)
            admit_update(header, member, signed)
            return header
        if kind == "request":
            return admit_request(envelope, signed, self.study.trustees[0].fingerprint, None)[0]
        if kind == "share":
            asked = SignedRequest.claimed(split(self.files["request"]))
            share = read_share(envelope, plan.roster.parties)
            admit_share(share, signed, asked)
            return share
        return admit_model(envelope, signed)


def make_sent() -> Sent:
    body = Body(length=len(STARTING_MODEL), sha256=hashlib.sha256(STARTING_MODEL).hexdigest())
    study = Study(trustees=4, body=body)
    world = World(study)
    inputs = some_inputs(study)
    updates = {h.name: world.export(h, inputs[h.name]) for h in study.hospitals}
    request = world.request(updates, updates)
    a, keys = study.hospitals[0], study.coordinator.public()
    files = {
        "card": write_card(a.identity, CardParts(a.name, a.member().mask, a.unsealing_statement()), STAMP),
        "plan": seal_header(study.plan, study.coordinator.signing, keys.fingerprint) + STARTING_MODEL,
        "update": updates["hospital-a"],
        "request": request,
        "share": world.answer(study.trustees[0], request),
        "model": write_model({"w": np.zeros(40)}, study.signed(), study.coordinator, STAMP),
    }
    return Sent(study, world, files)


SENT = make_sent()
KINDS = tuple(SENT.files)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_admitted_as_it_was_sent(kind: str) -> None:
    assert SENT.admit(kind, SENT.files[kind]).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_truncation_at_every_byte(kind: str) -> None:
    data = SENT.files[kind]
    envelope = split(data)
    for length in range(envelope.length):
        where = "file.not-privxray" if length < len(MAGIC) else "envelope.cut-off"
        if len(MAGIC) <= length < PREAMBLE:
            where = "preamble.cut-off"
        assert reason_of(lambda end=length: split(data[:end])) == where
    header = SENT.admit(kind, data)
    running = hashlib.sha256()
    for place, byte in enumerate(data[envelope.length :]):
        sha256 = running.copy().hexdigest()
        assert reason_of(lambda n=place, s=sha256: check_body(header.body, n, s)) == "body.cut-off"
        running.update(bytes([byte]))
    for more in (b"\0", b"PRIVXRAY", data):
        assert reason_of(lambda more=more: SENT.admit(kind, data + more)) == "body.longer-than-said"


@pytest.mark.parametrize("kind", KINDS)
def test_swapped_headers_and_bodies(kind: str) -> None:
    """The body of any other file behind this header, and this file where any other is expected."""
    data = SENT.files[kind]
    start = data[: split(data).length]
    for other, file in SENT.files.items():
        body, own = file[split(file).length :], data[len(start) :]
        if body != own:
            altered = {-1: "body.cut-off", 0: "body.altered", 1: "body.longer-than-said"}
            reason = altered[(len(body) > len(own)) - (len(body) < len(own))]
            assert reason_of(lambda b=body: SENT.admit(kind, start + b)) == reason
        if other != kind:
            assert reason_of(lambda o=other: SENT.admit(o, data)) == "file.other-kind"


def test_the_envelopes_in_a_request_swapped_left_out_or_doubled() -> None:
    """A coordinator that signs what it likes: each survivor's own envelope has to stand in its place."""
    world, request = SENT.world, SENT.files["request"]
    envelope = split(request)
    header, body = envelope.claim(RequestHeader), request[envelope.length :]
    parts, place = [], 0
    while place < len(body):
        length = split(body[place:]).length
        parts.append(body[place : place + length])
        place += length
    a, b, c = parts
    plan = SENT.files["plan"]
    for arranged, reason in (
        ((b, a, c), "request.other-updates"),
        ((a, b), "file.not-privxray"),
        ((a, b, c, c), "request.more-than-updates"),
        ((a, a, c), "request.other-updates"),
        ((a, b, c[:-1]), "envelope.cut-off"),
        ((a, b, c + b"\0"), "request.more-than-updates"),
        ((plan[: split(plan).length], b, c), "request.other-updates"),
    ):
        body = b"".join(arranged)
        assert reason_of(lambda body=body: admit_survivors(header, body, world.signed)) == reason


def test_a_file_changed_on_the_stick_between_verifying_and_reading(tmp_path: Path) -> None:
    """What is verified is the private copy, and it is what is read, whatever becomes of the stick."""
    stick, inbox = tmp_path / "round.request", tmp_path / "inbox"
    data = SENT.files["request"]
    stick.write_bytes(data)
    with take_in(stick, inbox) as received:
        header, _ = admit_request(
            received.envelope, SENT.world.signed, SENT.study.trustees[0].fingerprint, None
        )
        received.check_body(header.body)
        stick.write_bytes(data[: received.envelope.length] + bytes(received.body_length))
        assert received.body() == data[received.envelope.length :]
        assert admit_survivors(header, received.body(), SENT.world.signed)
        stick.unlink()
        assert b"".join(received.whole()) == data
        assert [path.stat().st_mode & 0o777 for path in inbox.iterdir()] == [0o600]
    assert not list(inbox.iterdir())


def edits(data: bytes) -> st.SearchStrategy[bytes]:
    """One edit of a file: bits flipped, a piece cut out, doubled, overwritten, or moved."""
    places = st.integers(0, len(data) - 1)
    lengths = st.integers(1, 64)
    return st.one_of(
        st.builds(lambda p, m: data[:p] + bytes([data[p] ^ m]) + data[p + 1 :], places, st.integers(1, 255)),
        st.builds(lambda p, n: data[:p] + data[p + n :], places, lengths),
        st.builds(lambda p, n: data[: p + n] + data[p:], places, lengths),
        st.builds(
            lambda p, more: data[:p] + more + data[p + len(more) :], places, st.binary(min_size=1, max_size=8)
        ),
        st.builds(
            lambda p, more: data[:p] + more + data[p:], places, st.sampled_from([b" ", b"\n", b"\0", b"="])
        ),
        st.builds(lambda p, q, n: data[:p] + data[q : q + n] + data[p + n :], places, places, lengths),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_malleability(kind: str) -> None:
    """No edit of a file is admitted: what is admitted is what was signed, to the byte."""
    good = SENT.files[kind]

    @settings(max_examples=150, deadline=None, database=None)
    @given(edits(good))
    def edited(data: bytes) -> None:
        if data == good:
            return
        reason = reason_of(lambda: SENT.admit(kind, data))
        assert reason, "admitted"
        assert reason.split(".")[0] in (
            "file",
            "preamble",
            "envelope",
            "header",
            "signature",
            "body",
            kind,
            *(("signing-key",) if kind == "card" else ()),  # a card says itself by which key it is verified
        ), reason

    edited()


def test_a_second_signature_over_the_same_request_is_the_same_request() -> None:
    """Ed25519 is deterministic, but its signer may make others: a request is known by what is signed."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    request = SENT.files["request"]
    header = split(request).claim(RequestHeader)
    signer = SENT.study.coordinator
    assert isinstance(signer.signing, Ed25519PrivateKey)
    again = seal_header(header, signer.signing, header.sender) + request[split(request).length :]
    assert split(again).digest == split(request).digest
