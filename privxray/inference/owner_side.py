"""The model owner's side: it computes class scores on encrypted features, and hides the weights.

For each image and class the answer holds a polynomial v1 and one number v0. With the query's ciphertext
(c0, c1), the class's weights as a polynomial w, the offer's uniform polynomial a, the hospital's key p, fresh
ternary u, fresh errors e0 and e1, and the owner's noise n:

    v1 = c1 w + a u + e1,    v0 = coefficient k of (c0 w + p u), plus e0, the offset and n.

The secret key s of p = e - a s opens it: v0 plus coefficient k of v1 s is the score and noise.

**Whatever the hospital made its query of, a result tells one number.** By ring learning with errors, a u + e1
looks uniform to everybody but the owner, since the owner chose a and drew u for this one result; so v1 tells
nothing of w. Only v0 is left: one number of a range and a noise that the owner set, and at most
:func:`~privxray.inference.terms.bits_of_a_score`. A malformed key or ciphertext chooses which number; it does
not get a second one. docs/adr/0146 has the argument, and what it takes for granted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.errors import RefusedError
from privxray.inference import drawn, ring
from privxray.inference.parameters import DEGREE, PRIMES, Layout, range_for
from privxray.inference.ring import Residues, Whole
from privxray.inference.terms import TOP1_FACTOR, Terms
from privxray.inference.wire import Question
from privxray.privacy.noise import NoiseSource

Floats = NDArray[np.float64]

_TAIL = 20.0
"""Room for the noise beside a score, in its standard deviations; a draw never exceeds 17.2."""


@dataclass(frozen=True)
class Head:
    """A linear head: class scores = weights @ features + offsets.

    :ivar weights: [K, D].
    :ivar offsets: [K].
    """

    weights: Floats
    offsets: Floats

    @classmethod
    def centred(cls, weights: Floats, offsets: Floats) -> Head:
        """The same head with scores that sum to zero over the classes.

        The softmax of scores does not change when the same number is added to all of them. So this changes no
        probability, and an answer tells one number less.
        """
        return cls(weights - weights.mean(axis=0), offsets - offsets.mean())

    def score_range(self, terms: Terms) -> int:
        """The least range that has room for all scores and the noise, of features of length at most 1.

        :raises RefusedError: there is none up to 1,024.
        """
        largest = (np.linalg.norm(self.weights, axis=1) + np.abs(self.offsets)).max() * terms.largest_factor
        found = range_for(float(largest + _TAIL * terms.noise))
        if found is None:
            raise RefusedError(
                "this model's scores are too large for encrypted inference",
                reason="offer.scores-too-large",
                advice="Offer another model (--model), or leave out --top1",
            )
        return found


@dataclass(frozen=True)
class Answering:
    """What an owner computes with, besides a question.

    :ivar mixing_seed: the offer's; the polynomial a comes out of it.
    :ivar layout: the offer's.
    :ivar terms: the offer's: its noise, and whether scores are multiplied by a secret factor.
    """

    head: Head
    mixing_seed: bytes
    layout: Layout
    terms: Terms


def answers(owner: Answering, question: Question, images: int, source: NoiseSource) -> Iterator[Residues]:
    """Image by image the results, each of shape [K, L, 1 + 4096]: v0, then v1.

    :param images: how many images are asked about. What stands behind them is not looked at.
    :param source: ``SecureNoise()``, except in tests. Secrets and errors are drawn by :mod:`.drawn`.
    """
    head = owner.head.weights.tobytes() + owner.head.offsets.tobytes()
    draws = drawn.Draws(owner.mixing_seed, head, question.to_bytes())
    layout, classes = owner.layout, owner.layout.classes
    primes = layout.query_primes
    mixing = ring.to_values(drawn.uniform(owner.mixing_seed, "offer", primes))
    noise = source.gaussian((images, classes), owner.terms.noise)
    factors = TOP1_FACTOR ** (source.uniform(images) if owner.terms.top1 else np.zeros(images))
    plain = _weights(owner, 1.0)
    for image, factor in enumerate(factors):
        number, place = layout.place(image)
        if place == 0:
            second = ring.to_values(drawn.uniform(question.seed, f"query {number}", primes))
        rows, values = _weights(owner, float(factor)) if owner.terms.top1 else plain
        secrets = np.array([draws.ternary() for _ in range(classes)])
        errors = ring.residues(draws.errors(classes * (DEGREE + 1)).reshape(classes, -1), primes)
        mixed = ring.times(mixing, ring.to_values(ring.residues(secrets, primes)))
        v1 = ring.from_values(ring.plus(ring.times(second, values), mixed))
        window = question.ciphertexts[number][:, place : place + layout.features]
        hints = [ring.small_products(question.key, ring.coefficient_row(u, place)) for u in secrets]
        v0 = ring.plus(ring.large_products(window, rows), np.array(hints))
        result = ring.without_last_prime(ring.plus(np.concatenate([v0, v1], axis=-1), errors))
        shift = _whole(factor * owner.head.offsets, layout) + _whole(noise[image], layout)
        result[..., :1] = ring.plus(result[..., :1], ring.residues(shift[:, None], layout.answer_primes))
        yield result


def _whole(numbers: Floats, layout: Layout) -> Whole:
    """Numbers at the scale of scores, rounded.

    Noise is rounded by itself, never as part of a sum. float64 has 53 bits: beside an offset of 5 the last
    ten of 64 would be zeros, and ten bits of whatever the hospital asks for would stand there without noise.
    """
    return np.rint(numbers * layout.score_scale).astype(np.int64)


def _weights(owner: Answering, factor: float) -> tuple[Residues, Residues]:
    """Each class's weights times the factor: residues [K, P, D], and the values of polynomials [K, P, 4096].

    Times features at their scale and less the last prime they give scores at theirs. In the polynomial w
    weight i stands at X^-i, so that coefficient k of c w is the sum of c[k + i] times weight i.
    """
    layout = owner.layout
    scale = layout.score_scale * PRIMES[layout.query_primes - 1] / layout.feature_scale
    rows: Whole = np.rint(owner.head.weights * (factor * scale)).astype(np.int64)
    polynomials = np.zeros((len(rows), DEGREE), np.int64)
    polynomials[:, 0] = rows[:, 0]
    polynomials[:, DEGREE - layout.features + 1 :] = -rows[:, :0:-1]
    primes = layout.query_primes
    return ring.residues(rows, primes), ring.to_values(ring.residues(polynomials, primes))
