"""The epsilon that a refused training is told is the largest that all of its rounds can have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from privxray.privacy import accountant
from privxray.privacy.adaptive_filter import filter_of
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.workflow.hospital.local_training.training import Remaining

NO_CONSTANTS: Any = None


class TenSampledSteps:
    """What a reservation asks a method: dp-sgd's accounting without its training."""

    def round_events(self, constants: Any, noise: float) -> list[Event]:
        return [Event(kind="poisson-gaussian", noise=noise, q=0.2, count=10)]

    def plan_noise(
        self, constants: Any, limit: Guarantee, *, rounds_left: int, past: Sequence[Event]
    ) -> float:
        return accountant.calibrate(
            lambda noise: rounds_left * self.round_events(constants, noise), limit, past=past
        )


@pytest.mark.parametrize("rounds", [1, 4])
@pytest.mark.parametrize("delta", [1e-5, 1e-6])
@pytest.mark.parametrize("before", [0, 2])
def test_the_largest_epsilon_fits_the_ledger_and_a_larger_one_does_not(
    tmp_path: Path, rounds: int, delta: float, before: int
) -> None:
    method: Any = TenSampledSteps()
    ledger = Ledger.create(tmp_path / "ledger.db", Guarantee(8, 1e-5))
    ledger.reserve("other", "1", [Event(kind="gaussian", noise=1.5)])
    own = [Event(kind="poisson-gaussian", noise=2.0, q=0.2, count=10 * before)] if before else []
    if own:
        ledger.reserve("study", "1", own)
    remaining = Remaining(method, NO_CONSTANTS, delta, rounds, own)
    largest = remaining.largest_epsilon(ledger)
    assert 0 < largest == round(largest, 2)

    def total(epsilon: float) -> float:
        noise = method.plan_noise(None, Guarantee(epsilon, delta), rounds_left=rounds, past=own)
        events = [*ledger.events(), *rounds * method.round_events(None, noise)]
        return filter_of(ledger.limit).epsilon(events)

    assert total(largest) <= 8 < total(largest + 0.02)


def test_nothing_is_the_largest_where_nothing_fits(tmp_path: Path) -> None:
    events = [Event(kind="gaussian", noise=0.7)]
    ledger = Ledger.create(
        tmp_path / "ledger.db", Guarantee(filter_of(Guarantee(10, 1e-5)).epsilon(events), 1e-5)
    )
    ledger.reserve("other", "1", events)
    method: Any = TenSampledSteps()
    assert Remaining(method, NO_CONSTANTS, 1e-5, 4, []).largest_epsilon(ledger) == 0
