"""The csv that says whose copy is whose: columns ``original`` and ``copy``, a Patient ID in each.

Tested in tests/unit/test_deid_comparing.py.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path, PurePath
from typing import Final

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_whole
from privxray.errors import MalformedError
from privxray.naming.public_names import public_name

_COLUMNS: Final = ("original", "copy")


def read_crosswalk(path: Path) -> dict[str, str]:
    """The original's Patient ID by the copy's.

    :raises MalformedError: it can't be read, has other columns, or gives one copy's patient two originals.
        No message holds a value of it.
    """
    try:
        text = read_whole(path).decode("utf-8-sig")
    except (UnreadFileError, UnicodeDecodeError):
        raise _malformed(
            "the crosswalk can't be read as a csv in UTF-8", path, reason="crosswalk.unreadable"
        ) from None
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",", strict=True)
    found: dict[str, str] = {}
    try:
        names = [name.strip().lower() for name in rows.fieldnames or ()]
        if sorted(names) != sorted(_COLUMNS):
            raise _malformed(
                "the crosswalk needs the columns original and copy", path, reason="crosswalk.columns"
            )
        rows.fieldnames = names
        for row in rows:
            original, copy = ((row[name] or "").strip() for name in _COLUMNS)
            if None in row or not original or not copy:
                what = f"row {rows.line_num} of the crosswalk does not hold two Patient IDs"
                raise _malformed(what, path, reason="crosswalk.row")
            if found.setdefault(copy, original) != original:
                what = f"row {rows.line_num} of the crosswalk gives a patient of the copies a second original"
                raise _malformed(what, path, reason="crosswalk.second-original")
    except csv.Error:
        raise _malformed(
            "the crosswalk can't be read as a csv in UTF-8", path, reason="crosswalk.unreadable"
        ) from None
    return found


def _malformed(what: str, path: Path, *, reason: str) -> MalformedError:
    shown = public_name(PurePath(path.name), 0)
    return MalformedError(
        what,
        reason=reason,
        file=shown if shown == path.name else "the crosswalk",
        advice="The first line is original,copy; each other line holds the Patient ID of an original and "
        "that of its copies",
    )
