"""The files that the shards of a job write: encrypted lines of JSON, under the job's key.

::

    privxray part 1                       what it is
    {"files":1000,"format":1,...}         the header, one line of canonical JSON, see :class:`PartHeader`
    the body                              lines of JSON in chunks of STREAM (:mod:`privxray.formats.stream`)

The key of the body is derived from the job's key, a fresh salt, and the header itself. So a header that was
changed opens nothing, and no key serves two bodies. What the header says is readable by anybody: numbers of
files and shards, and keyed digests. All that was read in an image is in the body.

A reader goes through the whole body once before it hands out the first line, so that nobody acts on a file
that was cut off. A chunk is in memory at a time, and between two chunks the file is closed: a merge of a
thousand parts opens one at a time. Tested in tests/unit/test_shards.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from privxray.errors import AbsentFileError, MalformedError, RefusedError, StrangeFileError, about
from privxray.formats import canonical, stream
from privxray.system.regular_files import open_regular
from privxray.version import __version__
from privxray.workflow.shards.job_key import JobKey
from privxray.workspace.atomic import atomic_file

MAGIC: Final = b"privxray part 1\n"
_MOST_HEADER: Final = 4096

PartKind: TypeAlias = Literal["terms", "all terms", "result", "copy terms", "all copy terms", "copies"]
"""What a part holds; which command writes it: ``docs/COMMANDS.md``."""

WRITTEN_BY: Final[dict[str, str]] = {
    "terms": "check terms --shard",
    "all terms": "check terms --merge",
    "result": "check --shard",
    "copy terms": "deidentify terms --shard",
    "all copy terms": "deidentify terms --merge",
    "copies": "deidentify --shard",
}
"""The command that writes each kind."""


@dataclass(frozen=True, slots=True)
class PartHeader:
    """What anybody may read of a part. All digests are keyed, and 32 hex digits long.

    :ivar job: of the key. :ivar shard: which; 0 where it was made of all. :ivar shards: how many there are.
    :ivar files: in all shards together. :ivar skipped: how many files of the folders are no images.
    :ivar listed: digest of the list of files. :ivar state: of sizes and times of the shard's own files.
    :ivar options: digest of what was typed. :ivar after: digest of the part that was made before this one.
    :ivar version: of privxray, whose rules may differ.
    """

    kind: PartKind
    job: str
    shard: int
    shards: int
    files: int
    skipped: int
    listed: str
    state: str
    options: str
    after: str = ""
    version: str = __version__
    salt: str = ""

    def fits(self, other: PartHeader) -> bool:
        """Whether both say the same, but for the salt."""
        return replace(self, salt="") == replace(other, salt="")


_TYPES: Final = {
    name: int if str(kind) == "int" else str for name, kind in PartHeader.__annotations__.items()
}


def write_part(path: Path, header: PartHeader, key: JobKey, lines: Iterable[Any], *, force: bool) -> None:
    """Write a part, whole or not at all.

    :param lines: JSON, a line each. :param force: replace a file that is there.
    :raises RefusedError: a file is there.
    """
    _sweep(path)
    head = canonical.encode({"format": 1, **asdict(replace(header, salt=os.urandom(16).hex()))}) + b"\n"
    pieces = (json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n" for line in lines)
    with atomic_file(path, overwrite=force) as out:
        out.write(MAGIC + head)
        out.writelines(stream.seal(_body_key(key, head), pieces))


def is_there(path: Path, header: PartHeader, key: JobKey) -> bool:
    """Whether a whole part with this header is there already, as after a job that was started twice.

    :raises RefusedError: another file is there.
    """
    _sweep(path)
    if not os.path.lexists(path):
        return False
    with suppress(MalformedError, RefusedError, AbsentFileError):
        there = Part(path, key)
        if there.header.fits(header):
            return True
    raise RefusedError(
        "another file of this name is there",
        reason="part.name-taken",
        file="the file that --out names",  # its own name may identify somebody
        advice="Choose another name, or type --force",
    )


def _sweep(path: Path) -> None:
    """Delete what a process that was killed has left of this part; other parts may be under way beside it."""
    for leftover in path.parent.glob(".*.tmp"):
        if leftover.name.startswith(f".{path.name}."):
            with suppress(FileNotFoundError):
                leftover.unlink()


class Part:
    """A part that was read to its end once, and is whole.

    :raises AbsentFileError: it can't be read. :raises StrangeFileError: it is none.
    :raises RefusedError: it belongs to another job.
    :raises MalformedError: it is damaged.
    """

    def __init__(self, path: Path, key: JobKey) -> None:
        self.path = path
        self.name = str(path)
        with about(self.name):
            self.header, self._start, head = _read_header(path)
            if self.header.job != key.job:
                raise RefusedError(
                    "this part belongs to another job, with another key",
                    reason="part.other-job",
                    advice="Name the parts of one job, and the key that they were made with",
                )
            self._key = _body_key(key, head)
            for _ in self._opened():
                pass

    def lines(self) -> Iterator[Any]:
        """The lines of its body, as JSON.

        :raises MalformedError: the file was changed since.
        """
        with about(self.name):
            half = b""
            for chunk in self._opened():
                *whole, half = (half + chunk).split(b"\n")
                yield from map(json.loads, whole)

    def _opened(self) -> Iterator[bytes]:
        try:
            yield from stream.unseal(self._key, self._sealed())
        except MalformedError:
            raise MalformedError(
                "this part is damaged or was changed",
                reason="part.damaged",
                advice="Delete the file, and type the command of its shard again",
            ) from None

    def _sealed(self) -> Iterator[bytes]:
        at, size = self._start, stream.CHUNK + stream.TAG
        while True:
            try:
                with open_regular(self.path) as file:
                    file.seek(at)
                    chunk = file.read(size)
            except OSError as error:
                raise _unread(error) from None
            yield chunk
            at += len(chunk)
            if len(chunk) < size:
                return


def _body_key(key: JobKey, head: bytes) -> bytes:
    return key.derived("body", head)


def _read_header(path: Path) -> tuple[PartHeader, int, bytes]:
    """The header, where the body begins, and the bytes of the header."""
    try:
        with open_regular(path) as file:
            data = file.read(len(MAGIC) + _MOST_HEADER)
    except OSError as error:
        raise _unread(error) from None
    head, newline, _ = data.removeprefix(MAGIC).partition(b"\n")
    if not data.startswith(MAGIC):
        raise StrangeFileError(
            "this is not a part of a job",
            reason="part.strange",
            advice="Name the files that --out has named",
        )
    value = canonical.decode(head, "the header of this part", reason="part.header")
    if not newline or not isinstance(value, dict) or value.pop("format", None) != 1:
        raise _bad_header()
    if {name: type(field) for name, field in value.items()} != _TYPES or value["kind"] not in WRITTEN_BY:
        raise _bad_header()
    return PartHeader(**value), len(MAGIC) + len(head) + 1, head + b"\n"


def _bad_header() -> MalformedError:
    return MalformedError(
        "the header of this part is damaged, or of another version of privxray",
        reason="part.header",
        advice="Delete the file, and type the command of its shard again",
    )


def _unread(error: OSError) -> AbsentFileError:
    return AbsentFileError(
        f"this part can't be read ({error.strerror})", reason="part.unread", advice="Check the path"
    )
