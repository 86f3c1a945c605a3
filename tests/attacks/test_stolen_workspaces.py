"""Workspaces that are stolen after a round, with their passphrases, and files that were recorded during it.

The thief has the coordinator's workspace and those of all parties but two hospitals. It opens everything that
any key in them opens and takes every mask off that it can compute. Two controls show that it would find
what is there: with a copy of a workspace from before its export it gets that hospital's vector, to the bit.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from played_keyholders import HOSPITALS as FIVE
from played_keyholders import TRUSTEES, plain_vectors
from played_study import HOSPITALS, Snapshots, World, identity_in
from simulator import looks_random, low_words

from privxray.exchange.commitments.scalars import add_into, read_scalars, stream
from privxray.exchange.intake import read_again
from privxray.exchange.masking.masks import adds, pairwise_key, self_mask_key
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.request import RequestHeader
from privxray.exchange.messages.share import ShareHeader, open_share
from privxray.exchange.messages.update import UpdateHeader, open_update
from privxray.exchange.sharing import shamir
from privxray.exchange.sharing.dealing import SELF, open_box
from privxray.formats.tensors import total_size
from privxray.keys.sealing_keys import SealingKey
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

Vectors = Mapping[str, np.ndarray]


class Thief:
    """Whoever has some workspaces, their passphrase, and what was carried in the first round."""

    def __init__(self, coordinator: Path, workspaces: Iterable[Path]) -> None:
        folder = Workspace.find(coordinator)
        received = read_again(folder.root / "plan-0001.plan")
        self.signed = SignedPlan.claimed(received.envelope)
        self.plan, self.plan_hash = self.signed.plan, self.signed.digest
        self.names = {m.keys.fingerprint: m.name for m in self.plan.roster.members}
        self.coordinator = identity_in(coordinator)
        self.recorded = {
            self.names[update.envelope.key_id]: update
            for update in map(read_again, sorted((folder.root / "updates").glob("*-0001.enc")))
        }
        self.masks: dict[str, bytes] = {}
        self.unsealing: dict[str, bytes] = {}
        for stolen in (coordinator, *workspaces):
            identity = identity_in(stolen)
            with State(Workspace.find(stolen).state_path) as state:
                for ring, found in ((state.mask_keys, self.masks), (state.unsealing_keys, self.unsealing)):
                    for key in ring.all():
                        if key.sealed is not None:
                            found[key.public] = ring.open(key.public, identity)
        self.keys = self._pairwise() | (self._restored(folder.root) if self.plan.committee else {})

    def stripped(self, name: str) -> np.ndarray:
        """A recorded update less every mask whose key the thief has."""
        update = self.recorded[name]
        header = update.envelope.claim(UpdateHeader)
        scalars = read_scalars(
            open_update(header, update.pieces(), self.coordinator), total_size(self.plan.manifest) + 1
        )
        own = header.sender
        for (owner, secret), key in self.keys.items():
            if owner == own:
                key = self_mask_key(key, self.plan_hash, own) if secret == SELF else key
                was_added = secret == SELF or adds(own, secret)
                add_into(scalars, stream(key, len(scalars)), negative=was_added)
        return low_words(scalars)

    def _pairwise(self) -> dict[tuple[str, str], bytes]:
        """The keys that a mask key of this plan gives, in both directions."""
        found = {}
        for own in self.plan.roster.members:
            if (private := self.masks.get(own.mask.key)) is None:
                continue
            for peer in self.plan.roster.members:
                one, other = own.keys.fingerprint, peer.keys.fingerprint
                if one != other:
                    key = X25519PrivateKey.from_private_bytes(private)
                    secret = pairwise_key(key, peer.mask.public_key(), self.plan_hash, one, other)
                    found[one, other] = found[other, one] = secret
        return found

    def _restored(self, root: Path) -> dict[tuple[str, str], bytes]:
        """The secrets of which share files and unsealing keys together give enough shares."""
        committee = self.plan.committee
        assert committee is not None
        held: dict[tuple[str, str], dict[int, bytes]] = {}
        survivors = read_again(root / "round-0001.request").envelope.claim(RequestHeader).survivors
        for file in sorted((root / "shares").glob("*.share")):
            share = read_again(file)
            header = share.envelope.claim(ShareHeader)
            seat = committee.seat(header.sender)
            assert seat is not None
            opened = open_share(header, share.body(), survivors, self.plan, self.coordinator)
            for pair, one in opened.items():
                held.setdefault(pair, {})[seat] = one.share
        for seat, sitting in enumerate(committee.seats, start=1):
            if (secret := self.unsealing.get(sitting.unsealing.key)) is None:
                continue
            for update in self.recorded.values():
                header = update.envelope.claim(UpdateHeader)
                assert header.dealt is not None
                context = self.signed.dealing(header.sender)
                for name, one in open_box(
                    header.dealt, context, seat, SealingKey.from_secret(secret)
                ).items():
                    held.setdefault((header.sender, name), {})[seat] = one.share
        found = {}
        for (owner, secret), shares in held.items():
            if len(shares) >= committee.threshold:
                found[owner, secret] = shamir.restore(shares, committee.threshold)
                if secret != SELF:
                    found[secret, owner] = found[owner, secret]
        return found


def nothing_opens(thief: Thief, plain: Vectors) -> None:
    for name in thief.recorded:
        assert looks_random(thief.stripped(name)), name
        assert not looks_random(plain[name]), "a plain vector must not pass for random, or the test is blind"


def nowhere(folders: Iterable[Path], secrets: Iterable[bytes]) -> None:
    """None of the round's secrets lies in clear in any file, whatever its name."""
    files = {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
    assert len(files) > 10
    for secret in secrets:
        assert not [path for path, data in files.items() if secret in data]


@pytest.fixture
def before(snapshots: Snapshots, tmp_path: Path) -> World:
    """A strict study right before its exports; kept, as a backup would be."""
    return World(Path(shutil.copytree(snapshots("trained"), tmp_path / "before")))


@pytest.mark.parametrize("stolen", HOSPITALS)
def test_a_hospital_stolen_after_a_strict_round_opens_no_recorded_update(
    before: World, snapshots: Snapshots, tmp_path: Path, stolen: str
) -> None:
    plain = plain_vectors(before, HOSPITALS)
    world = World(Path(shutil.copytree(before.root, tmp_path / "world")))
    for party in HOSPITALS:
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    thief = Thief(world["coordinator"], [world[stolen]])
    assert thief.recorded.keys() == set(HOSPITALS)
    assert not thief.keys
    nothing_opens(thief, plain)

    kept = Thief(world["coordinator"], [before[stolen]])
    assert np.array_equal(kept.stripped(stolen), plain[stolen]), "a copy from before the export opens it"
    for party in set(HOSPITALS) - {stolen}:
        assert looks_random(kept.stripped(party)), "and nobody else's: two hospitals share a mask yet"
    nowhere([world[stolen], world["coordinator"]], {*kept.keys.values(), *kept.masks.values()})


def test_all_but_two_hospitals_stolen_after_a_round_with_keyholders_open_no_recorded_update(
    snapshots: Snapshots, tmp_path: Path
) -> None:
    """hospital-c and hospital-d are untouched. hospital-e never delivered and hospital-b never answered, so
    both still hold their keys of the round: not enough to open anybody's vector."""
    before = World(Path(shutil.copytree(snapshots("keyholders-trained"), tmp_path / "before")))
    world = World(Path(shutil.copytree(snapshots("keyholders-answered"), tmp_path / "world")))
    came = FIVE[:4]
    plain = plain_vectors(before, came)
    world.ok("coordinator", "aggregate", "shares/*.share", asks=True)
    stolen = ("hospital-a", "hospital-b", "hospital-e", *TRUSTEES)
    thief = Thief(world["coordinator"], [world[party] for party in stolen])
    fingerprints = {name: fp for fp, name in thief.names.items()}
    assert thief.recorded.keys() == set(came)
    seats = thief.plan.committee.seats if thief.plan.committee else ()
    assert [thief.names.get(s.keyholder) for s in seats if s.unsealing.key in thief.unsealing] == [
        "hospital-b"
    ]
    known = {(owner, secret) for owner, secret in thief.keys if thief.names[owner] in came}
    assert known == {
        (fingerprints[name], secret) for name in came for secret in (SELF, fingerprints["hospital-e"])
    }
    nothing_opens(thief, plain)

    for party in came:
        kept = Thief(world["coordinator"], [before[party], *(world[other] for other in stolen)])
        assert np.array_equal(kept.stripped(party), plain[party]), "a copy from before the export opens it"
        others = set(came) - {party}
        assert all(looks_random(kept.stripped(other)) for other in others)
        if party in stolen:
            nowhere([world[party]], {*kept.keys.values(), *kept.masks.values()})


def test_without_the_answers_it_takes_a_threshold_of_keyholders_that_kept_their_keys(
    snapshots: Snapshots, tmp_path: Path
) -> None:
    """The request was made and nobody answered: its keyholders' workspaces are as they were. Two of four
    of threshold three open no seed; three do, and a hospital's copy from before its export gives its vector.
    """
    before = World(Path(shutil.copytree(snapshots("keyholders-trained"), tmp_path / "before")))
    world = World(Path(shutil.copytree(snapshots("keyholders-requested"), tmp_path / "world")))
    plain = plain_vectors(before, FIVE[:4])
    copies = [before["hospital-c"], *(world[party] for party in TRUSTEES)]
    two = Thief(world["coordinator"], copies)
    assert not [secret for _, secret in two.keys if secret == SELF]
    nothing_opens(two, plain)
    three = Thief(world["coordinator"], [*copies, world["hospital-b"]])
    assert np.array_equal(three.stripped("hospital-c"), plain["hospital-c"])
