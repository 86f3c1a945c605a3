"""A hospital that reads all of an answer: what a plain dot product tells it, and what the mask leaves."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tenseal", reason="the extra privxray[inference] is not installed")

import tenseal
from inference_heads import NOISE, asked, evaluator, scores_of

from privxray.inference import parameters
from privxray.inference.hospital_side import HospitalCipher, HospitalKeys, make_keys
from privxray.inference.owner_side import Head, HeadEvaluator
from privxray.inference.parameters import Layout
from privxray.inference.scheme import Scheme

FEATURES = 1280
CLASSES = 3
LAYOUT = Layout(FEATURES, CLASSES)


class Unmasked(HeadEvaluator):
    """The evaluation as it would be with the mask left out, and without noise to spare the attack nothing."""

    def _mask_and_offsets(self, number: int, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones(parameters.SLOTS), np.zeros(parameters.SLOTS, complex)


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    return Scheme()


@pytest.fixture(scope="module")
def keys(scheme: Scheme) -> HospitalKeys:
    return make_keys(scheme, FEATURES)


@pytest.fixture(scope="module")
def head() -> Head:
    return Head(np.random.default_rng(0).normal(0, 0.5, (CLASSES, FEATURES)), np.zeros(CLASSES))


FLAT = np.full((1, FEATURES), FEATURES**-0.5)
"""The attacker's image: a feature vector without zeros."""


def weights_from_partial_sums(slots: np.ndarray) -> np.ndarray:
    """[K, D] weights from the window sums of an unmasked answer to :data:`FLAT`.

    Neighbouring windows differ by two products, S(s) - S(s + 1) = p(s) - p(s + D), counted around the end.
    The last 256 slots hold no product, and from them steps back by D reach every other.
    """
    steps = slots.real - np.roll(slots.real, -1)
    products = np.zeros(parameters.SLOTS)
    place = np.arange(CLASSES * FEATURES, parameters.SLOTS)
    for _ in range(parameters.SLOTS // len(place) - 1):
        before = (place - FEATURES) % parameters.SLOTS
        products[before] = steps[before] + products[place]
        place = before
    return products[: CLASSES * FEATURES].reshape(CLASSES, FEATURES) / FLAT[0]


def test_tenseals_plain_dot_gives_all_weights_in_one_answer() -> None:
    weights = np.random.default_rng(0).normal(0, 0.5, FEATURES)
    context = tenseal.context(tenseal.SCHEME_TYPE.CKKS, 8192, coeff_mod_bit_sizes=[60, 40, 40, 60])
    context.global_scale = 2**40
    context.generate_galois_keys()
    answer = tenseal.ckks_vector(context, FLAT[0].tolist()).dot(weights.tolist()).serialize()
    # The vector says of itself that it has one slot; the hospital says that it has 4,096.
    assert answer[:3] == b"\x0a\x01\x01"
    all_slots = tenseal.ckks_vector_from(context, b"\x0a\x02\x80\x20" + answer[3:]).decrypt()
    sums = np.array(all_slots)[: FEATURES + 1]
    found = (sums[:-1] - sums[1:]) / FLAT[0]
    assert np.abs(found - weights).max() < 1e-3


def all_slots(scheme: Scheme, keys: HospitalKeys, owner: HeadEvaluator) -> np.ndarray:
    """Everything that the attacker sees in the answer to :data:`FLAT`."""
    query = asked(scheme, keys, FLAT, LAYOUT)[0]
    return HospitalCipher(scheme, keys.secret).slots(np.array([owner.answer(query)]))[0, 0]


def test_without_the_mask_one_answer_gives_all_weights(
    scheme: Scheme, keys: HospitalKeys, head: Head
) -> None:
    found = weights_from_partial_sums(all_slots(scheme, keys, evaluator(scheme, keys, head, Unmasked)))
    assert np.abs(found - head.weights).max() < 1e-4


def test_with_the_mask_the_same_reading_finds_noise(scheme: Scheme, keys: HospitalKeys, head: Head) -> None:
    slots = all_slots(scheme, keys, evaluator(scheme, keys, head))
    places = [LAYOUT.place(number)[1] for number in range(CLASSES)]
    assert slots[places].real == pytest.approx(scores_of(head, FLAT)[0], abs=6 * NOISE)
    slots[places] = 0
    # 8,192 numbers: none beyond 6 standard deviations, and no trace of the weights at any shift.
    assert np.abs(np.concatenate([slots.real, slots.imag])).max() < 6 * NOISE
    found = weights_from_partial_sums(slots)
    for row, true in zip(found, head.weights, strict=True):
        assert abs(np.corrcoef(row, true)[0, 1]) < 6 / FEATURES**0.5
    spectrum = np.fft.fft(slots)
    for true in head.weights:
        against = np.fft.ifft(spectrum * np.conj(np.fft.fft(true, parameters.SLOTS)))
        strength = np.abs(against) / (NOISE * np.linalg.norm(true))
        assert strength.max() < 7.5  # of 4,096 shifts; a single weight's worth of 1e-3 would show


def test_as_many_answers_as_features_give_the_model_and_that_is_why_they_are_counted(scheme: Scheme) -> None:
    features = 16
    keys, layout = make_keys(scheme, features), Layout(features, CLASSES)
    rng = np.random.default_rng(3)
    head = Head.centred(rng.normal(size=(CLASSES, features)), rng.normal(size=CLASSES))
    images = np.vstack([np.eye(features), np.zeros(features)])
    owner = evaluator(scheme, keys, head)
    answers = np.array([owner.answer(query) for query in asked(scheme, keys, images, layout)])
    scores = HospitalCipher(scheme, keys.secret).decrypt(answers, layout, NOISE)
    assert scores[:-1] - scores[-1] == pytest.approx(head.weights.T, abs=10 * NOISE)
