"""Noisy answers on disk, so that a crash never makes a hospital pay twice.

A mechanism's answer is saved here before anything is computed from it. A run that was killed loads what it
has and draws on from there; drawing the same answer again with fresh noise would be a second release, which
the ledger did not charge. The files are encrypted under a key of the run: whoever deletes that key has
deleted them, on any file system.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from numpy.typing import NDArray

from privxray.atomic import PRIVATE, make_private_folder, sweep, write_atomic
from privxray.errors import MalformedError
from privxray.formats.tensors import pack, unpack

_NONCE = 12
_TAG = 16


class ReleaseStore:
    """The noisy answers of one run, numbered from 0.

    :param folder: of this run alone; created with mode 0700.
    :param key: 32 random bytes that belong to this run. A random 96-bit nonce per file is then safe for far
        more files than a run has.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._cipher = ChaCha20Poly1305(key)
        make_private_folder(folder)
        sweep(folder)

    def save(self, index: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Make answer ``index`` durable; it is on disk, whole, when this returns.

        :raises RefusedError: there is one of that number already; it is never replaced.
        :raises OSError: as the operating system says; nothing is left behind.
        """
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, pack(arrays), _associated(index))
        write_atomic(self._path(index), nonce + sealed, mode=PRIVATE)

    def load(self, index: int) -> dict[str, NDArray[Any]] | None:
        """Answer ``index`` as it was saved, or None if it was not.

        :raises MalformedError: altered, cut, of another number or under another key.
        """
        path = self._path(index)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        if len(data) < _NONCE + _TAG:
            raise MalformedError("this saved training step is cut short", file=path)
        try:
            return unpack(self._cipher.decrypt(data[:_NONCE], data[_NONCE:], _associated(index)))
        except InvalidTag:
            raise MalformedError(
                "this saved training step was altered, or is of another run", file=path
            ) from None

    def latest(self) -> int | None:
        """The highest number that was saved, or None at the start of a run."""
        names = (re.fullmatch(r"release-(\d+)\.bin", path.name) for path in self._folder.iterdir())
        return max((int(name[1]) for name in names if name), default=None)

    def discard_before(self, index: int) -> None:
        """Delete the answers below ``index``, where that one holds all that the next one needs."""
        for path in self._folder.glob("release-*.bin"):
            if path < self._path(index):
                path.unlink(missing_ok=True)

    def _path(self, index: int) -> Path:
        return self._folder / f"release-{index:08d}.bin"


def _associated(index: int) -> bytes:
    return b"privxray release %d" % index
