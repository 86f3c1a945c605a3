"""A whole number as a sum of three squares: the witness that it is not negative.

Every n = 1 modulo 4 is one (Gauss 1801, article 291; Legendre). It is found as Rabin and Shallit 1986,
section 3, find it: take an even x, and write n - x^2 as a sum of two squares, which is easy where it is a
prime. Here x goes down from the root of n, so that what is left is short and soon a prime. Every other even x
leaves 5 modulo 8, and only these are tried: modulo such a prime, 2 is no square.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Final

_SMALL: Final = math.prod(range(3, 84, 2))
"""A number that has a factor with it is no prime, or so small that it need not be found."""


def three_squares(number: int) -> tuple[int, int, int]:
    """Three whole numbers, 0 or more, whose squares add up to ``number``.

    :param number: above 0, and 1 modulo 4.
    :raises ValueError: it is not.
    """
    if number < 1 or number % 4 != 1:
        raise ValueError("only a positive number that is 1 modulo 4 is a sum of three squares for sure")
    root = math.isqrt(number)
    if root * root == number:  # less another square it is a product, so the search could take forever
        return root, 0, 0
    first = 0 if number % 8 == 5 else 2
    for x in reversed(range(first, root + 1, 4)):
        pair = _two_squares(number - x * x)
        if pair is not None:
            return x, *pair
    return _by_trial(number)


def _two_squares(number: int) -> tuple[int, int] | None:
    """Two squares that add up to ``number``, 5 modulo 8; None where it is no prime or a small one.

    A root of -1 modulo the number, then Euclid's algorithm on both down to the square root (Brillhart 1972).
    """
    if math.gcd(number, _SMALL) != 1:
        return None
    high, low = number, pow(2, number // 4, number)
    if low * low % number != number - 1:
        return None
    while low * low > number:
        high, low = low, high % low
    return low, math.isqrt(number - low * low)


def _by_trial(number: int) -> tuple[int, int, int]:
    """The same for the few numbers, all of them small, that the search above passes over."""
    roots = {root * root: root for root in range(math.isqrt(number) + 1)}
    for x, y in product(roots.values(), repeat=2):
        z = roots.get(number - x * x - y * y)
        if z is not None:
            return x, y, z
    raise AssertionError("unreachable: Gauss proved it")
