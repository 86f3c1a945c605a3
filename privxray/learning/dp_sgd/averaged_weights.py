"""The exponential moving average of the weights, which leaves in their place.

De et al. 2022, "Unlocking high-accuracy differentially private image classification through scale", section
3.3, average the iterates of DP-SGD this way: steps are noisy, and their noise averages out. An average of
noisy answers is arithmetic on what was paid for, so it costs no privacy (docs/adr/0126).

Tested in tests/unit/test_learning_averaged_weights.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float64]]

_PREFIX = "average."


class AveragedWeights:
    """An average in which the weights after a step count d times as much as those after the next one.

    It is a sum in float64, tensor by tensor, so it has the same bits on every device.

    :param decay: d in [0, 1). With 0 it is the last weights.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._sums: Arrays = {}

    def add(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Add the weights after one more step."""
        for name, values in weights.items():
            earlier = self._decay * self._sums[name] if name in self._sums else 0.0
            self._sums[name] = earlier + (1.0 - self._decay) * values.astype(np.float64)

    def mean(self, steps: int) -> Arrays:
        """The average after so many steps, >= 1.

        The sum is divided by what the steps count for together, 1 - d^steps, as Kingma and Ba 2015, "Adam: a
        method for stochastic optimization", section 3, correct theirs.
        """
        return {name: total / (1.0 - self._decay**steps) for name, total in self._sums.items()}

    def state(self) -> Arrays:
        """All that the next step needs; nothing where the decay is 0."""
        return {_PREFIX + name: total for name, total in self._sums.items()} if self._decay else {}

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a state that :meth:`state` gave; other arrays are passed over."""
        self._sums = {
            name.removeprefix(_PREFIX): total for name, total in saved.items() if name.startswith(_PREFIX)
        }
