"""The workspace: one folder that holds all that a hospital, a coordinator or a trustee has.

::

    privxray.yaml     role and name; its presence makes the folder a workspace
    keys/             identity.key, under the passphrase
    state.db          keys of one round, studies and rounds
    ledger.db         hospital: the privacy budget's book, one for all studies
    data/             hospital: the checked data set
    plans/            private copies of plans that were verified
    rounds/           hospital: the training results of an open round, encrypted under keys in state.db;
                      coordinator: what an open round has taken in; each: the exact bytes that left
    updates/          what a hospital exports and a coordinator collects
    models/           global models
    audits/           hospital: reports of audits on its own patients, and an audit that is not finished
    inference/        encrypted inference: keys, offers and answers that are kept
    offers/, queries/, answers/   its files that leave

Everything is created private. What is meant to leave (cards, plans, updates, models) is readable by others,
so that it can be copied to a stick by another account.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import yaml
from pydantic import ValidationError

from privxray.errors import MalformedError, RefusedError, WorkspaceError
from privxray.formats.header import Name, Strict
from privxray.workspace.atomic import make_private_folder, sweep, write_atomic

CONFIG = "privxray.yaml"
Role = Literal["hospital", "coordinator", "trustee"]


class Config(Strict):
    """The contents of ``privxray.yaml``. Only a coordinator's names a study: its workspace serves one."""

    format: Literal[1] = 1
    role: Role
    name: Name
    study: Name | None = None


class Workspace:
    """An existing workspace, found and validated."""

    def __init__(self, root: Path, config: Config) -> None:
        self.root = root
        self.config = config

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """The workspace that ``start`` lies in, looking from there upwards.

        :raises WorkspaceError: there is none.
        :raises MalformedError: its ``privxray.yaml`` can't be read.
        """
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG).is_file():
                return cls(folder, _load(folder / CONFIG))
        raise WorkspaceError(
            "this folder is not in a privxray workspace",
            file=start,
            advice="Go to one, name one with -C DIR, or make one: privxray init --role hospital --name NAME",
        )

    @classmethod
    def create(cls, root: Path, config: Config) -> Workspace:
        """Write ``privxray.yaml``, the last step of ``init``."""
        text = yaml.safe_dump(config.model_dump(exclude_none=True), sort_keys=False)
        write_atomic(root / CONFIG, text.encode())
        return cls(root, config)

    def require(self, role: Role | tuple[Role, ...], command: str) -> None:
        """:raises WorkspaceError: this workspace is not of this role, or of none of them."""
        roles = (role,) if isinstance(role, str) else role
        if self.config.role not in roles:
            raise WorkspaceError(
                f"`privxray {command}` belongs in a {' or '.join(roles)}'s workspace, and this is a "
                f"{self.config.role}'s",
                file=self.root,
                advice="Go to the right folder, or name it with -C DIR",
            )

    @property
    def identity_path(self) -> Path:
        return self.root / "keys" / "identity.key"

    @property
    def state_path(self) -> Path:
        return self.root / "state.db"

    @property
    def ledger_path(self) -> Path:
        return self.root / "ledger.db"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def card_path(self) -> Path:
        return self.root / f"{self.config.name}.card"

    @property
    def updates(self) -> Path:
        return self.root / "updates"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def inference(self) -> Path:
        return self.root / "inference"

    @property
    def audits(self) -> Path:
        return self.root / "audits"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    def plan_copy(self, study: str, number: int) -> Path:
        """The private, verified copy of a plan."""
        return self.root / "plans" / f"{study}-{number:04d}.plan"

    def round_folder(self, study: str, number: int) -> Path:
        """Where the training results of a round rest until they are exported."""
        return self.root / "rounds" / f"{study}-{number:04d}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one command at a time change this workspace.

        The lock dies with its process, so none is left over after a crash.

        :raises RefusedError: another command is running.
        """
        make_private_folder(self.root)
        descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RefusedError(
                    "another privxray command is at work in this workspace",
                    file=self.root,
                    advice="Wait until it ends",
                ) from None
            self._sweep()
            yield
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        """Remove what an interrupted command left half-written; the lock says that none is running."""
        for folder in (
            self.root,
            self.updates,
            self.models,
            self.inbox,
            self.audits,
            self.root / "plans",
            self.root / "keys",
            self.inference,
            *(self.inference / part for part in ("offers", "answers", "keys")),
            *(self.root / part for part in ("offers", "queries", "answers")),
        ):
            if folder.is_dir():
                sweep(folder)


def _load(path: Path) -> Config:
    try:
        return Config.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError):
        raise MalformedError(
            "this is not a workspace's configuration", file=path, advice="Restore it from a backup"
        ) from None
