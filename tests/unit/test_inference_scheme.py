"""CKKS itself: keys, right results, and what an answer holds besides them."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tenseal", reason="the extra privxray[inference] is not installed")

from forged_files import refused
from inference_heads import NOISE, Silent, a_head, asked, evaluator, scores_of, unit_rows

from privxray.inference import parameters, wire
from privxray.inference.hospital_side import HospitalCipher, HospitalKeys, make_keys
from privxray.inference.owner_side import Head
from privxray.inference.parameters import Layout
from privxray.inference.scheme import Scheme, require_library
from privxray.inference.terms import TOP1_FACTOR
from privxray.system.named_file import named_file

FEATURES = 96
CLASSES = 3
LAYOUT = Layout(FEATURES, CLASSES)


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    return Scheme()


@pytest.fixture(scope="module")
def keys(scheme: Scheme) -> HospitalKeys:
    return make_keys(scheme, FEATURES)


# The library


def test_seal_takes_the_parameters_for_128_bits(scheme: Scheme) -> None:
    chosen = scheme.context.key_context_data()
    assert chosen.total_coeff_modulus_bit_count() == 218
    level = scheme.seal.SEC_LEVEL_TYPE.TC128
    assert scheme.seal.CoeffModulus.MaxBitCount(parameters.DEGREE, level) == 218
    assert chosen.qualifiers().sec_level == level


def test_without_the_extra_the_library_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tenseal.sealapi", None)
    with refused("inference.not-installed"):
        require_library()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRIMES", (*parameters.PRIMES[:3], parameters.PRIMES[0])),  # SEAL makes others
        ("PRIME_BITS", (60, 49, 49, 59)),
    ],
)
def test_a_library_that_makes_other_primes_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(parameters, name, value)
    with refused("inference.other-library"):
        Scheme()


def test_a_library_that_refuses_the_parameters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes the right primes, and then finds the modulus too long for 128 bits at this degree."""
    seal = require_library()

    class Stricter:
        def __getattr__(self, name: str) -> object:
            return getattr(seal, name)

        @staticmethod
        def SEALContext(settings: object, expand: bool, _: object) -> object:  # noqa: N802 - SEAL's name
            return seal.SEALContext(settings, expand, seal.SEC_LEVEL_TYPE.TC256)

    monkeypatch.setattr("privxray.inference.scheme.require_library", Stricter)
    with refused("inference.other-library"):
        Scheme()


def test_what_the_library_reads_is_what_it_was_given(scheme: Scheme, keys: HospitalKeys) -> None:
    """Residues into SEAL's objects and out again: nothing is lost, at any number of primes."""
    read = wire.read_evaluation_keys(keys.evaluation, FEATURES)
    # Each object is held in a name while its numbers are read: the binding's views don't keep it alive.
    public, secret = scheme.public_key(read.public), scheme.secret_key(keys.secret)
    assert (scheme.residues(public.data(), 4) == read.public).all()
    polynomial = secret.data()
    assert (scheme.numbers(polynomial.dyn_array(), 4) == keys.secret).all()
    assert (public.data().scale, polynomial.scale) == (1.0, 1.0)  # as SEAL's own keys have it
    query = asked(scheme, keys, unit_rows(1, FEATURES), LAYOUT)[0]
    for primes in (1, 2, 3):
        part = np.ascontiguousarray(query[:, :primes])
        made = scheme.ciphertext(part, parameters.SCALE)
        assert made.scale == parameters.SCALE
        assert (scheme.residues(made, primes) == part).all()
    steps = parameters.rotations(FEATURES)
    made = scheme.rotation_keys(dict(zip(steps, read.rotation, strict=True)))
    for step, key in zip(steps, read.rotation, strict=True):
        digits = made.key(parameters.galois_element(step))
        assert all((scheme.residues(d.data(), 4) == k).all() for d, k in zip(digits, key, strict=True))
        assert all(digit.data().scale == 1.0 for digit in digits)


def test_a_file_stands_in_where_memory_has_no_name(
    monkeypatch: pytest.MonkeyPatch, keys: HospitalKeys
) -> None:
    """As on macOS: the objects come out of a private file."""
    monkeypatch.delattr("os.memfd_create")
    scheme = Scheme()
    secret = scheme.secret_key(keys.secret)
    polynomial = secret.data()
    assert (scheme.numbers(polynomial.dyn_array(), 4) == keys.secret).all()


def test_what_is_handed_to_the_library_has_a_name_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it can be read under that name; afterwards neither a file nor a descriptor is left."""
    for in_memory in (True, False):
        if not in_memory:
            monkeypatch.delattr("os.memfd_create")
        elif not hasattr(os, "memfd_create"):
            continue
        before = set(os.listdir("/dev/fd"))
        with named_file(b"three words long") as path:
            assert Path(path).read_bytes() == b"three words long"
        assert not Path(path).exists()
        assert set(os.listdir("/dev/fd")) == before


# Keys


def test_the_secret_key_is_ternary_as_the_table_supposes(scheme: Scheme, keys: HospitalKeys) -> None:
    """The key is kept in the evaluation form; its coefficients are the inverse transform of that."""
    prime = parameters.PRIMES[0]
    coefficients = inverse_transform(keys.secret[0].astype(object), prime)
    assert set(coefficients) == {0, 1, prime - 1}


def test_keys_do_not_show_their_numbers(keys: HospitalKeys) -> None:
    assert str(keys.secret[0, 0]) not in repr(keys)
    assert len(repr(keys)) < 120


def inverse_transform(values: np.ndarray, prime: int) -> list[int]:
    """The negacyclic inverse NTT by its definition, for the first 24 coefficients."""
    # SEAL keeps evaluations at odd powers of the least primitive root, in bit-reversed order.
    degree = len(values)
    bits = degree.bit_length() - 1
    root = least_root(prime, 2 * degree)
    powers = [1] * (2 * degree)
    for place in range(1, 2 * degree):
        powers[place] = powers[place - 1] * root % prime
    inverse = pow(degree, -1, prime)
    exponents = [2 * int(format(place, f"0{bits}b")[::-1], 2) + 1 for place in range(degree)]
    return [
        inverse
        * sum(int(v) * powers[-e * k % (2 * degree)] for v, e in zip(values, exponents, strict=True))
        % prime
        for k in range(24)
    ]


def least_root(prime: int, order: int) -> int:
    rng = np.random.default_rng(0)
    while True:
        root = pow(int(rng.integers(2, 2**60)), (prime - 1) // order, prime)
        if pow(root, order // 2, prime) == prime - 1:
            break
    least, step, current = root, root * root % prime, root
    for _ in range(order // 2):
        least = min(least, current)
        current = current * step % prime
    return least


# Right results


@pytest.mark.parametrize(("classes", "features"), [(2, 96), (3, 96), (50, 96)])
def test_scores_are_those_of_the_plain_head(
    scheme: Scheme, keys: HospitalKeys, classes: int, features: int
) -> None:
    head, layout = a_head(classes, features), Layout(features, classes)
    rows = unit_rows(3, features)
    rows[2] = 0  # an image without features
    answers = np.array([evaluator(scheme, keys, head).answer(q) for q in asked(scheme, keys, rows, layout)])
    assert answers.shape == (3, layout.results, 2, 1, parameters.DEGREE)
    scores = HospitalCipher(scheme, keys.secret).decrypt(answers, layout, NOISE)
    error = np.abs(scores - scores_of(head, rows))
    assert error.max() < 6 * NOISE
    assert error.max() > 0.1 * NOISE, "the owner's noise must be in it"


@pytest.mark.parametrize(("classes", "count"), [(3, 16), (50, 7), (2, 14)])
def test_several_images_in_a_ciphertext_have_the_scores_of_the_plain_head(
    scheme: Scheme, keys: HospitalKeys, classes: int, count: int
) -> None:
    head = replace(a_head(classes), packed=True)
    layout, rows = head.layout, unit_rows(count, FEATURES)
    client = HospitalCipher(scheme, keys.secret)
    queries = wire.read_queries(client.encrypt(rows, layout), layout.ciphertexts(count))
    assert len(queries) < count
    owner = evaluator(scheme, keys, head)
    answers = np.array([owner.answer(q, n) for q, n in zip(queries, layout.filled(count), strict=True)])
    scores = client.decrypt(answers, layout, NOISE, count)
    assert scores.shape == (count, classes)
    assert np.abs(scores - scores_of(head, rows)).max() < 7 * NOISE


def test_images_beyond_those_that_are_counted_are_masked(scheme: Scheme, keys: HospitalKeys) -> None:
    """A hospital that puts fourteen images where it says two gets two."""
    head = replace(a_head(), packed=True)
    layout, rows = head.layout, unit_rows(head.layout.together, FEATURES)
    client = HospitalCipher(scheme, keys.secret)
    (query,) = wire.read_queries(client.encrypt(rows, layout), 1)
    owner = evaluator(scheme, keys, head)
    two, three = (np.array([owner.answer(query, count)]) for count in (2, 3))
    told = [layout.place(k, image)[1] for image in range(2) for k in range(CLASSES)]
    assert np.abs(np.delete(client.slots(two)[0, 0], told)).max() < 8 * NOISE
    scores = client.decrypt(two, layout, NOISE, 2)
    assert np.abs(scores - scores_of(head, rows[:2])).max() < 7 * NOISE
    with refused("answer.not-decryptable"):  # an answer with more than was asked about
        client.decrypt(three, layout, NOISE, 2)


def test_top1_has_a_factor_for_each_image(scheme: Scheme, keys: HospitalKeys) -> None:
    head = replace(Head.centred(a_head().weights, a_head().offsets), packed=True)
    rows = np.repeat(unit_rows(1, FEATURES), 5, axis=0)
    client = HospitalCipher(scheme, keys.secret)
    (query,) = wire.read_queries(client.encrypt(rows, head.layout), 1)
    answer = np.array([evaluator(scheme, keys, head, top1=True).answer(query, 5)])
    factors = client.decrypt(answer, head.layout, NOISE, 5)[:, 0] / scores_of(head, rows)[:, 0]
    assert (factors > 0.99).all()
    assert (factors < 1.01 * TOP1_FACTOR).all()
    assert len(set(factors.round(2))) == 5


def test_classes_that_don_t_fit_one_ciphertext_take_another(scheme: Scheme) -> None:
    features, classes = 2048, 3
    keys, layout = make_keys(scheme, features), Layout(features, classes)
    assert (layout.copies, layout.results) == (2, 2)
    head, rows = a_head(classes, features), unit_rows(1, features)
    found = [evaluator(scheme, keys, head).answer(q) for q in asked(scheme, keys, rows, layout)]
    scores = HospitalCipher(scheme, keys.secret).decrypt(np.array(found), layout, NOISE)
    assert np.abs(scores - scores_of(head, rows)).max() < 6 * NOISE


def test_top1_hides_how_probable_and_keeps_the_order(scheme: Scheme, keys: HospitalKeys) -> None:
    head, rows = Head.centred(a_head().weights, a_head().offsets), unit_rows(1, FEATURES)
    plain = scores_of(head, rows)[0]
    query = asked(scheme, keys, rows, LAYOUT)[0]
    answering = evaluator(scheme, keys, head, top1=True)
    answers = np.array([answering.answer(query) for _ in range(12)])
    scores = HospitalCipher(scheme, keys.secret).decrypt(answers, LAYOUT, NOISE)
    factors = scores @ plain / (plain @ plain)
    assert (scores.argsort(axis=1) == plain.argsort()).all()
    assert (factors > 0.99).all()
    assert (factors < TOP1_FACTOR * 1.01).all()
    assert factors.std() > 0.5


@pytest.mark.parametrize(("drawn", "factor"), [(0.0, 1.0), (0.5, 4.0), (1.0, 16.0)])
def test_the_factor_of_top1_is_log_uniform_from_1_to_16(
    scheme: Scheme, keys: HospitalKeys, drawn: float, factor: float
) -> None:
    head, rows = a_head(), unit_rows(1, FEATURES)
    query = asked(scheme, keys, rows, LAYOUT)[0]
    for top1, times in ((True, factor), (False, 1.0)):
        answering = evaluator(scheme, keys, head, top1=top1, source=Silent(drawn))
        scores = HospitalCipher(scheme, keys.secret).decrypt(
            np.array([answering.answer(query)]), LAYOUT, NOISE
        )
        assert scores == pytest.approx(times * scores_of(head, rows), abs=1e-6)


def test_a_head_whose_scores_would_wrap_around_is_refused() -> None:
    """Weights of norm 899 and an offset of 1 reach 900, the largest score; anything more is refused."""
    weights, offsets = np.zeros((3, FEATURES)), np.array([0.0, -1.0, 0.0])
    weights[1, 4] = 899
    Head(weights, offsets).check_range(1.0)
    Head(weights / 16, offsets / 16).check_range(TOP1_FACTOR)
    for head, factor in (
        (Head(weights, offsets * 1.001), 1.0),
        (Head(weights * 1.00001, offsets), 1.0),
        (Head(weights / 15.99, offsets / 16), TOP1_FACTOR),
        (Head(weights, np.array([0.0, np.nan, 0.0])), 1.0),
        (Head(np.full((3, FEATURES), np.inf), offsets), 1.0),
    ):
        with refused("offer.scores-too-large"):
            head.check_range(factor)


def test_centred_heads_give_the_same_probabilities() -> None:
    from privxray.learning.interface import softmax

    head, rows = a_head(), unit_rows(5, FEATURES)
    same = Head.centred(head.weights, head.offsets)
    scores = scores_of(same, rows)
    assert scores.sum(axis=1) == pytest.approx(0, abs=1e-12)
    assert softmax(scores) == pytest.approx(softmax(scores_of(head, rows)))


# What an answer holds besides the results


def test_every_slot_but_the_results_holds_the_owners_noise_alone(scheme: Scheme, keys: HospitalKeys) -> None:
    head, rows = a_head(), unit_rows(1, FEATURES)
    query = asked(scheme, keys, rows, LAYOUT)[0]
    cipher = HospitalCipher(scheme, keys.secret)
    rest = np.ones(parameters.SLOTS, bool)
    rest[[LAYOUT.place(number)[1] for number in range(CLASSES)]] = False

    def seen(**changes: object) -> np.ndarray:
        return cipher.slots(np.array([evaluator(scheme, keys, head, **changes).answer(query)]))[0, 0]

    noisy, silent = seen()[rest], seen(source=Silent())
    assert np.abs(silent[~rest] - scores_of(head, rows)[0]).max() < 1e-4 * NOISE
    # 4,093 draws each: the standard error of a standard deviation is 1.1 %, of a mean 1.6 % of it.
    for part in (noisy.real, noisy.imag):
        assert part.std() == pytest.approx(NOISE, rel=0.06)
        assert abs(part.mean()) < 0.1 * NOISE
    assert abs(np.corrcoef(noisy.real, noisy.imag)[0, 1]) < 0.1
    # Without the owner's noise there is next to nothing: it drowns in it by a factor of a million.
    assert np.abs(silent[rest]).max() < 1e-6 * NOISE


def test_two_answers_to_one_query_share_nothing(scheme: Scheme, keys: HospitalKeys) -> None:
    """The second half of a ciphertext is made fresh: it is a function of the weights otherwise."""
    query = asked(scheme, keys, unit_rows(1, FEATURES), LAYOUT)[0]
    answering = evaluator(scheme, keys, a_head(), source=Silent())
    first, second = answering.answer(query)[0], answering.answer(query)[0]
    assert (first[1] == second[1]).mean() < 0.01
    assert (first[0] == second[0]).mean() < 0.01


class Slots(HospitalCipher):
    """Decryption that gives what the test says."""

    def __init__(self, seen: np.ndarray) -> None:
        self.seen = seen

    def slots(self, answers: np.ndarray) -> np.ndarray:
        return self.seen


@pytest.mark.parametrize("direction", [1, -1, 1j, -1j, (1 + 1j) / 2**0.5])
def test_an_answer_with_more_than_noise_in_another_slot_is_refused(direction: complex) -> None:
    """Twelve standard deviations are noise, and more is none, in whichever slot and image."""
    nothing = np.zeros((2, 1, 1, 1, 1), np.uint64)
    seen = np.zeros((2, 1, parameters.SLOTS), complex)
    places = [LAYOUT.place(number)[1] for number in range(CLASSES)]
    assert places == [0, 96, 192]
    seen[:, 0, places] = [[3, 4, 5], [6, 7, 8j]]
    for slot in (1, 95, parameters.SLOTS - 1):
        for image in (0, 1):
            seen[image, 0, slot] = 11.999 * NOISE * direction
            scores = Slots(seen).decrypt(nothing, LAYOUT, NOISE)
            assert (scores == [[3, 4, 5], [6, 7, 0]]).all()  # the real part is the score
            seen[image, 0, slot] = 12.001 * NOISE * direction
            with refused("answer.not-decryptable"):
                Slots(seen).decrypt(nothing, LAYOUT, NOISE)
            seen[image, 0, slot] = 0


def test_twelve_standard_deviations_are_noise() -> None:
    seen = np.zeros((1, 1, parameters.SLOTS), complex)
    seen[0, 0, 1] = 12.0
    Slots(seen).decrypt(np.zeros((1, 1, 1, 1, 1), np.uint64), LAYOUT, 1.0)


class Watched(Silent):
    """Remembers what was drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[tuple[object, ...]] = []

    def gaussian(self, shape: tuple[int, ...], std: float) -> np.ndarray:
        self.drawn.append(("gaussian", shape, std))
        return super().gaussian(shape, std)

    def uniform(self, size: int) -> np.ndarray:
        self.drawn.append(("uniform", size))
        return super().uniform(size)


@pytest.mark.parametrize("top1", [True, False])
def test_the_owner_draws_noise_for_each_slot_and_one_factor_for_each_image(
    scheme: Scheme, keys: HospitalKeys, top1: bool
) -> None:
    source, head = Watched(), a_head(50, FEATURES)
    query = asked(scheme, keys, unit_rows(1, FEATURES), head.layout)[0]
    evaluator(scheme, keys, head, source=source, top1=top1).answer(query)
    noise = ("gaussian", (2, parameters.SLOTS), NOISE)
    assert source.drawn == [*([("uniform", 1)] if top1 else []), *[noise] * 2]


def test_an_answer_under_other_keys_is_refused(scheme: Scheme, keys: HospitalKeys) -> None:
    query = asked(scheme, keys, unit_rows(1, FEATURES), LAYOUT)[0]
    answers = np.array([evaluator(scheme, keys, a_head()).answer(query)])
    with refused("answer.not-decryptable"):
        HospitalCipher(scheme, make_keys(scheme, 1).secret).decrypt(answers, LAYOUT, NOISE)


# What travels


def test_the_secret_key_is_in_nothing_that_travels(scheme: Scheme, keys: HospitalKeys) -> None:
    query = HospitalCipher(scheme, keys.secret).encrypt(unit_rows(2, FEATURES), LAYOUT)
    assert len(query) == 2 * parameters.QUERY_BYTES
    assert len(keys.evaluation) == parameters.evaluation_keys_bytes(FEATURES)
    secret = {row.tobytes()[start : start + 64] for row in keys.secret for start in range(0, 65536, 4096)}
    assert len(secret) == 4 * 16
    for piece in secret:
        assert piece not in keys.evaluation
        assert piece not in query


def test_one_image_asked_twice_is_not_seen_to_be_one(scheme: Scheme, keys: HospitalKeys) -> None:
    row = unit_rows(1, FEATURES)
    first, second = asked(scheme, keys, np.vstack([row, row]), LAYOUT)
    assert (first == second).mean() < 0.01
