"""What a plan's updates prove that they keep to: the bound of each tensor, and what a total bounds.

With the feature ``bound-proofs`` the plan's bounds hold for each single hospital, whatever its software.
Without it they hold for the sum of all alone, so that one hospital could have n times as much
(docs/adr/0152).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from privxray.errors import RefusedError
from privxray.formats.header import TaskName
from privxray.formats.stated_bounds import StatedBounds
from privxray.formats.tensors import TensorSpec

if TYPE_CHECKING:
    from privxray.exchange.bounds.statement import Statement

_OTHER_PLAN = "The coordinator has to make another plan"


def check_bounds(
    manifest: Sequence[TensorSpec], bounds: StatedBounds | None, commitments: str | None, task: TaskName
) -> None:
    """Whether bounds can be proven of a plan's updates.

    :raises RefusedError: the plan has no commitments; it counts patients, and has bounds of a training; or
        its bounds name a tensor twice or one that is not in the vector, or numbers that are too many or too
        large.
    """
    if commitments is None:
        raise RefusedError(
            "the plan asks for proofs of bounds, and has no commitments that these could be about",
            reason="plan.bounds-without-commitments",
            advice=_OTHER_PLAN,
        )
    if bounds is not None and task != "train":
        raise RefusedError(
            f"the plan has bounds of a training, and its task is to {task}",
            reason="plan.bounds-of-other-task",
            advice=_OTHER_PLAN,
        )
    if bounds is not None and len(bounds.times) < len(bounds.shared):
        raise RefusedError(
            "the plan's bounds name a tensor twice", reason="plan.bounds-twice", advice=_OTHER_PLAN
        )
    try:
        statement_about(tuple(manifest), bounds)
    except ValueError as error:
        raise RefusedError(
            f"the plan's bounds can't be proven: {error}", reason="plan.bounds", advice=_OTHER_PLAN
        ) from error


def can_be_proven(manifest: Sequence[TensorSpec], bounds: StatedBounds | None) -> bool:
    """Whether there are proofs for vectors of this manifest: these are neither too long nor too large."""
    try:
        statement_about(tuple(manifest), bounds)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=8)
def statement_about(manifest: tuple[TensorSpec, ...], bounds: StatedBounds | None) -> Statement:
    """What updates of a plan with this manifest and these bounds prove.

    :raises ValueError: there are no proofs for such vectors.
    """
    from privxray.exchange.bounds.statement import statement_of

    if bounds is None:
        return statement_of(manifest)
    return statement_of(manifest, bounds.total, bounds.times)
