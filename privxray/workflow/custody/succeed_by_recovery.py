"""``succeed --recovery``: a party that lost its keys comes back, and its recovery key says so.

It is typed in the new workspace. What it was is read from its old card, or from any plan that names it.

Tested in tests/cli/test_recovery.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privxray.errors import MalformedError, PrivxrayError, RefusedError, WrongKeyError
from privxray.exchange.admission.admit import admit_plan
from privxray.exchange.intake import Received, envelope_of, take_in
from privxray.formats.header import Fingerprint
from privxray.keys.card import CardHeader, read_card
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import Member, Trustee
from privxray.keys.succession.consent import Recovery, sign_consent
from privxray.keys.succession.recovery_key import key_of, public_of
from privxray.keys.succession.succession_file import read_succession, write_recovery
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working


@dataclass(frozen=True)
class Recovered:
    """What was written: the key that is given up, and the one that takes its place."""

    old: Fingerprint
    new: Fingerprint


def succeed_by_recovery(
    workspace: Workspace, source: Path, path: Path, words: str, passphrase: Passphrase
) -> Recovered:
    """Write the succession by which this workspace's keys take the place of those that are gone.

    :param source: the old card, or a plan that names the party.
    :param words: of the recovery key.
    :raises WrongKeyError: these are not the words of the recovery key that the card or the plan states.
    :raises RefusedError: the card is of another party or of this workspace, or another file of this name is
        there.
    """
    workspace.require(("hospital", "trustee"), "succeed --recovery")
    key = key_of(words)
    with working(workspace) as session, take_in(source, workspace.inbox) as received:
        before = _party(received, key)
        if (before.name, before.role) != (session.name, session.role):
            raise RefusedError(
                f"these words are of the {before.role} {before.name}, and this workspace is of the "
                f"{session.role} {session.name}",
                reason="succession.other-party",
                advice="Make the new workspace under the same name: privxray init",
            )
        own = public_keys(workspace)
        if before.keys.fingerprint == own.fingerprint:
            raise RefusedError(
                "this card is of this very workspace, whose keys are not gone",
                reason="succession.own-card",
                advice="Type it in the new workspace, which privxray init makes in another folder",
            )
    old = before.keys.fingerprint
    if not _is_there(path, old, own):
        identity = unlock(workspace, passphrase)
        consent = sign_consent(key, Recovery(old, own))
        with working(workspace) as session:
            send(session.state, write_recovery(identity, session.name, old, consent, stamp()), path)
    return Recovered(old, own.fingerprint)


def _party(received: Received, key: Ed25519PrivateKey) -> CardHeader | Member | Trustee:
    """The party as a card or a plan states it, whose recovery key this is.

    :raises WrongKeyError: nobody in it states this recovery key.
    :raises MalformedError: it is neither a card nor a plan.
    """
    parties: tuple[CardHeader | Member | Trustee, ...]
    if received.envelope.kind == "card":
        card = read_card(received.envelope)
        received.check_body(card.body)
        parties = (card,)
    elif received.envelope.kind == "plan":
        plan = admit_plan(received.envelope, None).plan
        received.check_body(plan.body)
        parties = plan.roster.parties
    else:
        raise MalformedError(
            f"this is a file of kind {received.envelope.kind}, and a card or a plan is needed here",
            reason="succession.other-source",
            advice="Ask the coordinator for your old card, or for the newest plan",
        )
    public = public_of(key)
    found = next((one for one in parties if one.recovery is not None and one.recovery.key == public), None)
    if found is None:
        raise WrongKeyError(
            "these words are not a recovery key that this file states",
            reason="succession.other-words",
            advice="Check the words, or ask the coordinator for a newer card or plan of this party",
        )
    return found


def _is_there(path: Path, old: Fingerprint, own: PublicKeys) -> bool:
    """Whether a first call has written the file: then it is left."""
    try:
        header = read_succession(envelope_of(path))
    except (PrivxrayError, OSError):
        return False
    return (header.old, header.keys, header.by) == (old, own, "recovery")
