"""Whom an owner and a hospital trust: parties whose key words were compared by phone, once.

The members of a study that was joined here are among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from privxray.errors import IdentityError
from privxray.keys.identity import PublicKeys
from privxray.keys.key_words import party_words, same_words, slip_in
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.planned_round import load_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

AskWords = Callable[[str], str]
"""Given a party's name, returns the twelve key words that a person typed."""


@dataclass(frozen=True)
class Prompts:
    """What a command may ask a person for, each at most once and only when it is needed.

    :ivar words: asks for the key words of a party that is met for the first time.
    """

    passphrase: Passphrase
    words: AskWords


def known_parties(workspace: Workspace, state: State) -> Iterator[tuple[str, PublicKeys]]:
    """Name and keys of everybody whose key words were compared, for encrypted inference or in a study."""
    for name, keys in state.parties():
        yield name, PublicKeys.model_validate_json(keys)
    for round_ in state.rounds():
        plan = load_plan(workspace, round_)
        yield plan.coordinator_name, plan.coordinator
        for party in plan.roster.parties:
            yield party.name, party.keys


def ensure_trusted(
    workspace: Workspace, state: State, name: str, keys: PublicKeys, ask_words: AskWords
) -> None:
    """Go on only with a party whose key words were compared; the first time, ask for them.

    :raises IdentityError: the words that were typed are others, or the party's signing key came with another
        name or sealing key than before.
    """
    parties = list(known_parties(workspace, state))
    known = [party for party in parties if party[1].fingerprint == keys.fingerprint]
    if (name, keys) in known:
        return
    if known:
        raise IdentityError(
            f"its sender is known here as {known[0][0]}, and now has another name or sealing key",
            reason="party.changed",
            advice=f"Call {known[0][0]} before you go on",
        )
    namesake = any(other == name for other, _ in parties)
    shown = f"{name} (a name that is known here with another key)" if namesake else name
    typed, words = ask_words(shown), party_words(name, keys)
    if not same_words(typed, words):
        raise slip_in(typed, words) or IdentityError(
            f"these are not the key words of {name}",
            reason="party.wrong-words",
            advice="Compare them again by phone; if they still differ, somebody has exchanged the file",
        )
    with state.transaction():
        state.trust_party(keys.fingerprint, name, keys.model_dump_json())
