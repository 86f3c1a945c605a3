"""What a hospital keeps of a query under its passphrase: what opens the answer, and images' names."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.errors import MalformedError
from privxray.keys.identity import Identity
from privxray.workspace.folder import Workspace
from privxray.workspace.state_tables.inference_tables import Asked

_NONCE_BYTES = 12
_BACKUP = "Restore it from a backup (privxray help backup)"


@dataclass(frozen=True, repr=False)
class QuerySecrets:
    """What is kept of one query.

    :ivar names: of its images, in their order.
    :ivar secret: the seed of the secret that opens its answer.
    """

    names: tuple[str, ...]
    secret: bytes


def seal_secrets(identity: Identity, digest: str, secrets: QuerySecrets) -> bytes:
    """A query's secrets, sealed; only :func:`open_secrets` reads them.

    :param digest: of the query's signed header, in hex.
    """
    plain = json.dumps({"names": secrets.names, "secret": secrets.secret.hex()})
    return _seal_local(identity, f"inference query {digest}", plain.encode())


def open_secrets(identity: Identity, row: Asked) -> QuerySecrets:
    """A query's secrets.

    :raises MalformedError: what is kept is damaged.
    """
    plain = json.loads(_open_local(identity, f"inference query {row.digest}", row.sealed))
    return QuerySecrets(tuple(plain["names"]), bytes.fromhex(plain["secret"]))


def delete_earlier_keys(workspace: Workspace) -> None:
    """Delete what earlier versions kept for their encryption: a hospital's keys, and an owner's copies."""
    for pattern in ("ckks-*.key", "ckks-*.public", "keys/*.keys"):
        for path in workspace.inference.glob(pattern):
            path.unlink()


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
