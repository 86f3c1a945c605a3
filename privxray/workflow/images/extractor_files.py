"""Feature extractors out of files: put into a workspace, found there, and described.

Tested in tests/cli/test_extractors.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import AbsentFileError, about
from privxray.imaging.extractors.file_extractor import Description, Reading, describe, read_file
from privxray.naming.public_names import lone_name
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace

_NAME = re.compile(r"([0-9a-f]{64})\.onnx")


@dataclass(frozen=True)
class Added:
    """A file that is in the workspace now. ``already``: it was there before."""

    description: Description
    path: Path
    already: bool


@dataclass(frozen=True)
class Kept:
    """A file in the workspace: its SHA-256 in hex, and its size in bytes."""

    sha256: str
    size: int


def describe_file(path: Path, reading: Reading = Reading()) -> Description:
    """What is in a file.

    :raises AbsentFileError: it can't be read.
    :raises MalformedError: it is no graph that is run.
    :raises SystemTroubleError: its process ended, or took too long.
    :raises UsageError: the extra ``extractor`` is not installed, or what was typed does not fit the graph.
    """
    return _described(path, reading)[1]


def add_extractor(workspace: Workspace, path: Path, reading: Reading = Reading()) -> Added:
    """Check a file, and put a copy into the workspace. Adding the same file again changes nothing.

    :raises AbsentFileError: it can't be read.
    :raises MalformedError: it is no graph that is run.
    :raises SystemTroubleError: its process ended, or took too long.
    :raises UsageError: the extra ``extractor`` is not installed, or what was typed does not fit the graph.
    """
    data, description = _described(path, reading)
    with workspace.locked():
        kept = workspace.extractors / f"{description.terms.sha256}.onnx"
        already = kept.is_file() and read_file(kept) == data
        if not already:
            make_private_folder(workspace.extractors)
            write_atomic(kept, data, overwrite=True)
    return Added(description, kept, already)


def kept_extractors(workspace: Workspace) -> list[Kept]:
    """The files in the workspace, by their digests."""
    return list(_kept(workspace.extractors))


def _kept(folder: Path) -> Iterator[Kept]:
    for path in sorted(folder.glob("*.onnx")):
        named = _NAME.fullmatch(path.name)
        if named:
            yield Kept(named[1], path.stat().st_size)


def _described(path: Path, reading: Reading) -> tuple[bytes, Description]:
    try:
        with about(lone_name(path)):
            data = read_file(path)
    except FileNotFoundError:
        raise AbsentFileError(
            "there is no such file", reason="file.absent", file=path, advice="Check the path"
        ) from None
    with about(lone_name(path)):
        return data, describe(data, reading)
