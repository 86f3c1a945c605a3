"""The hospital's side: it makes a key for one query, encrypts features, and decrypts class scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.errors import MalformedError
from privxray.inference import drawn, ring
from privxray.inference.parameters import DEGREE, SEED_BYTES, Layout
from privxray.inference.wire import Question, Words

Floats = NDArray[np.float64]

_QUIET = 12.0
"""The scores of an image sum to zero up to so many standard deviations of the owner's noise in the sum."""


@dataclass(frozen=True, repr=False)
class Asking:
    """A question, and the seed of the secret that opens its answer, which never leaves the hospital."""

    question: Question
    secret: bytes


def ask(features: Floats, layout: Layout, mixing_seed: bytes) -> Asking:
    """Encrypt images' features under a fresh key, which serves this query alone.

    :param features: [N, D] centred and clipped features, rows of length at most 1.
    :param mixing_seed: the offer's.
    """
    draws = drawn.Draws(mixing_seed, features.tobytes())
    secret, seed = draws.stream(SEED_BYTES), draws.stream(SEED_BYTES)
    primes, count = layout.query_primes, layout.ciphertexts(len(features))
    plain = np.zeros((1 + count, DEGREE), np.int64)
    for image, row in enumerate(features):
        ciphertext, place = layout.place(image)
        plain[1 + ciphertext, place : place + layout.features] = np.rint(row * layout.feature_scale)
    plain += draws.errors(plain.size).reshape(plain.shape)
    public = [drawn.uniform(mixing_seed, "offer", primes)]
    public += [drawn.uniform(seed, f"query {number}", primes) for number in range(count)]
    key = ring.to_values(ring.residues(_secret(secret), primes))
    hidden = ring.from_values(ring.times(ring.to_values(np.array(public)), key))
    numbers = ring.minus(ring.residues(plain, primes), hidden)
    return Asking(Question(seed, numbers[0], numbers[1:]), secret)


def decrypt(answer: Words, layout: Layout, noise: float, secret: bytes) -> Floats:
    """The class scores [N, K] of an answer.

    :param answer: [N, K, L, 1 + 4096], as ``wire`` reads it.
    :param noise: the standard deviation of the owner's noise, by the signed header.
    :param secret: of the query.
    :raises MalformedError: the scores of an image do not sum to zero, as those of a centred head do. Then the
        answer was made for another key or another query.
    """
    scores = np.empty(answer.shape[:2])
    opening = _secret(secret)
    for image, words in enumerate(answer):
        results = words.astype(np.uint64)
        row = ring.coefficient_row(opening, layout.place(image)[1])
        numbers = ring.plus(results[..., :1], ring.small_products(results[..., 1:], row))
        scores[image] = ring.centred(numbers)[:, 0] / layout.score_scale
    if (np.abs(scores.sum(axis=1)) > _QUIET * noise * layout.classes**0.5).any():
        raise MalformedError(
            "the answer does not decrypt to class scores under this hospital's key",
            reason="answer.not-decryptable",
            advice="Call the owner, and ask this owner nothing more until it is clear why",
        )
    return scores


def _secret(seed: bytes) -> ring.Whole:
    return drawn.ternary(drawn.ternary_stream(seed))
