"""The file that ``backup`` writes: the workspace's key file, and everything else sealed by its keys.

::

    17 bytes  "PRIVXRAY-BACKUP 1"
    4 bytes   length of the head, big-endian, at most 64 KiB
    head      canonical JSON: {"created", "key_file", "name", "role", "salt"}
    rest      STREAM (:mod:`privxray.formats.stream`) of: 4 bytes length, the list of files, their contents

The key of the rest is HKDF-SHA256 of the identity's storage key for backups, with the head's salt, and with
the head's digest as info. So only whoever opens the key file can read or write one, and nothing in it can be
changed.

Tested in tests/cli/test_backup.py.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, ValidationError

from privxray.errors import MalformedError, StrangeFileError, about
from privxray.formats import canonical, stream
from privxray.formats.header import Base64, Name, Strict
from privxray.keys.identity import Identity
from privxray.system.regular_files import open_regular
from privxray.workspace.config import Role

MAGIC = b"PRIVXRAY-BACKUP 1"
_LENGTH = 4
_MOST_HEAD = 1 << 16
_MOST_LIST = 4 << 20
_PIECE = 1 << 20
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,2}")
_ANEW = "Take another backup"


class Head(Strict):
    """What stands in the clear. ``created`` is UTC to the second."""

    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    key_file: Annotated[str, Field(max_length=4096)]
    name: Name
    role: Role
    salt: Base64

    def written(self) -> bytes:
        """As it stands in the file."""
        return canonical.encode(self.model_dump(mode="json"))

    def key(self, identity: Identity) -> bytes:
        """The key of what follows."""
        salt = canonical.from_base64(self.salt, "the backup's salt", reason="backup.salt", length=32)
        info = hashlib.sha256(self.written()).digest()
        return HKDF(SHA256(), 32, salt=salt, info=info).derive(identity.storage_key("backups"))


class Listed(Strict):
    """A file in a backup: where it lies in the workspace, and its size in bytes."""

    path: Annotated[str, Field(pattern=rf"^{_PATH.pattern}$", max_length=200)]
    size: Annotated[int, Field(ge=0, le=1 << 40)]


@dataclass(frozen=True)
class Packed:
    """A file to be packed: a path in the workspace, and its bytes or where they are read."""

    path: str
    content: bytes | Path


def new_head(created: str, key_file: bytes, name: str, role: Role) -> Head:
    """A head with a fresh salt."""
    salt = canonical.to_base64(os.urandom(32))
    return Head(created=created, key_file=key_file.decode("ascii"), name=name, role=role, salt=salt)


def written(head: Head, identity: Identity, files: Sequence[Packed]) -> Iterator[bytes]:
    """The pieces of a backup. The files must not change meanwhile: the workspace is locked."""
    told = head.written()
    yield MAGIC + len(told).to_bytes(_LENGTH, "big") + told
    yield from stream.seal(head.key(identity), _plain(files))


def _plain(files: Sequence[Packed]) -> Iterator[bytes]:
    listed = canonical.encode([{"path": one.path, "size": _size(one)} for one in files])
    yield len(listed).to_bytes(_LENGTH, "big") + listed
    for one in files:
        if isinstance(one.content, bytes):
            yield one.content
        else:
            with one.content.open("rb") as source:
                while piece := source.read(_PIECE):
                    yield piece


def _size(one: Packed) -> int:
    return len(one.content) if isinstance(one.content, bytes) else one.content.stat().st_size


@contextmanager
def opened(path: Path) -> Iterator[tuple[Head, IO[bytes]]]:
    """The head of a backup, not verified, and the file right behind it.

    :raises StrangeFileError: it is no backup. :raises MalformedError: it is damaged.
    :raises OSError: it can't be read.
    """
    with about(path), open_regular(path) as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise StrangeFileError(
                "this is not a backup that `privxray backup` has written",
                reason="backup.not-one",
                advice="Check that it is the right file",
            )
        size = int.from_bytes(file.read(_LENGTH), "big")
        told = file.read(size) if size <= _MOST_HEAD else b""
        try:
            head = Head.model_validate(canonical.decode(told, "the backup's head", reason="backup.damaged"))
        except ValidationError:
            raise _damaged() from None
        yield head, file


def unpacked(head: Head, identity: Identity, file: IO[bytes]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The files of a backup: each one's path, and its pieces, which have to be read before the next one.

    A caller must not rely on a file before the last one came (:func:`privxray.formats.stream.unseal`).

    :param file: right behind the head.
    :raises MalformedError: it is damaged, cut off or altered.
    """
    source = _Pieces(stream.unseal(head.key(identity), iter(lambda: file.read(_PIECE), b"")))
    size = int.from_bytes(source.exactly(_LENGTH), "big")
    if size > _MOST_LIST:
        raise _damaged()
    listed = canonical.decode(source.exactly(size), "the backup's list", reason="backup.damaged")
    try:
        files = [Listed.model_validate(one) for one in listed]
    except (ValidationError, TypeError):
        raise _damaged() from None
    for one in files:
        yield one.path, source.pieces(one.size)
    if source.exactly(1, fewer=True):
        raise _damaged()


class _Pieces:
    """Pieces of any size, read as many bytes at a time as are wanted."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._pending = b""

    def exactly(self, size: int, *, fewer: bool = False) -> bytes:
        """So many bytes. :param fewer: or those that are left."""
        return b"".join(self.pieces(size, fewer=fewer))

    def pieces(self, size: int, *, fewer: bool = False) -> Iterator[bytes]:
        """So many bytes, in pieces.

        :raises MalformedError: there are fewer.
        """
        while size:
            if not self._pending:
                self._pending = next(self._pieces, b"")
            if not self._pending:
                if fewer:
                    return
                raise _damaged()
            piece, self._pending = self._pending[:size], self._pending[size:]
            size -= len(piece)
            yield piece


def _damaged() -> MalformedError:
    return MalformedError("the backup is damaged", reason="backup.damaged", advice=_ANEW)
