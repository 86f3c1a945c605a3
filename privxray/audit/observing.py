"""What the attacker of an audit sees: every noisy answer of a run, for each of them is paid for."""

from __future__ import annotations

from privxray.privacy.releases import ReleaseStore


class Observed(ReleaseStore):
    """A store that keeps the answers which training needs no more."""

    def discard_before(self, index: int) -> None:
        """Keep them: the attacker has seen them."""
