"""What the sizes of its hospitals mean for a plan (docs/SPEC-2.md, section 3).

Delta means little where it is not far below one over the number of patients: to publish one patient of n
whole, at random, has delta 1 / n. So delta is held against the largest bracket that a hospital stated, and so
is the weight that one hospital may have. A bracket is no sensitivity: epsilon and delta are true whatever the
number of patients is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from pydantic import JsonValue

from privxray.errors import RefusedError
from privxray.keys.brackets import BRACKETS, advised_delta, most_delta

N_MAX = "n_max"
"""The constant of a plan that is the largest bracket."""
WEIGHT_CAP = "weight_cap"
"""The constant of a plan that is the most that one hospital weighs, in patients."""

_OTHER_PLAN = "The coordinator has to make another plan"


def check_sizes(
    brackets: Sequence[int], constants: Mapping[str, JsonValue], delta: float, *, first: bool
) -> None:
    """The rules of the feature ``sizes``.

    :param brackets: of all hospitals.
    :param first: whether the study begins with this plan; later its largest hospital may have left.
    :raises RefusedError: n_max is not the largest bracket, or delta or one hospital's weight is too large
        for it.
    """
    bound, weight = constants.get(N_MAX), constants.get(WEIGHT_CAP, 1)
    largest = max(brackets)
    if not _is_bracket(bound) or largest > bound or (first and largest != bound):
        raise RefusedError(
            f"the plan's constant n_max is not {largest:,}, the most patients that one of its hospitals "
            "states",
            reason="plan.n-max-not-sizes",
            advice=_OTHER_PLAN,
        )
    if delta > most_delta(bound):
        raise RefusedError(
            f"the plan's delta {delta:g} is more than {most_delta(bound):g}, the most for hospitals of up to "
            f"{bound:,} patients",
            reason="plan.delta-above-sizes",
            advice="Ask the coordinator for a plan with a smaller delta",
        )
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight > bound:
        raise RefusedError(
            f"the plan lets one hospital weigh more than {bound:,} patients, the most that one of them "
            "states",
            reason="plan.weight-above-sizes",
            advice="Ask the coordinator for a plan with a smaller weight_cap",
        )


def delta_remark(delta: float, bound: int) -> str | None:
    """In plain words, what a delta above the advised one means; None where it is not above.

    :param bound: the largest bracket.
    """
    if delta <= advised_delta(bound):
        return None
    return (
        f"delta {delta:g} is more than the {advised_delta(bound):g} that is advised for hospitals of up to "
        f"{bound:,} patients: with a chance of up to {delta * bound:.1%}, one patient of such a hospital may "
        "not be covered by epsilon at all"
    )


def _is_bracket(bound: JsonValue) -> TypeGuard[int]:
    return type(bound) is int and bound in BRACKETS
