"""The files under tests/vectors: fixed bytes, one broken rule each, the reason of the refusal expected.

The numbers are recomputed here with hashlib, ``cryptography`` and whole-number arithmetic only, as another
implementation would from docs/SPEC.md.
"""

from __future__ import annotations

import hashlib
import json
import sys
from base64 import b64decode
from pathlib import Path

import pytest
import spec_reader as spec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from forged_files import refused
from mnemonic import Mnemonic

from privxray.exchange.admission.admit import admit_model, admit_plan, admit_update, read_update
from privxray.exchange.messages.plan import SignedPlan
from privxray.explanations.catalogue import reasons
from privxray.formats.container import check_body, split
from privxray.formats.header import Header
from privxray.keys.card import read_card

VECTORS = Path(__file__).parents[1] / "vectors"
INDEX = json.loads((VECTORS / "index.json").read_text())
NUMBERS = json.loads((VECTORS / "numbers.json").read_text())


def load(name: str) -> bytes:
    return (VECTORS / f"{name}.bin").read_bytes()


def plan() -> SignedPlan:
    return admit_plan(split(load("plan")), None)


def admit(name: str) -> None:
    """What the recipient checks that follows the good plan, and trusts its coordinator."""
    data, followed = load(name), plan()
    envelope = split(data)
    body = data[envelope.length :]
    header: Header
    if name.startswith("card"):
        header = read_card(envelope)
    elif name.startswith("plan"):
        header = admit_plan(envelope, followed.plan.coordinator).plan
    elif name.startswith("model"):
        header = admit_model(envelope, followed)
    else:
        header, member = read_update(envelope, followed.plan.roster.members)
        admit_update(header, member, followed)
    check_body(header.body, len(body), hashlib.sha256(body).hexdigest())


def test_there_is_a_file_for_each_entry_and_an_entry_for_each_file() -> None:
    assert {path.stem for path in VECTORS.glob("*.bin")} == set(INDEX)
    assert sum(entry["expect"] == "ok" for entry in INDEX.values()) == 12


def test_the_class_of_failure_is_that_of_the_reason() -> None:
    codes = {"ok": 0, "refused": 4, "malformed": 11, "key": 12, "identity": 13}
    listed = reasons()
    for name, entry in INDEX.items():
        if entry["expect"] != "ok":
            assert codes[entry["expect"]] == listed[entry["reason"]].exit_code, name


@pytest.mark.parametrize("name", [name for name, entry in INDEX.items() if entry["under"] == "plan"])
def test_each_vector_ends_as_expected(name: str) -> None:
    if INDEX[name]["expect"] == "ok":
        admit(name)
        return
    with refused(INDEX[name]["reason"]):
        admit(name)


def test_what_this_version_computes_is_what_the_vectors_hold() -> None:
    """The numbers, and every file whose parts are not sealed with fresh randomness, to the byte."""
    sys.path += [str(VECTORS)]
    import make

    world, held = make.study(), make.keyholders.Round(make.seeded, make.identity, make.sealing_key, make.kept)
    assert make.told(world, held) == NUMBERS
    made = make.strict.Files(world, make.identity, make.seeded, make.kept).all() | make.keyholders.files(held)
    altered = {name for name, (data, _, _) in made.items() if data != load(name)}
    assert altered == {
        "vector-too-short",
        "held-update-of-another-form",
        "held-update-sealed-for-another-study",
        "share-another-request",
        "share-by-a-hospital",
        "share-next-key-not-later",
        "share-next-key-of-another",
        "share-too-few",
        "share-altered",
    }


def test_a_mask_from_the_specification() -> None:
    told = NUMBERS["mask"]
    shared = X25519PrivateKey.from_private_bytes(bytes.fromhex(told["private"])).exchange(
        X25519PublicKey.from_public_bytes(bytes.fromhex(told["peer_public"]))
    )
    low, high = sorted([told["own"], told["other"]])
    info = b"privxray mask v1" + bytes.fromhex(low) + bytes.fromhex(high)
    key = HKDF(SHA256(), 32, salt=bytes.fromhex(told["plan"]), info=info).derive(shared)
    assert key.hex() == told["key"]
    stream = Cipher(AES256(key), CTR(bytes(16))).encryptor().update(bytes(48))
    for bits in (32, 64):
        size = bits // 8
        read = [int.from_bytes(stream[i : i + size], "little") for i in range(0, 6 * size, size)]
        assert [str(number) for number in read] == told["stream"][str(bits)]
    assert told["plan"] == split(load("plan")).digest


def test_fixed_point_from_the_specification() -> None:
    told = NUMBERS["fixed_point"]
    for bits in (32, 64):
        expected = []
        for value in told["values"]:
            clamped = max(-told["bound"], min(told["bound"], value))
            expected.append(str(round(clamped * 2 ** told["fraction_bits"]) % 2**bits))
        assert expected == told["integers"][str(bits)]


def test_an_encrypted_body_from_the_specification() -> None:
    told, plain = NUMBERS["stream"], bytes(range(256)) * 257
    cipher = ChaCha20Poly1305(bytes.fromhex(told["key"]))
    sealed = cipher.encrypt(bytes(12), plain[:65536], None)
    sealed += cipher.encrypt((1).to_bytes(11, "big") + b"\x01", plain[65536:], None)
    assert (len(sealed), hashlib.sha256(sealed).hexdigest()) == (told["length"], told["sha256"])


def test_an_update_from_the_specification() -> None:
    """From update.bin, plan.bin and the published secrets alone to the numbers that the hospital sent."""
    secrets, plan = NUMBERS["secrets"], spec.claimed(load("plan"))
    members = {m["name"]: m for m in plan["roster"]["members"]}
    own = members["hospital-a"]["keys"]["signing"]
    update = spec.read(load("update"), own)
    assert update.header["plan"] == spec.digest_of(load("plan"))
    plain = spec.open_body(
        update, bytes.fromhex(secrets["coordinator sealing"]), update.header["recipients"][0]
    )
    index = json.loads(plain[8 : 8 + int.from_bytes(plain[:8], "little")])
    assert index == {"masked": {"dtype": "U64", "shape": [15], "data_offsets": [0, 120]}}
    numbers = [int.from_bytes(plain[at : at + 8], "little") for at in range(len(plain) - 120, len(plain), 8)]
    assert [str(number) for number in numbers] == NUMBERS["update"]["masked"]
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(secrets["hospital-a mask"]))
    low_first = sorted([update.sender, *(spec.fingerprint(m["keys"]["signing"]) for m in members.values())])
    for member in members.values():
        other = spec.fingerprint(member["keys"]["signing"])
        if other == update.sender:
            continue
        shared = private.exchange(X25519PublicKey.from_public_bytes(b64decode(member["mask"]["key"])))
        key = spec.pairwise_key(shared, update.header["plan"], update.sender, other)
        sign = 1 if low_first.index(update.sender) < low_first.index(other) else -1
        stream = spec.keystream(key, 15, 64)
        numbers = [(x - sign * s) % 2**64 for x, s in zip(numbers, stream, strict=True)]
    assert [str(number) for number in numbers] == NUMBERS["update"]["plain"]


def test_key_words_from_the_specification() -> None:
    header = json.loads(split(load("plan")).payload)
    coordinator, roster = header["coordinator"], header["roster"]
    members = sorted(
        [m["name"], m["role"], m["keys"]["signing"], m["keys"]["sealing"]] for m in roster["members"]
    )
    stated = ["privxray roster v1", header["study"], roster["version"], coordinator["signing"],
              coordinator["sealing"], members]  # fmt: skip
    digest = hashlib.sha256(json.dumps(stated, separators=(",", ":")).encode()).digest()
    told = NUMBERS["key_words"]
    assert digest.hex() == told["roster_digest"]
    raw = hashlib.scrypt(digest, salt=b"privxray key words v1", n=2**17, r=8, p=1, maxmem=2**28, dklen=17)
    bits = "".join(f"{byte:08b}" for byte in raw)
    listed = Mnemonic("english").wordlist
    assert " ".join(listed[int(bits[i : i + 11], 2)] for i in range(0, 132, 11)) == told["words"]
