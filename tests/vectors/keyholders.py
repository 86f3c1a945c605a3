"""The vectors of the mode ``keyholders``: a round of four hospitals, four trustees of threshold three, one
hospital missing; and what breaks one rule of it each.

``hospital-d`` delivers nothing. The keys that open the good files are in numbers.json.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
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
from privxray.exchange.messages.share import ShareHeader, write_share  # noqa: E402
from privxray.exchange.messages.update import UpdateHeader  # noqa: E402
from privxray.exchange.sharing import shamir  # noqa: E402
from privxray.exchange.sharing.committee import Seat  # noqa: E402
from privxray.exchange.sharing.dealing import SELF, Opened, open_box  # noqa: E402
from privxray.formats import canonical, stream  # noqa: E402
from privxray.formats.container import seal_header, split  # noqa: E402
from privxray.formats.tensors import masked_prefix  # noqa: E402
from privxray.keys.hpke_info import hpke_info  # noqa: E402
from privxray.keys.identity import Identity  # noqa: E402
from privxray.keys.mask_statement import MaskStatement  # noqa: E402
from privxray.keys.sealing_keys import SealingKey  # noqa: E402
from privxray.keys.unsealing_statement import UnsealingStatement  # noqa: E402

Files = dict[str, tuple[bytes, str, str]]
"""By name: the bytes, the reason of the refusal or ``ok``, and the rule that is tried."""

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
        **plan: Any,
    ) -> None:
        """:param plan: fields of the plan in place of the usual ones."""
        self.seeded, self.identity, self.sealing_key = seeded, identity, sealing_key
        study = Study.__new__(Study)
        study.coordinator = identity("coordinator")
        study.hospitals = [self.party(f"hospital-{letter}") for letter in "abcd"]
        study.trustees = [self.party(f"trustee-{number}") for number in range(1, 5)]
        study.plan = study.make_plan(**plan)
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
        return write_share(
            opened or self.opened(keyholder), asked, self.world.signed, signer, following, STAMP
        )

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
        identity, key_id = self.parties[signer or name].identity, envelope.key_id
        return seal_header(header, identity.signing, key_id) + data[envelope.length :]

    def sealed_anew(self, name: str, plain: bytes, study: str = "pneumonia") -> bytes:
        """An update whose body is another one, sealed and signed as it should be.

        :param study: for which the body key is sealed.
        """
        header = split(self.updates[name]).claim(UpdateHeader)
        key = os.urandom(32)
        body = b"".join(stream.seal(key, [plain]))
        info = hpke_info(
            kind="update", purpose="body key", study=study, plan=header.plan,
            sender=header.sender, recipient=self.world.plan.sender,
        )  # fmt: skip
        wrapped = canonical.to_base64(self.study.coordinator.public().seal(key, info))
        stated = header.body.model_copy(
            update={
                "length": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "key": header.body.key.model_copy(update={"wrapped": wrapped}),
            }
        )
        header = header.model_copy(update={"body": stated})
        return seal_header(header, self.parties[name].identity.signing, header.sender) + body

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
    elsewhere = UnsealingStatement.sign(
        first.unsealing.key, "cardiology", 1, round_.parties["trustee-1"].identity.signing
    )
    three = roster.model_copy(update={"trustees": roster.trustees[:3]})
    return {
        "plan-two-sums": (numbers(threshold=2, minimum_cohort=4), "committee.two-sums", "2t > k + c"),
        "plan-nobody-missing": (numbers(threshold=4), "committee.nobody-may-miss", "t <= k - 1"),
        "plan-no-corrupt-keyholder": (
            numbers(corrupt_keyholders=0),
            "committee.no-corrupt-keyholder",
            "c >= 1",
        ),
        "plan-cohort-above-the-roster": (
            numbers(minimum_cohort=5),
            "committee.cohort-too-large",
            "m <= n",
        ),
        "plan-mixed-requests": (
            round_.plan(
                roster=roster.model_copy(update={"members": (a, b, *others, fifth.member())}),
                committee=committee.model_copy(update={"minimum_cohort": 3}),
            ),
            "committee.one-hospital-left",
            "n - h - floor((k - c)(n - m) / (t - c)) >= 2",
        ),
        "plan-seat-twice": (
            sitting(first, first, *rest),
            "committee.keyholder-twice",
            "keyholders all different",
        ),
        "plan-unsealing-key-twice": (
            sitting(first, second.model_copy(update={"unsealing": same_key}), *rest),
            "committee.unsealing-key-twice",
            "unsealing keys all different",
        ),
        "plan-unsealing-key-of-another": (
            sitting(first, foreign, *rest),
            "statement.not-its-owners",
            "statement",
        ),
        "plan-trustee-without-a-seat": (
            sitting(first, second, rest[0], instead),
            "committee.trustee-without-seat",
            "every trustee has a seat",
        ),
        "plan-keyholder-unknown": (
            round_.plan(roster=three),
            "committee.keyholder-not-in-roster",
            "keyholders of the roster",
        ),
        "plan-mask-key-of-small-order": (masked(stated(bytes(32))), "mask-key.weak", "refused keys"),
        "plan-mask-key-not-canonical": (
            masked(stated((2**255 - 19 + 9).to_bytes(32, "little"))),
            "mask-key.weak",
            "refused keys",
        ),
        "plan-mask-key-twice": (
            masked(stated(base64.b64decode(a.mask.key))),
            "roster.mask-key-twice",
            "mask keys all different",
        ),
        "plan-mask-key-of-another": (masked(fifth.member().mask), "statement.not-its-owners", "statement"),
        "plan-no-corrupt-hospital": (
            numbers(corrupt_hospitals=0),
            "committee.no-corrupt-hospital",
            "h >= 1",
        ),
        "plan-cohort-of-two": (
            numbers(minimum_cohort=2),
            "committee.cohort-too-small",
            "max(3, h + 2) <= m",
        ),
        "plan-strict-with-keyholders": (
            round_.plan(mode="strict"),
            "plan.keyholders-in-strict",
            "no committee where the mode is strict",
        ),
        "plan-unsealing-key-of-another-study": (
            sitting(first.model_copy(update={"unsealing": elsewhere}), second, *rest),
            "committee.unsealing-key-of-other-study",
            "statements for this study",
        ),
    }


def _updates(round_: Round) -> Files:
    dealt = split(round_.updates["hospital-a"]).claim(UpdateHeader).dealt
    assert dealt is not None
    short = canonical.to_base64(base64.b64decode(dealt.boxes[0])[:-1])
    commitments = canonical.to_base64(base64.b64decode(dealt.commitments)[:-32])

    good = round_.updates["hospital-a"]
    start = split(good).length
    body = bytearray(good[start:])
    body[0] ^= 1
    stated = split(good).claim(UpdateHeader).body
    altered = stated.model_copy(update={"sha256": hashlib.sha256(body).hexdigest()})
    garbled = round_.update("hospital-a", body=altered)[: -len(body)] + bytes(body)
    unreadable = stated.model_copy(update={"key": stated.key.model_copy(update={"wrapped": "="})})
    prefix = masked_prefix(15, 64)

    def dealing(**changes: Any) -> bytes:
        return round_.update("hospital-a", dealt=dealt.model_copy(update=changes))

    return {
        "held-update-without-shares": (
            round_.update("hospital-a", dealt=None),
            "update.shares-missing",
            "dealt",
        ),
        "held-update-box-too-short": (dealing(boxes=(short, *dealt.boxes[1:])), "update.boxes", "boxes"),
        "held-update-box-missing": (dealing(boxes=dealt.boxes[:-1]), "update.boxes", "boxes"),
        "held-update-box-not-base64": (
            dealing(boxes=("=", *dealt.boxes[1:])),
            "update.box-base64",
            "base64",
        ),
        "held-update-commitments-not-base64": (
            dealing(commitments="A="),
            "update.commitments-base64",
            "base64",
        ),
        "held-update-body-not-authentic": (garbled, "body.not-authentic", "chunks"),
        "held-update-of-another-form": (
            round_.sealed_anew("hospital-a", b" " * 8 + prefix[8:] + bytes(120)),
            "vector.other-form",
            "the index that the plan gives",
        ),
        "held-update-sealed-for-another-study": (
            round_.sealed_anew("hospital-a", prefix + bytes(120), "cardiology"),
            "seal.other-key",
            "info",
        ),
        "held-update-key-not-base64": (
            round_.update("hospital-a", body=unreadable),
            "body-key.base64",
            "base64",
        ),
        "held-update-commitments-too-short": (
            dealing(commitments=commitments),
            "update.commitments",
            "commitments",
        ),
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
        "request-two-survivors": (round_.asked(two), "request.too-few-survivors", "at least m survivors"),
        "request-survivor-twice": (
            round_.asked(survivors=twice),
            "request.survivors-not-ascending",
            "survivors each once",
        ),
        "request-survivors-descending": (
            round_.asked(survivors=header.survivors[::-1]),
            "request.survivors-not-ascending",
            "survivors ascending",
        ),
        "request-survivor-unknown": (
            round_.asked(survivors=stranger),
            "request.survivor-unknown",
            "survivors of the plan",
        ),
        "request-another-plan": (round_.asked(plan="ab" * 32), "file.other-plan", "plan"),
        "request-another-round": (round_.asked(round=2), "file.round-contradicts", "round"),
        "request-another-study": (round_.asked(study="cardiology"), "file.other-study", "study"),
        "request-not-to-this-keyholder": (
            round_.asked(recipients=header.recipients[1:]),
            "request.other-recipients",
            "recipients",
        ),
        "request-by-a-hospital": (
            round_.asked(signer=round_.parties["hospital-a"].identity),
            "request.other-coordinator",
            "the coordinator signs",
        ),
        "request-says-encrypted": (
            round_.asked(body=header.body.model_copy(update={"cipher": "chacha20poly1305-stream"})),
            "request.encrypted",
            "a request is not encrypted",
        ),
        "request-envelopes-swapped": (
            round_.asked(content=swapped),
            "request.other-updates",
            "envelopes in order",
        ),
        "request-more-than-envelopes": (
            round_.asked(content=body + b"\0"),
            "request.more-than-updates",
            "envelopes and no more",
        ),
        "request-box-transplanted": (
            with_b(dealt=dealt_a),
            "update.box-not-for-this-keyholder",
            "boxes are bound to their owner",
        ),
        "request-commitment-changed": (
            with_b(dealt=dealt_b.model_copy(update={"commitments": canonical.to_base64(bytes(changed))})),
            "share.not-as-committed",
            "commitments",
        ),
        "request-update-of-another-plan": (with_b(plan="ab" * 32), "file.other-plan", "each update's plan"),
        "request-update-not-signed-by-its-hospital": (
            with_b(signer="hospital-a"),
            "signature.wrong",
            "each signature",
        ),
        "request-sender-is-not-signer": (
            round_.asked(sender="ab" * 32),
            "request.other-sender",
            "sender",
        ),
        "request-update-without-shares": (
            with_b(dealt=None),
            "update.shares-missing",
            "each update's shares",
        ),
        "request-update-sender-is-not-signer": (
            with_b(sender=header.survivors[0])
            if header.survivors[0] != split(b).key_id
            else with_b(sender=header.survivors[1]),
            "update.other-sender",
            "each sender",
        ),
        "request-second": (
            round_.asked(created="2026-01-02T03:04:06Z"),
            "request.second",
            "one request a plan, after request",
        ),
    }


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
    data = round_.shares["trustee-1"]
    share = split(data).claim(ShareHeader)

    def resigned(signer: Identity, **changes: Any) -> bytes:
        header = share.model_copy(update=changes)
        start = seal_header(header, signer.signing, signer.public().fingerprint)
        return start + data[split(data).length :]

    return {
        "share-another-request": (
            round_.answer("trustee-1", digest="ab" * 32),
            "share.other-request",
            "request",
        ),
        "share-by-a-hospital": (
            round_.answer("trustee-1", signer=hospital),
            "share.no-keyholder",
            "keyholders answer",
        ),
        "share-next-key-not-later": (
            round_.answer("trustee-1", next_unsealing=earlier),
            "share.next-key-not-fresh",
            "fresh unsealing key",
        ),
        "share-next-key-of-another": (
            round_.answer("trustee-1", next_unsealing=foreign),
            "statement.not-its-owners",
            "statement",
        ),
        "share-of-a-stranger": (
            resigned(round_.identity("stranger"), sender=round_.identity("stranger").public().fingerprint),
            "share.unknown-signer",
            "parties of the study",
        ),
        "share-sender-is-not-signer": (resigned(by, sender="ab" * 32), "share.other-sender", "sender"),
        "share-of-another-study": (resigned(by, study="cardiology"), "file.other-study", "study"),
        "share-of-another-plan": (resigned(by, plan="ab" * 32), "file.other-plan", "plan"),
        "share-of-another-round": (resigned(by, round=2), "file.round-contradicts", "round"),
        "share-to-another": (resigned(by, recipients=("ab" * 32,)), "share.other-recipient", "recipients"),
        "share-not-encrypted": (
            resigned(by, body=share.body.model_copy(update={"cipher": "none"})),
            "share.not-encrypted",
            "cipher",
        ),
        "share-too-few": (
            round_.answer("trustee-1", request=fewer, signer=by),
            "share.other-size",
            "number of shares",
        ),
        "share-altered": (
            round_.answer("trustee-1", opened | {first: opened[first] | {SELF: altered}}),
            "share.not-as-committed",
            "commitments",
        ),
    }


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
