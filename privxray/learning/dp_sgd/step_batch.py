"""All views of all images of one step's patients, patient after patient.

Tested in tests/unit/test_learning_patients.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.learning.dp_sgd.views import Views, ViewTerms, draw_views
from privxray.privacy.noise import NoiseSource


@dataclass(frozen=True)
class StepBatch:
    """What a step computes gradients of. It is as private as the data.

    :param owners: [N] which of the step's patients a view belongs to, ascending from 0.
    :param images: [N] which image of the data it is a view of.
    :param weights: [N] one over the number of the patient's views, so each patient's weights sum to 1.
    :param views: the N views.
    """

    owners: NDArray[np.int64]
    images: NDArray[np.int64]
    weights: NDArray[np.float64]
    views: Views

    def __len__(self) -> int:
        return len(self.owners)

    def ends(self) -> NDArray[np.bool_]:
        """[N] whether a view is the last one of its patient."""
        return np.append(self.owners[1:] != self.owners[:-1], True)[: len(self)]


def draw_batch(groups: Sequence[NDArray[np.int64]], terms: ViewTerms, source: NoiseSource) -> StepBatch:
    """The batch of a step whose patients have these images.

    :param groups: for each patient of the step, the numbers of the patient's images: at least one.
    :param source: where the views' moves come from.
    """
    lengths = np.array([len(group) for group in groups], dtype=np.int64)
    images = np.concatenate(groups) if groups else np.empty(0, dtype=np.int64)
    moves = draw_views(len(images), terms, source)
    return StepBatch(
        owners=np.repeat(np.arange(len(groups)), lengths * terms.views),
        images=np.repeat(images, terms.views),
        weights=np.repeat(1.0 / (lengths * terms.views), lengths * terms.views),
        views=moves,
    )
