"""The noise that the guarantee rests on: Gaussians in float64 from the operating system's CSPRNG.

A statistical generator (Mersenne Twister, PCG, Philox) can be run backwards from its outputs, and torch's
float32 Gaussian ends at 5.77 standard deviations. Here every call takes a fresh 256-bit key from
:func:`os.urandom` and expands it with AES-256-CTR; no state outlives the call, so two processes after a fork
can't share a keystream.

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
from typing import Protocol

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

# Queries are computed in floating point, so a sensitivity that is C in exact arithmetic is C (1 + a few 1e-7)
# in the worst case of float32. Noise is scaled to C times this, while the accountant is told C.
SENSITIVITY_INFLATION = 1.0 + 1e-6

_DRAWS = 4
_CHUNK = 1 << 15  # pairs of outputs at a time: the temporaries of a chunk stay in the processor's cache


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
        half = len(result) // 2
        for start in range(0, half, _CHUNK):
            pairs = min(_CHUNK, half - start)
            result[2 * start : 2 * (start + pairs)] = _summed_pairs(pairs)
        result *= std / math.sqrt(_DRAWS)
        return result[:size].reshape(shape)

    def uniform(self, size: int) -> NDArray[np.float64]:
        """Draw multiples of 2^-53 in [0, 1), so that ``uniform() < q`` is true with probability q within
        2^-53.
        """
        return _random_bits(size) * 2.0**-53


def _summed_pairs(pairs: int) -> NDArray[np.float64]:
    bits = _random_bits(2 * _DRAWS * pairs).reshape(2, _DRAWS, pairs)
    # k + 1 over 2^53 lies in (0, 1]: the logarithm is finite, and the radius reaches 8.57.
    radius = np.sqrt(-2.0 * np.log((bits[0] + 1.0) * 2.0**-53))
    angle = bits[1] * (2.0**-52 * math.pi)
    return np.concatenate([(radius * np.cos(angle)).sum(axis=0), (radius * np.sin(angle)).sum(axis=0)])


def _random_bits(size: int) -> NDArray[np.float64]:
    """``size`` uniform integers in [0, 2^53), which float64 holds exactly."""
    # The counter may start at zero, for no key is used for a second stream.
    encryptor = Cipher(algorithms.AES(os.urandom(32)), modes.CTR(bytes(16))).encryptor()
    words = np.frombuffer(encryptor.update(bytes(8 * size)), dtype="<u8")
    return (words >> np.uint64(11)).astype(np.float64)
