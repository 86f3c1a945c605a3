"""Privacy losses against dp-accounting, whose steps they are, and their composition against exact sums."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from dp_accounting.pld import privacy_loss_distribution as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from privxray.privacy import loss_distributions
from privxray.privacy.loss_distributions import NO_PROMISE, STEP, LossDistribution, Pair, compose, gaussian

PAIRS: tuple[Pair, ...] = ("remove", "add", "replace")


def dp_accounting_pmf(noise: float, q: float, pair: Pair) -> LossDistribution:
    relation = (
        reference.NeighborRel.REPLACE_ONE if pair == "replace" else reference.NeighborRel.ADD_OR_REMOVE_ONE
    )
    found = reference.from_gaussian_mechanism(
        noise, value_discretization_interval=STEP, sampling_prob=q, neighboring_relation=relation
    )
    pmf = (found._pmf_add if pair == "add" else found._pmf_remove).to_dense_pmf()
    return LossDistribution(pmf._lower_loss, pmf._probs, pmf._infinity_mass)


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
    seed = int.from_bytes(os.urandom(4))
    print("seed", seed)
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


def test_nothing_costs_nothing_and_hopeless_mechanisms_everything() -> None:
    assert compose([]).epsilon(1e-5) == 0
    assert gaussian(0.01, 0.5, "remove") is NO_PROMISE
    assert compose([(gaussian(2.0, 0.1, "add"), 5), (NO_PROMISE, 1)]) is NO_PROMISE
    assert compose([(gaussian(0.5, 1.0, "remove"), 1 << 31)]).epsilon(0.999) == math.inf
    assert compose([(LossDistribution(0, np.array([0.5]), 0.5), 1000)]) is NO_PROMISE
    assert gaussian(1e9, 0.5, "remove").epsilon(1e-5) == 0


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
