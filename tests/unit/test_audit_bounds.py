"""The bounds that hold a Gaussian curve against an audit's scores: right, and as sharp as they say.

All scores are drawn from seeded sources, so nothing here depends on chance.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from chance import Seeded
from scipy.special import ndtr
from scipy.stats import binom

from privxray.audit.bounds.curve_bound import largest_refuted, refutes_curve
from privxray.audit.bounds.epsilon_bound import lower_bound
from privxray.audit.bounds.gaussian_curves import delta_at, epsilon_of, mu_of
from privxray.audit.bounds.gaussian_test import FLAG_LEVEL, judge_gaussian
from privxray.audit.bounds.mean_bound import distance, least_mu
from privxray.audit.guessing import clearest_guesses
from privxray.learning import methods
from privxray.privacy.accountant import calibrate
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.auditing.one_run_audit import judged

DELTA = 1e-5


# Gaussian curves


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 6.0, 20.0])
def test_the_closed_form_agrees_with_the_accountant(epsilon: float) -> None:
    claim = Guarantee(epsilon, DELTA)
    noise = calibrate(lambda scale: [Event(kind="gaussian", noise=scale)], claim)
    assert mu_of(claim) == pytest.approx(1.0 / noise, rel=1e-3)
    assert delta_at(epsilon, mu_of(claim)) == pytest.approx(DELTA, rel=1e-3)
    assert epsilon_of(mu_of(claim), DELTA) == pytest.approx(epsilon, abs=1e-4)


def test_no_noise_has_no_epsilon_and_no_signal_has_none_either() -> None:
    assert epsilon_of(0.0, DELTA) == 0.0
    assert epsilon_of(100.0, DELTA) == pytest.approx(100.0)
    # mu = 1: delta at epsilon 0 is the total variation, 2 Phi(1/2) - 1.
    assert delta_at(0.0, 1.0) == pytest.approx(2 * ndtr(0.5) - 1)


# The trade-off curve


@pytest.mark.parametrize(("canaries", "mu"), [(30, 0.5), (200, 0.3), (200, 1.5), (1000, 0.268)])
def test_independent_gaussian_canaries_refute_their_own_curve_as_seldom_as_the_level(
    canaries: int, mu: float
) -> None:
    """N(0, 1) and N(mu, 1) for each canary: the engine whose curve is exactly that of the hypothesis."""
    chance = binom.pmf(np.arange(canaries + 1), canaries, ndtr(mu / 2))
    alarms = sum(
        p for c, p in enumerate(chance) if p > 1e-12 and refutes_curve(canaries, canaries, c, mu, 0.05)
    )
    assert alarms <= 0.05


def test_the_clearest_quarter_refutes_its_own_curve_as_seldom() -> None:
    source, canaries, mu = Seeded(1), 400, 1.0
    alarms, found = 0, []
    for _ in range(200):
        coins = source.uniform(canaries) < 0.5
        scores = source.gaussian((canaries,), 1.0) + mu * coins
        test = judge_gaussian(scores, coins, Guarantee(6.0, DELTA))
        alarms += refutes_curve(canaries, test.guesses, test.right, mu, 0.05)
        found.append(test.curve_bound)
    assert test.guesses == 100
    assert alarms <= 30  # at most 5 % of 200, and 6 standard deviations more
    assert np.median(found) > 1.0  # and it does show something: mu = 1 is epsilon 4.4


def test_a_curve_is_refuted_by_more_right_guesses_and_by_a_weaker_level() -> None:
    bounds = [largest_refuted(400, 400, right, 0.05) for right in range(200, 401, 20)]
    assert bounds == sorted(bounds)
    assert bounds[0] == 0.0
    assert largest_refuted(400, 400, 320, 0.001) < largest_refuted(400, 400, 320, 0.05)
    assert largest_refuted(400, 200, 160, 0.05) > 0.0
    assert not refutes_curve(400, 400, 0, 0.0, 0.05)


def test_a_curve_shows_more_than_one_of_its_points() -> None:
    """Of 4,000 canaries at the noise of epsilon 1: what is shown of right guesses as they are expected."""
    mu = mu_of(Guarantee(1.0, DELTA))
    right = int(4000 * ndtr(mu / 2))
    assert lower_bound(4000, 4000, right, DELTA) < 0.2
    assert epsilon_of(largest_refuted(4000, 4000, right, 0.05), DELTA) > 0.25


def by_hand(canaries: int, guesses: int, right: int, mu: float, level: float) -> float:
    """The least a_0 + b_0, by the definition: the least p_c from the top down, one after the other."""
    from scipy.special import ndtri

    p = dict.fromkeys(range(guesses + 1), 0.0)
    p[right] = level
    for c in range(right, 0, -1):
        a = sum(j * p[j] for j in range(c, guesses + 1)) / canaries
        b = sum((guesses - j) * p[j] for j in range(c, guesses + 1)) / canaries
        p[c - 1] = max(0.0, float(ndtr(ndtri(a) - mu)) - b) * canaries / (guesses - c + 1)
    return sum(p.values()) * guesses / canaries


@pytest.mark.parametrize(("guesses", "right"), [(10, 9), (10, 6), (20, 15)])
def test_the_recursion_is_the_definition(guesses: int, right: int) -> None:
    for mu in (0.2, 0.5, 1.0, 2.0):
        for level in (0.01, 0.05, 0.3):
            least = by_hand(20, guesses, right, mu, level)
            assert refutes_curve(20, guesses, right, mu, level) == (least > guesses / 20)


# The distance of means


def test_the_distance_is_as_far_apart_as_the_scores_are() -> None:
    source, covered, mu = Seeded(2), 0, 0.5
    for _ in range(400):
        coins = source.uniform(1000) < 0.5
        scores = 3.0 * source.gaussian((1000,), 1.0) + 3.0 * mu * coins - 7.0
        covered += least_mu(*distance(scores, coins), 0.05) <= mu
    # 95 % of 400 have a standard deviation of 4.4.
    assert 355 <= covered <= 400


def test_the_distance_of_too_few_or_of_equal_scores_shows_nothing() -> None:
    coins = np.array([True, False, False])
    assert least_mu(*distance(np.array([9.0, 0.0, 1.0]), coins), 0.05) == 0.0
    equal = np.array([True, True, False, False])
    assert least_mu(*distance(np.zeros(4), equal), 0.05) == 0.0
    assert least_mu(*distance(equal.astype(float), equal), 0.05) > 20.0


# Both


def test_a_claim_is_refuted_where_scores_are_too_far_apart() -> None:
    source, claim = Seeded(3), Guarantee(1.0, DELTA)
    coins = source.uniform(4000) < 0.5
    noise = source.gaussian((4000,), 1.0)
    mu = mu_of(claim)
    intact, halved = (judge_gaussian(noise + f * mu * coins, coins, claim) for f in (1.0, 2.0))
    assert not intact.refuted
    assert halved.refuted
    assert 0.3 < intact.mean_bound < 1.2
    assert intact.seen_factor == pytest.approx(1.0 + (3.090 + 1.645) * 2 / math.sqrt(4000) / mu, rel=1e-3)
    assert FLAG_LEVEL == 0.001
    assert intact.right == int(
        sum(
            (guess > 0) == coin
            for guess, coin in zip(clearest_guesses(noise + mu * coins, 1000), coins, strict=True)
            if guess
        )
    )


def test_a_training_that_samples_patients_has_no_gaussian_curve() -> None:
    coins = np.arange(20) % 2 == 0
    sgd, probe = methods.get("dp-sgd"), methods.get("linear-probe")
    claim = Guarantee(1.0, DELTA)
    scores = coins + Seeded(4).gaussian((20,), 0.1)
    sampled = judged(sgd, sgd.constants({"sampling_rate": 0.5}), scores, coins, 20, claim)
    assert sampled.gaussian is None
    assert sampled.flagged == sampled.claim_test.refuted
    for method, constants in ((sgd, {"sampling_rate": 1.0}), (probe, {})):
        found = judged(method, method.constants(constants), scores, coins, 20, claim)
        assert found.gaussian is not None
        assert found.gaussian.refuted
        assert found.flagged
