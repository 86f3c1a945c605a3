"""The noise that the guarantee rests on: Gaussians in float64 from the operating system's CSPRNG.

A statistical generator (Mersenne Twister, PCG, Philox) can be run backwards from its outputs, and torch's
float32 Gaussian ends at 5.77 standard deviations. Here every call takes a fresh 256-bit key from
:func:`os.urandom` and expands it with AES-256-CTR, each thread of a long call its own; no state outlives the
call, so two processes after a fork can't share a keystream.

A float64 Gaussian is not a real number: which values it can take depends on the generator's internals, and
that has been exploited (Mironov 2012 for Laplace noise; Jin et al. 2022 for Gaussians). After Holohan and
Braghin 2021,
"Secure random sampling in differential privacy", each value is the sum of four independent Gaussians divided
by two, so that an attacker has four unknown draws to search at once instead of one. It narrows the gap, it
does not close it; the clamp and the fixed point that follow round the released value besides.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

# Queries are computed in floating point, so a sensitivity that is C in exact arithmetic is C (1 + a few 1e-7)
# in the worst case of float32. Noise is scaled to C times this, while the accountant is told C.
SENSITIVITY_INFLATION = 1.0 + 1e-6

_DRAWS = 4
_PAIRS = 1 << 13  # pairs of outputs in one block: its buffers, some 450 kB, stay in a core's cache
_MOST_THREADS = 16


class NoiseSource(Protocol):
    """What training draws from. There is one that protects, :class:`SecureNoise`; tests pass others."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        """Independent N(0, std^2) values of this shape."""

    def uniform(self, size: int) -> NDArray[np.float64]:
        """Independent uniform values in [0, 1)."""


class SecureNoise:
    """Gaussian and uniform values from AES-256-CTR, keyed anew at each call. It holds no state."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        """Draw from N(0, ``std``^2), in float64.

        Box and Muller turn two uniforms into two independent Gaussians, R cos t and R sin t. One output
        adds up the cosines of four pairs, its twin the sines of the same four: had a sum both halves of one
        pair, R (cos t + sin t) = sqrt(2) R cos(t - pi/4) would be one draw, not two.

        :param shape: of the result.
        :param std: standard deviation, finite and > 0.
        :returns: values up to 8.57 * 2 * ``std`` in magnitude, which a true Gaussian exceeds with
            probability below 1e-64.
        """
        if not 0.0 < std < math.inf:
            raise ValueError("a standard deviation is finite and above 0")
        size = math.prod(shape)
        result = np.empty(size + size % 2)
        _fill_in_threads(result)
        result *= std / math.sqrt(_DRAWS)
        return result[:size].reshape(shape)

    def uniform(self, size: int) -> NDArray[np.float64]:
        """Draw multiples of 2^-53 in [0, 1), so that ``uniform() < q`` is true with probability q within
        2^-53.
        """
        values = np.empty(size)
        _Keystream(size).unit_interval(values)
        return values


class _Keystream:
    """Uniform values from one AES-256-CTR keystream under a key of its own, ``size`` at a time."""

    def __init__(self, size: int) -> None:
        # The counter may start at zero, for no key is used for a second stream.
        self._encryptor = Cipher(algorithms.AES(os.urandom(32)), modes.CTR(bytes(16))).encryptor()
        self._zeros = bytes(8 * size)
        self._bytes = bytearray(8 * size)
        self._words = np.frombuffer(self._bytes, dtype="<u8")

    def unit_interval(self, out: NDArray[np.float64]) -> None:
        """Fill ``out`` with multiples of 2^-53 in [0, 1), which float64 holds exactly."""
        self._encryptor.update_into(self._zeros, self._bytes)
        np.right_shift(self._words, 11, out=self._words)
        np.multiply(self._words, 2.0**-53, out=out)


def _fill_in_threads(result: NDArray[np.float64]) -> None:
    """Write sums of ``_DRAWS`` standard Gaussians; threads share a long result.

    Ufuncs let go of Python's lock, so threads do run side by side. Each draws under a key of its own.
    """
    threads = min(_processors(), _MOST_THREADS, len(result) // (8 * _PAIRS))
    if threads < 2:
        _fill(result)
        return
    share = len(result) // (2 * threads) * 2
    parts = [result[i * share : (i + 1) * share if i < threads - 1 else None] for i in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(_fill, parts))


def _fill(part: NDArray[np.float64]) -> None:
    """Write ``len(part)``, an even number, sums of ``_DRAWS`` standard Gaussians, block by block."""
    pairs = max(1, min(_PAIRS, len(part) // 2))
    stream = _Keystream(2 * pairs)
    uniforms, waves = np.empty((2, pairs)), np.empty(pairs)
    radius, angle = uniforms
    for start in range(0, len(part), 2 * pairs):
        block = part[start : start + 2 * pairs]
        cosines, sines = block[: len(block) // 2], block[len(block) // 2 :]
        block[:] = 0.0
        for _ in range(_DRAWS):
            stream.unit_interval(uniforms.reshape(-1))
            np.subtract(1.0, radius, out=radius)  # into (0, 1]: the logarithm is finite, the radius <= 8.57
            np.log(radius, out=radius)
            radius *= -2.0
            np.sqrt(radius, out=radius)
            angle *= 2.0 * math.pi
            for wave, total in ((np.cos, cosines), (np.sin, sines)):
                wave(angle, out=waves)
                waves *= radius
                total += waves[: len(total)]


def _processors() -> int:
    """How many this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
