"""The folder of results of ``deidentify``: where it may lie, whose it is, and whether they still stand."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from privxray.deid.cleaning.manifest import Entry, Manifest
from privxray.deid.cleaning.one_file import CHANGED
from privxray.errors import RefusedError
from privxray.workspace.atomic import make_private_folder, sweep
from privxray.workspace.folder import Workspace

_RESERVED = ("data", "keys", "plans", "rounds", "updates", "models", "inbox")
_ELSEWHERE = "Name an empty folder outside of it; privxray makes one that does not exist"


def expect_apart(workspace: Workspace, source: Path, dest: Path) -> None:
    """Refuse folders that lie in each other, however they are spelled or linked."""
    inner, outer = Path(os.path.realpath(dest)), Path(os.path.realpath(source))
    if _lies_in(inner, outer) or _lies_in(outer, inner):
        raise RefusedError("source and results lie in each other", file=dest, advice=_ELSEWHERE)
    root = Path(os.path.realpath(workspace.root))
    if inner == root or any(_lies_in(inner, root / name) for name in _RESERVED):
        raise RefusedError("this folder is the workspace's own", file=dest, advice=_ELSEWHERE)
    if inner.exists() and not inner.is_dir():
        raise RefusedError("the results need a folder, and this is a file", file=dest, advice=_ELSEWHERE)


def _lies_in(inner: Path, outer: Path) -> bool:
    """Is ``outer`` the same place as ``inner`` or as a folder above it? By inode too, for mounts."""
    for folder in (inner, *inner.parents):
        if folder == outer or (folder.exists() and outer.exists() and folder.samefile(outer)):
            return True
    return False


def open_dest(manifest: Manifest, dest: Path, settings: str) -> None:
    """Make the folder, or go on with one of this workspace.

    :param settings: digest of all that a result depends on beside its source.
    :raises RefusedError: it holds other things, or results that were made otherwise.
    """
    known = manifest.settings_of(dest)
    if known is None and dest.is_dir() and any(dest.iterdir()):
        raise RefusedError(
            "this folder is not empty, and holds no results of this workspace", file=dest, advice=_ELSEWHERE
        )
    if known is not None and known != settings:
        raise RefusedError(
            "the results in this folder were made with another profile or other options",
            file=dest,
            advice="Type the command as it was typed then, or name a new folder",
        )
    make_private_folder(dest)
    manifest.begin(dest, settings)
    for folder in (dest, *dest.glob("*/"), *dest.glob("*/*/")):
        sweep(folder)


def problem_of_result(manifest: Manifest, dest: Path, path: Path, entry: Entry) -> str:
    """Why an earlier result can't stand for a source, or nothing."""
    assert entry.result is not None
    try:
        now = path.stat()
        if (now.st_size, now.st_mtime_ns) != (entry.size, entry.changed):
            if digest_of(path) != entry.source_sha256:
                return CHANGED
            manifest.touch(dest, path, now.st_size, now.st_mtime_ns)
    except OSError:
        return CHANGED
    try:
        if digest_of(dest / entry.result) == entry.result_sha256:
            return ""
    except OSError:
        pass
    return "its result is no longer what was written; take a new folder for the results"


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
