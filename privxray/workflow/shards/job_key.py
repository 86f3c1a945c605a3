"""The key of a job: what all machines of one check share, and nobody else.

Everything is derived from 32 random bytes by HKDF-SHA256 (RFC 5869), each value for a purpose of its own.
Tested in tests/unit/test_shards.py.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privxray.errors import AbsentFileError, RefusedError, StrangeFileError
from privxray.formats import canonical
from privxray.system import private_files
from privxray.workspace.atomic import write_atomic

_KIND: Final = "privxray job key"
JOB_KEY_START: Final = f'{{"kind": "{_KIND}"'.encode()
"""How every job's key begins."""
_BYTES: Final = 32
_MOST_BYTES: Final = 4096


class JobKey:
    """The key of one job.

    :param secret: 32 bytes. Whoever has them reads every file of the job.
    :ivar names: the key of a workspace's pseudonyms, for a job that makes copies; None for a check.
    """

    def __init__(self, secret: bytes, names: bytes | None = None) -> None:
        self._secret = secret
        self.names = names

    def __repr__(self) -> str:
        return "JobKey()"

    @property
    def job(self) -> str:
        """What the job is called in its files, 16 hex digits. It says nothing about the key."""
        return self.derived("job").hex()[:16]

    def derived(self, purpose: str, salt: bytes = b"") -> bytes:
        """A key of 32 bytes for one purpose."""
        info = f"privxray job v1/{purpose}".encode()
        return HKDF(SHA256(), 32, salt, info).derive(self._secret)

    def digest(self, purpose: str) -> hmac.HMAC:
        """A keyed digest that only machines of this job can compute."""
        return hmac.new(self.derived(f"digest/{purpose}"), digestmod=hashlib.sha256)


def make_job_key(path: Path, names: bytes | None = None) -> None:
    """Write a new key, which only the owner of the file may read.

    :param names: the key of a workspace's pseudonyms, for a job that makes copies.
    :raises RefusedError: a file is there.
    """
    value = {"kind": _KIND, "format": 1, "secret": canonical.to_base64(os.urandom(_BYTES))}
    if names is not None:
        value["names"] = canonical.to_base64(names)
    write_atomic(path, json.dumps(value).encode() + b"\n")


def load_job_key(path: Path) -> JobKey:
    """Read a key.

    :raises AbsentFileError: there is no such file, or it can't be read.
    :raises RefusedError: other accounts may read it.
    :raises StrangeFileError: it is no such key.
    """
    try:
        data, open_to_others = private_files.read_private(path, _MOST_BYTES)
    except OSError as error:
        raise AbsentFileError(
            f"the job's key can't be read ({error.strerror})",
            reason="job-key.unread",
            file=path,
            advice="Check the path. A new one is made with: privxray check key FILE",
        ) from None
    if open_to_others:
        raise RefusedError(
            "other accounts may read the job's key, and with it every file of the job",
            reason="job-key.open",
            advice=f"Type: {private_files.how_to_close('FILE', folder=False)}",
        )
    try:
        match json.loads(data):
            case {"kind": str(kind), "format": 1, "secret": str(secret), **rest} if kind == _KIND:
                names = rest.get("names")
                return JobKey(_bytes(secret), None if names is None else _bytes(str(names)))
    except (ValueError, RecursionError):
        pass
    raise StrangeFileError(
        "this is not the key of a job",
        reason="job-key.strange",
        file=path,
        advice="Name the file that privxray check key has made",
    )


def _bytes(text: str) -> bytes:
    return canonical.from_base64(text, "the job's key", reason="job-key.strange", length=_BYTES)
