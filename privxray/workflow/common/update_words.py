"""What an update can tell of a patient, and what it can't: ``inspect`` and the release record say the same.

Tested in tests/cli/test_exports.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.exchange.messages.update import UpdateHeader
from privxray.privacy.guarantee import Guarantee


@dataclass(frozen=True)
class UpdateWords:
    """Two sentences without full stops.

    :ivar can: what the file can tell of a patient at most. :ivar cannot: what stands in front of that.
    """

    can: str
    cannot: str

    def rows(self) -> tuple[tuple[str, str], ...]:
        """As lines of a table."""
        return (("can tell", self.can), ("can't tell", self.cannot))


def update_words(update: UpdateHeader, coordinator: str) -> UpdateWords:
    """The sentences about an update whose signature is good.

    :param coordinator: its name, as far as it is known.
    """
    spent = Guarantee(update.epsilon, update.delta)
    opened = "only the sum over all hospitals can be read"
    if update.dealt is not None:
        opened = "only a sum over several hospitals can be read, and only with the keyholders' help"
    bound = "; a commitment binds the hospital to these numbers and hides them" if update.commitment else ""
    if update.bound_proof:
        bound += "; a proof shows that they are within the bounds of the plan, and nothing else of them"
    return UpdateWords(
        f"of any one patient at most what {spent} allows, together with all that this hospital has released "
        f"in this study; it holds no image, no name and {_COUNTS[update.task or 'train']}",
        f"nobody but {coordinator} can decrypt it, and what is inside is masked: by itself it is random "
        f"numbers, and {opened}{bound}",
    )


_COUNTS = {
    "train": "no count of patients without noise",
    "describe": "no count of patients without noise",
    "evaluate": "no count of patients without noise",
    "agree": "no count of patients",
}
