"""Scoring a played study on the held-out patients of all sites together, as no party of a real one could.

Tested in tests/cli/test_demo.py.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.demo.party import Party
from privxray.evaluation.comparison import Difference, paired_macro_auc
from privxray.evaluation.held_out import Predictions
from privxray.learning.data import TrainingData
from privxray.learning.interface import Drawing, Task
from privxray.learning.metrics import scores
from privxray.learning.reference import pooled_reference
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore
from privxray.workflow.common.method_inputs import default_features, training_data
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.hospital.data_set import open_dataset
from privxray.workflow.hospital.using_model.classifier import Classifier, newest_model, own_model
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

if TYPE_CHECKING:
    from numpy.typing import NDArray

MetricsBySplit = dict[str, Mapping[str, float | None]]
"""By split and by the metric's name; None where a metric is not defined."""

_HELD_OUT = ("val", "test")


def own_models(hospitals: Mapping[str, Party]) -> dict[str, Classifier]:
    """The model that each hospital would have by itself, by the site's name.

    Call it between the first ``train`` and the export that follows. Where a study has more stages, each
    hospital goes through them alone, from its own model and with the same noise. In a real study it could
    not, for that would charge its patients a second time.
    """
    models = {}
    for name, party in hospitals.items():
        with looking(Workspace.find(party.folder)) as session:
            round_ = session.state.rounds()[-1]
            model = own_model(session, round_)
            plan = load_plan(session.workspace, round_)
            if plan.stages > 1:
                with open_dataset(session, round_.study) as dataset:
                    data = training_data(dataset, model.classes, model.form, "train", None)
                assert round_.noise is not None
                for _ in range(plan.stages - 1):
                    model = _one_stage_further(model, data, round_.noise)
            models[name] = model
    return models


def _one_stage_further(model: Classifier, data: TrainingData, noise: float) -> Classifier:
    task = Task(model.constants, model.classes, model.tensors)
    with tempfile.TemporaryDirectory() as folder:
        steps = ReleaseStore(Path(folder) / "steps", os.urandom(32))
        vector = model.method.train(data, task, Drawing(noise, SecureNoise(), steps))
    return replace(model, tensors=model.method.local_model(vector, task))


def global_model(hospitals: Mapping[str, Party], study: str) -> Classifier:
    """The final model as the first hospital accepted it."""
    with looking(Workspace.find(next(iter(hospitals.values())).folder)) as session:
        return newest_model(session, study)


def score_on_pool(model: Classifier, hospitals: Mapping[str, Party]) -> MetricsBySplit:
    """Metrics of a model on each held-out split that has patients, over the patients of all sites."""
    return _by_split(hospitals, model, model.probabilities)


def compare_on_pool(
    model: Classifier, others: Mapping[str, Classifier], hospitals: Mapping[str, Party]
) -> dict[str, Difference]:
    """How far a model's macro AUC is above that of others, over the patients of all sites; by their names.

    On the first held-out split that has patients. What can't be told of so few patients is left out.
    """
    for split in _HELD_OUT:
        data = _pooled(hospitals, model, split)
        if data is not None:
            seen = {name: _predicted(one, data) for name, one in others.items()}
            found = {name: paired_macro_auc(_predicted(model, data), one) for name, one in seen.items()}
            return {name: one for name, one in found.items() if one is not None}
    return {}


def _predicted(model: Classifier, data: TrainingData) -> Predictions:
    return Predictions(model.probabilities(data.inputs), data.labels, data.patients, model.classes)


def score_reference(model: Classifier, hospitals: Mapping[str, Party]) -> MetricsBySplit:
    """What no study has to compare with: logistic regression on the features of all sites, without privacy.

    :param model: any model of the study; its classes are used, and its features if it has any.
    """
    form = default_features() if model.form.extractor is None else model.form
    model = replace(model, form=form)
    train = _pooled(hospitals, model, "train")
    assert train is not None
    return _by_split(hospitals, model, lambda held_out: pooled_reference(train, held_out, len(model.classes)))


def _by_split(
    hospitals: Mapping[str, Party], model: Classifier, predict: Callable[[NDArray[Any]], NDArray[Any]]
) -> MetricsBySplit:
    found: MetricsBySplit = {}
    for split in _HELD_OUT:
        data = _pooled(hospitals, model, split)
        if data is not None:
            found[split] = scores(predict(data.inputs), data.labels, model.classes)
    return found


def _pooled(hospitals: Mapping[str, Party], model: Classifier, split: str) -> TrainingData | None:
    """One split of all sites as one data set, each patient with a number of its own; None if it is empty."""
    parts: list[TrainingData] = []
    for party in hospitals.values():
        with looking(Workspace.find(party.folder)) as session:
            (study,) = session.state.studies()
            with open_dataset(session, study) as dataset:
                if dataset.patients(split):
                    parts.append(training_data(dataset, model.classes, model.form, split, None))
    if not parts:
        return None
    offsets = np.cumsum([0, *(part.patient_count for part in parts[:-1])])
    return TrainingData(
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.patients + offset for part, offset in zip(parts, offsets, strict=True)]),
    )
