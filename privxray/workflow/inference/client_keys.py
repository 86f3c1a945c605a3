"""What a hospital keeps under its passphrase for encrypted inference: its CKKS key, and images' names."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.errors import MalformedError, WorkspaceError, about
from privxray.inference import parameters, wire
from privxray.keys.identity import Identity
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.inference_state import Asked

if TYPE_CHECKING:
    from privxray.inference.client import KeySet
    from privxray.inference.scheme import Scheme


def own_keys(workspace: Workspace, identity: Identity, features: int, *, make: bool) -> tuple[KeySet, Scheme]:
    """This hospital's CKKS keys; the secret one rests under the passphrase.

    :param make: make them if there are none yet.
    :raises WorkspaceError: there are none.
    """
    from privxray.inference.client import KeySet, make_keys
    from privxray.inference.scheme import Scheme

    scheme = Scheme()
    secret_path = workspace.inference / f"ckks-{features}.key"
    evaluation_path = workspace.inference / f"ckks-{features}.public"
    if not secret_path.exists() and not make:
        raise WorkspaceError("the key of this query is gone", file=secret_path, advice="Restore a backup")
    if not secret_path.exists():
        made = make_keys(scheme, features)
        make_private_folder(workspace.inference)
        write_atomic(evaluation_path, made.evaluation, overwrite=True)
        # Last, for its presence says that both are there; it holds the hash of the other.
        plain = hashlib.sha256(made.evaluation).digest() + wire.to_bytes(made.secret)
        write_atomic(secret_path, _seal_local(identity, "inference key", plain))
    with about(secret_path):
        plain = _open_local(identity, "inference key", secret_path.read_bytes())
        evaluation = evaluation_path.read_bytes()
        if hashlib.sha256(evaluation).digest() != plain[:32]:
            raise MalformedError("the evaluation keys beside it are damaged", advice="Restore a backup")
        secret = np.frombuffer(plain[32:], "<u8").reshape(-1, parameters.DEGREE)
        return KeySet(secret, evaluation), scheme


def seal_names(identity: Identity, digest: str, names: Sequence[str]) -> bytes:
    return _seal_local(identity, f"inference names {digest}", json.dumps(names).encode())


def open_names(identity: Identity, row: Asked) -> list[str]:
    names: list[str] = json.loads(_open_local(identity, f"inference names {row.digest}", row.names))
    return names


def _seal_local(identity: Identity, purpose: str, plain: bytes) -> bytes:
    # A random nonce, for a counter would repeat where an old copy of the workspace is restored.
    nonce = os.urandom(12)
    return nonce + ChaCha20Poly1305(identity.storage_key(purpose)).encrypt(nonce, plain, None)


def _open_local(identity: Identity, purpose: str, sealed: bytes) -> bytes:
    try:
        return ChaCha20Poly1305(identity.storage_key(purpose)).decrypt(sealed[:12], sealed[12:], None)
    except (InvalidTag, ValueError):
        raise MalformedError("what this workspace keeps is damaged", advice="Restore a backup") from None
