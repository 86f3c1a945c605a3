"""docs/SPEC.md and docs/SPEC-2.md once more, as rules: a file is read, or refused by the rule that it breaks.

Not a line of privxray is used. This module has the container, the fields of each kind, keys, statements,
cards and revocations; :mod:`spec_rules_plan` has plans, :mod:`spec_rules_round` what obeys them, and
:mod:`spec_rules_inference` encrypted inference. Rules have the names that stand in the index of the vectors.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import spec_reader as spec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey

Json = Any
Check = Callable[[Any], bool]


class Broken(Exception):  # noqa: N818 - it is a rule that is broken
    """A file breaks a rule, by its name."""


def demand(holds: bool, rule: str) -> None:
    if not holds:
        raise Broken(rule)


# Section 1: the container.

KINDS = ("card", "plan", "update", "request", "share", "proof", "model", "offer", "query", "answer",
         "revocation", "summary", "agreement", "waiver", "refusal",
         "candidacy", "vote", "succession")  # fmt: skip
TYPE = re.compile(r"application/vnd\.privxray\.([a-z]+)(\.v2)?\+json")


@dataclass(frozen=True)
class Read:
    """A file whose signature is not checked yet."""

    version: int
    kind: str
    payload: bytes
    key_id: str
    signature: bytes
    start: bytes
    body: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.payload).hexdigest()

    @property
    def claimed(self) -> Json:
        return json.loads(self.payload)


def canonical(data: bytes, rule: str) -> Json:
    try:
        value = json.loads(data)
        demand(
            json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() == data, rule
        )
    except ValueError:
        raise Broken(rule) from None
    return value


def unb64(text: str, rule: str, length: int | None = None) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Broken(rule) from None
    demand(base64.b64encode(data).decode() == text and length in (None, len(data)), rule)
    return data


def opened(data: bytes) -> Read:
    """Everything before the signature, in the order of SPEC-2, section 1."""
    demand(data[:8] == b"PRIVXRAY", "file.not-privxray")
    demand(len(data) >= 13, "preamble.cut-off")
    version, size = data[8], int.from_bytes(data[9:13], "big")
    demand(version in (1, 2), "file.other-version")
    demand(size <= 4_194_304, "envelope.too-long")
    raw = data[13 : 13 + size]
    demand(len(raw) == size, "envelope.cut-off")
    envelope = canonical(raw, "envelope.not-canonical")
    demand(set(envelope) == {"payload", "payloadType", "signatures"}, "envelope.fields")
    found = TYPE.fullmatch(envelope["payloadType"])
    demand(found is not None and found[1] in KINDS, "envelope.unknown-kind")
    assert found is not None
    demand((2 if found[2] else 1) == version, "envelope.other-format")
    payload = unb64(envelope["payload"], "header.base64")
    if version == 2:
        form(canonical(payload, "header.not-canonical"))
    demand(len(envelope["signatures"]) == 1, "envelope.fields")
    (signature,) = envelope["signatures"]
    demand(set(signature) == {"keyid", "sig"}, "envelope.fields")
    bits = unb64(signature["sig"], "signature.base64", 64)
    return Read(version, found[1], payload, signature["keyid"], bits, data[: 13 + size], data[13 + size :])


def form(header: Json) -> None:
    demand(type(header.get("format")) is int and header["format"] == 2, "header.other-format")
    names = header.get("features")
    good = isinstance(names, list) and len(names) <= 32 and names == sorted(set(map(str, names)))
    demand(good and all(re.fullmatch(FEATURE_NAME, name) for name in names), "header.features")
    demand(set(names) <= set(FEATURES), "file.unknown-feature")


def verified(file: Read, signing: str) -> Json:
    """The header of a file that the holder of this key signed, with the fields of its kind."""
    key = unb64(signing, "signing-key.weak", 32)
    demand(is_ed25519(key), "signing-key.weak")
    demand(file.key_id == spec.fingerprint(signing), "signature.other-signer")
    type_ = f"application/vnd.privxray.{file.kind}{'.v2' if file.version == 2 else ''}+json"
    demand(signed_by(key, file.signature, spec.dsse(type_, file.payload)), "signature.wrong")
    header = canonical(file.payload, "header.not-canonical")
    check_features(header, file.kind, file.version)
    demand(header.get("format", 1) in (1, True) or file.version == 2, "header.other-format")
    return filled(header, file.kind)


def check_body(header: Json, body: bytes) -> None:
    said = header["body"]
    demand(len(body) >= said["length"], "body.cut-off")
    demand(len(body) == said["length"], "body.longer-than-said")
    demand(hashlib.sha256(body).hexdigest() == said["sha256"], "body.altered")


# Fields: what may stand where. A check says whether a value is one of its type.

FEATURE_NAME = r"[a-z]{1,20}(-[a-z]{1,20}){0,3}"
REQUIRED = object()


def text(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def whole(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def number(low: float, high: float, *, open_low: bool = False, open_high: bool = False) -> Check:
    def check(value: Any) -> bool:
        if type(value) not in (int, float) or not math.isfinite(value):
            return False
        return (low < value if open_low else low <= value) and (value < high if open_high else value <= high)

    return check


def one_of(*values: Any) -> Check:
    return lambda value: any(type(value) is type(one) and value == one for one in values)


def null_or(check: Check) -> Check:
    return lambda value: value is None or check(value)


def listed(check: Check, low: int = 0, high: int = 10**9, *, ascending: bool = False) -> Check:
    def check_all(value: Any) -> bool:
        good = isinstance(value, list) and low <= len(value) <= high and all(map(check, value))
        return good and (not ascending or value == sorted(set(value)))

    return check_all


def record(fields: dict[str, Check], **defaults: Any) -> Check:
    """An object with these fields and no others; those with a default may be absent."""

    def check(value: Any) -> bool:
        if not isinstance(value, dict) or not set(value) <= set(fields):
            return False
        return all(one(value[name]) if name in value else name in defaults for name, one in fields.items())

    return check


HEX = text("[0-9a-f]{64}")
NAME = text("[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def DAY(value: Any) -> bool:  # noqa: N802 - a form of a field, as those beside it
    with suppress(TypeError, ValueError):
        return date.fromisoformat(value).isoformat() == value
    return False


BASE64 = text("[A-Za-z0-9+/]{0,16384}={0,2}")
LONG_BASE64 = text("[A-Za-z0-9+/]*={0,2}")
CLASS = text("[a-z][a-z0-9 _-]{0,39}")
KEYS = record({"signing": BASE64, "sealing": BASE64})
STATEMENT = record(
    {"key": BASE64, "number": whole(1, 1_000_000), "signature": BASE64, "study": null_or(NAME)}
)
SIZE = record({"bracket": one_of(100, 1000, 10_000, 100_000), "signature": BASE64, "study": null_or(NAME)})
RECOVERY = record({"key": BASE64, "signature": BASE64})
SEALED = record({"recipient": HEX, "wrapped": BASE64})
NO_BODY = {"length": 0, "sha256": hashlib.sha256(b"").hexdigest(), "cipher": "none", "key": None}
BODY = record(
    {
        "length": whole(0, 1 << 30),
        "sha256": HEX,
        "cipher": one_of("none", "chacha20poly1305-stream"),
        "key": null_or(SEALED),
    },
    **NO_BODY,
)
TENSOR = record(
    {
        "name": text("[a-z0-9_.]{1,100}"),
        "shape": lambda value: listed(whole(1, 1 << 26), 0, 8)(value) and math.prod(value) <= 1 << 26,
        "bound": number(0, 2.0**62, open_low=True, open_high=True),
        "fraction_bits": whole(0, 60),
    }
)
MEMBER = record(
    {
        "name": NAME,
        "role": one_of("hospital"),
        "keys": KEYS,
        "mask": STATEMENT,
        "size": SIZE,
        "kem": null_or(STATEMENT),
        "recovery": null_or(RECOVERY),
    },
    role="hospital",
    size=None,
    kem=None,
    recovery=None,
)
TRUSTEE = record(
    {"name": NAME, "role": one_of("trustee"), "keys": KEYS, "recovery": null_or(RECOVERY)},
    role="trustee",
    recovery=None,
)
ROSTER = record(
    {"version": whole(1, 9999), "members": listed(MEMBER, 0, 100), "trustees": listed(TRUSTEE, 0, 16)},
    trustees=[],
)
COMMITTEE = record(
    {
        "threshold": whole(1, 16),
        "corrupt_keyholders": whole(0, 16),
        "corrupt_hospitals": whole(0, 100),
        "minimum_cohort": whole(0, 100),
        "seats": listed(record({"keyholder": HEX, "unsealing": STATEMENT}), 0, 16),
    }
)
EXTRACTOR = record(
    {
        "sha256": HEX,
        "input": lambda value: listed(whole(16, 1024), 2, 2)(value) and value[0] == value[1],
        "channels": one_of(1, 3),
        "scale": number(-1e6, 1e6),
        "offset": number(-1e6, 1e6),
        "outputs": listed(record({"name": text("[!-~]{1,200}"), "pool": one_of("none", "mean")}), 1, 16),
        "dim": whole(1, 65_536),
    }
)
TASK = one_of("train", "describe", "evaluate", "agree")
ENTRY = record({"task": TASK, "epsilon": number(0, 100), "stages": whole(1, 1000)})
CELL = text("[A-Za-z0-9][A-Za-z0-9 ]{0,23}")
REPEATS = record(
    {"plan": HEX, "same": listed(record({"party": HEX, "commitment": BASE64}), 1, 100)},
)
WITHOUT = record(
    {
        "asked": null_or(listed(HEX, ascending=True)),
        "faulty": listed(record({"key": BASE64, "update": LONG_BASE64})),
        "refusals": listed(LONG_BASE64),
        "waivers": listed(LONG_BASE64),
    }
)
CIPHERTEXTS = record(
    {
        "ciphertexts": listed(record({"ciphertext": BASE64, "to": HEX}), 0, 60),
        "party": HEX,
        "plan": HEX,
        "signature": BASE64,
    }
)

COMMON: dict[str, tuple[Check, Any]] = {
    "format": (one_of(1, 2), 1),
    "study": (null_or(NAME), REQUIRED),
    "round": (whole(0, 9999), 0),
    "sender": (HEX, REQUIRED),
    "recipients": (listed(HEX, 0, 256), []),
    "plan": (null_or(HEX), None),
    "body": (BODY, NO_BODY),
    "created": (text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), REQUIRED),
    "software": (text("privxray [0-9A-Za-z.+-]{1,40}"), REQUIRED),
}
_EXTRACTOR_NAME = null_or(lambda value: isinstance(value, str) and len(value) <= 200)
_RESULT = {
    "method": (text("[a-z0-9-]{1,40}"), REQUIRED),
    "constants": (lambda value: isinstance(value, dict), REQUIRED),
    "extractor": (_EXTRACTOR_NAME, REQUIRED),
    "classes": (listed(CLASS, 2, 50), REQUIRED),
    "epsilon": (number(0, math.inf, open_low=True), REQUIRED),
    "delta": (number(0, 1, open_low=True, open_high=True), REQUIRED),
}
_STAGES = {"stage": (whole(1, 1000), REQUIRED), "stages": (whole(1, 1000), REQUIRED)}
OF_KIND: dict[str, dict[str, tuple[Check, Any]]] = {
    "card": {
        "name": (NAME, REQUIRED),
        "role": (one_of("hospital", "trustee"), "hospital"),
        "keys": (KEYS, REQUIRED),
        "mask": (null_or(STATEMENT), REQUIRED),
        "unsealing": (STATEMENT, REQUIRED),
    },
    "plan": {
        "coordinator": (KEYS, REQUIRED),
        "coordinator_name": (NAME, REQUIRED),
        "roster": (ROSTER, REQUIRED),
        "mode": (one_of("strict", "keyholders"), "strict"),
        "committee": (null_or(COMMITTEE), None),
        "previous": (null_or(HEX), REQUIRED),
        **_RESULT,
        **_STAGES,
        "epsilon": (number(0, 100), REQUIRED),
        "delta": (number(0, 1e-3, open_low=True), REQUIRED),
        "adjacency": (one_of("add-or-remove-one-patient"), "add-or-remove-one-patient"),
        "modulus_bits": (one_of(32, 64), REQUIRED),
        "manifest": (listed(TENSOR, 0, 4096), REQUIRED),
    },
    "update": {
        "epsilon": (number(0, math.inf), REQUIRED),
        "delta": (number(0, 1, open_low=True, open_high=True), REQUIRED),
        "ledger_head": (HEX, REQUIRED),
        "next_mask": (STATEMENT, REQUIRED),
        "dealt": (null_or(record({"boxes": listed(BASE64, 0, 16), "commitments": LONG_BASE64})), None),
    },
    "request": {"survivors": (listed(HEX, 1, 100), REQUIRED)},
    "share": {"request": (HEX, REQUIRED), "next_unsealing": (STATEMENT, REQUIRED)},
    "model": _RESULT | _STAGES,
    "summary": _RESULT,
    "proof": {"updates": (listed(HEX, 2, 100), REQUIRED), "keys": (listed(SEALED, 2, 100), REQUIRED)},
    "agreement": {"encapsulated": (CIPHERTEXTS, REQUIRED)},
    "waiver": {},
    "candidacy": {"name": (NAME, REQUIRED), "keys": (KEYS, REQUIRED), "until": (null_or(DAY), None)},
    "vote": {
        "old": (HEX, REQUIRED),
        "keys": (KEYS, REQUIRED),
        "result": (null_or(HEX), None),
        "until": (null_or(DAY), None),
        "consent": (BASE64, REQUIRED),
    },
    "succession": {
        "name": (NAME, REQUIRED),
        "old": (HEX, REQUIRED),
        "keys": (KEYS, REQUIRED),
        "by": (one_of("recovery", "members"), REQUIRED),
        "consent": (null_or(BASE64), REQUIRED),
        "votes": (
            null_or(listed(record({"consent": BASE64, "party": HEX, "until": null_or(DAY)}), 0, 100)),
            REQUIRED,
        ),
        "result": (null_or(HEX), None),
    },
    "refusal": {"next_unsealing": (STATEMENT, REQUIRED)},
    "revocation": {
        "name": (NAME, REQUIRED),
        "keys": (KEYS, REQUIRED),
        "why": (one_of("lost", "left", "replaced"), REQUIRED),
        "successor": (null_or(KEYS), None),
    },
}
FEATURES: dict[str, dict[str, tuple[str, ...]]] = {
    "commitments": {
        "plan": ("commitments",),
        "update": ("commitment", "masks"),
        "model": ("proof",),
        "summary": ("proof",),
        "proof": (),
    },
    "bound-proofs": {"plan": ("bounds?",), "update": ("bound_proof",)},
    "repeats": {"plan": ("repeats?",)},
    "repeats-without": {"plan": ("without?",), "waiver": (), "refusal": ()},
    "heads": {"plan": ("head", "since?", "heads"), "update": ("head",), "share": ("head",)},
    "extractor-files": dict.fromkeys(("plan", "model", "summary", "offer"), ("extractor_file",)),
    "sizes": {"card": ("size",), "plan": ("roster.members.size",)},
    "tasks": {
        "plan": ("task", "schedule", "age_bands?", "sexes?", "model?", "edges?"),
        "update": ("task",),
        "summary": ("task",),
    },
    "hybrid-masks": {
        "card": ("kem",),
        "plan": ("roster.members.kem?", "encapsulated?"),
        "agreement": ("encapsulated",),
    },
    "succession": {
        "card": ("recovery",),
        "plan": ("roster.members.recovery?", "roster.trustees.recovery?", "successors?"),
        "candidacy": (),
        "vote": (),
        "succession": (),
    },
    "packed-queries": {"offer": (), "query": (), "answer": ()},
    "rlwe-queries": {"offer": ("mixing_seed", "score_range"), "query": (), "answer": ()},
    "revocation": {"revocation": ()},
}
"""The sections of SPEC-2 that this reader has: by feature and kind the fields; `?` where one may be null."""
ENDED = {"rlwe-queries": {"query": ("evaluation_keys", "with_keys")}}
TENSOR_NAME = text("[a-z0-9_.]{1,100}")
SHARED = record({"tensor": TENSOR_NAME, "times": whole(1, 64)})
_EDGES = listed(number(0, 1, open_low=True, open_high=True), 3, 63)
ADDED: dict[str, Check] = {
    "formats": listed(whole(1, 255), 1, 8, ascending=True),
    "can": listed(text(FEATURE_NAME), 0, 32, ascending=True),
    "features": listed(text(FEATURE_NAME), 0, 32, ascending=True),
    "commitments": one_of("pedersen-edwards25519-sha256"),
    "commitment": BASE64,
    "masks": BASE64,
    "proof": HEX,
    "bounds": null_or(record({"total": TENSOR_NAME, "shared": listed(SHARED)})),
    "bound_proof": LONG_BASE64,
    "repeats": null_or(REPEATS),
    "without": null_or(WITHOUT),
    "head": HEX,
    "since": null_or(record({"request": null_or(HEX), "result": null_or(HEX)})),
    "heads": listed(record({"party": HEX, "head": HEX}), 0, 116),
    "extractor_file": EXTRACTOR,
    "size": SIZE,
    "task": TASK,
    "schedule": listed(ENTRY, 1, 8),
    "age_bands": null_or(listed(CELL, 1, 15)),
    "sexes": null_or(listed(CELL, 1, 15)),
    "model": null_or(HEX),
    "edges": null_or(listed(_EDGES, 2, 50)),
    "kem": STATEMENT,
    "recovery": RECOVERY,
    "successors": null_or(record({"members": listed(HEX, 0, 100), "threshold": whole(2, 100)})),
    "encapsulated": lambda value: value is None or CIPHERTEXTS(value) or listed(CIPHERTEXTS, 0, 100)(value),
    "mixing_seed": HEX,
    "score_range": one_of(8, 16, 32, 64, 128, 256, 512, 1024),
}


def optional(kind: str, version: int, features: list[str]) -> Iterator[tuple[str, bool]]:
    """The paths of the fields that are not always there, and whether they must be."""
    for path in ("features", *(("formats", "can") if kind == "card" else ())):
        yield path, version == 2
    for feature, of_kind in FEATURES.items():
        for path in of_kind.get(kind, ()):
            yield path, feature in features


def holders(value: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for entry in value:
            yield from holders(entry, path)
    elif isinstance(value, dict) and path:
        yield from holders(value.get(path[0]), path[1:])
    elif isinstance(value, dict):
        yield value


def check_features(header: Json, kind: str, version: int) -> None:
    """SPEC-2, section 1: a field that belongs to a feature is there exactly where the feature is listed."""
    features = header.get("features", []) if version == 2 else []
    for path, must in optional(kind, version, features):
        *where, last = path.removesuffix("?").split(".")
        for holder in holders(header, where):
            if must:
                there = last in holder and (holder[last] is not None or path.endswith("?"))
                demand(there, "header.field-of-feature-lacking")
            else:
                demand(last not in holder, "header.field-of-other-feature")
    for feature, ended in ENDED.items():
        if feature in features:
            demand(not set(ended.get(kind, ())) & set(header), "header.field-of-other-feature")


def filled(header: Json, kind: str) -> Json:
    """The header with the defaults of what is absent, if each field is one of its kind."""
    fields = COMMON | OF_KIND[kind]
    expected = set(fields) | {"kind"} | set(ADDED)
    demand(isinstance(header, dict) and set(header) <= expected, "header.field")
    demand(header.get("kind", kind) == kind, "header.field")
    for name, (check, default) in fields.items():
        demand(check(header[name]) if name in header else default is not REQUIRED, "header.field")
    for name in set(header) - set(fields) - {"kind"}:
        demand(ADDED[name](header[name]), "header.field")
    return {name: default for name, (_, default) in fields.items()} | header


# Keys and statements: section 2.

P = 2**255 - 19
X_SMALL = [
    bytes.fromhex(one)
    for one in (
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    )
]
ED_SMALL = [
    bytes.fromhex(one)
    for one in (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
]


def is_x25519(raw: bytes) -> bool:
    u = int.from_bytes(raw, "little")
    return u < P and u not in (0, 1, P - 1) and raw not in X_SMALL


def is_ed25519(raw: bytes) -> bool:
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    return y < P and y not in (0, 1, P - 1) and y.to_bytes(32, "little") not in ED_SMALL


def signed_by(key: bytes, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_sealing(sealing: str) -> None:
    raw = unb64(sealing, "sealing-key.base64", 1216)
    demand(is_x25519(raw[1184:]), "sealing-key.weak")
    check_lattice(raw[:1184], "sealing-key.not-mlkem")


def check_lattice(raw: bytes, rule: str) -> None:
    try:
        MLKEM768PublicKey.from_public_bytes(raw)
    except ValueError:
        raise Broken(rule) from None


def check_keys(keys: Json) -> None:
    demand(is_ed25519(unb64(keys["signing"], "signing-key.weak", 32)), "signing-key.weak")
    check_sealing(keys["sealing"])


def fingerprint(keys: Json) -> str:
    return spec.fingerprint(keys["signing"])


def check_statement(stated: Json, type_: str, keys: Json) -> None:
    """A signed statement: of a key for one plan, or of a size."""
    unsigned = {name: value for name, value in stated.items() if name != "signature"}
    data = spec.dsse(f"application/vnd.privxray.{type_}+json", spec.canonical(unsigned))
    signature = unb64(stated["signature"], "statement.signature-base64", 64)
    key = unb64(keys["signing"], "signing-key.weak", 32)
    demand(signed_by(key, signature, data), "statement.not-its-owners")
    if type_ == "mask-key":
        demand(is_x25519(unb64(stated["key"], "mask-key.base64", 32)), "mask-key.weak")
    elif type_ == "unsealing-key":
        check_sealing(stated["key"])
    elif type_.startswith("encapsulation-key"):
        raw = unb64(stated["key"], "encapsulation-key.base64", 1184)
        check_lattice(raw, "encapsulation-key.not-mlkem")


def check_recovery(stated: Json, keys: Json) -> None:
    check_statement(stated, "recovery.v2", keys)
    demand(is_ed25519(unb64(stated["key"], "recovery.key-base64", 32)), "recovery.weak-key")
    demand(stated["key"] != keys["signing"], "recovery.own-key")


# Cards and revocations.


def card(file: Read) -> Json:
    """Section 3, with what format 2 adds."""
    keys = file.claimed["keys"]
    header = verified(file, keys["signing"])
    check_keys(header["keys"])
    stated = [("mask", "mask-key"), ("unsealing", "unsealing-key"), ("size", "size.v2"),
              ("kem", "encapsulation-key.v2")]  # fmt: skip
    there = [(header[name], type_) for name, type_ in stated if header.get(name) is not None]
    for one, type_ in there:
        check_statement(one, type_, keys)
    if header.get("recovery") is not None:
        check_recovery(header["recovery"], keys)
    demand(header["body"]["length"] == 0, "card.body")
    demand(header["sender"] == fingerprint(keys), "card.other-sender")
    demand(all(one["study"] == header["study"] for one, _ in there), "card.key-of-other-study")
    trustee = header["role"] == "trustee"
    demand((header["mask"] is None) == trustee, "card.mask-key-and-role")
    demand(not (trustee and header.get("size")), "card.size-and-role")
    demand(not (trustee and header.get("kem")), "card.encapsulation-key-and-role")
    return header


def revocation(file: Read) -> Json:
    """SPEC-2, section 10."""
    keys = file.claimed["keys"]
    header = verified(file, keys["signing"])
    demand(header["sender"] == fingerprint(keys), "revocation.other-sender")
    demand((header["format"], header["features"]) == (2, ["revocation"]), "revocation.other-form")
    demand(header["body"]["length"] == 0 and header["study"] is None, "revocation.body-or-study")
    new = header["successor"]
    if new is not None:
        apart = header["why"] == "replaced" and fingerprint(new) != fingerprint(keys)
        demand(apart, "revocation.successor")
        check_keys(new)
    return header
