"""The rules for recovery keys and new coordinators: docs/SPEC-2.md, section 10. See :mod:`spec_rules`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

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


@dataclass(frozen=True)
class Known:
    """What a reader knows besides its plan: the day, and the model that came under that plan."""

    today: str
    result: str | None


def consents(signature: str, signing: str, header: Json, until: str | None = None) -> bool:
    said, kind = {"keys": header["keys"], "old": header["old"], "study": None}, "consent"
    if until is not None:
        stated = {name: header.get(name) for name in ("plan", "result", "round", "study")}
        said, kind = said | stated | {"until": until}, "ballot"
    data = spec.dsse(f"application/vnd.privxray.{kind}.v2+json", spec.canonical(said))
    return signed_by(unb64(signing, "key", 32), unb64(signature, "succession.consent-base64", 64), data)


def days_between(day: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(day)).days


def form(header: Json) -> tuple[int, list[str]]:
    return header["format"], header["features"]


def candidacy(file: Read, plan: Followed, known: Known) -> Json:
    keys = file.claimed["keys"]
    header = verified(file, keys["signing"])
    check_keys(keys)
    demand(header["sender"] == fingerprint(keys), "candidacy.other-sender")
    demand(form(header) == FORM, "candidacy.other-form")
    demand(header["body"]["length"] == 0 and header["study"] is not None, "candidacy.body-or-study")
    until = header.get("until")
    demand(until is not None, "candidacy.without-last-day")
    own_keys(keys, plan)
    demand(days_between(known.today, until) >= 0, "candidacy.past")
    demand(days_between(known.today, until) <= 91, "candidacy.too-far")
    return header


def own_keys(keys: Json, plan: Followed) -> None:
    taken = {key for party in plan.parties.values() for key in party["keys"].values()}
    demand(not taken & set(keys.values()), "candidacy.keys-of-a-party")


def vote(file: Read, plan: Followed, candidate: Json, known: Known) -> Json:
    """As the candidate with these keys counts it, under the last plan and model that it was handed."""
    members = (plan.header["successors"] or {"members": []})["members"]
    demand(file.key_id in members, "vote.unknown-signer")
    signing = plan.members[file.key_id]["keys"]["signing"]
    header = verified(file, signing)
    demand(header["sender"] == file.key_id, "vote.other-sender")
    demand(form(header) == FORM, "vote.other-form")
    there = header["body"]["length"] == 0 and None not in (header["study"], header["plan"])
    demand(there, "vote.body-or-plan")
    until, result = header.get("until"), header.get("result")
    demand(until is not None, "vote.without-last-day")
    demand(consents(header["consent"], signing, header, until), "vote.wrong-consent")
    place = (header["study"], header["old"], header["keys"])
    demand(place == (plan.header["study"], plan.header["sender"], candidate), "vote.other-candidate")
    demand(days_between(known.today, until) >= 0, "vote.past")
    demand(header["round"] <= plan.header["round"], "vote.newer-plan")
    demand(header["round"] >= plan.header["round"], "vote.older-plan")
    demand(header["plan"] == plan.digest, "vote.other-plan")
    demand(result is None or known.result is not None, "vote.newer-result")
    demand(result is not None or known.result is None, "vote.before-result")
    demand(result == known.result, "vote.other-result")
    return header


def succession(file: Read, plan: Followed, known: Known) -> Json:
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
        of_votes = (*study, votes, header.get("result"))
        parts = header["consent"] is not None and of_votes == (None, None, None, None)
        demand(parts and header["round"] == 0, "succession.recovery-parts")
        by_recovery(header, plan)
        return header
    parts = header["consent"] is None and None not in study and votes is not None and header["round"] > 0
    demand(parts, "succession.vote-parts")
    parties = [one["party"] for one in votes]
    demand(parties == sorted(set(parties)), "succession.votes-order")
    demand(all(one.get("until") for one in votes), "succession.without-last-day")
    by_votes(header, plan, known)
    own_keys(keys, plan)
    return header


def by_votes(header: Json, plan: Followed, known: Known) -> None:
    votes = header["votes"]
    parties = [one["party"] for one in votes]
    of = (header["study"], header["old"])
    demand(of == (plan.header["study"], plan.header["sender"]), "succession.other-coordinator")
    named = plan.header["successors"]
    demand(set(parties) <= set(named["members"]), "succession.no-vote")
    for one in votes:
        signing = plan.members[one["party"]]["keys"]["signing"]
        demand(consents(one["consent"], signing, header, one["until"]), "succession.false-vote")
    demand(len(votes) >= named["threshold"], "succession.too-few-votes")
    demand(header["round"] >= plan.header["round"], "succession.before-newer-plan")
    if header["round"] == plan.header["round"]:
        demand(header["plan"] == plan.digest, "succession.other-plan")
        result = header.get("result")
        demand(known.result is None or result is not None, "succession.before-newer-result")
        demand(known.result in (None, result), "succession.other-result")
    for one in votes:
        demand(days_between(known.today, one["until"]) >= 0, "succession.past")


def by_recovery(header: Json, plan: Followed) -> None:
    party = plan.parties[header["old"]]
    demand(party["recovery"] is not None, "succession.no-recovery-key")
    demand(party["name"] == header["name"], "succession.other-name")
    good = consents(header["consent"], party["recovery"]["key"], header)
    demand(good, "succession.wrong-consent")
