"""The one set of CKKS parameters that queries and answers use, and the slots in which a linear head stands.

CKKS (Cheon, Kim, Kim and Song 2017, "Homomorphic encryption for arithmetic of approximate numbers") in the
RNS form of Microsoft SEAL, which TenSEAL wraps. Ring degree 8,192, hence 4,096 slots; a modulus of 60, 49 and
49 bits for ciphertexts and a special prime of 60 bits for key switching. The 218 bits together are all that
the HomomorphicEncryption.org standard (Albrecht et al. 2018, Table 1) allows at this degree for 128 bits of
security with ternary secrets. They are used up on purpose: what the range does not need goes into the scale,
so that the noise of the computation stays far below the noise that the owner adds.

Depth two: features times weights, then the mask. Each costs one prime of 49 bits; an answer is left with one
prime of 60 bits and a scale of 2^49, so decrypted values range over +-1,024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

WindowStep: TypeAlias = Literal["double", "append"]

Parameters: TypeAlias = Literal["ckks/8192/60-49-49-60/1", "ckks/8192/60-49-49-60/2"]
ID: Parameters = "ckks/8192/60-49-49-60/1"
"""The name of this set in signed headers, with one image in a ciphertext."""
PACKED: Parameters = "ckks/8192/60-49-49-60/2"
"""The same set, with as many images in a ciphertext as :class:`Layout` says."""

DEGREE = 8192
SLOTS = DEGREE // 2
PRIMES = (1152921504606748673, 562949952798721, 562949952847873, 1152921504606830593)
"""The modulus. The last prime is the special one: keys have it, ciphertexts don't."""

PRIME_BITS = (60, 49, 49, 60)
SCALE = 2.0**49
"""The scale of encoded features and of encoded weights."""

KEY_PRIMES = len(PRIMES)
QUERY_PRIMES = 3
ANSWER_PRIMES = 1
MAX_VALUE = 900.0
"""The largest score that surely does not wrap around the last prime; the rest of 1,024 is for the noise."""

WORD = 8
"""Bytes of a residue."""

QUERY_BYTES = 2 * QUERY_PRIMES * DEGREE * WORD
"""One ciphertext of images on its way to the owner: 393,216 bytes."""
ANSWER_BYTES = 2 * ANSWER_PRIMES * DEGREE * WORD
"""One ciphertext of results on its way back: 131,072 bytes."""
PUBLIC_KEY_BYTES = 2 * KEY_PRIMES * DEGREE * WORD
"""A hospital's public key: 524,288 bytes."""
ROTATION_KEY_BYTES = QUERY_PRIMES * PUBLIC_KEY_BYTES
"""The key of one rotation, a public key for each prime of a query: 1,572,864 bytes."""

MAX_IMAGES = 256
"""Images in one query: 17 MB of six in a ciphertext, 100 MB of one."""

TOGETHER = 6
"""How many images a ciphertext holds if it can; for more, fewer classes would fit into each result."""


@dataclass(frozen=True)
class Layout:
    """Where features and results stand in the slots.

    The features of one image are repeated ``copies`` times, each in a block of ``features`` slots. One
    ciphertext of results serves ``copies`` classes: class k is in result ``k // copies``, at the start of
    block ``k % copies``. The blocks of further images follow: image j begins at slot j copies D.

    With one image in a ciphertext there are as many copies as classes, if they fit. With several, there are
    as many as leave room for six images: 296 features and three classes have two copies, six images in a
    ciphertext, and two results for the six. What takes the owner's time is a result.

    :param features: D, 1 to 4,096.
    :param classes: K, at least 1.
    :param packed: several images in a ciphertext.
    """

    features: int
    classes: int
    packed: bool = False

    @property
    def copies(self) -> int:
        """How many classes one ciphertext of results serves."""
        together = TOGETHER if self.packed else 1
        return max(1, min(self.classes, SLOTS // (together * self.features)))

    @property
    def together(self) -> int:
        """How many images are in one ciphertext."""
        return SLOTS // (self.copies * self.features) if self.packed else 1

    @property
    def results(self) -> int:
        """How many ciphertexts of results one ciphertext of images gets."""
        return math.ceil(self.classes / self.copies)

    def ciphertexts(self, images: int) -> int:
        """How many ciphertexts so many images take."""
        return math.ceil(images / self.together)

    def filled(self, images: int) -> list[int]:
        """How many of so many images are in each ciphertext."""
        return [min(self.together, images - start) for start in range(0, images, self.together)]

    def place(self, number: int, image: int = 0) -> tuple[int, int]:
        """The ciphertext of results that holds class ``number`` of an image, and its slot there."""
        block = image * self.copies + number % self.copies
        return number // self.copies, block * self.features

    def query_bytes(self, images: int) -> int:
        """Bytes of so many images as they travel."""
        return self.ciphertexts(images) * QUERY_BYTES

    def answer_bytes(self, images: int) -> int:
        """Bytes of so many images' results as they travel."""
        return self.ciphertexts(images) * self.results * ANSWER_BYTES


def window_sum(length: int) -> tuple[tuple[WindowStep, int], ...]:
    """How to add up windows of ``length`` slots by rotations, binary digit by binary digit.

    A step ("double", r) turns the running sum of r slots into one of 2 r slots. A step ("append", r) adds the
    running sum, rotated by r, to the result, which covers r slots so far; ("append", 0) starts the result.
    1,280 = 5 * 256 takes eleven rotations by ten different steps.

    :param length: 1 to 4,096.
    """
    steps: list[tuple[WindowStep, int]] = []
    covered, width = 0, 1
    while width <= length:
        if length & width:
            steps.append(("append", covered))
            covered += width
        if 2 * width <= length:
            steps.append(("double", width))
        width *= 2
    return tuple(steps)


def rotations(features: int) -> tuple[int, ...]:
    """The slot rotations for which a hospital makes keys, ascending, for ``features`` from 1 to 4,096."""
    return tuple(sorted({step for _, step in window_sum(features) if step}))


def evaluation_keys_bytes(features: int) -> int:
    """Bytes of a hospital's public key and rotation keys: 14,680,064 for 296 features."""
    return PUBLIC_KEY_BYTES + len(rotations(features)) * ROTATION_KEY_BYTES


def galois_element(step: int) -> int:
    """The Galois element that rotates the slots to the left by ``step``: 3^step mod 2N, as in SEAL."""
    return pow(3, step, 2 * DEGREE)
