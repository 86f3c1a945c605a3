"""``card --candidacy``: the keys of whoever would go on with a study, for those who vote.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import PrivxrayError
from privxray.exchange.intake import envelope_of
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
        there = _last_day(path, keys)
        until = day_after(day, days or DEFAULT_DAYS)
        if there is not None and days is None and not is_past(there, day):
            until = there
        if until != there:
            identity = unlock(workspace, passphrase)
            data = write_candidacy(identity, session.name, workspace.own_study, until, stamp())
            send(session.state, data, path, renews=True)
    return Candidacy(path, party_words(workspace.config.name, keys), until)


def _last_day(path: Path, keys: PublicKeys) -> Day | None:
    """The last day of this workspace's candidacy; None where none lies there, or one of an earlier time."""
    try:
        found = read_candidacy(envelope_of(path))
    except (PrivxrayError, OSError):
        return None
    return found.until if found.header.keys == keys else None
