"""Scoring a played study as no party of a real one could: on the held-out patients of all sites together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.demo.study import Party
from privxray.learning import methods
from privxray.learning.metrics import score
from privxray.learning.reference import reference_probabilities
from privxray.state import State
from privxray.workflow.dataset import open_dataset, training_data
from privxray.workflow.scoring import Classifier, newest, own_model
from privxray.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.imaging.dataset import Dataset

Metrics = Mapping[str, float | None]
BySplit = dict[str, Metrics]
SPLITS = ("val", "test")


def own_models(hospitals: Mapping[str, Party]) -> dict[str, Classifier]:
    """What each hospital's training gives by itself; to be called between ``train`` and the first export."""
    models = {}
    for name, party in hospitals.items():
        with _opened(party) as (workspace, state):
            round_ = state.rounds()[-1]
            models[name] = own_model(workspace, round_)
    return models


def global_model(hospitals: Mapping[str, Party], study: str) -> Classifier:
    """The final model as the first hospital accepted it."""
    with _opened(next(iter(hospitals.values()))) as (workspace, state):
        return newest(workspace, state, study)


def score_on_pool(model: Classifier, hospitals: Mapping[str, Party]) -> BySplit:
    """Metrics of a model on each held-out split, over the patients of all sites."""
    return _by_split(hospitals, model, model.probabilities)


def score_reference(model: Classifier, hospitals: Mapping[str, Party]) -> BySplit:
    """The reference that no study has: logistic regression on all sites' features, without privacy.

    :param model: only for its classes and constants; any model of the study will do.
    """
    probe = methods.get("linear-probe")
    features = Classifier("reference", model.classes, model.terms, probe, probe.constants({}), {})
    inputs, labels = _pooled(hospitals, features, "train")
    return _by_split(
        hospitals,
        features,
        lambda held_out: reference_probabilities(inputs, labels, held_out, len(model.classes)),
    )


def _by_split(
    hospitals: Mapping[str, Party], form: Classifier, predict: Callable[[NDArray[Any]], NDArray[Any]]
) -> BySplit:
    scores: BySplit = {}
    for split in SPLITS:
        inputs, labels = _pooled(hospitals, form, split)
        if len(labels):
            scores[split] = score(labels, predict(inputs), form.classes)
    return scores


def _pooled(
    hospitals: Mapping[str, Party], form: Classifier, split: str
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Inputs and labels of one split over all sites; empty arrays where no site has any."""
    parts = []
    for party in hospitals.values():
        with _opened(party) as (workspace, state):
            dataset: Dataset = open_dataset(workspace, state)
            if dataset.patients(split):
                parts.append(training_data(dataset, form.classes, form.method, form.constants, split, None))
    if not parts:
        return np.zeros((0, 0), np.float32), np.zeros(0, np.int64)
    return np.concatenate([part.inputs for part in parts]), np.concatenate([part.labels for part in parts])


@contextmanager
def _opened(party: Party) -> Iterator[tuple[Workspace, State]]:
    workspace = Workspace.find(party.folder)
    with State(workspace.state_path) as state:
        yield workspace, state
