"""The rules for repeated rounds: docs/SPEC-2.md, section 6. See :mod:`spec_rules`.

Of a chain this reader knows the failed plan and its repetition.
"""

from __future__ import annotations

import spec_reader as spec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from spec_rules import Broken, Json, Read, check_statement, demand, fingerprint, opened, unb64, verified
from spec_rules_round import Followed, belongs, fresh, points, prefix, update

TERMS = ("method", "constants", "extractor", "classes", "epsilon", "delta", "stages", "modulus_bits",
         "manifest", "mode")  # fmt: skip


def alone(header: Json) -> None:
    """What a plan shows by itself."""
    features = header.get("features", [])
    repeats, without = header.get("repeats"), header.get("without")
    hospitals = [fingerprint(one["keys"]) for one in header["roster"]["members"]]
    strict = header["committee"] is None
    if repeats is None:
        demand(without is None, "repeat.without-alone")
        return
    demand("commitments" in header and (strict or "repeats-without" in features), "repeat.other-mode")
    parties = [one["party"] for one in repeats["same"]]
    demand(parties == sorted(set(parties)) and set(parties) <= set(hospitals), "repeat.other-parties")
    if without is None:
        return
    if strict:
        demand(without["asked"] is None and not without["refusals"], "repeat.keyholders-in-strict")
    else:
        demand(not without["faulty"], "repeat.faulty-with-keyholders")
        demand(set(without["asked"] or ()) <= set(hospitals), "repeat.asked-others")


def against(header: Json, plan: Followed) -> None:
    """Whether a plan may repeat the round of the one that was followed."""
    repeats, before = header.get("repeats"), plan.header
    if repeats is None:
        return
    demand((repeats["plan"], header["stage"]) == (plan.digest, before["stage"]), "repeat.other-round")
    same = all(header[name] == before[name] for name in TERMS)
    demand(same and header["body"]["sha256"] == before["body"]["sha256"], "repeat.other-terms")
    hospitals = {fingerprint(one["keys"]) for one in header["roster"]["members"]}
    without = header.get("without") or {"asked": None, "faulty": [], "refusals": [], "waivers": []}
    left = set()
    for one in without["waivers"]:
        signer = consent(opened(unb64(one, "consent.base64")), plan)["sender"]
        demand(signer not in hospitals, "repeat.waived-and-there")
        left.add(signer)
    for one in without["faulty"]:
        signer = faulty(opened(unb64(one["update"], "update.base64")), unb64(one["key"], "key", 32), plan)
        demand(signer not in hospitals, "repeat.waived-and-there")
        left.add(signer)
    refusals = {consent(opened(unb64(one, "consent.base64")), plan)["sender"] for one in without["refusals"]}
    if before["committee"] is None:
        demand(hospitals == set(plan.members) - left, "repeat.other-hospitals")
        return
    demand(hospitals <= set(plan.members), "repeat.other-hospitals")
    old, new = before["committee"], header["committee"]
    k, t, c = len(old["seats"]), old["threshold"], old["corrupt_keyholders"]
    if len(refusals) > k - t + c:
        return  # the earlier plan is dead
    holders = [{seat["keyholder"] for seat in one["seats"]} for one in (old, new)]
    common = t + new["threshold"] + len(holders[0] & holders[1]) - k - len(new["seats"])
    demand(common > max(c, new["corrupt_keyholders"]), "repeat.other-keyholders")


def consent(file: Read, plan: Followed) -> Json:
    """A waiver or a refusal."""
    parties = plan.members if file.kind == "waiver" else plan.parties
    party = parties.get(file.key_id)
    demand(party is not None, "signature.wrong")
    assert party is not None
    header = verified(file, party["keys"]["signing"])
    belongs(file, header, plan)
    demand(header["recipients"] == [plan.header["sender"]], "consent.other-recipient")
    demand(header["body"]["length"] == 0, "consent.body")
    if file.kind == "refusal":
        seats = {one["keyholder"]: one["unsealing"] for one in plan.header["committee"]["seats"]}
        check_statement(header["next_unsealing"], "unsealing-key", party["keys"])
        demand(fresh(header["next_unsealing"], seats[file.key_id], plan), "refusal.next-key-not-fresh")
    return header


def faulty(file: Read, key: bytes, plan: Followed) -> str:
    """An update that is shown not to be as committed; its sender."""
    header = update(file, plan)
    demand(not as_committed(file, header, key, plan), "repeat.not-faulty")
    return str(header["sender"])


def as_committed(file: Read, header: Json, key: bytes, plan: Followed) -> bool:
    """Section 5: whether the body is the tensor, and its commitment is what the header's points give."""
    cipher, plain, chunk = ChaCha20Poly1305(key), b"", 65_536 + 16
    try:
        for number, place in enumerate(range(0, len(file.body), chunk)):
            last = place + chunk >= len(file.body)
            nonce = number.to_bytes(11, "big") + bytes([last])
            plain += cipher.decrypt(nonce, file.body[place : place + chunk], None)
    except InvalidTag:
        raise Broken("body.not-authentic") from None
    start = prefix(plan)
    if not plain.startswith(start):
        return False
    rest = plain[len(start) :]
    y = [int.from_bytes(rest[at : at + 32], "little") for at in range(0, len(rest), 32)]
    if any(one >= spec.ORDER for one in y):
        return False
    vector, streams = points(header, plan)
    added = [point for other, point in streams.items() if header["sender"] <= other]
    taken = [point for other, point in streams.items() if header["sender"] > other]
    return spec.curve_sum([spec.committed_to(y), *taken]) == spec.curve_sum([vector, *added])
