"""Heads, features, and a question and its answer in memory, to try encrypted inference with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from privxray.inference import wire
from privxray.inference.hospital_side import Asking, ask, decrypt
from privxray.inference.owner_side import Answering, Head, answers
from privxray.inference.parameters import Layout
from privxray.inference.ring import Residues
from privxray.inference.terms import Terms, answer_noise
from privxray.inference.wire import Question
from privxray.privacy.noise import NoiseSource, SecureNoise

NOISE = answer_noise(3)
SEED = bytes(range(32))
"""Of an offer."""


class Silent:
    """No noise: what encryption itself leaves can be seen then. ``at`` stands for every uniform draw."""

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
    return Head.centred(rng.normal(size=(classes, features)) / 2, rng.normal(size=classes))


def owner_of(head: Head, terms: Terms | None = None) -> Answering:
    """An owner who offers a head on these terms."""
    terms = terms or Terms()
    classes, features = head.weights.shape
    layout = Layout(features, classes, terms.decimals, head.score_range(terms))
    return Answering(head, SEED, layout, terms)


def asked(owner: Answering, rows: np.ndarray) -> tuple[Asking, Question]:
    """What a hospital keeps and sends, and what the owner reads of that."""
    asking = ask(rows, owner.layout, owner.mixing_seed)
    return asking, wire.read_question(asking.question.to_bytes(), owner.layout, len(rows))


def answered(
    owner: Answering, question: Question, images: int, source: NoiseSource | None = None
) -> Residues:
    """An answer as the hospital reads it."""
    made: Iterator[Residues] = answers(owner, question, images, source or SecureNoise())
    read = wire.read_answer(b"".join(map(wire.to_bytes, made)), owner.layout, images)
    return read.astype(np.uint64)


def scores_by(owner: Answering, rows: np.ndarray, source: NoiseSource | None = None) -> np.ndarray:
    """[N, K], through a question and its answer; however loud, the scores are not looked at."""
    asking, question = asked(owner, rows)
    answer = answered(owner, question, len(rows), source)
    return decrypt(answer, owner.layout, 1e9, asking.secret)


def scores_of(head: Head, rows: np.ndarray) -> np.ndarray:
    """[N, K], what the answers should hold."""
    return rows @ head.weights.T + head.offsets
