"""``card --candidacy``: the keys of whoever would go on with a study, for those who vote.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import PrivxrayError
from privxray.exchange.intake import envelope_of
from privxray.formats.container import Envelope
from privxray.keys.identity import PublicKeys
from privxray.keys.key_words import party_words
from privxray.keys.succession.candidacy import read_candidacy, write_candidacy
from privxray.keys.succession.last_day import DEFAULT_DAYS, Day, day_after, is_past
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp, today
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working


@dataclass(frozen=True)
class Candidacy:
    """The file, the key words that its maker reads out, and the last day on which votes for it count."""

    path: Path
    key_words: str
    until: Day


def make_candidacy(workspace: Workspace, passphrase: Passphrase, days: int | None = None) -> Candidacy:
    """Write this workspace's candidacy for its study; one that lies there and still counts is left.

    :param days: for how many days from today votes for it count, at most
        :data:`~privxray.keys.succession.last_day.MOST_DAYS`. By default
        :data:`~privxray.keys.succession.last_day.DEFAULT_DAYS`, or as the one says that lies there.
    """
    workspace.require("coordinator", "card --candidacy")
    path = workspace.candidacy_path
    keys, day = public_keys(workspace), today()
    with working(workspace) as session:
        own = _own(path, keys)
        there = _last_day(own)
        until = day_after(day, days or DEFAULT_DAYS)
        if there is not None and days is None and not is_past(there, day):
            until = there
        if until != there:
            identity = unlock(workspace, passphrase)
            data = write_candidacy(identity, session.name, workspace.own_study, until, stamp())
            send(session.state, data, path, force=own is not None)
    return Candidacy(path, party_words(workspace.config.name, keys), until)


def _own(path: Path, keys: PublicKeys) -> Envelope | None:
    """A candidacy that names this key as its signer, if one lies there, whatever else it says."""
    try:
        found = envelope_of(path)
    except (PrivxrayError, OSError):
        return None
    return found if (found.kind, found.key_id) == ("candidacy", keys.fingerprint) else None


def _last_day(own: Envelope | None) -> Day | None:
    """The last day of a candidacy; None for one that is damaged, or of an earlier version."""
    if own is not None:
        with suppress(PrivxrayError):
            return read_candidacy(own).until
    return None
