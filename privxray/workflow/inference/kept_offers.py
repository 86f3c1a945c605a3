"""The offers that a workspace keeps: an owner's own, and those that a hospital took in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.inference.headers import OfferHeader
from privxray.workflow.common.kept_file import read_kept
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@dataclass(frozen=True)
class KeptOffer:
    """An offer that was verified and is kept here.

    :ivar digest: SHA-256 of its signed header, in hex: the name by which queries refer to it.
    :ivar body: the centre of the model's features, as safetensors.
    """

    digest: str
    header: OfferHeader
    body: bytes


def keep_offer(workspace: Workspace, state: State, data: bytes, digest: str, header: OfferHeader) -> None:
    """Keep a verified offer as the newest.

    :param data: the whole file.
    """
    path = _offer_path(workspace, digest)
    make_private_folder(path.parent)
    write_atomic(path, data, overwrite=True)
    with state.transaction():
        state.add_offer(digest, header.sender, header.model)


def load_offer(workspace: Workspace, digest: str) -> KeptOffer:
    """An offer that is kept.

    :raises AbsentFileError: the file is gone.
    :raises MalformedError: it is not the file that was verified.
    """
    return KeptOffer(digest, *read_kept(_offer_path(workspace, digest), digest, OfferHeader))


def offer_bytes(workspace: Workspace, digest: str) -> bytes:
    """The whole file of an offer that is kept; errors as :func:`load_offer`."""
    load_offer(workspace, digest)
    return _offer_path(workspace, digest).read_bytes()


def _offer_path(workspace: Workspace, digest: str) -> Path:
    return workspace.inference / "offers" / f"{digest}.offer"
