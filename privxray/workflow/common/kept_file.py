"""Travelling files that a workspace keeps: read again, and held against what was verified when they came."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from privxray.errors import MalformedError, about
from privxray.exchange.intake import read_again
from privxray.formats.header import Header

H = TypeVar("H", bound=Header)


def read_kept(path: Path, digest: str, kind: type[H]) -> tuple[H, bytes]:
    """Header and body of a kept file; the caller remembers the digest of the header that was verified.

    :param digest: SHA-256 of the signed header, in hex.
    :raises AbsentFileError: the file is gone.
    :raises MalformedError: it is not the file that was verified.
    """
    with about(path):
        received = read_again(path)
        header = received.envelope.claim(kind)
        if received.envelope.digest != digest:
            raise MalformedError(
                f"this is not the {header.kind} that was verified here",
                reason="workspace.kept-file-altered",
                advice="Restore it from a backup (privxray help backup)",
            )
        received.check_body(header.body)
        return header, received.body()
