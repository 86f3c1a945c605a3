"""What a patient is promised: an epsilon, and what it means nothing without.

An epsilon is a number about a unit, an adjacency and a delta. So the four travel as one thing, and this is
the one place where they are put into words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

ADJACENCY = "add-or-remove-one-patient"
REPLACE_ADJACENCY = "replace-one-patient"


@dataclass(frozen=True)
class Guarantee:
    """(epsilon, delta)-differential privacy per patient (Dwork and Roth 2014, definition 2.4).

    It serves for what was spent, for a limit, and for a claim; which range is allowed is up to who takes it.

    :param epsilon: >= 0; infinity where nothing is promised.
    :param delta: in (0, 1).
    :param adjacency: what neighbouring data sets are: they differ by one patient who is there or not, or by
        one patient in another's place.
    """

    epsilon: float
    delta: float
    adjacency: str = ADJACENCY

    def __str__(self) -> str:
        """In words, with four significant digits of epsilon."""
        return f"epsilon {self.epsilon:.4g} (per patient, delta {self.delta:g}, {self.adjacency})"

    def to_json(self) -> dict[str, Any]:
        """For ``--json``, in full precision; JSON has no infinity, so null stands for it."""
        return {
            "epsilon": self.epsilon if math.isfinite(self.epsilon) else None,
            "delta": self.delta,
            "adjacency": self.adjacency,
        }
