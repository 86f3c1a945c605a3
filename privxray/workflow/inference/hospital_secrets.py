"""What a hospital keeps under its passphrase for encrypted inference: its CKKS key, and its images' names."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.errors import MalformedError, WorkspaceError, about
from privxray.inference import parameters, wire
from privxray.keys.identity import Identity
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.inference_tables import Asked

if TYPE_CHECKING:
    from privxray.inference.hospital_side import HospitalKeys
    from privxray.inference.scheme import Scheme

_NONCE_BYTES = 12
_DIGEST_BYTES = 32
_BACKUP = "Restore it from a backup (privxray help backup)"


def ensure_keys(workspace: Workspace, identity: Identity, scheme: Scheme, features: int) -> HospitalKeys:
    """The hospital's CKKS keys for ``features`` features; they are made if there are none yet.

    :raises MalformedError: what is kept is damaged.
    """
    from privxray.inference.hospital_side import make_keys

    secret_path, public_path = _paths(workspace, features)
    if not secret_path.exists():
        made = make_keys(scheme, features)
        make_private_folder(workspace.inference)
        write_atomic(public_path, made.evaluation, overwrite=True)
        # The secret comes last: once it is there, both are. It holds the other's digest.
        plain = hashlib.sha256(made.evaluation).digest() + wire.to_bytes(made.secret)
        write_atomic(secret_path, _seal_local(identity, "inference key", plain))
    return load_keys(workspace, identity, features)


def load_keys(workspace: Workspace, identity: Identity, features: int) -> HospitalKeys:
    """The hospital's CKKS keys for ``features`` features.

    :raises WorkspaceError: there are none.
    :raises MalformedError: what is kept is damaged.
    """
    from privxray.inference.hospital_side import HospitalKeys

    secret_path, public_path = _paths(workspace, features)
    if not secret_path.exists():
        raise WorkspaceError(
            "the key that opens this answer is missing",
            reason="inference.key-missing",
            file=secret_path,
            advice=_BACKUP,
        )
    with about(secret_path):
        plain = _open_local(identity, "inference key", secret_path.read_bytes())
    evaluation = public_path.read_bytes()
    if hashlib.sha256(evaluation).digest() != plain[:_DIGEST_BYTES]:
        raise MalformedError(
            "these are not the evaluation keys that were made here",
            reason="inference.public-keys-altered",
            file=public_path,
            advice=_BACKUP,
        )
    secret = np.frombuffer(plain[_DIGEST_BYTES:], "<u8").reshape(-1, parameters.DEGREE)
    return HospitalKeys(secret, evaluation)


def seal_names(identity: Identity, digest: str, names: Sequence[str]) -> bytes:
    """The names of a query's images, sealed; only :func:`open_names` reads them.

    :param digest: of the query's signed header, in hex.
    """
    return _seal_local(identity, f"inference names {digest}", json.dumps(names).encode())


def open_names(identity: Identity, row: Asked) -> list[str]:
    """The names of a query's images.

    :raises MalformedError: what is kept is damaged.
    """
    names: list[str] = json.loads(_open_local(identity, f"inference names {row.digest}", row.names))
    return names


def _paths(workspace: Workspace, features: int) -> tuple[Path, Path]:
    """Where the secret key and the evaluation keys lie."""
    folder = workspace.inference
    return folder / f"ckks-{features}.key", folder / f"ckks-{features}.public"


def _seal_local(identity: Identity, purpose: str, plain: bytes) -> bytes:
    # A random nonce, for a counter would repeat where an old copy of the workspace is restored.
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + ChaCha20Poly1305(identity.storage_key(purpose)).encrypt(nonce, plain, None)


def _open_local(identity: Identity, purpose: str, sealed: bytes) -> bytes:
    nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return ChaCha20Poly1305(identity.storage_key(purpose)).decrypt(nonce, body, None)
    except (InvalidTag, ValueError):
        raise MalformedError(
            "what this workspace keeps for encrypted inference is damaged",
            reason="inference.secrets-damaged",
            advice=_BACKUP,
        ) from None
