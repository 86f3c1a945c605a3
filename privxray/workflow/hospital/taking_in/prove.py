"""Checking, offline, that a model is the sum of what the hospitals of its round committed to.

``accept`` does it for each model of a plan with commitments, ``verify`` whenever somebody wants to see it.
Of other files of the coordinator, ``verify`` gives the words for the phone.

Tested in tests/cli/test_commitments.py and tests/attacks/test_false_proofs.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.errors import AbsentFileError, MalformedError, RefusedError, about
from privxray.exchange.admission.admit_proof import ProvenSum, admit_proof, prove
from privxray.exchange.intake import Received, envelope_of, read_again, take_in
from privxray.exchange.masking.fixed_point import dequantise
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import members_of
from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.exchange.messages.proof import ProofHeader, open_proof
from privxray.exchange.messages.summary import SummaryHeader
from privxray.formats.features import BOUND_PROOFS
from privxray.formats.tensors import same_form, unpack
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.proof_file import proof_beside
from privxray.workflow.common.result_file import kept_result
from privxray.workflow.hospital.taking_in.file_words import (
    FileWords,
    digest_words,
    file_words,
    is_told_by_words,
)
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working

_ROUNDING = 1e-9
_CALL = "Do not use it; call the coordinator and the other hospitals"


@dataclass(frozen=True)
class Verified:
    """What a proof shows.

    :param digest: of the proof, in hex; the model has it.
    :param words: twelve words that stand for it, to be read out by phone.
    :param hospitals: whose vectors are in the sum, by name, each once.
    :param own: whether this hospital's is among them.
    :param bounded: whether each of them has proved that it keeps to the bounds of the plan.
    :param model: whether the round's model or summary lies here, and is made of this sum.
    :param counted: whether the round gives a summary, and no model.
    """

    study: str
    round: int
    digest: str
    words: str
    hospitals: tuple[str, ...]
    own: bool
    bounded: bool
    model: bool
    counted: bool


def verify(workspace: Workspace, path: Path, passphrase: Passphrase) -> Verified | FileWords:
    """Check a proof by itself and, where the round's model was accepted, against that.

    :param path: the proof, or the model or summary beside which it lies. Of a plan, or of a result that comes
        without a proof, only the words are given.
    :raises IdentityError: not by the coordinator of a study that was joined here.
    :raises RefusedError: of a plan that was not joined here; or it proves something else, see
        :func:`~privxray.exchange.admission.admit_proof.prove`.
    """
    workspace.require(("hospital", "trustee"), "verify")
    typed = envelope_of(path)
    if is_told_by_words(typed):
        return file_words(workspace, path)
    workspace.require("hospital", "verify")
    is_result = typed.kind in ("model", "summary")
    proof = existing_proof(path) if is_result else path
    with working(workspace) as session, take_in(proof, workspace.inbox) as received:
        received.envelope.expect("proof")
        claimed = received.envelope.claim(ProofHeader)
        found = [round_ for round_ in session.state.rounds(claimed.study) if round_.plan == claimed.plan]
        if not found:
            raise RefusedError(
                "this proof is of a study or plan that was not joined here",
                reason="proof.unknown-plan",
                advice="Ask the coordinator; privxray inspect FILE names its study and round",
            )
        planned = planned_round(workspace, found[0])
        result, kept = planned.round.result, kept_result(workspace, planned.round)
        if is_result and typed.digest != result:
            raise RefusedError(
                f"this {typed.kind} has not been accepted here",
                reason="proof.model-not-accepted",
                file=path,
                advice="Type: privxray accept FILE. It checks the proof as well",
            )
        proven = proven_sum(session, planned, received, passphrase)
        if result is not None and kept.exists():
            model = read_again(kept)
            expect_made_of(planned, proven, received.envelope.digest, model)
        return Verified(
            study=planned.round.study,
            round=planned.round.number,
            digest=received.envelope.digest,
            words=digest_words(received.envelope.digest),
            hospitals=tuple(member.name for member in members_of(planned.plan, proven.hospitals)),
            own=proven.own,
            bounded=BOUND_PROOFS in planned.plan.features,
            model=result is not None and kept.exists(),
            counted=planned.plan.its_task in COUNTED,
        )


def proof_of_model(session: Session, planned: PlannedRound, model: Received, passphrase: Passphrase) -> bytes:
    """The proof that lies beside a model that is to be accepted, checked: its bytes.

    :raises AbsentFileError: it does not lie there.
    :raises RefusedError: it is another proof than the model's, or the model is not the sum.
    """
    with take_in(existing_proof(model.source), session.workspace.inbox) as received:
        proven = proven_sum(session, planned, received, passphrase)
        expect_made_of(planned, proven, received.envelope.digest, model)
        return b"".join(received.whole())


def existing_proof(model: Path) -> Path:
    """The proof that lies beside a model.

    :raises AbsentFileError: none does.
    """
    beside = proof_beside(model)
    if not beside.exists():
        raise AbsentFileError(
            f"this {model.suffix[1:]} comes with a proof, and the proof is not beside it",
            reason="accept.proof-missing",
            file=beside,
            advice="Carry both files that aggregate wrote into one folder, and type the same command",
        )
    return beside


def proven_sum(
    session: Session, planned: PlannedRound, received: Received, passphrase: Passphrase
) -> ProvenSum:
    """Verify, decrypt and check a proof of a round that was joined here."""
    header = admit_proof(received.envelope, planned.signed)
    received.check_body(header.body)
    proof = open_proof(header, received.body(), planned.signed, unlock(session.workspace, passphrase))
    return prove(header, proof, planned.signed, _own_update(planned))


def expect_made_of(planned: PlannedRound, proven: ProvenSum, proof: str, model: Received) -> None:
    """Check that a model, whose signature is good, names this proof and is made of its sum.

    :param proof: its digest.
    :raises RefusedError: it isn't.
    """
    counted = planned.plan.its_task in COUNTED
    kind: type[SummaryHeader] | type[ModelHeader] = SummaryHeader if counted else ModelHeader
    header = model.envelope.claim(kind)
    if header.proof != proof:
        raise RefusedError(
            f"the {header.kind} belongs to another proof", reason="proof.other-model", advice=_CALL
        )
    expected = _sums_of(planned, proven) if counted else _model_of(planned, proven)
    if not _same(unpack(model.body()), expected):
        raise RefusedError(
            f"the {header.kind} is not what the sum of the hospitals' updates gives",
            reason="proof.model-not-the-sum",
            advice=_CALL,
        )


def _sums_of(planned: PlannedRound, proven: ProvenSum) -> Mapping[str, NDArray[Any]]:
    return dequantise(proven.opened.numbers, planned.plan.manifest, planned.plan.modulus_bits)


def _model_of(planned: PlannedRound, proven: ProvenSum) -> dict[str, NDArray[Any]]:
    """The model that the sum gives, by the method of the plan."""
    from privxray.learning import methods

    plan = planned.plan
    sums = dequantise(proven.opened.numbers, plan.manifest, plan.modulus_bits)
    count = len(proven.hospitals)
    return methods.combine(plan.method, sums, count, plan.constants, plan.classes, planned.start())


def _same(model: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]]) -> bool:
    """Whether two models agree to rounding: processors may add a few numbers up in another order."""
    return same_form(model, expected) and all(
        np.allclose(array, expected[name], rtol=_ROUNDING, atol=_ROUNDING) for name, array in model.items()
    )


def _own_update(planned: PlannedRound) -> str | None:
    """The digest of the update that was exported here in a round; None where none was.

    :raises MalformedError: the workspace's copy of it is gone.
    """
    if planned.round.update_sha256 is None:
        return None
    kept = planned.folder / "update.enc"
    with about(kept):
        if not kept.exists():
            raise MalformedError(
                "the update that was exported in this round is gone",
                reason="workspace.kept-file-altered",
                advice="Restore it from a backup (privxray help backup)",
            )
        return envelope_of(kept).digest
