"""The parameters of encrypted inference: ring, moduli, and what stands where in a query and an answer.

Ring learning with errors (Lyubashevsky, Peikert and Regev 2010) over Z[X] / (X^4096 + 1), with ternary
secrets and errors of standard deviation 3.24. A query is modulo two primes of 32 bits, an answer modulo the
first of them. Beyond three decimals it is three primes, and two. Table 1 of the HomomorphicEncryption.org
standard (Albrecht et al. 2018) allows 75 bits at this degree for 192 bits of security, and 109 bits for 128;
here they are 64 and 96.

Nothing is ever multiplied by anything encrypted, so there are no evaluation keys, and no ciphertext is
rotated. docs/adr/0146 has the reasons, docs/SPEC-2.md section 12 every byte.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Parameters: TypeAlias = Literal["rlwe/4096/32-32-32/1", "ckks/8192/60-49-49-60/1", "ckks/8192/60-49-49-60/2"]
ID: Parameters = "rlwe/4096/32-32-32/1"
"""The name of this set in signed headers. The others are of earlier versions: their files are shown and
refused."""
FEATURE = "rlwe-queries"
"""The feature of format 2 that goes with it."""

DEGREE = 4096
PRIMES = (4294828033, 4294729729, 4294483969)
"""The three largest primes below 2^32 that are 1 modulo 2 * 4096."""

WORD = 4
"""Bytes of a residue."""
SEED_BYTES = 32
MAX_IMAGES = 256
"""Images in one query."""
ONE_PRIME_DECIMALS = 3
"""Up to so many decimals an answer is modulo one prime, beyond them modulo two."""
RANGES = (8, 16, 32, 64, 128, 256, 512, 1024)
"""Scores stand between plus and minus one of these, the least that has room for them."""


def weakens_encryption(decimals: int) -> bool:
    """Whether so many decimals take a larger modulus, which protects an image less (docs/THREATS.md)."""
    return decimals > ONE_PRIME_DECIMALS


WEAKER = (
    "With four to six decimals the encryption protects an image less, about as well as ML-KEM-512 would: it "
    "has 128 bits of security by the standard's table, and up to three decimals have 192 (docs/THREATS.md)"
)
"""What whoever offers or asks should know then, without a full stop."""


@dataclass(frozen=True)
class Layout:
    """What stands where in the queries and answers under one offer.

    Image j of a ciphertext has its features at the coefficients j D to (j + 1) D - 1, and its scores come out
    at coefficient j D.

    :param features: D, 1 to 4,096.
    :param classes: K, at least 1.
    :param decimals: of the offer, 1 to 6.
    :param score_range: of the offer, a power of two from 8 to 1,024.
    """

    features: int
    classes: int
    decimals: int
    score_range: int

    @property
    def answer_primes(self) -> int:
        """How many primes an answer is modulo."""
        return 2 if weakens_encryption(self.decimals) else 1

    @property
    def query_primes(self) -> int:
        """How many primes a query is modulo; the last falls away while the owner computes."""
        return self.answer_primes + 1

    @property
    def feature_scale(self) -> float:
        """What features are multiplied by before they are rounded and encrypted: 2^30 or 2^46."""
        return 2.0 ** (30 if self.answer_primes == 1 else 46)

    @property
    def score_scale(self) -> float:
        """What scores are multiplied by in an answer, 2^(32 L - 1) / range modulo L primes."""
        return float(2.0 ** (32 * self.answer_primes - 1) / self.score_range)

    @property
    def together(self) -> int:
        """How many images are in one ciphertext."""
        return DEGREE // self.features

    def ciphertexts(self, images: int) -> int:
        """How many ciphertexts so many images take."""
        return math.ceil(images / self.together)

    def place(self, image: int) -> tuple[int, int]:
        """The ciphertext that holds an image, and the coefficient at which it begins."""
        return image // self.together, image % self.together * self.features

    def query_bytes(self, images: int) -> int:
        """Bytes of a query before it is sealed: a seed, a key, and the ciphertexts of so many images."""
        return SEED_BYTES + (1 + self.ciphertexts(images)) * self.query_primes * DEGREE * WORD

    def answer_bytes(self, images: int) -> int:
        """Bytes of an answer before it is sealed: for each image and class a polynomial and one number."""
        return images * self.classes * (DEGREE + 1) * self.answer_primes * WORD


def range_for(largest: float) -> int | None:
    """The least range that has room for scores of this size; None where none has."""
    return next((size for size in RANGES if largest <= 0.99 * size), None)
