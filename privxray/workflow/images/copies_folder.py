"""The folder of copies of ``deidentify``: where it may be, whose it is, and whether its copies are whole."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from privxray.deid.cleaning.copies.manifest import Entry, Manifest
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.sources.source_file import SourceFile
from privxray.errors import RefusedError
from privxray.system.regular_files import open_regular
from privxray.workspace.atomic import make_private_folder, sweep
from privxray.workspace.folder import Workspace

_RESERVED = ("data", "keys", "plans", "rounds", "updates", "models", "inbox", "incoming")
_ELSEWHERE = "Name an empty folder in another place; privxray makes one that does not exist"
_CHANGED_SOURCE = "it has changed since an earlier run made its copy; name a new folder for the copies"
_CHANGED_COPY = "its copy is not what an earlier run wrote; name a new folder for the copies"


def expect_apart(workspace: Workspace | None, source: Path, dest: Path) -> None:
    """Make sure that neither folder lies in the other, however they are spelled or linked.

    :param workspace: None on a machine that has none.
    :param source: of the originals; where they are one file, that file. :param dest: of the copies.
    :raises RefusedError: one lies in the other, or ``dest`` is one of the workspace's own folders, or a file.
    """
    inner, outer = Path(os.path.realpath(dest)), Path(os.path.realpath(source))
    if _lies_in(inner, outer) or _lies_in(outer, inner):
        raise RefusedError(
            "of the folder of originals and the folder of copies, one lies in the other",
            reason="copies.folder-in-folder",
            file=dest,
            advice=_ELSEWHERE,
        )
    if workspace is not None and _is_of(Path(os.path.realpath(workspace.root)), inner):
        raise RefusedError(
            "this folder is the workspace's own",
            reason="copies.folder-of-workspace",
            file=dest,
            advice=_ELSEWHERE,
        )
    if inner.exists() and not inner.is_dir():
        raise RefusedError(
            "the copies need a folder, and this is a file",
            reason="copies.folder-is-a-file",
            file=dest,
            advice=_ELSEWHERE,
        )


def _is_of(root: Path, inner: Path) -> bool:
    return inner == root or any(_lies_in(inner, root / name) for name in _RESERVED)


def _lies_in(inner: Path, outer: Path) -> bool:
    """Whether ``outer`` is the same place as ``inner`` or as a folder above it; by inode too, for mounts."""
    return any(
        folder == outer or (folder.exists() and outer.exists() and folder.samefile(outer))
        for folder in (inner, *inner.parents)
    )


def open_copies(manifest: Manifest, dest: Path, settings: str, *, filled: bool = False) -> None:
    """Make the folder of copies, or go on with one that this workspace has made.

    :param settings: a digest of everything besides its source that decides how a copy looks.
    :param filled: copies of other machines are there already.
    :raises RefusedError: it holds other files, or copies that were made in another way.
    """
    known = manifest.settings_of(dest)
    if known is None and not filled and dest.is_dir() and any(dest.iterdir()):
        raise RefusedError(
            "this folder is not empty, and its files are not copies that this workspace has made",
            reason="copies.folder-not-empty",
            file=dest,
            advice=_ELSEWHERE,
        )
    if known is not None and known != settings:
        raise RefusedError(
            "the copies in this folder were made with another profile, other options or an earlier version",
            reason="copies.other-settings",
            file=dest,
            advice="Name a new folder. Or, if only the options differ, type the command as it was typed then",
        )
    make_private_folder(dest)
    manifest.begin(dest, settings)
    for folder in (dest, *dest.glob("*/"), *dest.glob("*/*/")):
        sweep(folder)


def problem_of_copy(manifest: Manifest, dest: Path, source: SourceFile, entry: Entry) -> str:
    """Why the copy that an earlier run made can't stand for its source; empty where it can.

    :param entry: what the manifest has of the source; it has a copy.
    """
    try:
        now = source.stamp()
        if now != (entry.size, entry.changed):
            if hashlib.sha256(source.read()).hexdigest() != entry.source_sha256:
                return _CHANGED_SOURCE
            manifest.touch(dest, source, *now)
    except (OSError, UnreadFileError):
        return _CHANGED_SOURCE
    try:
        is_whole = digest_of(dest / (entry.result or "")) == entry.result_sha256
    except OSError:
        is_whole = False
    return "" if is_whole else _CHANGED_COPY


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
