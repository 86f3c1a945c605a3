"""Whom an owner and a hospital trust: parties whose key words were compared by phone, once.

The members of a study that was joined here are among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from privxray.errors import IdentityError, RefusedError, UsageError
from privxray.keys.identity import PublicKeys
from privxray.keys.key_words import party_words, same_words, slip_in
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working
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
    expect_not_revoked(state, keys.fingerprint)
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


def forget_party(workspace: Workspace, name: str) -> None:
    """Forget that a party's key words were compared: they are asked for again, and its offers are forgotten.

    :raises UsageError: no party of this name was compared outside a study.
    :raises RefusedError: the same keys are a party's of a study here, whose key words were compared there.
    """
    with working(workspace) as session:
        state = session.state
        found = [PublicKeys.model_validate_json(keys) for other, keys in state.parties() if other == name]
        if not found:
            raise UsageError(
                f"no key words of a party called {name[:40]} were compared here for encrypted inference",
                reason="party.unknown",
                advice="Check the name; privxray inspect FILE says whose an offer or a query is",
            )
        with state.transaction():
            for keys in found:
                state.distrust_party(keys.fingerprint)
        left = {keys.fingerprint for _, keys in known_parties(workspace, state)}
        if any(keys.fingerprint in left for keys in found):
            raise RefusedError(
                f"{name} is a party of a study here with the same keys, so its key words still count",
                reason="party.of-a-study",
                advice="To refuse its key altogether, take in its revocation: privxray distrust FILE",
            )
