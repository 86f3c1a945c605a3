"""Reading the cards that parties sent.

Tested in tests/cli/test_bad_input.py and tests/cli/test_rounds.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from privxray.errors import STATUS_SAYS, RefusedError
from privxray.exchange.intake import take_in
from privxray.keys.card import CardHeader, read_card
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workspace.session import Session


def read_cards(session: Session, paths: Sequence[Path]) -> list[CardHeader]:
    """Verify cards of parties of the coordinator's study.

    :raises RefusedError: a card of another study.
    :raises IdentityError: a card that its owner has not signed.
    """
    study = session.workspace.own_study
    cards = []
    for path in paths:
        with take_in(path, session.workspace.inbox) as received:
            card = read_card(received.envelope)
            expect_not_revoked(session.state, card.sender)
            received.check_body(card.body)
            if card.study not in (None, study):
                raise RefusedError(
                    "this card was made for another study",
                    reason="card.other-study",
                    advice=f"Ask for: privxray card --study {study}",
                )
            cards.append(card)
    return cards


def check_unused(session: Session, cards: Sequence[CardHeader]) -> None:
    """Check that no key serves twice.

    :raises RefusedError: a card carries a key that an earlier plan named.
    """
    used = session.state.used_round_keys()
    for card in cards:
        before = next((used[key] for key in card.round_keys if key in used), None)
        if before is not None:
            raise RefusedError(
                f"the card of {card.name} carries a key that round {before} used",
                reason="card.used-before",
                advice=f"For another plan, {card.name} makes a fresh one (privxray card). {STATUS_SAYS}",
            )
