"""Privacy losses against dp-accounting, whose steps they are, and their composition against exact sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from chance import example_seed
from dp_accounting.pld import privacy_loss_distribution as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import simpson
from scipy.stats import norm

from privxray.privacy import loss_distributions
from privxray.privacy.loss_distributions import NO_PROMISE, STEP, LossDistribution, Pair, compose, gaussian

PAIRS: tuple[Pair, ...] = ("remove", "add", "replace")


def test_epsilon_is_where_the_divergence_meets_delta() -> None:
    two = LossDistribution(100, np.array([0.5, 0.2]), 0.01)  # losses 0.1 and 0.101
    for delta in (0.011, 0.02, 0.05):
        found = two.epsilon(delta)
        reached = 0.01 + sum(
            mass * max(0.0, 1 - math.exp(found - loss)) for mass, loss in ((0.5, 0.1), (0.2, 0.101))
        )
        assert found > 0
        assert reached == pytest.approx(delta, rel=1e-9)
    assert two.epsilon(0.2) == 0
    assert two.epsilon(0.009) == math.inf
    assert two.epsilon(0.01) == pytest.approx(0.101, rel=1e-9)  # all that is finite lies at 0.101 or below


def test_losses_of_zero_or_less_exceed_no_epsilon_and_the_next_do() -> None:
    assert LossDistribution(-5, np.array([0.3, 0.3, 0.4]), 0.0).epsilon(1e-9) == 0
    assert LossDistribution(-1, np.array([0.5, 0.5]), 0.0).epsilon(1e-9) == 0
    # A mass of 1/2 at the loss 0.001: its divergence at 0 is (1 - exp(-0.001)) / 2.
    found = LossDistribution(-1, np.array([0.25, 0.25, 0.5]), 0.0)
    assert found.epsilon(-math.expm1(-0.001) / 2 * 1.001) == 0
    assert found.epsilon(-math.expm1(-0.001) / 2 * 0.999) > 0


def test_an_epsilon_may_lie_below_the_first_grid_point() -> None:
    found = LossDistribution(2, np.ones(1), 0.0)  # at 0.002
    assert found.epsilon(0.0015) == pytest.approx(0.002 + math.log(1 - 0.0015), rel=1e-9)


def test_a_loss_of_600_or_more_counts_as_infinite() -> None:
    found = LossDistribution(599_999, np.array([0.9, 0.1]), 0.0)  # at 599.999 and 600
    assert found.epsilon(0.0999) == math.inf
    assert found.epsilon(0.1001) == pytest.approx(599.999, abs=1e-3)


def test_a_domain_that_begins_above_600_promises_nothing_and_one_at_600_is_kept() -> None:
    at_600 = compose([(LossDistribution(300_000, np.ones(1), 0.0), 2)])
    assert at_600.lowest == 600_000
    assert at_600 is not NO_PROMISE
    assert compose([(LossDistribution(300_001, np.ones(1), 0.0), 2)]) is NO_PROMISE


def test_the_domain_is_as_long_as_it_has_to_be() -> None:
    three = LossDistribution(0, np.full(3, 1 / 3), 0.0)
    found = compose([(three, 2)])
    assert found.lowest == 0
    assert found.masses == pytest.approx(np.array([1, 2, 3, 2, 1]) / 9)  # five places, without one too many
    # Sums of n fair coins, 0 or -1: Chernoff's bound leaves out what has less than 1e-15 on each side.
    coin = LossDistribution(-1, np.full(2, 0.5), 0.0)
    for count, ends in ((58, (-57, -1)), (198, (-156, -42))):
        assert loss_distributions._domain([(coin, count)]) == ends


def test_frequencies_are_left_out_once_they_have_vanished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a second part only those are raised at which the first is above exp(-100)."""
    first, second = gaussian(2.0, 0.3, "remove"), gaussian(3.0, 0.1, "remove")
    raised: list[int] = []
    power = loss_distributions._power
    monkeypatch.setattr(
        loss_distributions,
        "_power",
        lambda base, exponent: raised.append(len(base)) or power(base, exponent),
    )
    points = len(compose([(first, 10), (second, 10)]).masses)
    sizes = 10 * np.log(np.abs(np.fft.rfft(first.masses, points)))
    assert raised == [points // 2 + 1, 1 + int(np.flatnonzero(sizes > -100)[-1])]
    assert raised[1] < raised[0] / 10


def test_nothing_costs_nothing_and_hopeless_mechanisms_everything() -> None:
    assert compose([]).epsilon(1e-5) == 0
    assert gaussian(0.01, 0.5, "remove") is NO_PROMISE
    assert compose([(gaussian(2.0, 0.1, "add"), 5), (NO_PROMISE, 1)]) is NO_PROMISE
    assert compose([(gaussian(0.5, 1.0, "remove"), 1 << 31)]).epsilon(0.999) == math.inf
    assert compose([(LossDistribution(0, np.array([0.5]), 0.5), 1000)]) is NO_PROMISE
    assert gaussian(1e9, 0.5, "remove").epsilon(1e-5) == 0


def test_one_part_once_is_itself_and_none_has_no_loss() -> None:
    part = gaussian(2.0, 0.3, "remove")
    assert compose([(part, 1)]) is part
    assert compose([(part, 2)]) is not part
    assert len(compose([(part, 1), (part, 1)]).masses) > len(part.masses)
    nothing = compose([])
    assert (nothing.lowest, nothing.masses.tolist(), nothing.infinite) == (0, [1.0], 0.0)


def test_what_is_infinite_in_one_part_is_infinite_in_all() -> None:
    parts = [(LossDistribution(0, np.array([0.9]), 0.1), 2), (LossDistribution(3, np.array([0.8]), 0.2), 1)]
    found = compose(parts)
    assert found.infinite == pytest.approx(1 - 0.9 * 0.9 * 0.8, abs=1e-13)
    assert float(found.masses.sum()) == pytest.approx(0.9 * 0.9 * 0.8, abs=1e-13)
    assert found.lowest + int(found.masses.argmax()) == 3


@pytest.mark.parametrize("count", [2, 3, 1 << 20])
def test_what_may_have_been_lost_by_rounding_is_charged(count: int) -> None:
    """Of a mechanism without any loss, whose transform is 1 everywhere: the bound can be written down."""
    found = compose([(LossDistribution(0, np.ones(1), 0.0), count)])
    places = len(found.masses)
    transform = 4 * 2.0**-53 * math.log2(places)
    rounding = transform * math.sqrt(2) * count * math.sqrt(places // 2 + 1) + 8 * 2.0**-53 * count
    assert found.infinite == pytest.approx(1e-15 + rounding, rel=1e-9)
    assert compose([(LossDistribution(0, np.ones(1), 0.0), 1 << 60)]).infinite == 1.0


def test_what_has_less_than_the_least_noise_promises_nothing() -> None:
    assert gaussian(0.0899, 1.0, "remove") is NO_PROMISE
    assert gaussian(0.09, 1.0, "remove").epsilon(1e-5) == pytest.approx(108.27, abs=0.005)
    assert (NO_PROMISE.lowest, NO_PROMISE.infinite, NO_PROMISE.masses.tolist()) == (0, 1.0, [0.0])
    assert NO_PROMISE.epsilon(0.999) == math.inf


def test_the_grid_reaches_nine_deviations_to_each_side() -> None:
    # With q = 1 the loss at the answer x is (x - 1/2) / noise^2, and x goes from -9 noise - 1 to 9 noise + 1.
    for noise, lowest, highest in ((1.0, -10_500, 9_500), (2.0, -4_875, 4_625)):
        for pair in PAIRS[:2]:
            found = gaussian(noise, 1.0, pair)
            ends = (lowest, highest) if pair == "remove" else (-highest, -lowest)
            assert (found.lowest, found.lowest + len(found.masses) - 1) == ends


def dp_accounting_pmf(noise: float, q: float, pair: Pair) -> LossDistribution:
    relation = (
        reference.NeighborRel.REPLACE_ONE if pair == "replace" else reference.NeighborRel.ADD_OR_REMOVE_ONE
    )
    found = reference.from_gaussian_mechanism(
        noise, value_discretization_interval=STEP, sampling_prob=q, neighboring_relation=relation
    )
    pmf = (found._pmf_add if pair == "add" else found._pmf_remove).to_dense_pmf()
    return LossDistribution(pmf._lower_loss, pmf._probs, pmf._infinity_mass)


def hockey_stick(found: LossDistribution, epsilon: float) -> float:
    """What a distribution says that P(E) - exp(epsilon) P'(E) can be at most."""
    losses = STEP * (found.lowest + np.arange(len(found.masses)))
    return found.infinite + float(
        found.masses @ np.maximum(0.0, -np.expm1(np.minimum(0.0, epsilon - losses)))
    )


def integrated(epsilon: float, noise: float, q: float, pair: Pair) -> float:
    """The integral over all answers of what P has more than exp(epsilon) P', by Simpson's rule."""
    x = np.linspace(-12 * noise - 1, 12 * noise + 1, 400_001)

    def density(moved: float) -> np.ndarray:
        at = norm.pdf(x, 0, noise)
        return (1 - q) * at + q * norm.pdf(x, moved, noise)

    plain, there, other = density(0), density(1), density(-1)
    p, p_ = {"remove": (there, plain), "add": (plain, there), "replace": (there, other)}[pair]
    return float(simpson(np.maximum(0.0, p - math.exp(epsilon) * p_), x=x))


@pytest.mark.parametrize(("noise", "q"), [(1.0, 0.1), (0.5, 0.4), (2.0, 1.0), (4.0, 0.7)])
@pytest.mark.parametrize("pair", PAIRS)
def test_the_masses_have_the_mechanism_s_divergence_at_every_grid_point(
    noise: float, q: float, pair: Pair
) -> None:
    found = gaussian(noise, q, pair)
    assert (found.masses >= 0).all()
    # Negative rounding errors are cut off, which leaves a little too much.
    assert 1 - 1e-12 < float(found.masses.sum()) + found.infinite < 1 + 2e-9
    ends = found.lowest, found.lowest + len(found.masses) - 1
    for place in (*np.linspace(*ends, 9).astype(int), ends[1] - 1, ends[0] + 1, -1, 0, 1):
        epsilon = STEP * float(np.clip(place, *ends))
        # Simpson's rule is off by some 1e-8 where the two densities cross.
        exact = integrated(epsilon, noise, q, pair)
        assert hockey_stick(found, epsilon) == pytest.approx(exact, rel=1e-5, abs=3e-8)


@pytest.mark.parametrize(("noise", "q"), [(1.0, 0.1), (0.5, 0.01), (2.0, 1.0), (6.0, 0.3), (30.0, 0.002)])
@pytest.mark.parametrize("pair", PAIRS)
def test_one_mechanism_is_dp_accounting_s(noise: float, q: float, pair: Pair) -> None:
    ours, theirs = gaussian(noise, q, pair), dp_accounting_pmf(noise, q, pair)
    first = max(ours.lowest, theirs.lowest)
    last = min(ours.lowest + len(ours.masses), theirs.lowest + len(theirs.masses))
    mine = ours.masses[first - ours.lowest : last - ours.lowest]
    other = theirs.masses[first - theirs.lowest : last - theirs.lowest]
    # A mass is a second difference of divergences over 1e-3, and those have rounding errors of some 1e-16
    # each: 1e-12 with room. Both ends are left out, where each has put its tail.
    assert np.abs(mine - other)[1:-1].max(initial=0.0) < 2e-12
    for delta in (1e-3, 1e-5, 1e-8):
        expected = reference.pld_pmf.DensePLDPmf(STEP, theirs.lowest, theirs.masses, theirs.infinite, True)
        assert ours.epsilon(delta) == pytest.approx(expected.get_epsilon_for_delta(delta), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    "parts",
    [
        [(1.0, 0.1, 100), (2.0, 0.25, 80), (0.8, 0.02, 200)],
        [(3.0, 0.2, 7), (3.1, 0.21, 5), (5.0, 0.05, 40), (1.5, 1.0, 1)],
        [(8.0, 0.01, 900), (12.0, 0.3, 30)],
    ],
)
def test_a_composition_is_dp_accounting_s_and_not_below(parts: list[tuple[float, float, int]]) -> None:
    total = None
    for noise, q, count in parts:
        part = reference.from_gaussian_mechanism(
            noise, value_discretization_interval=STEP, sampling_prob=q
        ).self_compose(count)
        total = part if total is None else total.compose(part)
    assert total is not None
    pairs: tuple[Pair, ...] = ("remove", "add")
    both = [compose([(gaussian(noise, q, pair), count) for noise, q, count in parts]) for pair in pairs]
    for delta in (1e-3, 1e-5, 1e-7):
        theirs, ours = total.get_epsilon_for_delta(delta), max(one.epsilon(delta) for one in both)
        # The masses and their rounding are the same. What is added at infinity for tails and rounding is
        # below 1e-10 here, so at most 1e-3 of delta, and epsilon changes by less than that share per unit of
        # its slope; dp-accounting adds some 1e-15 a composition, and rounds as much without adding.
        assert theirs - 1e-8 <= ours <= theirs * (1 + 1e-3)
        assert all(one.infinite < 1e-10 for one in both)


def test_mechanisms_drawn_at_random_cost_what_dp_accounting_says() -> None:
    seed = example_seed()
    random = np.random.default_rng(seed)
    for place in range(12):
        noise = float(10 ** random.uniform(-0.3, 2))
        q = float((10 ** random.uniform(-7, 0), 1 - 10 ** random.uniform(-6, -1), 1.0)[place % 3])
        count = int(10 ** random.uniform(0, 3)) if noise > 2 else 2
        for relation, pairs in (("ADD_OR_REMOVE_ONE", PAIRS[:2]), ("REPLACE_ONE", PAIRS[2:])):
            once = reference.from_gaussian_mechanism(
                noise,
                value_discretization_interval=STEP,
                sampling_prob=q,
                neighboring_relation=reference.NeighborRel[relation],
            )
            theirs = (once.self_compose(count) if count > 1 else once).get_epsilon_for_delta(1e-5)
            ours = max(compose([(gaussian(noise, q, pair), count)]).epsilon(1e-5) for pair in pairs)
            # The tolerances of the test above, relative to what may here be some hundreds.
            assert theirs - 1e-8 * max(1.0, theirs) <= ours, (seed, noise, q, count)
            assert ours <= theirs * 1.001 + 1e-6 or theirs > loss_distributions.MOST_LOSS - 100, (
                seed,
                noise,
                q,
                count,
            )


@st.composite
def _parts(draw: st.DrawFn) -> list[tuple[LossDistribution, int]]:
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        weights = np.array(draw(st.lists(st.floats(0, 1), min_size=1, max_size=30)))
        infinite = draw(st.floats(0, 0.01))
        total = weights.sum()
        masses = weights / total * (1 - infinite) if total > 0 else np.array([1 - infinite])
        parts.append(
            (LossDistribution(draw(st.integers(-40, 20)), masses, infinite), draw(st.integers(1, 12)))
        )
    return parts


@settings(max_examples=60, deadline=None)
@given(_parts())
def test_any_composition_is_at_least_the_exact_one(parts: list[tuple[LossDistribution, int]]) -> None:
    exact, lowest = np.ones(1), 0
    finite = 1.0
    for part, count in parts:
        for _ in range(count):
            exact = np.convolve(exact, part.masses)
            finite *= 1 - part.infinite
        lowest += count * part.lowest
    ours = compose(parts)
    for index in range(0, lowest + len(exact), 7):

        def divergence(start: int, masses: np.ndarray, infinite: float, index: int = index) -> float:
            over = STEP * (start + np.arange(len(masses)) - index)
            return infinite + float(masses @ np.maximum(0.0, -np.expm1(-np.maximum(over, 0.0))))

        truth = divergence(lowest, exact, 1 - finite)
        found = divergence(ours.lowest, ours.masses, ours.infinite)
        assert truth * (1 - 1e-12) <= found <= truth + 1e-11


def test_what_a_circular_domain_cuts_off_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    part = gaussian(2.0, 0.3, "remove")
    whole = compose([(part, 50)])
    for tail in (1e-3, 1e-6):  # coarse on purpose: the domain shrinks, and the answers may only grow
        monkeypatch.setattr(loss_distributions, "TAIL", tail)
        short = compose([(part, 50)])
        assert len(short.masses) < len(whole.masses)
        assert short.infinite >= tail
        for delta in (1e-2, 1e-4):
            assert short.epsilon(delta) > whole.epsilon(delta)
