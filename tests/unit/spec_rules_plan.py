"""The rules for plans: docs/SPEC.md, sections 4 and 7, and docs/SPEC-2.md. See :mod:`spec_rules`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import spec_reader as spec
from spec_rules import Json, Read, check_keys, check_statement, demand, fingerprint, unb64, verified
from spec_rules_bounds import Bounds

ORDER = ("agree", "describe", "train", "evaluate")


def twice(values: Sequence[Any]) -> bool:
    return len(set(values)) < len(values)


def plan(file: Read, coordinator: Json | None) -> Json:
    """A plan by this coordinator; by the one that it names where none is known."""
    known = coordinator or file.claimed["coordinator"]
    demand(file.key_id == fingerprint(known), "plan.other-coordinator")
    header = verified(file, known["signing"])
    demand(header["epsilon"] > 0 or header.get("task") == "agree", "header.field")
    demand(header["coordinator"] == known, "plan.coordinators-keys")
    check_keys(known)
    demand(header["study"] is not None, "plan.no-study")
    demand(header["round"] >= 1, "plan.no-round")
    demand(header["stage"] <= header["stages"], "plan.stage-after-last")
    demand(not twice(header["classes"]), "plan.class-twice")
    demand(header["sender"] == fingerprint(known), "plan.other-sender")
    extractor(header)
    roster(header)
    committee(header)
    if header["mode"] == "strict":
        demand(header["committee"] is None, "plan.keyholders-in-strict")
        demand(not header["roster"]["trustees"], "plan.trustees-without-keyholders")
    sizes(header)
    headroom(header)
    bounds(header)
    heads_alone(header)
    tasks(header)
    hybrid(header)
    return header


def extractor(header: Json) -> None:
    """SPEC-2, section 11."""
    file, named = header.get("extractor_file"), header["extractor"] or ""
    demand(named.startswith("file:") == (file is not None), "extractor.named-twice")
    demand(file is None or named == f"file:{file['sha256']}", "extractor.named-twice")


def roster(header: Json) -> None:
    members = header["roster"]["members"]
    parties = [*members, *header["roster"].get("trustees", [])]
    demand(len(members) >= 3, "roster.too-few-hospitals")
    demand(not twice([one["name"].lower() for one in parties]), "roster.name-twice")
    demand(not twice([one["keys"]["signing"] for one in parties]), "roster.signing-key-twice")
    demand(not twice([one["keys"]["sealing"] for one in parties]), "roster.sealing-key-twice")
    demand(not twice([one["mask"]["key"] for one in members]), "roster.mask-key-twice")
    for one in parties:
        check_keys(one["keys"])
    for one in members:
        check_statement(one["mask"], "mask-key", one["keys"])
        demand(one["mask"]["study"] in (None, header["study"]), "roster.mask-key-of-other-study")
        if one.get("size"):
            check_statement(one["size"], "size.v2", one["keys"])
            demand(one["size"]["study"] in (None, header["study"]), "roster.size-of-other-study")
    own = header["coordinator"]
    demand(own["signing"] not in [one["keys"]["signing"] for one in parties], "plan.coordinator-is-party")
    demand(own["sealing"] not in [one["keys"]["sealing"] for one in parties], "plan.coordinators-sealing-key")


def committee(header: Json) -> None:
    """Section 7."""
    if header["committee"] is None or header["mode"] == "strict":
        demand(header["mode"] == "strict", "plan.keyholders-missing")
        return
    of, n = header["committee"], len(header["roster"]["members"])
    k, t, c = len(of["seats"]), of["threshold"], of["corrupt_keyholders"]
    m, h = of["minimum_cohort"], of["corrupt_hospitals"]
    demand(c >= 1, "committee.no-corrupt-keyholder")
    demand(t <= k - 1, "committee.nobody-may-miss")
    demand(2 * t > k + c, "committee.two-sums")
    demand(h >= 1, "committee.no-corrupt-hospital")
    demand(m >= max(3, h + 2), "committee.cohort-too-small")
    demand(m <= n, "committee.cohort-too-large")
    demand(n - h - (k - c) * (n - m) // (t - c) >= 2, "committee.one-hospital-left")
    holders = [seat["keyholder"] for seat in of["seats"]]
    demand(not twice(holders), "committee.keyholder-twice")
    demand(not twice([seat["unsealing"]["key"] for seat in of["seats"]]), "committee.unsealing-key-twice")
    trustees = header["roster"].get("trustees", [])
    parties = {fingerprint(one["keys"]): one for one in (*header["roster"]["members"], *trustees)}
    demand(set(holders) <= set(parties), "committee.keyholder-not-in-roster")
    demand({fingerprint(one["keys"]) for one in trustees} <= set(holders), "committee.trustee-without-seat")
    for seat in of["seats"]:
        check_statement(seat["unsealing"], "unsealing-key", parties[seat["keyholder"]]["keys"])
        mine = seat["unsealing"]["study"] in (None, header["study"])
        demand(mine, "committee.unsealing-key-of-other-study")


def sizes(header: Json) -> None:
    """SPEC-2, section 3."""
    if "sizes" not in header.get("features", []):
        return
    largest = max(one["size"]["bracket"] for one in header["roster"]["members"])
    bound, weight = header["constants"].get("n_max"), header["constants"].get("weight_cap", 1)
    fits = type(bound) is int and bound in (100, 1000, 10_000, 100_000) and largest <= bound
    demand(fits and (header["stage"] != 1 or largest == bound), "plan.n-max-not-sizes")
    demand(
        header["delta"] <= {100: 1e-3, 1000: 1e-4, 10_000: 1e-5, 100_000: 1e-6}[bound],
        "plan.delta-above-sizes",
    )
    demand(type(weight) in (int, float) and weight <= bound, "plan.weight-above-sizes")


def headroom(header: Json) -> None:
    manifest, n = header["manifest"], len(header["roster"]["members"])
    demand(bool(manifest), "plan.vector-empty")
    demand(vector_length(header) <= 1 << 26, "plan.vector-too-long")
    demand(not twice([one["name"] for one in manifest]), "plan.tensor-twice")
    for one in manifest:
        most = n * (one["bound"] * 2.0 ** one["fraction_bits"] + 0.5)
        demand(most < 2.0 ** (header["modulus_bits"] - 1), "plan.sums-overflow")


def bounds(header: Json) -> None:
    """SPEC-2, section 13."""
    if "bound-proofs" not in header.get("features", []):
        return
    demand("commitments" in header, "plan.bounds-without-commitments")
    demand(header["bounds"] is None or header.get("task", "train") == "train", "plan.bounds-of-other-task")
    Bounds(header)


def vector_length(header: Json) -> int:
    total = 0
    for one in header["manifest"]:
        size = 1
        for side in one["shape"]:
            size *= side
        total += size
    return total


# SPEC-2, section 7.


def after(head: str, *files: str) -> str:
    for file in files:
        head = hashlib.sha256(b"privxray log v2" + bytes.fromhex(head + file)).hexdigest()
    return head


def heads_alone(header: Json) -> None:
    if "heads" not in header.get("features", []):
        return
    parties = [one["party"] for one in header["heads"]]
    demand(parties == sorted(set(parties)), "heads.not-ascending")
    if header["previous"] is None:
        nothing = {"request": None, "result": None}
        first = (header["head"], header["since"], header["heads"]) == ("0" * 64, nothing, [])
        demand(first, "heads.before-the-first")


def heads_against(header: Json, own: str, followed: tuple[Json, str], result: str | None) -> None:
    """A later plan, to a hospital that follows another one.

    :param own: its fingerprint. :param followed: with its digest. :param result: what it accepted under that.
    """
    before, digest = followed
    since = header["since"]
    files = [since[name] for name in ("request", "result") if since[name]] if since else []
    if header["previous"] == digest:
        if since is not None and result is not None:
            demand(since["result"] == result, "heads.other-result")
        mine = after(before.get("head", "0" * 64), digest)
        demand(after(mine, *files) == header["head"], "heads.other-log")
        if before["mode"] == "strict" and since is not None and since["result"] is not None:
            listed = {one["party"] for one in header["heads"]}
            members = {fingerprint(one["keys"]) for one in before["roster"]["members"]}
            demand(members <= listed, "heads.hospital-lacking")
    else:
        demand(header["round"] != before["round"] + 1, "heads.second-plan")
    for one in header["heads"]:
        rule = "heads.own-falsified" if one["party"] == own else "heads.other-files"
        demand(after(one["head"], *files) == header["head"], rule)


# SPEC-2, sections 4 and 8.


def tasks(header: Json) -> None:
    if "tasks" not in header.get("features", []):
        return
    schedule, task = header["schedule"], header["task"]
    named = [one["task"] for one in schedule]
    in_order = named == sorted(set(named), key=ORDER.index) and "train" in named
    demand(in_order, "plan.schedule-order")
    demand(("agree" in named) == ("hybrid-masks" in header["features"]), "plan.agree-without-use")
    for one in schedule:
        free = (one["epsilon"] == 0) == (one["task"] == "agree")
        demand(free and (one["task"] == "train" or one["stages"] == 1), "plan.schedule-entry")
    (entry,) = [one for one in schedule if one["task"] == task] or [None]
    said = entry and (entry["epsilon"], entry["stages"]) == (header["epsilon"], header["stages"])
    demand(bool(said), "plan.not-as-scheduled")
    demand(parts_of_task(header), "plan.parts-of-other-task")


def parts_of_task(header: Json) -> bool:
    bands, sexes = header["age_bands"], header["sexes"]
    model, edges, k = header["model"], header["edges"], len(header["classes"])
    if header["task"] == "describe":
        if bands is None or sexes is None or twice(bands) or twice(sexes):
            return False
        return (model, edges) == (None, None) and counts(
            header, "counts", [k, len(bands) + 1, len(sexes) + 1]
        )
    if header["task"] == "evaluate":
        if model is None or not edges or not header["body"]["length"]:
            return False
        if len(edges) != k or any(len(one) != len(edges[0]) or one != sorted(set(one)) for one in edges):
            return False
        return (bands, sexes) == (None, None) and counts(header, "scores", [k, 2, len(edges[0]) + 1])
    return (bands, sexes, model, edges) == (None, None, None, None)


def counts(header: Json, name: str, shape: list[int]) -> bool:
    expected = {
        "name": name,
        "shape": shape,
        "bound": header["constants"]["n_max"] + 10_000,
        "fraction_bits": 16,
    }
    return (header["modulus_bits"], header["manifest"]) == (64, [expected])


def hybrid(header: Json) -> None:
    if "hybrid-masks" not in header.get("features", []):
        return
    agrees, members = header["task"] == "agree", header["roster"]["members"]
    for one in members:
        demand((one["kem"] is not None) == agrees, "plan.encapsulation-keys")
        if agrees:
            check_statement(one["kem"], "encapsulation-key.v2", one["keys"])
            demand(one["kem"]["study"] in (None, header["study"]), "roster.encapsulation-key-of-other-study")
    stated = header["encapsulated"]
    if stated is None:
        return
    parties = {fingerprint(one["keys"]): one["keys"] for one in members}
    demand(not agrees and [one["party"] for one in stated] == sorted(parties), "plan.other-ciphertexts")
    for one in stated:
        check_ciphertexts(one, parties[one["party"]])
        demand(one["plan"] == stated[0]["plan"], "plan.ciphertexts-of-two-plans")
    for one in stated:
        higher = {other for other in parties if other > one["party"]}
        demand(higher <= {entry["to"] for entry in one["ciphertexts"]}, "plan.ciphertext-lacking")


def check_ciphertexts(stated: Json, keys: Json) -> None:
    unsigned = {name: value for name, value in stated.items() if name != "signature"}
    check_statement(unsigned | {"signature": stated["signature"]}, "ciphertexts.v2", keys)
    to = [one["to"] for one in stated["ciphertexts"]]
    good = to == sorted(set(to)) and all(one > stated["party"] for one in to)
    demand(good, "agreement.recipients-not-ascending")
    for one in stated["ciphertexts"]:
        unb64(one["ciphertext"], "agreement.ciphertext", 1088)


def agreed(header: Json, followed: tuple[Json, str]) -> None:
    """The plan after an agreement."""
    before, digest = followed
    if "hybrid-masks" not in header.get("features", []) or header["task"] == "agree":
        return
    demand((header["encapsulated"] is not None) == (before.get("task") == "agree"), "plan.without-agreement")
    if header["encapsulated"]:
        demand(header["encapsulated"][0]["plan"] == digest, "plan.ciphertexts-of-other-plan")


__all__ = ["after", "agreed", "check_ciphertexts", "heads_against", "plan", "spec", "vector_length"]
