"""Values of patients out of a private file, a line each. Tested in tests/cli/test_crosswalk.py."""

from __future__ import annotations

from pathlib import Path

from privxray.errors import MalformedError, RefusedError, SystemTroubleError
from privxray.naming.public_names import lone_name
from privxray.system import private_files

_MOST = 10_000_000


def private_lines(path: Path) -> list[str]:
    """The lines of a file that are not empty, without blanks at their ends.

    :raises SystemTroubleError: it can't be read. :raises RefusedError: other accounts may read it.
    :raises MalformedError: it is not text in UTF-8.
    """
    name = lone_name(path)
    try:
        data, open_to_others = private_files.read_private(path, _MOST)
    except OSError as error:
        raise SystemTroubleError(
            f"this file can't be read ({error.strerror})",
            reason="private-lines.unread",
            file=name,
            advice="Check its path and its permissions",
        ) from None
    if open_to_others:
        raise RefusedError(
            "other accounts can read this file, and it names patients",
            reason="private-lines.open-to-others",
            file=name,
            advice=f"Type: {private_files.how_to_close('FILE', folder=False)}",
        )
    try:
        return [line.strip() for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise MalformedError(
            "this file is not UTF-8 text",
            reason="private-lines.not-text",
            file=name,
            advice="Save it as plain text in UTF-8, a value a line",
        ) from None
