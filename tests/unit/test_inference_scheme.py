"""The CKKS core: parameters, wire format, right results, and what an answer holds besides them."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tenseal", reason="the extra privxray[inference] is not installed")

from privxray.errors import MalformedError, RefusedError, SystemTroubleError
from privxray.inference import parameters, sandbox, wire
from privxray.inference.hospital_side import HospitalCipher, HospitalKeys, make_keys
from privxray.inference.owner_side import Head, HeadEvaluator
from privxray.inference.parameters import Layout
from privxray.inference.scheme import Scheme
from privxray.inference.terms import TOP1_FACTOR, Terms, answer_noise
from privxray.inference.wire import Residues
from privxray.privacy.noise import SecureNoise

FEATURES = 96
CLASSES = 3
NOISE = answer_noise(3)

# Albrecht et al. 2018, "Homomorphic Encryption Security Standard", Table 1: the largest log2 of the modulus
# at 128 bits of classical security, secret uniform ternary, by ring degree.
STANDARD = {1024: 27, 2048: 54, 4096: 109, 8192: 218, 16384: 438, 32768: 881}


class Silent:
    """No noise: what evaluation itself leaves can be seen then."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> np.ndarray:
        return np.zeros(shape)

    def uniform(self, size: int) -> np.ndarray:
        return np.full(size, 0.5)


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    return Scheme()


@pytest.fixture(scope="module")
def keys(scheme: Scheme) -> HospitalKeys:
    return make_keys(scheme, FEATURES)


def unit_rows(count: int, features: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, features))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def a_head(classes: int = CLASSES, features: int = FEATURES) -> Head:
    rng = np.random.default_rng(5)
    return Head(rng.normal(size=(classes, features)), rng.normal(size=classes))


def evaluator(scheme: Scheme, keys: HospitalKeys, head: Head, **changes: object) -> HeadEvaluator:
    terms = {"noise": NOISE, "top1": False, "source": SecureNoise()} | changes
    read = wire.read_evaluation_keys(keys.evaluation, head.layout.features)
    return HeadEvaluator(scheme, head, read, **terms)  # type: ignore[arg-type]


def asked(scheme: Scheme, keys: HospitalKeys, rows: np.ndarray, layout: Layout) -> Residues:
    return wire.read_queries(HospitalCipher(scheme, keys.secret).encrypt(rows, layout), len(rows))


# Parameters


def test_the_parameters_have_128_bits_of_security_by_the_standard(scheme: Scheme) -> None:
    product = math.prod(parameters.PRIMES)
    assert product.bit_length() <= STANDARD[parameters.DEGREE]
    assert tuple(prime.bit_length() for prime in parameters.PRIMES) == parameters.PRIME_BITS
    chosen = scheme.context.key_context_data()
    assert chosen.total_coeff_modulus_bit_count() <= STANDARD[parameters.DEGREE]
    assert scheme.seal.CoeffModulus.MaxBitCount(
        parameters.DEGREE, scheme.seal.SEC_LEVEL_TYPE.TC128
    ) == STANDARD[parameters.DEGREE]  # fmt: skip
    assert str(parameters.DEGREE) in parameters.ID
    assert "-".join(map(str, parameters.PRIME_BITS)) in parameters.ID


def test_the_secret_key_is_ternary_as_the_table_supposes(scheme: Scheme, keys: HospitalKeys) -> None:
    """The key is kept in the evaluation form; its coefficients are the inverse transform of that."""
    prime = parameters.PRIMES[0]
    coefficients = inverse_transform(keys.secret[0].astype(object), prime)
    assert set(coefficients) == {0, 1, prime - 1}


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


@pytest.mark.parametrize("length", [1, 2, 3, 5, 7, 96, 100, 255, 256, 1000, 1280, 4096])
def test_windows_are_added_up_by_few_rotations(length: int) -> None:
    values = np.random.default_rng(length).normal(size=parameters.SLOTS)
    running, sums = values, np.zeros_like(values)
    for kind, step in parameters.window_sum(length):
        if kind == "double":
            running = running + np.roll(running, -step)
        else:
            sums = sums + np.roll(running, -step)
    assert sums[0] == pytest.approx(values[:length].sum())
    assert sums[7] == pytest.approx(np.roll(values, -7)[:length].sum())
    assert len(parameters.rotations(length)) <= 2 * length.bit_length()


def test_the_sizes_that_the_documents_name() -> None:
    assert (parameters.QUERY_BYTES, parameters.ANSWER_BYTES) == (393_216, 131_072)
    assert len(parameters.rotations(1280)) == 10
    assert parameters.evaluation_keys_bytes(1280) == 16_252_928
    assert Layout(1280, 3).results == 1
    assert Layout(1280, 4).results == 2


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
    error = np.abs(scores - (rows @ head.weights.T + head.offsets))
    assert error.max() < 6 * NOISE
    assert error.max() > 0.1 * NOISE, "the owner's noise must be in it"


def test_classes_that_don_t_fit_one_ciphertext_take_another(scheme: Scheme) -> None:
    features, classes = 2048, 3
    keys, layout = make_keys(scheme, features), Layout(features, classes)
    assert (layout.copies, layout.results) == (2, 2)
    head, rows = a_head(classes, features), unit_rows(1, features)
    found = [evaluator(scheme, keys, head).answer(q) for q in asked(scheme, keys, rows, layout)]
    scores = HospitalCipher(scheme, keys.secret).decrypt(np.array(found), layout, NOISE)
    assert np.abs(scores - (rows @ head.weights.T + head.offsets)).max() < 6 * NOISE


def test_top1_hides_how_probable_and_keeps_the_order(scheme: Scheme, keys: HospitalKeys) -> None:
    head, layout, rows = (
        Head.centred(*vars(a_head()).values()),
        Layout(FEATURES, CLASSES),
        unit_rows(1, FEATURES),
    )
    plain = (rows @ head.weights.T + head.offsets)[0]
    query = asked(scheme, keys, rows, layout)[0]
    answering = evaluator(scheme, keys, head, top1=True)
    scores = HospitalCipher(scheme, keys.secret).decrypt(
        np.array([answering.answer(query) for _ in range(12)]), layout, NOISE
    )
    factors = scores @ plain / (plain @ plain)
    assert (scores.argsort(axis=1) == plain.argsort()).all()
    assert (factors > 0.99).all()
    assert (factors < TOP1_FACTOR * 1.01).all()
    assert factors.std() > 0.5


def test_a_head_whose_scores_would_wrap_around_is_refused() -> None:
    large = Head(np.full((3, FEATURES), 90.0), np.zeros(3))
    large.check_range(1.0)
    with pytest.raises(RefusedError, match="too large"):
        large.check_range(TOP1_FACTOR)
    with pytest.raises(RefusedError, match="too large"):
        Head(np.full((3, FEATURES), np.inf), np.zeros(3)).check_range(1.0)


def test_centred_heads_give_the_same_probabilities() -> None:
    from privxray.learning.method import softmax

    head, rows = a_head(), unit_rows(5, FEATURES)
    same = Head.centred(head.weights, head.offsets)
    scores = rows @ same.weights.T + same.offsets
    assert scores.sum(axis=1) == pytest.approx(0, abs=1e-12)
    assert softmax(scores) == pytest.approx(softmax(rows @ head.weights.T + head.offsets))


# What an answer holds besides the results


def test_every_slot_but_the_results_holds_the_owners_noise_alone(scheme: Scheme, keys: HospitalKeys) -> None:
    head, layout = a_head(), Layout(FEATURES, CLASSES)
    query = asked(scheme, keys, unit_rows(1, FEATURES), layout)[0]
    client = HospitalCipher(scheme, keys.secret)
    rest = np.ones(parameters.SLOTS, bool)
    rest[[layout.place(number)[1] for number in range(CLASSES)]] = False

    def seen(**changes: object) -> np.ndarray:
        return client.slots(np.array([evaluator(scheme, keys, head, **changes).answer(query)]))[0, 0]

    noisy, silent = seen()[rest], seen(source=Silent())
    exact = unit_rows(1, FEATURES)[0] @ head.weights.T + head.offsets
    assert np.abs(silent[~rest] - exact).max() < 1e-4 * NOISE
    silent = silent[rest]
    # 4,093 draws each: the standard error of a standard deviation is 1.1 %, of a mean 1.6 % of it.
    for part in (noisy.real, noisy.imag):
        assert part.std() == pytest.approx(NOISE, rel=0.06)
        assert abs(part.mean()) < 0.1 * NOISE
    # Without the owner's noise there is next to nothing: it drowns in it by a factor of a million.
    assert np.abs(silent).max() < 1e-6 * NOISE


def test_two_answers_to_one_query_share_nothing(scheme: Scheme, keys: HospitalKeys) -> None:
    """The second half of a ciphertext is made fresh: it is a function of the weights otherwise."""
    layout = Layout(FEATURES, CLASSES)
    query = asked(scheme, keys, unit_rows(1, FEATURES), layout)[0]
    answering = evaluator(scheme, keys, a_head(), source=Silent())
    first, second = answering.answer(query)[0], answering.answer(query)[0]
    assert (first[1] == second[1]).mean() < 0.01
    assert (first[0] == second[0]).mean() < 0.01


def test_the_secret_key_is_in_nothing_that_travels(scheme: Scheme, keys: HospitalKeys) -> None:
    layout = Layout(FEATURES, CLASSES)
    query = HospitalCipher(scheme, keys.secret).encrypt(unit_rows(2, FEATURES), layout)
    assert len(query) == 2 * parameters.QUERY_BYTES
    assert len(keys.evaluation) == parameters.evaluation_keys_bytes(FEATURES)
    secret = {row.tobytes()[start : start + 64] for row in keys.secret for start in range(0, 65536, 4096)}
    assert len(secret) == 4 * 16
    for piece in secret:
        assert piece not in keys.evaluation
        assert piece not in query


def test_one_image_asked_twice_is_not_seen_to_be_one(scheme: Scheme, keys: HospitalKeys) -> None:
    row = unit_rows(1, FEATURES)
    first, second = asked(scheme, keys, np.vstack([row, row]), Layout(FEATURES, CLASSES))
    assert (first == second).mean() < 0.01


# The wire


def good_query(scheme: Scheme, keys: HospitalKeys) -> bytes:
    return HospitalCipher(scheme, keys.secret).encrypt(unit_rows(1, FEATURES), Layout(FEATURES, CLASSES))


def test_residues_beyond_their_prime_are_refused(scheme: Scheme, keys: HospitalKeys) -> None:
    """What a ciphertext of other parameters looks like here: half of its numbers are too large."""
    data = good_query(scheme, keys)
    other = np.random.default_rng(0).integers(0, 2**60, len(data) // 8, np.uint64).tobytes()
    for bad in (other, b"\xff" * len(data)):
        with pytest.raises(MalformedError, match="other parameters"):
            wire.read_queries(bad, 1)


def test_the_top_bits_of_any_number_are_checked(scheme: Scheme, keys: HospitalKeys) -> None:
    data = bytearray(good_query(scheme, keys))
    for place in (7, 8 * 8192 * 2 + 7, len(data) - 1):
        data[place] ^= 0x80
        with pytest.raises(MalformedError, match="other parameters"):
            wire.read_queries(bytes(data), 1)
        data[place] ^= 0x80


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d[:-8], lambda d: d + b"\0", lambda d: b""])
def test_other_lengths_are_refused(
    scheme: Scheme, keys: HospitalKeys, change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(MalformedError, match="size"):
        wire.read_queries(change(good_query(scheme, keys)), 1)
    with pytest.raises(MalformedError, match="size"):
        wire.read_evaluation_keys(change(keys.evaluation), FEATURES)
    with pytest.raises(MalformedError, match="size"):
        wire.read_answers(change(bytes(parameters.ANSWER_BYTES)), 1, 1)


def test_a_missing_rotation_key_and_a_secret_key_sent_along_are_refused(keys: HospitalKeys) -> None:
    cut = keys.evaluation[: -parameters.ROTATION_KEY_BYTES]
    with pytest.raises(MalformedError, match="size"):
        wire.read_evaluation_keys(cut, FEATURES)
    with pytest.raises(MalformedError, match="size"):
        wire.read_evaluation_keys(keys.evaluation + wire.to_bytes(keys.secret), FEATURES)
    with pytest.raises(MalformedError, match="zero"):
        wire.read_evaluation_keys(bytes(len(keys.evaluation)), FEATURES)


def test_a_ciphertext_that_hides_nothing_is_refused(scheme: Scheme, keys: HospitalKeys) -> None:
    data = good_query(scheme, keys)
    with pytest.raises(MalformedError, match="second half is zero"):
        wire.read_queries(data[: len(data) // 2] + bytes(len(data) // 2), 1)


# The sandbox


def test_the_child_process_gives_the_same_scores_and_runs_nothing_of_the_current_folder(
    scheme: Scheme, keys: HospitalKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("numpy.py", "json.py", "privxray.py", "tenseal.py"):
        (tmp_path / name).write_text("raise SystemExit(77)")
    monkeypatch.chdir(tmp_path)
    head, layout, rows = a_head(), Layout(FEATURES, CLASSES), unit_rows(2, FEATURES)
    results = sandbox.evaluate(
        head,
        wire.read_evaluation_keys(keys.evaluation, FEATURES),
        asked(scheme, keys, rows, layout),
        Terms(),
    )
    scores = HospitalCipher(scheme, keys.secret).decrypt(results, layout, NOISE)
    assert np.abs(scores - (rows @ head.weights.T + head.offsets)).max() < 6 * NOISE


def test_keys_of_somebody_else_give_an_answer_that_is_refused(scheme: Scheme, keys: HospitalKeys) -> None:
    """Residues within their primes that are no keys at all: nothing breaks, and nothing is believed."""
    layout, rng = Layout(FEATURES, CLASSES), np.random.default_rng(0)
    read = wire.read_evaluation_keys(keys.evaluation, FEATURES)
    limits = np.array(parameters.PRIMES, np.uint64)[:, None]
    made_up = rng.integers(0, limits, read.rotation.shape, np.uint64)
    results = sandbox.evaluate(
        a_head(),
        wire.EvaluationKeys(read.public, made_up),
        asked(scheme, keys, unit_rows(1, FEATURES), layout),
        Terms(),
    )
    other = make_keys(scheme, 1).secret
    with pytest.raises(MalformedError, match="does not decrypt"):
        HospitalCipher(scheme, other).decrypt(results, layout, NOISE)


def test_the_child_is_not_told_where_a_passphrase_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVXRAY_PASSPHRASE_FILE", "/stick/passphrase")
    assert "/stick/passphrase" not in sandbox._environment().values()


def run_limited(code: str) -> subprocess.CompletedProcess[bytes]:
    limited = f"from privxray.inference.sandbox import _limit; _limit(1); {code}"
    return subprocess.run([sys.executable, "-c", limited], capture_output=True, check=False, timeout=60)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no limit of address space")
def test_the_child_can_take_neither_memory_nor_time_nor_disk(tmp_path: Path) -> None:
    assert b"MemoryError" in run_limited("bytearray(3 << 30)").stderr
    assert run_limited("\nwhile True: pass").returncode < 0
    wrote = run_limited(f"open({str(tmp_path)!r} + '/f', 'wb').write(bytes(100 << 20))")
    assert wrote.returncode != 0


def test_a_child_that_dies_is_told_as_trouble_and_not_as_a_traceback(
    scheme: Scheme, keys: HospitalKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_MODULE", "privxray.no_such_module")
    query = asked(scheme, keys, unit_rows(1, FEATURES), Layout(FEATURES, CLASSES))
    with pytest.raises(SystemTroubleError, match="nothing was answered"):
        sandbox.evaluate(
            a_head(),
            wire.read_evaluation_keys(keys.evaluation, FEATURES),
            query,
            Terms(),
        )
