"""What the attacker of an audit sees: every noisy answer of a training, for each of them is paid for."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from privxray.privacy.releases import ReleaseStore


class KeptAnswers(ReleaseStore):
    """A store that also keeps the answers which training needs no more."""

    def discard_before(self, index: int) -> None:
        """Keep them: the attacker has seen them."""

    def answer(self, index: int) -> dict[str, NDArray[Any]]:
        """Answer number ``index`` of a training that has ended.

        :raises LookupError: the training has no answer of that number.
        """
        found = self.load(index)
        if found is None:
            raise LookupError(f"the training saved no answer {index}")
        return found
