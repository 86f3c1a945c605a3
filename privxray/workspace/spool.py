"""Records that are too many for memory, in a temporary file that nobody else can read.

A check of ten million files keeps what it found until the last file is done, for only then is the report
known. The records lie in the system's folder for temporary files (``TMPDIR``), in a file that has no name
there and is gone when the process ends, however it ends. They are encrypted under a key that only this
process has, for among them are real paths, which may name patients.

Memory: eight bytes for each record. Tested in tests/unit/test_workspace_spool.py.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from array import array
from collections.abc import Iterator
from typing import IO

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


class Spool:
    """Records of bytes by their number, from 0. Each is written once, at the end."""

    def __init__(self) -> None:
        # It lasts as long as this object, which no block of code encloses.
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._cipher = ChaCha20Poly1305(os.urandom(32))
        self._ends = array("Q", [0])
        self._at_end = True

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, record: bytes) -> None:
        """Add a record.

        :raises OSError: the disk of the temporary files is full.
        """
        if not self._at_end:
            self._file.seek(0, os.SEEK_END)
            self._at_end = True
        sealed = self._cipher.encrypt(_nonce(len(self)), record, None)
        self._file.write(sealed)
        self._ends.append(self._ends[-1] + len(sealed))

    def __getitem__(self, number: int) -> bytes:
        """A record by its number.

        :raises IndexError: there are not so many.
        """
        if not 0 <= number < len(self):
            raise IndexError(number)
        start, end = self._ends[number], self._ends[number + 1]
        self._file.seek(start)
        self._at_end = False
        return self._cipher.decrypt(_nonce(number), self._file.read(end - start), None)

    def __iter__(self) -> Iterator[bytes]:
        return map(self.__getitem__, range(len(self)))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")  # each number is written once under the key
