"""Cards that lie at a coordinator for its next plan, and how the command names them.

Tested in tests/cli/test_coordinator_lost.py and tests/cli/test_many_rounds.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import PrivxrayError
from privxray.exchange.intake import envelope_of
from privxray.keys.card import CardHeader, read_card
from privxray.workspace.drop_folder import dropped
from privxray.workspace.session import Session

FOLDER = "cards"
"""Where a coordinator collects cards."""

_MOST = 200
"""Cards of one folder that are looked at; anybody may put files into the drop folder."""


@dataclass(frozen=True)
class FreshCards:
    """Cards that the next plan can take, one of each party.

    :param words: how ``plan`` is given all of them, as seen from the workspace.
    """

    cards: tuple[CardHeader, ...]
    words: tuple[str, ...]


def fresh_cards(session: Session) -> FreshCards:
    """Look through the folder of cards and the drop folder."""
    found: dict[str, CardHeader] = {}
    words: list[str] = []
    used = session.state.used_round_keys().keys()
    for folder in (session.root / FOLDER, session.workspace.incoming):
        listed = dropped(folder, ("card",), _MOST)
        names = []
        for path in (one.path for one in listed.files):
            card = _card(path)
            fits = card is not None and card.study in (None, session.workspace.own_study)
            if card is not None and fits and card.sender not in found and not used & card.round_keys:
                found[card.sender] = card
                names.append(path.name)
        pattern = bool(names) and len(names) == len(listed.files) and not listed.passed_over
        words += [f"{folder.name}/{name}" for name in (["*.card"] if pattern else names)]
    return FreshCards(tuple(found.values()), tuple(words))


def _card(path: Path) -> CardHeader | None:
    """A card; None where the file is none, or is not signed by its maker."""
    try:
        return read_card(envelope_of(path))
    except (PrivxrayError, OSError):
        return None
