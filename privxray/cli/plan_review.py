"""What a person sees of a plan, and is asked about it, before it is followed.

Tested in tests/cli/test_terminal.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.cli.output import tell
from privxray.cli.plan_view import show_plan, tell_remarks
from privxray.cli.prompts import key_words

if TYPE_CHECKING:
    from privxray.exchange.messages.plan import PlanHeader


_TRIES = 3
"""How often key words are asked for at a terminal, where those that were typed look like a slip."""


class PlanReview:
    """Shows a plan once, whether its key words are asked for or not, so that no change goes unseen.

    :param words: the key words, if they were given with the command.
    :param constants: show the plan's constants and keys as well.
    """

    def __init__(self, words: str | None, *, as_json: bool, constants: bool) -> None:
        self._words = key_words(words)
        self._constants = constants
        self._asks = words is None
        self._as_json = as_json
        self._shown = False
        self._told = False

    def ask(self, shown: PlanHeader, changes: tuple[str, ...]) -> str:
        """Show a plan, then ask for the key words that belong to it; or take those that were typed.

        :raises UsageError: they were not given, and there is no terminal to ask at.
        """
        from privxray.keys.key_words import same_words, slip_in

        if not self._asks:  # whoever typed them sees the plan once they fit, and what is new in any case
            self._tell(changes)
            return self._words()
        self.show(shown, changes)
        for _ in range(_TRIES - 1):
            typed = self._words()
            expected = shown.roster.key_words(shown.study_name, shown.coordinator)
            if same_words(typed, expected):
                return typed
            slip = slip_in(typed, expected)
            if slip is None:
                return typed  # other words are no slip, and nobody should try until some fit
            tell(f"{slip}.")
        return self._words()

    def show(self, shown: PlanHeader, changes: tuple[str, ...]) -> None:
        """Show a plan, unless it was shown already.

        :param changes: in words, what is not as in the plan before.
        """
        if self._shown:
            return
        self._shown = True
        if self._as_json:
            tell_remarks(shown)
            self._tell(changes)
        else:
            show_plan(shown, changes, constants=self._constants)

    def _tell(self, changes: tuple[str, ...]) -> None:
        """Tell what is not as in the plan before, once."""
        if not self._told:
            for change in changes:
                tell(f"Changed since the last plan: {change}.")
        self._told = True
