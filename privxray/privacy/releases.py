"""Noisy answers on disk, so that a crash never makes a hospital pay twice.

A mechanism's answer is saved here before anything is computed from it. A run that was killed loads what it
has and draws on from there; drawing the same answer again with fresh noise would be a second release, which
the ledger did not charge. The files are encrypted under a key of the run: whoever deletes that key has
deleted them, on any file system.

An answer that was saved and is gone is not drawn again: a second release of the same step is what nobody was
charged for. How many were saved is therefore remembered elsewhere, after each, by a :class:`Witness`. After
and not before: an answer that a crash kept from being saved was seen by nobody, and may be drawn anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from numpy.typing import NDArray

from privxray.errors import BudgetError, MalformedError
from privxray.formats.tensors import pack, unpack
from privxray.workspace.atomic import PRIVATE, make_private_folder, sweep, write_atomic

_NONCE = 12
_TAG = 16


class Witness(Protocol):
    """Remembers, outside of a run's folder, how many answers the run saved."""

    @property
    def advice(self) -> str:
        """What to do where an answer that was saved is gone."""

    def saved(self) -> int:
        """How many answers were saved, the highest number plus one."""

    def remember(self, count: int) -> None:
        """Make the number durable."""

    def note_loss(self) -> None:
        """An answer that was saved is gone: remember that this run may never draw again."""


class ReleaseStore:
    """The noisy answers of one run, numbered from 0.

    :param folder: of this run alone; created with mode 0700.
    :param key: 32 random bytes that belong to this run. A random 96-bit nonce per file is then safe for far
        more files than a run has.
    :param witness: what remembers the number of answers; without one, a lost answer looks like one never
        drawn.
    """

    def __init__(self, folder: Path, key: bytes, witness: Witness | None = None) -> None:
        self._folder = folder
        self._witness = witness
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
        if self._witness:
            self._witness.remember(index + 1)

    def load(self, index: int) -> dict[str, NDArray[Any]] | None:
        """Answer ``index`` as it was saved, or None if it was not.

        :raises BudgetError: it was saved, and is gone.
        :raises MalformedError: altered, cut, of another number or under another key.
        """
        path = self._path(index)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            self._refuse_if_saved(index)
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
        """The highest number that was saved, or None at the start of a run.

        :raises BudgetError: a higher one was saved, and is gone.
        """
        names = (re.fullmatch(r"release-(\d+)\.bin", path.name) for path in self._folder.iterdir())
        found = max((int(name[1]) for name in names if name), default=None)
        self._refuse_if_saved(0 if found is None else found + 1)
        return found

    def discard_before(self, index: int) -> None:
        """Delete the answers below ``index``, where that one holds all that the next one needs."""
        for path in self._folder.glob("release-*.bin"):
            if path < self._path(index):
                path.unlink(missing_ok=True)

    def _refuse_if_saved(self, index: int) -> None:
        if self._witness and index < self._witness.saved():
            self._witness.note_loss()
            raise BudgetError(
                f"the noisy answer to step {index + 1} of this training was saved and is gone; drawn again, "
                "it would be a release that nobody was charged for",
                file=self._folder,
                advice=self._witness.advice,
            )

    def _path(self, index: int) -> Path:
        return self._folder / f"release-{index:08d}.bin"


def _associated(index: int) -> bytes:
    return b"privxray release %d" % index
