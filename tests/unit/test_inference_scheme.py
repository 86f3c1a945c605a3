"""The scheme itself: right results with exactly the owner's noise, and what an answer holds besides them.

Keys, errors and noise are drawn afresh where nothing else is said. Each threshold is passed by chance with
less than 1e-8.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from chance import Seeded
from forged_files import refused
from inference_heads import (
    NOISE,
    SEED,
    Silent,
    a_head,
    answered,
    asked,
    owner_of,
    scores_by,
    scores_of,
    unit_rows,
)

from privxray.inference import drawn, ring
from privxray.inference.hospital_side import decrypt
from privxray.inference.owner_side import Head
from privxray.inference.parameters import PRIMES
from privxray.inference.terms import TOP1_FACTOR, Terms, answer_noise

FEATURES = 96
CLASSES = 3

# Right results


@pytest.mark.parametrize("decimals", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize(("classes", "features"), [(2, 96), (3, 1280), (5, 1), (2, 4096)])
def test_scores_are_those_of_the_plain_head(classes: int, features: int, decimals: int) -> None:
    owner, rows = owner_of(a_head(classes, features), Terms(decimals=decimals)), unit_rows(2, features)
    rows[1] = 0  # an image without features
    wanted = answer_noise(decimals)
    error = scores_by(owner, rows, Seeded(decimals)) - scores_of(owner.head, rows)
    noise = Seeded(decimals).gaussian(error.shape, wanted)
    assert np.abs(noise).max() > 0.3 * wanted
    assert np.abs(error - noise).max() < 0.1 * wanted, "exactly the owner's noise must be in it"


@pytest.mark.parametrize("decimals", [3, 6])
@pytest.mark.parametrize("norm", [3.0, 900.0])
def test_what_encryption_adds_is_far_below_the_owners_noise(decimals: int, norm: float) -> None:
    """At the decimals that have least room, and in the least and the greatest range.

    Rounding to one prime is seen most: it makes 15 units, where the noise has at least 400. That is .038 of
    the noise; .3 is 7.8 of its standard deviations, and .06 is 9 standard errors above .038.
    """
    head = a_head()
    grown = Head(head.weights * norm / np.linalg.norm(head.weights, axis=1).max(), head.offsets)
    owner, rows = owner_of(grown, Terms(decimals=decimals)), unit_rows(42, FEATURES)
    assert owner.layout.score_range == (8 if norm < 900 else 1024)
    error = scores_by(owner, rows, Silent()) - scores_of(grown, rows)
    assert np.abs(error).max() < 0.3 * answer_noise(decimals)
    assert error.std() < 0.06 * answer_noise(decimals)


def test_the_noise_is_the_wanted_one() -> None:
    """126 draws at each number of decimals: the standard error of a standard deviation is 6 %.

    By chi-square, one of three is beyond .4 with 1.5e-9; one of three means is beyond .6 with 5e-11.
    """
    rows = unit_rows(42, FEATURES)
    for decimals in (1, 3, 4):
        owner = owner_of(a_head(), Terms(decimals=decimals))
        error = (scores_by(owner, rows) - scores_of(owner.head, rows)) / answer_noise(decimals)
        assert error.std() == pytest.approx(1, abs=0.4)
        assert abs(error.mean()) < 0.6


def test_images_of_several_ciphertexts_stand_where_they_were_put() -> None:
    owner, rows = owner_of(a_head(2, 1500)), unit_rows(5, 1500)
    assert owner.layout.together == 2
    asking, question = asked(owner, rows)
    assert question.ciphertexts.shape == (3, 2, 4096)
    answer = answered(owner, question, 5)
    assert answer.shape == (5, 2, 1, 4097)
    found = decrypt(answer, owner.layout, NOISE, asking.secret)
    assert np.abs(found - scores_of(owner.head, rows)).max() < 7 * NOISE  # of 10 values: 3e-11


def test_images_beyond_those_that_are_counted_are_not_answered() -> None:
    """A hospital that puts many images into a ciphertext and says two gets two."""
    owner, rows = owner_of(a_head()), unit_rows(40, FEATURES)
    asking, question = asked(owner, rows)
    answer = answered(owner, question, 2)
    assert len(answer) == 2
    found = decrypt(answer, owner.layout, NOISE, asking.secret)
    assert np.abs(found - scores_of(owner.head, rows[:2])).max() < 7 * NOISE


def test_top1_has_a_factor_for_each_image_and_keeps_the_order() -> None:
    owner = owner_of(a_head(), Terms(top1=True))
    rows = np.repeat(unit_rows(1, FEATURES), 12, axis=0)
    plain, found = scores_of(owner.head, rows)[0], scores_by(owner, rows)
    factors = found @ plain / (plain @ plain)
    assert (found.argsort(axis=1) == plain.argsort()).all()
    assert (factors > 0.99).all()
    assert (factors < TOP1_FACTOR * 1.01).all()
    assert factors.std() > 0.2  # of 12 log-uniform factors it is below .5 with 5e-6, and below .2 with 2e-10
    assert len(set(factors.round(2))) > 6


@pytest.mark.parametrize(("drawn_at", "factor"), [(0.0, 1.0), (0.5, 4.0), (1.0, 16.0)])
def test_the_factor_of_top1_is_log_uniform_from_1_to_16(drawn_at: float, factor: float) -> None:
    rows = unit_rows(1, FEATURES)
    for top1, times in ((True, factor), (False, 1.0)):
        owner = owner_of(a_head(), Terms(top1=top1))
        found = scores_by(owner, rows, Silent(drawn_at))
        assert found == pytest.approx(times * scores_of(owner.head, rows), abs=3e-5)


def test_a_head_whose_scores_would_wrap_around_is_refused() -> None:
    """The norm of the weights, the offset, and 20 times the noise are under 99 % of the range."""
    weights, offsets = np.zeros((3, FEATURES)), np.array([0.0, -1.0, 0.0])
    weights[1, 4] = 1012.7
    assert Head(weights, offsets).score_range(Terms()) == 1024
    assert Head(weights / 16, offsets / 16).score_range(Terms(top1=True)) == 1024
    assert Head(weights / 1024, offsets / 1024).score_range(Terms()) == 8
    assert Head(weights / 2, offsets / 2).score_range(Terms()) == 512
    assert Head(weights * 1.0002 / 2, offsets).score_range(Terms()) == 1024
    for head, terms in (
        (Head(weights, offsets * 1.1), Terms()),
        (Head(weights, offsets), Terms(decimals=1)),
        (Head(weights / 15.9, offsets / 16), Terms(top1=True)),
        (Head(weights, np.array([0.0, np.nan, 0.0])), Terms()),
        (Head(np.full((3, FEATURES), np.inf), offsets), Terms()),
    ):
        with refused("offer.scores-too-large"):
            head.score_range(terms)


def test_centred_heads_give_the_same_probabilities() -> None:
    from privxray.learning.interface import softmax

    rng, rows = np.random.default_rng(2), unit_rows(5, FEATURES)
    head = Head(rng.normal(size=(3, FEATURES)), rng.normal(size=3))
    same = Head.centred(head.weights, head.offsets)
    scores = scores_of(same, rows)
    assert scores.sum(axis=1) == pytest.approx(0, abs=1e-12)
    assert softmax(scores) == pytest.approx(softmax(scores_of(head, rows)))


# What the two sides see


def test_a_query_decrypts_to_its_features_under_its_own_secret_alone() -> None:
    owner, rows = owner_of(a_head()), unit_rows(2, FEATURES)
    asking, question = asked(owner, rows)
    secret = drawn.ternary(drawn.ternary_stream(asking.secret))
    second = drawn.uniform(question.seed, "query 0", 2)
    product = ring.from_values(ring.times(ring.to_values(second), ring.to_values(ring.residues(secret, 2))))
    plain = ring.centred(ring.plus(question.ciphertexts[0], product))
    expected = np.zeros(4096)
    expected[: 2 * FEATURES] = rows.ravel() * owner.layout.feature_scale
    assert np.abs(plain - expected).max() <= 22  # an error of at most 21, and rounding
    assert 2 < (plain[2 * FEATURES :]).std() < 4.5
    mixing = drawn.uniform(SEED, "offer", 2)
    product = ring.from_values(ring.times(ring.to_values(mixing), ring.to_values(ring.residues(secret, 2))))
    assert np.abs(ring.centred(ring.plus(question.key, product))).max() <= 21
    again, _ = asked(owner, rows)
    assert again.secret != asking.secret
    assert again.question.seed != question.seed
    assert asking.secret.hex() not in repr(asking)


def test_two_answers_to_one_query_share_nothing() -> None:
    owner = owner_of(a_head())
    _, question = asked(owner, unit_rows(1, FEATURES))
    first, second = (answered(owner, question, 1, Silent()) for _ in range(2))
    assert (first == second).mean() < 0.001
    classes = answered(owner, question, 1, Silent())[0]
    assert (classes[0] == classes[1]).mean() < 0.01


def test_an_answer_looks_uniform() -> None:
    """Means of 49,164 residues: the standard error of their share of the prime is .0013, that of their
    standard deviation .0006.
    """
    owner = owner_of(a_head())
    _, question = asked(owner, unit_rows(4, FEATURES))
    share = answered(owner, question, 4)[..., 1:] / PRIMES[0]
    assert share.mean() == pytest.approx(0.5, abs=0.009)
    assert share.std() == pytest.approx(12**-0.5, abs=0.008)


def test_an_answer_for_another_key_is_refused() -> None:
    owner = owner_of(a_head())
    asking, question = asked(owner, unit_rows(6, FEATURES))
    answer = answered(owner, question, 6)
    assert decrypt(answer, owner.layout, NOISE, asking.secret).shape == (6, CLASSES)
    others = owner_of(a_head(), replace(owner.terms, decimals=1))
    for layout, secret, noise in (
        (owner.layout, bytes(32), NOISE),
        (owner.layout, asking.secret, NOISE / 10_000),  # six sums within 12 of these: 8e-19
        (replace(others.layout, score_range=1024), bytes(32), others.terms.noise),
    ):
        with refused("answer.not-decryptable"):
            decrypt(answer, layout, noise, secret)
