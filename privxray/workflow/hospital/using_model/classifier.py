"""A model ready for use: the newest global one, or what this hospital has trained by itself.

Tested in tests/cli/test_study.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privxray.errors import STATUS_SAYS, RefusedError, WorkspaceError
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.tensors import unpack
from privxray.learning import methods
from privxray.learning.interface import Task
from privxray.workflow.common.kept_file import read_kept
from privxray.workflow.common.method_inputs import InputForm
from privxray.workflow.common.planned_round import planned_round
from privxray.workflow.hospital.training_results import trained_vector
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod


@dataclass(frozen=True)
class ModelSource:
    """Which model it is.

    :ivar label: in words.
    :ivar fingerprint: of the signed header that it came with, in hex; empty for what this hospital has
        trained by itself.
    :ivar round: the number of the round that it came of; 0 where this hospital did not follow that.
    """

    label: str
    fingerprint: str
    round: int


@dataclass(frozen=True)
class Classifier:
    """A model ready for use. ``form`` says how it takes images."""

    source: ModelSource
    classes: tuple[str, ...]
    method: AnyMethod
    constants: MethodConstants
    tensors: Mapping[str, NDArray[Any]]
    form: InputForm

    @property
    def label(self) -> str:
        """Which model it is, in words."""
        return self.source.label

    def probabilities(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Class probabilities of shape [N, K]; each row sums to 1.

        :param inputs: N images in the form that the method wants, see
            :mod:`privxray.workflow.common.method_inputs`.
        """
        return self.method.probabilities(self.tensors, inputs, self.constants, self.classes)


def has_model(session: Session, study: str) -> bool:
    """Whether a global model of a study is here, see :func:`newest_model`."""
    return any(
        round_.model is not None or _starts_from_model(round_) for round_ in session.state.rounds(study)
    )


def newest_model(session: Session, study: str) -> Classifier:
    """The newest global model here: one that was accepted, or the starting model of a later stage's plan.

    :raises WorkspaceError: none has come yet.
    :raises MalformedError: the copy here is not the model that was verified.
    :raises RefusedError: see :func:`_classifier`.
    """
    for model in _models(session, study):
        return model
    raise WorkspaceError(
        "no global model has been accepted yet",
        reason="model.none-accepted",
        file=session.root,
        advice=STATUS_SAYS,
    )


def model_before(session: Session, study: str, model: Classifier) -> Classifier | None:
    """The global model that came before another one; None where there is none that sees images alike."""
    for earlier in _models(session, study):
        if 0 < earlier.source.round < model.source.round:
            alike = (earlier.classes, earlier.form) == (model.classes, model.form)
            return earlier if alike else None
    return None


def _models(session: Session, study: str) -> Iterator[Classifier]:
    """The global models here, the newest first.

    One may come twice, as a model and as what the next plan starts from.

    :raises MalformedError: a copy here is not the model that was verified.
    :raises RefusedError: see :func:`_classifier`.
    """
    rounds = session.state.rounds(study)
    accepted = any(round_.model is not None for round_ in rounds)
    for round_ in reversed(rounds):
        if round_.model is not None:
            path = session.workspace.model_copy(study, round_.number)
            header, body = read_kept(path, round_.model, ModelHeader)
            source = ModelSource(f"the global model of round {round_.number}", round_.model, round_.number)
            yield _classifier(session.workspace, source, header, body)
        if _starts_from_model(round_) and not (accepted and round_.task == "evaluate"):
            yield model_of_plan(session, round_)


def model_of_plan(session: Session, round_: Round) -> Classifier:
    """The global model that the plan of a round carries: one to go on from, or to evaluate.

    :raises MalformedError: the copy of the plan is not the one that was verified.
    :raises RefusedError: see :func:`_classifier`.
    """
    planned = planned_round(session.workspace, round_)
    use = "evaluates" if round_.task == "evaluate" else "starts from"
    fingerprint = planned.plan.model or planned.signed.digest
    label = f"the global model that round {round_.number} {use}"
    source = ModelSource(label, fingerprint, _round_before(session, round_))
    return _classifier(session.workspace, source, planned.plan, planned.file.body())


def own_model(session: Session, round_: Round) -> Classifier:
    """What this hospital's training alone would give: for its own eyes, between train and export.

    :raises WorkspaceError: it is not trained yet.
    :raises RefusedError: it is exported already, which destroyed it.
    """
    if round_.task != "train":
        raise RefusedError(
            f"round {round_.number} does not train, so there is no result of a training to score",
            reason="round.without-training",
            advice=f"The global model is what can be scored. {STATUS_SAYS}",
        )
    if not round_.state.inside:
        raise RefusedError(
            f"the training result of round {round_.number} was destroyed by its export",
            reason="round.result-exported",
            advice=f"The global model is what can be scored. {STATUS_SAYS}",
        )
    planned = planned_round(session.workspace, round_)
    plan = planned.plan
    vector = trained_vector(session, round_)
    method = methods.get(plan.method)
    constants = method.constants(plan.constants)
    tensors = method.local_model(vector, Task(constants, plan.classes, planned.start()))
    label = f"this hospital's own model of round {round_.number}"
    form = InputForm.of(method, constants, plan.features_by, session.workspace)
    source = ModelSource(label, "", round_.number)
    return Classifier(source, plan.classes, method, constants, tensors, form)


def _starts_from_model(round_: Round) -> bool:
    """Whether the body of the round's plan is a global model."""
    return round_.task == "evaluate" or (round_.task == "train" and round_.stage > 1)


def _round_before(session: Session, round_: Round) -> int:
    """The number of the round whose sum became the model that this round starts from."""
    trained = [
        r for r in session.state.rounds(round_.study) if r.task == "train" and r.number < round_.number
    ]
    before = [r.number for r in trained if round_.task == "evaluate" or r.stage == round_.stage - 1]
    return before[-1] if before else 0


def _classifier(
    workspace: Workspace, source: ModelSource, header: PlanHeader | ModelHeader, body: bytes
) -> Classifier:
    """:raises RefusedError: the model is for features that this version does not compute."""
    method = methods.get(header.method)
    constants = method.constants(header.constants)
    form = InputForm.of(method, constants, header.features_by, workspace)
    if not form.is_known():
        raise RefusedError(
            "this model was made for a feature extractor that this version of privxray does not have",
            reason="model.other-extractor",
            advice="Install the version that made it; privxray inspect FILE names it",
        )
    return Classifier(source, header.classes, method, constants, unpack(body), form)
