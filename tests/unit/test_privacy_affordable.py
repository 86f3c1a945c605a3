"""What is said to be left is admitted by the ledger's rule, and hardly more would be."""

from __future__ import annotations

import math

import pytest
from refusals import refused

from privxray.errors import UsageError
from privxray.privacy import accountant, affordable
from privxray.privacy.adaptive_filter import filter_of
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee

DELTA = 1e-5
PAST = [
    Event(kind="poisson-gaussian", noise=3.0 + i / 50, q=0.02 + i / 2000, count=1 + i % 7) for i in range(3)
]


def gaussian(noise: float, count: int = 1) -> Event:
    return Event(kind="gaussian", noise=noise, count=count)


def poisson(noise: float, q: float, count: int) -> Event:
    return Event(kind="poisson-gaussian", noise=noise, count=count, q=q)


@pytest.mark.parametrize("past", [[], PAST, [gaussian(1.2), poisson(1.5, 0.2, 30)]])
def test_what_is_left_is_admitted_and_no_more_would_be(past: list[Event]) -> None:
    limit = 10.0

    def total(event: Event) -> float:
        return filter_of(Guarantee(limit, DELTA)).epsilon([*past, event])

    for q, steps in ((0.1, 50), (1.0, 4)):
        noise = affordable.least_noise(steps, q, Guarantee(limit, DELTA), past=past)
        assert noise is not None
        step = poisson if q < 1 else lambda noise, _, count: gaussian(noise, count)
        assert total(step(noise, q, steps)) <= limit < total(step(noise * (1 - 1e-4), q, steps))
        count = affordable.most_steps(noise * 1.5, q, Guarantee(limit, DELTA), past=past)
        assert count > steps
        assert total(step(noise * 1.5, q, count)) <= limit < total(step(noise * 1.5, q, count + 1))
    largest = accountant.epsilon(affordable.room(Guarantee(limit, DELTA), past=past), 1e-6)
    noise = accountant.calibrate(lambda s: [gaussian(s)], Guarantee(largest, 1e-6))
    # The same noise once more, by way of epsilon at another delta: two roundings of 1e-5 each.
    assert total(gaussian(noise * (1 + 2e-5))) <= limit < total(gaussian(noise * (1 - 1e-4)))


@pytest.mark.parametrize("steps", [1, 2, 7, 64])
def test_a_budget_that_was_made_for_so_many_steps_affords_as_many(steps: int) -> None:
    """The limit is met to the last bit, so one step less or more would show."""
    reached = filter_of(Guarantee(6.0, DELTA)).epsilon([gaussian(2.0, steps)])  # whatever the limit
    exact = Guarantee(reached, DELTA)
    assert affordable.most_steps(2.0, 1.0, exact, past=[]) == steps


def test_steps_that_sample_are_offered_with_half_of_their_sensitivity_in_noise_at_least() -> None:
    """Whatever the limit leaves room for; steps that see everybody have no such bound."""
    limit = Guarantee(100.0, DELTA)
    assert affordable.least_noise(1, 0.999, limit, past=[]) == 0.5
    everybody = affordable.least_noise(1, 1.0, limit, past=[])
    assert everybody is not None
    assert everybody < 0.1
    assert affordable.most_steps(0.4999, 0.999, limit, past=[]) == 0
    assert affordable.most_steps(0.5, 0.999, limit, past=[]) > 0
    assert affordable.most_steps(0.4999, 1.0, limit, past=[]) > 0


def test_a_room_is_one_run_of_gaussian_noise() -> None:
    (event,) = affordable.room(Guarantee(6.0, DELTA), past=[])
    assert (event.kind, event.count, event.q) == ("gaussian", 1, 1.0)
    assert 5.968 < accountant.epsilon([event], DELTA) < 5.969  # a tenth of delta is kept for sampled events


def test_a_used_up_budget_affords_nothing() -> None:
    past = [gaussian(0.5)]
    assert affordable.largest_epsilon(Guarantee(6.0, DELTA), past=past) == 0
    assert affordable.least_noise(10, 0.1, Guarantee(6.0, DELTA), past=past) is None
    assert affordable.most_steps(50.0, 0.1, Guarantee(6.0, DELTA), past=past) == 0
    assert affordable.most_steps(1e6, 0.01, Guarantee(6.0, DELTA), past=[]) == 1_048_576


@pytest.mark.parametrize("epsilon", [0.0, math.nan, 100.5])
def test_a_limit_out_of_range_is_refused(epsilon: float) -> None:
    limit = Guarantee(epsilon, DELTA)
    for ask in (
        lambda: affordable.room(limit, past=[]),
        lambda: affordable.largest_epsilon(limit, past=[]),
        lambda: affordable.least_noise(5, 0.5, limit, past=[]),
        lambda: affordable.most_steps(1.0, 1.0, limit, past=[]),
    ):
        with refused(UsageError, "epsilon.out-of-range"):
            ask()


def test_a_search_halves_a_factor_of_two_seventeen_times() -> None:
    scales: list[float] = []

    def build(scale: float) -> list[Event]:
        scales.append(scale)
        return [gaussian(scale)]

    found = affordable.least_scale(build, Guarantee(6.0, DELTA), past=[])
    assert scales[:8] == [64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0, 0.5]
    assert len(scales) == 8 + 17
    assert 0.5 < found < 1.0
    assert found in scales
    below = max(scale for scale in scales if scale < found)
    assert found / below == pytest.approx(2 ** (2.0**-17), rel=1e-12)
