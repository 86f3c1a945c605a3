"""What several steps share: the passphrase, which study is meant, and putting a file where it leaves from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from privxray.errors import MalformedError, RefusedError, UsageError, WorkspaceError, about
from privxray.exchange.intake import Received, read_again
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.formats.header import Stamp
from privxray.keys import keyfile
from privxray.keys.identity import Identity, PublicKeys
from privxray.version import __version__
from privxray.workspace.atomic import PUBLIC, sweep, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State

Passphrase = Callable[[], str]
"""Asked at most once a command, and only by one that signs or opens."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""

SOFTWARE = f"privxray {__version__}"


def now() -> str:
    """The time for a header's ``created``; nothing depends on it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp() -> Stamp:
    """What a file that is written now says of its making."""
    return Stamp(created=now(), software=SOFTWARE)


def unlock(workspace: Workspace, passphrase: Passphrase) -> Identity:
    """Open the workspace's identity.

    :raises WrongKeyError: the passphrase is wrong.
    """
    path = workspace.identity_path
    with about(path):
        return Identity.from_secret(keyfile.unlock(path.read_bytes(), passphrase()))


def public_keys(workspace: Workspace) -> PublicKeys:
    """The workspace's own public keys, which need no passphrase."""
    path = workspace.identity_path.with_suffix(".pub")
    with about(path):
        try:
            return PublicKeys.model_validate_json(path.read_bytes())
        except ValueError:
            raise MalformedError("the public keys are damaged", advice="Restore a backup") from None


def deliver(data: bytes, path: Path, *, force: bool = False) -> None:
    """Put finished bytes where they leave from; the same bytes there already are fine.

    :raises RefusedError: other bytes are there, and ``force`` is not set.
    """
    if path.exists() and path.read_bytes() == data:
        return
    if path.exists() and not force:
        raise RefusedError(
            "another file of this name is there", file=path, advice="Move it away, or replace it with --force"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data, mode=PUBLIC, overwrite=force)


def the_study(workspace: Workspace, state: State, wanted: str | None) -> str:
    """The study that a command without ``--study`` means.

    :raises UsageError: several are possible, or the one named is not joined.
    :raises WorkspaceError: none is joined yet.
    """
    studies = state.studies()
    if wanted is not None and wanted not in studies:
        raise UsageError(f"no study of this name is joined here (joined: {', '.join(studies) or 'none'})")
    if wanted is not None:
        return wanted
    if not studies:
        raise WorkspaceError(
            "no study is joined yet",
            file=workspace.root,
            advice="When the coordinator's plan has come, type: privxray join plan-0001.plan",
        )
    if len(studies) > 1:
        raise UsageError(f"several studies are joined: pick one with --study ({', '.join(studies)})")
    return studies[0]


def left_out(workspace: Workspace, state: State, round_: Round) -> bool:
    """Whether a round's sum is opened without this hospital, as its answer or the round's model here says.

    Once it has answered as a keyholder, its pairwise masks are open: only its self-mask would hide an update,
    and nobody would sum it. Where the model has come, training would be paid for nothing.
    """
    if round_.model is not None and round_.state.inside:
        return True
    survivors = state.survivors_of(round_.plan)
    return bool(survivors) and public_keys(workspace).fingerprint not in survivors


def too_late() -> RefusedError:
    """What to tell a hospital that is :func:`left_out`."""
    return RefusedError(
        "too late: the round's sum is opened without this hospital",
        advice="Wait for the next plan",
    )


def tidy(workspace: Workspace, state: State) -> None:
    """Remove training results whose key is gone: nobody can read them, and a crash may have left them."""
    rounds = state.rounds()
    needed = {(r.study, r.trained_in) for r in rounds if r.vector_key is not None}
    for round_ in rounds:
        folder = workspace.round_folder(round_.study, round_.number)
        if folder.is_dir():
            sweep(folder)
            if (round_.study, round_.number) not in needed:
                for part in ("steps", "vector"):
                    shutil.rmtree(folder / part, ignore_errors=True)


def load_plan(workspace: Workspace, round_: Round) -> PlanHeader:
    """The private copy of a round's plan.

    :raises MalformedError: it is not the file that was verified.
    """
    return read_plan(workspace, round_)[0]


def load_signed(workspace: Workspace, round_: Round) -> SignedPlan:
    """The private copy of a round's plan, with its hash.

    :raises MalformedError: it is not the file that was verified.
    """
    return SignedPlan(load_plan(workspace, round_), round_.plan)


def global_copy(workspace: Workspace, round_: Round) -> Path:
    """Where a coordinator keeps the exact bytes of a closed round's global model."""
    return workspace.round_folder(round_.study, round_.number) / "global.model"


def read_plan(workspace: Workspace, round_: Round) -> tuple[PlanHeader, Received]:
    """The private copy of a round's plan, and its file, whose body is the starting model."""
    path = workspace.plan_copy(round_.study, round_.number)
    with about(path):
        received = read_again(path)
        plan = received.envelope.claim(PlanHeader)
        if received.envelope.digest != round_.plan:
            raise MalformedError("this is not the plan that was verified", advice="Restore a backup")
        received.check_body(plan.body)
        return plan, received
