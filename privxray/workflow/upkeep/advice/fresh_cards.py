"""Cards that lie at a coordinator for its next plan, and how the command names them.

Tested in tests/cli/test_coordinator_lost.py and tests/cli/test_many_rounds.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import PrivxrayError
from privxray.exchange.intake import envelope_of
from privxray.keys.card import CardHeader, read_card
from privxray.workflow.coordinator.planning.read_cards import check_unused
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
    for folder in (session.root / FOLDER, session.workspace.incoming):
        files = [] if folder.is_symlink() else sorted(folder.glob("*.card"))[:_MOST]
        names = []
        for path in files:
            card = _fresh(session, path)
            if card is not None and card.sender not in found:
                found[card.sender] = card
                names.append(path.name)
        pattern = bool(names) and len(names) == len(files)
        words += [f"{folder.name}/{name}" for name in (["*.card"] if pattern else names)]
    return FreshCards(tuple(found.values()), tuple(words))


def _fresh(session: Session, path: Path) -> CardHeader | None:
    """A card; None where no further plan of this study can take it."""
    try:
        card = read_card(envelope_of(path))
        check_unused(session, [card])
    except (PrivxrayError, OSError):
        return None
    return card if card.study in (None, session.workspace.own_study) else None
