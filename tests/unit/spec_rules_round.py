"""The rules for what obeys a plan: updates, requests, share files, proofs, models, summaries, agreements.

docs/SPEC.md, sections 5 to 8, and docs/SPEC-2.md. See :mod:`spec_rules`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import spec_reader as spec
from cryptography.exceptions import InvalidTag
from spec_rules import (
    FEATURES,
    Broken,
    Json,
    Read,
    check_statement,
    demand,
    fingerprint,
    opened,
    unb64,
    verified,
)
from spec_rules_bounds import Bounds, Stated, holds
from spec_rules_plan import after, check_ciphertexts, vector_length


@dataclass(frozen=True)
class Followed:
    """The plan that a recipient follows, with its hash."""

    header: Json
    digest: str

    @property
    def members(self) -> dict[str, Json]:
        return {fingerprint(one["keys"]): one for one in self.header["roster"]["members"]}

    @property
    def parties(self) -> dict[str, Json]:
        trustees = {fingerprint(one["keys"]): one for one in self.header["roster"].get("trustees", [])}
        return self.members | trustees

    @property
    def head(self) -> str | None:
        if "heads" not in self.header.get("features", []):
            return None
        return after(self.header["head"], self.digest)

    def secrets(self, owner: str) -> list[str]:
        return ["self", *sorted(one for one in self.members if one != owner)]


def sealed_length(plain: int) -> int:
    return plain + 16 * max(1, math.ceil(plain / 65_536))


def belongs(file: Read, header: Json, plan: Followed) -> None:
    """Study, plan, round, and the form of the plan."""
    demand(header["study"] == plan.header["study"], "file.other-study")
    same_plan = header["plan"] == plan.digest
    demand(same_plan or header["round"] == plan.header["round"], "file.other-round")
    demand(same_plan, "file.other-plan")
    demand(header["round"] == plan.header["round"], "file.round-contradicts")
    listed = plan.header.get("features", [])
    expected = [name for name in listed if file.kind in FEATURES.get(name, {})]
    form = (header["format"], header.get("features", []))
    demand(form == (plan.header["format"], expected), "file.other-form")


def update(file: Read, plan: Followed) -> Json:
    """Section 5, and SPEC-2, sections 4, 5 and 7."""
    member = plan.members.get(file.key_id)
    demand(member is not None, "update.unknown-signer")
    assert member is not None
    header = verified(file, member["keys"]["signing"])
    demand(header["sender"] == file.key_id, "update.other-sender")
    belongs(file, header, plan)
    demand(header.get("task") == plan.header.get("task"), "update.other-task")
    demand(header["delta"] == plan.header["delta"], "update.other-delta")
    to_coordinator(header, plan, "update.other-recipient")
    demand(header["body"]["cipher"] != "none", "update.not-encrypted")
    demand(header["body"]["length"] == sealed_length(len(prefix(plan)) + room(plan)), "update.other-size")
    check_statement(header["next_mask"], "mask-key", member["keys"])
    demand(fresh(header["next_mask"], member["mask"], plan), "update.next-key-not-fresh")
    demand(header.get("head") == plan.head, "update.other-head")
    if plan.header["committee"] is None:
        demand(header["dealt"] is None, "update.needless-shares")
    else:
        demand(header["dealt"] is not None, "update.shares-missing")
        dealt(header["dealt"], plan)
    if "commitment" in header:
        points(header, plan)
    if "bound_proof" in header:
        Stated(header["bound_proof"], Bounds(plan.header))
    return header


def to_coordinator(header: Json, plan: Followed, rule: str) -> None:
    sender, key = plan.header["sender"], header["body"]["key"]
    demand(header["recipients"] == [sender] and key is not None and key["recipient"] == sender, rule)


def fresh(stated: Json, before: Json, plan: Followed) -> bool:
    return stated["study"] in (None, plan.header["study"]) and stated["number"] > before["number"]


def prefix(plan: Followed) -> bytes:
    """The safetensors bytes before the numbers of a masked vector."""
    d, bits = vector_length(plan.header), plan.header["modulus_bits"]
    dtype, shape, size = f"U{bits}", [d], d * bits // 8
    if "commitments" in plan.header:
        dtype, shape, size = "U8", [d + 1, 32], 32 * (d + 1)
    entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}
    text = json.dumps({"masked": entry}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def room(plan: Followed) -> int:
    d = vector_length(plan.header)
    return 32 * (d + 1) if "commitments" in plan.header else d * plan.header["modulus_bits"] // 8


def dealt(stated: Json, plan: Followed) -> None:
    """Section 7: as many boxes and commitments as the plan demands, each of its length."""
    seats, n = len(plan.header["committee"]["seats"]), len(plan.members)
    boxes = [unb64(one, "update.box-base64") for one in stated["boxes"]]
    demand([len(one) for one in boxes] == [49 * n + 1136] * seats, "update.boxes")
    commitments = unb64(stated["commitments"], "update.commitments-base64")
    demand(len(commitments) == 32 * n * seats, "update.commitments")


def point(data: bytes) -> bytes:
    found = spec.decoded(data)
    good = found is not None and found != (0, 1) and spec.times(spec.ORDER, found) == (0, 1)
    demand(good, "update.commitment-no-point")
    return data


def points(header: Json, plan: Followed) -> tuple[bytes, dict[str, bytes]]:
    """SPEC-2, section 5: the commitment to the vector, and those to the streams by the other hospital."""
    others = plan.secrets(header["sender"])[1:]
    if plan.header["committee"] is not None:
        others = [*others, header["sender"]]
    masks = unb64(header["masks"], "update.commitments-count", 32 * len(others))
    vector = unb64(header["commitment"], "update.commitments-count", 32)
    streams = {one: point(masks[32 * at : 32 * at + 32]) for at, one in enumerate(others)}
    return point(vector), streams


def opened_body(file: Read, header: Json, secret: bytes, wrapped: str | None = None, own: str = "") -> bytes:
    """Section 1: a body by its recipient's private sealing key."""
    key = header["body"]["key"]
    text = wrapped if wrapped is not None else key["wrapped"]
    unb64(text, "body-key.base64")
    said = spec.File(header, file.digest, file.body, file.start)
    recipient = own or key["recipient"]
    stated = {name: header[name] for name in ("kind", "plan", "sender", "study")}
    stated |= {"purpose": "body key", "recipient": recipient}
    try:
        spec.hpke_open(secret, unb64(text, "body-key.base64"), stated)
    except InvalidTag:
        raise Broken("seal.other-key") from None
    try:
        return spec.open_sealed(said, text, secret, recipient)
    except InvalidTag:
        raise Broken("body.not-authentic") from None


def masked(file: Read, header: Json, plan: Followed, secret: bytes) -> None:
    """What the coordinator finds in an update."""
    plain = opened_body(file, header, secret)
    demand(plain.startswith(prefix(plan)), "vector.other-form")


def result(file: Read, plan: Followed) -> Json:
    """Section 6, and SPEC-2, section 4: a model or a summary."""
    demand(file.key_id == plan.header["sender"], f"{file.kind}.other-coordinator")
    header = verified(file, plan.header["coordinator"]["signing"])
    belongs(file, header, plan)
    names = ["sender", "method", "constants", "extractor", "classes", "epsilon", "delta"]
    names += ["stage", "stages"] if file.kind == "model" else ["task"]
    same = all(header[name] == plan.header[name] for name in names)
    same = same and header.get("extractor_file") == plan.header.get("extractor_file")
    demand(same, f"{file.kind}.not-as-planned")
    return header


def agreement(file: Read, plan: Followed) -> Json:
    """SPEC-2, section 8."""
    member = plan.members.get(file.key_id)
    demand(member is not None, "agreement.unknown-signer")
    assert member is not None
    header = verified(file, member["keys"]["signing"])
    demand(header["sender"] == file.key_id, "agreement.other-sender")
    belongs(file, header, plan)
    demand(header["recipients"] == [plan.header["sender"]], "agreement.other-recipient")
    demand(header["body"]["length"] == 0, "agreement.body")
    stated = header["encapsulated"]
    check_ciphertexts(stated, member["keys"])
    to = [one["to"] for one in stated["ciphertexts"]]
    higher = sorted(one for one in plan.members if one > file.key_id)
    right = (stated["party"], stated["plan"], to) == (header["sender"], header["plan"], higher)
    demand(right, "agreement.other-recipients")
    return header


def request(file: Read, plan: Followed, own: str, answered: str | None) -> tuple[Json, dict[str, Json]]:
    """Section 7, as this keyholder applies it: the header, and the survivors' updates."""
    demand(file.key_id == plan.header["sender"], "request.other-coordinator")
    header = verified(file, plan.header["coordinator"]["signing"])
    demand(header["sender"] == file.key_id, "request.other-sender")
    belongs(file, header, plan)
    demand(answered in (None, file.digest), "request.second")
    demand(own in header["recipients"], "request.other-recipients")
    demand(header["body"]["cipher"] == "none" and header["body"]["key"] is None, "request.encrypted")
    survivors, committee = header["survivors"], plan.header["committee"]
    demand(survivors == sorted(set(survivors)), "request.survivors-not-ascending")
    demand(set(survivors) <= set(plan.members), "request.survivor-unknown")
    demand(len(survivors) >= committee["minimum_cohort"], "request.too-few-survivors")
    rest, updates = file.body, {}
    for survivor in survivors:
        one = opened(rest)
        demand(one.key_id == survivor, "request.other-updates")
        updates[survivor], rest = one, rest[len(one.start) :]
    demand(not rest, "request.more-than-updates")
    return header, {survivor: update(one, plan) for survivor, one in updates.items()}


def box(plan: Followed, owner: str, stated: Json, keyholder: str, secret: bytes) -> dict[str, bytes]:
    """What is in a keyholder's box of one hospital, each share held against its commitment."""
    seat = [one["keyholder"] for one in plan.header["committee"]["seats"]].index(keyholder) + 1
    info = {"kind": "update", "plan": plan.digest, "purpose": "shares", "recipient": keyholder,
            "sender": owner, "study": plan.header["study"]}  # fmt: skip
    try:
        content = spec.hpke_open(secret, unb64(stated["boxes"][seat - 1], "update.box-base64"), info)
    except InvalidTag:
        raise Broken("update.box-not-for-this-keyholder") from None
    found = {}
    for place, name in enumerate(plan.secrets(owner)):
        found[name] = content[49 * place : 49 * place + 49]
        check_share(plan, owner, stated, seat, name, found[name])
    return found


def check_share(plan: Followed, owner: str, stated: Json, seat: int, name: str, opened_: bytes) -> None:
    names = plan.secrets(owner)
    at = 32 * ((seat - 1) * len(names) + names.index(name))
    committed = unb64(stated["commitments"], "update.commitments-base64")[at : at + 32]
    share, salt = opened_[:33], opened_[33:]
    told = spec.commitment(owner, plan.digest, seat, name, salt, share)
    demand(told == committed, "share.not-as-committed")


def share(file: Read, plan: Followed, asked: tuple[Json, str], secret: bytes | None, updates: Any) -> Json:
    """Section 7: a keyholder's answer to this request, as the coordinator with this sealing key reads it.

    :param updates: of the survivors, by fingerprint; not read without the key.
    """
    party = plan.parties.get(file.key_id)
    demand(party is not None, "share.unknown-signer")
    assert party is not None
    header = verified(file, party["keys"]["signing"])
    demand(header["sender"] == file.key_id, "share.other-sender")
    belongs(file, header, plan)
    seats = {one["keyholder"]: one for one in plan.header["committee"]["seats"]}
    demand(file.key_id in seats, "share.no-keyholder")
    request_, digest = asked
    demand(header["request"] == digest, "share.other-request")
    to_coordinator(header, plan, "share.other-recipient")
    check_statement(header["next_unsealing"], "unsealing-key", party["keys"])
    before = seats[file.key_id]["unsealing"]
    demand(fresh(header["next_unsealing"], before, plan), "share.next-key-not-fresh")
    demand(header.get("head") == plan.head, "share.other-head")
    demand(header["body"]["cipher"] != "none", "share.not-encrypted")
    survivors = request_["survivors"]
    missing = sorted(set(plan.members) - set(survivors))
    pairs = [(owner, name) for owner in survivors for name in ("self", *missing)]
    demand(header["body"]["length"] == sealed_length(49 * len(pairs)), "share.other-size")
    if secret is not None:
        plain, seat = opened_body(file, header, secret), list(seats).index(file.key_id) + 1
        for place, (owner, name) in enumerate(pairs):
            check_share(plan, owner, updates[owner]["dealt"], seat, name, plain[49 * place : 49 * place + 49])
    return header


def proof(file: Read, plan: Followed, own: str, secret: bytes, exported: str) -> Json:
    """SPEC-2, section 5, as the hospital with this fingerprint and sealing key applies it.

    :param exported: the digest of its update.
    """
    demand(file.key_id == plan.header["sender"], "proof.other-coordinator")
    header = verified(file, plan.header["coordinator"]["signing"])
    belongs(file, header, plan)
    hospitals = sorted(plan.members)
    to = [one["recipient"] for one in header["keys"]]
    demand(header["recipients"] == hospitals == to, "proof.other-recipients")
    wrapped = next(one["wrapped"] for one in header["keys"] if one["recipient"] == own)
    content = spec.tensors(opened_body(file, header, secret, wrapped, own))
    bound, proofs, last = {}, {}, ""
    for start, digest in zip(spec.parts(content["envelopes"]), header["updates"], strict=True):
        one = opened(start)
        said = update(one, plan)
        demand(one.digest == digest and said["sender"] > last, "proof.other-updates")
        last = said["sender"]
        bound[last], proofs[last] = points(said, plan), said.get("bound_proof")
    demand(sorted(bound) == hospitals, "proof.hospital-lacking")
    demand(exported in header["updates"], "proof.other-own-update")
    for one in bound:
        for other, stated in bound[one][1].items():
            demand(bound[other][1][one] == stated, "proof.masks-contradict")
    if "bound-proofs" in plan.header.get("features", []):
        limits = Bounds(plan.header)
        for one, (vector, _) in bound.items():
            demand(holds(proofs[one], limits, plan.digest, one, vector), "proof.out-of-bounds")
    d = vector_length(plan.header)
    numbers = [int.from_bytes(content["sum"][8 * at : 8 * at + 8], "little", signed=True) for at in range(d)]
    scalars = [*numbers, int.from_bytes(content["blinding"], "little")]
    total = spec.curve_sum([vector for vector, _ in bound.values()])
    demand(spec.committed_to(scalars) == total, "proof.sum-not-as-committed")
    at = 0
    for one in plan.header["manifest"]:
        size, most = math.prod(one["shape"]), len(bound) * (one["bound"] * 2 ** one["fraction_bits"] + 0.5)
        demand(all(abs(number) <= most for number in numbers[at : at + size]), "sum.masks-stay")
        at += size
    return header
