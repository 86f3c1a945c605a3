"""The noise source is what it claims to be, and the only one.

The statistical tests draw fresh randomness, so each may fail by chance. Every threshold is set at a
false-alarm probability below 1e-7 (5.4 standard deviations of an approximately normal statistic, or an exact
tail).
"""

from __future__ import annotations

import ast
import math
import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import privxray
from privxray.privacy import noise
from privxray.privacy.noise import SecureNoise
from privxray.privacy.sampling import poisson_sample

N = 1_000_000
Z = 5.4  # two-sided tail 7e-8


def test_moments() -> None:
    x = SecureNoise().gaussian((N,), 3.0) / 3.0
    # Var(x^k) of a standard normal is m_2k - m_k^2: 1, 2, 15, 96 for k = 1 .. 4.
    for k, (mean, variance) in enumerate([(0, 1), (1, 2), (0, 15), (3, 96)], start=1):
        assert abs((x**k).mean() - mean) < Z * math.sqrt(variance / N), k


def test_kolmogorov_smirnov() -> None:
    # P(sqrt(N) D > 2.95) = 2 exp(-2 * 2.95^2) = 6e-8 (Massart's bound, which is two-sided and exact in form).
    assert stats.kstest(SecureNoise().gaussian((N,), 1.0), "norm").statistic < 2.95 / math.sqrt(N)


@pytest.mark.parametrize("threshold", [3.0, 4.0, 4.5])
def test_tails(threshold: float) -> None:
    exceeding = int((np.abs(SecureNoise().gaussian((N,), 1.0)) > threshold).sum())
    p = 2 * stats.norm.sf(threshold)
    assert stats.binom.ppf(1e-8, N, p) <= exceeding <= stats.binom.isf(1e-8, N, p)


def test_the_largest_value_lies_far_beyond_where_a_float32_generator_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Four smallest uniforms with angle 0: a probability of 2^-424, so it is set up rather than waited for.
    monkeypatch.setattr(noise, "_random_bits", np.zeros)
    assert SecureNoise().gaussian((1,), 1.0)[0] == pytest.approx(2 * math.sqrt(2 * 53 * math.log(2)))


def test_neighbours_and_twins_are_uncorrelated() -> None:
    x = SecureNoise().gaussian((1 << 17,), 1.0)
    half = 1 << 15
    for lag in (1, 2, half):  # outputs of one pair of angles lie a chunk's half apart
        correlation = float((x[lag:] * x[:-lag]).mean())
        assert abs(correlation) < Z / math.sqrt(len(x) - lag), lag
        squares = float(((x[lag:] ** 2 - 1) * (x[:-lag] ** 2 - 1)).mean())
        assert abs(squares) < Z * 2 / math.sqrt(len(x) - lag), lag


def test_uniforms() -> None:
    u = SecureNoise().uniform(N)
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").statistic < 2.95 / math.sqrt(N)
    assert np.array_equal(u * 2.0**53, np.floor(u * 2.0**53))


def test_poisson_sample_takes_each_patient_with_its_probability() -> None:
    n, q = 400_000, 0.03
    taken = poisson_sample(n, q, SecureNoise())
    assert abs(len(taken) - n * q) < Z * math.sqrt(n * q * (1 - q))
    assert np.array_equal(np.unique(taken), taken)
    assert len(poisson_sample(100, 1.0, SecureNoise())) == 100
    for bad in (0.0, 1.1, math.nan):
        with pytest.raises(ValueError):
            poisson_sample(10, bad, SecureNoise())


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (65536, 2), (131073,)])
def test_every_shape_is_filled(shape: tuple[int, ...]) -> None:
    x = SecureNoise().gaussian(shape, 1.0)
    assert x.shape == shape
    assert x.dtype == np.float64
    assert len(np.unique(x)) == x.size


@pytest.mark.parametrize("std", [0.0, -1.0, math.nan, math.inf])
def test_a_standard_deviation_out_of_range_is_refused(std: float) -> None:
    with pytest.raises(ValueError):
        SecureNoise().gaussian((2,), std)


def test_a_forked_process_draws_something_else() -> None:
    source = SecureNoise()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, source.gaussian((4,), 1.0).tobytes())
        os._exit(0)
    mine = source.gaussian((4,), 1.0).tobytes()
    theirs = os.read(read, 32)
    os.waitpid(child, 0)
    os.close(read)
    os.close(write)
    assert len(theirs) == 32
    assert mine != theirs


# The initialiser of public weights: a fixed seed, published with the plan.
ALLOWED = {("learning/small_cnn.py", "np.random.Generator"), ("learning/small_cnn.py", "np.random.PCG64")}
STATISTICAL = ("np.random", "numpy.random", "random.")
TORCH = {"randn", "rand", "randint", "randperm", "normal", "normal_", "uniform_", "bernoulli", "manual_seed",
         "randn_like", "rand_like", "multinomial", "dropout", "Dropout", "Generator"}  # fmt: skip


def test_no_module_calls_a_statistical_generator() -> None:
    package = Path(privxray.__file__).parent
    for folder in ("privacy", "learning"):
        for path in sorted((package / folder).glob("*.py")):
            name = f"{folder}/{path.name}"
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    module = node.module if isinstance(node, ast.ImportFrom) else None
                    modules = [module or "", *(alias.name for alias in node.names)]
                    assert not {"random", "numpy.random"} & set(modules), name
                elif isinstance(node, ast.Attribute):
                    dotted = ast.unparse(node)
                    if (name, dotted) in ALLOWED or dotted == "np.random":
                        # np.random itself is the inside of a dotted name that this loop meets on its own.
                        continue
                    assert not dotted.startswith(STATISTICAL), (name, dotted)
                    assert node.attr not in TORCH or dotted == "np.random.Generator", (name, dotted)
