"""What a training left behind, and what a second computation makes of it.

Tested through both methods, in tests/unit/test_audit_conformance.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from privxray.audit.conformance.noise_tape import Floats, NoiseTape
from privxray.learning.data import TrainingData
from privxray.learning.interface import Constants, Task


@dataclass(frozen=True)
class Trained(Generic[Constants]):
    """One training that has ended.

    :ivar noise: the noise scale that the ledger would have been charged for.
    :ivar answers: what the training saved, in order.
    :ivar vector: what it gave to be exported.
    :ivar tape: what it drew.
    """

    data: TrainingData
    task: Task[Constants]
    noise: float
    answers: Sequence[Mapping[str, NDArray[Any]]]
    vector: Mapping[str, NDArray[Any]]
    tape: NoiseTape


@dataclass(frozen=True)
class Block:
    """What is left of one part of a noisy answer once its exact value is taken away.

    :ivar name: of the part; the same in every answer of the same form.
    :ivar answer: the number of the answer in its training.
    :ivar noise: what is left, over the claimed standard deviation: independent N(0, 1) in an intact engine.
    :ivar exact: the exact value in the same unit and shape.
    :ivar deviation: the claimed standard deviation.
    :ivar by_class: the first axis is that of the classes.
    """

    name: str
    answer: int
    noise: Floats
    exact: Floats
    deviation: float
    by_class: bool

    @classmethod
    def of(
        cls, part: tuple[str, int], noisy: Floats, exact: Floats, deviation: float, *, by_class: bool
    ) -> Block:
        """What is left of ``noisy``.

        :param part: its name, and the number of the answer.
        """
        name, answer = part
        return cls(name, answer, (noisy - exact) / deviation, exact / deviation, deviation, by_class)


@dataclass(frozen=True)
class Recomputed:
    """The second computation of one training.

    :ivar blocks: in the order in which noise is drawn for them.
    :ivar vector: what has to leave, computed from the noisy answers alone.
    :ivar charges: noise over sensitivity of each answer, with the rate at which patients were sampled.
    :ivar taken: [T, P] who was sampled in which step; nobody is sampled where it is empty.
    :ivar rate: the probability of it.
    :ivar faults: what can't be, in words.
    """

    blocks: Sequence[Block]
    vector: Mapping[str, Floats]
    charges: Sequence[tuple[float, float]]
    taken: NDArray[np.bool_]
    rate: float = 1.0
    faults: Sequence[str] = ()
