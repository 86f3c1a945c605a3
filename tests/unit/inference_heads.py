"""Heads, features and evaluators to try encrypted inference with. It needs TenSEAL."""

from __future__ import annotations

import numpy as np

from privxray.inference import wire
from privxray.inference.hospital_side import HospitalCipher, HospitalKeys
from privxray.inference.owner_side import Head, HeadEvaluator
from privxray.inference.parameters import Layout
from privxray.inference.scheme import Scheme
from privxray.inference.terms import answer_noise
from privxray.inference.wire import Residues
from privxray.privacy.noise import SecureNoise

NOISE = answer_noise(3)


class Silent:
    """No noise: what evaluation itself leaves can be seen then. ``at`` stands for every uniform draw."""

    def __init__(self, at: float = 0.5) -> None:
        self.at = at

    def gaussian(self, shape: tuple[int, ...], std: float) -> np.ndarray:
        return np.zeros(shape)

    def uniform(self, size: int) -> np.ndarray:
        return np.full(size, self.at)


def unit_rows(count: int, features: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, features))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def a_head(classes: int = 3, features: int = 96) -> Head:
    rng = np.random.default_rng(5)
    return Head(rng.normal(size=(classes, features)), rng.normal(size=classes))


def evaluator(
    scheme: Scheme,
    keys: HospitalKeys,
    head: Head,
    kind: type[HeadEvaluator] = HeadEvaluator,
    **changes: object,
) -> HeadEvaluator:
    terms = {"noise": NOISE, "top1": False, "source": SecureNoise()} | changes
    read = wire.read_evaluation_keys(keys.evaluation, head.layout.features)
    return kind(scheme, head, read, **terms)


def asked(scheme: Scheme, keys: HospitalKeys, rows: np.ndarray, layout: Layout) -> Residues:
    """The ciphertexts of images, as the owner reads them."""
    return wire.read_queries(HospitalCipher(scheme, keys.secret).encrypt(rows, layout), len(rows))


def scores_of(head: Head, rows: np.ndarray) -> np.ndarray:
    """[N, K], what the answers should hold."""
    return rows @ head.weights.T + head.offsets
