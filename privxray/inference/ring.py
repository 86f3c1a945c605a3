"""Polynomials modulo X^4096 + 1, as residues modulo each of a few primes: uint64 arrays [..., primes, 4096].

The transform (of number theory, in place of Fourier's) gives a polynomial's values at the roots of X^4096 + 1
modulo each prime, in an order that only this module knows; there, polynomials are multiplied value by value.
All primes are below 2^32, so a product fits 64 bits, and plain numpy is exact.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from privxray.inference.parameters import DEGREE, PRIMES

Residues: TypeAlias = NDArray[np.uint64]
Whole: TypeAlias = NDArray[np.int64]

_HALF = DEGREE // 2
_STAGES = DEGREE.bit_length() - 1
_MODULI = np.array(PRIMES, np.uint64)[:, None]


def residues(numbers: Whole, primes: int) -> Residues:
    """Whole numbers [..., N], of either sign, as residues [..., primes, N]."""
    return np.mod(numbers[..., None, :], _MODULI[:primes].astype(np.int64)).astype(np.uint64)


def plus(one: Residues, other: Residues) -> Residues:
    """The sum, number by number; the last but one axis counts primes."""
    return (one + other) % _MODULI[: one.shape[-2]]


def minus(one: Residues, other: Residues) -> Residues:
    """The difference, number by number."""
    moduli = _MODULI[: one.shape[-2]]
    return (one + moduli - other) % moduli


def times(one: Residues, other: Residues) -> Residues:
    """The product, number by number: of two polynomials, if these are their values."""
    return one * other % _MODULI[: one.shape[-2]]


def to_values(polynomials: Residues) -> Residues:
    """The values of polynomials at all roots.

    Each stage splits polynomials modulo X^2m - r^2 into what they are modulo X^m - r and modulo X^m + r.
    Coefficient i of branch b stands at place i 2^stage + b, so that every stage is the same.
    """
    moduli, roots = _MODULI[: polynomials.shape[-2]], _roots()[0]
    for stage in range(_STAGES):
        low = polynomials[..., :_HALF]
        high = polynomials[..., _HALF:] * roots[stage, : len(moduli)] % moduli
        polynomials = np.empty_like(polynomials)
        polynomials[..., 0::2] = (low + high) % moduli
        polynomials[..., 1::2] = (low + moduli - high) % moduli
    return polynomials


def from_values(values: Residues) -> Residues:
    """The polynomials that have these values; the inverse of :func:`to_values`."""
    moduli, inverses = _MODULI[: values.shape[-2]], _roots()[1]
    for stage in reversed(range(_STAGES)):
        even, odd = values[..., 0::2], values[..., 1::2]
        low = (even + odd) % moduli
        high = (even + moduli - odd) % moduli * inverses[stage, : len(moduli)] % moduli
        values = np.concatenate([low, high], axis=-1)
    return values * _inverse_degree()[: len(moduli)] % moduli


def without_last_prime(numbers: Residues) -> Residues:
    """The numbers divided by the last prime and rounded, modulo the primes before it."""
    last = PRIMES[numbers.shape[-2] - 1]
    moduli = _MODULI[: numbers.shape[-2] - 1]
    inverses = np.array([pow(last, -1, int(prime)) for prime in moduli[:, 0]], np.uint64)[:, None]
    half = np.uint64(last // 2)
    rest = (numbers[..., -1:, :] + half) % np.uint64(last)
    return (numbers[..., :-1, :] + half + moduli - rest % moduli) % moduli * inverses % moduli


def centred(numbers: Residues) -> NDArray[np.float64]:
    """The numbers [..., N] between minus and plus half the modulus, of residues modulo one prime or two."""
    if numbers.shape[-2] == 1:
        whole, modulus = numbers[..., 0, :], PRIMES[0]
    else:
        inverse = np.uint64(pow(PRIMES[0], -1, PRIMES[1]))
        first, second = numbers[..., 0, :], numbers[..., 1, :]
        step = (second + _MODULI[1] - first % _MODULI[1]) % _MODULI[1] * inverse % _MODULI[1]
        whole, modulus = first + _MODULI[0] * step, PRIMES[0] * PRIMES[1]
    negative = whole > np.uint64(modulus // 2)
    return np.where(negative, -(np.uint64(modulus) - whole).astype(float), whole.astype(float))


def coefficient_row(polynomial: Whole, place: int) -> Whole:
    """The row r [N] for which coefficient ``place`` of p times the polynomial is the sum of p[i] r[i].

    :param polynomial: [N], of small numbers.
    """
    turned = np.roll(polynomial[::-1], place + 1)
    turned[place + 1 :] *= -1
    return turned


def small_products(polynomials: Residues, row: Whole) -> Residues:
    """[..., primes, 1]: one coefficient of each polynomial's product with a ternary one.

    :param row: of :func:`coefficient_row`; 4,096 numbers of -1, 0 and 1.
    """
    sums: Whole = polynomials.astype(np.int64) @ row
    return np.mod(sums[..., None], _MODULI[: polynomials.shape[-2]].astype(np.int64)).astype(np.uint64)


def large_products(polynomials: Residues, row: Residues) -> Residues:
    """[..., primes, 1]: the sum of products of two rows of residues [..., primes, n]."""
    sums: Residues = times(polynomials, row).sum(axis=-1, keepdims=True)
    return sums % _MODULI[: polynomials.shape[-2]]


@cache
def _roots() -> tuple[Residues, Residues]:
    """The r of each stage, prime and place [stages, primes, N / 2], and their inverses."""
    tables = np.array([_roots_modulo(prime) for prime in PRIMES])  # [primes, 2, stages, N / 2]
    forth, back = tables.transpose(1, 2, 0, 3)
    return np.ascontiguousarray(forth), np.ascontiguousarray(back)


def _roots_modulo(prime: int) -> tuple[Residues, Residues]:
    order = 2 * DEGREE
    root = next(r for g in range(2, 99) if pow(r := pow(g, (prime - 1) // order, prime), DEGREE, prime) != 1)
    powers = [1]
    for _ in range(order - 1):
        powers.append(powers[-1] * root % prime)
    table = np.array(powers, np.uint64)
    forth, back = [], []
    exponents = np.array([DEGREE])  # X^4096 + 1 is X^4096 - root^4096
    for _ in range(_STAGES):
        halves = exponents // 2
        forth.append(np.tile(table[halves], _HALF // len(halves)))
        back.append(np.tile(table[-halves % order], _HALF // len(halves)))
        exponents = np.stack([halves, halves + DEGREE], axis=1).ravel()
    return np.array(forth), np.array(back)


@cache
def _inverse_degree() -> Residues:
    return np.array([[pow(DEGREE, -1, prime)] for prime in PRIMES], np.uint64)
