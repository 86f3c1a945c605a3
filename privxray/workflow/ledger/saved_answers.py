"""The state as the witness of a run's saved answers; see :mod:`privxray.privacy.releases`.

Tested in tests/cli/test_dp_sgd.py and tests/cli/test_audit.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.workspace.state import State


@dataclass(frozen=True)
class SavedAnswers:
    """How many noisy answers a run has saved.

    :param study: as the ledger names it.
    :param number: of the run in that study.
    :param advice: what to do where an answer that was saved is gone.
    """

    state: State
    study: str
    number: int
    advice: str

    def saved(self) -> int:
        """See :class:`~privxray.privacy.releases.Witness`."""
        return self.state.saved_releases(self.study, self.number)

    def remember(self, count: int) -> None:
        """See :class:`~privxray.privacy.releases.Witness`."""
        self.state.remember_saved_releases(self.study, self.number, count)

    def note_loss(self) -> None:
        """See :class:`~privxray.privacy.releases.Witness`."""
        self.state.note_lost_release(self.study, self.number)
