"""The claim that an audit tries to refute."""

from __future__ import annotations

from dataclasses import dataclass

from privxray.learning.interface import Constants, Method
from privxray.privacy.guarantee import Guarantee, require_delta, require_epsilon


@dataclass(frozen=True)
class Claim(Guarantee):
    """What training promises a patient, in the range that training accepts.

    :raises UsageError: epsilon or delta out of range.
    """

    def __post_init__(self) -> None:
        require_epsilon(self.epsilon)
        require_delta(self.delta)

    def noise(self, method: Method[Constants], constants: Constants) -> float:
        """The noise scale of one round of training under this claim."""
        return method.plan_noise(constants, self, rounds_left=1, past=())
