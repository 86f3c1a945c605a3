"""The container: what is written is read, and nothing else is."""

from __future__ import annotations

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from privxray.errors import IdentityError, MalformedError, PrivxrayError
from privxray.formats import canonical
from privxray.formats.container import MAGIC, PREAMBLE, check_body, payload_type, seal_header, split
from privxray.formats.header import Body, Header

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FINGERPRINT = hashlib.sha256(KEY.public_key().public_bytes_raw()).hexdigest()


def header(**changes: object) -> Header:
    fields = {
        "kind": "card",
        "study": None,
        "sender": FINGERPRINT,
        "created": "2026-01-02T03:04:05Z",
        "software": "privxray 0.1.0",
    }
    return Header.model_validate(fields | changes)


def sealed(**changes: object) -> bytes:
    return seal_header(header(**changes), KEY, FINGERPRINT)


def read(data: bytes) -> Header:
    return split(data).verify(KEY.public_key(), Header)


def test_a_header_comes_back_as_it_was_signed() -> None:
    assert read(sealed(study="pneumonia", round=3)) == header(study="pneumonia", round=3)


def test_every_flipped_bit_is_noticed() -> None:
    data = sealed()
    for place in range(len(data)):
        for bit in range(8):
            altered = bytearray(data)
            altered[place] ^= 1 << bit
            with pytest.raises(PrivxrayError):
                read(bytes(altered))


def test_every_truncation_is_noticed() -> None:
    data = sealed()
    for length in range(len(data)):
        with pytest.raises(MalformedError):
            read(data[:length])


def test_another_signer_is_an_identity_error() -> None:
    with pytest.raises(IdentityError):
        split(sealed()).verify(Ed25519PrivateKey.generate().public_key(), Header)


def test_a_kind_cannot_pass_for_another() -> None:
    data = sealed()
    raw = json.loads(data[PREAMBLE:])
    raw["payloadType"] = payload_type("model")
    changed = canonical.encode(raw)
    with pytest.raises(IdentityError):
        read(MAGIC + b"\x01" + len(changed).to_bytes(4, "big") + changed)


def test_an_envelope_with_spaces_is_refused_though_it_means_the_same() -> None:
    raw = json.dumps(json.loads(sealed()[PREAMBLE:])).encode()
    with pytest.raises(MalformedError, match="canonical"):
        split(MAGIC + b"\x01" + len(raw).to_bytes(4, "big") + raw)


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"", "not a privxray file"),
        (b"%PDF-1.7", "not a privxray file"),
        (MAGIC, "preamble"),
        (MAGIC + b"\x02\x00\x00\x00\x00", "format version 2"),
        (MAGIC + b"\x01\xff\xff\xff\xff", "longer than any"),
        (MAGIC + b"\x01\x00\x00\x00\x02{}", "unexpected fields"),
        (MAGIC + b"\x01\x00\x00\x00\x06[[[[[[", "canonical"),
    ],
)
def test_each_kind_of_damage_is_named(start: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        split(start)


def test_deep_nesting_is_refused_without_a_crash() -> None:
    raw = b"[" * 200_000
    with pytest.raises(MalformedError):
        split(MAGIC + b"\x01" + len(raw).to_bytes(4, "big") + raw)


def test_an_unknown_field_is_refused_even_when_signed() -> None:
    class Longer(Header):
        extra: int = 1

    data = seal_header(Longer(**header().model_dump()), KEY, FINGERPRINT)
    with pytest.raises(MalformedError, match="extra"):
        read(data)


def test_a_damaged_header_is_reported_without_its_value() -> None:
    class Loose(Header):
        study: str | None

    data = seal_header(Loose(**header().model_dump() | {"study": "Müller, Anna"}), KEY, FINGERPRINT)
    with pytest.raises(MalformedError) as caught:
        read(data)
    assert "Anna" not in str(caught.value)
    assert "study" in str(caught.value)


@pytest.mark.parametrize(("length", "says"), [(4, "cut off"), (6, "longer"), (5, "SHA-256")])
def test_a_body_is_held_against_its_header(length: int, says: str) -> None:
    body = Body(length=5, sha256=hashlib.sha256(b"12345").hexdigest())
    with pytest.raises(MalformedError, match=says):
        check_body(body, length, hashlib.sha256(b"54321").hexdigest())
    check_body(body, 5, hashlib.sha256(b"12345").hexdigest())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_no_input_gives_anything_but_our_errors(tail: bytes, framed: bool) -> None:
    data = MAGIC + b"\x01" + len(tail).to_bytes(4, "big") + tail if framed else tail
    with pytest.raises(MalformedError):
        split(data)
