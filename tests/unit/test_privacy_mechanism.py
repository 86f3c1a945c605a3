"""The sampled Gaussian mechanism draws what it says, or does not exist."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from privxray.privacy.events import Event
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import SecureNoise

GOOD = {"rate": 0.3, "clipping_norm": 0.7, "noise": 1.9, "steps": 4}


def test_the_sample_is_of_the_rate_that_is_charged() -> None:
    mechanism = SampledGaussian(**{**GOOD, "rate": 0.25})
    sizes = [len(mechanism.sample(400, SecureNoise())) for _ in range(200)]
    assert abs(np.mean(sizes) - 100) < 6.2 * math.sqrt(400 * 0.25 * 0.75 / 200)  # 80,000 coins: 6e-10


def test_what_is_charged_is_what_is_drawn() -> None:
    assert SampledGaussian(**GOOD).events() == [Event(kind="poisson-gaussian", noise=1.9, q=0.3, count=4)]
    assert SampledGaussian(**{**GOOD, "rate": 1.0}).events() == [Event(kind="gaussian", noise=1.9, count=4)]


def test_the_noise_is_scaled_to_the_clip_and_a_little_more() -> None:
    class Recording:
        def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
            self.asked = shape, std
            return np.zeros(shape)

        def uniform(self, size: int) -> NDArray[np.float64]:
            raise AssertionError

    source = Recording()
    assert SampledGaussian(**GOOD).draw((2, 3), source).shape == (2, 3)
    assert source.asked == ((2, 3), pytest.approx(1.9 * 0.7 * (1 + 1e-6), rel=1e-14))


@pytest.mark.parametrize(
    "good", [{}, {"rate": 1.0}, {"rate": 1e-9}, {"noise": 0.1}, {"clipping_norm": 1e-9}, {"steps": 1}]
)
def test_a_mechanism_in_range_is_one(good: dict[str, float]) -> None:
    SampledGaussian(**{**GOOD, **good})


@pytest.mark.parametrize(
    "bad",
    [
        {"rate": 0.0}, {"rate": 1.0001}, {"rate": math.nan}, {"noise": 0.0}, {"noise": math.nan},
        {"noise": math.inf}, {"noise": -1.0}, {"clipping_norm": 0.0}, {"clipping_norm": math.inf},
        {"clipping_norm": math.nan}, {"steps": 0},
    ],
)  # fmt: skip
def test_a_mechanism_that_promises_nothing_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a sampled Gaussian mechanism has a rate"):
        SampledGaussian(**{**GOOD, **bad})
