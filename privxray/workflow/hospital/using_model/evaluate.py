"""``evaluate``: how good a model is on the hospital's own held-out patients. Nothing of it leaves.

Tested in tests/cli/test_study.py and tests/cli/test_evaluate.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privxray.errors import PrivxrayError, UsageError
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.which_study import newest_round
from privxray.workflow.hospital.data_set import open_dataset
from privxray.workflow.hospital.using_model.classifier import has_model, model_before, newest_model, own_model
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working
from privxray.workspace.transitions import RoundState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privxray.evaluation.held_out import Evaluation, Predictions
    from privxray.evaluation.resampling import Estimate
    from privxray.imaging.data_set.dataset import Dataset
    from privxray.workflow.hospital.using_model.classifier import Classifier
    from privxray.workflow.hospital.using_model.held_out_data import HeldOut
    from privxray.workspace.session import Session


@dataclass(frozen=True)
class Majority:
    """What always naming the most frequent class of the training patients would give.

    :ivar metrics: by name, like a model's.
    """

    label: str
    metrics: Mapping[str, float | None]


@dataclass(frozen=True)
class Scores:
    """How good a model is on the hospital's own patients of one split.

    :param model: which one, in words.
    :param metrics: by name; None where it is not defined, for a class is absent from the split.
    :param left_out: patients of the split whom this study has trained on; they are in no figure.
    :param own: the figures of the own training on the same patients, by metric; None where none were kept.
    :param local: the model is the own training.
    :param alarms: where the model is far worse than the one before, or than the own training, in words.
    :param model_fingerprint: of its signed header, in hex; empty for the own training.
    :param data_fingerprint: a keyed hash of the images that were scored and their labels, in hex.
    """

    model: str
    split: str
    patients: int
    images: int
    metrics: Mapping[str, float | None]
    feature_seconds: float
    left_out: int
    evaluation: Evaluation
    own: Mapping[str, Estimate] | None
    majority: Majority
    local: bool
    model_fingerprint: str
    data_fingerprint: str
    alarms: tuple[str, ...] = ()

    def says(self) -> list[str]:
        """What the figures mean, in sentences without full stops."""
        from privxray.evaluation import words

        sentences = [words.verdict_on_majority(self.evaluation, self.majority.label)]
        if not self.local:
            own = None if self.own is None else self.own.get("macro_auc")
            sentences.insert(0, words.verdict_on_own(self.evaluation, own, self.model))
        return sentences

    def caveats(self) -> list[str]:
        """What to keep in mind, in sentences without full stops."""
        from privxray.evaluation import words

        return list(words.caveats(self.evaluation))


@dataclass(frozen=True)
class Scored:
    """Scores with what they were made of, for a page that shows more than figures.

    :ivar predictions: what ``model`` says of the patients in ``seen``.
    """

    scores: Scores
    model: Classifier
    seen: HeldOut
    predictions: Predictions


def evaluate(
    workspace: Workspace,
    *,
    study: str | None = None,
    split: str = "val",
    local: bool = False,
    groups: Sequence[str] = (),
    progress: Progress | None = None,
) -> Scores:
    """Score the newest global model on the hospital's patients of a split.

    :param local: score this hospital's own model instead, between train and export.
    :param groups: columns of the labels' csv by which macro AUC is given for groups of patients, such as
        ``sex`` and ``age``.
    :raises WorkspaceError: there is no model yet, or no patient in that split whom no training has seen.
    :raises UsageError: the data set has no such column.
    """
    workspace.require("hospital", "evaluate")
    with working(workspace) as session:
        fits = (
            (lambda r: r.task == "train" and r.state is RoundState.TRAINED)
            if local
            else (lambda r: has_model(session, r.study))
        )
        round_ = newest_round(session, study, fits)
        model = own_model(session, round_) if local else newest_model(session, round_.study)
        with open_dataset(session, round_.study) as dataset:
            return scored(session, dataset, model, Held(round_.study, split, tuple(groups)), progress).scores


@dataclass(frozen=True)
class Held:
    """Which patients a model is scored on.

    :ivar groups: columns of the labels' csv, see :func:`evaluate`.
    """

    study: str
    split: str = "val"
    groups: tuple[str, ...] = ()


def scored(
    session: Session, dataset: Dataset, model: Classifier, held: Held, progress: Progress | None
) -> Scored:
    """Score a model in a workspace that is open; arguments and errors as for :func:`evaluate`."""
    from privxray.evaluation.held_out import evaluated
    from privxray.learning.metrics import scores
    from privxray.workflow.hospital.using_model.held_out_data import held_out, required_held_out
    from privxray.workflow.hospital.using_model.own_scores import own_scores

    study, split, local = held.study, held.split, not model.source.fingerprint
    seen = required_held_out(session, dataset, study, split, model, progress)
    fixed_on = None if split == "val" else held_out(session, dataset, study, "val", model, progress)
    chosen = {name: mask for column in held.groups for name, mask in _groups(dataset, column, seen)}
    majority = _majority(dataset, seen, model.classes)
    predictions = seen.predictions(model)
    found = evaluated(predictions, fixed_on.predictions(model) if fixed_on else None, chosen)
    came_of = next((r for r in session.state.rounds(study) if r.number == model.source.round), None)
    own = None if local or came_of is None else own_scores(session, came_of, split, seen)
    alarms = () if local else tuple(_alarms(session, study, seen, predictions, model, own))
    told = Scores(
        model=model.label,
        split=split,
        patients=found.patients,
        images=found.images,
        metrics=scores(predictions.probabilities, predictions.labels, model.classes),
        feature_seconds=seen.seconds,
        left_out=seen.left_out,
        evaluation=found,
        own=None if own is None else {name: own[name] for name in found.metrics if name in own},
        majority=majority,
        local=local,
        model_fingerprint=model.source.fingerprint,
        data_fingerprint=seen.digest,
        alarms=alarms,
    )
    return Scored(told, model, seen, predictions)


def _alarms(
    session: Session,
    study: str,
    seen: HeldOut,
    now: Predictions,
    model: Classifier,
    own: Mapping[str, Estimate] | None,
) -> Iterator[str]:
    """Where a global model is far worse than the one before it, or than the own training of its round."""
    from privxray.evaluation.spoilt import worse_than_before, worse_than_own

    with suppress(PrivxrayError):  # of an earlier model that can't be read, doctor tells
        before = model_before(session, study, model)
        if before is not None:
            yield from worse_than_before(now, seen.predictions(before))
    if own is not None:
        yield from worse_than_own(now, own)


def _majority(dataset: Dataset, seen: HeldOut, classes: Sequence[str]) -> Majority:
    """The most frequent class of the training images, or of those that are scored where there are none."""
    import numpy as np

    from privxray.evaluation.held_out import Predictions, evaluated

    trained: Counter[str] = Counter()
    for (split, label), (images, _) in dataset.counts().items():
        if split == "train":
            trained[label] += images
    if trained:
        label = max(classes, key=lambda one: trained[one])
    else:
        label = classes[int(np.bincount(seen.data.labels, minlength=len(classes)).argmax())]
    always = np.tile(np.eye(len(classes))[list(classes).index(label)], (len(seen.data.labels), 1))
    told = evaluated(Predictions(always, seen.data.labels, seen.data.patients, classes))
    return Majority(label, {name: one.value for name, one in told.metrics.items()})


def _groups(dataset: Dataset, column: str, seen: HeldOut) -> list[tuple[str, NDArray[np.bool_]]]:
    """The groups that a column makes of the patients, by name, each with its images: [N].

    :raises UsageError: no patient has a value in that column.
    """
    import numpy as np

    from privxray.imaging.labelling.patient_traits import place_of_value

    values = dataset.traits(column)
    if not values:
        known = dataset.trait_names()
        raise UsageError(
            f"the data set has no column {column}"
            + (f" (it has {', '.join(known)})" if known else " and no other by which patients are grouped"),
            reason="evaluate.no-such-column",
            advice="Give labels.csv a column sex, age or group_NAME, and ingest it again",
        )
    of_images = np.array([values.get(patient, "unknown") for patient in seen.patients])
    return [
        (f"{column} {value}", of_images == value)
        for value in sorted(set(of_images.tolist()), key=place_of_value)
    ]
