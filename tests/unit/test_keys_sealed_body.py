"""Bodies sealed to one party: they open for nobody else, and for nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from forged_files import refused

from privxray.formats.header import Header
from privxray.formats.stream import sealed_length
from privxray.keys.hpke_info import hpke_info
from privxray.keys.identity import Identity
from privxray.keys.sealed_body import open_body, seal_body

SENDER, RECIPIENT = Identity.generate(), Identity.generate()
ABOUT = "ab" * 32
NUMBERS = json.loads((Path(__file__).parents[1] / "vectors" / "numbers.json").read_text())


def sealed(*pieces: bytes) -> tuple[Header, bytes]:
    sender = SENDER.public().fingerprint
    described, body = seal_body(
        "update", pieces, sender=sender, recipient=RECIPIENT.public(), study="pneumonia", about=ABOUT
    )
    header = Header(
        kind="update",
        study="pneumonia",
        sender=sender,
        body=described,
        created="2026-01-02T03:04:05Z",
        software="privxray 0.1.0",
    )
    return header, body


def opened(header: Header, body: bytes, about: str = ABOUT, own: Identity = RECIPIENT) -> bytes:
    return b"".join(open_body(header, about, [body[:7], body[7:]], own))


def test_a_body_opens_for_its_recipient_and_is_described_rightly() -> None:
    header, body = sealed(b"two ", b"pieces")
    assert opened(header, body) == b"two pieces"
    described = header.body
    assert (described.length, described.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert described.length == sealed_length(len(b"two pieces"))
    assert described.cipher == "chacha20poly1305-stream"
    assert described.key is not None
    assert described.key.recipient == RECIPIENT.public().fingerprint
    assert body != sealed(b"two ", b"pieces")[1], "each body has a key of its own"


def test_a_body_opens_for_nobody_and_nothing_else() -> None:
    header, body = sealed(b"secret")
    with refused("seal.other-key"):
        opened(header, body, own=SENDER)
    with refused("seal.other-key"):
        opened(header, body, about="cd" * 32)
    for change in ({"kind": "share"}, {"study": "cardiology"}, {"sender": RECIPIENT.public().fingerprint}):
        with refused("seal.other-key"):
            opened(header.model_copy(update=change), body)


def test_an_altered_body_or_key_does_not_open() -> None:
    header, body = sealed(b"secret")
    with refused("body.not-authentic"):
        opened(header, body[:-1] + bytes([body[-1] ^ 1]))
    assert header.body.key is not None
    key = header.body.key.model_copy(update={"wrapped": "="})
    with refused("body-key.base64"):
        opened(header.model_copy(update={"body": header.body.model_copy(update={"key": key})}), body)


def test_info_from_the_vectors() -> None:
    told = NUMBERS["keyholders"]["hpke_info"]
    assert hpke_info(**told["stated"]).hex() == told["info"]


@pytest.mark.parametrize("field", ["kind", "plan", "purpose", "recipient", "sender", "study"])
def test_info_covers_every_field(field: str) -> None:
    stated = NUMBERS["keyholders"]["hpke_info"]["stated"]
    assert hpke_info(**(stated | {field: "another"})) != hpke_info(**stated)
