"""A second hospital, written from docs/SPEC.md and docs/SPEC-2.md alone: it makes a card, reads a plan, and
builds an update. It shares no line with privxray; what reads files is :mod:`spec_reader`.

It carries out the features ``bound-proofs`` (:mod:`spec_bounds`), ``commitments``, ``heads`` and ``sizes`` in
the mode ``strict``. What it exports is a vector that is noisy already: section 13 of docs/SPEC.md says how
one is made.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import spec_reader as spec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from mnemonic import Mnemonic
from spec_bounds import prove_bounds
from spec_group import commitment

CAN = ["bound-proofs", "commitments", "heads", "sizes"]
ADDED = {"card": ["sizes"], "update": ["bound-proofs", "commitments", "heads"]}
"""By kind of file, the features of CAN that add to it."""
NO_BODY = {"cipher": "none", "key": None, "length": 0, "sha256": hashlib.sha256(b"").hexdigest()}
CHUNK = 65_536

Json = dict[str, Any]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    assert b64(data) == text
    return data


def file_of(header: Json, body: bytes, key: Ed25519PrivateKey) -> bytes:
    """Section 1: preamble, envelope, body; in format 2."""
    type_, payload = f"application/vnd.privxray.{header['kind']}.v2+json", spec.canonical(header)
    envelope = spec.canonical(
        {
            "payload": b64(payload),
            "payloadType": type_,
            "signatures": [{"keyid": header["sender"], "sig": b64(key.sign(spec.dsse(type_, payload)))}],
        }
    )
    return b"PRIVXRAY\x02" + len(envelope).to_bytes(4, "big") + envelope + body


def statement(key: Ed25519PrivateKey, type_: str, stated: Json) -> Json:
    """A signed statement of section 2, or of size."""
    signature = key.sign(spec.dsse(f"application/vnd.privxray.{type_}+json", spec.canonical(stated)))
    return stated | {"signature": b64(signature)}


def hpke_seal(sealing: bytes, plain: bytes, stated: Json) -> bytes:
    """Section 1, key wrapping: to a public sealing key, the encapsulation and then the ciphertext."""
    lattice_secret, lattice = MLKEM768PublicKey.from_public_bytes(sealing[:1184]).encapsulate()
    ephemeral = X25519PrivateKey.generate()
    point = ephemeral.public_key().public_bytes_raw()
    curve_secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(sealing[1184:]))
    label = bytes.fromhex("5c2e2f2f5e5c")
    shared = hashlib.sha3_256(lattice_secret + curve_secret + point + sealing[1184:] + label).digest()
    suite = b"HPKE-v1HPKE" + bytes.fromhex("647a00010003")

    def extract(salt: bytes, name: bytes, secret: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), suite + name + secret, "sha256")

    def expand(key: bytes, name: bytes, about: bytes, length: int) -> bytes:
        said = length.to_bytes(2, "big") + suite + name + about + b"\x01"
        return hmac.digest(key, said, "sha256")[:length]

    about = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", spec.info(stated))
    key = extract(shared, b"secret", b"")
    cipher = ChaCha20Poly1305(expand(key, b"key", about, 32))
    return lattice + point + cipher.encrypt(expand(key, b"base_nonce", about, 12), plain, None)


def encrypted(plain: bytes, key: bytes) -> bytes:
    """Section 1: a body in chunks."""
    cipher, pieces = ChaCha20Poly1305(key), [plain[at : at + CHUNK] for at in range(0, len(plain), CHUNK)]
    return b"".join(
        cipher.encrypt(number.to_bytes(11, "big") + bytes([number == len(pieces) - 1]), piece, None)
        for number, piece in enumerate(pieces or [b""])
    )


def words(digest: bytes) -> str:
    """Section 4: twelve words of 132 bits of scrypt."""
    raw = hashlib.scrypt(digest, salt=b"privxray key words v1", n=1 << 17, r=8, p=1, maxmem=1 << 28, dklen=17)
    bits = "".join(f"{byte:08b}" for byte in raw)
    listed = Mnemonic("english").wordlist
    return " ".join(listed[int(bits[at : at + 11], 2)] for at in range(0, 132, 11))


def head_after(head: str, *files: str) -> str:
    """SPEC-2, section 7."""
    for file in files:
        head = hashlib.sha256(b"privxray log v2" + bytes.fromhex(head + file)).hexdigest()
    return head


@dataclass
class Hospital:
    """One hospital with its keys; ``mask`` is that for its next plan."""

    name: str
    bracket: int = 100
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    lattice: MLKEM768PrivateKey = field(default_factory=MLKEM768PrivateKey.generate)
    curve: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    mask: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    number: int = 1

    @property
    def keys(self) -> Json:
        sealing = self.lattice.public_key().public_bytes_raw() + self.curve.public_key().public_bytes_raw()
        return {"sealing": b64(sealing), "signing": b64(self.signing.public_key().public_bytes_raw())}

    @property
    def fingerprint(self) -> str:
        return spec.fingerprint(self.keys["signing"])

    def _mask_statement(self, study: str | None) -> Json:
        key = b64(self.mask.public_key().public_bytes_raw())
        return statement(self.signing, "mask-key", {"key": key, "number": self.number, "study": study})

    def _header(self, kind: str, features: list[str], **fields: Any) -> Json:
        common = {
            "kind": kind,
            "format": 2,
            "features": sorted(features),
            "study": None,
            "round": 0,
            "sender": self.fingerprint,
            "recipients": [],
            "plan": None,
            "body": NO_BODY,
            "created": "2026-11-28T12:00:00Z",
            "software": "privxray 0.0.0",
        }
        return common | fields

    def card(self) -> bytes:
        """Section 3, with the fields of format 2 (SPEC-2, sections 2 and 3)."""
        one, two = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        unsealing = one.public_key().public_bytes_raw() + two.public_key().public_bytes_raw()
        stated = {"key": b64(unsealing), "number": 1, "study": None}
        size = statement(self.signing, "size.v2", {"bracket": self.bracket, "study": None})
        header = self._header(
            "card",
            ADDED["card"],
            name=self.name,
            role="hospital",
            keys=self.keys,
            mask=self._mask_statement(None),
            unsealing=statement(self.signing, "unsealing-key", stated),
            formats=[1, 2],
            can=CAN,
            size=size,
        )
        return file_of(header, b"", self.signing)

    def follow(self, data: bytes, typed: str) -> spec.File:
        """Section 4: the first plan that this hospital gets, and whose key words it was told by phone."""
        claimed = spec.claimed(data)
        plan = spec.read(data, claimed["coordinator"]["signing"], version=2)
        header, roster = plan.header, plan.header["roster"]
        assert set(header["features"]) <= set(CAN)
        parties = [
            [m["name"], m["role"], m["keys"]["signing"], m["keys"]["sealing"]] for m in roster["members"]
        ]
        stated = ["privxray roster v1", header["study"], roster["version"], header["coordinator"]["signing"],
                  header["coordinator"]["sealing"], sorted(parties)]  # fmt: skip
        assert words(hashlib.sha256(spec.canonical(stated)).digest()) == typed
        own = next(m for m in roster["members"] if m["keys"] == self.keys)
        assert (own["name"], own["role"]) == (self.name, "hospital")
        assert own["mask"] == self._mask_statement(None)
        assert own["size"]["bracket"] == self.bracket
        assert (header["mode"], header["committee"], roster["trustees"]) == ("strict", None, [])
        assert len(roster["members"]) >= 3
        assert header["constants"]["n_max"] == max(m["size"]["bracket"] for m in roster["members"])
        assert header["delta"] <= 0.1 / header["constants"]["n_max"]
        for entry in header["manifest"]:
            most = len(roster["members"]) * (entry["bound"] * 2 ** entry["fraction_bits"] + 0.5)
            assert most < 2 ** (header["modulus_bits"] - 1)
        assert header["commitments"] == "pedersen-edwards25519-sha256"
        since = header["since"] or {"request": None, "result": None}
        files = [since[name] for name in ("request", "result") if since[name] is not None]
        for one in header["heads"]:  # a newcomer has no head of its own: it compares the others'
            assert head_after(one["head"], *files) == header["head"]
        assert header["previous"] is not None or (header["head"], files) == ("0" * 64, [])
        return plan

    def update(self, plan: spec.File, vector: dict[str, np.ndarray], epsilon: float) -> bytes:
        """Section 5 and SPEC-2, sections 5, 7 and 13: an update with this vector. The mask key is used up."""
        header = plan.header
        numbers: list[int] = []
        for entry in header["manifest"]:
            values = vector[entry["name"]]
            assert values.shape == tuple(entry["shape"])
            assert np.isfinite(values).all()
            held = np.clip(values, -entry["bound"], entry["bound"]).ravel()
            numbers += [round(x * 2 ** entry["fraction_bits"]) for x in held.tolist()]
        scalars = [*numbers, int.from_bytes(os.urandom(64), "little") % spec.ORDER]
        committed, masks = commitment(scalars), b""
        about = bytes.fromhex(plan.digest + self.fingerprint) + committed
        proof = (
            {"bound_proof": b64(prove_bounds(header, about, scalars))}
            if "bound-proofs" in header["features"]
            else {}
        )
        for peer in sorted(header["roster"]["members"], key=lambda m: spec.fingerprint(m["keys"]["signing"])):
            other = spec.fingerprint(peer["keys"]["signing"])
            if other == self.fingerprint:
                continue
            stream = spec.scalar_stream(self._pairwise(plan, peer["mask"]["key"], other), len(scalars))
            masks += commitment(stream)
            sign = 1 if self.fingerprint < other else -1
            scalars = [(x + sign * s) % spec.ORDER for x, s in zip(scalars, stream, strict=True)]
        index = {
            "masked": {"dtype": "U8", "shape": [len(scalars), 32], "data_offsets": [0, 32 * len(scalars)]}
        }
        text = json.dumps(index, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        plain = len(text).to_bytes(8, "little") + text + b"".join(x.to_bytes(32, "little") for x in scalars)
        self.mask, self.number = X25519PrivateKey.generate(), self.number + 1
        key, coordinator = os.urandom(32), header["coordinator"]
        recipient, body = spec.fingerprint(coordinator["signing"]), encrypted(plain, key)
        stated = {"kind": "update", "plan": plan.digest, "purpose": "body key", "recipient": recipient,
                  "sender": self.fingerprint, "study": header["study"]}  # fmt: skip
        wrapped = hpke_seal(unb64(coordinator["sealing"]), key, stated)
        described = {
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "cipher": "chacha20poly1305-stream",
            "key": {"recipient": recipient, "wrapped": b64(wrapped)},
        }
        features = [name for name in header["features"] if name in ADDED["update"]]
        made = self._header(
            "update",
            features,
            study=header["study"],
            round=header["round"],
            recipients=[recipient],
            plan=plan.digest,
            body=described,
            epsilon=epsilon,
            delta=header["delta"],
            ledger_head=os.urandom(32).hex(),
            next_mask=self._mask_statement(header["study"]),
            dealt=None,
            commitment=b64(committed),
            masks=b64(masks),
            head=head_after(header["head"], plan.digest),
            **proof,
        )
        return file_of(made, body, self.signing)

    def _pairwise(self, plan: spec.File, peer: str, other: str) -> bytes:
        """k_uv of section 5."""
        shared = self.mask.exchange(X25519PublicKey.from_public_bytes(unb64(peer)))
        return spec.pairwise_key(shared, plan.digest, self.fingerprint, other)

    def opened(self, proof: spec.File) -> dict[str, bytes]:
        """SPEC-2, section 5: the content of a proof, by this hospital's sealing key."""
        own = next(one for one in proof.header["keys"] if one["recipient"] == self.fingerprint)
        secret = self.lattice.private_bytes_raw() + self.curve.private_bytes_raw()
        return spec.tensors(spec.open_sealed(proof, own["wrapped"], secret, self.fingerprint))
