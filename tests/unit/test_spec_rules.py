"""Every vector through the independent reader: what is good is read, what breaks a rule is refused by it.

The reader is :mod:`spec_rules` and the modules beside it, written from docs/SPEC.md and docs/SPEC-2.md.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import spec_reader as spec
import spec_rules as rules
import spec_rules_inference as inference
import spec_rules_plan as plans
import spec_rules_repeat as repeat
import spec_rules_round as rounds
import spec_rules_succession as succession

VECTORS = Path(__file__).parents[1] / "vectors"
FOLDERS = {"format 1": VECTORS, "format 2": VECTORS / "format2"}
NUMBERS = json.loads((VECTORS / "numbers.json").read_text())
SECRETS = {name: bytes.fromhex(one) for name, one in NUMBERS["secrets"].items()}
UNSEALING = bytes.fromhex(NUMBERS["keyholders"]["secrets"]["trustee-1 unsealing"])

UNREAD = {"hybrid-signatures"}
"""The features whose rules this reader lacks: their vectors are read by privxray's own rules alone."""


@functools.cache
def index(folder: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((FOLDERS[folder] / "index.json").read_text())
    return found


@functools.cache
def load(folder: str, name: str) -> bytes:
    return (FOLDERS[folder] / f"{name}.bin").read_bytes()


@functools.cache
def followed(folder: str, name: str) -> rounds.Followed:
    file = rules.opened(load(folder, name))
    return rounds.Followed(plans.plan(file, None), file.digest)


@functools.cache
def asked(folder: str, under: str) -> tuple[rounds.Followed, Any, str, Any]:
    """The good request of a plan: its header, its digest, and the updates in it."""
    plan = followed(folder, under)
    file = rules.opened(load(folder, "heads-request" if under.startswith("heads") else "request"))
    own = plan.header["committee"]["seats"][0]["keyholder"]
    header, updates = rounds.request(file, plan, own, None)
    return plan, header, file.digest, updates


def admit(folder: str, name: str) -> None:
    """What the recipient of section 11 checks."""
    under = index(folder)[name]["under"]
    file, plan = rules.opened(load(folder, name)), followed(folder, under)
    kind = "card" if name.startswith("card") else file.kind
    if folder == "format 1" and under == "plan" and not name.startswith(("card", "plan", "model")):
        kind = "update"
    rules.demand(file.kind == kind, "file.other-kind")
    header = ADMIT[kind](folder, name, file, plan)
    rules.check_body(header, file.body)


def admit_plan(folder: str, name: str, file: rules.Read, plan: rounds.Followed) -> Any:
    header = plans.plan(file, plan.header["coordinator"])
    repeat.alone(header)
    succession.alone(header)
    repeat.against(header, plan)
    under = index(folder)[name]["under"]
    if under == "heads-first":
        own = next(m for m in plan.header["roster"]["members"] if m["name"] == "hospital-a")
        accepted = rules.opened(load(folder, "heads-model")).digest
        mine = rules.fingerprint(own["keys"])
        plans.heads_against(header, mine, (plan.header, plan.digest), accepted)
    if under == "hybrid-asking" and header["round"] > plan.header["round"]:
        plans.agreed(header, (plan.header, plan.digest))
    return header


def admit_update(folder: str, name: str, file: rules.Read, plan: rounds.Followed) -> Any:
    header = rounds.update(file, plan)
    if folder == "format 1" and name.startswith("held"):
        rules.check_body(header, file.body)
        rounds.masked(file, header, plan, SECRETS["coordinator sealing"])
    return header


def admit_request(folder: str, name: str, file: rules.Read, plan: rounds.Followed) -> Any:
    own = plan.header["committee"]["seats"][0]["keyholder"]
    first = rules.opened(load(folder, "request")).digest if name == "request-second" else None
    header, updates = rounds.request(file, plan, own, first)
    if folder == "format 1":
        for owner, said in updates.items():
            rounds.box(plan, owner, said["dealt"], own, UNSEALING)
    return header


def admit_share(folder: str, name: str, file: rules.Read, plan: rounds.Followed) -> Any:
    _, request, digest, updates = asked(folder, index(folder)[name]["under"])
    secret = SECRETS["coordinator sealing"] if folder == "format 1" else None
    return rounds.share(file, plan, (request, digest), secret, updates)


def admit_proof(folder: str, name: str, file: rules.Read, plan: rounds.Followed) -> Any:
    own = "bounds-update-a" if name.startswith("bounds") else "committed-update-a"
    exported = rules.opened(load(folder, own))
    return rounds.proof(file, plan, exported.key_id, SECRETS["hospital-a sealing"], exported.digest)


KNOWN = succession.Known(today="2026-01-02", result="ab" * 32)
"""What the readers of section 10's vectors know besides their plan (docs/SPEC-2.md, section 11)."""


def admit_vote(folder: str, name: str, file: rules.Read, plan: rounds.Followed) -> Any:
    candidate = rules.opened(load(folder, "candidacy")).claimed["keys"]
    return succession.vote(file, plan, candidate, KNOWN)


ADMIT: dict[str, Any] = {
    "card": lambda folder, name, file, plan: rules.card(file),
    "revocation": lambda folder, name, file, plan: rules.revocation(file),
    "plan": admit_plan,
    "update": admit_update,
    "model": lambda folder, name, file, plan: rounds.result(file, plan),
    "summary": lambda folder, name, file, plan: rounds.result(file, plan),
    "agreement": lambda folder, name, file, plan: rounds.agreement(file, plan),
    "waiver": lambda folder, name, file, plan: repeat.consent(file, plan),
    "refusal": lambda folder, name, file, plan: repeat.consent(file, plan),
    "candidacy": lambda folder, name, file, plan: succession.candidacy(file, plan, KNOWN),
    "vote": admit_vote,
    "succession": lambda folder, name, file, plan: succession.succession(file, plan, KNOWN),
    "request": admit_request,
    "share": admit_share,
    "proof": admit_proof,
}


def broken_by(folder: str, name: str) -> str:
    try:
        admit(folder, name)
    except rules.Broken as rule:
        return str(rule)
    return "ok"


def features_of(folder: str, name: str) -> set[str]:
    """The features of a vector and of the plan that it comes under, as far as its header can be read."""
    found: set[str] = set()
    for one in (name, index(folder)[name]["under"]):
        try:
            listed = spec.claimed(load(folder, one)).get("features")
        except (ValueError, KeyError):
            continue
        found |= {str(feature) for feature in listed or ()}
    return found


def is_read(folder: str, name: str) -> bool:
    """Whether the reader has the rules of a vector: those of its own features and of its plan's."""
    return not UNREAD & features_of(folder, name)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_vector_is_read_or_refused_by_its_rule(folder: str) -> None:
    names = [name for name in index(folder) if is_read(folder, name)]
    told = {name: broken_by(folder, name) for name in names}
    expected = {name: index(folder)[name]["reason"] for name in names}
    assert {n: (told[n], expected[n]) for n in names if told[n] != expected[n]} == {}


def inference_broken_by(name: str) -> str:
    """By the rules for a file of this kind, under the good offer and the good query."""
    folder = VECTORS / "inference"

    def file(one: str) -> rules.Read:
        return rules.opened((folder / f"{one}.bin").read_bytes())

    try:
        found, offered = file(name), inference.offer(file("offer"))
        if found.kind == "offer":
            header = inference.offer(found)
            rules.check_body(header, found.body)
            inference.centre(header, found.body)
        elif found.kind == "query":
            inference.query(found, offered["owner"], offered)
        else:
            asked_ = file("query")
            inference.answer(found, (asked_.claimed, asked_.digest), offered)
    except rules.Broken as rule:
        return str(rule)
    return "ok"


def test_every_vector_of_encrypted_inference() -> None:
    files = json.loads((VECTORS / "inference" / "index.json").read_text())["files"]
    told = {name: inference_broken_by(name) for name in files}
    assert {n: (told[n], one["reason"]) for n, one in files.items() if told[n] != one["reason"]} == {}


def test_the_reader_shares_no_line_with_privxray() -> None:
    for path in Path(__file__).parent.glob("spec_*.py"):
        text = path.read_text("utf-8")
        assert "from privxray" not in text, path
        assert "import privxray" not in text, path
