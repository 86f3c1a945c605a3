"""How tests deal with chance: the whole suite fails by it in less than one run of a million.

* A test of a *judge* - a bound, a p-value, a command that shows one - gets what is judged from a seeded
  source: :class:`Seeded`, or :func:`seed_noise` where the code under test makes its own. It then says the
  same in every run.
* A test of real noise, or of a real engine, draws afresh. A comment at its threshold says with which chance
  it fails although nothing is wrong: below 1e-7, computed and not guessed.
* Nor is an exact comparison free of chance where what is compared was drawn: two computations of the same may
  round differently in one case of ten. Such values come from :class:`Seeded`, as many as it takes to meet it.
* Whatever is short is somewhere in random bytes: three given ones are in a kB of ciphertext once in 17,000
  runs. What must not be in a file is looked for by six bytes or more.
* Where one try fails more often than that, :func:`once_in` asks for one good try of several. A fault that is
  there fails them all.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from privxray.privacy.noise import SecureNoise

Found = TypeVar("Found")


class Seeded:
    """A noise source that draws the same values in every run. It protects nobody."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        return self._rng.normal(0.0, std, shape)

    def uniform(self, size: int) -> NDArray[np.float64]:
        return self._rng.random(size)


def seed_noise(patch: pytest.MonkeyPatch, seed: int) -> None:
    """Let every ``SecureNoise`` draw from one seeded source, until the patch is undone.

    For tests of a judge whose scores are made on the way, in this process and one thread.
    """
    source = Seeded(seed)
    patch.setattr(SecureNoise, "gaussian", lambda _, shape, std: source.gaussian(shape, std))
    patch.setattr(SecureNoise, "uniform", lambda _, size: source.uniform(size))


def example_seed() -> int:
    """What made-up examples are drawn from: the same in every run of the suite, so that none fails by chance.

    ``PRIVXRAY_SEED`` gives another; with ``PRIVXRAY_FRESH_EXAMPLES`` it is drawn afresh, and printed.
    """
    fresh = secrets.randbelow(10**9) if os.environ.get("PRIVXRAY_FRESH_EXAMPLES") else 1
    seed = int(os.environ.get("PRIVXRAY_SEED") or fresh)
    print(f"PRIVXRAY_SEED={seed}")
    return seed


def once_in(tries: int, attempt: Callable[[], Found]) -> Found:
    """What the first attempt gives that raises no ``AssertionError``; as the last one fails, if all do.

    Each attempt must draw afresh. Where one fails by chance with probability p, all do with p^``tries``.
    """
    for _ in range(tries - 1):
        try:
            return attempt()
        except AssertionError:
            continue
    return attempt()
