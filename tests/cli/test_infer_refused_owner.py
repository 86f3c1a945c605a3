"""Which rule refuses ``infer offer`` or ``infer answer``: what is altered, the reason, words of the line.

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
    NOTHING,
    Case,
    Command,
    Copy,
    answer,
    change,
    forged_query,
    identity,
    offers,
    query_of,
    refused,
    rows,
    signed_anew,
    words,
)
from played_study import World
from test_bad_input import one_line

from privxray.errors import PrivxrayError
from privxray.inference import parameters, sandbox
from privxray.inference.headers import OfferHeader
from privxray.inference.owner_side import Head
from privxray.inference.terms import Terms
from privxray.workflow.inference import global_model, offer

pytestmark = pytest.mark.usefixtures("one_network")


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
    "seven digits": (lambda w: offers(w, "--model", "0" * 7), "model.not-a-fingerprint", "8 or more hex"),
    "65 digits": (lambda w: offers(w, "--model", "0" * 65), "model.not-a-fingerprint", "8 or more hex"),
    "no hex digit": (lambda w: offers(w, "--model", "0000000g"), "model.not-a-fingerprint", "8 or more hex"),
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
        found = real(*arguments)
        return replace(found, header=found.header.model_copy(update={"method": "dp-sgd"}))

    monkeypatch.setattr(offer, "find_model", dp_sgd)
    refused(offers(copy(asked), "--limit", "8"), "offer.other-method", "linear-probe models only", "dp-sgd")


def test_a_model_whose_scores_fit_only_without_top1(
    asked: Path, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice the model's largest score fits, and sixteen times does not."""
    sizes: list[int] = []
    real = Head.score_range

    def watched(head: Head, terms: Terms) -> int:
        assert np.abs(head.weights.sum(axis=0)).max() < 1e-9  # scores sum to zero
        sizes.append(real(head, terms))
        return sizes[-1]

    monkeypatch.setattr(Head, "score_range", watched)
    world = copy(asked)
    assert offers(world, "--limit", "7", "--json")().code == 0
    monkeypatch.setattr(parameters, "RANGES", tuple(n for n in parameters.RANGES if n <= 2 * sizes[0]))
    assert offers(world, "--limit", "8", "--json")().code == 0
    refused(offers(world, "--limit", "9", "--top1"), "offer.scores-too-large", "too large")


def test_digits_that_begin_the_fingerprints_of_two_models() -> None:
    state = SimpleNamespace(rounds=lambda: [SimpleNamespace(model="ab" * 31 + end) for end in ("00", "01")])
    with pytest.raises(PrivxrayError) as told:
        global_model.find_model(None, state, "ABABABAB")
    assert told.value.reason == "model.several"


# The owner answers


def other_parameters(plain: bytes) -> bytes:
    return plain[:32] + b"\xff" * (len(plain) - 32)


def forged(world: World, change: Callable[[bytes], bytes] = bytes, **fields: object) -> Command:
    forged_query(world, change, **fields)
    return partial(answer, world, number=9)


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
    "a secret key sent along": (lambda w: forged(w, lambda p: p + bytes(4 * 4096)), LENGTH, "length"),
    "a ciphertext too few": (lambda w: forged(w, lambda p: p[: -8 * 4096]), LENGTH, "length"),
    "more images than it holds": (lambda w: forged(w, images=256), LENGTH, "so many images"),
    "an earlier version's": (
        lambda w: forged(w, parameters="ckks/8192/60-49-49-60/2"),
        "query.old-encryption",
        "send the hospital that offer",
    ),
    "another owner": (lambda w: forged(w, recipients=(NOTHING,)), "query.other-recipient", "another owner"),
    "an offer of nobody": (lambda w: forged(w, offer=NOTHING), "query.unknown-offer", "not made here"),
    "another model": (lambda w: forged(w, model=NOTHING), "query.other-model", "different model"),
    "another study": (lambda w: forged(w, study="elsewhere"), "query.other-study", "different study"),
    "another name": (lambda w: forged(w, hospital_name="hospital-a"), "party.wrong-words", "key words"),
    "another name than before": (by_a_known_one, "party.changed", "known here as clinic"),
    "wrong words": (with_wrong_clinic_words, "party.wrong-words", "key words of clinic"),
    "other parameters": (lambda w: forged(w, other_parameters), "rlwe.other-modulus", "other parameters"),
    "an own query": (to_ones_own, "query.own", "privxray predict"),
    "a newer offer": (with_a_newer_offer, "query.replaced-offer", "Send the newer one: offers/coordinator-"),
    "one image left": (
        lambda w: after_others(w, 4),
        "query.limit-used-up",
        "asks about 2 images, and clinic has 1 of 5",
    ),
    "more answered than that": (lambda w: after_others(w, 9), "query.limit-used-up", "has 0 of 5 left"),
}


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
    assert not (world["coordinator"] / "inference" / "keys").exists()


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
