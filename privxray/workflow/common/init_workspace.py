"""Making a workspace, and the cards of hospitals and trustees."""

from __future__ import annotations

from pathlib import Path

from privxray.errors import RefusedError
from privxray.keys import keyfile
from privxray.keys.card import write_card
from privxray.keys.identity import Identity
from privxray.privacy.guarantee import Guarantee, require_epsilon
from privxray.workflow.common.new_round_keys import new_mask_key, new_unsealing_key
from privxray.workflow.common.session import Passphrase, deliver, stamp, unlock
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import CONFIG, Config, Workspace
from privxray.workspace.state import State

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
    if budget is not None:
        require_epsilon(budget)  # before anything is written
    config = Config(role="hospital", name=name)
    if _only_the_card_is_missing(root, config):
        workspace = Workspace(root, config)
    else:
        workspace = _init(root, config, passphrase, (budget, delta))
    fresh_card(workspace, passphrase, study=study)
    return workspace


def init_trustee(root: Path, name: str, passphrase: Passphrase, *, study: str | None = None) -> Workspace:
    """Make the workspace of a keyholder that holds no data, and its first card.

    :raises RefusedError: there is a workspace already.
    """
    config = Config(role="trustee", name=name)
    if _only_the_card_is_missing(root, config):
        workspace = Workspace(root, config)
    else:
        workspace = _init(root, config, passphrase, None)
    fresh_card(workspace, passphrase, study=study)
    return workspace


def fresh_card(workspace: Workspace, passphrase: Passphrase, *, study: str | None = None) -> Path:
    """Write a card with new keys for one round over the last one; an earlier card stays good until it is
    used.
    """
    workspace.require(("hospital", "trustee"), "card")
    identity = unlock(workspace, passphrase)
    with workspace.locked(), State(workspace.state_path) as state:
        with state.transaction():
            hospital = workspace.config.role == "hospital"
            mask = new_mask_key(state, identity, study) if hospital else None
            unsealing = new_unsealing_key(state, identity, study)
        card = write_card(
            identity,
            name=workspace.config.name,
            mask=mask,
            unsealing=unsealing,
            stamp=stamp(),
        )
        deliver(card, workspace.card_path, force=True)
    return workspace.card_path


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
        Ledger.create(path, Guarantee(DEFAULT_BUDGET if budget is None else budget, delta))
        return
    kept = Ledger.open(path)
    if budget not in (None, kept.limit.epsilon):
        raise RefusedError(
            f"an earlier ledger is here, and its lifetime limit is {kept.limit.epsilon:g}",
            file=path,
            advice="Leave --budget away; a limit is set once for these patients",
        )
