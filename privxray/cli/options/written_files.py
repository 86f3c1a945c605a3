"""Files that options name and that a command writes at its end. Tested in tests/cli/test_audit.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from privxray.errors import RefusedError, UsageError
from privxray.naming.public_names import lone_name


def require_free(files: Mapping[str, Path | None], *, force: bool) -> None:
    """Refuse, before an hour of work and not after it, what can't be written.

    :param files: by the option that names them; None where an option was not typed.
    :param force: replace files that exist.
    :raises UsageError: a folder is not there.
    :raises RefusedError: a file exists.
    """
    for option, path in files.items():
        if path is None:
            continue
        name = lone_name(path, f"the file that {option} names")  # its own name may identify somebody
        if not path.parent.is_dir():
            raise UsageError(
                f"its folder, {lone_name(path.parent, 'one')}, does not exist",
                reason="file.no-folder",
                file=name,
                advice="Make the folder, or name another file",
            )
        if path.exists() and not force:
            raise RefusedError(
                "it exists already",
                reason="file.exists",
                file=name,
                advice="Choose another name, or type --force",
            )
