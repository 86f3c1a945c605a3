"""The rules for recovery keys and new coordinators: docs/SPEC-2.md, section 10. See :mod:`spec_rules`."""

from __future__ import annotations

import spec_reader as spec
from spec_rules import (
    Json,
    Read,
    check_keys,
    check_recovery,
    demand,
    fingerprint,
    signed_by,
    unb64,
    verified,
)
from spec_rules_round import Followed

FORM = (2, ["succession"])


def alone(header: Json) -> None:
    """The fields of a plan."""
    if "succession" not in header.get("features", []):
        return
    for party in (*header["roster"]["members"], *header["roster"].get("trustees", [])):
        if party["recovery"] is not None:
            check_recovery(party["recovery"], party["keys"])
    named = header["successors"]
    if named is None:
        return
    hospitals = {fingerprint(one["keys"]) for one in header["roster"]["members"]}
    demand(named["members"] == sorted(set(named["members"])), "plan.successors-order")
    demand(set(named["members"]) <= hospitals, "plan.successors-unknown")
    demand(named["threshold"] <= len(named["members"]), "plan.successors-too-few")


def consents(signature: str, signing: str, study: str | None, header: Json) -> bool:
    said = {"keys": header["keys"], "old": header["old"], "study": study}
    data = spec.dsse("application/vnd.privxray.consent.v2+json", spec.canonical(said))
    return signed_by(unb64(signing, "key", 32), unb64(signature, "succession.consent-base64", 64), data)


def form(header: Json) -> tuple[int, list[str]]:
    return header["format"], header["features"]


def candidacy(file: Read, plan: Followed) -> Json:
    keys = file.claimed["keys"]
    header = verified(file, keys["signing"])
    check_keys(keys)
    demand(header["sender"] == fingerprint(keys), "candidacy.other-sender")
    demand(form(header) == FORM, "candidacy.other-form")
    demand(header["body"]["length"] == 0 and header["study"] is not None, "candidacy.body-or-study")
    own_keys(keys, plan)
    return header


def own_keys(keys: Json, plan: Followed) -> None:
    taken = {key for party in plan.parties.values() for key in party["keys"].values()}
    demand(not taken & set(keys.values()), "candidacy.keys-of-a-party")


def vote(file: Read, plan: Followed, candidate: Json) -> Json:
    """As the candidate with these keys counts it, under the last plan that it was handed."""
    members = (plan.header["successors"] or {"members": []})["members"]
    demand(file.key_id in members, "vote.unknown-signer")
    signing = plan.members[file.key_id]["keys"]["signing"]
    header = verified(file, signing)
    demand(header["sender"] == file.key_id, "vote.other-sender")
    demand(form(header) == FORM, "vote.other-form")
    there = header["body"]["length"] == 0 and None not in (header["study"], header["plan"])
    demand(there, "vote.body-or-plan")
    demand(consents(header["consent"], signing, header["study"], header), "vote.wrong-consent")
    place = (header["study"], header["old"], header["keys"])
    demand(place == (plan.header["study"], plan.header["sender"], candidate), "vote.other-candidate")
    demand(header["round"] <= plan.header["round"], "vote.newer-plan")
    same = header["round"] != plan.header["round"] or header["plan"] == plan.digest
    demand(same, "vote.other-plan")
    return header


def succession(file: Read, plan: Followed) -> Json:
    """As a hospital that follows this plan takes it in."""
    keys = file.claimed["keys"]
    header = verified(file, keys["signing"])
    check_keys(keys)
    demand(header["sender"] == fingerprint(keys), "succession.other-sender")
    demand(form(header) == FORM, "succession.other-form")
    demand(header["body"]["length"] == 0, "succession.body")
    demand(header["old"] != fingerprint(keys), "succession.same-key")
    study, votes = (header["study"], header["plan"]), header["votes"]
    if header["by"] == "recovery":
        parts = header["consent"] is not None and study == (None, None) and votes is None
        demand(parts and header["round"] == 0, "succession.recovery-parts")
        by_recovery(header, plan)
        return header
    parts = header["consent"] is None and None not in study and votes is not None and header["round"] > 0
    demand(parts, "succession.vote-parts")
    parties = [one["party"] for one in votes]
    demand(parties == sorted(set(parties)), "succession.votes-order")
    of = (header["study"], header["old"])
    demand(of == (plan.header["study"], plan.header["sender"]), "succession.other-coordinator")
    named = plan.header["successors"]
    demand(set(parties) <= set(named["members"]), "succession.no-vote")
    for one in votes:
        signing = plan.members[one["party"]]["keys"]["signing"]
        demand(consents(one["consent"], signing, header["study"], header), "succession.false-vote")
    demand(len(votes) >= named["threshold"], "succession.too-few-votes")
    own_keys(keys, plan)
    return header


def by_recovery(header: Json, plan: Followed) -> None:
    party = plan.parties[header["old"]]
    demand(party["recovery"] is not None, "succession.no-recovery-key")
    demand(party["name"] == header["name"], "succession.other-name")
    good = consents(header["consent"], party["recovery"]["key"], None, header)
    demand(good, "succession.wrong-consent")
