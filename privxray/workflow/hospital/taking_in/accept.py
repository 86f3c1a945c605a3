"""``accept``: a party takes in what the coordinator sends back: a model, a summary, or the next plan.

Tested in tests/cli/test_study.py, tests/cli/test_keyholders.py and tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import MalformedError, RefusedError
from privxray.exchange.admission.admit import admit_model, admit_plan
from privxray.exchange.intake import Received, take_in
from privxray.exchange.messages.model import ModelHeader
from privxray.formats.features import BOUND_PROOFS
from privxray.formats.tensors import same_form, unpack
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.proof_file import proof_beside
from privxray.workflow.common.summary_told import Told
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workflow.hospital.taking_in.accept_summary import accept_summary
from privxray.workflow.hospital.taking_in.file_words import last_words
from privxray.workflow.hospital.taking_in.follow_plan import AskWords, Joined, follow
from privxray.workflow.hospital.taking_in.join import claimed_coordinator
from privxray.workflow.hospital.taking_in.prove import proof_of_model
from privxray.workflow.hospital.taking_in.round_result import (
    expect_delivered,
    round_of_result,
    second_of_round,
)
from privxray.workflow.hospital.taking_in.seen_files import expect_in_later_plan, expect_later_plan_brings
from privxray.workflow.hospital.training_results import remove_unreadable
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.transitions import Event


@dataclass(frozen=True)
class Accepted:
    """What was taken in: a model or a summary with the place of its copy, or a plan that is now followed.

    ``proven`` says whether the model or summary was shown to be the sum of what the hospitals committed to,
    ``bounded`` whether each of them has proved besides that it keeps to the bounds of the plan.
    ``last_words`` are those of a study's last model or summary, for the phone: no later plan tells whether
    others got the same one.
    """

    model: ModelHeader | None
    path: Path | None
    joined: Joined | None
    already: bool
    proven: bool = False
    summary: Told | None = None
    last_words: str | None = None
    bounded: bool = False


def accept(workspace: Workspace, path: Path, ask_words: AskWords, passphrase: Passphrase) -> Accepted:
    """Verify a global model, a summary or the next plan of a study that was joined here, and keep it.

    :param passphrase: asked for a model with a proof, which is encrypted to this hospital, and where a plan
        begins hybrid masks.
    :raises IdentityError: signed by someone other than the study's coordinator.
    :raises RefusedError: of another study or round, or a replay.
    """
    workspace.require(("hospital", "trustee"), "accept")
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        if received.envelope.kind == "model":
            return _accept_model(session, received, passphrase)
        if received.envelope.kind == "plan":
            return _accept_plan(session, received, ask_words, passphrase)
        if received.envelope.kind == "summary":
            kept = accept_summary(session, received, passphrase)
            return Accepted(
                None,
                kept.path,
                None,
                kept.already,
                proven=kept.proven,
                summary=kept.told,
                last_words=kept.last_words,
                bounded=kept.proven and BOUND_PROOFS in kept.told.plan.features,
            )
        raise MalformedError(
            f"this is a file of kind {received.envelope.kind}, and a model, a summary or a plan is accepted "
            "here",
            reason="accept.other-kind",
            advice="Take the file that the coordinator sent back: a .model, a .summary or a .plan",
        )


def _accept_plan(
    session: Session, received: Received, ask_words: AskWords, passphrase: Passphrase
) -> Accepted:
    known = claimed_coordinator(session, received)
    if known is None:
        raise RefusedError(
            "this is the first plan of a study, and its coordinator is not known here yet",
            reason="accept.first-plan",
            advice="Type: privxray join FILE",
        )
    signed = admit_plan(received.envelope, known)
    joined = follow(session, received, signed, ask_words, passphrase)
    return Accepted(None, None, joined, joined.already)


def _accept_model(session: Session, received: Received, passphrase: Passphrase) -> Accepted:
    planned = round_of_result(session, received, ModelHeader)
    round_ = planned.round
    model = admit_model(received.envelope, planned.signed)
    expect_not_revoked(session.state, model.sender)
    received.check_body(model.body)
    expect_delivered(session, planned, received)
    digest, proven = received.envelope.digest, model.proof is not None
    last = last_words(planned.plan, model, digest)
    path = session.workspace.model_copy(round_.study, round_.number)
    if round_.model is not None and round_.model != digest:
        raise second_of_round(received)
    expect_in_later_plan(session, round_, digest)
    expect_later_plan_brings(session, planned, digest, model.body.sha256)
    bounded = proven and BOUND_PROOFS in planned.plan.features
    if round_.model == digest and path.exists():
        return Accepted(model, path, None, already=True, proven=proven, last_words=last, bounded=bounded)
    data = received.path.read_bytes()
    _check_form(model, data[received.envelope.length :])
    make_private_folder(path.parent)
    if model.proof is not None:
        proof = proof_of_model(session, planned, received, passphrase)
        write_atomic(proof_beside(path), proof, overwrite=True)
    write_atomic(path, data, overwrite=True)
    with session.state.transaction():
        session.state.change_round("hospital", round_, Event.ACCEPT_MODEL, model=digest)
        session.state.forget_vectors(round_.study)
    remove_unreadable(session)
    return Accepted(model, path, None, already=False, proven=proven, last_words=last, bounded=bounded)


def _check_form(model: ModelHeader, body: bytes) -> None:
    """A model that is signed and still unusable is found now, not at the next ``predict``."""
    from privxray.learning import methods

    method = methods.get(model.method)
    form = methods.model_form(method, method.constants(model.constants), model.classes)
    if not same_form(unpack(body), form):
        raise MalformedError(
            "the tensors in this model are not those that its method makes",
            reason="model.other-tensors",
            advice="Ask the coordinator to send it again, and which version of privxray made it",
        )
