"""How a step asks a person for something, and how it reports progress: by what its caller hands it.

Types alone: mypy tests them.
"""

from __future__ import annotations

from collections.abc import Callable

Passphrase = Callable[[], str]
"""Gives the passphrase. Called at most once a command, and only by one that signs or opens."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""
