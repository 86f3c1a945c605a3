"""Using a model: on the hospital's own held-out patients, and on single images. Nothing of it leaves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.errors import RefusedError, WorkspaceError, about
from privxray.exchange.intake import read_again
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.tensors import unpack
from privxray.learning import methods
from privxray.learning.interface import Task
from privxray.workflow.common.method_inputs import extractor_of, image_inputs, training_data
from privxray.workflow.common.session import Progress, read_plan, the_study
from privxray.workflow.hospital.accept import kept_model
from privxray.workflow.hospital.ingest_images import open_dataset
from privxray.workflow.hospital.train import trained_vector
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod


@dataclass(frozen=True)
class Classifier:
    """A model ready for use. ``label`` says which one, for messages."""

    label: str
    classes: tuple[str, ...]
    terms: PlanHeader | ModelHeader
    method: AnyMethod
    constants: MethodConstants
    tensors: Mapping[str, NDArray[Any]]

    def probabilities(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Class probabilities of shape [N, K]; each row sums to 1."""
        return self.method.probabilities(self.tensors, inputs, self.constants, self.classes)


@dataclass(frozen=True)
class Scores:
    """Metrics on the hospital's own patients of one split; None where a class is absent from it."""

    model: str
    split: str
    patients: int
    images: int
    metrics: Mapping[str, float | None]
    feature_seconds: float


def newest(workspace: Workspace, state: State, study: str) -> Classifier:
    """The latest global model here: one that was accepted, or the starting model of a later stage's plan.

    :raises WorkspaceError: none has come yet.
    """
    for round_ in reversed(state.rounds(study)):
        if round_.model is not None:
            path = kept_model(workspace, study, round_.number)
            with about(path):
                received = read_again(path)
                header = received.envelope.claim(ModelHeader)
                received.check_body(header.body)
                return _classifier(f"the global model of round {round_.number}", header, received.body())
        if round_.stage > 1:
            plan, file = read_plan(workspace, round_)
            return _classifier(f"the global model that round {round_.number} starts from", plan, file.body())
    raise WorkspaceError(
        "no global model has been accepted yet",
        file=workspace.root,
        advice="When it has come from the coordinator, type: privxray accept FILE",
    )


def own_model(workspace: Workspace, round_: Round) -> Classifier:
    """What this hospital's training alone would give: for its own eyes, between train and export.

    :raises WorkspaceError: not trained.
    :raises RefusedError: exported already, which destroyed it.
    """
    if not round_.state.inside:
        raise RefusedError(
            f"the training result of round {round_.number} went with its export",
            advice="privxray evaluate scores the global model",
        )
    plan, file = read_plan(workspace, round_)
    vector = trained_vector(workspace, round_)
    method = methods.get(plan.method)
    constants = method.constants(plan.constants)
    start = unpack(file.body()) if plan.body.length else {}
    tensors = method.local_model(vector, Task(constants, plan.classes, start))
    return Classifier(
        f"this hospital's own model of round {round_.number}", plan.classes, plan, method, constants, tensors
    )


def evaluate(
    workspace: Workspace,
    *,
    study: str | None = None,
    split: str = "val",
    local: bool = False,
    progress: Progress | None = None,
) -> Scores:
    """Score the newest global model, or this hospital's own, on the hospital's patients of a split.

    :raises WorkspaceError: no model yet, or no patients in that split.
    """
    from privxray.learning.metrics import scores

    workspace.require("hospital", "evaluate")
    with workspace.locked(), State(workspace.state_path) as state:
        name = the_study(workspace, state, study)
        last = state.last_round(name)
        assert last is not None
        model = own_model(workspace, last) if local else newest(workspace, state, name)
        with open_dataset(workspace, state) as dataset:
            if not dataset.patients(split):
                raise WorkspaceError(
                    f"the data set has no patients in the split {split}",
                    file=workspace.root,
                    advice="Type: privxray ingest FOLDER --labels labels.csv",
                )
            started = time.perf_counter()
            data = training_data(dataset, model.classes, model.method, model.constants, split, progress)
            seconds = time.perf_counter() - started
        metrics = scores(model.probabilities(data.inputs), data.labels, model.classes)
        return Scores(model.label, split, data.patient_count, len(data.labels), metrics, seconds)


def predict(
    workspace: Workspace, paths: Sequence[Path], names: Sequence[str], *, study: str | None = None
) -> tuple[Classifier, NDArray[Any]]:
    """Class probabilities of single images, of shape [N, K], by the newest global model.

    :param names: how to name each image in an error, for a path may identify somebody.
    :raises MalformedError: an image that does not decode.
    """
    workspace.require("hospital", "predict")
    with State(workspace.state_path) as state:
        model = newest(workspace, state, the_study(workspace, state, study))
    inputs = image_inputs(paths, names, model.method, model.constants)
    return model, model.probabilities(inputs)


def _classifier(label: str, header: PlanHeader | ModelHeader, body: bytes) -> Classifier:
    method = methods.get(header.method)
    if header.extractor != extractor_of(method):
        raise RefusedError(
            "this model wants another feature extractor than this version of privxray has",
            advice="Install the version that its file names: privxray inspect FILE",
        )
    return Classifier(label, header.classes, header, method, method.constants(header.constants), unpack(body))
