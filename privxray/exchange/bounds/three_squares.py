"""A whole number as a sum of three squares: the witness that it is not negative.

Every n = 1 modulo 4 is one (Gauss 1801, article 291; Legendre). It is found as Rabin and Shallit 1986,
section 3, find it: take an even x, and write n - x^2 as a sum of two squares, which is easy where it is a
prime. Here x goes down from the root of n, so that what is left is short and soon a prime.
"""

from __future__ import annotations

import math
from typing import Final

_WITHOUT: Final = math.prod((3, 7, 11, 19, 23, 31, 43, 47, 59, 67, 71, 79, 83))
"""Primes that are 3 modulo 4: a number that one of them divides once is no sum of two squares."""
_BASES: Final = (2, 3, 5, 7, 11, 13)


def three_squares(number: int) -> tuple[int, int, int]:
    """Three whole numbers, 0 or more, whose squares add up to ``number``.

    :param number: above 0, and 1 modulo 4.
    :raises ValueError: it is not.
    """
    if number < 1 or number % 4 != 1:
        raise ValueError("only a positive number that is 1 modulo 4 is a sum of three squares for sure")
    root = math.isqrt(number)
    for x in range(root - root % 2, -1, -2):
        pair = _two_squares(number - x * x)
        if pair is not None:
            return x, *pair
    return _by_trial(number)


def _two_squares(number: int) -> tuple[int, int] | None:
    """Two squares that add up to ``number``, 1 modulo 4; None where none are found soon.

    A root r of -1 modulo the number, then Euclid's algorithm on both down to the square root (Brillhart
    1972).
    """
    if number == 1:
        return 1, 0
    if math.gcd(number, _WITHOUT) > 1:
        return None
    for base in _BASES:
        r = pow(base, (number - 1) // 4, number)
        square = r * r % number
        if square == number - 1:
            high, low = number, r
            while low * low > number:
                high, low = low, high % low
            rest = math.isqrt(number - low * low)
            return (low, rest) if low * low + rest * rest == number else None
        if square != 1:
            return None  # no prime
    return None


def _by_trial(number: int) -> tuple[int, int, int]:
    """The same for the few small numbers that the search above passes over."""
    for x in range(math.isqrt(number), -1, -1):
        for y in range(math.isqrt(number - x * x), -1, -1):
            rest = number - x * x - y * y
            z = math.isqrt(rest)
            if z * z == rest:
                return x, y, z
    raise AssertionError("unreachable: Gauss proved it")
