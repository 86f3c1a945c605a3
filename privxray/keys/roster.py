"""The roster: the members of a study, and what its key words stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from privxray.errors import STATUS_SAYS, RefusedError
from privxray.formats import canonical
from privxray.formats.header import Fingerprint, Name, Strict
from privxray.keys.encapsulation_statement import EncapsulationStatement
from privxray.keys.identity import PublicKeys
from privxray.keys.key_words import words
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.size_statement import SizeStatement
from privxray.keys.succession.recovery_statement import RecoveryStatement

MIN_HOSPITALS = 3
MAX_HOSPITALS = 100
MAX_TRUSTEES = 16

_OTHER_PLAN = "The coordinator has to make another plan"


class Member(Strict):
    """A hospital as the plan lists it. Its mask key is for this plan; the rest stays for a roster version.

    ``size`` is there with the feature ``sizes``, and stays for a study. ``kem`` is there with
    ``hybrid-masks``, in a plan that agrees on secrets. ``recovery`` may be there with ``succession``.
    """

    name: Name
    role: Literal["hospital"] = "hospital"
    keys: PublicKeys
    mask: MaskStatement
    size: SizeStatement | None = None
    kem: EncapsulationStatement | None = None
    recovery: RecoveryStatement | None = None


class Trustee(Strict):
    """Somebody who holds no data and helps to open the sum: a keyholder of the plan's committee."""

    name: Name
    role: Literal["trustee"] = "trustee"
    keys: PublicKeys
    recovery: RecoveryStatement | None = None


class Roster(Strict):
    """Version 1 is a study's first roster. Every other membership has a higher version."""

    version: Annotated[int, Field(ge=1, le=9999)]
    members: Annotated[tuple[Member, ...], Field(strict=False, max_length=MAX_HOSPITALS)]
    trustees: Annotated[tuple[Trustee, ...], Field(strict=False, max_length=MAX_TRUSTEES)] = ()

    @property
    def parties(self) -> tuple[Member | Trustee, ...]:
        """Everybody of the roster: the hospitals, then the trustees."""
        return (*self.members, *self.trustees)

    def verify(self, study: str) -> None:
        """Check what every recipient of a plan must check, for nobody may rely on the coordinator's care.

        :raises RefusedError: there are fewer than three hospitals, a name or a key occurs twice, or a mask
            key or a statement of size is for another study.
        :raises IdentityError: a mask key, a size or a recovery key is not signed by its owner.
        :raises MalformedError: a key is none, or one that anybody can use.
        """
        if len(self.members) < MIN_HOSPITALS:
            raise RefusedError(
                f"a study needs at least {MIN_HOSPITALS} hospitals",
                reason="roster.too-few-hospitals",
                advice=f"With two, each would learn the other's update from the sum. {STATUS_SAYS}",
            )
        self._check_all_differ()
        for party in self.parties:
            party.keys.check()
            if party.recovery is not None:
                party.recovery.verify(party.keys)
        for member in self.members:
            member.mask.verify(member.keys)
            if member.mask.study not in (None, study):
                raise RefusedError(
                    f"the mask key of {member.name} was made for another study",
                    reason="roster.mask-key-of-other-study",
                    advice=f"{member.name} has to send a new card: privxray card --study {study}",
                )
            if member.size is not None:
                _check_size(member.name, member.size, member.keys, study)

    def _check_all_differ(self) -> None:
        """Nobody may stand in two entries.

        :raises RefusedError: a name or a key occurs twice.
        """
        if _twice([party.name.lower() for party in self.parties]):
            raise RefusedError(
                "two entries of the roster have the same name", reason="roster.name-twice", advice=_OTHER_PLAN
            )
        if _twice([party.keys.signing for party in self.parties]):
            raise RefusedError(
                "two entries of the roster have the same signing key",
                reason="roster.signing-key-twice",
                advice=_OTHER_PLAN,
            )
        if _twice([party.keys.sealing for party in self.parties]):
            raise RefusedError(
                "two entries of the roster have the same sealing key",
                reason="roster.sealing-key-twice",
                advice=_OTHER_PLAN,
            )
        if _twice([member.mask.key for member in self.members]):
            raise RefusedError(
                "two entries of the roster have the same mask key",
                reason="roster.mask-key-twice",
                advice=_OTHER_PLAN,
            )

    def party(self, fingerprint: Fingerprint) -> Member | Trustee | None:
        """The hospital or trustee with this fingerprint, if there is one."""
        return next((party for party in self.parties if party.keys.fingerprint == fingerprint), None)

    def known_party(self, fingerprint: Fingerprint) -> Member | Trustee:
        """The party with this fingerprint, of which it is known already that there is one.

        :raises KeyError: there is none.
        """
        found = self.party(fingerprint)
        if found is None:
            raise KeyError("no party of the roster has this fingerprint")
        return found

    def names(self, fingerprints: Iterable[Fingerprint]) -> tuple[str, ...]:
        """The names of the parties with these fingerprints, in the roster's order; others are left out."""
        wanted = set(fingerprints)
        return tuple(party.name for party in self.parties if party.keys.fingerprint in wanted)

    def hospital(self, fingerprint: Fingerprint) -> Member | None:
        """The hospital with this fingerprint, if there is one."""
        return next((member for member in self.members if member.keys.fingerprint == fingerprint), None)

    def known_hospital(self, fingerprint: Fingerprint) -> Member:
        """The hospital with this fingerprint, of which it is known already that there is one.

        :raises KeyError: there is none.
        """
        found = self.hospital(fingerprint)
        if found is None:
            raise KeyError("no hospital of the roster has this fingerprint")
        return found

    def digest(self, study: str, coordinator: PublicKeys) -> bytes:
        """SHA-256 over all that key words stand for. Mask keys are not in it: they change with each plan."""
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
        """Twelve words, the same for everybody who sees the same members and keys."""
        return words(self.digest(study, coordinator))


def _twice(values: list[str]) -> bool:
    """Whether one of the values occurs more than once."""
    return len(set(values)) < len(values)


def _check_size(name: str, size: SizeStatement, owner: PublicKeys, study: str) -> None:
    """Whether a statement of size is its owner's, and for this study.

    :raises RefusedError: it is for another study.
    :raises IdentityError: it is not signed by its owner.
    """
    size.verify(owner)
    if size.study not in (None, study):
        raise RefusedError(
            f"the size of {name} was stated for another study",
            reason="roster.size-of-other-study",
            advice=f"{name} has to send a new card: privxray card --study {study}",
        )
