"""Fair coins, and an attacker's guesses of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privxray.errors import UsageError
from privxray.privacy.noise import NoiseSource

Coins = NDArray[np.bool_]
"""[m] whether each canary, or each patient, is in the training data."""

Scores = NDArray[np.float64]
"""[m] an attacker's measure: larger where a canary, or a patient, seems to be in."""


def toss(number: int, source: NoiseSource) -> Coins:
    """[number] fair coins."""
    return source.uniform(number) < 0.5


def require_guesses(canaries: int, guesses: int) -> None:
    """Refuse a number of guesses that no audit can have.

    :raises UsageError: no guess, or more guesses than canaries.
    """
    if not 1 <= guesses <= canaries:
        raise UsageError(
            f"an audit with {canaries} canaries can't make {guesses} guesses",
            reason="audit.more-guesses-than-canaries",
            advice=f"Type --guesses with a number from 1 to {canaries}",
        )


def clearest_guesses(scores: Scores, number: int) -> NDArray[np.int8]:
    """[m] guesses: 1 for in, -1 for out, 0 for none. Only the ``number`` clearest scores get one.

    Scores are split in two where that leaves the least squares within the parts (two-means, which is exact in
    one dimension). The clearest are those farthest from the middle between the parts' means.
    """
    ordered = np.sort(scores)
    m = len(ordered)
    if m == 1 or ordered[0] == ordered[-1]:
        middle = float(ordered[0]) - 1.0  # all scores are equal, so that any guess will do
    else:
        sums, counts = np.cumsum(ordered)[:-1], np.arange(1, m)
        low, high = sums / counts, (ordered.sum() - sums) / (m - counts)
        split = int(np.argmax(counts * (m - counts) * (high - low) ** 2))
        middle = float(low[split] + high[split]) / 2.0
    clearest = np.argsort(-np.abs(scores - middle), kind="stable")[:number]
    guesses = np.zeros(m, np.int8)
    guesses[clearest] = np.where(scores[clearest] > middle, 1, -1)
    return guesses
