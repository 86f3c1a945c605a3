"""The files under tests/vectors/inference: one broken rule of docs/SPEC.md each, and the reason expected.

Of queries and answers only what stands before the body is there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import spec_rlwe as rlwe
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
from privxray.inference.hospital_side import decrypt
from privxray.inference.parameters import Layout
from privxray.inference.wire import read_answer, read_question

VECTORS = Path(__file__).parents[1] / "vectors" / "inference"
INDEX = json.loads((VECTORS / "index.json").read_text())
FILES: dict[str, dict[str, str]] = INDEX["files"]


def load(name: str) -> bytes:
    return (VECTORS / f"{name}.bin").read_bytes()


def admit(name: str) -> None:
    """By the rules for a file of this kind, under the good offer and the good query of its set."""
    data = load(name)
    envelope = split(data)
    if envelope.kind == "offer":
        offer, body = admit_offer(envelope), data[envelope.length :]
        check_body(offer.body, len(body), hashlib.sha256(body).hexdigest())
        read_centre(offer, body)
        return
    offer = split(load("offer")).claim(OfferHeader)
    if envelope.kind == "query":
        admit_query_to(admit_query(envelope, offer.owner), offer)
        return
    asked = split(load("query"))
    admit_answer(envelope, asked.claim(QueryHeader), asked.digest, offer)


def test_there_is_a_file_for_each_entry_and_an_entry_for_each_file() -> None:
    assert {path.stem for path in VECTORS.glob("*.bin")} == set(FILES)
    assert [name for name, entry in FILES.items() if entry["reason"] == "ok"] == [
        *("offer", "query", "query-of-many", "answer")
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
    sizes = {"query": 32 + 2 * 2 * 4 * 4096, "answer": 2 * 3 * 4 * (1 + 4096)}
    for name, plain in sizes.items():
        assert json.loads(split(load(name)).payload)["body"]["length"] == plain + 16 * -(-plain // 65_536)


# The numbers themselves, read by spec_rlwe.py

NUMBERS = INDEX["numbers"]
D, PRIMES_OF_QUERY, PRIMES_OF_ANSWER = 4, 3, 2
"""Four features, and four decimals: a query is modulo three primes, an answer modulo two."""


def test_the_query_opens_to_its_features_as_the_specification_says() -> None:
    data = (VECTORS / "numbers" / "query.bin").read_bytes()
    seed, (key, first) = data[:32], rlwe.polynomials(data[32:], PRIMES_OF_QUERY)
    secret = rlwe.secret(bytes.fromhex(NUMBERS["secret"]))
    for place in (0, 1, 2, 3, 4, 4095):
        errors, plain = [], []
        for number in range(PRIMES_OF_QUERY):
            mixing = rlwe.uniform(bytes.fromhex(NUMBERS["mixing_seed"]), "offer", number)
            second = rlwe.uniform(seed, "query 0", number)
            errors.append(key[number][place] + rlwe.coefficient(mixing, secret, place))
            plain.append(first[number][place] + rlwe.coefficient(second, secret, place))
        assert abs(rlwe.centred(errors)) <= 21
        expected = round(NUMBERS["features"][place] * 2**46) if place < D else 0
        assert abs(rlwe.centred(plain) - expected) <= 21


def test_the_answer_opens_to_scores_as_the_specification_says() -> None:
    data = (VECTORS / "numbers" / "answer.bin").read_bytes()
    results = rlwe.polynomials(data, PRIMES_OF_ANSWER, 1 + rlwe.N)
    secret = rlwe.secret(bytes.fromhex(NUMBERS["secret"]))
    scale = 2 ** (32 * PRIMES_OF_ANSWER - 1) / NUMBERS["score_range"]
    scores = []
    for result in results:
        numbers = [row[0] + rlwe.coefficient(row[1:], secret, 0) for row in result]
        scores.append(rlwe.centred(numbers) / scale)
    plain = [
        sum(w * z for w, z in zip(row, NUMBERS["features"], strict=True)) + offset
        for row, offset in zip(NUMBERS["weights"], NUMBERS["offsets"], strict=True)
    ]
    noise = 0.2 * 10 ** -NUMBERS["decimals"]
    assert scores == pytest.approx(plain, abs=6 * noise)
    assert any(abs(score - exact) > 0.01 * noise for score, exact in zip(scores, plain, strict=True))


def test_privxray_reads_the_same_numbers() -> None:
    layout = Layout(D, 2, NUMBERS["decimals"], NUMBERS["score_range"])
    query, answer = ((VECTORS / "numbers" / f"{name}.bin").read_bytes() for name in ("query", "answer"))
    assert read_question(query, layout, 1).to_bytes() == query
    secret = bytes.fromhex(NUMBERS["secret"])
    scores = decrypt(read_answer(answer, layout, 1), layout, 2e-5, secret)[0]
    plain = np.array(NUMBERS["weights"]) @ NUMBERS["features"] + NUMBERS["offsets"]
    assert scores == pytest.approx(plain, abs=1.2e-4)
