"""``card``: a hospital's or trustee's public keys, with new ones for a round.

Tested in tests/cli/test_crash.py and tests/cli/test_rounds.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from privxray.keys.brackets import Bracket
from privxray.keys.card import CardParts, write_card
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.new_round_keys import (
    new_encapsulation_key,
    new_mask_key,
    new_unsealing_key,
)
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.own_recovery import stated_recovery
from privxray.workflow.common.own_size import state_size
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working


def fresh_card(
    workspace: Workspace,
    passphrase: Passphrase,
    *,
    study: str | None = None,
    patients_up_to: Bracket | None = None,
    format_: Literal[1, 2] = 2,
) -> Path:
    """Write a card with new keys for one round in place of the last card.

    An earlier card that left stays good until a plan names its keys.

    :param study: bind the card to a study's name; without it the card fits any one study.
    :param patients_up_to: what a hospital states of its size; None for what it stated last, or else 1,000.
    :param format_: of the card; 1 for a coordinator whose version reads no other.
    """
    workspace.require(("hospital", "trustee"), "card")
    identity = unlock(workspace, passphrase)
    with working(workspace) as session:
        with session.state.transaction():
            mask = new_mask_key(session.state, identity, study) if session.role == "hospital" else None
            unsealing = new_unsealing_key(session.state, identity, study)
            size = state_size(session.state, identity, study, patients_up_to) if mask else None
            kem = new_encapsulation_key(session.state, identity, study) if mask and format_ > 1 else None
        recovery = stated_recovery(session.state)
        parts = CardParts(session.name, mask, unsealing, size, kem=kem, recovery=recovery)
        card = write_card(identity, parts, stamp(), format_=format_)
        send(session.state, card, workspace.card_path, force=True)
    return workspace.card_path
