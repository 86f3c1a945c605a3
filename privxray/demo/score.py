"""Scoring a played study as no party of a real one could: on the held-out patients of all sites together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.demo.study import Party, Played
from privxray.learning.metrics import score
from privxray.learning.reference import reference_probabilities
from privxray.state import State
from privxray.workflow.dataset import open_dataset, training_data
from privxray.workflow.scoring import Classifier, newest, own_model
from privxray.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

Metrics = Mapping[str, float | None]
SPLITS = ("val", "test")


class Pool:
    """The data sets of all hospitals, looked at together, in the form that one model wants."""

    def __init__(self, hospitals: Mapping[str, Party]) -> None:
        self._hospitals = hospitals

    def splits(self) -> list[str]:
        """The held-out splits that hold anybody."""
        return [split for split in SPLITS if self._patients(split)]

    def data(self, model: Classifier, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Inputs and labels of one split, over all sites."""
        parts = []
        for party in self._hospitals.values():
            workspace = Workspace.find(party.folder)
            with State(workspace.state_path) as state:
                dataset = open_dataset(workspace, state)
                if dataset.patients(split):
                    parts.append(training_data(dataset, model.terms, model.method, model.constants, split, None))
        return np.concatenate([p.inputs for p in parts]), np.concatenate([p.labels for p in parts])

    def _patients(self, split: str) -> int:
        total = 0
        for party in self._hospitals.values():
            workspace = Workspace.find(party.folder)
            with State(workspace.state_path) as state:
                total += open_dataset(workspace, state).patients(split)
        return total
