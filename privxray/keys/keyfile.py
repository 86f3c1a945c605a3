"""A secret on disk under a passphrase: scrypt, then ChaCha20-Poly1305.

scrypt (RFC 7914) with N = 2**17, r = 8, p = 1 takes 128 MiB and about 0.3 s a guess. N stands in the file.
A reader limits it, so that a planted file can't ask for all of the memory.
"""

from __future__ import annotations

import os
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from privxray.errors import MalformedError, WrongKeyError
from privxray.formats import canonical

LOG_N = 17
MIN_LOG_N = 10
MAX_LOG_N = 20
_PURPOSE = b"privxray keyfile v1"


def lock(secret: bytes, passphrase: str, *, log_n: int = LOG_N) -> bytes:
    """Encrypt ``secret`` to one line of JSON.

    The nonce is zero, for the fresh salt makes a key that serves once.

    :param log_n: the binary logarithm of scrypt's N.
    """
    salt = os.urandom(16)
    box = ChaCha20Poly1305(_derive(passphrase, salt, log_n)).encrypt(bytes(12), secret, _PURPOSE)
    return canonical.encode(
        {"kdf": "scrypt", "log_n": log_n, "salt": canonical.to_base64(salt), "box": canonical.to_base64(box)}
    )


def unlock(data: bytes, passphrase: str) -> bytes:
    """Decrypt what :func:`lock` wrote.

    :raises WrongKeyError: this is not the passphrase.
    :raises MalformedError: the file is damaged.
    """
    match canonical.decode(data, "the key file", reason="keyfile.not-canonical"):
        case {"kdf": "scrypt", "log_n": int(log_n), "salt": str(salt), "box": str(box)} if (
            MIN_LOG_N <= log_n <= MAX_LOG_N
        ):
            key = _derive(
                passphrase,
                canonical.from_base64(salt, "the key file", reason="keyfile.salt-base64", length=16),
                log_n,
            )
            sealed = canonical.from_base64(box, "the key file", reason="keyfile.box-base64")
        case _:
            raise MalformedError(
                "the key file is damaged (unexpected fields)",
                reason="keyfile.fields",
                advice="Restore it from a backup",
            )
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), sealed, _PURPOSE)
    except InvalidTag:
        raise WrongKeyError(
            "the passphrase does not open the key file",
            reason="keyfile.wrong-passphrase",
            advice="Try again; without the passphrase the keys are lost and a new workspace is needed",
        ) from None


def _derive(passphrase: str, salt: bytes, log_n: int) -> bytes:
    # NFC, so that the same accented letter typed on two keyboards is the same passphrase.
    text = unicodedata.normalize("NFC", passphrase).encode()
    return Scrypt(salt=salt, length=32, n=1 << log_n, r=8, p=1).derive(text)
