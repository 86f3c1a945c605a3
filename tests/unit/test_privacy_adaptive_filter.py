"""The lifetime limit holds although each run's terms may depend on what earlier runs published."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
from dp_accounting.rdp import RdpAccountant
from numpy.typing import NDArray
from refusals import refused
from scipy.special import log_ndtr, ndtr
from scipy.stats import norm

from privxray.errors import BudgetError, RefusedError, UsageError
from privxray.learning.dp_sgd.dp_sgd_method import DpSgd
from privxray.privacy import accountant, affordable
from privxray.privacy.adaptive_filter import GAUSSIAN_SHARE, filter_of, renyi_divergence
from privxray.privacy.events import Event, steps_of
from privxray.privacy.gaussian_curve import gaussian_epsilon, gaussian_mu
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.privacy.sampling import LEAST_SAMPLED_NOISE

DELTA = 1e-5
Profile = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""delta(t) for any t: the hockey-stick divergence of what a branch publishes, at e^t."""


def gaussian(epsilon: float) -> Event:
    """One Gaussian run that costs this much by itself."""
    return steps_of(accountant.calibrate(lambda s: [steps_of(s, 1.0, 1)], Guarantee(epsilon, DELTA)), 1.0, 1)


def profile(event: Event, *, remove: bool) -> Profile:
    """By a fine grid of what one step publishes; the patient's part is 1, the noise ``event.noise``."""
    y = np.linspace(-12 * event.noise, 1 + 12 * event.noise, 4001)
    width = y[1] - y[0]
    plain = norm.pdf(y, 0, event.noise) * width
    mixed = (1 - event.q) * plain + event.q * norm.pdf(y, 1, event.noise) * width
    upper, lower = (mixed, plain) if remove else (plain, mixed)
    return lambda t: np.maximum(upper - np.exp(np.minimum(t, 700.0))[:, None] * lower, 0).sum(axis=1)


def nothing(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """A game that stops here."""
    return np.maximum(1 - np.exp(np.minimum(t, 700.0)), 0)


def best_response(first: Event, branches: Sequence[Event], epsilon: float) -> float:
    """delta(epsilon) of the game whose second run is chosen, output by output, to hurt most.

    The hockey-stick divergence of the whole is the mean over the first output x of the branch's own at
    epsilon - loss(x), so the worst choice is the largest for each x by itself.
    """
    mu = 1 / first.noise
    worst = 0.0
    for remove in (True, False):
        mean = mu if remove else 0.0
        x = np.linspace(mean - 9, mean + 9, 2001)
        weight = norm.pdf(x, mean, 1) * (x[1] - x[0])
        loss = mu * x - mu**2 / 2 if remove else mu**2 / 2 - mu * x
        options = [nothing, *(profile(branch, remove=remove) for branch in branches)]
        values = np.max([option(epsilon - loss) for option in options], axis=0)
        worst = max(worst, float(weight @ values))
    return worst


def natural(limit: Guarantee, first: Event, rates: Sequence[float]) -> list[Event]:
    """The runs that a filter by composition alone admits after ``first``: to the limit, one for each rate."""
    return [
        steps_of(accountant.calibrate(lambda s, q=q: [steps_of(s, q, 1)], limit, past=[first]), q, 1)
        for q in rates
    ]


def admitted(limit: Guarantee, first: Event, rates: Sequence[float]) -> list[Event]:
    """The same by the filter in force."""
    found = ((q, affordable.least_noise(1, q, limit, past=[first])) for q in rates)
    return [steps_of(noise, q, 1) for q, noise in found if noise is not None]


@pytest.mark.parametrize(
    ("limit", "first", "rate", "least"),
    [
        pytest.param(6.0, 3.6, 1e-5, 1.8e-5, id="a step of which delta hides nearly all"),
        pytest.param(10.0, 8.6, 0.05, 1.0e-5, id="a step at a common rate"),
    ],
)
def test_composing_what_happened_is_no_filter_and_this_one_is(
    limit: float, first: float, rate: float, least: float
) -> None:
    whole, opening = Guarantee(limit, DELTA), gaussian(first)
    rates = (1.0, rate)
    assert best_response(opening, natural(whole, opening, rates), limit) > least
    assert best_response(opening, admitted(whole, opening, rates), limit) <= DELTA


@pytest.mark.parametrize("limit", [1.0, 3.0, 6.0, 10.0])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8, 0.95])
def test_no_choice_of_branches_exceeds_the_limit(limit: float, share: float) -> None:
    whole, opening = Guarantee(limit, DELTA), gaussian(share * limit)
    branches = admitted(whole, opening, (1.0, 0.5, 0.25, 0.05, 1e-3, 1e-5))
    assert filter_of(whole).admits([opening, branches[0]])  # another Gaussian run always fits
    assert best_response(opening, branches, limit) <= DELTA


def test_gaussian_histories_keep_mu_squared() -> None:
    rule = filter_of(Guarantee(6.0, DELTA))
    alone = accountant.epsilon([steps_of(0.8, 1.0, 1)], GAUSSIAN_SHARE * DELTA)
    assert rule.epsilon([steps_of(0.8, 1.0, 1)]) == pytest.approx(alone, rel=1e-6)
    split = [steps_of(0.8 * math.sqrt(8), 1.0, 6), steps_of(0.8 * 2, 1.0, 1)]
    assert rule.epsilon(split) == pytest.approx(alone, rel=1e-6)
    assert rule.epsilon([]) == 0.0


def test_little_of_a_gaussian_costs_little_and_very_little_nothing() -> None:
    rule = filter_of(Guarantee(6.0, DELTA))
    alone = accountant.epsilon([steps_of(8.0, 1.0, 1)], GAUSSIAN_SHARE * DELTA)
    assert 0.1 < alone < 0.9
    assert rule.epsilon([steps_of(8.0, 1.0, 1)]) == pytest.approx(alone, rel=1e-4)
    assert rule.epsilon([steps_of(1e6, 1.0, 1)]) == 0.0  # 0.4 / 1e6 is below delta


def test_any_delta_and_any_noise_have_an_epsilon() -> None:
    for delta in (0.9, 1e-5, 1e-30, 1e-300):
        rule = filter_of(Guarantee(6.0, delta))
        for noise in (1e-3, 0.1, 1.0, 30.0):
            mu = 1 / noise
            found = rule.epsilon([steps_of(noise, 1.0, 1)])
            ahead, behind = norm.cdf(mu / 2 - found / mu), norm.logcdf(-mu / 2 - found / mu)
            reached = float(ahead - math.exp(found + behind))  # Balle and Wang 2018, theorem 8
            assert reached == pytest.approx(GAUSSIAN_SHARE * delta, rel=1e-5) or (
                found == 0 and reached < GAUSSIAN_SHARE * delta
            )
        assert rule.epsilon([steps_of(1e6, 0.1, 1)]) > 0


@pytest.mark.parametrize("order", [2, 4, 5, 22, 128])
@pytest.mark.parametrize("q", [1e-5, 0.05, 0.25, 0.9, 1.0])
@pytest.mark.parametrize("noise", [0.5, 1.3, 8.0])
def test_renyi_divergences_are_the_librarys(order: int, q: float, noise: float) -> None:
    found = RdpAccountant(orders=[order])
    plain = GaussianDpEvent(noise)
    found.compose(plain if q == 1.0 else PoissonSampledDpEvent(q, plain))
    expected = float(found._rdp[0])
    assert renyi_divergence(steps_of(noise, q, 1), order) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_conversion_is_the_librarys() -> None:
    limit = Guarantee(10.0, DELTA)
    rule = filter_of(limit)
    event = steps_of(1.49, 0.25, 40)
    library = RdpAccountant(orders=[rule.order])
    library.compose(PoissonSampledDpEvent(0.25, GaussianDpEvent(1.49)), 40)
    expected = library.get_epsilon((1 - GAUSSIAN_SHARE) * DELTA)
    assert rule.epsilon([event]) == pytest.approx(expected, rel=1e-6)
    assert 7.4 < rule.epsilon([event]) < 7.5  # what docs/adr/0072 says of the small network


@pytest.mark.parametrize(
    ("limit", "order"), [(0.01, 256), (1.0, 22), (3.0, 9), (6.0, 5), (10.0, 4), (100.0, 2)]
)
def test_the_order_is_fixed_with_the_limit(limit: float, order: int) -> None:
    """A ledger is judged by the same order for life, so this table may never change."""
    assert filter_of(Guarantee(limit, DELTA)).order == order


def test_one_sampled_event_brings_the_whole_history_under_the_other_rule() -> None:
    limit = Guarantee(6.0, DELTA)
    full = affordable.room(limit, past=[])
    assert filter_of(limit).admits(full)
    assert not filter_of(limit).admits([*full, steps_of(1000.0, 1e-5, 1)])
    assert affordable.most_steps(1000.0, 1e-5, limit, past=full) == 0
    assert affordable.least_noise(1, 1e-5, limit, past=full) is None


@pytest.mark.parametrize(
    "past",
    [
        (),
        (steps_of(3.0, 0.02, 3),),
        (steps_of(1.2, 1.0, 1),),
        (steps_of(1.2, 1.0, 1), steps_of(2.5, 0.2, 30)),
    ],
)
@pytest.mark.parametrize(("q", "steps"), [(1.0, 4), (0.1, 50)])
def test_what_is_affordable_is_admitted_and_no_more_would_be(
    past: tuple[Event, ...], q: float, steps: int
) -> None:
    limit = Guarantee(10.0, DELTA)

    def fits(noise: float, count: int) -> bool:
        return filter_of(limit).admits([*past, steps_of(noise, q, count)])

    noise = affordable.least_noise(steps, q, limit, past=past)
    assert noise is not None
    assert fits(noise, steps)
    assert not fits(noise * (1 - 3e-5), steps)
    count = affordable.most_steps(noise * 1.5, q, limit, past=past)
    assert count > steps
    assert fits(noise * 1.5, count)
    assert not fits(noise * 1.5, count + 1)


def test_no_room_is_said() -> None:
    limit = Guarantee(1.0, DELTA)
    with pytest.raises(BudgetError) as refusal:
        affordable.least_scale(lambda s: [steps_of(s, 1.0, 1)], limit, past=[steps_of(1.0, 1.0, 1)])
    assert refusal.value.reason == "budget.no-room"
    assert affordable.largest_epsilon(limit, past=[steps_of(1.0, 1.0, 1)]) == 0.0


@pytest.mark.parametrize("limit", [Guarantee(0.0, 1e-5), Guarantee(101.0, 1e-5), Guarantee(1.0, 0.0)])
def test_a_limit_out_of_range_is_refused(limit: Guarantee) -> None:
    with pytest.raises(UsageError):
        filter_of(limit)


def test_no_rare_release_is_nearly_raw(tmp_path: Path) -> None:
    """q = 9e-6, one step, epsilon .01: composition alone is content with noise .09; delta covers it."""
    limit = Guarantee(0.01, DELTA)
    bare = accountant.calibrate(lambda s: [steps_of(s, 9e-6, 1)], limit)
    assert bare < 0.1
    constants = DpSgd().constants({"sampling_rate": 9e-6, "steps": 1})
    assert DpSgd().plan_noise(constants, limit, rounds_left=1, past=[]) == LEAST_SAMPLED_NOISE == 0.5
    ledger = Ledger.create(tmp_path / "ledger.db", Guarantee(10.0, DELTA))
    with refused(RefusedError, "budget.noise-too-small"):
        ledger.reserve("study", "1", [steps_of(bare, 9e-6, 1)])
    assert ledger.events() == ()
    ledger.reserve("study", "1", [steps_of(0.5, 9e-6, 1)])
    assert affordable.least_noise(1, 9e-6, Guarantee(10.0, DELTA), past=[]) == 0.5
    assert affordable.most_steps(0.49, 9e-6, Guarantee(10.0, DELTA), past=[]) == 0
    # A step at 0.5 that sees everybody is one of mu 2: epsilon 10.
    assert 9.9 < accountant.epsilon([steps_of(0.5, 1.0, 1)], DELTA) < 10.1


@pytest.mark.parametrize("delta", [1e-3, 9e-6, 1e-10])
@pytest.mark.parametrize("mu", [1.2**power for power in range(-20, 40, 3)])
def test_the_curve_of_a_gaussian_is_scipys(mu: float, delta: float) -> None:
    epsilon = gaussian_epsilon(mu, delta)
    if epsilon == 0.0:
        assert float(ndtr(mu / 2) - ndtr(-mu / 2)) <= delta
        return
    log_far = float(log_ndtr(-mu / 2 - epsilon / mu))
    assert float(ndtr(mu / 2 - epsilon / mu)) - math.exp(epsilon + log_far) == pytest.approx(delta, rel=1e-7)
    if epsilon <= 100:
        assert 0 <= 1 - gaussian_mu(epsilon, delta) / mu < 1e-6


@pytest.mark.parametrize("past", [(), (steps_of(1.5, 1.0, 1),), (steps_of(4.0, 0.1, 100),)])
def test_a_run_that_takes_the_room_is_admitted_and_a_little_more_is_not(past: tuple[Event, ...]) -> None:
    rule = filter_of(Guarantee(10.0, 1e-5))
    mu = rule.room(past)
    assert rule.admits([*past, steps_of(1 / mu, 1.0, 1)])
    assert not rule.admits([*past, steps_of(1 / (1.0001 * mu), 1.0, 1)])
    assert gaussian_epsilon(mu, 1e-5) == pytest.approx(
        affordable.largest_epsilon(rule.limit, past=past), abs=2e-3
    )


def test_where_nothing_is_left_the_room_is_none() -> None:
    assert filter_of(Guarantee(1.0, 1e-5)).room([steps_of(0.5, 1.0, 1)]) == 0.0
