"""Which rule refuses ``infer ask`` or ``infer read``: what is altered, the reason, words of the line.

The rules that need no workspace are in tests/unit/test_inference_admit.py and test_inference_wire.py.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from damaged import damaged
from infer_world import (
    IMAGE,
    IMAGES,
    NOTHING,
    Case,
    Command,
    Copy,
    answer,
    answer_of,
    ask,
    asked_again,
    asks,
    change,
    forged_answer,
    forged_offer,
    offer_of,
    offers,
    query_of,
    read,
    refused,
    rows,
    signed_anew,
    takes_in,
    words,
)
from played_study import PASSPHRASE, World
from test_bad_input import one_line, tree

from privxray.exchange.intake import read_again
from privxray.formats.tensors import pack
from privxray.inference.headers import OfferHeader

pytestmark = pytest.mark.usefixtures("one_network")


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
    forged = forged_offer(world, **fields)
    digest = read_again(forged).envelope.digest
    shutil.copy(forged, world["clinic"] / "inference" / "offers" / f"{digest}.offer")
    change(world, "clinic", f"UPDATE offer SET digest = '{digest}'")
    return asks(world)


def with_wrong_words(world: World) -> Command:
    change(world, "clinic", "DELETE FROM party")
    wrong = " ".join(reversed(words(world, "owner")[1].split()))
    return takes_in(world, "--key-words", wrong)


def taken_in(world: World, **fields: object) -> Command:
    forged_offer(world, **fields)
    return takes_in(world)


ASK: dict[str, Case] = {
    "257 images": (many_images, "query.image-count", "1 to 256 images, and you named 257"),
    "six of five": (
        lambda w: asks(w, *IMAGES, *(f"{n}.png" for n in range(4))),
        "query.larger-than-limit",
        "answers 5 images",
    ),
    "no fingerprint": (lambda w: asks(w, IMAGE, "--model", "zz"), "model.not-a-fingerprint", "8 or more hex"),
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
    "an earlier version's": (
        lambda w: taken_in(w, parameters="ckks/8192/60-49-49-60/2"),
        "offer.old-encryption",
        "infer offer",
    ),
    "an earlier version's, kept": (
        lambda w: kept_with(w, parameters="ckks/8192/60-49-49-60/2"),
        "offer.old-encryption",
        "earlier version",
    ),
    "a body for fewer": (lambda w: taken_in(w, feature_dim=295), "offer.no-centre", "centre"),
    "another extractor, kept": (
        lambda w: kept_with(w, extractor="other"),
        "offer.other-extractor",
        "version",
    ),
    "fewer features, kept": (lambda w: kept_with(w, feature_dim=295), "offer.other-extractor", "version"),
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


# The hospital reads


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
    "no fingerprint": (
        lambda w: partial(read, w, "--model", "zz"),
        "model.not-a-fingerprint",
        "8 or more hex",
    ),
    "another query": (
        lambda w: answered_otherwise(w, query=NOTHING),
        "answer.unknown-query",
        "not asked from here",
    ),
    "another owner": (
        lambda w: answered_otherwise(w, "hospital-a"),
        "answer.other-signer",
        "other than the owner you",
    ),
    "another sender": (
        lambda w: answered_otherwise(w, sender=NOTHING),
        "answer.other-sender",
        "different sender",
    ),
    "nobody": (lambda w: answered_otherwise(w, recipients=()), "answer.other-recipient", "another hospital"),
    "fewer images": (lambda w: answered_otherwise(w, images=1), "answer.other-images", "one for one"),
    "an earlier version's": (
        lambda w: answered_otherwise(w, parameters="ckks/8192/60-49-49-60/2"),
        "answer.old-encryption",
        "new offer",
    ),
    "fewer decimals": (lambda w: answered_otherwise(w, decimals=1), "answer.other-terms", "different terms"),
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
    before = tree(world[party])
    before.pop(str(file.relative_to(world[party])))
    for bad in damaged(good):
        file.write_bytes(bad.content)
        result = world.type(party, *command, "--json", asks=True)
        one_line(result, bad.code, file.name, bad.words, reason=bad.reason)
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
