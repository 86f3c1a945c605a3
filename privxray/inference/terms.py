"""The terms of an offer: how many images are answered, how precisely, and what is held back.

docs/THREATS.md, "Encrypted inference", says what each of them protects and what it does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MAX_LIMIT = 1_000_000
MAX_DECIMALS = 6
MAX_OWNERS = 100
"""Of one model: the parties of a study."""

COPY_ANSWERS = 30
"""About so many answers are enough to rebuild a model (measured: docs/BENCHMARKS.md)."""
MOST_BY_DEFAULT = 20
"""The highest limit that is set unasked: clearly below :data:`COPY_ANSWERS`."""
SHARE = 0.1
"""The share of a model that all answers to one hospital may give away by default, whatever its software."""
WEIGHT_BITS = 8
"""Bits that a weight is counted as."""

TOP1_FACTOR = 16.0
"""With ``top1`` an image's scores are multiplied by a secret factor from 1 to this."""

_NOISE_SHARE = 0.2


@dataclass(frozen=True)
class Terms:
    """What an owner grants to each hospital.

    :ivar limit: images that are answered to one hospital in all, 1 to 1,000,000; None: what the model bears.
    :ivar decimals: decimals of a probability that stand above the owner's noise, 1 to 6.
    :ivar top1: tell the most probable class, and hide how probable it is.
    """

    limit: int | None = None
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


@dataclass(frozen=True)
class Leak:
    """What answers can give away of a model at most, whatever software asked (docs/adr/0146).

    :ivar features: D.
    :ivar classes: K.
    :ivar score_range: scores stand between plus and minus this.
    """

    features: int
    classes: int
    decimals: int
    score_range: int

    @property
    def model_bits(self) -> float:
        """Of the head, its weights counted with 8 bits. They sum to zero over the classes."""
        return float(WEIGHT_BITS * (self.classes - 1) * (self.features + 1))

    @property
    def answer_bits(self) -> float:
        """The most that the answer about one image tells."""
        return self.classes * bits_of_a_score(self.decimals, self.score_range)

    def share(self, images: int) -> float:
        """The share of the model that answers about so many images can give away, 0 to 1."""
        return min(1.0, images * self.answer_bits / self.model_bits)

    def limit(self, owners: int = 1) -> int | None:
        """The limit that is set by default, at most 20 images; None where one image is too much.

        :param owners: so many members offer the model, each with this limit; together they keep to a tenth.
        """
        most = int(SHARE * self.model_bits / self.answer_bits / owners)
        return max(1, min(MOST_BY_DEFAULT // owners, most)) if most else None


def bits_of_a_score(decimals: int, score_range: int) -> float:
    """The most bits that one score tells: log2 of the range over the noise's size, sqrt(2 pi e) sigma.

    A number modulo m with independent noise of entropy h on it tells at most log2 m - h of anything, by
    Shannon; nothing about what the number was made of is taken for granted.
    """
    size = math.sqrt(2 * math.pi * math.e) * answer_noise(decimals)
    return math.log2(2 * score_range / size)
