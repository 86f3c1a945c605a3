"""Unsealing keys: what shares are sealed to, one key for one round of one keyholder.

They are not the keyholder's long-lived sealing key, so that shares of a finished round can't be opened any
more by whoever steals that key later.
"""

from __future__ import annotations

from typing import ClassVar

from privxray.keys import sealing_keys
from privxray.keys.statement import Statement


class UnsealingStatement(Statement):
    """A keyholder's statement of the key of one round: base64 of 1,216 bytes, as a sealing key travels."""

    KIND: ClassVar[str] = "unsealing-key"

    def check_key(self) -> None:
        """:raises MalformedError: not a sealing key."""
        sealing_keys.parse(self.key)
