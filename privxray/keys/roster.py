"""The roster: the members of a study, and the key words that stand for it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from privxray.errors import RefusedError
from privxray.formats import canonical
from privxray.formats.header import Fingerprint, Name, Strict
from privxray.keys.identity import PublicKeys
from privxray.keys.maskkey import MaskStatement

MIN_HOSPITALS = 3
MAX_HOSPITALS = 100
MAX_TRUSTEES = 16
WORDS = 12


class Member(Strict):
    """A hospital as the plan lists it. The mask key rotates; the rest stays for a roster version."""

    name: Name
    role: Literal["hospital"] = "hospital"
    keys: PublicKeys
    mask: MaskStatement


class Trustee(Strict):
    """Somebody who holds no data and helps to open the sum: a keyholder of the plan's committee."""

    name: Name
    role: Literal["trustee"] = "trustee"
    keys: PublicKeys


class Roster(Strict):
    """Version 1 is a study's first roster; another membership is a higher version."""

    version: Annotated[int, Field(ge=1, le=9999)]
    members: Annotated[tuple[Member, ...], Field(strict=False, max_length=MAX_HOSPITALS)]
    trustees: Annotated[tuple[Trustee, ...], Field(strict=False, max_length=MAX_TRUSTEES)] = ()

    @property
    def parties(self) -> tuple[Member | Trustee, ...]:
        """Everybody of the roster: the hospitals, then the trustees."""
        return (*self.members, *self.trustees)

    def verify(self, study: str) -> None:
        """Check what every recipient must check, for nobody may lean on the coordinator's care.

        :raises RefusedError: fewer than three hospitals, or a name or key that occurs twice.
        :raises IdentityError: a mask key that its owner has not signed for this study.
        """
        if len(self.members) < MIN_HOSPITALS:
            raise RefusedError(
                f"a study needs at least {MIN_HOSPITALS} hospitals",
                advice="With two, each would learn the other's update from the sum",
            )
        for what, values in (
            ("name", [party.name.lower() for party in self.parties]),
            ("signing key", [party.keys.signing for party in self.parties]),
            ("sealing key", [party.keys.sealing for party in self.parties]),
            ("mask key", [member.mask.key for member in self.members]),
        ):
            if len(set(values)) < len(values):
                raise RefusedError(f"two entries of the roster have the same {what}")
        for party in self.parties:
            party.keys.check()
        for member in self.members:
            member.mask.verify(member.keys)
            if member.mask.study not in (None, study):
                raise RefusedError(f"the mask key of {member.name} was made for another study")

    def party(self, fingerprint: Fingerprint) -> Member | Trustee | None:
        """The hospital or trustee with this fingerprint, if there is one."""
        return next((party for party in self.parties if party.keys.fingerprint == fingerprint), None)

    def named(self, fingerprint: Fingerprint) -> Member | None:
        """The hospital with this fingerprint, if there is one."""
        return next((member for member in self.members if member.keys.fingerprint == fingerprint), None)

    def digest(self, study: str, coordinator: PublicKeys) -> bytes:
        """SHA-256 over all that key words stand for; mask keys are left out, since they rotate."""
        members = sorted(
            [party.name, party.role, party.keys.signing, party.keys.sealing] for party in self.parties
        )
        stated = [
            "privxray roster v1",
            study,
            self.version,
            coordinator.signing,
            coordinator.sealing,
            members,
        ]
        return hashlib.sha256(canonical.encode(stated)).digest()

    def key_words(self, study: str, coordinator: PublicKeys) -> str:
        """Twelve words that are the same for everybody who sees the same members and keys."""
        return words(self.digest(study, coordinator))


@lru_cache(maxsize=8)
def words(digest: bytes) -> str:
    """132 bits of scrypt over a digest, as 12 words of the BIP-39 English list, 11 bits each.

    scrypt (N = 2**17, r = 8) makes each try of a forger who grinds keys for equal words cost 128 MiB and a
    third of a second.
    """
    from mnemonic import Mnemonic

    raw = hashlib.scrypt(digest, salt=b"privxray key words v1", n=1 << 17, r=8, p=1, maxmem=1 << 28, dklen=17)
    number = int.from_bytes(raw, "big") >> (8 * 17 - 11 * WORDS)
    listed = Mnemonic("english").wordlist
    return " ".join(listed[number >> (11 * place) & 2047] for place in reversed(range(WORDS)))


def same_words(typed: str, expected: str) -> bool:
    """Compare key words as people type them: capitals, commas, numbering dots and spaces don't matter."""
    cleaned = "".join(letter.lower() if letter.isalpha() else " " for letter in typed)
    return cleaned.split() == expected.split()
