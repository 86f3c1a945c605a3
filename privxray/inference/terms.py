"""The terms of an offer: how many images are answered, how precisely, and what is held back.

docs/THREATS.md, "Encrypted inference", says what each of them protects and what it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_LIMIT = 1_000_000
MAX_DECIMALS = 6

COPY_ANSWERS = 30
"""About so many answers are enough to rebuild a model (measured: docs/THREATS.md)."""

TOP1_FACTOR = 16.0
"""With ``top1`` an image's scores are multiplied by a secret factor from 1 to this."""

_NOISE_SHARE = 0.2


@dataclass(frozen=True)
class Terms:
    """What an owner grants to each hospital.

    :ivar limit: images that are answered to one hospital in all, 1 to 1,000,000.
    :ivar decimals: decimals of a probability that stand above the owner's noise, 1 to 6.
    :ivar top1: tell the most probable class, and hide how probable it is.
    """

    limit: int = 100
    decimals: int = 3
    top1: bool = False

    @property
    def noise(self) -> float:
        """Standard deviation of the owner's noise on each class score; see :func:`answer_noise`."""
        return answer_noise(self.decimals)

    @property
    def largest_factor(self) -> float:
        """The most that an image's scores are multiplied by."""
        return TOP1_FACTOR if self.top1 else 1.0


def answer_noise(decimals: int) -> float:
    """Standard deviation of the owner's noise on each class score: a fifth of the last decimal.

    A probability p moves by p (1 - p) times the change of its logit. In the root mean square that is at most
    .07 of its last decimal, for two classes at one half, and less elsewhere.
    """
    return float(_NOISE_SHARE * 10.0**-decimals)
