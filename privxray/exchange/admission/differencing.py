"""Two sums whose hospitals differ by one: their difference is that hospital's vector.

So it is where both are of one task: a count of patients and a model have no difference.
"""

from __future__ import annotations

from collections.abc import Set

from privxray.formats.header import Fingerprint


def differs_by_one(before: Set[Fingerprint], after: Set[Fingerprint]) -> tuple[str, ...]:
    """A warning if two cohorts differ by a single hospital, for then their sums differ by its vector.

    Both are of sums of one task.

    :param before: the hospitals of the sum that was opened before, empty if there was none.
    """
    if not before or len(before ^ after) != 1:
        return ()
    return (
        "the hospitals differ by one from those of the last such round: whoever has both sums can estimate "
        "that hospital's vector from their difference. Its own noise is in that vector, so each patient "
        "keeps the plan's epsilon; that the vector is hidden among others is no longer sure",
    )
