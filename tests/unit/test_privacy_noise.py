"""The noise source is what it claims to be, and the only one.

The statistical tests draw fresh randomness, so each may fail by chance. Every threshold is set at a
false-alarm probability of some 1e-9 (6.2 standard deviations of an approximately normal statistic, or an
exact tail), so all of this file together fails once in 50 million runs.
"""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray
from scipy import stats

from privxray.privacy import noise
from privxray.privacy.noise import SecureNoise
from privxray.privacy.sampling import poisson_sample

KEY = bytes(range(32))


def keystream(key: bytes, words: int) -> NDArray[np.float64]:
    """Uniforms from AES-256 in counter mode, block by block and byte by byte."""
    blocks = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    stream = b"".join(blocks.update(count.to_bytes(16, "big")) for count in range((words + 1) // 2))
    return np.array(
        [(int.from_bytes(stream[8 * i : 8 * i + 8], "little") >> 11) / 2.0**53 for i in range(words)]
    )


def by_hand(key: bytes, size: int, pairs: int) -> list[float]:
    """What one thread writes: in blocks of 2 ``pairs`` values, four cosines and four sines each."""
    values: list[float] = []
    words = keystream(key, 8 * pairs * (size // (2 * pairs) + 1))
    for block in range(0, size, 2 * pairs):
        length = min(2 * pairs, size - block)
        sums = np.zeros(length)
        for _ in range(4):
            drawn, words = words[: 2 * pairs], words[2 * pairs :]
            radius, angle = np.sqrt(-2.0 * np.log(1.0 - drawn[:pairs])), 2.0 * np.pi * drawn[pairs:]
            for half, wave in enumerate((np.cos, np.sin)):
                sums[half * length // 2 : (half + 1) * length // 2] += (radius * wave(angle))[: length // 2]
        values += list(sums / 2.0)
    return values


@pytest.mark.parametrize(
    ("size", "block"), [(0, 4), (1, 4), (2, 4), (3, 4), (7, 4), (8, 4), (9, 4), (30, 4), (50, 8192)]
)
def test_every_value_is_the_sum_of_four_gaussians_from_the_keystream(
    monkeypatch: pytest.MonkeyPatch, size: int, block: int
) -> None:
    monkeypatch.setattr(noise, "_PAIRS", block)
    monkeypatch.setattr(noise, "processors", lambda: 1)
    monkeypatch.setattr(os, "urandom", lambda number: KEY[:number])
    even = size + size % 2
    expected = np.array(by_hand(KEY, even, max(1, min(block, even // 2))))[:size]
    assert np.allclose(SecureNoise().gaussian((size,), 3.0), 3.0 * expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize(("processors", "used"), [(1, 1), (2, 2), (3, 3), (40, 16)])
def test_each_thread_writes_its_share_under_a_key_of_its_own(
    monkeypatch: pytest.MonkeyPatch, processors: int, used: int
) -> None:
    size = 18 * 8 * 2 + 6  # enough for eighteen threads at a block of two pairs
    monkeypatch.setattr(noise, "_PAIRS", 2)
    monkeypatch.setattr(noise, "processors", lambda: processors)
    keys = [bytes([thread]) * 32 for thread in range(used)]
    given = iter(keys)
    monkeypatch.setattr(os, "urandom", lambda _: next(given))
    values = SecureNoise().gaussian((size,), 2.0) / 2.0
    share = size // (2 * used) * 2
    lengths = [share] * (used - 1) + [size - share * (used - 1)]
    parts = np.split(values, np.cumsum(lengths)[:-1])
    # Which thread takes which key is a matter of chance.
    expected = {key: {length: by_hand(key, length, 2) for length in set(lengths)} for key in keys}
    taken = [
        [key for key in keys if np.allclose(part, expected[key][len(part)], rtol=1e-13)] for part in parts
    ]
    assert sorted(key for found in taken for key in found) == keys
    assert next(given, None) is None


def test_too_few_values_for_two_threads_are_written_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "_PAIRS", 2)
    monkeypatch.setattr(noise, "processors", lambda: 4)
    keys = iter([KEY] * 10)
    monkeypatch.setattr(os, "urandom", lambda _: next(keys))
    SecureNoise().gaussian((30,), 1.0)
    assert len(list(keys)) == 9
    keys = iter([KEY] * 10)
    SecureNoise().gaussian((32,), 1.0)
    assert len(list(keys)) == 8


def test_uniforms_are_the_upper_53_bits_of_the_keystream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda number: KEY[:number])
    assert np.array_equal(SecureNoise().uniform(11), keystream(KEY, 11))


def test_the_processors_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0: {1, 2, 5}}[process], raising=False)
    assert noise.processors() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    for number, expected in ((6, 6), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda number=number: number)
        assert noise.processors() == expected


def test_noise_is_a_millionth_more_than_is_charged() -> None:
    assert noise.SENSITIVITY_INFLATION == 1.000001


N = 1_000_000
Z = 6.2  # two-sided tail 6e-10; 9e-10 for fourth powers, whose sums are still a little skew
KOLMOGOROV = 3.3  # times the root of a number of values: 2 exp(-2 * 3.3^2) = 7e-10, by Massart's bound


def test_moments() -> None:
    x = SecureNoise().gaussian((N,), 3.0) / 3.0
    # Var(x^k) of a standard normal is m_2k - m_k^2: 1, 2, 15, 96 for k = 1 .. 4.
    for k, (mean, variance) in enumerate([(0, 1), (1, 2), (0, 15), (3, 96)], start=1):
        assert abs((x**k).mean() - mean) < Z * math.sqrt(variance / N), k


def test_kolmogorov_smirnov() -> None:
    assert stats.kstest(SecureNoise().gaussian((N,), 1.0), "norm").statistic < KOLMOGOROV / math.sqrt(N)


@pytest.mark.parametrize("threshold", [3.0, 4.0, 4.5])
def test_tails(threshold: float) -> None:
    exceeding = int((np.abs(SecureNoise().gaussian((N,), 1.0)) > threshold).sum())
    p = 2 * stats.norm.sf(threshold)
    assert stats.binom.ppf(1e-10, N, p) <= exceeding <= stats.binom.isf(1e-10, N, p)


@pytest.mark.parametrize("threshold", [5.0, 6.0])
def test_far_tails(monkeypatch: pytest.MonkeyPatch, threshold: float) -> None:
    """Beyond 6 lie 2 in a billion values, so the radii are drawn too long by 2 and the excess is weighed out.

    With v for u, a radius sqrt(-2 log(1 - v)) becomes twice as long where 1 - u = (1 - v)^4. The true density
    there is 4 (1 - v)^3 times the drawn one; an output carries the product of that over its four draws.
    Standard errors over ten trials: 2.7 % of the expected share at 5, 5.9 % at 6. A tail that ends at 5.77,
    as that of torch's float32, would show as 0 at 6; 0.45 is 7.6 standard errors, which the sum, of skewness
    .15, exceeds with 1e-9.
    """
    weights = []
    plain = noise._Keystream.unit_interval

    def stretched(self: noise._Keystream, out: NDArray[np.float64]) -> None:
        plain(self, out)
        radius = out.reshape(2, -1)[0]
        weights.append(4.0 * (1.0 - radius) ** 3)
        radius[:] = np.minimum(1.0 - (1.0 - radius) ** 4, 1.0 - 2.0**-53)

    monkeypatch.setattr(noise._Keystream, "unit_interval", stretched)
    monkeypatch.setattr(noise, "processors", lambda: 1)
    size = 256 * 2 * noise._PAIRS
    x = SecureNoise().gaussian((size,), 1.0).reshape(256, 2, noise._PAIRS)
    weight = np.prod(np.array(weights).reshape(256, 4, 1, noise._PAIRS), axis=1)
    expected = 2 * stats.norm.sf(threshold)
    share = float((weight * (np.abs(x) > threshold)).sum()) / size
    assert abs(share / expected - 1) < 0.45


def test_the_largest_value_lies_far_beyond_where_a_float32_generator_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Four largest uniforms with angle 0: a probability of 2^-424, so it is set up rather than waited for.
    def extreme(_: object, out: NDArray[np.float64]) -> None:
        radius, angle = out.reshape(2, -1)
        radius[:], angle[:] = 1.0 - 2.0**-53, 0.0

    monkeypatch.setattr(noise._Keystream, "unit_interval", extreme)
    assert SecureNoise().gaussian((1,), 1.0)[0] == pytest.approx(2 * math.sqrt(2 * 53 * math.log(2)))


def test_neighbours_and_twins_are_uncorrelated() -> None:
    x = SecureNoise().gaussian((1 << 17,), 1.0)
    for lag in (1, 2, noise._PAIRS):  # outputs of one pair of angles lie half a block apart
        correlation = float((x[lag:] * x[:-lag]).mean())
        assert abs(correlation) < Z / math.sqrt(len(x) - lag), lag
        squares = float(((x[lag:] ** 2 - 1) * (x[:-lag] ** 2 - 1)).mean())
        assert abs(squares) < Z * 2 / math.sqrt(len(x) - lag), lag


def test_uniforms() -> None:
    u = SecureNoise().uniform(N)
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").statistic < KOLMOGOROV / math.sqrt(N)
    assert np.array_equal(u * 2.0**53, np.floor(u * 2.0**53))


def test_every_patient_is_taken_as_often_as_the_others_and_independently() -> None:
    patients, q, rounds = 50, 0.3, 4000
    taken = np.zeros((rounds, patients))
    for row in taken:
        row[poisson_sample(patients, q, SecureNoise())] = 1
    deviations = (taken.sum(axis=0) - rounds * q) / math.sqrt(rounds * q * (1 - q))
    assert (deviations**2).sum() < stats.chi2.isf(1e-10, patients)
    correlations = np.corrcoef(taken.T)[np.triu_indices(patients, 1)] * math.sqrt(rounds)
    assert np.abs(correlations).max() < 7.2  # 1,225 pairs: 2e-9 together
    sizes = taken.sum(axis=1)  # binomial: a shuffled pass in fixed batches would have no variance
    squares = rounds * sizes.var() / (patients * q * (1 - q))  # chi-square to within its kurtosis of -.03
    assert stats.chi2.ppf(1e-10, rounds - 1) < squares < stats.chi2.isf(1e-10, rounds - 1)


def test_poisson_sample_takes_each_patient_with_its_probability() -> None:
    n, q = 400_000, 0.03
    taken = poisson_sample(n, q, SecureNoise())
    assert abs(len(taken) - n * q) < Z * math.sqrt(n * q * (1 - q))
    assert np.array_equal(np.unique(taken), taken)
    assert len(poisson_sample(100, 1.0, SecureNoise())) == 100
    for bad in (0.0, 1.1, math.nan):
        with pytest.raises(ValueError, match="a sampling rate"):
            poisson_sample(10, bad, SecureNoise())


def test_a_patient_is_taken_where_its_uniform_is_below_the_rate() -> None:
    class Written(SecureNoise):
        def uniform(self, size: int) -> NDArray[np.float64]:
            return np.array([0.0, 0.25, 0.5, 1 - 2.0**-53])[:size]

    assert poisson_sample(4, 0.25, Written()).tolist() == [0]
    assert poisson_sample(4, 0.500001, Written()).tolist() == [0, 1, 2]
    assert poisson_sample(4, 1.0, Written()).tolist() == [0, 1, 2, 3]


def repeated(x: NDArray[np.float64]) -> int:
    """How many values were there before. Of 200,000 float64, one pair is equal in a run of a million."""
    return x.size - len(np.unique(x))


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (65536, 2), (131073,)])
def test_every_shape_is_filled(shape: tuple[int, ...]) -> None:
    x = SecureNoise().gaussian(shape, 1.0)
    assert x.shape == shape
    assert x.dtype == np.float64
    assert repeated(x) <= 1  # two pairs: 1e-12


def test_threads_fill_every_value_under_keys_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "processors", lambda: 3)
    x = SecureNoise().gaussian((3 * 8 * noise._PAIRS + 1,), 2.0)
    assert repeated(x) <= 1
    assert stats.kstest(x / 2, "norm").statistic < KOLMOGOROV / math.sqrt(x.size)


@pytest.mark.parametrize("std", [0.0, -1.0, math.nan, math.inf])
def test_a_standard_deviation_out_of_range_is_refused(std: float) -> None:
    with pytest.raises(ValueError, match="a standard deviation"):
        SecureNoise().gaussian((2,), std)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
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
