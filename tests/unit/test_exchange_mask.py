"""Fixed point and masks: exact when complete, uniformly random when not."""

from __future__ import annotations

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from forged_files import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from privxray.exchange.masking.fixed_point import dequantise, quantise, unsigned
from privxray.exchange.masking.masks import _BLOCK, add_streams, mask_streams, pairwise_key
from privxray.formats.tensors import TensorSpec, check_headroom

PLAN = "ab" * 32


def spec(name: str = "w", shape: tuple[int, ...] = (3,), bound: float = 10.0, bits: int = 20) -> TensorSpec:
    return TensorSpec(name=name, shape=shape, bound=bound, fraction_bits=bits)


class Cohort:
    """Hospitals that know each other's mask keys."""

    def __init__(self, size: int) -> None:
        self.keys = {f"{place + 1:02x}" * 32: X25519PrivateKey.generate() for place in range(size)}

    def masked(self, own: str, vector: np.ndarray) -> np.ndarray:
        result = vector.copy()
        pairs = {
            other: pairwise_key(self.keys[own], key.public_key(), PLAN, own, other)
            for other, key in self.keys.items()
            if other != own
        }
        add_streams(result, mask_streams(own, pairs))
        return result


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize("length", [1, 5, _BLOCK // 4 + 3])
def test_the_masks_of_a_complete_cohort_cancel_bit_for_bit(bits: int, size: int, length: int) -> None:
    cohort, kind = Cohort(size), unsigned(bits)
    rng = np.random.default_rng(1)
    plain = {own: rng.integers(0, 1 << bits, length, dtype=kind) for own in cohort.keys}
    masked = [cohort.masked(own, vector) for own, vector in plain.items()]
    assert np.array_equal(sum(masked), sum(plain.values()))


@pytest.mark.parametrize("bits", [32, 64])
def test_a_sum_with_one_missing_is_uniformly_random_bytes(bits: int) -> None:
    """Chi-square on the bytes of every incomplete sum of constant vectors.

    255 degrees of freedom; a good stream fails one of the six sums, on either side, with probability 1e-11.
    """
    cohort, kind = Cohort(3), unsigned(bits)
    plain = np.full(200_000, 7, kind)
    masked = [cohort.masked(own, plain) for own in cohort.keys]
    partial = [*masked, masked[0] + masked[1], masked[0] + masked[2], masked[1] + masked[2]]
    for seen in partial:
        counts = np.bincount(np.frombuffer(seen.tobytes(), np.uint8), minlength=256)
        expected = counts.sum() / 256
        statistic = ((counts - expected) ** 2 / expected).sum()
        assert chi2.sf(statistic, 255) > 1e-12
        assert chi2.cdf(statistic, 255) > 1e-12
    complete = sum(masked)
    assert (complete == 21).all()


def test_no_two_pairs_and_no_two_plans_share_a_stream() -> None:
    a, b, c = (X25519PrivateKey.generate() for _ in range(3))
    first = pairwise_key(a, b.public_key(), PLAN, "01" * 32, "02" * 32)
    assert first == pairwise_key(b, a.public_key(), PLAN, "02" * 32, "01" * 32)
    others = {
        pairwise_key(a, c.public_key(), PLAN, "01" * 32, "03" * 32),
        pairwise_key(a, b.public_key(), "cd" * 32, "01" * 32, "02" * 32),
        pairwise_key(a, b.public_key(), PLAN, "01" * 32, "04" * 32),
    }
    assert len(others) == 3
    assert first not in others


def test_the_stream_does_not_repeat_between_blocks() -> None:
    vector = np.zeros(_BLOCK // 4, np.dtype("<u8"))  # two blocks
    add_streams(vector, [(bytes(32), False)])
    half = len(vector) // 2
    assert not np.array_equal(vector[:half], vector[half:])
    add_streams(vector, [(bytes(32), True)])
    assert not vector.any()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), st.sampled_from([32, 64]))
def test_quantising_errs_by_half_a_step_at_most(values: list[float], bits: int) -> None:
    manifest = [spec(bound=10.0, bits=20)]
    clamped = np.clip(values, -10, 10)
    back = dequantise(quantise({"w": np.array(values)}, manifest, bits), manifest, bits)["w"]
    assert np.abs(back - clamped).max() <= 2.0**-21


def test_sums_of_extremes_do_not_overflow_at_the_limit_and_are_refused_beyond() -> None:
    manifest = [spec(bound=2.0**10, bits=20)]
    check_headroom(manifest, 1, 32)
    with refused("plan.sums-overflow"):
        check_headroom(manifest, 2, 32)
    check_headroom([spec(bound=2.0**30 - 1, bits=0)], 2, 32)  # rounding adds a half, and no more
    with refused("plan.sums-overflow"):
        check_headroom([spec(bound=2.0**30 - 0.5, bits=0)], 2, 32)
    exact = [spec(bound=2.0**11, bits=20)]
    with refused("plan.sums-overflow"):
        check_headroom(exact, 1, 32)
    roomy = [spec(bound=2.0**10, bits=18)]
    check_headroom(roomy, 7, 32)
    one = quantise({"w": np.full(3, -1e9)}, roomy, 32)
    total = sum(one for _ in range(7)).astype(unsigned(32))
    assert dequantise(total, roomy, 32)["w"].tolist() == [-7 * 2.0**10] * 3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    with refused("training.not-finite"):
        quantise({"w": np.array([0.0, bad, 1.0])}, [spec()], 64)


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        ({}, "training.other-tensors"),
        ({"v": np.zeros(3)}, "training.other-tensors"),
        ({"w": np.zeros(3), "v": np.zeros(3)}, "training.other-tensors"),
        ({"w": np.zeros(4)}, "training.other-shape"),
        ({"w": np.zeros((3, 1))}, "training.other-shape"),
    ],
)
def test_a_vector_that_does_not_fit_the_manifest_is_refused(vector: dict, reason: str) -> None:
    with refused(reason):
        quantise(vector, [spec()], 64)


def test_a_manifest_with_a_name_twice_or_nothing_is_refused() -> None:
    with refused("plan.tensor-twice"):
        check_headroom([spec(), spec()], 3, 64)
    with refused("plan.vector-empty"):
        check_headroom([], 3, 64)
