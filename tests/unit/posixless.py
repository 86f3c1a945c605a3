"""A stand-in for a system without POSIX modules: import it first, or give it to pytest with ``-p posixless``.

``fcntl``, ``resource``, ``pwd`` and ``grp`` cannot be imported and ``os.fork`` is gone, as on Windows. Locks
are then of the other kind that filelock has.
"""

from __future__ import annotations

import os
import sys
import warnings

ABSENT = ("fcntl", "resource", "pwd", "grp")

for name in ABSENT:
    sys.modules[name] = None  # type: ignore[assignment]
for name in ("fork", "forkpty"):
    if hasattr(os, name):
        delattr(os, name)
warnings.filterwarnings("ignore", module="filelock")
