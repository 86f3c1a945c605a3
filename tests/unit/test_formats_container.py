"""The container: what is written is read, and nothing else is."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forged_files import framed, refused, signed
from hypothesis import given, settings
from hypothesis import strategies as st

from privxray.errors import MalformedError, PrivxrayError
from privxray.formats import canonical
from privxray.formats.container import MAGIC, PREAMBLE, check_body, payload_type, seal_header, split
from privxray.formats.header import Body, Header
from privxray.keys.identity import Identity
from privxray.keys.sealing_keys import SealingKey

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
    with refused("signature.other-signer"):
        split(sealed()).verify(Ed25519PrivateKey.generate().public_key(), Header)


def test_a_signature_by_another_key_under_this_ones_name_is_noticed() -> None:
    with refused("signature.wrong"):
        read(seal_header(header(), Ed25519PrivateKey.generate(), FINGERPRINT))


def test_a_kind_cannot_pass_for_another() -> None:
    data = sealed()
    raw = json.loads(data[PREAMBLE:])
    raw["payloadType"] = payload_type("model")
    changed = canonical.encode(raw)
    with refused("signature.wrong"):
        read(MAGIC + b"\x01" + len(changed).to_bytes(4, "big") + changed)


def test_an_envelope_with_spaces_is_refused_though_it_means_the_same() -> None:
    raw = json.dumps(json.loads(sealed()[PREAMBLE:])).encode()
    with refused("envelope.not-canonical"):
        split(MAGIC + b"\x01" + len(raw).to_bytes(4, "big") + raw)


BEGIN = MAGIC + b"\x01"


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b"", "file.not-privxray"),
        (b"%PDF-1.7", "file.not-privxray"),
        (MAGIC[:-1], "file.not-privxray"),
        (MAGIC, "preamble.cut-off"),
        (BEGIN + b"\x00\x00\x00", "preamble.cut-off"),
        (MAGIC + b"\x03\x00\x00\x00\x00", "file.other-version"),
        (MAGIC + b"\x00\x00\x00\x00\x00", "file.other-version"),
        (BEGIN + b"\xff\xff\xff\xff", "envelope.too-long"),
        (BEGIN + (4_194_305).to_bytes(4, "big") + b"{}", "envelope.too-long"),
        (BEGIN + (4_194_304).to_bytes(4, "big") + b"{}", "envelope.cut-off"),
        (BEGIN + b"\x00\x00\x00\x03{}", "envelope.cut-off"),
        (BEGIN + b"\x00\x00\x00\x00", "envelope.not-canonical"),
        (BEGIN + b"\x00\x00\x00\x02{}", "envelope.fields"),
        (BEGIN + b"\x00\x00\x00\x06[[[[[[", "envelope.not-canonical"),
    ],
)
def test_each_kind_of_damage_is_named(start: bytes, reason: str) -> None:
    with refused(reason):
        split(start)


def envelope(**changes: Any) -> dict[str, Any]:
    """A good envelope with something else in it, as JSON."""
    good = json.loads(sealed()[PREAMBLE:])
    return {name: value for name, value in (good | changes).items() if value is not None}


SIGNATURE = {"keyid": FINGERPRINT, "sig": canonical.to_base64(bytes(64))}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payload": None}, "envelope.fields"),
        ({"payload": 3}, "envelope.fields"),
        ({"payloadType": None}, "envelope.fields"),
        ({"signatures": []}, "envelope.fields"),
        ({"signatures": [SIGNATURE, SIGNATURE]}, "envelope.fields"),
        ({"signatures": [SIGNATURE | {"cert": ""}]}, "envelope.fields"),
        ({"signatures": [{"keyid": FINGERPRINT}]}, "envelope.fields"),
        ({"more": 1}, "envelope.fields"),
        ({"payloadType": "application/vnd.privxray.diary+json"}, "envelope.unknown-kind"),
        ({"payloadType": "text/plain"}, "envelope.unknown-kind"),
        ({"payload": "="}, "header.base64"),
        ({"signatures": [SIGNATURE | {"sig": "="}]}, "signature.base64"),
        ({"signatures": [SIGNATURE | {"sig": canonical.to_base64(bytes(63))}]}, "signature.base64"),
        ({"signatures": [SIGNATURE | {"sig": canonical.to_base64(bytes(65))}]}, "signature.base64"),
    ],
)
def test_an_envelope_has_these_fields_and_no_others(changes: dict[str, Any], reason: str) -> None:
    with refused(reason):
        split(framed(envelope(**changes)))


def test_an_envelope_ends_where_its_length_says() -> None:
    data = sealed()
    assert split(data + b"a body").length == len(data)
    assert data[:PREAMBLE] == b"PRIVXRAY\x01" + (len(data) - 13).to_bytes(4, "big")


def test_a_header_of_just_4_mib_of_envelope_is_written_and_none_longer() -> None:
    class Padded(Header):
        pad: str

    def written(pad: int, key_id: str) -> bytes:
        return seal_header(Padded(**header().model_dump(), pad="x" * pad), KEY, key_id)

    short = len(written(0, FINGERPRINT)) - PREAMBLE
    pad = (4_194_304 - short) // 4 * 3  # base64 makes 4 letters of 3
    length = len(written(pad, FINGERPRINT)) - PREAMBLE
    fitting = FINGERPRINT + "0" * (4_194_304 - length)
    longest = written(pad, fitting)
    assert len(longest) - PREAMBLE == 4_194_304
    assert split(longest).key_id == fitting
    with refused("header.too-long"):
        written(pad, fitting + "0")


def test_a_kind_is_demanded_by_its_article() -> None:
    split(sealed()).expect("card")
    for kind, says in (
        ("update", "an update is needed"),
        ("plan", "a plan is needed"),
        ("offer", "an offer"),
    ):
        with refused("file.other-kind") as told:
            split(sealed()).expect(kind)
        assert says in str(told.value)


def test_deep_nesting_is_refused_without_a_crash() -> None:
    raw = b"[" * 200_000
    with refused("envelope.not-canonical"):
        split(MAGIC + b"\x01" + len(raw).to_bytes(4, "big") + raw)


def test_an_unknown_field_is_refused_even_when_signed() -> None:
    class Longer(Header):
        extra: int = 1

    data = seal_header(Longer(**header().model_dump()), KEY, FINGERPRINT)
    with refused("header.field") as told:
        read(data)
    assert "(extra: extra_forbidden)" in str(told.value)


def test_a_damaged_header_is_reported_without_its_value() -> None:
    class Loose(Header):
        study: str | None

    data = seal_header(Loose(**header().model_dump() | {"study": "Müller, Anna"}), KEY, FINGERPRINT)
    with refused("header.field") as told:
        read(data)
    assert "Anna" not in str(told.value)
    assert "(study: string_pattern_mismatch)" in str(told.value)


def test_a_header_that_is_no_object_or_of_another_kind() -> None:
    identity = Identity(KEY, SealingKey.generate())
    with refused("header.field") as told:
        read(signed("card", b"[]", identity))
    assert "(header: model_type)" in str(told.value)
    with refused("header.not-canonical"):
        read(signed("card", b"{} ", identity))
    plan = canonical.encode(header(kind="plan").stated())
    with refused("header.other-kind"):
        read(signed("card", plan, identity))


def test_a_field_that_somebody_named_is_cut_in_the_message() -> None:
    """A file may hold any name for a field; a message has at most 80 letters of it."""
    identity = Identity(KEY, SealingKey.generate())
    fields = header().stated() | {"x" * 200: 1}
    with refused("header.field") as told:
        read(signed("card", canonical.encode(fields), identity))
    assert f"({'x' * 80}: " in str(told.value)


@pytest.mark.parametrize(
    ("length", "reason"), [(4, "body.cut-off"), (6, "body.longer-than-said"), (5, "body.altered")]
)
def test_a_body_is_held_against_its_header(length: int, reason: str) -> None:
    body = Body(length=5, sha256=hashlib.sha256(b"12345").hexdigest())
    with refused(reason):
        check_body(body, length, hashlib.sha256(b"54321").hexdigest())
    check_body(body, 5, hashlib.sha256(b"12345").hexdigest())


@pytest.mark.parametrize("value", [{"b": 1, "a": [None, True, 0.5, "\u00fc"]}, [], "text", 7])
def test_json_has_one_form(value: Any) -> None:
    data = canonical.encode(value)
    assert canonical.decode(data, "it", reason="header.not-canonical") == value
    for other in (json.dumps(value, indent=1).encode() + b"\n", b" " + data, data + b" ", data[:-1]):
        with refused("header.not-canonical"):
            canonical.decode(other, "it", reason="header.not-canonical")
    with pytest.raises(ValueError):
        canonical.encode(float("nan"))


@pytest.mark.parametrize(
    "text", ["=", "A", "AA", "AAA", "AB==", "AAAA\n", "AAAA====", "AA AA", "AA-A", "\u00fcAAA"]
)
def test_base64_has_one_form(text: str) -> None:
    with refused("header.base64"):
        canonical.from_base64(text, "it", reason="header.base64")


def test_base64_of_a_fixed_length() -> None:
    assert canonical.from_base64("AAAA", "it", reason="header.base64", length=3) == bytes(3)
    for length in (2, 4):
        with refused("header.base64"):
            canonical.from_base64("AAAA", "it", reason="header.base64", length=length)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_no_input_gives_anything_but_our_errors(tail: bytes, framed: bool) -> None:
    data = MAGIC + b"\x01" + len(tail).to_bytes(4, "big") + tail if framed else tail
    with pytest.raises(MalformedError) as told:
        split(data)
    assert told.value.reason
