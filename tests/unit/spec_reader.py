"""docs/SPEC.md once more, from its text: what opens the vectors of tests/vectors without a line of privxray.

Curves, lattices, ciphers and hashes are those of ``cryptography`` and hashlib; everything between is here,
HPKE and its hybrid KEM included.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mnemonic import Mnemonic

PRIME = 2**256 + 297

Json = dict[str, Any]


@dataclass(frozen=True)
class File:
    """A file of section 1."""

    header: dict[str, Any]
    digest: str
    body: bytes
    start: bytes

    @property
    def sender(self) -> str:
        return str(self.header["sender"])


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def dsse(type_: str, payload: bytes) -> bytes:
    return b" ".join([b"DSSEv1", b"%d" % len(type_), type_.encode(), b"%d" % len(payload), payload])


def fingerprint(signing: str) -> str:
    return hashlib.sha256(base64.b64decode(signing)).hexdigest()


def claimed(data: bytes) -> Json:
    """A header whose signature is not looked at."""
    size = int.from_bytes(data[9:13], "big")
    header: Json = json.loads(base64.b64decode(json.loads(data[13 : 13 + size])["payload"]))
    return header


def digest_of(data: bytes) -> str:
    """The digest of a file, whose signature is not looked at."""
    size = int.from_bytes(data[9:13], "big")
    return hashlib.sha256(base64.b64decode(json.loads(data[13 : 13 + size])["payload"])).hexdigest()


def read(data: bytes, signing: str, version: int = 1) -> File:
    """Section 1, by the signer's key in base64; ``version`` 2 is section 1 of docs/SPEC-2.md."""
    assert data[:9] == b"PRIVXRAY" + bytes([version])
    size = int.from_bytes(data[9:13], "big")
    raw = data[13 : 13 + size]
    assert len(raw) == size
    envelope = json.loads(raw)
    assert canonical(envelope) == raw
    (signature,) = envelope["signatures"]
    payload, key = base64.b64decode(envelope["payload"]), base64.b64decode(signing)
    assert signature["keyid"] == hashlib.sha256(key).hexdigest()
    signed = dsse(envelope["payloadType"], payload)
    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature["sig"]), signed)
    header, body = json.loads(payload), data[13 + size :]
    assert canonical(header) == payload
    kind = header["kind"] if version == 1 else f"{header['kind']}.v2"
    assert envelope["payloadType"] == f"application/vnd.privxray.{kind}+json"
    assert header["sender"] == signature["keyid"]
    assert (header["body"]["length"], header["body"]["sha256"]) == (
        len(body),
        hashlib.sha256(body).hexdigest(),
    )
    return File(header, hashlib.sha256(payload).hexdigest(), body, data[: 13 + size])


def parts(data: bytes) -> list[bytes]:
    """The envelopes, with their preambles, of a request's body."""
    found = []
    while data:
        end = 13 + int.from_bytes(data[9:13], "big")
        found.append(data[:end])
        data = data[end:]
    return found


def info(stated: dict[str, Any]) -> bytes:
    return hashlib.sha256(b"privxray hpke v1" + canonical(stated)).digest()


def hpke_open(secret: bytes, sealed: bytes, stated: dict[str, Any]) -> bytes:
    """Open with a private sealing key: 64 bytes of ML-KEM seed, 32 of X25519."""
    lattice, point, box = sealed[:1088], sealed[1088:1120], sealed[1120:]
    curve = X25519PrivateKey.from_private_bytes(secret[64:])
    shared = hashlib.sha3_256(
        MLKEM768PrivateKey.from_seed_bytes(secret[:64]).decapsulate(lattice)
        + curve.exchange(X25519PublicKey.from_public_bytes(point))
        + point
        + curve.public_key().public_bytes_raw()
        + bytes.fromhex("5c2e2f2f5e5c")
    ).digest()
    suite = b"HPKE-v1HPKE" + bytes.fromhex("647a00010003")

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), suite + label + ikm, "sha256")

    def expand(key: bytes, label: bytes, context: bytes, length: int) -> bytes:  # at most one block
        return hmac.digest(key, length.to_bytes(2, "big") + suite + label + context + b"\x01", "sha256")[
            :length
        ]

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info(stated))
    key = extract(shared, b"secret", b"")
    cipher = ChaCha20Poly1305(expand(key, b"key", context, 32))
    return cipher.decrypt(expand(key, b"base_nonce", context, 12), box, None)


def open_body(file: File, secret: bytes, recipient: str) -> bytes:
    """An encrypted body of section 1, with the recipient's private sealing key."""
    return open_sealed(file, file.header["body"]["key"]["wrapped"], secret, recipient)


def open_sealed(file: File, wrapped: str, secret: bytes, recipient: str) -> bytes:
    """The same by one of several wrapped keys."""
    stated = {name: file.header[name] for name in ("kind", "plan", "sender", "study")}
    stated |= {"purpose": "body key", "recipient": recipient}
    key = hpke_open(secret, base64.b64decode(wrapped), stated)
    cipher, plain, chunk = ChaCha20Poly1305(key), b"", 65536 + 16
    for number, place in enumerate(range(0, len(file.body), chunk)):
        last = place + chunk >= len(file.body)
        nonce = number.to_bytes(11, "big") + bytes([last])
        plain += cipher.decrypt(nonce, file.body[place : place + chunk], None)
    return plain


def keystream(key: bytes, count: int, bits: int) -> list[int]:
    stream = Cipher(AES256(key), CTR(bytes(16))).encryptor().update(bytes(count * bits // 8))
    size = bits // 8
    return [int.from_bytes(stream[at : at + size], "little") for at in range(0, len(stream), size)]


def pairwise_key(shared: bytes, plan: str, one: str, other: str) -> bytes:
    """k_uv of section 5 from the X25519 secret of two hospitals, with their fingerprints."""
    low, high = sorted([bytes.fromhex(one), bytes.fromhex(other)])
    label = b"privxray mask v1" + low + high
    return HKDF(SHA256(), 32, salt=bytes.fromhex(plan), info=label).derive(shared)


def self_mask_key(seed: bytes, plan: str, own: str) -> bytes:
    label = b"privxray self mask v1" + bytes.fromhex(own)
    return HKDF(SHA256(), 32, salt=bytes.fromhex(plan), info=label).derive(seed)


def expanded(secret: bytes, salt: bytes, label: bytes) -> bytes:
    """HKDF-SHA256 with one block of output."""
    return hmac.digest(hmac.digest(salt or bytes(32), secret, "sha256"), label + b"\x01", "sha256")


def hybrid_key(curve: bytes, shared: bytes, ciphertext: bytes, pair: list[str], plans: list[Json]) -> bytes:
    """k_uv of section 8 of docs/SPEC-2.md.

    ``curve`` is X25519's secret, ``shared`` ML-KEM's; ``pair`` are the two fingerprints; ``plans`` are the
    hash and the round of the plan that asks, then of the plan that trains.
    """
    asks, trains = plans
    names = b"".join(bytes.fromhex(one) for one in sorted(pair))
    label = b"privxray agreed secret v2" + names + hashlib.sha256(ciphertext).digest()
    secret = expanded(shared, bytes.fromhex(asks["hash"]), label)
    for _ in range(trains["round"] - asks["round"]):
        secret = expanded(secret, b"", b"privxray next secret v2")
    return expanded(curve + secret, bytes.fromhex(trains["hash"]), b"privxray mask v2" + names)


def commitment(owner: str, plan: str, seat: int, secret: str, salt: bytes, share: bytes) -> bytes:
    of = canonical({"owner": owner, "plan": plan, "seat": seat, "secret": secret})
    return hashlib.sha256(b"privxray share v1" + of + salt + share).digest()


def restore(shares: dict[int, bytes]) -> bytes:
    """The value at 0, by solving for the polynomial: Newton's divided differences."""
    places = sorted(shares)
    table = [int.from_bytes(shares[x], "big") for x in places]
    for order in range(1, len(places)):
        for at in range(len(places) - 1, order - 1, -1):
            run = places[at] - places[at - order]
            table[at] = (table[at] - table[at - 1]) * pow(run, -1, PRIME) % PRIME
    value = 0
    for x, coefficient in zip(reversed(places), reversed(table), strict=True):
        value = (coefficient + value * (0 - x)) % PRIME
    return value.to_bytes(32, "big")


def tensors(data: bytes) -> dict[str, bytes]:
    """The raw numbers of each tensor of a safetensors body."""
    start = 8 + int.from_bytes(data[:8], "little")
    index = json.loads(data[8:start])
    return {
        name: data[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]]
        for name, entry in index.items()
    }


# Section 5 of docs/SPEC-2.md: edwards25519 in affine coordinates, slow and plain.

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, -1, FIELD) % FIELD

Point = tuple[int, int]


def decoded(data: bytes) -> Point | None:
    """RFC 8032, section 5.1.3; None for what is no point."""
    y = int.from_bytes(data, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if x * x % FIELD != square:
        x = x * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
    if y >= FIELD or x * x % FIELD != square or (x == 0 and data[31] >> 7):
        return None
    return (FIELD - x if x % 2 != data[31] >> 7 else x, y)


def encoded(point: Point) -> bytes:
    x, y = point
    return (y | (x % 2) << 255).to_bytes(32, "little")


def plus(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    product = CURVE_D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, FIELD)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, FIELD)
    return x % FIELD, y % FIELD


def times(scalar: int, point: Point) -> Point:
    return affine(summed([(scalar, extended(point))]))


Extended = tuple[int, int, int, int]
"""A point as X, Y, Z and T, with x = X / Z, y = Y / Z and x y = T / Z (Hisil et al. 2008): no division."""


def extended(point: Point) -> Extended:
    x, y = point
    return (x, y, 1, x * y % FIELD)


def affine(point: Extended) -> Point:
    inverse = pow(point[2], -1, FIELD)
    return point[0] * inverse % FIELD, point[1] * inverse % FIELD


def plus_extended(one: Extended, two: Extended) -> Extended:
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, two
    a, b = (y1 - x1) * (y2 - x2) % FIELD, (y1 + x1) * (y2 + x2) % FIELD
    c, d = 2 * CURVE_D * t1 * t2 % FIELD, 2 * z1 * z2 % FIELD
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % FIELD, g * h % FIELD, f * g % FIELD, e * h % FIELD)


def summed(pairs: list[tuple[int, Extended]]) -> Extended:
    """The sum of scalar times point, all of them doubled together."""
    total: Extended = (0, 1, 1, 0)
    for bit in range(max((number.bit_length() for number, _ in pairs), default=0) - 1, -1, -1):
        total = plus_extended(total, total)
        for number, one in pairs:
            if number >> bit & 1:
                total = plus_extended(total, one)
    return total


@cache
def generator(index: int) -> Point:
    counter = 0
    while True:
        label = b"privxray generator v2" + index.to_bytes(4, "big") + counter.to_bytes(4, "big")
        point = decoded(hashlib.sha256(label).digest())
        if point is not None:
            return times(8, point)
        counter += 1


def committed_to(scalars: list[int]) -> bytes:
    places = [*range(len(scalars) - 1), 2**32 - 1]
    pairs = [(one % ORDER, extended(generator(at))) for one, at in zip(scalars, places, strict=True)]
    return encoded(affine(summed(pairs)))


def curve_sum(points: list[bytes]) -> bytes:
    total: Point = (0, 1)
    for data in points:
        point = decoded(data)
        assert point is not None
        total = plus(total, point)
    return encoded(total)


def scalar_stream(key: bytes, count: int) -> list[int]:
    stream = Cipher(AES256(key), CTR(bytes(16))).encryptor().update(bytes(64 * count))
    return [int.from_bytes(stream[at : at + 64], "little") % ORDER for at in range(0, len(stream), 64)]


# Section 6 of docs/SPEC-2.md: whether a plan may repeat the round of another one.


def may_repeat(plan: Json, failed: Json, failed_hash: str) -> bool:
    """Both headers were verified. True also for a plan that repeats nothing."""
    repeats, without = plan["repeats"], plan.get("without", {"asked": 5})
    if repeats is None:
        return without is None
    said = without or {"asked": None, "faulty": [], "refusals": [], "waivers": []}
    asked, hospitals = said["asked"], _fingerprints(plan["roster"]["members"])
    same = [one["party"] for one in repeats["same"]]
    terms = ("stage", "stages", "method", "constants", "epsilon", "delta", "manifest", "mode", "body")
    held = plan["committee"] is not None
    fits = (
        "without" in plan
        and same == sorted(set(same))
        and set(same) <= hospitals
        and repeats["plan"] == failed_hash
        and all(plan[name] == failed[name] for name in terms)
        and not said["faulty" if held else "refusals"]
        and (held or asked is None)
        and (asked is None or (asked == sorted(set(asked)) and set(asked) <= hospitals))
    )
    if not fits:
        return False
    parties = {fingerprint(p["keys"]["signing"]): p["keys"]["signing"] for p in _parties(failed)}
    waived = [_statement(text, "waiver", parties, failed_hash) for text in said["waivers"]]
    refusing = [_statement(text, "refusal", parties, failed_hash) for text in said["refusals"]]
    waived += [_faulty(one, parties, failed_hash) for one in said["faulty"]]
    before = _fingerprints(failed["roster"]["members"])
    if None in waived or None in refusing or set(waived) & hospitals or not hospitals <= before:
        return False
    return _keyholders_fit(plan, failed, set(refusing)) if held else before - hospitals == set(waived)


def _keyholders_fit(plan: Json, failed: Json, refusing: set[Any]) -> bool:
    one, other = plan["committee"], failed["committee"]
    seats, seats_before = ({seat["keyholder"] for seat in each["seats"]} for each in (one, other))
    t, t_before, c = one["threshold"], other["threshold"], other["corrupt_keyholders"]
    if refusing <= seats_before and len(refusing) > len(seats_before) - t_before + c:
        return True
    common = t + t_before + len(seats & seats_before) - len(seats) - len(seats_before)
    return bool(common > max(c, one["corrupt_keyholders"]))


def _statement(text: str, kind: str, parties: Json, about: str) -> str | None:
    """Who signed a statement inside of a plan; None where it is not about the plan with this hash."""
    data = base64.b64decode(text)
    sender = str(claimed(data)["sender"])
    file = read(data, parties[sender], version=2)
    good = file.header["kind"] == kind and file.header["plan"] == about and not file.body
    return file.sender if good else None


def _faulty(shown: Json, parties: Json, failed_hash: str) -> str | None:
    """The hospital whose update is not as committed; None where it is."""
    data, key = base64.b64decode(shown["update"]), base64.b64decode(shown["key"])
    file = read(data, parties[str(claimed(data)["sender"])], version=2)
    others = sorted(one for one in parties if one != file.sender)
    masks = base64.b64decode(file.header["masks"])
    points = [base64.b64decode(file.header["commitment"])]
    for place, other in enumerate(others):
        point = decoded(masks[32 * place : 32 * place + 32])
        assert point is not None
        x, y = point
        points.append(encoded((x, y) if file.sender < other else (FIELD - x, y)))
    plain = ChaCha20Poly1305(key).decrypt(bytes(11) + b"\x01", file.body, None)  # one chunk
    numbers = tensors(plain)["masked"]
    scalars = [int.from_bytes(numbers[at : at + 32], "little") for at in range(0, len(numbers), 32)]
    good = file.header["plan"] == failed_hash and committed_to(scalars) == curve_sum(points)
    return None if good else file.sender


def _parties(plan: Json) -> list[Json]:
    return [*plan["roster"]["members"], *plan["roster"]["trustees"]]


def _fingerprints(parties: list[Json]) -> set[str]:
    return {fingerprint(party["keys"]["signing"]) for party in parties}


# Section 10 of docs/SPEC-2.md: recovery keys and consents.


def recovery_key(words: str) -> bytes:
    """The public recovery key of 24 words of the BIP-39 list, its checksum demanded."""
    listed = Mnemonic("english").wordlist
    number = 0
    for word in words.split():
        number = number << 11 | listed.index(word)
    entropy, checksum = (number >> 8).to_bytes(32, "big"), number & 255
    assert hashlib.sha256(entropy).digest()[0] == checksum
    seed = HKDF(SHA256(), 32, salt=None, info=b"privxray recovery v1").derive(entropy)
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def verify_recovery_statement(statement: Json, owner: str) -> bytes:
    """A recovery key, by the signing key of the party that states it."""
    signed = dsse("application/vnd.privxray.recovery.v2+json", canonical({"key": statement["key"]}))
    verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(owner))
    verifier.verify(base64.b64decode(statement["signature"]), signed)
    return base64.b64decode(statement["key"])


def verify_consent(consent: str, signer: bytes, header: Json) -> None:
    """A recovery key's or a hospital's consent; ``header`` is that of the succession or the vote."""
    names, kind = ("keys", "old", "study"), "consent"
    if header["study"] is not None:
        names, kind = ("keys", "old", "plan", "result", "round", "study", "until"), "ballot"
    payload = canonical({name: header[name] for name in names})
    signed = dsse(f"application/vnd.privxray.{kind}.v2+json", payload)
    Ed25519PublicKey.from_public_bytes(signer).verify(base64.b64decode(consent), signed)
