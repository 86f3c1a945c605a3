"""Noisy answers on disk, so that a crash never makes a hospital pay twice.

A mechanism's answer is saved here before anything is computed from it. A run that was killed loads what it
has and goes on from there. To draw the same answer again, with fresh noise, would be a second release,
which the ledger was not charged for. The files are encrypted under a key of the run: to delete that key is
to delete them, on any file system.

If a saved answer is gone, it is not drawn again, for the same reason. So a :class:`Witness` remembers
elsewhere how many answers were saved. It is told after each answer is saved, not before: an answer that a
crash kept from being saved was seen by nobody, and may be drawn anew.
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
_RESTORE = "Restore this folder from a backup (privxray help backup)"


class Witness(Protocol):
    """Remembers, outside of a run's folder, how many answers the run has saved."""

    @property
    def advice(self) -> str:
        """What to do if a saved answer is gone, as an error tells it."""

    def saved(self) -> int:
        """How many answers were saved, the highest number plus one."""

    def remember(self, count: int) -> None:
        """Make that number durable."""

    def note_loss(self) -> None:
        """Remember that a saved answer is gone, so this run may never draw again."""


class ReleaseStore:
    """The noisy answers of one run, numbered from 0.

    :param folder: of this run alone; it is made with mode 0700.
    :param key: 32 random bytes of this run alone. Each file has a random nonce of 96 bits, which is safe for
        far more files than a run has.
    :param witness: remembers the number of answers. Without one, a lost answer looks like one that was never
        drawn.
    """

    def __init__(self, folder: Path, key: bytes, witness: Witness | None = None) -> None:
        self._folder = folder
        self._witness = witness
        self._cipher = ChaCha20Poly1305(key)
        make_private_folder(folder)
        sweep(folder)

    def save(self, index: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Make answer ``index`` durable. When this returns, it is on disk completely.

        :param arrays: arrays by name, of any shape.
        :raises RefusedError: there is an answer of that number; it is never replaced.
        :raises OSError: the operating system refuses; nothing is left behind.
        """
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, pack(arrays), _associated(index))
        write_atomic(self._path(index), nonce + sealed, mode=PRIVATE)
        if self._witness:
            self._witness.remember(index + 1)

    def load(self, index: int) -> dict[str, NDArray[Any]] | None:
        """Answer ``index`` as it was saved, or None if it was not.

        :raises BudgetError: it was saved, and is gone.
        :raises MalformedError: it was altered or cut short, or has another number or another key.
        """
        path = self._path(index)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            self._refuse_if_saved(index)
            return None
        if len(data) < _NONCE + _TAG:
            raise MalformedError(
                "this saved training step is cut short",
                reason="release.cut-short",
                file=path,
                advice=_RESTORE,
            )
        try:
            return unpack(self._cipher.decrypt(data[:_NONCE], data[_NONCE:], _associated(index)))
        except InvalidTag:
            raise MalformedError(
                "this saved training step was altered, or belongs to another run",
                reason="release.altered",
                file=path,
                advice=_RESTORE,
            ) from None

    def latest(self) -> int | None:
        """The highest number that is saved, or None at the start of a run.

        :raises BudgetError: an answer with a higher number was saved, and is gone.
        """
        names = (re.fullmatch(r"release-(\d+)\.bin", path.name) for path in self._folder.iterdir())
        found = max((int(name[1]) for name in names if name), default=None)
        self._refuse_if_saved(0 if found is None else found + 1)
        return found

    def discard_before(self, index: int) -> None:
        """Delete the answers below ``index``, once that one holds all that the next step needs."""
        for path in self._folder.glob("release-*.bin"):
            if path < self._path(index):
                path.unlink(missing_ok=True)

    def _refuse_if_saved(self, index: int) -> None:
        if self._witness and index < self._witness.saved():
            self._witness.note_loss()
            raise BudgetError(
                f"the saved noise of step {index + 1} of this training is gone, and to draw it again would "
                "cost privacy that the ledger was not charged for",
                reason="release.lost",
                file=self._folder,
                advice=self._witness.advice,
            )

    def _path(self, index: int) -> Path:
        return self._folder / f"release-{index:08d}.bin"


def _associated(index: int) -> bytes:
    return b"privxray release %d" % index
