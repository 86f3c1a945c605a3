"""Files that are typed by a pattern, where the shell has not expanded it."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from privxray.errors import UsageError
from privxray.naming.public_names import lone_name


def expand(patterns: Sequence[Path], *, none_is_fine: bool = False) -> list[Path]:
    """File arguments, patterns expanded here where the shell has not done it, without repeats.

    :param none_is_fine: for a command that says better itself what is missing.
    :raises UsageError: a pattern that fits no file.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        text = str(pattern)
        if pattern.exists() or not glob.has_magic(text):
            matches = [text]
        else:
            matches = sorted(glob.glob(text))  # noqa: PTH207 - a pattern may be absolute
            if not matches and not none_is_fine:
                raise UsageError(
                    "no file fits this pattern",
                    reason="file.no-match",
                    file=lone_name(pattern),
                    advice="Check the folder and the pattern",
                )
        found.update(dict.fromkeys(map(Path, matches)))
    return list(found)
