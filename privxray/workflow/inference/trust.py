"""Encrypted inference: what owner and hospital share. Who is trusted, and the offers that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import IdentityError, MalformedError, UsageError, about
from privxray.exchange.intake import read_again
from privxray.inference.headers import OfferHeader
from privxray.keys.identity import PublicKeys
from privxray.keys.party import party_words
from privxray.keys.roster import same_words
from privxray.workflow.common.session import load_plan
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

AskWords = Callable[[str], str]
"""Given a party's name, returns the twelve key words that a person typed."""

MIN_PREFIX = 8


@dataclass(frozen=True)
class KeptOffer:
    """An offer that was verified and is kept here; ``centre`` is its body, safetensors."""

    digest: str
    header: OfferHeader
    body: bytes


def known_parties(workspace: Workspace, state: State) -> Iterator[tuple[str, PublicKeys]]:
    """Whom key words were compared with, by name: in encrypted inference, or as the roster of a study."""
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
    """Go on only with a party whose key words were compared, asking for them the first time.

    :raises IdentityError: the words are others, or the party's signing key came with another name or sealing
        key.
    """
    parties = list(known_parties(workspace, state))
    known = [party for party in parties if party[1].fingerprint == keys.fingerprint]
    if (name, keys) in known:
        return
    if known:
        raise IdentityError(
            f"{known[0][0]} comes with another name or sealing key than before", advice="Call them"
        )
    namesake = any(other == name for other, _ in parties)
    shown = f"{name} (a name that is known here with another key)" if namesake else name
    if not same_words(ask_words(shown), party_words(name, keys)):
        raise IdentityError(
            f"these are not the key words of {name}",
            advice="Compare them by phone; somebody may have exchanged the file",
        )
    with state.transaction():
        state.trust_party(keys.fingerprint, name, keys.model_dump_json())


def keep_offer(workspace: Workspace, state: State, data: bytes, digest: str, header: OfferHeader) -> None:
    """Keep a verified offer as the newest."""
    path = _offer_path(workspace, digest)
    make_private_folder(path.parent)
    write_atomic(path, data, overwrite=True)
    with state.transaction():
        state.add_offer(digest, header.sender, header.model)


def load_offer(workspace: Workspace, digest: str) -> KeptOffer:
    """An offer that is kept.

    :raises MalformedError: the file is not the one that was verified.
    """
    path = _offer_path(workspace, digest)
    with about(path):
        received = read_again(path)
        header = received.envelope.claim(OfferHeader)
        if received.envelope.digest != digest:
            raise MalformedError("this is not the offer that was verified", advice="Restore a backup")
        received.check_body(header.body)
        return KeptOffer(digest, header, received.body())


def offer_bytes(workspace: Workspace, digest: str) -> bytes:
    """The whole file of an offer that is kept."""
    load_offer(workspace, digest)
    return _offer_path(workspace, digest).read_bytes()


def matches(model: str, wanted: str | None) -> bool:
    """Whether a model's fingerprint is, or begins with, the one that was typed."""
    return wanted is None or model.startswith(wanted.lower())


def check_fingerprint(wanted: str | None) -> None:
    """:raises UsageError: not the beginning of a fingerprint."""
    if wanted is not None and (
        len(wanted) < MIN_PREFIX or len(wanted) > 64 or set(wanted.lower()) - set("0123456789abcdef")
    ):
        raise UsageError(f"a model's fingerprint is given by its first {MIN_PREFIX} hex digits or more")


def _offer_path(workspace: Workspace, digest: str) -> Path:
    return workspace.inference / "offers" / f"{digest}.offer"
