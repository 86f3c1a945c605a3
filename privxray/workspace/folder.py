"""The workspace: one folder that holds all that a hospital, a coordinator or a trustee has.

::

    privxray.yaml     role and name; its presence makes the folder a workspace
    keys/             identity.key, under the passphrase
    state.db          keys of one round, studies and rounds
    ledger.db         hospital: the privacy budget's book, one for all studies
    data/             hospital: the checked data set
    plans/            private copies of plans that were verified
    rounds/           hospital: the training results of an open round, encrypted under keys in state.db;
                      coordinator: the updates that an open round has taken in;
                      everybody: the exact bytes of files that left
    incoming/         a drop folder: files that came and that no command has taken yet
    updates/          hospital: its exported updates; coordinator: the updates that it collects
    models/           global models
    extractors/       feature extractors out of files, each named by its SHA-256
    audits/           hospital: reports of audits on its own patients, and audits that are not finished
    log/              which commands were typed when, and how they ended
    reports/          hospital: the pages of its trainings; coordinator: those of its study
    inference/        encrypted inference: keys, offers and answers that are kept
    offers/, queries/, answers/   encrypted inference: files to carry away

Files and folders are created private. Files that are meant to leave (cards, plans, updates, models) can be
read by other accounts, so that another account can copy them to a stick.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from privxray.errors import RefusedError, WorkspaceError
from privxray.system import locks, names
from privxray.workspace.atomic import make_private_folder, sweep, write_atomic
from privxray.workspace.config import CONFIG, Config, Role, read_config
from privxray.workspace.trusted_folder import expect_trusted


class Workspace:
    """An existing workspace, found and validated."""

    def __init__(self, root: Path, config: Config) -> None:
        self.root = names.long_path(root)
        self.config = config

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """The workspace that ``start`` lies in, looking from there upwards.

        :raises WorkspaceError: there is none.
        :raises RefusedError: another account controls it, or a folder above it; nothing in it was read.
        :raises MalformedError: its ``privxray.yaml`` can't be read.
        """
        start = names.long_path(start.resolve())
        for folder in (start, *start.parents):
            if (folder / CONFIG).is_file():
                expect_trusted(folder, named=folder == start)
                return cls(folder, read_config(folder / CONFIG))
        raise WorkspaceError(
            "this folder is not in a privxray workspace",
            reason="workspace.none",
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
        """Check that a command is typed in the right workspace.

        :param role: whose workspace the command belongs in.
        :raises WorkspaceError: this is another party's.
        """
        roles = (role,) if isinstance(role, str) else role
        if self.config.role not in roles:
            raise WorkspaceError(
                f"`privxray {command}` belongs in a {' or '.join(roles)}'s workspace, and this is a "
                f"{self.config.role}'s",
                reason="workspace.other-role",
                file=self.root,
                advice="Go to the right folder, or name it with -C DIR",
            )

    @property
    def own_study(self) -> str:
        """The study that a coordinator's workspace serves. :raises ValueError: this is another party's."""
        if self.config.study is None:
            raise ValueError("only a coordinator's workspace serves one study")
        return self.config.study

    @property
    def identity_path(self) -> Path:
        """The private keys, under the passphrase. The public ones lie beside it, as ``.pub``."""
        return self.root / "keys" / "identity.key"

    @property
    def state_path(self) -> Path:
        """What the workspace remembers between commands, see :mod:`privxray.workspace.state`."""
        return self.root / "state.db"

    @property
    def ledger_path(self) -> Path:
        """The privacy ledger of a hospital, see :mod:`privxray.privacy.ledger`."""
        return self.root / "ledger.db"

    @property
    def lock_path(self) -> Path:
        """What a command that changes the workspace holds locked."""
        return self.root / ".lock"

    @property
    def data(self) -> Path:
        """The data set of a hospital, and the manifest of its de-identified copies."""
        return self.root / "data"

    @property
    def card_path(self) -> Path:
        """The card of a hospital or a trustee."""
        return self.root / f"{self.config.name}.card"

    @property
    def candidacy_path(self) -> Path:
        """The file by which hospitals vote for this coordinator."""
        return self.root / f"{self.config.name}.candidacy"

    @property
    def incoming(self) -> Path:
        """The drop folder, for files that come in. A workspace of an earlier version has none."""
        return self.root / "incoming"

    @property
    def updates(self) -> Path:
        """Where a hospital exports to, and where a coordinator collects."""
        return self.root / "updates"

    @property
    def models(self) -> Path:
        """Global models."""
        return self.root / "models"

    @property
    def inference(self) -> Path:
        """What encrypted inference keeps."""
        return self.root / "inference"

    @property
    def audits(self) -> Path:
        """Audits on own patients."""
        return self.root / "audits"

    @property
    def reports(self) -> Path:
        """Pages for people: a hospital's are private and stay, a coordinator's may be passed on."""
        return self.root / "reports"

    @property
    def extractors(self) -> Path:
        """Feature extractors out of files, each as ``SHA256.onnx``."""
        return self.root / "extractors"

    @property
    def inbox(self) -> Path:
        """Where files that come in are copied to before they are verified."""
        return self.root / "inbox"

    def plan_copy(self, study: str, number: int) -> Path:
        """The private, verified copy of a plan."""
        return self.root / "plans" / f"{study}-{number:04d}.plan"

    def model_copy(self, study: str, number: int) -> Path:
        """The global model of a round: as a hospital accepted it, or as this coordinator signed it."""
        if self.config.role == "coordinator":
            return self.round_folder(study, number) / "global.model"
        return self.models / f"{study}-{number:04d}.model"

    def summary_copy(self, study: str, number: int) -> Path:
        """The summary of a round: as it was accepted, or as this coordinator signed it."""
        return self.round_folder(study, number) / "round.summary"

    def own_file(self, study: str, number: int, kind: str) -> str:
        """The name of this party's file of a round, such as ``hospital-a-pneumonia-0001.enc``.

        It names the study, so that the files of two studies can lie in one folder.
        """
        return f"{self.config.name}-{study}-{number:04d}.{kind}"

    def round_folder(self, study: str, number: int) -> Path:
        """What belongs to a round: a hospital's results until they are exported, and files that left."""
        return self.root / "rounds" / f"{study}-{number:04d}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let only one command at a time change this workspace.

        The operating system drops the lock when the process ends, so a crash leaves no lock behind.

        :raises RefusedError: another command is running.
        """
        make_private_folder(self.root)
        with self._exclusively():
            self._sweep()
            yield

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(locks.exclusive(self.lock_path))
            except locks.LockedError:
                raise RefusedError(
                    "another privxray command is at work in this workspace",
                    reason="workspace.busy",
                    file=self.root,
                    advice="Wait until it ends, then type the command again",
                ) from None
            yield

    def _sweep(self) -> None:
        """Remove half-written files of an interrupted command. The lock is held, so no command is running."""
        for folder in (
            self.root,
            self.updates,
            self.models,
            self.inbox,
            self.audits,
            self.reports,
            self.extractors,
            self.root / "plans",
            self.root / "keys",
            self.inference,
            *(self.inference / part for part in ("offers", "answers", "keys")),
            *(self.root / part for part in ("offers", "queries", "answers")),
        ):
            if folder.is_dir():
                sweep(folder)
        sweep(self.root / "rounds", below=True)
