"""How tests deal with chance: a seeded source where given scores are judged, fresh draws where noise is.

A test of a *judge* - a bound, a p-value, a curve held against scores - gets its scores from :class:`Seeded`.
It then says the same in every run. A test of real noise or of a real engine draws afresh, and says in a
comment by which chance it fails although nothing is wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Seeded:
    """A noise source that draws the same values in every run. It protects nobody."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        return self._rng.normal(0.0, std, shape)

    def uniform(self, size: int) -> NDArray[np.float64]:
        return self._rng.random(size)
