"""Taking a travelling file in: it is copied first, then verified, and only then parsed.

The copy makes this order mean something. If somebody changes the file on the stick between the check and the
reading, that is not the file that is read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from privxray.errors import AbsentFileError, MalformedError, StrangeFileError, about
from privxray.formats.container import MAX_ENVELOPE, PREAMBLE, Envelope, check_body, split
from privxray.formats.header import MAX_BODY, Body
from privxray.system.private_files import PRIVATE, open_new
from privxray.workspace.atomic import make_private_folder

_PIECE = 1 << 20
_MAX_FILE = PREAMBLE + MAX_ENVELOPE + MAX_BODY


@dataclass(frozen=True)
class Received:
    """A private copy of a file that came from outside. Nothing in it is trusted yet.

    ``source`` is the path as typed, for messages; ``sha256`` is of the whole file.
    """

    source: Path
    path: Path
    envelope: Envelope
    sha256: str
    body_length: int
    body_sha256: str

    def check_body(self, body: Body) -> None:
        """Compare the body with what the verified header says.

        :raises MalformedError: cut off, longer or altered.
        """
        check_body(body, self.body_length, self.body_sha256)

    def pieces(self) -> Iterator[bytes]:
        """The body, in pieces of up to 1 MiB."""
        return self._read_from(self.envelope.length)

    def whole(self) -> Iterator[bytes]:
        """The whole file, in pieces of up to 1 MiB."""
        return self._read_from(0)

    def start(self) -> bytes:
        """What stands before the body: preamble and envelope."""
        with self.path.open("rb") as stream:
            return stream.read(self.envelope.length)

    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces())

    def _read_from(self, place: int) -> Iterator[bytes]:
        with self.path.open("rb") as stream:
            stream.seek(place)
            while piece := stream.read(_PIECE):
                yield piece


@contextmanager
def take_in(source: Path, inbox: Path) -> Iterator[Received]:
    """Copy ``source`` into the folder ``inbox`` and read its envelope. The copy goes when the block ends.

    Errors of the block name ``source`` unless they name another file.

    :raises AbsentFileError: the file is not there.
    :raises StrangeFileError: it is a folder, or no file of privxray.
    :raises MalformedError: it is damaged, or larger than any.
    """
    make_private_folder(inbox)
    path = inbox / f".{secrets.token_hex(8)}.tmp"
    try:
        with about(source):
            yield _copy(source, path)
    finally:
        path.unlink(missing_ok=True)


def read_again(path: Path) -> Received:
    """Look at a file that lies in the workspace, as :func:`take_in` does, without copying it."""
    with about(path), _opened(path) as stream:
        return _scan(path, path, stream, None)


def envelope_of(path: Path) -> Envelope:
    """The envelope of a file that lies in the workspace; its body is not looked at."""
    with about(path), _opened(path) as stream:
        return split(stream.read(PREAMBLE + MAX_ENVELOPE))


def _copy(source: Path, path: Path) -> Received:
    with _opened(source) as stream, os.fdopen(open_new(path, PRIVATE), "wb") as copy:
        return _scan(source, path, stream, copy)


def _scan(source: Path, path: Path, stream: IO[bytes], copy: IO[bytes] | None) -> Received:
    start = stream.read(PREAMBLE + MAX_ENVELOPE)
    envelope = split(start)
    whole, body, length = hashlib.sha256(start), hashlib.sha256(start[envelope.length :]), len(start)
    if copy:
        copy.write(start)
    while piece := stream.read(_PIECE):
        length += len(piece)
        if length > _MAX_FILE:
            raise MalformedError(
                "the file is larger than any privxray file",
                reason="file.too-large",
                advice="Check that the right file was carried",
            )
        whole.update(piece)
        body.update(piece)
        if copy:
            copy.write(piece)
    return Received(source, path, envelope, whole.hexdigest(), length - envelope.length, body.hexdigest())


def _opened(path: Path) -> IO[bytes]:
    if path.is_dir():
        raise StrangeFileError(
            "this is a folder, not a file",
            reason="file.folder",
            file=path,
            advice="Name the file in it that you want",
        )
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise AbsentFileError(
            "there is no such file", reason="file.absent", file=path, advice="Check the path"
        ) from None
