"""Two models on the same patients, and what may be said of their difference.

The hospital's own training is destroyed by its export, long before the global model comes. So they can't be
compared patient by patient: what is kept of the own training are its figures and their standard deviations
(docs/adr/0105). The two are then treated as independent. They are not, for easy patients are easy for both;
that makes the true deviation of the difference smaller. So "within chance" is said too often rather than too
seldom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from privxray.evaluation import weighted
from privxray.evaluation.held_out import Predictions
from privxray.evaluation.resampling import Estimate, Floats, estimate, resampled_weights

TWO_SIDED = 1.959964
"""The normal distribution's 97.5 % point."""


class Verdict(StrEnum):
    """What may be said of one figure against another."""

    BETTER = "better"
    WORSE = "worse"
    WITHIN_CHANCE = "within chance"


@dataclass(frozen=True)
class Difference:
    """How far one figure is above another.

    :ivar low: :ivar high: its 95 % interval.
    """

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """Whether chance alone would hardly give it."""
        if self.low > 0:
            return Verdict.BETTER
        return Verdict.WORSE if self.high < 0 else Verdict.WITHIN_CHANCE


def difference(one: Estimate, other: Estimate) -> Difference | None:
    """How far ``one`` is above ``other``; None where a figure or its deviation is not defined."""
    if one.value is None or other.value is None or one.sd is None or other.sd is None:
        return None
    value, reach = one.value - other.value, TWO_SIDED * math.hypot(one.sd, other.sd)
    return Difference(value, value - reach, value + reach)


def paired_macro_auc(one: Predictions, other: Predictions) -> Difference | None:
    """How far the macro AUC of one model is above another's on the same images, where both are at hand.

    The sets of patients that are drawn are the same for both, so what is easy for both does not count.

    :returns: None where macro AUC is not defined, or too few drawn sets define it.
    """
    weights = resampled_weights(one.patients)
    everybody = np.ones((1, weights.shape[1]))

    def apart(of: Floats) -> Floats:
        return weighted.macro_auc(one.probabilities, one.labels, of) - weighted.macro_auc(
            other.probabilities, other.labels, of
        )

    found = estimate(float(apart(everybody)[0]), apart(weights))
    if found.value is None or found.low is None or found.high is None:
        return None
    return Difference(found.value, found.low, found.high)
