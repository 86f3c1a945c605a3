"""The noise that the guarantee rests on: Gaussians in float64 from the operating system's CSPRNG.

A statistical generator (Mersenne Twister, PCG, Philox) can be computed backwards from its outputs, and
torch's float32 Gaussian ends at 5.77 standard deviations. Here every call takes a fresh 256-bit key from
:func:`os.urandom` and expands it with AES-256-CTR; each thread of a long call takes its own. No state
outlives the call, so two processes can't share a keystream after a fork.

A float64 Gaussian is not a real number. Which values it can take depends on the generator's internals, and
that has been exploited (Mironov 2012 for Laplace noise; Jin et al. 2022 for Gaussian noise). So each value
is the sum of four independent Gaussians divided by two, after Holohan and Braghin 2021, "Secure random
sampling in differential privacy": an attacker has to search for four unknown draws at once. This narrows
the gap and does not close it. The clamp and the fixed point that follow round the released value as well.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from privxray.system.limits import processors

SENSITIVITY_INFLATION = 1.0 + 1e-6
"""Queries are computed in floating point. In the worst case of float32, a sensitivity that is C in exact
arithmetic is C (1 + a few 1e-7). So noise is scaled to C times this number, while the accountant is told
C."""

_DRAWS = 4  # Gaussians in each value
_PAIRS = 8192  # pairs of values in one block: its buffers, some 450 kB, stay in a core's cache
_MOST_THREADS = 16


class NoiseSource(Protocol):
    """What training draws from. Only :class:`SecureNoise` protects anybody; tests pass others."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        """Independent N(0, std^2) values of this shape."""

    def uniform(self, size: int) -> NDArray[np.float64]:
        """Independent uniform values in [0, 1)."""


class SecureNoise:
    """Gaussian and uniform values from AES-256-CTR, keyed anew at each call. It holds no state."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> NDArray[np.float64]:
        """Draw independent values from N(0, ``std``^2), in float64.

        Box and Muller 1958 turn two uniform values into two independent Gaussians, R cos t and R sin t. One
        value adds up the cosines of four such pairs, its twin adds up their sines. A sum must not have both
        halves of one pair: R (cos t + sin t) = sqrt(2) R cos(t - pi/4) is one draw, not two.

        :param std: standard deviation, finite and > 0.
        :returns: of this shape; at most 8.57 * 2 * ``std`` in magnitude, which a true Gaussian exceeds with
            probability below 1e-64.
        :raises ValueError: std out of range.
        """
        if not 0.0 < std < math.inf:
            raise ValueError("a standard deviation is finite and above 0")
        size = math.prod(shape)
        result = np.empty(size + size % 2)
        _fill_in_threads(result)
        result *= std / math.sqrt(_DRAWS)
        return result[:size].reshape(shape)

    def uniform(self, size: int) -> NDArray[np.float64]:
        """Draw [size] independent multiples of 2^-53 in [0, 1).

        So ``uniform(1) < q`` is true with probability q, within 2^-53.
        """
        values = np.empty(size)
        _Keystream(size).unit_interval(values)
        return values


class _Keystream:
    """Uniform values from one AES-256-CTR keystream under a key of its own, ``size`` at a time."""

    def __init__(self, size: int) -> None:
        # The counter may start at zero: no key is used for a second stream.
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
    """Fill ``result``, of even length, with sums of ``_DRAWS`` standard Gaussians; threads share a long one.

    numpy's ufuncs release Python's lock, so threads do run at the same time. Each draws under its own key.
    """
    threads = min(processors(), _MOST_THREADS, len(result) // (8 * _PAIRS))
    if threads < 2:
        _fill(result)
        return
    share = len(result) // (2 * threads) * 2
    parts = [result[i * share : (i + 1) * share if i < threads - 1 else None] for i in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(_fill, parts))


def _fill(part: NDArray[np.float64]) -> None:
    """Fill ``part``, of even length, with sums of ``_DRAWS`` standard Gaussians, block by block."""
    pairs = max(1, min(_PAIRS, len(part) // 2))
    stream = _Keystream(2 * pairs)
    uniforms, squares = np.empty((2, pairs)), np.empty(pairs)
    radius, angle = uniforms
    for start in range(0, len(part), 2 * pairs):
        block = part[start : start + 2 * pairs]
        cosines, sines = block[: len(block) // 2], block[len(block) // 2 :]
        block[:] = 0.0
        for _ in range(_DRAWS):
            stream.unit_interval(uniforms.ravel())
            np.subtract(1.0, radius, out=radius)  # into (0, 1]: the logarithm is finite, the radius <= 8.57
            np.log(radius, out=radius)
            radius *= -2.0
            np.sqrt(radius, out=radius)
            # With t the tangent of half the angle, cos = (1 - t^2) / (1 + t^2) and sin = 2 t / (1 + t^2): one
            # tangent takes a fraction of the time of a sine and a cosine where numpy has vectors for it.
            angle *= math.pi
            tangent = np.tan(angle, out=angle)
            np.multiply(tangent, tangent, out=squares)
            squares += 1.0
            radius /= squares
            np.subtract(2.0, squares, out=squares)
            squares *= radius
            np.add(cosines, squares[: len(cosines)], out=cosines)
            tangent *= radius
            tangent *= 2.0
            np.add(sines, tangent[: len(sines)], out=sines)
