"""A secret on disk under a passphrase: Argon2id, then ChaCha20-Poly1305.

Argon2id (RFC 9106) with 128 MiB, three passes and four lanes takes twice the memory of that document's second
recommended option, and about a third of a second of one processor a guess. What it costs stands in the file.
A reader limits it, so that a planted file can't ask for more than 128 MiB.

Files of earlier versions are under scrypt (RFC 7914). They open, and :func:`is_outdated` tells them.
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from privxray.errors import MalformedError, WrongKeyError
from privxray.formats import canonical


@dataclass(frozen=True)
class Cost:
    """What one guess costs: ``memory`` in KiB, ``passes`` over it, and ``lanes`` that could run at once."""

    memory: int
    passes: int
    lanes: int

    def is_allowed(self) -> bool:
        """Whether a file may ask for it. RFC 9106 demands 8 KiB a lane."""
        return (
            8 * self.lanes <= self.memory <= _MOST_MEMORY
            and 1 <= self.passes <= _MOST_PASSES
            and 1 <= self.lanes <= _MOST_LANES
        )


COST = Cost(memory=128 * 1024, passes=3, lanes=4)
_MOST_MEMORY = 128 * 1024
_MOST_PASSES = 16
_MOST_LANES = 16

MIN_LOG_N = 10
MAX_LOG_N = 17
"""The binary logarithm of scrypt's N. 17 takes 128 MiB; no version wrote more."""

_PURPOSE = b"privxray keyfile v2"
_PURPOSE_OF_SCRYPT = b"privxray keyfile v1"


def lock(secret: bytes, passphrase: str, *, cost: Cost = COST) -> bytes:
    """Encrypt ``secret`` to one line of JSON.

    The nonce is zero, for the fresh salt makes a key that serves once.
    """
    salt = os.urandom(16)
    box = ChaCha20Poly1305(_derive(passphrase, salt, cost)).encrypt(bytes(12), secret, _PURPOSE)
    return canonical.encode(
        {
            "kdf": "argon2id",
            "memory_kib": cost.memory,
            "passes": cost.passes,
            "lanes": cost.lanes,
            "salt": canonical.to_base64(salt),
            "box": canonical.to_base64(box),
        }
    )


def unlock(data: bytes, passphrase: str) -> bytes:
    """Decrypt what :func:`lock` of this version or an earlier one wrote.

    :raises WrongKeyError: this is not the passphrase.
    :raises MalformedError: the file is damaged, or asks for more than any version wrote.
    """
    fields = _fields(data)
    salt = canonical.from_base64(fields["salt"], "the key file", reason="keyfile.salt-base64", length=16)
    box = canonical.from_base64(fields["box"], "the key file", reason="keyfile.box-base64")
    match fields:
        case {"log_n": int(log_n)}:
            key, purpose = _derive_by_scrypt(passphrase, salt, log_n), _PURPOSE_OF_SCRYPT
        case _:
            cost = Cost(fields["memory_kib"], fields["passes"], fields["lanes"])
            key, purpose = _derive(passphrase, salt, cost), _PURPOSE
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), box, purpose)
    except InvalidTag:
        raise WrongKeyError(
            "the passphrase does not open the key file",
            reason="keyfile.wrong-passphrase",
            advice="Try again; without the passphrase the keys are lost and a new workspace is needed",
        ) from None


def is_outdated(data: bytes) -> bool:
    """Whether a key file that opens is one of an earlier version, to be written anew."""
    return "log_n" in _fields(data)


def _fields(data: bytes) -> dict[str, Any]:
    """The fields of a key file, with a cost that is allowed.

    :raises MalformedError: others, or none.
    """
    match canonical.decode(data, "the key file", reason="keyfile.not-canonical"):
        case {"kdf": "scrypt", "log_n": int(log_n), "salt": str(), "box": str(), **more} as fields if (
            not more and MIN_LOG_N <= log_n <= MAX_LOG_N
        ):
            return dict(fields)
        case {
            "kdf": "argon2id",
            "memory_kib": int(memory),
            "passes": int(passes),
            "lanes": int(lanes),
            "salt": str(),
            "box": str(),
            **more,
        } as fields if not more and Cost(memory, passes, lanes).is_allowed():
            return dict(fields)
    raise MalformedError(
        "the key file is damaged (unexpected fields)",
        reason="keyfile.fields",
        advice="Restore it from a backup (privxray help backup)",
    )


def _derive(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    argon2 = Argon2id(salt=salt, length=32, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory)
    return argon2.derive(_bytes_of(passphrase))


def _derive_by_scrypt(passphrase: str, salt: bytes, log_n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=1 << log_n, r=8, p=1).derive(_bytes_of(passphrase))


def _bytes_of(passphrase: str) -> bytes:
    # NFC, so that the same accented letter typed on two keyboards is the same passphrase.
    return unicodedata.normalize("NFC", passphrase).encode()
