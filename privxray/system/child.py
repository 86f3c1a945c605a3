"""What a child process is told of its surroundings. Tested in tests/unit/test_inference_sandbox.py."""

from __future__ import annotations

import os
import sys

_KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
)


def environment(**more: str) -> dict[str, str]:
    """The variables with which a child finds the same packages; none of them leads to a passphrase.

    :param more: further ones.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | more
