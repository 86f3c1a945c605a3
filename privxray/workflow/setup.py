"""Making a workspace, and a hospital's cards."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.atomic import make_private_folder, write_atomic
from privxray.errors import RefusedError
from privxray.keys import keyfile
from privxray.keys.card import write_card
from privxray.keys.identity import Identity
from privxray.keys.maskkey import MaskStatement, state_mask_key
from privxray.state import MaskKey, State
from privxray.workflow.common import SOFTWARE, Passphrase, deliver, now, unlock
from privxray.workspace import CONFIG, Config, Workspace

DEFAULT_BUDGET = 10.0
DEFAULT_DELTA = 1e-5


def init_coordinator(
    root: Path, study: str, passphrase: Passphrase, *, name: str = "coordinator"
) -> Workspace:
    """Make a coordinator's workspace; it serves one study.

    :raises RefusedError: there is a workspace already.
    """
    return _init(root, Config(role="coordinator", name=name, study=study), passphrase, None)


def init_hospital(
    root: Path,
    name: str,
    passphrase: Passphrase,
    *,
    study: str | None = None,
    budget: float | None = None,
    delta: float = DEFAULT_DELTA,
) -> Workspace:
    """Make a hospital's workspace, its ledger and its first card.

    :param study: bind the card to a study's name; without it the card fits any one study.
    :param budget: the hospital's lifetime limit, as epsilon at ``delta``; where it is None, 10, or what an
        earlier ledger in this folder says.
    :raises RefusedError: there is a workspace already, also in a folder above, for a workspace inside another
        would be a second budget for the same patients; or an earlier ledger has another limit.
    """
    config = Config(role="hospital", name=name)
    if _only_the_card_is_missing(root, config):
        workspace = Workspace(root, config)
    else:
        workspace = _init(root, config, passphrase, (budget, delta))
    fresh_card(workspace, passphrase, study=study)
    return workspace


def fresh_card(workspace: Workspace, passphrase: Passphrase, *, study: str | None = None) -> Path:
    """Write a card with a new mask key over the last one; an earlier card stays good until a plan uses it."""
    workspace.require("hospital", "card")
    identity = unlock(workspace, passphrase)
    with workspace.locked(), State(workspace.state_path) as state:
        with state.transaction():
            mask = new_mask_key(state, identity, study)
        card = write_card(identity, name=workspace.config.name, mask=mask, created=now(), software=SOFTWARE)
        deliver(card, workspace.card_path, force=True)
    return workspace.card_path


def new_mask_key(state: State, identity: Identity, study: str | None) -> MaskStatement:
    """Make a mask key, keep its private half under the identity's storage key, and state its public half."""
    private = X25519PrivateKey.generate()
    number = max((key.number for key in state.mask_keys()), default=0) + 1
    statement = state_mask_key(private, study, number, identity.signing)
    # A random nonce, for a counter would repeat where an old copy of the workspace is restored.
    nonce = os.urandom(12)
    cipher = ChaCha20Poly1305(identity.storage_key("mask keys"))
    sealed = nonce + cipher.encrypt(nonce, private.private_bytes_raw(), None)
    state.add_mask_key(MaskKey(number, study, statement.key, sealed, None))
    return statement


def open_mask_key(key: MaskKey, identity: Identity) -> X25519PrivateKey:
    """The private half of a mask key.

    :raises RefusedError: it is used up.
    """
    if key.sealed is None:
        raise RefusedError("the mask key of this round is used up", advice="Type: privxray status")
    cipher = ChaCha20Poly1305(identity.storage_key("mask keys"))
    return X25519PrivateKey.from_private_bytes(cipher.decrypt(key.sealed[:12], key.sealed[12:], None))


def _only_the_card_is_missing(root: Path, config: Config) -> bool:
    """Whether an earlier ``init`` of the same hospital was cut off after its last step but one."""
    if not (root / CONFIG).exists():
        return False
    workspace = Workspace.find(root)
    if workspace.config != config or workspace.card_path.exists():
        return False
    with State(workspace.state_path) as state:
        return not state.rounds()


def _init(
    root: Path, config: Config, passphrase: Passphrase, budget: tuple[float | None, float] | None
) -> Workspace:
    if (root / CONFIG).exists():
        raise RefusedError("there is a workspace here already", file=root, advice="Type: privxray status")
    above = next((folder for folder in root.resolve().parents if (folder / CONFIG).exists()), None)
    if above:
        raise RefusedError("this folder lies inside another workspace", file=above, advice="Take one outside")
    workspace = Workspace(root, config)
    make_private_folder(root)
    with workspace.locked():
        for folder in (workspace.identity_path.parent, workspace.updates, workspace.models):
            make_private_folder(folder)
        with State(workspace.state_path) as state:
            if state.in_use():
                raise RefusedError(
                    f"this was a workspace and its {CONFIG} is gone",
                    file=root,
                    advice="Restore it from a backup",
                )
        # No key of an init that did not end has left, so its remains are overwritten.
        identity = Identity.generate()
        locked = keyfile.lock(identity.secret(), passphrase())
        write_atomic(workspace.identity_path, locked, overwrite=True)
        public = identity.public().model_dump_json().encode()
        write_atomic(workspace.identity_path.with_suffix(".pub"), public, overwrite=True)
        if budget is not None:
            _ensure_ledger(workspace.ledger_path, *budget)
        return Workspace.create(root, config)


def _ensure_ledger(path: Path, budget: float | None, delta: float) -> None:
    """Make the ledger, or keep one that is there: what was spent on these patients stays spent."""
    from privxray.privacy.ledger import Ledger

    if not path.exists():
        Ledger.create(path, DEFAULT_BUDGET if budget is None else budget, delta)
        return
    kept = Ledger.open(path)
    if budget not in (None, kept.epsilon_limit):
        raise RefusedError(
            f"an earlier ledger is here, and its lifetime limit is {kept.epsilon_limit:g}",
            file=path,
            advice="Leave --budget away; a limit is set once for these patients",
        )
