"""Taking a travelling file in: its envelope is read, its signer verified, and only then its body is copied.

A stranger's file costs no more than its envelope, which has at most 4 MiB. Of a file whose signer is accepted
as many bytes are copied as its signed header says, and the copy is what is parsed. So if somebody changes the
file on the stick meanwhile, that is noticed, or is not what is read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import IO

from privxray.errors import AbsentFileError, MalformedError, StrangeFileError, about
from privxray.formats.container import MAX_ENVELOPE, PREAMBLE, Envelope, check_body, split, stated_length
from privxray.formats.header import MAX_BODY, Body
from privxray.steps import note
from privxray.system.private_files import PRIVATE, open_new
from privxray.system.regular_files import NotRegularError, open_regular
from privxray.workspace.atomic import make_private_folder

_PIECE = 1 << 20


class Received:
    """A file that came from outside, or lies in the workspace. Nothing in it is trusted yet.

    Of a file from outside only the envelope is there until :meth:`check_body` was called.

    :ivar source: the path as typed, for messages. :ivar path: where its bytes are read from.
    """

    def __init__(self, source: Path, path: Path, stream: IO[bytes]) -> None:
        self.source = source
        self.path = path
        self._stream: IO[bytes] | None = stream
        self._start = stream.read(PREAMBLE + MAX_ENVELOPE)
        self.envelope: Envelope = split(self._start)
        self._sums = ("", 0, "")

    def check_body(self, body: Body) -> str:
        """Compare the body with what the verified header says. The first time, it is read and copied.

        :returns: SHA-256 of the whole file, in hex.
        :raises MalformedError: cut off, longer or altered. No more is read than the header says.
        """
        first = self._stream is not None
        if first:
            self.scan(body.length)
        check_body(body, self.body_length, self.body_sha256)
        if first:
            note(f"took a file in: {self.envelope.length + self.body_length:,} bytes, SHA-256 {self.sha256}")
        return self.sha256

    @property
    def sha256(self) -> str:
        """Of the whole file, in hex; known once its body was checked."""
        self._expect_scanned()
        return self._sums[0]

    @property
    def body_length(self) -> int:
        """In bytes; known once the body was checked."""
        self._expect_scanned()
        return self._sums[1]

    @property
    def body_sha256(self) -> str:
        """In hex; known once the body was checked."""
        self._expect_scanned()
        return self._sums[2]

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

    def scan(self, most: int) -> None:
        """Read the body, and copy the file to where its bytes are to be read from, unless it lies there.

        :param most: bytes of the body after which reading ends, one more at most.
        """
        assert self._stream is not None  # it is read once
        whole, body = hashlib.sha256(), hashlib.sha256()
        elsewhere = self.path != self.source
        copy = os.fdopen(open_new(self.path, PRIVATE), "wb") if elsewhere else None
        with self._stream, copy or nullcontext():
            piece, place = self._start, -self.envelope.length
            while piece and place <= most:
                whole.update(piece)
                body.update(piece[max(0, -place) :])
                if copy:
                    copy.write(piece)
                place += len(piece)
                piece = self._stream.read(min(_PIECE, max(1, most + 1 - place)))
        self._sums = (whole.hexdigest(), place, body.hexdigest())
        self._stream, self._start = None, b""

    def _expect_scanned(self) -> None:
        if self._stream is not None:
            raise ValueError("the body was not checked yet")

    def _read_from(self, place: int) -> Iterator[bytes]:
        self._expect_scanned()
        with self.path.open("rb") as stream:
            stream.seek(place)
            while piece := stream.read(_PIECE):
                yield piece


@contextmanager
def take_in(source: Path, inbox: Path) -> Iterator[Received]:
    """Read the envelope of ``source``; its copy in the folder ``inbox`` goes when the block ends.

    Errors of the block name ``source`` unless they name another file.

    :raises AbsentFileError: the file is not there.
    :raises StrangeFileError: it is no regular file, or no file of privxray.
    :raises MalformedError: its envelope is damaged.
    """
    with about(source), hold(source, inbox) as received:
        yield received


@contextmanager
def hold(source: Path, inbox: Path) -> Iterator[Received]:
    """As :func:`take_in`, for a block that is about other files, too: its errors don't name ``source``.

    :raises PrivxrayError: as :func:`take_in`; these do.
    """
    make_private_folder(inbox)
    path = inbox / f".{secrets.token_hex(8)}.tmp"
    try:
        with ExitStack() as stack:
            with about(source):
                received = Received(source, path, stack.enter_context(_opened(source)))
            yield received
    finally:
        path.unlink(missing_ok=True)


def read_again(path: Path) -> Received:
    """Look at a file where it lies, without copying it.

    :raises MalformedError: it is damaged, or larger than any.
    """
    with about(path), _opened(path) as stream:
        received = Received(path, path, stream)
        received.scan(MAX_BODY)
        if received.body_length > MAX_BODY:
            raise MalformedError(
                "the file is larger than any privxray file",
                reason="file.too-large",
                advice="Check that the right file was carried",
            )
        return received


def envelope_of(path: Path, *, follow_links: bool = True) -> Envelope:
    """The envelope of a file; its body is not read.

    :param follow_links: whether a link to a file is taken for it.
    :raises AbsentFileError: the file is not there.
    :raises StrangeFileError: it is no regular file, or no file of privxray.
    :raises MalformedError: its envelope is damaged.
    """
    with about(path), _opened(path, follow_links=follow_links) as stream:
        preamble = stream.read(PREAMBLE)
        return split(preamble + stream.read(min(stated_length(preamble), MAX_ENVELOPE)))


def _opened(path: Path, *, follow_links: bool = True) -> IO[bytes]:
    try:
        return open_regular(path, follow_links=follow_links)
    except FileNotFoundError:
        raise AbsentFileError(
            "there is no such file", reason="file.absent", file=path, advice="Check the path"
        ) from None
    except NotRegularError:
        raise StrangeFileError(
            "this is not a file, but a pipe, a socket or a device",
            reason="file.not-regular",
            file=path,
            advice="Take it away, or name the file that you want",
        ) from None
    except IsADirectoryError:
        raise StrangeFileError(
            "this is a folder, not a file",
            reason="file.folder",
            file=path,
            advice="Name the file in it that you want",
        ) from None
