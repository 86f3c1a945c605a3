"""``card --candidacy``: the keys of whoever would go on with a study, for those who vote.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import PrivxrayError
from privxray.exchange.intake import envelope_of
from privxray.keys.key_words import party_words
from privxray.keys.succession.candidacy import read_candidacy, write_candidacy
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working


@dataclass(frozen=True)
class Candidacy:
    """The file, and the key words that its maker reads out to the hospitals."""

    path: Path
    key_words: str


def make_candidacy(workspace: Workspace, passphrase: Passphrase) -> Candidacy:
    """Write this workspace's candidacy for its study; one that lies there already is left."""
    workspace.require("coordinator", "card --candidacy")
    path = workspace.root / f"{workspace.config.name}.candidacy"
    keys = public_keys(workspace)
    with working(workspace) as session:
        try:
            there = read_candidacy(envelope_of(path)).keys == keys
        except (PrivxrayError, OSError):
            there = False
        if not there:
            identity = unlock(workspace, passphrase)
            send(session.state, write_candidacy(identity, session.name, workspace.own_study, stamp()), path)
    return Candidacy(path, party_words(workspace.config.name, keys))
