"""The limits of docs/SPEC.md, section 9: what each field of a header may be at most and at least.

Each row names values just inside and just outside. A value outside ends as ``header.field``, with its name.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exchange_samples import STAMP, Study
from pydantic import ValidationError

from privxray.exchange.messages.agreement import AgreementHeader
from privxray.exchange.messages.model import ModelHeader, write_model
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.proof import ProofHeader
from privxray.exchange.messages.repeats import Repeats
from privxray.exchange.messages.request import RequestHeader
from privxray.exchange.messages.share import ShareHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.container import split
from privxray.formats.header import Header
from privxray.formats.tensors import TensorSpec
from privxray.keys.card import CardHeader, CardParts, write_card

FP = "ab" * 32
STUDY = Study(hospitals=3, trustees=4)
HOSPITAL = STUDY.hospitals[0]
UPDATES = {h.fingerprint: STUDY.concealed(h) for h in STUDY.hospitals}
GOOD: dict[type[Header], bytes] = {
    CardHeader: write_card(
        HOSPITAL.identity,
        CardParts(HOSPITAL.name, HOSPITAL.member().mask, HOSPITAL.unsealing_statement()),
        STAMP,
    ),
    UpdateHeader: UPDATES[HOSPITAL.fingerprint],
    RequestHeader: STUDY.request(UPDATES),
    ModelHeader: write_model({"w": np.zeros(3)}, STUDY.signed(), STUDY.coordinator, STAMP),
    AgreementHeader: (Path(__file__).parents[1] / "vectors" / "format2" / "agreement-a.bin").read_bytes(),
    ProofHeader: (Path(__file__).parents[1] / "vectors" / "format2" / "proof.bin").read_bytes(),
}


def good(kind: type[Header]) -> dict[str, Any]:
    """A good header of a kind, as JSON."""
    if kind is PlanHeader:
        payload = STUDY.plan_file().payload
    elif kind is ShareHeader:
        share = json.loads(split(GOOD[UpdateHeader]).payload)
        for field in ("epsilon", "delta", "ledger_head", "next_mask", "dealt"):
            del share[field]
        card = json.loads(split(GOOD[CardHeader]).payload)
        return dict(share | {"kind": "share", "request": FP, "next_unsealing": card["unsealing"]})
    else:
        payload = split(GOOD[kind]).payload
    return dict(json.loads(payload))


def with_(header: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The header with another value at a dotted path."""
    changed = copy.deepcopy(header)
    *parts, last = path.split(".")
    place: Any = changed
    for part in parts:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if isinstance(place, list):
        place[int(last)] = value
    else:
        assert last in place, path
        place[last] = value
    return changed


MEMBER = good(PlanHeader)["roster"]["members"][0]
TRUSTEE = good(PlanHeader)["roster"]["trustees"][0]
SEAT = good(PlanHeader)["committee"]["seats"][0]
SPEC = good(PlanHeader)["manifest"][0]
BOX = good(UpdateHeader)["dealt"]["boxes"][0]
NAME = "a" * 40
KEY = good(ProofHeader)["keys"][0]
CIPHERTEXT = {"ciphertext": "A" * 1452, "to": FP}
FEATURES = [f"{first}{second}" for first in "ab" for second in "abcdefghijklmnopqrstuvwxyz"]
PLAN, UPDATE, MODEL = PlanHeader, UpdateHeader, ModelHeader

LIMITS: list[tuple[type[Header], str, list[Any], list[Any]]] = [
    (UPDATE, "format", [1, 2], [0, 3, "1", True, 1.0]),
    (UPDATE, "round", [0, 1, 9999], [-1, 10_000, 1.5, "1"]),
    (UPDATE, "recipients", [[], [FP] * 256], [[FP] * 257, ["ab"]]),
    (UPDATE, "sender", [FP], ["ab" * 31, "ab" * 32 + "a", "AB" * 32, "ab" * 32 + "\n", None]),
    (UPDATE, "plan", [FP, None], ["ab" * 31, "ab" * 33]),
    (UPDATE, "study", [NAME, "0", "A.b_c-d", None], [NAME + "a", "", ".a", "a b", "a/b", "ü"]),
    (UPDATE, "created", ["2026-01-02T03:04:05Z"], ["2026-01-02T03:04:05", "2026-01-02 03:04:05Z", ""]),
    (UPDATE, "software", ["privxray " + "1" * 40], ["privxray " + "1" * 41, "privxray ", "other 1"]),
    (UPDATE, "body.length", [0, 1 << 30], [-1, (1 << 30) + 1]),
    (UPDATE, "body.sha256", [FP], ["ab" * 31]),
    (UPDATE, "body.cipher", ["none", "chacha20poly1305-stream"], ["aes"]),
    (UPDATE, "body.key.wrapped", ["", "A" * 16_384], ["A" * 16_385, "A-==", "A==="]),
    (UPDATE, "body.key.recipient", [FP], ["ab"]),
    (UPDATE, "epsilon", [0, 0.5, 1e9], [-1e-9, "1"]),
    (UPDATE, "delta", [1e-9, 0.5, 0.999], [0, 1.0, -1e-9]),
    (UPDATE, "ledger_head", [FP], ["ab"]),
    (UPDATE, "next_mask.number", [1, 1_000_000], [0, 1_000_001]),
    (UPDATE, "next_mask.key", ["A" * 16_384], ["A" * 16_385]),
    (UPDATE, "next_mask.study", [None, "pneumonia"], ["a b"]),
    (UPDATE, "dealt.boxes", [[], [BOX] * 16], [[BOX] * 17]),
    (UPDATE, "dealt.commitments", ["", "A" * 68_268], ["A" * 68_269]),
    (AgreementHeader, "encapsulated.ciphertexts", [[], [CIPHERTEXT] * 60], [[CIPHERTEXT] * 61]),
    (AgreementHeader, "encapsulated.party", [FP], ["ab"]),
    (AgreementHeader, "encapsulated.plan", [FP], ["ab", None]),
    (CardHeader, "name", [NAME], [NAME + "a", ""]),
    (CardHeader, "role", ["hospital", "trustee"], ["coordinator"]),
    (CardHeader, "features", [[], FEATURES[:32]], [FEATURES[:33], ["b", "a"], ["a", "a"], ["A"]]),
    (CardHeader, "can", [[], FEATURES[:32]], [FEATURES[:33], ["b", "a"]]),
    (CardHeader, "formats", [[1], [1, 255], list(range(1, 9))], [[], [0], [256], [2, 1], list(range(1, 10))]),
    (ProofHeader, "updates", [[FP] * 2, [FP] * 100], [[FP], [FP] * 101]),
    (ProofHeader, "keys", [[KEY] * 2, [KEY] * 100], [[KEY], [KEY] * 101]),
    (RequestHeader, "survivors", [[FP], [FP] * 100], [[], [FP] * 101]),
    (ShareHeader, "request", [FP], [None, "ab"]),
    (MODEL, "stage", [1, 1000], [0, 1001]),
    (MODEL, "stages", [1, 1000], [0, 1001]),
    (MODEL, "epsilon", [1e-9, 0.5, 1e9], [0, -1.0]),
    (MODEL, "delta", [1e-9, 0.5, 0.999], [0, 1.0, -1e-9]),
    (MODEL, "method", ["a" * 40], ["a" * 41, "", "A"]),
    (MODEL, "extractor", ["a" * 200, None], ["a" * 201]),
    (MODEL, "classes", [["a", "b"], ["a"] * 50], [["a"], ["a"] * 51, ["a", "1b"]]),
    (PLAN, "stage", [1, 1000], [0, 1001]),
    (PLAN, "stages", [1, 1000], [0, 1001]),
    (PLAN, "epsilon", [1e-9, 0.5, 100, 100.0], [0, 100.001]),
    (PLAN, "delta", [1e-9, 0.001], [0, 0.0011]),
    (PLAN, "adjacency", ["add-or-remove-one-patient"], ["replace-one"]),
    (PLAN, "mode", ["strict", "keyholders"], ["open"]),
    (PLAN, "method", ["a" * 40], ["a" * 41, ""]),
    (PLAN, "extractor", ["a" * 200, None], ["a" * 201]),
    (PLAN, "previous", [FP, None], ["ab"]),
    (PLAN, "classes", [["a", "b"], ["a"] * 50], [["a"], ["a"] * 51]),
    (PLAN, "classes.0", ["a" * 40, "a b_c-1"], ["a" * 41, "", "A", " a"]),
    (PLAN, "modulus_bits", [32, 64], [16, 33, 65, 64.0, True]),
    (PLAN, "coordinator_name", [NAME], [NAME + "a"]),
    (PLAN, "roster.version", [1, 9999], [0, 10_000]),
    (PLAN, "roster.members", [[], [MEMBER] * 100], [[MEMBER] * 101]),
    (PLAN, "roster.trustees", [[], [TRUSTEE] * 16], [[TRUSTEE] * 17]),
    (PLAN, "roster.members.0.role", ["hospital"], ["trustee"]),
    (PLAN, "roster.trustees.0.role", ["trustee"], ["hospital"]),
    (PLAN, "committee.threshold", [1, 16], [0, 17]),
    (PLAN, "committee.corrupt_keyholders", [0, 16], [-1, 17]),
    (PLAN, "committee.corrupt_hospitals", [0, 100], [-1, 101]),
    (PLAN, "committee.minimum_cohort", [0, 100], [-1, 101]),
    (PLAN, "committee.seats", [[], [SEAT] * 16], [[SEAT] * 17]),
    (PLAN, "manifest", [[], [SPEC] * 4096], [[SPEC] * 4097]),
    (PLAN, "manifest.0.name", ["a" * 100, "a.b_1"], ["a" * 101, "", "A"]),
    (PLAN, "manifest.0.shape", [[], [1] * 8, [1 << 26], [1 << 13, 1 << 13]], [[1] * 9, [0], [(1 << 26) + 1]]),
    (PLAN, "manifest.0.bound", [1e-9, 0.5, 2.0**61], [0, 2.0**62]),
    (PLAN, "manifest.0.fraction_bits", [0, 60], [-1, 61]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "path", "inside", "outside"), LIMITS, ids=[f"{k.__name__} {p}" for k, p, *_ in LIMITS]
)
def test_a_field_has_these_limits(
    kind: type[Header], path: str, inside: list[Any], outside: list[Any]
) -> None:
    header = good(kind)
    kind.model_validate(header)
    for value in inside:
        kind.model_validate(with_(header, path, value))
    for value in outside:
        with pytest.raises(ValidationError) as told:
            kind.model_validate(with_(header, path, value))
        named = {".".join(map(str, error["loc"])) for error in told.value.errors()}
        assert any(one.startswith(path) for one in named), (value, named)


def test_a_repetition_is_of_one_hospital_at_least() -> None:
    same = {"party": FP, "commitment": "AAAA"}
    for number in (1, 100):
        assert len(Repeats.model_validate({"plan": FP, "same": [same] * number}).same) == number
    for number in (0, 101):
        with pytest.raises(ValidationError):
            Repeats.model_validate({"plan": FP, "same": [same] * number})


def test_a_tensor_has_no_more_coordinates_than_a_vector() -> None:
    assert TensorSpec(name="w", shape=(1 << 13, 1 << 13), bound=1.0, fraction_bits=0).size == 1 << 26
    with pytest.raises(ValidationError, match="too many coordinates"):
        TensorSpec(name="w", shape=(1 << 13, (1 << 13) + 1), bound=1.0, fraction_bits=0)


@pytest.mark.parametrize(
    ("kind", "absent"),
    [
        (UPDATE, {"format": 1, "round": 0, "recipients": (), "plan": None, "dealt": None}),
        (CardHeader, {"role": "hospital"}),
        (PLAN, {"mode": "strict", "committee": None, "adjacency": "add-or-remove-one-patient"}),
    ],
)
def test_what_is_absent_means(kind: type[Header], absent: dict[str, Any]) -> None:
    """Section 1: what a reader takes for a field that is not there. Writers write every field."""
    header = {name: value for name, value in good(kind).items() if name not in absent}
    read = kind.model_validate(header)
    assert {name: getattr(read, name) for name in absent} == absent
    del header["body"]
    body = kind.model_validate(header).body
    assert (body.length, body.cipher, body.key) == (0, "none", None)
    assert body.sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
