"""A model to compare with: one logistic regression on all hospitals' pooled features, without privacy.

No study has it, because no study pools its patients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.learning.data import TrainingData
from privxray.privacy.clipping import unit_rows

# scikit-learn's C. It was the best of 3, 10, 30 and 100 in a fourfold cross-validation over patients,
# within the training split of the paediatric data set. It is fixed, so that the reference means the same
# everywhere.
_INVERSE_PENALTY = 10.0


def pooled_reference(data: TrainingData, inputs: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """[N, K] probabilities of ``inputs``, by a multinomial logistic regression fitted on ``data``.

    Its only penalty is on the squared weights of features of length 1.

    :param inputs: [N, D] features.
    :param classes: K. A class without a training image gets probability 0.
    """
    from sklearn.linear_model import LogisticRegression

    probabilities = np.zeros((len(inputs), classes))
    if len(np.unique(data.labels)) == 1:  # there is nothing to regress
        probabilities[:, data.labels[0]] = 1.0
        return probabilities
    model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000)
    model.fit(unit_rows(data.inputs), data.labels)
    probabilities[:, model.classes_] = model.predict_proba(unit_rows(inputs))
    return probabilities
