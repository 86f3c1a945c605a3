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
                    file=_public(pattern),
                    advice="Check the folder and the pattern",
                )
        found.update(dict.fromkeys(map(Path, matches)))
    return list(found)


def _public(pattern: Path) -> str:
    """A pattern, if none of its parts could identify somebody."""
    plain = Path(str(pattern).replace("*", ""))
    neutral = not plain.is_absolute() and all(lone_name(Path(part)) == part for part in plain.parts)
    return pattern.as_posix() if neutral else "a pattern whose name may identify somebody"


def expand_images(patterns: Sequence[Path]) -> list[Path]:
    """Image arguments: files, patterns, and folders, of which all images count, also in folders below.

    :raises UsageError: a pattern that fits no file, or a folder without an image.
    """
    from privxray.deid.sources.selection import select

    found: list[Path] = []
    for path in expand(patterns):
        if not path.is_dir():
            found.append(path)
            continue
        inside = [file.path for file in select([path]).files if not file.inside and not file.trouble]
        if not inside:
            raise UsageError(
                "there is no image in this folder",
                reason="images.none-in-folder",
                file=lone_name(path, "a folder"),
                advice="Name DICOM, JPEG or PNG files, or a folder that holds some",
            )
        found += inside
    return list(dict.fromkeys(found))
