"""``init``: making a workspace, and with it a hospital's or trustee's first card.

Tested in tests/cli/test_crash.py and tests/cli/test_study.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import RefusedError
from privxray.keys import keyfile
from privxray.keys.brackets import USUAL_BRACKET, Bracket, advised_delta
from privxray.keys.identity import Identity
from privxray.privacy.guarantee import Guarantee, Promise, require_epsilon
from privxray.system.private_files import own_folder
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.fresh_card import fresh_card
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.config import CONFIG, Config
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking, working
from privxray.workspace.trusted_folder import expect_trusted

BeforeCard = Callable[[Workspace], object]
"""What is done in a new workspace before its card is written."""

DEFAULT_BUDGET = 10.0
DEFAULT_DELTA = 1e-5
"""The largest delta of a ledger whose maker named none."""


@dataclass(frozen=True)
class _Limit:
    """A hospital's lifetime limit, and the size that it states.

    ``epsilon`` None leaves it to an earlier ledger, or to the default. ``delta`` None is the one that is
    advised for the size.
    """

    epsilon: float | None
    delta: float | None
    patients: Bracket

    def guarantee(self) -> Guarantee:
        """The limit of a new ledger.

        :raises UsageError: a limit that no ledger of a hospital of this size can have.
        """
        epsilon = DEFAULT_BUDGET if self.epsilon is None else self.epsilon
        advised = min(DEFAULT_DELTA, advised_delta(self.patients))
        delta = advised if self.delta is None else self.delta
        Promise(delta, self.patients).require()
        return Guarantee(epsilon, delta)


def init_coordinator(
    root: Path, study: str, passphrase: Passphrase, *, name: str = "coordinator"
) -> Workspace:
    """Make a coordinator's workspace; it serves one study.

    :raises RefusedError: there is a workspace already.
    """
    return _init(root, Config(role="coordinator", name=name, study=study), passphrase)


def init_hospital(  # noqa: PLR0913 - the front door for programs keeps its names
    root: Path,
    name: str,
    passphrase: Passphrase,
    *,
    study: str | None = None,
    budget: float | None = None,
    delta: float | None = None,
    patients_up_to: Bracket = USUAL_BRACKET,
    before_card: BeforeCard | None = None,
) -> Workspace:
    """Make a hospital's workspace, its ledger and its first card.

    :param study: bind the card to a study's name; without it the card fits any one study.
    :param budget: the hospital's lifetime limit, as epsilon at ``delta``; None for 10, or for what an
        earlier ledger in this folder says.
    :param delta: None for the one that is advised for ``patients_up_to``, and at most 1e-5.
    :param patients_up_to: the size that the card states: at most so many patients.
    :param before_card: is called with the workspace before its card is written.
    :raises RefusedError: there is a workspace already, here or in a folder above: a workspace inside another
        would be a second budget for the same patients. Or an earlier ledger has another limit.
    :raises UsageError: a limit that no ledger can have.
    """
    if budget is not None:
        require_epsilon(budget)  # before anything is written
    limit = _Limit(budget, delta, patients_up_to)
    limit.guarantee()
    making = _Making(Config(role="hospital", name=name), limit, before_card)
    return _with_card(root, making, passphrase, study)


def init_trustee(
    root: Path,
    name: str,
    passphrase: Passphrase,
    *,
    study: str | None = None,
    before_card: BeforeCard | None = None,
) -> Workspace:
    """Make the workspace of a keyholder that holds no data, and its first card.

    :param before_card: see :func:`init_hospital`.
    :raises RefusedError: there is a workspace already.
    """
    making = _Making(Config(role="trustee", name=name), None, before_card)
    return _with_card(root, making, passphrase, study)


@dataclass(frozen=True)
class _Making:
    """Whose workspace is made, a hospital's limit, and what is done before its card is written."""

    config: Config
    limit: _Limit | None
    before_card: BeforeCard | None


def _with_card(root: Path, making: _Making, passphrase: Passphrase, study: str | None) -> Workspace:
    """A workspace and its card; where an earlier ``init`` was cut off right before the card, only that."""
    config, limit = making.config, making.limit
    if _only_the_card_is_missing(root, config):
        workspace = Workspace(root, config)
    else:
        workspace = _init(root, config, passphrase, limit)
    if making.before_card is not None:
        making.before_card(workspace)
    fresh_card(workspace, passphrase, study=study, patients_up_to=limit.patients if limit else None)
    return workspace


def _only_the_card_is_missing(root: Path, config: Config) -> bool:
    """Whether an earlier ``init`` of the same party was cut off after its last step but one."""
    if not (root / CONFIG).exists():
        return False
    workspace = Workspace.find(root)
    if workspace.config != config or workspace.card_path.exists():
        return False
    with looking(workspace) as session:
        return not session.state.rounds()


def _init(root: Path, config: Config, passphrase: Passphrase, limit: _Limit | None = None) -> Workspace:
    """Make the folder, the identity and a hospital's ledger; ``privxray.yaml`` comes last."""
    expect_free(root)
    workspace = Workspace(root, config)
    make_private_folder(root)
    own_folder(root)
    expect_trusted(root.resolve())
    with working(workspace) as session:
        for folder in (
            workspace.identity_path.parent,
            workspace.updates,
            workspace.models,
            workspace.incoming,
        ):
            make_private_folder(folder)
        if session.state.in_use():
            raise RefusedError(
                f"this was a workspace and its {CONFIG} is gone",
                reason="init.config-gone",
                file=root,
                advice=f"Restore {CONFIG} from a backup (privxray help backup)",
            )
        # No key of an init that did not end has left, so its remains are overwritten.
        identity = Identity.generate()
        locked = keyfile.lock(identity.secret(), passphrase())
        write_atomic(workspace.identity_path, locked, overwrite=True)
        public = identity.public().model_dump_json().encode()
        write_atomic(workspace.identity_path.with_suffix(".pub"), public, overwrite=True)
        if limit is not None:
            _ensure_ledger(workspace.ledger_path, limit)
        return Workspace.create(root, config)


def expect_free(root: Path) -> None:
    """Check that nothing is here. :raises RefusedError: a workspace is, or is in a folder above."""
    if (root / CONFIG).exists():
        raise RefusedError(
            "there is a workspace here already",
            reason="init.workspace-here",
            file=root,
            advice="privxray status says whose it is; make another one in a folder of its own",
        )
    above = next((folder for folder in root.resolve().parents if (folder / CONFIG).exists()), None)
    if above:
        raise RefusedError(
            "this folder lies inside another workspace",
            reason="init.inside-workspace",
            file=above,
            advice="Choose a folder outside of it",
        )


def _ensure_ledger(path: Path, limit: _Limit) -> None:
    """Make the ledger, or keep one that is there: what was spent on these patients stays spent."""
    from privxray.privacy.ledger import Ledger

    if not path.exists():
        Ledger.create(path, limit.guarantee())
        return
    kept = Ledger.open(path)
    if limit.epsilon not in (None, kept.limit.epsilon):
        raise RefusedError(
            f"an earlier ledger is here, and its lifetime limit is {kept.limit.epsilon:g}",
            reason="init.other-limit",
            file=path,
            advice="Leave --budget out; the limit is set once for these patients",
        )
