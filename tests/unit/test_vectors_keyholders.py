"""The vectors of the mode ``keyholders``: what breaks a rule ends as expected, and what is good opens by
:mod:`spec_reader`, which knows docs/SPEC.md and no code of privxray.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spec_reader as spec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from forged_files import refused

from privxray.exchange.admission.admit import admit_plan, admit_update, read_update
from privxray.exchange.admission.admit_opening import admit_request, admit_share, admit_survivors, read_share
from privxray.exchange.masking.fixed_point import unsigned
from privxray.exchange.masking.summing import add_to_sum
from privxray.exchange.messages.request import SignedRequest
from privxray.exchange.messages.share import open_share
from privxray.exchange.messages.update import open_update
from privxray.exchange.opening import checked_answer
from privxray.exchange.sharing.dealing import open_box
from privxray.formats.container import check_body, split
from privxray.formats.tensors import total_size
from privxray.keys.identity import PublicKeys
from privxray.keys.sealing_keys import SealingKey

VECTORS = Path(__file__).parents[1] / "vectors"
INDEX = json.loads((VECTORS / "index.json").read_text())
TOLD = json.loads((VECTORS / "numbers.json").read_text())["keyholders"]
NAMES = [name for name, entry in INDEX.items() if entry["under"] == "held-plan"]


class Opener:
    """The vectors' coordinator, of whom only the sealing key is told."""

    def __init__(self, keys: PublicKeys, secret: bytes) -> None:
        self._keys, self.open = keys, SealingKey.from_secret(secret).open

    def public(self) -> PublicKeys:
        return self._keys


def load(name: str) -> bytes:
    return (VECTORS / f"{name}.bin").read_bytes()


def admit(name: str) -> None:
    """Everything that the recipient of a file checks: for a request that is trustee-1."""
    data = load(name)
    envelope = split(data)
    body = data[envelope.length :]
    followed = admit_plan(split(load("held-plan")) if envelope.kind != "plan" else envelope, None)
    plan = followed.plan
    if envelope.kind == "plan":
        return
    header: Any
    coordinator = Opener(plan.coordinator, bytes.fromhex(TOLD["secrets"]["coordinator sealing"]))
    if envelope.kind == "update":
        header, member = read_update(envelope, plan.roster.members)
        admit_update(header, member, followed)
        check_body(header.body, len(body), hashlib.sha256(body).hexdigest())
        total = np.zeros(total_size(plan.manifest), unsigned(plan.modulus_bits))
        pieces = open_update(header, [body], coordinator)  # type: ignore[arg-type]
        add_to_sum(total, pieces, plan.modulus_bits)
    elif envelope.kind == "request":
        key = SealingKey.from_secret(bytes.fromhex(TOLD["secrets"]["trustee-1 unsealing"]))
        own = plan.roster.trustees[0].keys.fingerprint
        answered = split(load("request")).digest if name == "request-second" else None
        header, seat = admit_request(envelope, followed, own, answered)
        for owner, dealt in admit_survivors(header, body, followed).items():
            open_box(dealt, followed.dealing(owner), seat, key)
    else:
        asked = SignedRequest.claimed(split(load("request")))
        request = asked.request
        header = read_share(envelope, plan.roster.parties)
        seat = admit_share(header, followed, asked)
        shares = open_share(header, body, request.survivors, plan, coordinator)  # type: ignore[arg-type]
        dealt = admit_survivors(request, load("request")[split(load("request")).length :], followed)
        checked_answer(followed, seat, dealt, shares)
    check_body(header.body, len(body), hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("name", NAMES)
def test_each_vector_ends_as_expected(name: str) -> None:
    if INDEX[name]["expect"] == "ok":
        admit(name)
        return
    with refused(INDEX[name]["reason"]):
        admit(name)


def test_each_kind_is_there_good_and_broken() -> None:
    ends: dict[str, set[str]] = {}
    for name in NAMES:
        ends.setdefault(split(load(name)).kind, set()).add(INDEX[name]["expect"])
    everything = {"ok", "malformed", "identity", "refused"}
    assert ends == {"plan": everything, "request": everything, "share": everything} | {
        "update": {"ok", "malformed", "refused", "key"}
    }


def the_plan() -> tuple[spec.File, dict[str, str]]:
    """The plan, by the key that it names, and everybody's signing key by fingerprint."""
    data = load("held-plan")
    size = int.from_bytes(data[9:13], "big")
    payload = base64.b64decode(json.loads(data[13 : 13 + size])["payload"])
    plan = spec.read(data, json.loads(payload)["coordinator"]["signing"])
    parties = [*plan.header["roster"]["members"], *plan.header["roster"]["trustees"]]
    keys = [party["keys"]["signing"] for party in parties]
    return plan, {hashlib.sha256(base64.b64decode(key)).hexdigest(): key for key in keys}


def test_a_whole_round_is_opened_from_the_specification() -> None:
    """Three updates, a request and three share files give the sum of three vectors, nothing else being known
    than the coordinator's sealing key."""
    plan, signing = the_plan()
    header, secret = plan.header, bytes.fromhex(TOLD["secrets"]["coordinator sealing"])
    hospitals = sorted(fingerprint(member) for member in header["roster"]["members"])
    request = spec.read(load("request"), header["coordinator"]["signing"])
    survivors = request.header["survivors"]
    missing = [hospital for hospital in hospitals if hospital not in survivors]
    assert (len(hospitals), len(survivors), len(missing)) == (4, 3, 1)

    total, dealt = [0] * 15, {}
    for name in ("a", "b", "c"):
        data = load(f"held-update-{name}")
        update = spec.read(data, signing[signer_of(data)])
        dealt[update.sender] = update.header["dealt"]
        plain = spec.open_body(update, secret, plan.sender)
        index = b'{"masked":{"dtype":"U64","shape":[15],"data_offsets":[0,120]}}'
        index += b" " * (-len(index) % 8)
        assert plain.startswith(len(index).to_bytes(8, "little") + index)
        numbers = plain[8 + len(index) :]
        total = [
            (one + int.from_bytes(numbers[8 * at : 8 * at + 8], "little")) % 2**64
            for at, one in enumerate(total)
        ]
        assert update.start in spec.parts(request.body)
    assert sorted(dealt) == survivors

    held: dict[tuple[str, str], dict[int, bytes]] = {}
    seats = [seat["keyholder"] for seat in header["committee"]["seats"]]
    for name in ("1", "2", "3"):
        data = load(f"share-{name}")
        share = spec.read(data, signing[signer_of(data)])
        assert share.header["request"] == request.digest
        seat = seats.index(share.sender) + 1
        plain = spec.open_body(share, secret, plan.sender)
        pairs = [(owner, of) for owner in survivors for of in ("self", *missing)]
        assert len(plain) == 49 * len(pairs)
        for at, (owner, of) in enumerate(pairs):
            one, salt = plain[49 * at : 49 * at + 33], plain[49 * at + 33 : 49 * at + 49]
            names = ["self", *(h for h in hospitals if h != owner)]
            place = 32 * ((seat - 1) * len(names) + names.index(of))
            committed = base64.b64decode(dealt[owner]["commitments"])[place : place + 32]
            assert committed == spec.commitment(owner, plan.digest, seat, of, salt, one)
            held.setdefault((owner, of), {})[seat] = one

    for (owner, of), shares in held.items():
        restored = spec.restore(shares)
        if of == "self":
            key, sign = spec.self_mask_key(restored, plan.digest, owner), -1
        else:
            key, sign = restored, -1 if owner < of else 1  # the lower one added it
        stream = spec.keystream(key, 15, 64)
        total = [(one + sign * masked) % 2**64 for one, masked in zip(total, stream, strict=True)]
    assert [str(one) for one in total] == TOLD["opening"]["sum"]


def fingerprint(party: dict[str, Any]) -> str:
    return hashlib.sha256(base64.b64decode(party["keys"]["signing"])).hexdigest()


def signer_of(data: bytes) -> str:
    size = int.from_bytes(data[9:13], "big")
    return str(json.loads(data[13 : 13 + size])["signatures"][0]["keyid"])


def test_a_box_of_shares_is_opened_from_the_specification() -> None:
    """Seat 1 opens its box of hospital-a: 49 bytes a secret, each as committed, and what it may tell is what
    its share file holds."""
    plan, signing = the_plan()
    data = load("held-update-a")
    update = spec.read(data, signing[signer_of(data)])
    hospitals = sorted(fingerprint(m) for m in plan.header["roster"]["members"])
    first = plan.header["committee"]["seats"][0]
    dealt = update.header["dealt"]
    stated = {"kind": "update", "plan": plan.digest, "purpose": "shares", "study": "pneumonia"}
    stated |= {"sender": update.sender, "recipient": first["keyholder"]}
    sealed = base64.b64decode(dealt["boxes"][0])
    assert len(sealed) == 49 * 4 + 1136
    plain = spec.hpke_open(bytes.fromhex(TOLD["secrets"]["trustee-1 unsealing"]), sealed, stated)
    names = ["self", *(h for h in hospitals if h != update.sender)]
    assert len(plain) == 49 * len(names)
    commitments = base64.b64decode(dealt["commitments"])
    assert len(commitments) == 32 * 4 * len(names)
    for at, name in enumerate(names):
        share, salt = plain[49 * at : 49 * at + 33], plain[49 * at + 33 : 49 * at + 49]
        expected = spec.commitment(update.sender, plan.digest, 1, name, salt, share)
        assert commitments[32 * at : 32 * at + 32] == expected


def test_a_self_mask_from_the_specification() -> None:
    told = TOLD["self_mask"]
    key = spec.self_mask_key(bytes.fromhex(told["seed"]), told["plan"], told["own"])
    assert key.hex() == told["key"]
    for bits in (32, 64):
        assert [str(one) for one in spec.keystream(key, 6, bits)] == told["stream"][str(bits)]


def test_shares_from_the_specification() -> None:
    told = TOLD["shamir"]
    polynomial = [int(told["secret"], 16), *map(int, told["coefficients"])]
    assert len(polynomial) == told["threshold"]
    shares = {x: sum(c * x**power for power, c in enumerate(polynomial)) % spec.PRIME for x in range(1, 6)}
    assert [share.to_bytes(33, "big").hex() for share in shares.values()] == told["shares"]
    for seats in ((1, 2, 3), (2, 3, 5), (1, 4, 5)):
        some = {x: bytes.fromhex(told["shares"][x - 1]) for x in seats}
        assert spec.restore(some).hex() == told["secret"]


def test_a_commitment_and_an_info_from_the_specification() -> None:
    told = TOLD["commitment"]
    salt, share = bytes.fromhex(told["salt"]), bytes.fromhex(told["share"])
    made = spec.commitment(told["owner"], told["plan"], told["seat"], told["secret"], salt, share)
    assert made.hex() == told["commitment"]
    assert spec.info(TOLD["hpke_info"]["stated"]).hex() == TOLD["hpke_info"]["info"]


def test_a_statement_from_the_specification() -> None:
    told = TOLD["statement"]
    stated = dict(told["statement"])
    signature = base64.b64decode(stated.pop("signature"))
    signed = spec.dsse("application/vnd.privxray.unsealing-key+json", spec.canonical(stated))
    assert signed.hex() == told["signed"]
    Ed25519PublicKey.from_public_bytes(base64.b64decode(told["signing"])).verify(signature, signed)


def test_a_committees_numbers_from_the_specification() -> None:
    """Each plan that a number makes unsafe breaks the inequality that its rule names, and no other."""
    for name in NAMES:
        if not name.startswith("plan-") and name != "held-plan":
            continue
        data = load(name)
        size = int.from_bytes(data[9:13], "big")
        header = json.loads(base64.b64decode(json.loads(data[13 : 13 + size])["payload"]))
        committee, n = header["committee"], len(header["roster"]["members"])
        k, t, c = len(committee["seats"]), committee["threshold"], committee["corrupt_keyholders"]
        h, m = committee["corrupt_hospitals"], committee["minimum_cohort"]
        rules = {
            "c >= 1": c >= 1,
            "t <= k - 1": t <= k - 1,
            "2t > k + c": 2 * t > k + c,
            "h >= 1": h >= 1,
            "max(3, h + 2) <= m": max(3, h + 2) <= m,
            "m <= n": m <= n,
            "n - h - floor((k - c)(n - m) / (t - c)) >= 2": n - h - (k - c) * (n - m) // (t - c) >= 2,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        expected = [INDEX[name]["rule"]] if INDEX[name]["rule"] in rules else []
        assert broken[:1] == expected, name
