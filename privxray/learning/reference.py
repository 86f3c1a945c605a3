"""What no study has: one logistic regression on everybody's pooled features, without privacy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.learning.data import TrainingData
from privxray.privacy.clipping import unit_rows


def pooled_reference(
    data: TrainingData, inputs: NDArray[Any], classes: int, *, c: float = 10.0
) -> NDArray[np.float64]:
    """[N, K] probabilities for ``inputs`` of an L2-regularised multinomial regression fitted on ``data``.

    :param c: scikit-learn's C, the inverse of the penalty on weights over unit-length features. The default
        was the best of 3, 10, 30 and 100 in a fourfold cross-validation over patients within the training
        split of the paediatric data set, and is kept fixed so that the reference means the same everywhere.
    """
    from sklearn.linear_model import LogisticRegression

    probabilities = np.zeros((len(inputs), classes))  # a class that no training image has keeps its zero
    if len(np.unique(data.labels)) == 1:  # nothing to regress
        probabilities[:, data.labels[0]] = 1.0
        return probabilities
    model = LogisticRegression(C=c, max_iter=1000)
    model.fit(unit_rows(data.inputs), data.labels)
    probabilities[:, model.classes_] = model.predict_proba(unit_rows(inputs))
    return probabilities
