"""What replaces a patient, a UID or a file name in a copy: keyed hashes of the originals.

Everything is HMAC-SHA256 (RFC 2104) under one 32-byte key of the workspace, with a purpose in front of the
value. So the same patient has the same pseudonym in every run, nobody without the key can tell whether a
guessed record number belongs to a pseudonym, and two purposes never give the same value. Without the key the
mapping can be neither computed nor inverted. With the key and a list of all record numbers it can. Destroying
the key cuts the link for good.

A pseudonym consists of two parts: bits that stand for the original, and a tag over them. By the tag a
workspace knows its own pseudonyms and leaves them as they are, so that de-identifying a copy again gives the
same copy. A patient has 60 + 20 bits, written as :mod:`privxray.deid.profile.pseudonym_forms` says: a million
patients collide with probability 4e-7. A UID has 80 + 42 bits: a million collide with 4e-13.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from privxray.deid.profile.pseudonym_forms import pseudonym_of, uid_of

MAX_SHIFT = 3650
"""Most days that a patient's dates are moved."""

_UID_ROOT = "2.25."
_UID_BITS, _UID_TAG_BITS = 80, 42
_PATIENT_BITS, _PATIENT_TAG_BITS = 60, 20


class Pseudonyms:
    """All pseudonyms under one key.

    :param key: 32 bytes that stay in the workspace.
    :param assigned: identifiers that a trial has assigned, by :meth:`hashed` of the Patient ID.
    """

    def __init__(self, key: bytes, assigned: Mapping[bytes, str] | None = None) -> None:
        self._key = key
        self._assigned = dict(assigned or {})
        self._assigned_values = frozenset(self._assigned.values())

    def to_json(self) -> dict[str, Any]:
        """For a worker process. Private: it has the key."""
        return {"key": self._key.hex(), "assigned": {k.hex(): v for k, v in self._assigned.items()}}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Pseudonyms:
        """The inverse of :meth:`to_json`."""
        assigned = {bytes.fromhex(k): v for k, v in value["assigned"].items()}
        return cls(bytes.fromhex(value["key"]), assigned)

    def hashed(self, original: str) -> bytes:
        """A keyed hash of a Patient ID, 32 bytes, by which the workspace remembers its identifier."""
        return self._hash("assigned", original.strip().encode())

    def patient_of(self, original: str, study: str) -> str:
        """The pseudonym of whom a file is about. Without a Patient ID each study is a patient of its own.

        :param original: Patient ID, or nothing. :param study: the Study Instance UID.
        """
        return self.patient(original or f"study {self.uid(study)}")

    def patient(self, original: str) -> str:
        """A patient's pseudonym, 19 characters, or what was assigned; one of our own is returned as it is.

        :param original: the Patient ID as the source has it; spaces at its ends don't count. The issuer of
            the number is not part of it: half of a hospital's files lack it, and one patient would become
            two. Two patients who have the same number from different issuers become one, which reveals
            nothing.
        """
        original = original.strip()
        if self.is_own_patient(original):
            return original
        assigned = self._assigned.get(self.hashed(original)) if self._assigned else None
        return assigned or self._patient_from(self._bits("patient", original.encode(), _PATIENT_BITS))

    def is_own_patient(self, value: str) -> bool:
        """Whether :meth:`patient` gives this value under this key."""
        if value in self._assigned_values:
            return True
        try:
            number = int.from_bytes(base64.b32decode(value.removeprefix("PX-")), "big")
        except ValueError:
            return False
        return value == self._patient_from((number >> _PATIENT_TAG_BITS) % (1 << _PATIENT_BITS))

    def uid(self, original: str) -> str:
        """A new UID for an old one, at most 44 characters; one of our own is returned as it is.

        Its form is that of :func:`privxray.deid.profile.pseudonym_forms.uid_of`.
        """
        original = original.strip(" \0")
        if self.is_own_uid(original):
            return original
        return self._uid_from(self._bits("uid", original.encode(), _UID_BITS))

    def is_own_uid(self, value: str) -> bool:
        """Whether :meth:`uid` made this value under this key."""
        digits = value.removeprefix(_UID_ROOT)
        if digits == value or not digits.isascii() or not digits.isdigit() or len(digits) > 39:
            return False
        number = int(digits)
        return number < 1 << 128 and value == self._uid_from(_unpack(number) >> _UID_TAG_BITS)

    def shift(self, patient: str) -> int:
        """How many days a patient's dates are moved into the past, 1 to :data:`MAX_SHIFT`.

        Dates are moved into the past, so that none lies in the future. 64 bits modulo 3650 are uneven by
        2e-16.

        :param patient: the pseudonym, so that originals and copies agree.
        """
        drawn = int.from_bytes(self._hash("shift", patient.encode())[:8], "big")
        return 1 + drawn % MAX_SHIFT

    def path_part(self, purpose: str, value: bytes) -> str:
        """A name for a file or folder, 32 lower-case hexadecimal digits.

        :param purpose: what the value is: equal values of different kinds get different names.
        """
        return self._hash(f"place/{purpose}", value).hex()[:32]

    def _patient_from(self, name: int) -> str:
        tag = self._bits("patient/tag", name.to_bytes(8, "big"), _PATIENT_TAG_BITS)
        return pseudonym_of((name << _PATIENT_TAG_BITS | tag).to_bytes(10, "big"))

    def _uid_from(self, name: int) -> str:
        tag = self._bits("uid/tag", name.to_bytes(10, "big"), _UID_TAG_BITS)
        return uid_of(_pack(name << _UID_TAG_BITS | tag).to_bytes(16, "big"))

    def _bits(self, purpose: str, value: bytes, count: int) -> int:
        return int.from_bytes(self._hash(purpose, value), "big") >> (256 - count)

    def _hash(self, purpose: str, value: bytes) -> bytes:
        return hmac.new(self._key, f"privxray/deid/{purpose}\0".encode() + value, hashlib.sha256).digest()


def _pack(bits: int) -> int:
    """122 bits around the version (4 bits from bit 76) and the variant (2 bits from bit 62) of a UUID."""
    low, middle, high = bits & (1 << 62) - 1, bits >> 62 & 0xFFF, bits >> 74
    return high << 80 | middle << 64 | low


def _unpack(number: int) -> int:
    """The inverse of :func:`_pack`. It ignores the version and the variant, which the caller compares."""
    low, middle, high = number & (1 << 62) - 1, number >> 64 & 0xFFF, number >> 80
    return high << 74 | middle << 62 | low
