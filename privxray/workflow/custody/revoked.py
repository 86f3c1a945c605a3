"""``revoke``, and ``succeed`` with the old key: a party gives its key up, and the others refuse it.

Each command that takes a file in, and each that makes or follows a plan, asks here.

Tested in tests/cli/test_revocation.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from privxray.errors import IdentityError, PrivxrayError, RefusedError
from privxray.exchange.intake import envelope_of, take_in
from privxray.formats.header import Fingerprint
from privxray.keys.card import read_card
from privxray.keys.identity import PublicKeys
from privxray.keys.revocation import Why, read_revocation, write_revocation
from privxray.keys.roster import Member, Trustee
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working
from privxray.workspace.state import State

BY_RECOVERY = "recovery"
BY_MEMBERS = "members"
"""Why a key counts no more that its own party did not revoke: a succession names another one."""

WORDS: dict[str, str] = {
    "lost": "its workspace was lost or stolen",
    "left": "the party has left",
    "replaced": "the party has other keys now",
    BY_RECOVERY: "its recovery key has named other keys",
    BY_MEMBERS: "hospitals have named another coordinator",
}


def revoke(workspace: Workspace, path: Path, why: Why, passphrase: Passphrase) -> Path:
    """Write this party's revocation; one that lies there already is left. In this workspace nothing changes.

    :raises RefusedError: another file of this name is there.
    """
    identity = unlock(workspace, passphrase)
    with working(workspace) as session:
        if _is_ours(
            path, identity.public().fingerprint, why
        ):  # a first call was cut off behind its last step
            return path
        send(session.state, write_revocation(identity, session.name, why, stamp()), path)
    return path


def succeed(workspace: Workspace, card: Path, path: Path, passphrase: Passphrase) -> PublicKeys:
    """Write this party's revocation, which names the keys of a card in place of its own.

    :returns: these keys.
    :raises RefusedError: the card is of another party, or another file of this name is there.
    :raises IdentityError: the card's own key has not signed it.
    """
    workspace.require(("hospital", "trustee"), "succeed")
    with working(workspace) as session, take_in(card, workspace.inbox) as received:
        new = read_card(received.envelope)
        received.check_body(new.body)
        if (new.name, new.role) != (session.name, session.role):
            raise RefusedError(
                f"this card is of the {new.role} {new.name}, and this workspace is of the {session.role} "
                f"{session.name}",
                reason="succession.other-party",
                advice="Make the new workspace under the same name: privxray init",
            )
        if new.sender == public_keys(workspace).fingerprint:
            raise RefusedError(
                "this card is of this very workspace",
                reason="succession.own-card",
                advice="Take the card of the new workspace, which privxray init makes in another folder",
            )
    identity = unlock(workspace, passphrase)
    with working(workspace) as session:
        if not _is_ours(path, identity.public().fingerprint, "replaced", new.keys):
            made = write_revocation(identity, session.name, "replaced", stamp(), successor=new.keys)
            send(session.state, made, path)
    return new.keys


def _is_ours(path: Path, own: Fingerprint, why: Why, successor: PublicKeys | None = None) -> bool:
    try:
        header = read_revocation(envelope_of(path))
    except (PrivxrayError, OSError):
        return False
    return (header.sender, header.why, header.successor) == (own, why, successor)


def expect_not_revoked(state: State, key: Fingerprint) -> None:
    """Check that a file's signer has not given its key up, and nobody else has its place.

    :raises IdentityError: it has, or somebody has.
    """
    found = state.revoked(key)
    if found is not None:
        name, why = found
        if why == BY_MEMBERS:
            raise IdentityError(
                f"hospitals of the study have named another coordinator in place of {name}, whose key signed "
                "this",
                reason="key.succeeded",
                advice=f"If {name} is there and objects, call it and the hospitals that voted before "
                f"you go on",
            )
        raise IdentityError(
            f"the key of {name} was revoked ({WORDS.get(why, why)})",
            reason="key.revoked",
            advice=f"Take nothing of this key; call {name}",
        )


def expect_none_revoked(state: State, parties: Iterable[Member | Trustee]) -> None:
    """Check that no party of a plan has given its key up.

    :raises RefusedError: one has.
    """
    for party in parties:
        if state.revoked(party.keys.fingerprint) is not None:
            raise RefusedError(
                f"the plan names {party.name}, whose key was revoked",
                reason="plan.revoked-party",
                advice=f"It has to be planned without it: privxray plan --continue --without {party.name}",
            )


def keys_of_one_party(state: State, key: Fingerprint) -> set[Fingerprint]:
    """A party's key and those that it stands for: its old keys, which named it or whose recovery key did.

    A coordinator whom hospitals named is another party.
    """
    successors = state.successors()
    found = {key}
    while (
        more := {old for old, (new, why) in successors.items() if new in found and why != BY_MEMBERS} - found
    ):
        found |= more
    return found
