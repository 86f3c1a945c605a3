"""Whether a model looks spoilt: far worse than the one before, or than the hospital's own training.

One hospital or the coordinator can move the model as far as the bounds of the vector allow, and masks hide
who did it (docs/adr/0093). What is left to a hospital is to look, on patients whom nobody else has. A change
is told only where chance alone would hardly make it and it is large, for a training in rounds goes up and
down a little. Tested in tests/unit/test_evaluation_spoilt.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from privxray.evaluation import weighted
from privxray.evaluation.comparison import TWO_SIDED, Difference, difference
from privxray.evaluation.held_out import Predictions
from privxray.evaluation.resampling import Estimate, estimate, resampled_weights

AREA: Final = "macro_auc"
LEAST: Final = {AREA: 0.05}
"""By figure, the smallest fall that is told."""
LEAST_RECALL: Final = 0.2
"""The same of the share of a class's images that is recognised: it moves with the other classes' shares."""

_RECALL = "recognised of "
_ADVICE = (
    "a hospital or the coordinator may have spoilt it: don't use it before the coordinator and another "
    "hospital have said what they see"
)


def figures(seen: Predictions) -> dict[str, Estimate]:
    """Macro AUC, and for each class the share of its images that is recognised."""
    weights = resampled_weights(seen.patients)
    ones = np.ones((1, len(seen.labels)))
    return {
        name: estimate(float(_values(name, seen, ones)[0]), _values(name, seen, weights))
        for name in (AREA, *(_RECALL + one for one in seen.classes))
    }


def worse_than_own(now: Predictions, own: Mapping[str, Estimate]) -> Iterator[str]:
    """Where the model is far worse than the own training, whose figures alone were kept.

    :param own: of :func:`figures`.
    """
    found = figures(now)
    falls = {name: apart for name in found if name in own and (apart := difference(found[name], own[name]))}
    yield from _told(falls, now, "this hospital's own training")


def worse_than_before(now: Predictions, before: Predictions) -> Iterator[str]:
    """Where the model is far worse than the one before, patient by patient.

    :param before: of the same patients.
    """
    weights = resampled_weights(now.patients)
    ones = np.ones((1, len(now.labels)))
    falls = {}
    for name in (AREA, *(_RECALL + one for one in now.classes)):
        value, replicates = (_values(name, now, one) - _values(name, before, one) for one in (ones, weights))
        apart = estimate(float(value[0]), replicates)
        if apart.value is not None and apart.sd is not None:
            reach = TWO_SIDED * apart.sd
            falls[name] = Difference(apart.value, apart.value - reach, apart.value + reach)
    yield from _told(falls, now, "the model before")


def _told(falls: Mapping[str, Difference], now: Predictions, than: str) -> Iterator[str]:
    patients = int(now.patients.max()) + 1
    for name, apart in falls.items():
        if apart.high < 0 and -apart.value >= LEAST.get(name, LEAST_RECALL):
            found = f"the share of {name.removeprefix(_RECALL)} that it finds"
            what = "macro AUC" if name == AREA else found
            fall = f"{-apart.value:.2f} below that of {than}"
            yield f"on {patients} held-out patients {what} is {fall}; {_ADVICE}"


def _values(name: str, seen: Predictions, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    if name == AREA:
        return weighted.macro_auc(seen.probabilities, seen.labels, weights)
    of = seen.labels == list(seen.classes).index(name.removeprefix(_RECALL))
    return weighted.share((seen.probabilities.argmax(axis=1) == seen.labels) & of, of, weights)
