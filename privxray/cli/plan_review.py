"""What a person sees of a plan, and is asked about it, before it is followed.

Tested in tests/cli/test_terminal.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.cli.output import tell
from privxray.cli.plan_view import show_plan
from privxray.cli.prompts import key_words

if TYPE_CHECKING:
    from privxray.exchange.messages.plan import PlanHeader


class PlanReview:
    """Shows a plan once, whether its key words are asked for or not, so that no change goes unseen.

    :param words: the key words, if they were given with the command.
    """

    def __init__(self, words: str | None, as_json: bool) -> None:
        self._words = key_words(words)
        self._as_json = as_json
        self._shown = False

    def ask(self, shown: PlanHeader, changes: tuple[str, ...]) -> str:
        """Show a plan, then get the key words that belong to it.

        :raises UsageError: they were not given, and there is no terminal to ask at.
        """
        self.show(shown, changes)
        return self._words()

    def show(self, shown: PlanHeader, changes: tuple[str, ...]) -> None:
        """Show a plan, unless it was shown already.

        :param changes: in words, what is not as in the plan before.
        """
        if self._shown:
            return
        self._shown = True
        if not self._as_json:
            show_plan(shown)
        for change in changes:
            tell(f"Changed since the last plan: {change}.")
