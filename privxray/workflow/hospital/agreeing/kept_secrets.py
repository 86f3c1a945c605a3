"""The secrets that this hospital has agreed on with the others, at rest: sealed, and gone with their round.

Tested in tests/cli/test_hybrid_masks.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.errors import RefusedError
from privxray.exchange.masking.agreed_secrets import SECRET_BYTES, later_secret
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats import canonical
from privxray.formats.features import HYBRID_MASKS
from privxray.formats.header import Fingerprint
from privxray.keys.identity import Identity
from privxray.workspace.state import State
from privxray.workspace.state_tables.agreed_tables import SealedSecrets

_NONCE = 12
_AHEAD = 8
"""How many rounds' secrets lie here at once: so many rounds may be given up before the next export."""


def keep_secrets(
    state: State,
    identity: Identity,
    study: str,
    round_: int,
    secrets: Mapping[Fingerprint, bytes],
    *,
    ahead: int = _AHEAD,
) -> None:
    """Keep the secrets of a round and of those after it, in place of what was kept; within a transaction.

    :param secrets: by the other hospital, those of the round.
    :param ahead: for how many rounds.
    """
    peers, rows, cipher = tuple(sorted(secrets)), [], _cipher(identity)
    held = [secrets[peer] for peer in peers]
    for number in range(round_, round_ + ahead):
        nonce = os.urandom(_NONCE)
        sealed = nonce + cipher.encrypt(nonce, b"".join(held), _belongs(study, number, peers))
        rows.append(SealedSecrets(number, peers, sealed))
        held = [later_secret(one, 1) for one in held]
    state.replace_agreed(study, rows)


def secrets_of(state: State, identity: Identity, study: str, round_: int) -> dict[Fingerprint, bytes]:
    """What this hospital agreed on with each other one, for a round.

    :raises RefusedError: nothing of that round or of an earlier one is kept.
    """
    row = next((row for row in reversed(state.agreed(study)) if row.round <= round_), None)
    if row is None:
        raise _lost()
    nonce, sealed = row.sealed[:_NONCE], row.sealed[_NONCE:]
    plain = _cipher(identity).decrypt(nonce, sealed, _belongs(study, row.round, row.peers))
    return {
        peer: later_secret(plain[place * SECRET_BYTES : (place + 1) * SECRET_BYTES], round_ - row.round)
        for place, peer in enumerate(row.peers)
    }


def end_round(
    state: State, identity: Identity, study: str, round_: int, secrets: Mapping[Fingerprint, bytes]
) -> None:
    """Destroy the secrets of a round, and keep those of later ones; within the transaction of its export.

    :param secrets: of the round, by the other hospital.
    """
    keep_secrets(
        state, identity, study, round_ + 1, {peer: later_secret(one, 1) for peer, one in secrets.items()}
    )


def expect_agreed(state: State, plan: PlanHeader, own: Fingerprint) -> None:
    """Check that this hospital has agreed on a secret with every other hospital of a plan with hybrid masks.

    :raises RefusedError: it has not, for instance since it was restored from a backup, or the other is new.
    """
    if HYBRID_MASKS not in plan.features or plan.its_task == "agree" or plan.encapsulated is not None:
        return
    kept = [row for row in state.agreed(plan.study_name) if row.round <= plan.round]
    if not kept:
        raise _lost()
    strangers = set(plan.hospitals) - {own, *kept[-1].peers}
    if strangers:
        names = [plan.roster.known_hospital(one).name for one in sorted(strangers)]
        raise RefusedError(
            f"this hospital has agreed on no secret with {', '.join(names)}",
            reason="agreement.none-with-them",
            advice="The coordinator has to plan without them, or to begin the study anew",
        )


def _lost() -> RefusedError:
    return RefusedError(
        "the secrets that this hospital agreed on with the others are not here; no backup has them",
        reason="agreement.secrets-lost",
        advice="The coordinator goes on without this hospital (plan --continue --without NAME), or begins "
        "the study anew",
    )


def _belongs(study: str, round_: int, peers: Sequence[Fingerprint]) -> bytes:
    """What sealed secrets belong to: they open nowhere else."""
    return canonical.encode({"peers": list(peers), "round": round_, "study": study})


def _cipher(identity: Identity) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(identity.storage_key("agreed secrets"))
