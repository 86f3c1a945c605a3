"""Formulas for the encryption of encrypted inference: what breaks it, and how far its errors can go.

Core-SVP by the primal attack is Alkim, Ducas, Pöppelmann and Schwabe 2016, "Post-quantum key exchange",
section 6.3, on the lattice of Bai and Galbraith 2014 (the secret's part scaled to the size of the errors). It
is the simplest of the estimates and takes twenty lines. The lattice estimator has all of them
(tests/benchmarks/lattice.py, docs/adr/0155).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from privxray.inference.drawn import ERROR_BITS
from privxray.inference.parameters import DEGREE, PRIMES, Layout
from privxray.inference.terms import answer_noise

CLASSICAL, QUANTUM = 0.292, 0.265
"""Exponents of sieving, for each dimension of a block (Becker et al. 2016; Laarhoven 2015)."""
TERNARY = math.sqrt(2 / 3)
ERROR = math.sqrt(ERROR_BITS / 2)
ROUNDED = math.sqrt(1 / 12)
"""Standard deviations of a secret's coefficients, of an error, and of what rounding leaves."""
LOUDEST = 17.2
"""The most standard deviations that a draw of noise is off."""


@dataclass(frozen=True)
class Lwe:
    """Learning with errors: dimension, log2 of the modulus, deviations of secret and error, and samples."""

    dimension: int
    modulus_bits: float
    secret: float
    error: float
    samples: int


def question(primes: int, images: int = 1) -> Lwe:
    """What an owner sees of a hospital's secret: its key, and a ciphertext for at most each image."""
    return Lwe(DEGREE, math.log2(math.prod(PRIMES[:primes])), TERNARY, ERROR, (1 + images) * DEGREE)


def result(primes: int) -> Lwe:
    """What a hospital sees of the secret of one result; more than it sees, for the last prime falls away."""
    return Lwe(DEGREE, math.log2(math.prod(PRIMES[:primes])), TERNARY, ERROR, DEGREE)


def block_size(lwe: Lwe) -> int:
    """The least block size with which lattice reduction finds the secret, over all numbers of samples."""
    low, high = 40, 4000
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _breaks(lwe, middle) else (middle + 1, high)
    return low


def _breaks(lwe: Lwe, block: int) -> bool:
    root = math.log2(math.pi * block) / block + math.log2(block / (2 * math.pi * math.e))
    root /= 2 * (block - 1)  # log2 of the root Hermite factor
    best = math.sqrt(lwe.dimension * (lwe.modulus_bits - math.log2(lwe.error / lwe.secret)) / root)
    dimension = min(max(block + 1, round(best)), lwe.dimension + lwe.samples + 1)
    samples = dimension - lwe.dimension - 1
    volume = samples * lwe.modulus_bits + lwe.dimension * math.log2(lwe.error / lwe.secret)
    return math.log2(lwe.error * math.sqrt(block)) <= root * (2 * block - dimension - 1) + volume / dimension


@dataclass(frozen=True)
class Wrong:
    """How far a score is off beside the owner's noise: in units of the last bit of an answer.

    :ivar most: in the worst case of all draws, weights and features.
    :ivar usual: standard deviation, for rows of weights as long as the range lets them be.
    :ivar of_weights: the part of ``usual`` that depends on the weights.
    """

    most: float
    usual: float
    of_weights: float


def wrong(layout: Layout) -> Wrong:
    """What encryption, rounding and the change of modulus add to a score of honest parties."""
    last = PRIMES[layout.query_primes - 1]
    row = layout.score_range * layout.score_scale / layout.feature_scale  # of weights, over the last prime
    root = math.sqrt(layout.features)
    most = {
        "errors of the query, times weights": ERROR_BITS * root * row,
        "features rounded, times weights": root * row / 2,
        "weights rounded, times features": root * layout.feature_scale / last / 2,
        "errors of the key, of v0 and of v1, over the last prime": ERROR_BITS * (2 * DEGREE + 1) / last,
        "v1 rounded, times the secret": DEGREE / 2,
        "v0, offset and noise rounded": 1.5,
    }
    of_weights = row * math.hypot(ERROR, ROUNDED)
    rest = math.hypot(ROUNDED * layout.feature_scale / last, ROUNDED * TERNARY * math.sqrt(DEGREE))
    return Wrong(sum(most.values()), math.hypot(of_weights, rest), of_weights)


def room(layout: Layout) -> float:
    """Units between the largest score with the loudest noise and where an answer wraps around.

    An offer's range has room for scores and 20 standard deviations of noise in 99 % of it.
    """
    half = math.prod(PRIMES[: layout.answer_primes]) / 2
    noise = answer_noise(layout.decimals) * layout.score_scale
    return half - 0.99 * layout.score_range * layout.score_scale + (20 - LOUDEST) * noise
