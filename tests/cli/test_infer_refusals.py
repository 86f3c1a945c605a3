"""Which rule refuses, command by command: what is altered, the reason, and words of the one line.

The rules that need no workspace are in tests/unit/test_inference_admit.py and test_inference_wire.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from infer_world import (
    IMAGE,
    IMAGES,
    NOTHING,
    answer,
    answer_of,
    ask,
    asked_again,
    change,
    forged_answer,
    forged_offer,
    forged_query,
    identity,
    offer_of,
    query_of,
    read,
    refused,
    rows,
    words,
)
from played_study import PASSPHRASE, Result, World
from test_bad_input import damaged_at, one_line, tree

pytest.importorskip("tenseal", reason="the extra privxray[inference] is not installed")

from privxray.errors import PrivxrayError
from privxray.exchange.intake import read_again
from privxray.formats.container import seal_header
from privxray.formats.tensors import pack
from privxray.inference import parameters, sandbox
from privxray.inference.headers import OfferHeader
from privxray.inference.owner_side import Head
from privxray.workflow.inference import global_model, offer

pytestmark = pytest.mark.usefixtures("one_network")

Copy = Callable[[Path], World]
Command = Callable[..., Result]
Case = tuple[Callable[[World], Command], str, str]
"""What is altered before the command is typed; the reason; words of the message."""


def offers(world: World, *more: str) -> Command:
    return partial(world.type, "coordinator", "infer", "offer", *more, asks=True)


def asks(world: World, *more: str | Path) -> Command:
    return partial(ask, world, *(more or (IMAGE,)))


def takes_in(world: World, *more: str | Path) -> Command:
    """The clinic asks with the offer that it got."""
    return asks(world, IMAGE, "--offer", offer_of(world), *more)


def signed_anew(path: Path, world: World, kind: type) -> None:
    """The same file with another time in its header, signed by the coordinator once more."""
    received, key = read_again(path), identity(world, "coordinator")
    header = received.envelope.claim(kind).model_copy(update={"created": "2026-01-02T03:04:05Z"})
    path.write_bytes(seal_header(header, key.signing, key.public().fingerprint) + received.body())


# The owner offers


def with_another_model(world: World) -> Command:
    from privxray.exchange.messages.model import ModelHeader

    signed_anew(next((world["coordinator"] / "rounds").rglob("global.model")), world, ModelHeader)
    return offers(world, "--limit", "7")


def with_a_longer_model(world: World) -> Command:
    path = next((world["coordinator"] / "rounds").rglob("global.model"))
    path.write_bytes(path.read_bytes() + b"\0")
    return offers(world, "--limit", "7")


def with_another_own_offer(world: World) -> Command:
    path = next((world["coordinator"] / "inference" / "offers").glob("*.offer"))
    signed_anew(path, world, OfferHeader)
    return offers(world, "--limit", "5")


OFFER: dict[str, Case] = {
    "no image": (lambda w: offers(w, "--limit", "0"), "offer.limit-out-of-range", "1 to 1,000,000"),
    "a million and one": (lambda w: offers(w, "--limit", "1000001"), "offer.limit-out-of-range", "--limit"),
    "no decimal": (lambda w: offers(w, "--decimals", "0"), "offer.decimals-out-of-range", "1 to 6"),
    "seven decimals": (lambda w: offers(w, "--decimals", "7"), "offer.decimals-out-of-range", "--decimals"),
    "seven digits": (lambda w: offers(w, "--model", "0" * 7), "model.not-a-fingerprint", "first 8 hex"),
    "65 digits": (lambda w: offers(w, "--model", "0" * 65), "model.not-a-fingerprint", "first 8 hex"),
    "no hex digit": (lambda w: offers(w, "--model", "0000000g"), "model.not-a-fingerprint", "first 8 hex"),
    "no such model": (lambda w: offers(w, "--model", "0" * 64), "model.unknown", "no model here"),
    "no model at all": (
        lambda w: partial(w.type, "clinic", "infer", "offer", asks=True),
        "model.none-yet",
        "no global model",
    ),
    "another model in its place": (
        with_another_model,
        "workspace.kept-file-altered",
        "model that was verified",
    ),
    "another offer in its place": (
        with_another_own_offer,
        "workspace.kept-file-altered",
        "offer that was verified",
    ),
}


@pytest.mark.parametrize("what", OFFER)
def test_offers_that_cant_be_made(asked: Path, copy: Copy, what: str) -> None:
    arrange, reason, says = OFFER[what]
    world = copy(asked)
    refused(arrange(world), reason, says)
    assert rows(world, "coordinator", "offer") == 1


def test_a_model_that_is_longer_than_it_was_is_refused(asked: Path, copy: Copy) -> None:
    one_line(with_a_longer_model(copy(asked))(), 11, "longer than its header says")


@pytest.mark.parametrize("typed", ["8" * 8, "8" * 64, "ABCDEF01"])
def test_8_to_64_digits_in_either_case_are_a_fingerprint(asked: Path, copy: Copy, typed: str) -> None:
    refused(offers(copy(asked), "--model", typed), "model.unknown")


def test_the_largest_terms_are_granted(asked: Path, copy: Copy) -> None:
    world = copy(asked)
    for limit, decimals in (("1000000", "6"), ("1", "1")):
        line = ("infer", "offer", "--limit", limit, "--decimals", decimals)
        told = world.ok("coordinator", *line, asks=True)
        assert (str(told["limit"]), str(told["decimals"]), told["again"]) == (limit, decimals, False)


def test_a_model_of_another_method_is_refused(
    asked: Path, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    real = offer.find_model

    def dp_sgd(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        return replace(found, header=found.header.model_copy(update={"method": "dp-sgd"}))

    monkeypatch.setattr(offer, "find_model", dp_sgd)
    refused(offers(copy(asked), "--limit", "8"), "offer.other-method", "linear-probe models only", "dp-sgd")


def test_a_model_whose_scores_fit_only_without_top1(
    asked: Path, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice the model's largest score fits, and sixteen times does not."""
    largest: list[float] = []
    real = Head.check_range

    def watched(head: Head, factor: float) -> None:
        largest.append(float((np.linalg.norm(head.weights, axis=1) + np.abs(head.offsets)).max()))
        assert np.abs(head.weights.sum(axis=0)).max() < 1e-9  # scores sum to zero
        real(head, factor)

    monkeypatch.setattr(Head, "check_range", watched)
    world = copy(asked)
    assert offers(world, "--limit", "7", "--json")().code == 0
    monkeypatch.setattr(parameters, "MAX_VALUE", 2 * largest[0])
    assert offers(world, "--limit", "8", "--json")().code == 0
    refused(offers(world, "--limit", "9", "--top1"), "offer.scores-too-large", "too large")


def test_digits_that_begin_the_fingerprints_of_two_models() -> None:
    state = SimpleNamespace(rounds=lambda: [SimpleNamespace(model="ab" * 31 + end) for end in ("00", "01")])
    with pytest.raises(PrivxrayError) as told:
        global_model.find_model(None, state, "ABABABAB")  # type: ignore[arg-type]
    assert told.value.reason == "model.several"


# The hospital asks


def many_images(world: World) -> Command:
    copies = [shutil.copy(world["clinic"] / IMAGE, world.root / f"{n}.png") for n in range(257)]
    return asks(world, *copies)


def from_one_who_made_it(world: World) -> Command:
    made = world.ok("hospital-a", "infer", "offer", asks=True)["offer"]
    return partial(world.type, "hospital-a", "infer", "ask", "x.png", "--offer", made, asks=True)


def without_offers(world: World) -> Command:
    change(world, "clinic", "DELETE FROM offer")
    return asks(world)


def with_offers_of_two_owners(world: World) -> Command:
    """A second owner of the same model: the model's fingerprint does not tell them apart."""
    made = world.ok("hospital-a", "infer", "offer", asks=True)
    path = world.carry(made["offer"], "clinic")
    world.ok("clinic", "infer", "ask", IMAGE, "--offer", path, "--key-words", made["key_words"], asks=True)
    return asks(world, IMAGE, "--model", made["model"])


def with_offers_of_two_models(world: World) -> Command:
    change(world, "clinic", "INSERT INTO offer (digest, owner, model) SELECT 'd', owner, 'm' FROM offer")
    return asks(world)


def with_another_kept_offer(world: World) -> Command:
    signed_anew(next((world["clinic"] / "inference" / "offers").glob("*")), world, OfferHeader)
    return asks(world)


def kept_with(world: World, **fields: object) -> Command:
    """The clinic has taken in such an offer, and asks without naming it."""
    forged = forged_offer(world, **fields)  # type: ignore[arg-type]
    digest = read_again(forged).envelope.digest
    shutil.copy(forged, world["clinic"] / "inference" / "offers" / f"{digest}.offer")
    change(world, "clinic", f"UPDATE offer SET digest = '{digest}'")
    return asks(world)


def with_wrong_words(world: World) -> Command:
    change(world, "clinic", "DELETE FROM party")
    wrong = " ".join(reversed(words(world, "owner")[1].split()))
    return takes_in(world, "--key-words", wrong)


def taken_in(world: World, **fields: object) -> Command:
    forged_offer(world, **fields)  # type: ignore[arg-type]
    return takes_in(world)


ASK: dict[str, Case] = {
    "257 images": (many_images, "query.image-count", "1 to 256 images, and you named 257"),
    "six of five": (
        lambda w: asks(w, *IMAGES, *(f"{n}.png" for n in range(4))),
        "query.larger-than-limit",
        "answers 5 images",
    ),
    "no fingerprint": (lambda w: asks(w, IMAGE, "--model", "zz"), "model.not-a-fingerprint", "first 8 hex"),
    "an own offer": (from_one_who_made_it, "offer.own", "privxray predict"),
    "another model": (lambda w: takes_in(w, "--model", "0" * 8), "offer.other-model", "another model"),
    "no offer": (without_offers, "offer.none-yet", "no offer was taken in"),
    "no offer of this": (
        lambda w: asks(w, IMAGE, "--model", "0" * 8),
        "offer.none-of-this-model",
        "no offer of this model",
    ),
    "two owners": (with_offers_of_two_owners, "offer.several", "with --model, or name the file"),
    "two models": (with_offers_of_two_models, "offer.several", "with --model, or name the file"),
    "another offer in its place": (with_another_kept_offer, "workspace.kept-file-altered", "offer that was"),
    "another extractor": (lambda w: taken_in(w, extractor="other"), "offer.other-extractor", "version"),
    "three features": (
        lambda w: taken_in(w, feature_dim=3, body=pack({"centre": np.zeros(3)})),
        "offer.other-extractor",
        "version",
    ),
    "a body for fewer": (lambda w: taken_in(w, feature_dim=1279), "offer.no-centre", "centre"),
    "another extractor, kept": (
        lambda w: kept_with(w, extractor="other"),
        "offer.other-extractor",
        "version",
    ),
    "fewer features, kept": (lambda w: kept_with(w, feature_dim=1279), "offer.other-extractor", "version"),
    "a changed name": (
        lambda w: taken_in(w, owner_name="office"),
        "party.changed",
        "known here as coordinator",
    ),
    "wrong words": (with_wrong_words, "party.wrong-words", "key words of coordinator"),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("what", ASK)
def test_questions_that_cant_be_asked(asked: Path, copy: Copy, what: str) -> None:
    arrange, reason, says = ASK[what]
    world = copy(asked)
    typed = arrange(world)
    before = rows(world, "clinic", "asked")
    refused(typed, reason, says)
    assert rows(world, "clinic", "asked") == before
    assert rows(world, "clinic", "party") <= 2


def test_an_altered_offer_is_not_taken_in(asked: Path, copy: Copy) -> None:
    """Its signature is good, and its body another."""
    world = copy(asked)
    path = offer_of(world)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    one_line(takes_in(world)(), 11, "the body is damaged", path.name)


@pytest.mark.usefixtures("quick")
def test_as_many_images_as_the_offer_answers_may_be_asked_about(asked: Path, copy: Copy) -> None:
    world = copy(asked)
    assert ask(world, *IMAGES, *(f"{n}.png" for n in range(3))).code == 0


@pytest.mark.usefixtures("quick")
def test_256_images_may_be_asked_about(asked: Path, copy: Copy) -> None:
    world = copy(asked)
    made = world.ok("coordinator", "infer", "offer", "--limit", "256", asks=True)
    path = world.carry(made["offer"], "clinic")
    query = world.ok("clinic", "infer", "ask", *(f"{n}.png" for n in range(256)), "--offer", path, asks=True)
    assert query["images"] == 256


# The owner answers


def other_parameters(plain: bytes) -> bytes:
    return plain[: -parameters.QUERY_BYTES] + np.random.default_rng(0).bytes(parameters.QUERY_BYTES)


def nothing_encrypted(plain: bytes) -> bytes:
    return plain[: -parameters.QUERY_BYTES // 2] + bytes(parameters.QUERY_BYTES // 2)


def keys_of_zeros(plain: bytes) -> bytes:
    return bytes(parameters.PUBLIC_KEY_BYTES) + plain[parameters.PUBLIC_KEY_BYTES :]


def without_keys(plain: bytes) -> bytes:
    return plain[-2 * parameters.QUERY_BYTES :]


def forged(world: World, change: Callable[[bytes], bytes] = bytes, **fields: object) -> Command:
    forged_query(world, change, **fields)
    return partial(answer, world, number=9)


def with_other_kept_keys(world: World) -> Command:
    clinic = identity(world, "clinic").public().fingerprint
    (world["coordinator"] / "inference" / "keys").mkdir(parents=True)
    (world["coordinator"] / "inference" / "keys" / f"{clinic}.keys").write_bytes(b"others")
    return forged(world, without_keys, with_keys=False)


def answered_before(world: World, images: int) -> None:
    clinic = identity(world, "clinic").public().fingerprint
    change(
        world,
        "coordinator",
        f"INSERT INTO answered SELECT 'q', '{clinic}', model, {images}, 's' FROM offer LIMIT 1",
    )


def after_others(world: World, images: int) -> Command:
    answered_before(world, images)
    return partial(answer, world)


def to_ones_own(world: World) -> Command:
    return partial(world.type, "clinic", "infer", "answer", query_of(world), asks=True)


def with_a_newer_offer(world: World) -> Command:
    made = world.ok("coordinator", "infer", "offer", "--limit", "6", asks=True)["offer"]
    (world.root / "newer").write_text(Path(made).name)
    return partial(answer, world)


def by_a_known_one(world: World) -> Command:
    change(world, "coordinator", "DELETE FROM party")
    clinic = identity(world, "clinic").public()
    from privxray.workspace.state import State

    with State(world["coordinator"] / "state.db") as state, state.transaction():
        state.trust_party(clinic.fingerprint, "clinic", clinic.model_dump_json())
    return forged(world, hospital_name="hospital-a")


def with_wrong_clinic_words(world: World) -> Command:
    wrong = " ".join(reversed(words(world, "clinic")[1].split()))
    return partial(
        world.type, "coordinator", "infer", "answer", query_of(world), "--key-words", wrong, asks=True
    )


LENGTH = "sealed-body.other-length"
ANSWER: dict[str, Case] = {
    "a secret key sent along": (lambda w: forged(w, lambda p: p + bytes(4 * 65536)), LENGTH, "length"),
    "a rotation key too few": (
        lambda w: forged(w, lambda p: p[parameters.ROTATION_KEY_BYTES :]),
        LENGTH,
        "length",
    ),
    "more images than it holds": (lambda w: forged(w, images=256), LENGTH, "so many images"),
    "keys and says none": (lambda w: forged(w, with_keys=False), LENGTH, "length"),
    "other keys than it names": (lambda w: forged(w, evaluation_keys=NOTHING), "query.other-keys", "keys"),
    "another owner": (lambda w: forged(w, recipients=(NOTHING,)), "query.other-recipient", "another owner"),
    "an offer of nobody": (lambda w: forged(w, offer=NOTHING), "query.unknown-offer", "not made here"),
    "another model": (lambda w: forged(w, model=NOTHING), "query.other-model", "another model"),
    "another study": (lambda w: forged(w, study="elsewhere"), "query.other-study", "another study"),
    "another name": (lambda w: forged(w, hospital_name="hospital-a"), "party.wrong-words", "key words"),
    "another name than before": (by_a_known_one, "party.changed", "known here as clinic"),
    "wrong words": (with_wrong_clinic_words, "party.wrong-words", "key words of clinic"),
    "other parameters": (lambda w: forged(w, other_parameters), "ckks.other-modulus", "other parameters"),
    "a bare ciphertext": (
        lambda w: forged(w, nothing_encrypted),
        "ckks.not-encrypted",
        "second half is zero",
    ),
    "keys of zeros": (
        lambda w: forged(w, keys_of_zeros, evaluation_keys=digest_of_keys(w, keys_of_zeros)),
        "ckks.zero-key",
        "polynomial that is zero",
    ),
    "no keys, and none kept": (
        lambda w: forged(w, without_keys, with_keys=False),
        "query.keys-missing",
        "keys of clinic are not here",
    ),
    "no keys, and others kept": (with_other_kept_keys, "query.keys-missing", "--with-keys"),
    "an own query": (to_ones_own, "query.own", "privxray predict"),
    "a newer offer": (with_a_newer_offer, "query.replaced-offer", "Send the newer one: offers/coordinator-"),
    "one image left": (
        lambda w: after_others(w, 4),
        "query.limit-used-up",
        "asks about 2 images, and clinic has 1 of 5",
    ),
    "more answered than that": (lambda w: after_others(w, 9), "query.limit-used-up", "has 0 of 5 left"),
}


def digest_of_keys(world: World, change: Callable[[bytes], bytes]) -> str:
    """The fingerprint of a query's evaluation keys once they are altered."""
    import hashlib

    from privxray.inference.headers import QueryHeader
    from privxray.inference.sealed_body import open_body

    received = read_again(query_of(world))
    header = received.envelope.claim(QueryHeader)
    plain = open_body(header, header.offer, received.pieces(), identity(world, "coordinator"))
    return hashlib.sha256(change(plain)[: -2 * parameters.QUERY_BYTES]).hexdigest()


@pytest.fixture
def _never(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the library was reached")

    monkeypatch.setattr(sandbox, "evaluate", never)


@pytest.mark.usefixtures("_never")
@pytest.mark.parametrize("what", ANSWER)
def test_queries_that_are_refused_before_the_library_sees_them(asked: Path, copy: Copy, what: str) -> None:
    arrange, reason, says = ANSWER[what]
    world = copy(asked)
    typed = arrange(world)
    counted, known = rows(world, "coordinator", "answered"), rows(world, "coordinator", "party")
    refused(typed, reason, says)
    assert rows(world, "coordinator", "answered") == counted
    assert rows(world, "coordinator", "party") <= known + 1  # whose words were right is known from now on
    assert not list(world["coordinator"].rglob("*.answer"))
    clinic = identity(world, "clinic").public().fingerprint
    kept = world["coordinator"] / "inference" / "keys" / f"{clinic}.keys"
    assert (
        not kept.exists()
        or kept.read_bytes() == b"others"
        or what in ("other parameters", "a bare ciphertext")
    )


@pytest.mark.usefixtures("_never")
@pytest.mark.parametrize(
    ("fields", "says"),
    [({"parameters": "ckks/16384/60-49-49-60/1"}, "parameters"), ({"images": 100_000}, "images")],
)
def test_headers_of_queries_that_no_version_writes(
    asked: Path, copy: Copy, fields: dict[str, object], says: str
) -> None:
    one_line(forged(copy(asked), **fields)(), 11, says, "clinic-0009.query")


@pytest.mark.usefixtures("quick")
def test_the_last_images_of_the_limit_are_answered(asked: Path, copy: Copy) -> None:
    world = copy(asked)
    answered_before(world, 3)
    assert answer(world, "--json").json["left"] == 0


def test_an_answer_that_is_not_the_one_that_was_counted(answered: Path, copy: Copy) -> None:
    world = copy(answered)
    kept = next((world["coordinator"] / "inference" / "answers").glob("*.answer"))
    data = bytearray(kept.read_bytes())
    data[-1] ^= 1
    kept.write_bytes(data)
    refused(partial(answer, world), "answer.kept-copy-altered", "not the answer that was counted", kept.name)


@pytest.mark.usefixtures("quick")
def test_a_known_name_with_another_key_is_remarked_on(asked: Path, copy: Copy) -> None:
    world = copy(asked)
    assert answer(world).code == 0
    shutil.rmtree(world["clinic"])
    world["clinic"].mkdir()
    world.ok("clinic", "init", "--role", "hospital", "--name", "clinic", asks=True)
    other = identity(world, "clinic").public()
    path = forged_query(world, hospital=other, sender=other.fingerprint)
    told = world.type("coordinator", "infer", "answer", path, asks=True)
    one_line(told, 2, "clinic (a name that is known here with another key)")


# The hospital reads


def without_its_key(world: World) -> Command:
    (world["clinic"] / "inference" / "ckks-1280.key").unlink()
    return partial(read, world)


def with_another_file(world: World, name: str, data: bytes) -> Command:
    (world["clinic"] / "inference" / name).write_bytes(data)
    return partial(read, world)


def with_other_names(world: World) -> Command:
    change(world, "clinic", "UPDATE asked SET names = zeroblob(60)")
    return partial(read, world)


def answered_otherwise(world: World, signer: str = "coordinator", **fields: object) -> Command:
    forged_answer(world, signer, **fields)
    return partial(read, world)


def with_another_asked_offer(world: World) -> Command:
    signed_anew(next((world["clinic"] / "inference" / "offers").glob("*")), world, OfferHeader)
    return partial(read, world)


READ: dict[str, Case] = {
    "no fingerprint": (lambda w: partial(read, w, "--model", "zz"), "model.not-a-fingerprint", "first 8 hex"),
    "another query": (
        lambda w: answered_otherwise(w, query=NOTHING),
        "answer.unknown-query",
        "not asked from here",
    ),
    "another owner": (lambda w: answered_otherwise(w, "hospital-a"), "answer.other-signer", "another owner"),
    "another sender": (
        lambda w: answered_otherwise(w, sender=NOTHING),
        "answer.other-sender",
        "another sender",
    ),
    "nobody": (lambda w: answered_otherwise(w, recipients=()), "answer.other-recipient", "another hospital"),
    "fewer images": (lambda w: answered_otherwise(w, images=1), "answer.other-images", "one for one"),
    "fewer decimals": (lambda w: answered_otherwise(w, decimals=1), "answer.other-terms", "other terms"),
    "its key gone": (without_its_key, "inference.key-missing", "key that opens this answer is missing"),
    "its key cut off": (
        lambda w: with_another_file(w, "ckks-1280.key", b"short"),
        "inference.secrets-damaged",
        "ckks-1280.key",
    ),
    "its key another": (
        lambda w: with_another_file(w, "ckks-1280.key", bytes(99)),
        "inference.secrets-damaged",
        "damaged",
    ),
    "other public keys": (
        lambda w: with_another_file(w, "ckks-1280.public", bytes(99)),
        "inference.public-keys-altered",
        "ckks-1280.public",
    ),
    "other names": (with_other_names, "inference.secrets-damaged", "damaged"),
    "another offer kept": (
        with_another_asked_offer,
        "workspace.kept-file-altered",
        "offer that was verified",
    ),
}


@pytest.mark.parametrize("what", READ)
def test_answers_that_cant_be_read(answered: Path, copy: Copy, what: str) -> None:
    arrange, reason, says = READ[what]
    world = copy(answered)
    refused(arrange(world), reason, says)


@pytest.mark.usefixtures("quick")
def test_an_answer_of_made_up_numbers(asked: Path, copy: Copy) -> None:
    world = copy(asked)
    world.carry(answer(world, "--json").json["answer"], "clinic")
    refused(partial(read, world), "answer.not-decryptable", "does not decrypt")
    assert change(world, "clinic", "SELECT answered FROM asked") == 0


# Whatever the command


def test_a_wrong_passphrase_ends_each_command_and_nothing_is_counted(answered: Path, copy: Copy) -> None:
    world = copy(answered)
    query = asked_again(world)
    world.passphrase.write_text("wrong")
    for result in (
        world.type("coordinator", "infer", "answer", query, asks=True),
        ask(world),
        offers(world, "--limit", "7")(),
        read(world),
    ):
        one_line(result, 12, "passphrase")
        assert result.out == ""
    assert rows(world, "coordinator", "answered") == 1
    world.passphrase.write_text(PASSPHRASE)
    assert read(world).code == 0


def test_key_words_are_asked_for_once(asked: Path, copy: Copy) -> None:
    world = copy(asked)
    result = world.type("coordinator", "infer", "answer", query_of(world), asks=True)
    one_line(result, 2, "clinic", "--key-words")


@pytest.mark.parametrize("kind", ["offer", "query", "answer"])
def test_a_truncated_or_flipped_file_is_refused_by_name_and_changes_nothing(
    answered: Path, asked: Path, copy: Copy, kind: str
) -> None:
    world = copy(asked if kind == "query" else answered)
    party = "coordinator" if kind == "query" else "clinic"
    file = {"offer": offer_of, "query": query_of, "answer": answer_of}[kind](world)
    command = {
        "offer": ("infer", "ask", IMAGE, "--offer", file),
        "query": ("infer", "answer", file, *words(world, "clinic")),
        "answer": ("infer", "read", file),
    }[kind]
    good = file.read_bytes()
    places = [0, 8, 10, 20, len(good) // 3, len(good) - 1]
    before = tree(world[party])
    before.pop(str(file.relative_to(world[party])))
    for bad in [*damaged_at(places, good), good[: len(good) // 2], good[:30], good + b"\0"]:
        file.write_bytes(bad)
        result = world.type(party, *command, asks=True)
        one_line(result, result.code, file.name)
        assert result.code in (11, 13)
        after = tree(world[party])
        after.pop(str(file.relative_to(world[party])))
        assert after == before


def test_files_of_other_kinds_are_refused_by_name(answered: Path, copy: Copy) -> None:
    world = copy(answered)
    card = world["clinic"] / "clinic.card"
    one_line(world.type("clinic", "infer", "read", card, asks=True), 11, "an answer is needed")
    one_line(ask(world, IMAGE, "--offer", card), 11, "an offer is needed")
    one_line(world.type("coordinator", "infer", "answer", card, asks=True), 11, "a query is needed")
    one_line(world.type("clinic", "accept", answer_of(world)), 11, "kind answer")
    one_line(ask(world, card), 11, "neither DICOM")


def test_commands_of_a_hospital_are_refused_elsewhere(answered: Path, copy: Copy) -> None:
    world = copy(answered)
    offer = world.carry(offer_of(world), "coordinator")
    for line in (("read", answer_of(world)), ("ask", "x.png", "--offer", offer)):
        one_line(world.type("coordinator", "infer", *line, asks=True), 10, "hospital's workspace")


def test_without_the_extra_one_line_says_how_to_get_it(
    asked: Path, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = copy(asked)
    monkeypatch.setitem(__import__("sys").modules, "tenseal.sealapi", None)
    for party, line in (
        ("coordinator", ("offer", "--limit", "9")),
        ("clinic", ("ask", "x.png")),
        ("coordinator", ("answer", query_of(world))),
        ("clinic", ("read", query_of(world))),
    ):
        typed = partial(world.type, party, "infer", *line, asks=True)
        refused(typed, "inference.not-installed", "pip install privxray[inference]")
