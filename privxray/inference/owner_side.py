"""The model owner's side of CKKS: it computes class scores on encrypted features, and hides the weights.

The hospital holds the key of the ciphertext of results. That ciphertext may show it the class scores and
nothing else of the head. Four things see to it, in this order:

1. *Mask.* Adding up products by rotations leaves partial sums in all other slots; one answer would give
   every weight. The sums are multiplied by a vector that is zero except where a result stands.
2. *Noise.* The owner adds Gaussian noise to every slot, real and imaginary part, result or not. It is so
   large (2e-4 of a score at 3 decimals) that it drowns what the computation itself leaves in the low bits
   (1e-9, and it depends on the weights). docs/THREATS.md has the figures.
3. *Level.* The result is left with one prime: what higher primes could carry is gone, and it is small.
4. *Fresh encryption of zero.* The second half of a ciphertext is a function of the weights, too, and no noise
   in the first half hides it. Adding an encryption of zero under the hospital's public key makes it one that
   says nothing, as long as that public key is well-formed.

This is the standard recipe (noise flooding as in Gentry 2009, section 8.3 and Li, Micciancio, Schultz and
Sorrell 2022), not a proof for this library's arithmetic; a malformed public key defeats point 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.errors import RefusedError
from privxray.inference import parameters
from privxray.inference.parameters import Layout
from privxray.inference.scheme import Scheme
from privxray.inference.terms import TOP1_FACTOR
from privxray.inference.wire import EvaluationKeys, Residues
from privxray.privacy.noise import NoiseSource

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """A linear head: class scores = weights @ features + offsets.

    :ivar weights: [K, D].
    :ivar offsets: [K].
    :ivar packed: it is asked about several images in a ciphertext.
    """

    weights: Floats
    offsets: Floats
    packed: bool = False

    @classmethod
    def centred(cls, weights: Floats, offsets: Floats) -> Head:
        """The same head with scores that sum to zero over the classes.

        The softmax of scores does not change when the same number is added to all of them. So this changes no
        probability, and an answer tells one number less.
        """
        return cls(weights - weights.mean(axis=0), offsets - offsets.mean())

    @property
    def layout(self) -> Layout:
        """Where features and results stand in the slots."""
        classes, features = self.weights.shape
        return Layout(features, classes, self.packed)

    def check_range(self, factor: float) -> None:
        """Whether all scores decrypt rightly, of features of length at most 1.

        :param factor: the most that scores are multiplied by.
        :raises RefusedError: a score could exceed :data:`~privxray.inference.parameters.MAX_VALUE`.
        """
        largest = (np.linalg.norm(self.weights, axis=1) + np.abs(self.offsets)).max() * factor
        if not largest <= parameters.MAX_VALUE:  # so written because NaN is refused, too
            raise RefusedError(
                "this model's scores are too large for encrypted inference",
                reason="offer.scores-too-large",
                advice="Offer another model (--model), or leave out --top1",
            )


class HeadEvaluator:
    """A head that is ready to answer under one hospital's evaluation keys.

    :param noise: standard deviation of the noise that is added to every slot.
    :param top1: multiply each image's scores by a secret factor, log-uniform from 1 to 16.
    :param source: ``SecureNoise()``, except in tests.
    """

    def __init__(
        self,
        scheme: Scheme,
        head: Head,
        keys: EvaluationKeys,
        *,
        noise: float,
        top1: bool,
        source: NoiseSource,
    ) -> None:
        self._scheme = scheme
        self._head = head
        self._layout = layout = head.layout
        self._noise, self._top1, self._source = noise, top1, source
        steps = parameters.rotations(layout.features)
        self._keys = scheme.rotation_keys(dict(zip(steps, keys.rotation, strict=True)))
        self._encryptor = scheme.seal.Encryptor(scheme.context, scheme.public_key(keys.public))
        self._weights = [
            scheme.plain(block.ravel(), parameters.QUERY_PRIMES, parameters.SCALE)
            for block in _blocks(head.weights, layout)
        ]

    def answer(self, query: Residues, images: int | None = None) -> list[Residues]:
        """The results of one ciphertext of images, each of shape [2, 1, 8192].

        :param query: [2, 3, 8192].
        :param images: how many images are in it; by default it is full. What stands behind them is masked.
        """
        count = self._layout.together if images is None else images
        encrypted = self._scheme.ciphertext(query, parameters.SCALE)
        factors = np.exp(self._source.uniform(count) * np.log(TOP1_FACTOR)) if self._top1 else np.ones(count)
        return [
            self._scheme.residues(self._result(encrypted, number, factors), parameters.ANSWER_PRIMES)
            for number in range(self._layout.results)
        ]

    def _result(self, encrypted: Any, number: int, factors: Floats) -> Any:
        scheme, evaluator = self._scheme, self._scheme.evaluator
        products = scheme.seal.Ciphertext()
        evaluator.multiply_plain(encrypted, self._weights[number], products)
        evaluator.rescale_to_next_inplace(products)
        sums = self._window_sums(products)
        mask, added = self._mask_and_offsets(number, factors)
        # The mask's scale is such that rescaling, which divides by a prime near 2^49, ends at 2^49 itself.
        mask_scale = parameters.PRIMES[1] * parameters.SCALE / sums.scale
        evaluator.multiply_plain_inplace(sums, scheme.plain(mask, 2, mask_scale))
        evaluator.rescale_to_next_inplace(sums)
        assert round(sums.scale) == parameters.SCALE, "the mask's scale is not what it was"
        sums.scale = parameters.SCALE  # without the last bits of a double, which SEAL would compare
        evaluator.add_plain_inplace(sums, scheme.plain(added, 1, parameters.SCALE))
        zero = scheme.seal.Ciphertext()
        self._encryptor.encrypt_zero(scheme.level(1), zero)
        zero.scale = parameters.SCALE
        evaluator.add_inplace(sums, zero)
        return sums

    def _window_sums(self, products: Any) -> Any:
        """At each slot the sum over the window that starts there; right where the window is one class's."""
        seal, evaluator = self._scheme.seal, self._scheme.evaluator
        sums, running = None, products
        for kind, step in parameters.window_sum(self._layout.features):
            rotated = seal.Ciphertext()
            if step:
                evaluator.rotate_vector(running, step, self._keys, rotated)
            if kind == "double":
                wider = seal.Ciphertext()
                evaluator.add(running, rotated, wider)
                running = wider
            elif sums is None:
                sums = running
            else:
                longer = seal.Ciphertext()
                evaluator.add(sums, rotated, longer)
                sums = longer
        return sums

    def _mask_and_offsets(self, number: int, factors: Floats) -> tuple[Floats, NDArray[np.complex128]]:
        """What result ``number`` is multiplied by, and what is added to it: offsets and the owner's noise.

        :param factors: one for each image of the ciphertext.
        """
        mask = np.zeros(parameters.SLOTS)
        noise = self._source.gaussian((2, parameters.SLOTS), self._noise)
        added = noise[0] + 1j * noise[1]
        for image, factor in enumerate(factors):
            for class_ in range(self._layout.classes):
                result, slot = self._layout.place(class_, image)
                if result == number:
                    mask[slot] = factor
                    added[slot] += factor * self._head.offsets[class_]
        return mask, added


def _blocks(weights: Floats, layout: Layout) -> Sequence[Floats]:
    """The weights, cut into as many classes as one ciphertext of results serves, once for each image.

    The last may have fewer classes; zeros stand in their places.
    """
    blocks = []
    for start in range(0, len(weights), layout.copies):
        block = np.zeros((layout.copies, layout.features))
        cut = weights[start : start + layout.copies]
        block[: len(cut)] = cut
        blocks.append(np.tile(block, (layout.together, 1)))
    return blocks
