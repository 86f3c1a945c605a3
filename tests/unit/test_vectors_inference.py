"""The files under tests/vectors/inference: one broken rule of docs/SPEC.md each, and the reason expected.

Of queries and answers only what stands before the body is there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from forged_files import refused

from privxray.formats.container import check_body, split
from privxray.inference.admit_inference import (
    admit_answer,
    admit_offer,
    admit_query,
    admit_query_to,
    read_centre,
)
from privxray.inference.headers import OfferHeader, QueryHeader

VECTORS = Path(__file__).parents[1] / "vectors" / "inference"
INDEX = json.loads((VECTORS / "index.json").read_text())
FILES: dict[str, dict[str, str]] = INDEX["files"]


def load(name: str) -> bytes:
    return (VECTORS / f"{name}.bin").read_bytes()


def admit(name: str) -> None:
    """By the rules for a file of this kind, under the good offer and the good query of its set."""
    data, among = load(name), "packed-" if name.startswith("packed-") else ""
    envelope = split(data)
    if envelope.kind == "offer":
        offer, body = admit_offer(envelope), data[envelope.length :]
        check_body(offer.body, len(body), hashlib.sha256(body).hexdigest())
        read_centre(offer, body)
        return
    offer = split(load(f"{among}offer")).claim(OfferHeader)
    if envelope.kind == "query":
        admit_query_to(admit_query(envelope, offer.owner), offer)
        return
    asked = split(load(f"{among}query"))
    admit_answer(envelope, asked.claim(QueryHeader), asked.digest, offer)


def test_there_is_a_file_for_each_entry_and_an_entry_for_each_file() -> None:
    assert {path.stem for path in VECTORS.glob("*.bin")} == set(FILES)
    assert [name for name, entry in FILES.items() if entry["reason"] == "ok"] == [
        *("offer", "query", "answer", "packed-offer", "packed-query", "packed-query-of-many", "packed-answer")
    ]


@pytest.mark.parametrize("name", FILES)
def test_each_vector_ends_as_expected(name: str) -> None:
    reason = FILES[name]["reason"]
    if reason == "ok":
        admit(name)
        return
    with refused(reason):
        admit(name)


@pytest.mark.parametrize(
    ("name", "recipient", "about"), [("query", "owner", "offer"), ("answer", "clinic", "query")]
)
def test_a_body_key_opens_as_the_specification_says(name: str, recipient: str, about: str) -> None:
    """HPKE's ``info`` by docs/SPEC.md, section 1, with nothing of privxray; HPKE itself is a library's."""
    header = json.loads(split(load(name)).payload)
    secret = bytes.fromhex(INDEX["sealing_secrets"][recipient])
    key = MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(secret[:64]), X25519PrivateKey.from_private_bytes(secret[64:])
    )
    stated = {
        "kind": name,
        "plan": hashlib.sha256(split(load(about)).payload).hexdigest(),
        "purpose": "body key",
        "recipient": header["recipients"][0],
        "sender": header["sender"],
        "study": "pneumonia",
    }
    text = json.dumps(stated, sort_keys=True, separators=(",", ":")).encode()
    info = hashlib.sha256(b"privxray hpke v1" + text).digest()
    wrapped = base64.b64decode(header["body"]["key"]["wrapped"])
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    assert len(suite.decrypt(wrapped, key, info=info)) == 32


def test_the_sealed_lengths_of_the_specification() -> None:
    """L bytes of plaintext are L + 16 ceil(L / 65,536) bytes of body."""
    keys = 524_288 + 2 * 1_572_864  # four features take rotations by 1 and 2
    for name, plain in (("query", keys + 2 * 393_216), ("answer", 2 * 131_072)):
        assert json.loads(split(load(name)).payload)["body"]["length"] == plain + 16 * -(-plain // 65_536)
