"""Statements of unsealing keys: what shares are sealed to. Each key serves one round of one keyholder.

They are not the keyholder's long-lived sealing key. So whoever steals that key later can't open the shares of
a finished round.
"""

from __future__ import annotations

from typing import ClassVar

from privxray.keys import sealing_keys
from privxray.keys.statement import Statement


class UnsealingStatement(Statement):
    """A keyholder's statement of the key of one round: base64 of 1,216 bytes, as a sealing key travels."""

    KIND: ClassVar[str] = "unsealing-key"

    def check_key(self) -> None:
        """Read it as a sealing key.

        :raises MalformedError: it is none.
        """
        sealing_keys.parse(self.key)
