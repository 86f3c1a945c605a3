"""The vectors of the mode ``keyholders``: a round of four hospitals, four trustees of threshold three, one
hospital missing; and what breaks one rule of it each.

``hospital-d`` delivers nothing. The keys that open the good files are in numbers.json.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

HERE = Path(__file__).parent
sys.path += [str(HERE.parent / "unit"), str(HERE.parent / "attacks")]

from exchange_samples import STAMP, Hospital, Study  # noqa: E402
from simulator import World  # noqa: E402

from privxray.exchange.admission.admit_opening import admit_survivors  # noqa: E402
from privxray.exchange.masking.masks import add_streams, self_mask_key  # noqa: E402
from privxray.exchange.messages.plan import PlanHeader  # noqa: E402
from privxray.exchange.messages.request import RequestHeader, SignedRequest  # noqa: E402
from privxray.exchange.messages.share import write_share  # noqa: E402
from privxray.exchange.messages.update import UpdateHeader  # noqa: E402
from privxray.exchange.sharing import shamir  # noqa: E402
from privxray.exchange.sharing.committee import Seat  # noqa: E402
from privxray.exchange.sharing.dealing import SELF, Opened, open_box  # noqa: E402
from privxray.formats import canonical  # noqa: E402
from privxray.formats.container import seal_header, split  # noqa: E402
from privxray.keys.identity import Identity  # noqa: E402
from privxray.keys.mask_statement import MaskStatement  # noqa: E402
from privxray.keys.sealing_keys import SealingKey  # noqa: E402
from privxray.keys.unsealing_statement import UnsealingStatement  # noqa: E402

Files = dict[str, tuple[bytes, str, str]]
Kept = Callable[[str, Callable[[], bytes]], bytes]
"""The stored bytes of a vector, or fresh ones: sealing is randomised, and good files shall stay."""

CAME = ("hospital-a", "hospital-b", "hospital-c")


class Round:
    """The study, its good files, and how its parties sign."""

    def __init__(
        self,
        seeded: Callable[..., bytes],
        identity: Callable[[str], Identity],
        sealing_key: Callable[[str], SealingKey],
        kept: Kept,
    ) -> None:
        self.seeded, self.identity, self.sealing_key = seeded, identity, sealing_key
        study = Study.__new__(Study)
        study.coordinator = identity("coordinator")
        study.hospitals = [self.party(f"hospital-{letter}") for letter in "abcd"]
        study.trustees = [self.party(f"trustee-{number}") for number in range(1, 5)]
        study.plan = study.make_plan()
        study.plan.verify()
        self.study, self.world = study, World(study)
        self.parties = {one.name: one for one in (*study.hospitals, *study.trustees)}
        self.vectors = {
            name: np.arange(15, dtype=np.uint64) * np.uint64(1000) + np.uint64(place)
            for place, name in enumerate(CAME)
        }
        self.updates = {
            name: kept(
                f"held-update-{name[-1]}", lambda n=name: self.world.export(self.parties[n], self.vectors[n])
            )
            for name in CAME
        }
        self.request = self.world.request(self.updates, CAME)
        self.shares = {
            name: kept(f"share-{name[-1]}", lambda n=name: self.answer(n))
            for name in ("trustee-1", "trustee-2", "trustee-3")
        }

    def party(self, name: str) -> Hospital:
        mask = X25519PrivateKey.from_private_bytes(self.seeded(f"held {name} mask"))
        return Hospital(name, self.identity(f"held {name}"), mask, self.sealing_key(f"held {name} unsealing"))

    def opened(self, keyholder: str) -> dict[str, dict[str, Opened]]:
        """What is in this keyholder's boxes."""
        envelope = split(self.request)
        header, body = envelope.claim(RequestHeader), self.request[envelope.length :]
        dealt = admit_survivors(header, body, self.world.signed)
        holder = self.parties[keyholder]
        seat = self.committee.seat(holder.fingerprint)
        assert seat is not None
        return {
            owner: open_box(one, self.world.signed.dealing(owner), seat, holder.unsealing)
            for owner, one in dealt.items()
        }

    def answer(
        self, keyholder: str, opened: dict[str, dict[str, Opened]] | None = None, **changes: Any
    ) -> bytes:
        holder, envelope = self.parties[keyholder], split(self.request)
        asked = SignedRequest(
            changes.pop("request", envelope.claim(RequestHeader)), changes.pop("digest", envelope.digest)
        )
        following = changes.pop("next_unsealing", self.next_unsealing(keyholder))
        signer = changes.pop("signer", holder.identity)
        assert not changes
        return write_share(opened or self.opened(keyholder), asked, self.world.plan, signer, following, STAMP)

    def next_unsealing(self, keyholder: str, number: int = 2) -> UnsealingStatement:
        key = self.sealing_key(f"held {keyholder} next unsealing").public()
        return UnsealingStatement.sign(key, "pneumonia", number, self.parties[keyholder].identity.signing)

    @property
    def committee(self) -> Any:
        return self.world.plan.committee

    def update(self, name: str, signer: str | None = None, **changes: Any) -> bytes:
        """A good update's body under another header."""
        data = self.updates[name]
        envelope = split(data)
        header = envelope.claim(UpdateHeader).model_copy(update=changes)
        identity = self.parties[signer or name].identity
        return seal_header(header, identity.signing, header.sender) + data[envelope.length :]

    def asked(
        self, updates: dict[str, bytes] | None = None, *, content: bytes | None = None, **changes: Any
    ) -> bytes:
        """A request for the sum of ``updates``, with another body or other fields in its header."""
        data = self.world.request(updates or self.updates, updates or self.updates)
        envelope = split(data)
        header = envelope.claim(RequestHeader)
        if content is None:
            content = data[envelope.length :]
        else:
            stated = {"length": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            changes["body"] = header.body.model_copy(update=stated)
        signer = changes.pop("signer", self.study.coordinator)
        header = header.model_copy(update=changes)
        return seal_header(header, signer.signing, signer.public().fingerprint) + content

    def plan(self, **changes: Any) -> bytes:
        coordinator = self.study.coordinator
        plan: PlanHeader = self.study.make_plan(**changes)
        return seal_header(plan, coordinator.signing, plan.sender)


def files(round_: Round) -> Files:
    good = {
        "held-plan": (round_.plan(), "ok", "a plan with keyholders"),
        "request": (round_.request, "ok", "a request"),
        **{
            f"held-update-{n[-1]}": (data, "ok", "an update with shares")
            for n, data in round_.updates.items()
        },
        **{f"share-{n[-1]}": (data, "ok", "a share file") for n, data in round_.shares.items()},
    }
    return good | _plans(round_) | _updates(round_) | _requests(round_) | _shares(round_)


def _plans(round_: Round) -> Files:
    committee, roster = round_.committee, round_.world.plan.roster
    a, b, *others = roster.members
    first, second, *rest = committee.seats

    def sitting(*seats: Any) -> bytes:
        return round_.plan(committee=committee.model_copy(update={"seats": seats}))

    def masked(mask: MaskStatement) -> bytes:
        members = (a, b.model_copy(update={"mask": mask}), *others)
        return round_.plan(roster=roster.model_copy(update={"members": members}))

    def stated(key: bytes) -> MaskStatement:
        return MaskStatement.sign(
            canonical.to_base64(key), None, 1, round_.parties["hospital-b"].identity.signing
        )

    def numbers(**changes: int) -> bytes:
        return round_.plan(committee=committee.model_copy(update=changes))

    fifth = round_.party("hospital-e")
    same_key = UnsealingStatement.sign(
        first.unsealing.key, None, 1, round_.parties["trustee-2"].identity.signing
    )
    instead = Seat(keyholder=a.keys.fingerprint, unsealing=round_.parties["hospital-a"].unsealing_statement())
    foreign = second.model_copy(update={"unsealing": round_.parties["hospital-a"].unsealing_statement()})
    three = roster.model_copy(update={"trustees": roster.trustees[:3]})
    return {
        "plan-two-sums": (numbers(threshold=2, minimum_cohort=4), "refused", "2t > k + c"),
        "plan-nobody-missing": (numbers(threshold=4), "refused", "t <= k - 1"),
        "plan-no-corrupt-keyholder": (numbers(corrupt_keyholders=0), "refused", "c >= 1"),
        "plan-cohort-above-the-roster": (numbers(minimum_cohort=5), "refused", "max(3, h + 2) <= m <= n"),
        "plan-mixed-requests": (
            round_.plan(
                roster=roster.model_copy(update={"members": (a, b, *others, fifth.member())}),
                committee=committee.model_copy(update={"minimum_cohort": 3}),
            ),
            "refused",
            "n - h - floor((k - c)(n - m) / (t - c)) >= 2",
        ),
        "plan-seat-twice": (sitting(first, first, *rest), "refused", "keyholders all different"),
        "plan-unsealing-key-twice": (
            sitting(first, second.model_copy(update={"unsealing": same_key}), *rest),
            "refused",
            "unsealing keys all different",
        ),
        "plan-unsealing-key-of-another": (sitting(first, foreign, *rest), "identity", "statement"),
        "plan-trustee-without-a-seat": (
            sitting(first, second, rest[0], instead),
            "refused",
            "every trustee has a seat",
        ),
        "plan-keyholder-unknown": (round_.plan(roster=three), "refused", "keyholders of the roster"),
        "plan-mask-key-of-small-order": (masked(stated(bytes(32))), "malformed", "refused keys"),
        "plan-mask-key-not-canonical": (
            masked(stated((2**255 - 19 + 9).to_bytes(32, "little"))),
            "malformed",
            "refused keys",
        ),
        "plan-mask-key-twice": (
            masked(stated(base64.b64decode(a.mask.key))),
            "refused",
            "mask keys all different",
        ),
        "plan-mask-key-of-another": (masked(fifth.member().mask), "identity", "statement"),
    }


def _updates(round_: Round) -> Files:
    dealt = split(round_.updates["hospital-a"]).claim(UpdateHeader).dealt
    assert dealt is not None
    short = canonical.to_base64(base64.b64decode(dealt.boxes[0])[:-1])
    commitments = canonical.to_base64(base64.b64decode(dealt.commitments)[:-32])

    def dealing(**changes: Any) -> bytes:
        return round_.update("hospital-a", dealt=dealt.model_copy(update=changes))

    return {
        "held-update-without-shares": (round_.update("hospital-a", dealt=None), "refused", "dealt"),
        "held-update-box-too-short": (dealing(boxes=(short, *dealt.boxes[1:])), "malformed", "boxes"),
        "held-update-box-missing": (dealing(boxes=dealt.boxes[:-1]), "malformed", "boxes"),
        "held-update-commitments-too-short": (dealing(commitments=commitments), "malformed", "commitments"),
    }


def _requests(round_: Round) -> Files:
    good = split(round_.request)
    header, body = good.claim(RequestHeader), round_.request[good.length :]
    parts = {name: data[: split(data).length] for name, data in round_.updates.items()}
    in_order = sorted(CAME, key=lambda name: round_.parties[name].fingerprint)
    a, b, _ = (round_.updates[name] for name in CAME)
    dealt_a, dealt_b = (split(data).claim(UpdateHeader).dealt for data in (a, b))
    assert dealt_a is not None
    assert dealt_b is not None
    changed = bytearray(base64.b64decode(dealt_b.commitments))
    changed[0] ^= 1
    twice = (header.survivors[0], *header.survivors[:2])
    stranger = tuple(sorted((*header.survivors[:2], "ab" * 32)))

    def with_b(**changes: Any) -> bytes:
        return round_.asked(round_.updates | {"hospital-b": round_.update("hospital-b", **changes)})

    swapped = b"".join(parts[name] for name in (in_order[1], in_order[0], in_order[2]))
    two = {name: round_.updates[name] for name in CAME[:2]}
    return {
        "request-two-survivors": (round_.asked(two), "refused", "at least m survivors"),
        "request-survivor-twice": (round_.asked(survivors=twice), "refused", "survivors each once"),
        "request-survivors-descending": (
            round_.asked(survivors=header.survivors[::-1]), "refused", "survivors ascending",
        ),
        "request-survivor-unknown": (round_.asked(survivors=stranger), "refused", "survivors of the plan"),
        "request-another-plan": (round_.asked(plan="ab" * 32), "refused", "plan"),
        "request-another-round": (round_.asked(round=2), "refused", "round"),
        "request-another-study": (round_.asked(study="cardiology"), "refused", "study"),
        "request-not-to-this-keyholder": (
            round_.asked(recipients=header.recipients[1:]), "refused", "recipients",
        ),
        "request-by-a-hospital": (
            round_.asked(signer=round_.parties["hospital-a"].identity), "identity", "the coordinator signs",
        ),
        "request-says-encrypted": (
            round_.asked(body=header.body.model_copy(update={"cipher": "chacha20poly1305-stream"})),
            "malformed", "a request is not encrypted",
        ),
        "request-envelopes-swapped": (round_.asked(content=swapped), "malformed", "envelopes in order"),
        "request-more-than-envelopes": (
            round_.asked(content=body + b"\0"), "malformed", "envelopes and no more",
        ),
        "request-box-transplanted": (with_b(dealt=dealt_a), "identity", "boxes are bound to their owner"),
        "request-commitment-changed": (
            with_b(dealt=dealt_b.model_copy(update={"commitments": canonical.to_base64(bytes(changed))})),
            "identity", "commitments",
        ),
        "request-update-of-another-plan": (with_b(plan="ab" * 32), "refused", "each update's plan"),
        "request-update-not-signed-by-its-hospital": (
            with_b(signer="hospital-a"), "identity", "each signature",
        ),
        "request-second": (
            round_.asked(created="2026-01-02T03:04:06Z"), "refused", "one request a plan, after request",
        ),
    }  # fmt: skip


def _shares(round_: Round) -> Files:
    request = split(round_.request).claim(RequestHeader)
    opened = round_.opened("trustee-1")
    first = min(opened)
    one = opened[first][SELF]
    altered = Opened((int.from_bytes(one.share, "big") ^ 1).to_bytes(33, "big"), one.salt)
    fewer = request.model_copy(update={"survivors": request.survivors[:1]})
    by = round_.parties["trustee-1"].identity
    hospital = round_.parties["hospital-a"].identity
    earlier, foreign = round_.next_unsealing("trustee-1", number=1), round_.next_unsealing("trustee-2")
    return {
        "share-another-request": (round_.answer("trustee-1", digest="ab" * 32), "refused", "request"),
        "share-by-a-hospital": (
            round_.answer("trustee-1", signer=hospital), "identity", "keyholders answer",
        ),
        "share-next-key-not-later": (
            round_.answer("trustee-1", next_unsealing=earlier), "refused", "fresh unsealing key",
        ),
        "share-next-key-of-another": (
            round_.answer("trustee-1", next_unsealing=foreign), "identity", "statement",
        ),
        "share-too-few": (
            round_.answer("trustee-1", request=fewer, signer=by), "malformed", "number of shares",
        ),
        "share-altered": (
            round_.answer("trustee-1", opened | {first: opened[first] | {SELF: altered}}),
            "identity", "commitments",
        ),
    }  # fmt: skip


def numbers(round_: Round, seeded: Callable[..., bytes]) -> dict[str, Any]:
    plan_hash, own = round_.world.plan_hash, round_.parties["hospital-a"].fingerprint
    seed = seeded("a self-mask's seed")
    key = self_mask_key(seed, plan_hash, own)
    streams = {}
    for bits in (32, 64):
        vector = np.zeros(6, np.dtype(f"<u{bits // 8}"))
        add_streams(vector, [(key, False)])
        streams[str(bits)] = [str(number) for number in vector]
    coefficients = [
        int.from_bytes(seeded(f"coefficient {place}", 40), "big") % shamir.PRIME for place in (1, 2)
    ]
    draws = iter(coefficients)
    shares = shamir.split(b"\xff" * 32, 3, 5, draw=lambda _: next(draws))
    context = round_.world.signed.dealing(own)
    salt = seeded("a salt", 16)
    total = sum(round_.vectors.values())
    statement = round_.committee.seats[0].unsealing
    return {
        "self_mask": {"seed": seed.hex(), "plan": plan_hash, "own": own, "key": key.hex(), "stream": streams},
        "shamir": {
            "secret": "ff" * 32,
            "threshold": 3,
            "coefficients": [str(number) for number in coefficients],
            "shares": [share.hex() for share in shares],
        },
        "commitment": {
            "owner": own,
            "plan": plan_hash,
            "seat": 2,
            "secret": "self",
            "salt": salt.hex(),
            "share": shares[1].hex(),
            "commitment": context.commitment(2, SELF, Opened(shares[1], salt)).hex(),
        },
        "hpke_info": {
            "stated": {
                "kind": "update",
                "plan": plan_hash,
                "purpose": "shares",
                "recipient": round_.committee.seats[0].keyholder,
                "sender": own,
                "study": "pneumonia",
            },
            "info": context.box_info(1).hex(),
        },
        "statement": {
            "signing": round_.parties["trustee-1"].identity.public().signing,
            "statement": json.loads(statement.model_dump_json()),
            "signed": statement.signed_bytes().hex(),
        },
        "secrets": {
            "coordinator sealing": round_.study.coordinator.sealing.secret().hex(),
            **{f"{name} unsealing": round_.parties[name].unsealing.secret().hex() for name in round_.shares},
        },
        "opening": {"sum": [str(number) for number in total]},
    }
