"""The rules for offers, queries and answers: docs/SPEC-2.md, section 12. See :mod:`spec_rules`."""

from __future__ import annotations

import json
import math

import spec_rules as rules
from spec_rules import (
    CLASS,
    HEX,
    KEYS,
    NAME,
    REQUIRED,
    Json,
    Read,
    check_keys,
    demand,
    fingerprint,
    listed,
    null_or,
    number,
    one_of,
    verified,
    whole,
)
from spec_rules_plan import extractor, twice
from spec_rules_round import sealed_length

ID = "rlwe/4096/32-32-32/1"
_PARAMETERS = one_of(ID, "ckks/8192/60-49-49-60/1", "ckks/8192/60-49-49-60/2")
_BOOL = one_of(True, False)
_ABOUT = {"model": (HEX, REQUIRED), "parameters": (_PARAMETERS, ID)}
_IMAGES = {"images": (whole(1, 256), REQUIRED)}

rules.OF_KIND |= {
    "offer": {
        "owner": (KEYS, REQUIRED),
        "owner_name": (NAME, REQUIRED),
        **_ABOUT,
        "extractor": (lambda value: isinstance(value, str) and len(value) <= 200, REQUIRED),
        "classes": (listed(CLASS, 2, 50), REQUIRED),
        "feature_dim": (whole(1, 4096), REQUIRED),
        "feature_radius": (number(0, 1e6, open_low=True), REQUIRED),
        "limit": (whole(1, 1_000_000), REQUIRED),
        "decimals": (whole(1, 6), REQUIRED),
        "top1": (_BOOL, REQUIRED),
    },
    "query": {
        "hospital": (KEYS, REQUIRED),
        "hospital_name": (NAME, REQUIRED),
        "offer": (HEX, REQUIRED),
        **_ABOUT,
        **_IMAGES,
        "evaluation_keys": (null_or(HEX), None),
        "with_keys": (null_or(_BOOL), None),
    },
    "answer": {
        "query": (HEX, REQUIRED),
        "offer": (HEX, REQUIRED),
        **_ABOUT,
        **_IMAGES,
        "decimals": (whole(1, 6), REQUIRED),
        "top1": (_BOOL, REQUIRED),
        "left": (whole(0, 1_000_000), REQUIRED),
    },
}


def primes(offer: Json) -> int:
    return 1 if offer["decimals"] <= 3 else 2


def query_bytes(offer: Json, images: int) -> int:
    """The seed, the key, and c0 of each ciphertext."""
    ciphertexts = math.ceil(images / (4096 // offer["feature_dim"]))
    return 32 + (1 + ciphertexts) * (primes(offer) + 1) * 4096 * 4


def answer_bytes(offer: Json, images: int) -> int:
    return images * len(offer["classes"]) * primes(offer) * (1 + 4096) * 4


def form_of(offer: Json, kind: str) -> tuple[int, list[str], str]:
    listed_ = [name for name in offer.get("features", []) if kind in rules.FEATURES.get(name, {})]
    return offer["format"], listed_, offer["parameters"]


def stated_form(header: Json) -> tuple[int, list[str], str]:
    return header["format"], header.get("features", []), header["parameters"]


def expect_sealed(header: Json, plain: int) -> None:
    key = header["body"]["key"]
    demand(header["body"]["cipher"] != "none" and key is not None, "sealed-body.plain")
    demand([key["recipient"]] == header["recipients"], "sealed-body.other-recipient")
    demand(header["body"]["length"] == sealed_length(plain), "sealed-body.other-length")


def offer(file: Read) -> Json:
    keys = file.claimed["owner"]
    header = verified(file, keys["signing"])
    check_keys(keys)
    demand(header["sender"] == fingerprint(keys), "offer.other-sender")
    demand(header["parameters"] == ID, "offer.old-encryption")
    extractor(header)
    features = header.get("features", [])
    demand("rlwe-queries" in features and "packed-queries" not in features, "offer.other-parameters")
    demand(not twice(header["classes"]), "offer.class-twice")
    demand(header["body"]["cipher"] == "none", "offer.encrypted")
    demand(header["body"]["length"] <= 1 << 20, "offer.too-large")
    return header


def centre(header: Json, body: bytes) -> None:
    size = int.from_bytes(body[:8], "little")
    index = json.loads(body[8 : 8 + size])
    index.pop("__metadata__", None)
    d = header["feature_dim"]
    demand(index == {"centre": {"dtype": "F64", "shape": [d], "data_offsets": [0, 8 * d]}}, "offer.no-centre")


def query(file: Read, owner: Json, offered: Json) -> Json:
    """A query to this owner, under this offer."""
    keys = file.claimed["hospital"]
    header = verified(file, keys["signing"])
    check_keys(keys)
    demand(header["sender"] == fingerprint(keys), "query.other-sender")
    demand(header["sender"] != fingerprint(owner), "query.own")
    demand(header["parameters"] == ID, "query.old-encryption")
    demand(header["recipients"] == [fingerprint(owner)], "query.other-recipient")
    demand(header["model"] == offered["model"], "query.other-model")
    demand(header["study"] == offered["study"], "query.other-study")
    demand(stated_form(header) == form_of(offered, "query"), "query.other-form")
    expect_sealed(header, query_bytes(offered, header["images"]))
    return header


def answer(file: Read, asked: tuple[Json, str], offered: Json) -> Json:
    """An answer to this query, with its digest, under this offer."""
    query_, digest = asked
    demand(file.key_id == offered["sender"], "answer.other-signer")
    header = verified(file, offered["owner"]["signing"])
    demand(header["sender"] == offered["sender"], "answer.other-sender")
    demand(header["parameters"] == ID, "answer.old-encryption")
    demand(header["query"] == digest, "answer.other-query")
    demand(header["recipients"] == [query_["sender"]], "answer.other-recipient")
    demand(header["images"] == query_["images"], "answer.other-images")
    demand(header["study"] == query_["study"], "answer.other-study")
    demand(header["offer"] == query_["offer"], "answer.other-offer")
    demand(stated_form(header) == form_of(offered, "answer"), "answer.other-form")
    terms = (header["decimals"], header["top1"])
    demand(terms == (offered["decimals"], offered["top1"]), "answer.other-terms")
    expect_sealed(header, answer_bytes(offered, header["images"]))
    return header
