"""A hospital takes in what the coordinator sends back: a global model, or the next plan with one inside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import MalformedError, RefusedError
from privxray.exchange.admission.admit import admit_model, admit_plan
from privxray.exchange.intake import Received, take_in
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.formats.tensors import same_form, unpack
from privxray.keys.identity import PublicKeys
from privxray.workflow.common.session import load_plan
from privxray.workflow.hospital.join import AskWords, Joined, follow
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State
from privxray.workspace.transitions import Event, RoundState


@dataclass(frozen=True)
class Accepted:
    """What was taken in: a model with the place of its copy, or a plan that is now followed."""

    model: ModelHeader | None
    path: Path | None
    joined: Joined | None
    already: bool


def accept(workspace: Workspace, path: Path, ask_words: AskWords) -> Accepted:
    """Verify a global model or the next plan of a study that was joined here, and keep it.

    :raises IdentityError: signed by somebody else than the study's coordinator.
    :raises RefusedError: of another study or round, or a replay.
    """
    workspace.require(("hospital", "trustee"), "accept")
    with workspace.locked(), State(workspace.state_path) as state, take_in(path, workspace.inbox) as received:
        if received.envelope.kind == "model":
            return _accept_model(workspace, state, received)
        if received.envelope.kind == "plan":
            return _accept_plan(workspace, state, received, ask_words)
        raise MalformedError(
            f"this is a file of kind {received.envelope.kind}, and a model or a plan is accepted here"
        )


def kept_model(workspace: Workspace, study: str, number: int) -> Path:
    """Where a hospital keeps the global model of a round."""
    return workspace.models / f"{study}-{number:04d}.model"


def _accept_plan(workspace: Workspace, state: State, received: Received, ask_words: AskWords) -> Accepted:
    study = received.envelope.claim(PlanHeader).study or ""
    known = state.study(study)
    if known is None:
        raise RefusedError(
            "this is the first plan of a study, and its coordinator is not known here yet",
            advice="Type: privxray join FILE",
        )
    plan = admit_plan(received.envelope, PublicKeys.model_validate_json(known["coordinator"])).plan
    received.check_body(plan.body)
    joined = follow(workspace, state, received, plan, ask_words)
    return Accepted(None, None, joined, joined.already)


def _accept_model(workspace: Workspace, state: State, received: Received) -> Accepted:
    if workspace.config.role == "trustee":
        raise RefusedError("a trustee keeps no models", advice="Accept only the next plan")
    # The claimed plan only selects the round whose coordinator the signature must then be of.
    claimed = received.envelope.claim(ModelHeader)
    round_ = next((r for r in state.rounds(claimed.study) if r.plan == claimed.plan), None)
    if round_ is None:
        raise RefusedError("this model is of a study or plan that was not joined here")
    plan = load_plan(workspace, round_)
    model = admit_model(received.envelope, SignedPlan(plan, round_.plan))
    received.check_body(model.body)
    if plan.committee is None and round_.state not in (RoundState.EXPORTED, RoundState.CLOSED):
        raise RefusedError(
            "this hospital has not exported in that round, so no model of it can be true",
            advice="Ask the coordinator how it was made",
        )
    digest = received.envelope.digest
    path = kept_model(workspace, round_.study, round_.number)
    if round_.model is not None and round_.model != digest:
        raise RefusedError(
            "another model of this round was accepted before",
            advice="A coordinator signs one model a round: ask which hospitals got which",
        )
    if round_.model == digest and path.exists():
        return Accepted(model, path, None, already=True)
    data = received.path.read_bytes()
    _check_form(model, data[received.envelope.length :])
    make_private_folder(path.parent)
    write_atomic(path, data, overwrite=True)
    with state.transaction():
        state.change_round("hospital", round_, Event.ACCEPT_MODEL, model=digest)
    return Accepted(model, path, None, already=False)


def _check_form(model: ModelHeader, body: bytes) -> None:
    """A model that is signed and still unusable is found now, not at the next ``predict``."""
    from privxray.learning import methods

    method = methods.get(model.method)
    form = methods.model_form(method, method.constants(model.constants), model.classes)
    if not same_form(unpack(body), form):
        raise MalformedError("the tensors in this model are not those that its method makes")
