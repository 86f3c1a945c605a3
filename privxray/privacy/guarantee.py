"""What a patient is promised: an epsilon, and what it means nothing without.

An epsilon is a number about a unit, an adjacency and a delta. So the four travel as one thing. This is the
one place that puts them into words, and the one that says which numbers may be asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privxray.errors import UsageError
from privxray.keys.brackets import most_delta

if TYPE_CHECKING:
    from pydantic import JsonValue

ADJACENCY = "add-or-remove-one-patient"
REPLACE_ADJACENCY = "replace-one-patient"

MAX_EPSILON = 100.0
"""A guarantee with a larger epsilon says nothing."""
LEAST_DELTA = 1e-10
"""What rounding may hide is charged to delta (:mod:`privxray.privacy.loss_distributions`). That would be most
of a smaller one."""


@dataclass(frozen=True)
class Guarantee:
    """(epsilon, delta)-differential privacy per patient (Dwork and Roth 2014, definition 2.4).

    It stands for what was spent, for a limit, or for a claim. Each use has its own range, and whoever takes
    one checks it.

    :param epsilon: >= 0; infinity where nothing is promised.
    :param delta: in (0, 1).
    :param adjacency: which data sets are neighbours: those that differ by one patient who is there or not, or
        by one patient in another's place.
    """

    epsilon: float
    delta: float
    adjacency: str = ADJACENCY

    def __str__(self) -> str:
        """In words, with four significant digits of epsilon."""
        return f"epsilon {self.epsilon:.4g} (per patient, delta {self.delta:g}, {self.adjacency})"

    def to_json(self) -> dict[str, JsonValue]:
        """For ``--json``, with every digit. JSON has no infinity: null stands for it."""
        return {
            "epsilon": self.epsilon if math.isfinite(self.epsilon) else None,
            "delta": self.delta,
            "adjacency": self.adjacency,
        }


def require_epsilon(epsilon: float) -> None:
    """Check an epsilon that somebody asks for.

    :raises UsageError: it is not a number in (0, 100].
    """
    if not 0.0 < epsilon <= MAX_EPSILON:  # also false for NaN
        raise UsageError(
            f"epsilon can't be '{epsilon:g}': it has to be a number above 0 and at most {MAX_EPSILON:g}",
            reason="epsilon.out-of-range",
        )


def require_delta(delta: float) -> None:
    """Check a delta.

    :raises UsageError: it is not a number in (0, 1).
    """
    if not 0.0 < delta < 1.0:
        raise UsageError(
            f"delta can't be '{delta:g}': it has to be a number above 0 and below 1",
            reason="delta.out-of-range",
            advice="It belongs far below one over the number of patients, for example at 1e-5",
        )


@dataclass(frozen=True)
class Promise:
    """A delta that is meant for hospitals of up to ``patients`` patients, one of the brackets."""

    delta: float
    patients: int

    def require(self) -> None:
        """Check that it promises something.

        :raises UsageError: delta is out of range, smaller than the accountant resolves, or above 0.1 over the
            number of patients.
        """
        require_resolved(self.delta)
        if self.delta > most_delta(self.patients):
            raise UsageError(
                f"delta {self.delta:g} is too large for a hospital of up to {self.patients:,} patients: at "
                f"most {most_delta(self.patients):g} is allowed",
                reason="delta.above-size",
                advice="Choose a smaller delta, or leave it out",
            )


def require_resolved(delta: float) -> None:
    """Check a delta that an accountant has to work with.

    :raises UsageError: it is out of range, or smaller than the accountant resolves.
    """
    require_delta(delta)
    if delta < LEAST_DELTA:
        raise UsageError(
            f"delta {delta:g} is smaller than the accountant resolves ({LEAST_DELTA:g})",
            reason="delta.too-small",
        )


def promises_something(delta: float, n_max: int) -> bool:
    """Whether delta is below 1 / n_max, where at most n_max patients take part.

    A mechanism that publishes all data of one patient, picked at random out of n, has delta 1 / n. So a delta
    of 1 / n or more allows it.
    """
    return delta * n_max < 1.0


def require_delta_below(delta: float, n_max: int) -> None:
    """Check the delta of a plan for hospitals of at most ``n_max`` patients.

    :raises UsageError: it is out of range, smaller than the accountant resolves, or promises nothing.
    """
    require_resolved(delta)
    if not promises_something(delta, n_max):
        raise UsageError(
            f"delta {delta:g} promises nothing to one of {n_max:,} patients, the most that a hospital may "
            "have (the plan's constant n_max): it is not below one over that number",
            reason="delta.too-large",
            advice="Plan with a smaller delta, or with a smaller n_max under `constants` of --from FILE.yaml",
        )
