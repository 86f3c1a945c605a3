"""A source of noise that writes down what was drawn from it.

Tested in tests/unit/test_audit_conformance.py.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from privxray.privacy.noise import NoiseSource

Floats = NDArray[np.float64]
Draw = Literal["gaussian", "uniform"]


class NoiseTape:
    """Hands on what another source draws, and keeps a copy in the order of the calls.

    :param source: what draws.
    """

    def __init__(self, source: NoiseSource) -> None:
        self._source = source
        self._draws: list[tuple[Draw, Floats]] = []

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        """See :class:`.NoiseSource`."""
        values = self._source.gaussian(shape, std)
        self._draws.append(("gaussian", values.ravel().copy()))
        return values

    def uniform(self, size: int) -> NDArray[np.float64]:
        """See :class:`.NoiseSource`."""
        values = self._source.uniform(size)
        self._draws.append(("uniform", values.copy()))
        return values

    def gaussians(self) -> Floats:
        """All Gaussian values, in the order in which they were drawn."""
        return np.concatenate([np.zeros(0), *(values for kind, values in self._draws if kind == "gaussian")])

    def uniforms(self) -> list[Floats]:
        """The uniform values, one array a call."""
        return [values for kind, values in self._draws if kind == "uniform"]
