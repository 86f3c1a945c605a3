"""The files under tests/vectors/format2: each ends as expected, and the good ones are read by
:mod:`spec_reader`, which knows docs/SPEC.md and docs/SPEC-2.md and no code of privxray.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import spec_reader as spec
from forged_files import refused
from mnemonic import Mnemonic

from privxray.exchange.admission.admit import admit_model, admit_plan, admit_update, read_update
from privxray.exchange.admission.admit_agreement import admit_agreed, admit_agreement, read_agreement
from privxray.exchange.admission.admit_election import (
    StudyNow,
    admit_candidate,
    admit_election,
    admit_last_day,
    admit_vote,
    voters,
)
from privxray.exchange.admission.admit_heads import Own, admit_heads
from privxray.exchange.admission.admit_opening import admit_request, admit_share, admit_survivors, read_share
from privxray.exchange.admission.admit_proof import admit_proof, prove
from privxray.exchange.admission.admit_succession import admit_recovery
from privxray.exchange.admission.admit_successor import admit_successor
from privxray.exchange.admission.admit_summary import admit_summary
from privxray.exchange.admission.repeating.admit_consents import admit_refusal, admit_waiver
from privxray.exchange.admission.repeating.admit_repeat import admit_repeat
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.proof import open_proof
from privxray.exchange.messages.request import SignedRequest
from privxray.formats.container import Envelope, check_body, split
from privxray.formats.header import Header
from privxray.keys.card import read_card
from privxray.keys.revocation import read_revocation
from privxray.keys.succession.candidacy import read_candidacy
from privxray.keys.succession.succession_file import read_succession
from privxray.keys.succession.vote import read_vote

VECTORS = Path(__file__).parents[1] / "vectors"
FOLDER = VECTORS / "format2"
INDEX = json.loads((FOLDER / "index.json").read_text())
GOOD = [name for name, entry in INDEX.items() if entry["expect"] == "ok"]


def made_by() -> Any:
    """The module that makes the vectors, and knows the keys of their parties."""
    sys.path += [str(VECTORS)]
    import make

    return make


def load(name: str) -> bytes:
    return (FOLDER / f"{name}.bin").read_bytes()


def plan_of(name: str) -> SignedPlan:
    return admit_plan(split(load(name)), None)


def own_update(proof: str) -> str:
    """The update that hospital-a exported in the round of a proof."""
    return "bounds-update-a" if proof.startswith("bounds") else "committed-update-a"


def own_of_heads(followed: SignedPlan) -> Own:
    """What hospital-a knows to whom plans under ``heads-first`` come."""
    a = next(member for member in followed.plan.roster.members if member.name == "hospital-a")
    return Own(a.keys.fingerprint, followed, result=split(load("heads-model")).digest)


def admit(name: str) -> None:
    """What the recipient checks that follows the good plan, and trusts its coordinator."""
    data, followed = load(name), plan_of(INDEX[name]["under"])
    envelope = split(data)
    body = data[envelope.length :]
    header: Header
    if envelope.kind == "card":
        header = read_card(envelope)
    elif envelope.kind == "revocation":
        header = read_revocation(envelope)
    elif envelope.kind == "plan":
        header = admit_plan(envelope, followed.plan.coordinator).plan
        admit_repeat(header, followed)
        if INDEX[name]["under"] == "heads-first":
            admit_heads(header, own_of_heads(followed))
        elif INDEX[name]["under"] == "hybrid-asking" and header.round > followed.plan.round:
            admit_successor(header, followed)
            admit_agreed(header, followed, None)
    elif envelope.kind == "agreement":
        agreement, signer = read_agreement(envelope, followed.plan.roster.members)
        header = agreement
        admit_agreement(agreement, signer, followed)
    elif envelope.kind in ("candidacy", "vote", "succession"):
        header = admit_new_keys(envelope, followed)
    elif envelope.kind == "summary":
        header = admit_summary(envelope, followed)
    elif envelope.kind in ("waiver", "refusal"):
        header = (admit_waiver if envelope.kind == "waiver" else admit_refusal)(envelope, followed)
    elif envelope.kind == "model":
        header = admit_model(envelope, followed)
    elif envelope.kind == "proof":
        header = admit_proof(envelope, followed)
        proof = open_proof(header, body, followed, made_by().identity("hospital-a"))
        prove(header, proof, followed, split(load(own_update(name))).digest)
    elif envelope.kind == "request":
        keyholder = followed.plan.committee.seats[0].keyholder  # type: ignore[union-attr]
        header, _ = admit_request(envelope, followed, keyholder, None)
        admit_survivors(header, body, followed)
    elif envelope.kind == "share":
        header = read_share(envelope, followed.plan.roster.parties)
        request = "heads-request" if name.startswith("heads") else "request"
        admit_share(header, followed, SignedRequest.claimed(split(load(request))))
    else:
        header, member = read_update(envelope, followed.plan.roster.members)
        admit_update(header, member, followed)
    check_body(header.body, len(body), hashlib.sha256(body).hexdigest())


TODAY = date(2026, 1, 2)
"""The day on which the vectors of section 10 are read."""


def admit_new_keys(envelope: Envelope, followed: SignedPlan) -> Header:
    """Section 10, as a hospital takes it in; a vote as coordinator-2 counts it."""
    plan, now = followed.plan, StudyNow(followed, "ab" * 32, TODAY)
    if envelope.kind == "candidacy":
        candidacy = read_candidacy(envelope)
        admit_candidate(candidacy.header.keys, plan)
        admit_last_day(candidacy.until, TODAY)
        return candidacy.header
    if envelope.kind == "vote":
        vote = read_vote(envelope, voters(plan))
        admit_vote(vote, now, made_by().identity("coordinator-2").public())
        return vote.header
    succession = read_succession(envelope)
    if succession.by == "members":
        admit_election(succession, now, plan.sender)
    else:
        party = plan.roster.party(succession.old)
        assert party is not None
        admit_recovery(succession, party)
    return succession


@pytest.mark.parametrize("name", INDEX)
def test_each_vector_ends_as_expected(name: str) -> None:
    if name in GOOD:
        admit(name)
        return
    with refused(INDEX[name]["reason"]):
        admit(name)


def test_there_is_a_file_for_each_entry_and_a_good_one_of_each_kind() -> None:
    assert {path.stem for path in FOLDER.glob("*.bin")} == set(INDEX)
    assert {split(load(name)).kind for name in GOOD} == {
        "card",
        "plan",
        "agreement",
        "update",
        "request",
        "share",
        "proof",
        "model",
        "summary",
        "revocation",
        "waiver",
        "refusal",
        "candidacy",
        "vote",
        "succession",
    }


def test_what_this_version_writes_is_what_the_vectors_hold() -> None:
    make = made_by()
    made = {
        name: data for files in make.everything_of_format_2().values() for name, (data, _, _) in files.items()
    }
    assert {name for name, data in made.items() if data != load(name)} == set()


def test_the_good_files_from_the_specification() -> None:
    for name in GOOD:
        if name.endswith("format-1"):
            continue
        data = load(name)
        known = [
            key
            for under in (
                *("plan", "held-plan", "committed-plan", "bounds-plan", "describe-plan", "heads-held-plan"),
                *("hybrid-plan", "repeatable-plan", "repeatable-held-plan"),
            )
            for key in signers(spec.claimed(load(under)))
        ]
        if isinstance(keys := spec.claimed(data).get("keys"), dict):  # of a party that no plan names yet
            known.append(keys["signing"])
        signer = next(key for key in known if spec.fingerprint(key) == split(data).key_id)
        header = spec.read(data, signer, version=2).header
        assert header["format"] == 2
        assert header["features"] == sorted(set(header["features"]))
        if header["kind"] == "card" and name == "card":
            assert (header["formats"], header["can"]) == ([1, 2], ["sizes"])


def signers(plan: spec.Json) -> list[str]:
    parties = [*plan["roster"]["members"], *plan["roster"]["trustees"]]
    return [plan["coordinator"]["signing"], *(party["keys"]["signing"] for party in parties)]


def test_a_file_of_each_format_is_refused_by_an_unaltered_reader_of_the_other() -> None:
    """The type that is signed differs, so the same header under the other version byte never verifies."""
    envelope = json.loads(load("card")[13:])
    assert envelope["payloadType"] == "application/vnd.privxray.card.v2+json"
    old = json.loads((VECTORS / "card.bin").read_bytes()[13:])
    assert old["payloadType"] == "application/vnd.privxray.card+json"
    with refused("envelope.other-format"):
        split((VECTORS / "card.bin").read_bytes().replace(b"PRIVXRAY\x01", b"PRIVXRAY\x02"))
    assert base64.b64decode(envelope["payload"]).startswith(b'{"body":')


def test_new_keys_from_the_specification() -> None:
    """Section 10: a recovery key from its words, its statement, and each consent, by signatures alone."""
    make = made_by()
    plan = spec.claimed(load("named-plan"))
    words = Mnemonic("english").to_mnemonic(make.seeded("hospital-a recovery"))
    party = plan["roster"]["members"][0]
    recovery = spec.verify_recovery_statement(party["recovery"], party["keys"]["signing"])
    assert recovery == spec.recovery_key(words)
    assert spec.claimed(load("card-with-recovery"))["recovery"] == party["recovery"]
    back = spec.claimed(load("succession-by-recovery"))
    assert (back["study"], back["old"]) == (None, spec.fingerprint(party["keys"]["signing"]))
    spec.verify_consent(back["consent"], recovery, back)
    chosen = spec.claimed(load("succession-by-votes"))
    assert chosen["old"] == plan["sender"]
    assert chosen["plan"] == spec.digest_of(load("named-plan"))
    keys = {spec.fingerprint(key): key for key in signers(plan)}
    voting = [vote["party"] for vote in chosen["votes"]]
    assert voting == sorted(set(voting))
    assert set(voting) <= set(plan["successors"]["members"])
    assert len(voting) >= plan["successors"]["threshold"] >= 2
    for vote in chosen["votes"]:
        signer = base64.b64decode(keys[vote["party"]])
        spec.verify_consent(vote["consent"], signer, chosen | {"until": vote["until"]})
    vote = spec.claimed(load("vote"))
    spec.verify_consent(vote["consent"], base64.b64decode(keys[vote["sender"]]), vote)
    assert vote["consent"] in [one["consent"] for one in chosen["votes"]]


def test_heads_from_the_specification() -> None:
    """Section 7: each head from the digests of the files, by hashing alone."""

    def after(head: str, *files: str) -> str:
        for file in files:
            head = hashlib.sha256(b"privxray log v2" + bytes.fromhex(head + file)).hexdigest()
        return head

    first, plan = spec.claimed(load("heads-first")), spec.claimed(load("heads-plan"))
    digests = {
        name: spec.digest_of(load(f"heads-{name}")) for name in ("first", "model", "plan", "held-plan")
    }
    assert (first["head"], first["heads"]) == ("0" * 64, [])
    seen = after("0" * 64, digests["first"])
    assert plan["since"] == {"request": None, "result": digests["model"]}
    assert plan["head"] == after(seen, digests["model"])
    assert {one["head"] for one in plan["heads"]} == {seen}
    assert [one["party"] for one in plan["heads"]] == sorted(map(spec.fingerprint, signers(plan)[1:]))
    assert spec.claimed(load("heads-update"))["head"] == after(plan["head"], digests["plan"])
    assert spec.claimed(load("heads-share"))["head"] == after("0" * 64, digests["held-plan"])


def test_a_proof_from_the_specification() -> None:
    """Section 5 written again, the group included: from the files and hospital-a's keys to the sum."""
    make = made_by()
    own = make.identity("hospital-a").public().fingerprint
    plan = spec.claimed(load("committed-plan"))
    plan_hash = split(load("committed-plan")).digest
    proof = spec.read(load("proof"), plan["coordinator"]["signing"], version=2)
    key = next(one for one in proof.header["keys"] if one["recipient"] == own)
    secret = make.seeded("hospital-a mlkem", 64) + make.seeded("hospital-a x25519")
    content = spec.tensors(spec.open_sealed(proof, key["wrapped"], secret, own))
    assert proof.header["plan"] == plan_hash
    updates = []
    for start, digest in zip(spec.parts(content["envelopes"]), proof.header["updates"], strict=True):
        header = spec.claimed(start)
        assert split(start).digest == digest
        updates.append(header)
    assert [one["sender"] for one in updates] == sorted(spec.fingerprint(key) for key in signers(plan)[1:])
    total = spec.curve_sum([base64.b64decode(one["commitment"]) for one in updates])
    numbers = [int.from_bytes(content["sum"][at : at + 8], "little", signed=True) for at in range(0, 120, 8)]
    blinding = int.from_bytes(content["blinding"], "little")
    assert len(content["sum"]) == 120
    assert spec.committed_to([*numbers, blinding]) == total
    # The stream between two hospitals, from the key that both compute.
    a, b = make.study().hospitals[:2]
    key = make.pairwise_key(a.mask, b.mask.public_key(), plan_hash, a.fingerprint, b.fingerprint)
    others = sorted(one["sender"] for one in updates if one["sender"] != a.fingerprint)
    (masks,) = (base64.b64decode(one["masks"]) for one in updates if one["sender"] == a.fingerprint)
    place = 32 * others.index(b.fingerprint)
    assert spec.committed_to(spec.scalar_stream(key, 16)) == masks[place : place + 32]
    assert spec.read(load("committed-model"), plan["coordinator"]["signing"], version=2).header["proof"] == (
        proof.digest
    )


def test_a_study_of_several_tasks_from_the_specification() -> None:
    """Section 4 written again: the schedule, the vector that a task asks for, and the counts of a summary."""
    for name in ("describe-plan", "scheduled-train-plan", "evaluate-plan"):
        plan = spec.claimed(load(name))
        tasks = [entry["task"] for entry in plan["schedule"]]
        assert tasks == ["describe", "train", "evaluate"]
        (entry,) = (one for one in plan["schedule"] if one["task"] == plan["task"])
        assert (entry["epsilon"], entry["stages"]) == (plan["epsilon"], plan["stages"])
        if plan["task"] == "train":
            continue
        bands, sexes = plan["age_bands"] or [], plan["sexes"] or []
        described = [3, len(bands) + 1, len(sexes) + 1]
        evaluated = [3, 2, len((plan["edges"] or [[]])[0]) + 1]
        assert plan["manifest"] == [
            {
                "bound": plan["constants"]["n_max"] + 10_000.0,
                "fraction_bits": 16,
                "name": "counts" if plan["task"] == "describe" else "scores",
                "shape": described if plan["task"] == "describe" else evaluated,
            }
        ]
    coordinator = spec.claimed(load("describe-plan"))["coordinator"]["signing"]
    summary = spec.read(load("summary"), coordinator, version=2)
    assert (summary.header["task"], summary.header["plan"]) == (
        "describe",
        split(load("describe-plan")).digest,
    )
    raw = spec.tensors(summary.body)["counts"]
    assert list(struct.unpack("<27d", raw)) == list(range(27))


def test_hybrid_masks_from_the_specification() -> None:
    """Section 8 written again: from the files and two hospitals' private keys to the vector in an update."""
    make = made_by()
    files = {name: load(name) for name in ("hybrid-asking", "hybrid-plan", "hybrid-update")}
    asks, trains = (spec.claimed(files[name]) for name in ("hybrid-asking", "hybrid-plan"))
    assert (asks["task"], trains["task"], trains["previous"]) == (
        "agree",
        "train",
        split(files["hybrid-asking"]).digest,
    )
    agreements = {}
    for letter in "abc":
        data = load(f"agreement-{letter}")
        party = next(one for one in asks["roster"]["members"] if one["name"] == f"hospital-{letter}")
        header = spec.read(data, party["keys"]["signing"], version=2).header
        stated = dict(header["encapsulated"])
        signature = base64.b64decode(stated.pop("signature"))
        signed = spec.dsse("application/vnd.privxray.ciphertexts.v2+json", spec.canonical(stated))
        key = spec.Ed25519PublicKey.from_public_bytes(base64.b64decode(party["keys"]["signing"]))
        key.verify(signature, signed)
        agreements[header["sender"]] = header["encapsulated"]
    assert trains["encapsulated"] == [agreements[one] for one in sorted(agreements)]
    for one in asks["roster"]["members"]:
        kem = {name: one["kem"][name] for name in ("key", "number", "study")}
        signed = spec.dsse("application/vnd.privxray.encapsulation-key.v2+json", spec.canonical(kem))
        key = spec.Ed25519PublicKey.from_public_bytes(base64.b64decode(one["keys"]["signing"]))
        key.verify(base64.b64decode(one["kem"]["signature"]), signed)
    update = spec.claimed(files["hybrid-update"])
    own = update["sender"]
    members = {spec.fingerprint(one["keys"]["signing"]): one for one in trains["roster"]["members"]}
    mine = spec.X25519PrivateKey.from_private_bytes(make.seeded(f"{members[own]['name']} mask"))
    plans = [
        {"hash": split(files[name]).digest, "round": plan["round"]}
        for name, plan in (("hybrid-asking", asks), ("hybrid-plan", trains))
    ]
    secret = make.seeded("coordinator mlkem", 64) + make.seeded("coordinator x25519")
    opened = spec.open_body(spec.read(files["hybrid-update"], members[own]["keys"]["signing"], 2), secret,
                            spec.fingerprint(trains["coordinator"]["signing"]))  # fmt: skip
    masked = spec.tensors(opened)["masked"]
    numbers = [int.from_bytes(masked[at : at + 8], "little") for at in range(0, len(masked), 8)]
    for other, member in members.items():
        if other == own:
            continue
        low, high = sorted((own, other))
        (found,) = (one["ciphertext"] for one in agreements[low]["ciphertexts"] if one["to"] == high)
        ciphertext = base64.b64decode(found)
        kem = spec.MLKEM768PrivateKey.from_seed_bytes(
            make.seeded(f"{members[high]['name']} encapsulation", 64)
        )
        public = spec.X25519PublicKey.from_public_bytes(base64.b64decode(member["mask"]["key"]))
        key = spec.hybrid_key(
            mine.exchange(public), kem.decapsulate(ciphertext), ciphertext, [own, other], plans
        )
        sign = -1 if own == low else 1  # the lower one added it
        stream = spec.keystream(key, len(numbers), 64)
        numbers = [(n + sign * s) % 2**64 for n, s in zip(numbers, stream, strict=True)]
    vector = make.quantise(make.study().vector(0), make.study().plan.manifest, 64)
    assert numbers == [int(one) for one in vector]


def test_which_plans_may_repeat_a_round_from_the_specification() -> None:
    """Section 6 written again; what a plan shows alone, and against the plan whose round it repeats."""
    told = {}
    for name, entry in INDEX.items():
        data, failed = load(name), load(entry["under"])
        if entry["under"].startswith("repeatable") and split(data).kind == "plan":
            told[name] = spec.may_repeat(spec.claimed(data), spec.claimed(failed), split(failed).digest)
    assert told == {name: INDEX[name]["expect"] == "ok" for name in told}
    assert sum(told.values()) == 8
    assert len(told) == 22
