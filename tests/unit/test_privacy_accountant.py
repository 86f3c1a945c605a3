"""The accountant against what is known in closed form and against other accountants."""

from __future__ import annotations

import math
import time
import warnings

import dp_accounting
import numpy as np
import pytest
from dp_accounting.rdp import RdpAccountant
from scipy.optimize import brentq
from scipy.stats import norm

from privxray.errors import BudgetError, MalformedError, UsageError
from privxray.privacy import accountant
from privxray.privacy.events import Event, from_json, merge

DELTA = 1e-5


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every figure of this module is computed, however often it was asked for."""
    for name in ("_epsilon_after", "_sampled_past"):
        monkeypatch.setattr(accountant, name, getattr(accountant, name).__wrapped__)


def gaussian(noise: float, count: int = 1) -> Event:
    return Event(kind="gaussian", noise=noise, count=count)


def poisson(noise: float, q: float, count: int) -> Event:
    return Event(kind="poisson-gaussian", noise=noise, count=count, q=q)


def exact_gaussian_epsilon(noise: float, delta: float) -> float:
    """Balle and Wang 2018, theorem 8."""

    def gap(epsilon: float) -> float:
        a, b = 0.5 / noise, epsilon * noise
        return float(norm.cdf(a - b) - math.exp(epsilon + norm.logcdf(-a - b)) - delta)

    return float(brentq(gap, 0, 200, xtol=1e-12))


@pytest.mark.parametrize("noise", [20.0, 3.7, 1.0, 0.76, 0.4])
def test_a_gaussian_costs_what_the_closed_form_says(noise: float) -> None:
    # Rounding the loss to multiples of 1e-3 with connect-the-dots errs by order 1e-6; upwards, never
    # downwards.
    exact = exact_gaussian_epsilon(noise, DELTA)
    assert exact - 1e-9 <= accountant.epsilon([gaussian(noise)], DELTA) <= exact + 1e-4


def test_gaussians_collapse_exactly() -> None:
    together = accountant.epsilon([gaussian(4.0, 9), gaussian(2.0)], DELTA)
    assert together == accountant.epsilon([gaussian(1 / math.sqrt(9 / 16 + 1 / 4))], DELTA)


GRID = [(1.0, 0.1, 100), (2.0, 0.25, 80), (0.8, 0.02, 500)]


@pytest.mark.parametrize(("noise", "q", "count"), GRID)
def test_poisson_is_below_rdp_and_close_to_opacus_prv(noise: float, q: float, count: int) -> None:
    ours = accountant.epsilon([poisson(noise, q, count)], DELTA)
    rdp = RdpAccountant()
    event = dp_accounting.PoissonSampledDpEvent(q, dp_accounting.GaussianDpEvent(noise))
    rdp.compose(event, count)
    upper = rdp.get_epsilon(DELTA)
    # Conversion from Renyi DP loses some percent, never gains; more than a third would be another mechanism.
    assert 0.66 * upper < ours <= upper
    # The PRV accountant is told to be within 0.01 of the truth; our discretisation adds about 1e-3.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from opacus.accountants import PRVAccountant

        prv = PRVAccountant()
        prv.history = [(noise, q, count)]
        other = prv.get_epsilon(delta=DELTA, eps_error=0.01, delta_error=DELTA / 1000)
    assert ours == pytest.approx(other, abs=0.025)


def test_order_and_grouping_do_not_matter_in_the_last_bit() -> None:
    a, b, c = poisson(1.1, 0.2, 30), poisson(1.3, 0.1, 20), gaussian(3.0, 2)
    first = accountant.epsilon([a, b, c], DELTA)
    assert accountant.epsilon([gaussian(3.0), b, a, gaussian(3.0)], DELTA) == first
    assert accountant.epsilon([poisson(1.1, 0.2, 10), c, poisson(1.1, 0.2, 20), b], DELTA) == first


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 1.0, 3.0, 6.0, 10.0])
def test_calibrated_gaussian_noise_is_admitted_and_hardly_more_than_needed(epsilon: float) -> None:
    scale = accountant.calibrate(lambda s: [gaussian(s)], epsilon, DELTA)
    assert accountant.epsilon([gaussian(scale)], DELTA) <= epsilon
    assert accountant.epsilon([gaussian(scale * (1 - 1e-4))], DELTA) > epsilon


def test_the_design_s_values_of_mu() -> None:
    for epsilon, mu in ((0.5, 0.1422), (1.0, 0.2680), (3.0, 0.7191), (6.0, 1.3095)):
        assert 1 / accountant.calibrate(lambda s: [gaussian(s)], epsilon, DELTA) == pytest.approx(
            mu, abs=1e-4
        )


def test_rounds_that_are_planned_one_by_one_keep_their_noise() -> None:
    past: list[Event] = []
    scales = []
    for left in (2, 1):
        scale = accountant.calibrate(
            lambda s, left=left: [poisson(s, 0.25, 20)] * left, 6.0, DELTA, past=past
        )
        scales.append(scale)
        past.append(poisson(scale, 0.25, 20))
    assert accountant.epsilon(past, DELTA) <= 6.0
    assert np.ptp(scales) < 1e-3 * scales[0]


def test_a_calibration_is_quick() -> None:
    accountant.calibrate(lambda s: [poisson(s, 0.25, 2)], 0.5, DELTA)  # the imports are not what is measured
    start = time.process_time()
    accountant.calibrate(lambda s: [poisson(s, 0.25, 80)], 6.0, DELTA)
    assert time.process_time() - start < 4  # about 1 s; two cores are shared


def test_a_past_that_used_everything_leaves_no_room() -> None:
    with pytest.raises(BudgetError):
        accountant.calibrate(lambda s: [gaussian(s)], 1.0, DELTA, past=[gaussian(1.0)])


def test_a_noise_that_promises_nothing_costs_infinity_and_no_memory() -> None:
    assert accountant.epsilon([poisson(1e-6, 0.1, 1)], DELTA) == math.inf
    assert accountant.epsilon([gaussian(1e-3), poisson(1.0, 0.1, 5)], DELTA) == math.inf
    assert accountant.epsilon([], DELTA) == 0


@pytest.mark.parametrize("epsilon", [0.0, -1.0, math.nan, math.inf, 101.0])
def test_an_epsilon_out_of_range_is_refused(epsilon: float) -> None:
    with pytest.raises(UsageError):
        accountant.calibrate(lambda s: [gaussian(s)], epsilon, DELTA)


@pytest.mark.parametrize("delta", [0.0, 1.0, math.nan, -1e-5])
def test_a_delta_out_of_range_is_refused(delta: float) -> None:
    with pytest.raises(UsageError):
        accountant.epsilon([gaussian(1.0)], delta)


@pytest.mark.parametrize(
    "change",
    [
        {"noise": 0.0},
        {"noise": math.nan},
        {"noise": math.inf},
        {"noise": "1"},
        {"q": 0.0},
        {"q": 1.5},
        {"q": math.nan},
        {"count": 0},
        {"count": 1.5},
        {"kind": "laplace"},
        {"kind": "gaussian"},
        {"extra": 1},
    ],
)
def test_an_event_out_of_range_is_malformed(change: dict[str, object]) -> None:
    good = {"kind": "poisson-gaussian", "noise": 1.0, "count": 1, "q": 0.5}
    assert from_json([good])[0].q == 0.5
    with pytest.raises(MalformedError):
        from_json([{**good, **change}])


def test_events_survive_json_and_merging() -> None:
    events = merge([poisson(1 / 3, 0.1, 2), poisson(1 / 3, 0.1, 3), gaussian(math.pi)])
    assert from_json([event.to_json() for event in events]) == events
    assert merge(reversed(events)) == events
    assert sum(event.count for event in events) == 6
