"""A round in memory: hospitals, keyholders and a coordinator that may do anything, through the product's own
functions.

:class:`World` plays the honest parties: exports, and keyholders that remember what they answered.
:class:`Attacker` is the coordinator with everybody who is in league with it. It keeps all that any of them
sees, opens what their keys open, restores each secret of which it has t shares, and takes off every mask
that it knows. :meth:`Attacker.view` is that knowledge as bytes.

:func:`coupled` is the argument by which a view is shown to hide something: move a difference between two
honest inputs and shift one mask stream by it. For whoever does not hold the key of that stream, AES-256-CTR
under it is as good as a uniformly random stream, and a shifted uniform stream is as likely as the stream:
so views that are equal byte for byte under the move mean that the two worlds can't be told apart. The view
contains the stream of every key that the attacker holds, so the argument fails, as it must, where it holds
that one.

Coins of honest parties are fixed by a label, so that the two worlds differ in nothing else. What honest
parties encrypt to keys that the attacker lacks is in the view by its length alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from exchange_samples import STAMP, Hospital, Study
from scipy.stats import chi2

from privxray.exchange import concealing, opening
from privxray.exchange.admission.admit import admit_update, read_update
from privxray.exchange.admission.admit_opening import admit_request, admit_share, admit_survivors, read_share
from privxray.exchange.admission.cohort import Cohort, Verdict
from privxray.exchange.commitments.group import ORDER
from privxray.exchange.concealing import conceal
from privxray.exchange.masking import masks
from privxray.exchange.masking.fixed_point import unsigned
from privxray.exchange.masking.summing import add_to_sum
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.request import SignedRequest
from privxray.exchange.messages.share import open_share, write_share
from privxray.exchange.messages.update import UpdateHeader, open_update
from privxray.exchange.opening import checked_answer, open_sum, restored_streams
from privxray.exchange.sharing import shamir
from privxray.exchange.sharing.dealing import Opened, open_box
from privxray.formats.container import check_body, split
from privxray.formats.header import Body
from privxray.formats.tensors import total_size
from privxray.keys.mask_statement import state_mask_key
from privxray.keys.unsealing_statement import UnsealingStatement

Vector = np.ndarray
Inputs = Mapping[str, Vector]
"""Quantised vectors by the hospital's name."""


class Coins:
    """The randomness of one honest party's one act: the same for the same label."""

    def __init__(self, *label: object) -> None:
        self._label, self._drawn = repr(label).encode(), 0

    def bytes(self, count: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(self._label + self._drawn.to_bytes(8, "big")).digest(count)

    def below(self, limit: int) -> int:
        return int.from_bytes(self.bytes(48), "big") % limit


def some_inputs(study: Study, seed: int = 0) -> dict[str, Vector]:
    rng = np.random.default_rng(seed)
    size = total_size(study.plan.manifest)
    return {h.name: rng.integers(0, 1000, size).astype(unsigned(64)) for h in study.hospitals}


class World:
    """The honest side of one plan. ``memory`` is which request each keyholder answered, by name."""

    def __init__(self, study: Study, plan: PlanHeader | None = None) -> None:
        self.study = study
        self.signed = study.signed(plan)
        self.plan, self.plan_hash = self.signed.plan, self.signed.digest
        self.memory: dict[str, str] = {}
        self.parties = {one.name: one for one in (*study.hospitals, *study.trustees)}

    def export(self, hospital: Hospital, vector: Vector, attempt: int = 0) -> bytes:
        """An update. Another ``attempt`` is an export that starts over after a crash."""
        coins = Coins("export", self.plan_hash, hospital.name, attempt)
        numbers = vector.copy()

        def split_(secret: bytes, threshold: int, holders: int) -> list[bytes]:
            return _real_split(secret, threshold, holders, draw=coins.below)

        with mock.patch.object(shamir, "split", split_):
            dealt = conceal(numbers, self.signed, hospital.fingerprint, hospital.mask, random=coins.bytes)
        next_mask = X25519PrivateKey.from_private_bytes(coins.bytes(32))
        stated = state_mask_key(next_mask, self.plan.study, hospital.number + 1, hospital.identity.signing)
        return self.study.update(hospital, numbers, plan=self.plan, dealt=dealt, next_mask=stated)

    def self_mask_key(self, hospital: Hospital, attempt: int = 0) -> bytes:
        """The key that :meth:`export` masks with: its seed is the first thing that it draws."""
        seed = Coins("export", self.plan_hash, hospital.name, attempt).bytes(32)
        return masks.self_mask_key(seed, self.plan_hash, hospital.fingerprint)

    def pairwise_key(self, one: Hospital, other: Hospital) -> bytes:
        return masks.pairwise_key(
            one.mask, other.mask.public_key(), self.plan_hash, one.fingerprint, other.fingerprint
        )

    def request(self, updates: Mapping[str, bytes], names: Iterable[str]) -> bytes:
        """A request that the coordinator signs, for the sum of the hospitals with these names."""
        chosen = {self.parties[name].fingerprint: updates[name] for name in names}
        return self.study.request(chosen, plan=self.plan)

    def answer(self, keyholder: Hospital, request: bytes) -> bytes:
        """An honest keyholder's answer, by the rules that ``unmask`` applies and in their order.

        :raises PrivxrayError: it refuses.
        """
        envelope = split(request)
        before = self.memory.get(keyholder.name)
        header, seat = admit_request(envelope, self.signed, keyholder.fingerprint, before)
        body = request[envelope.length :]
        check_body(header.body, len(body), hashlib.sha256(body).hexdigest())
        dealt = admit_survivors(header, body, self.signed)
        opened = {
            owner: open_box(one, self.signed.dealing(owner), seat, keyholder.unsealing)
            for owner, one in dealt.items()
        }
        self.memory[keyholder.name] = envelope.digest
        next_unsealing = UnsealingStatement.sign(
            keyholder.unsealing.public(), self.plan.study, keyholder.number + 1, keyholder.identity.signing
        )
        asked = SignedRequest(header, envelope.digest)
        return write_share(opened, asked, self.signed, keyholder.identity, next_unsealing, STAMP)

    def restore_snapshot(self, keyholder: Hospital) -> None:
        """A workspace from before its answer."""
        self.memory.pop(keyholder.name, None)


_real_split = shamir.split


class Attacker:
    """The coordinator, with hospitals and keyholders that are in league with it."""

    def __init__(
        self, world: World, hospitals: Iterable[Hospital] = (), keyholders: Iterable[Hospital] = ()
    ) -> None:
        self.world, self.plan, self.signed, self.plan_hash = world, world.plan, world.signed, world.plan_hash
        self.hospitals, self.keyholders = list(hospitals), list(keyholders)
        self.updates: dict[str, list[bytes]] = {}
        self.shares: dict[tuple[str, str], dict[int, bytes]] = {}
        self.told: dict[str, bytes] = {}
        self.sums: list[bytes] = []

    def sees(self, name: str, update: bytes) -> None:
        """Record an update, and open the corrupt keyholders' boxes in it."""
        self.updates.setdefault(name, []).append(update)
        if self.plan.committee is None:
            return
        envelope = split(update)
        header = envelope.claim(UpdateHeader)
        assert header.dealt is not None
        context = self.signed.dealing(header.sender)
        for keyholder in self.keyholders:
            seat = self.plan.committee.seat(keyholder.fingerprint)
            assert seat is not None
            attempt = len(self.updates[name]) - 1
            for secret, opened in open_box(header.dealt, context, seat, keyholder.unsealing).items():
                self._learn(header.sender, secret, seat, opened, attempt)

    def hears(self, share: bytes, request: bytes) -> dict[tuple[str, str], Opened]:
        """Open an answer with the coordinator's key, after the product's rules for it."""
        asked = SignedRequest.claimed(split(request))
        envelope = split(share)
        answer = read_share(envelope, self.plan.roster.parties)
        seat = admit_share(answer, self.signed, asked)
        body = share[envelope.length :]
        check_body(answer.body, len(body), hashlib.sha256(body).hexdigest())
        shares = open_share(answer, body, asked.request.survivors, self.plan, self.world.study.coordinator)
        dealt = admit_survivors(asked.request, request[split(request).length :], self.signed)
        for (owner, secret), opened in checked_answer(self.signed, seat, dealt, shares).items():
            self._learn(owner, secret, seat, opened, 0)
        return shares

    def _learn(self, owner: str, secret: str, seat: int, opened: Opened, attempt: int) -> None:
        if attempt == 0:
            self.shares.setdefault((owner, secret), {})[seat] = opened.share
        self.told[f"opened {owner} {secret} {seat} {attempt}"] = opened.to_bytes()

    def keys(self) -> dict[tuple[str, str], bytes]:
        """The mask keys that it holds, by (owner, ``self`` or the other hospital)."""
        found: dict[tuple[str, str], bytes] = {}
        threshold = self.plan.committee.threshold if self.plan.committee else 0
        for (owner, secret), held in self.shares.items():
            if len(held) >= threshold:
                key = shamir.restore(held, threshold)
                if secret == "self":
                    key = masks.self_mask_key(key, self.plan_hash, owner)
                else:
                    found[secret, owner] = key
                found[owner, secret] = key
        for own in self.hospitals:
            for peer in self.plan.roster.members:
                other = peer.keys.fingerprint
                if other != own.fingerprint:
                    key = masks.pairwise_key(
                        own.mask, peer.mask.public_key(), self.plan_hash, own.fingerprint, other
                    )
                    found[own.fingerprint, other] = found[other, own.fingerprint] = key
        return found

    def body(self, name: str, which: int = 0) -> Vector:
        """An update as the coordinator's key opens it."""
        data = self.updates[name][which]
        envelope = split(data)
        header, member = read_update(envelope, self.plan.roster.members)
        admit_update(header, member, self.signed)
        total = np.zeros(total_size(self.plan.manifest), unsigned(self.plan.modulus_bits))
        pieces = open_update(header, [data[envelope.length :]], self.world.study.coordinator)
        add_to_sum(total, pieces, self.plan.modulus_bits)
        return total

    def stripped(self, name: str, which: int = 0) -> Vector:
        """An update less every mask whose key it holds."""
        own = self.world.parties[name].fingerprint
        numbers = self.body(name, which)
        for (owner, secret), key in self.keys().items():
            if owner == own:
                added = secret == "self" or masks.adds(own, secret)
                opening.add_streams(numbers, [(key, added)])
        return numbers

    def sum_of(self, names: Iterable[str], shares: Iterable[tuple[bytes, bytes]] = ()) -> Vector:
        """Open a sum as ``aggregate`` does, with answers to one request: (share file, request) each.

        :raises PrivxrayError: it is refused.
        """
        answers, survivors = {}, []
        for share, request in shares:
            seat = self._seat_of(share)
            survivors = list(SignedRequest.claimed(split(request)).request.survivors)
            answers[seat] = self.hears(share, request)
        left = restored_streams(self.signed, survivors, answers) if answers else []
        total = open_sum(self.plan, ((name, [self._plain(name)]) for name in sorted(names)), left)
        self.sums.append(total.tobytes())
        return total

    def view(self) -> dict[str, bytes]:
        """All that it knows."""
        known = dict(self.told)
        for name, updates in self.updates.items():
            for which, update in enumerate(updates):
                known[f"header {name} {which}"] = self._header(update)
                known[f"body {name} {which}"] = self.body(name, which).tobytes()
                known[f"stripped {name} {which}"] = self.stripped(name, which).tobytes()
        for (owner, secret), key in self.keys().items():
            stream = np.zeros(total_size(self.plan.manifest), unsigned(self.plan.modulus_bits))
            opening.add_streams(stream, [(key, False)])
            known[f"key {owner} {secret}"] = key
            known[f"stream {owner} {secret}"] = stream.tobytes()
        known.update({f"sum {place}": total for place, total in enumerate(self.sums)})
        return known

    def _plain(self, name: str) -> bytes:
        data = self.updates[name][0]
        envelope = split(data)
        header = envelope.claim(UpdateHeader)
        return b"".join(open_update(header, [data[envelope.length :]], self.world.study.coordinator))

    def _seat_of(self, share: bytes) -> int:
        assert self.plan.committee is not None
        seat = self.plan.committee.seat(split(share).key_id)
        assert seat is not None
        return seat

    def _header(self, update: bytes) -> bytes:
        header = json.loads(split(update).payload)
        header["body"]["sha256"] = header["body"]["key"] = None  # of a ciphertext that is opened above
        if header["dealt"]:
            header["dealt"]["boxes"] = [len(box) for box in header["dealt"]["boxes"]]
        return json.dumps(header).encode()


@contextmanager
def stream_shifted(key: bytes, shift: Vector) -> Iterator[None]:
    """Let the keystream under one key be another one: itself plus ``shift``."""
    real = masks.add_streams

    def shifted(vector: Vector, streams: Any) -> None:
        real(vector, streams)
        for one, subtract in streams:
            if one == key:
                (np.subtract if subtract else np.add)(vector, shift, out=vector)

    with (
        mock.patch.object(masks, "add_streams", shifted),
        mock.patch.object(concealing, "add_streams", shifted),
        mock.patch.object(opening, "add_streams", shifted),
    ):
        yield


Play = Callable[[Inputs], dict[str, bytes]]
"""A whole scenario: from the honest inputs to the attacker's view."""


def differing(play: Play, inputs: Inputs, moved: Mapping[str, int], key: bytes, sign: int) -> set[str]:
    """The parts of the view that change when ``moved`` inputs do and the stream makes up for it.

    :param moved: hospital's name -> +1 or -1, the direction in which its input is moved.
    :param sign: what the stream under ``key`` is shifted by, in differences.
    """
    size = len(next(iter(inputs.values())))
    difference = np.random.default_rng(7).integers(0, 1 << 64, size, dtype=np.uint64)
    first = play(inputs)
    other = {
        name: vector + np.uint64(moved.get(name, 0) % 2**64) * difference for name, vector in inputs.items()
    }
    with stream_shifted(key, np.uint64(sign % 2**64) * difference):
        second = play(other)
    assert first.keys() == second.keys()
    return {part for part in first if first[part] != second[part]}


def pair_differs(world: World, play: Play, inputs: Inputs, one: Hospital, other: Hospital) -> set[str]:
    """Couple two honest hospitals: what one gains the other loses, and their pairwise stream hides it."""
    low, high = sorted((one, other), key=lambda hospital: hospital.fingerprint)
    key = world.pairwise_key(one, other)
    return differing(play, inputs, {low.name: 1, high.name: -1}, key, -1)


def self_differs(world: World, play: Play, inputs: Inputs, hospital: Hospital) -> set[str]:
    """Couple one hospital with its self-mask."""
    return differing(play, inputs, {hospital.name: 1}, world.self_mask_key(hospital), -1)


def offered(cohort: Cohort, data: bytes) -> Verdict:
    """Offer a file to a coordinator's round.

    :raises PrivxrayError: it is refused.
    """
    envelope = split(data)
    body = data[envelope.length :]

    def check(stated: Body) -> str:
        check_body(stated, len(body), hashlib.sha256(body).hexdigest())
        return hashlib.sha256(data).hexdigest()

    take = cohort.take_share if envelope.kind == "share" else cohort.take_update
    return take(envelope, check)


def low_words(scalars: Sequence[int]) -> Vector:
    """The numbers of d + 1 scalars as 64-bit words in two's complement, whatever their size, less the last.

    A vector that is opened reads back as it was; masked ones give the low half of something uniform.
    """
    centred = (number if number < ORDER // 2 else number - ORDER for number in scalars[:-1])
    return np.array([number % 2**64 for number in centred], "<u8")


def looks_random(numbers: Vector) -> bool:
    """Chi-square on the bytes, 255 degrees of freedom; a good stream fails with probability 2e-12."""
    counts = np.bincount(np.frombuffer(numbers.tobytes(), np.uint8), minlength=256)
    expected = counts.sum() / 256
    return bool(1e-12 < chi2.cdf(((counts - expected) ** 2 / expected).sum(), 255) < 1 - 1e-12)
