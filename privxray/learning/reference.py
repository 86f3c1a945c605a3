"""What no study has: one logistic regression on everybody's pooled features, without privacy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.learning.data import TrainingData
from privxray.learning.methods import softmax
from privxray.privacy.clipping import unit_rows


def pooled_reference(
    data: TrainingData, inputs: NDArray[Any], classes: int, *, c: float = 0.003
) -> NDArray[np.float64]:
    """[N, K] probabilities for ``inputs`` of an L2-regularised multinomial regression fitted on ``data``.

    Features are brought to unit length and standardised. The default of ``c`` (scikit-learn's C, the inverse
    of the penalty) was chosen once by cross-validation over patients in the training split of the paediatric
    data set, and is kept fixed so that the reference means the same everywhere.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(unit_rows(data.inputs))
    model = LogisticRegression(C=c, max_iter=2000)
    model.fit(scaler.transform(unit_rows(data.inputs)), data.labels)
    # A class that no training image has gets no probability.
    logits = np.full((len(inputs), classes), -np.inf)
    scores = model.predict_log_proba(scaler.transform(unit_rows(inputs)))
    logits[:, model.classes_] = scores
    return softmax(logits)
