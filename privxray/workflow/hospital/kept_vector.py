"""The noisy vector of an exported round, kept until the study goes on: a failed round can be repeated.

Its key rests under the passphrase from the export on: a stolen disk shows no more than the update did. It is
forgotten, and the vector with it, when the round's model is accepted or a plan comes that does not repeat the
round.

Tested in tests/cli/test_repeated_rounds.py.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.errors import MalformedError, RefusedError
from privxray.exchange.intake import envelope_of
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.features import REPEATS
from privxray.formats.header import Fingerprint
from privxray.keys.identity import Identity
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import PlannedRound
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState

_NONCE = 12


def keep(session: Session, planned: PlannedRound, key: bytes, identity: Identity) -> None:
    """Keep the key of a vector that is exported, where the plan allows a repetition; within a transaction."""
    if REPEATS in planned.plan.features:
        nonce = os.urandom(_NONCE)
        sealed = nonce + _cipher(identity).encrypt(nonce, key, None)
        session.state.keep_vector(planned.round.study, planned.round.trained_in, sealed)


def key_of(session: Session, round_: Round, identity: Identity) -> bytes:
    """The key of the vector that a trained round has: its own, or the kept one of the round that it repeats.

    :raises MalformedError: the state has neither.
    """
    if round_.vector_key is not None:
        return round_.vector_key
    sealed = session.state.kept_vector(round_.study, round_.trained_in)
    if sealed is None:
        raise MalformedError(
            f"the key of the result of round {round_.number} is gone",
            reason="round.key-gone",
            file=session.root,
            advice="Restore the newest backup of state.db "
            "(privxray help backup); a new result has to be paid again",
        )
    return _cipher(identity).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)


def repeated(session: Session, plan: PlanHeader, before: PlannedRound | None) -> Round | None:
    """The round whose vector this hospital exports once more under a plan; None where it does not.

    :raises RefusedError: the plan says that this hospital repeats a vector that it did not export, or whose
        key is gone.
    """
    own = public_keys(session.workspace).fingerprint
    asked = plan.repeats.commitment_of(own) if plan.repeats else None
    if asked is None or before is None:
        return None
    last = before.round
    left = last.state is RoundState.EXPORTED or sent_before(last)
    kept = left and session.state.kept_vector(last.study, last.trained_in) is not None
    if not kept or _commitment_of(before, own) != asked:
        raise RefusedError(
            "the plan says that this hospital sends its vector again, and no such vector left from here",
            reason="repeat.other-vector",
            advice="Don't follow it; call the coordinator: this hospital has to train anew",
        )
    return last


def sent_before(round_: Round) -> bool:
    """Whether a round that is trained has its result from a round that it repeats, where it was exported."""
    return round_.state is RoundState.TRAINED and round_.vector_key is None


def _commitment_of(planned: PlannedRound, own: Fingerprint) -> str | None:
    """The commitment to the vector of a round that is exported, or that repeats one."""
    if sent_before(planned.round):
        return planned.plan.repeats.commitment_of(own) if planned.plan.repeats else None
    return envelope_of(planned.folder / "update.enc").claim(UpdateHeader).commitment


def _cipher(identity: Identity) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(identity.storage_key("kept vectors"))
