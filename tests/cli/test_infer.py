"""Encrypted inference by files, as an owner and a hospital outside the study type it.

What is refused, and by which rule, is in test_infer_refused_owner.py and test_infer_refused_hospital.py.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from crash import killed_at
from infer_world import IMAGE, answer, answer_of, forged_answer, identity, offer_of, query_of, rows, words
from played_study import PATIENT, At, World, typed
from test_bad_input import one_line

from privxray.cli.app import run
from privxray.exchange.intake import read_again
from privxray.inference.headers import OfferHeader
from privxray.keys.key_words import party_words
from privxray.workflow.common.own_keys import public_keys
from privxray.workspace.folder import Workspace

pytestmark = pytest.mark.usefixtures("one_network")

# The way through


def test_an_outside_hospital_reads_what_predict_says(answered: Path, copy: Callable[[Path], World]) -> None:
    world = copy(answered)
    told = world.ok("clinic", "infer", "read", answer_of(world), asks=True)
    assert told["as_asked"]
    assert told["left"] == 3
    images = sorted((world["clinic"] / "source" / "images").glob(f"{PATIENT}_*"))
    plain = world.ok("hospital-a", "predict", *images)
    for read, predicted in zip(told["images"], plain["images"], strict=True):
        first, second = sorted(predicted["probabilities"].values(), reverse=True)[:2]
        assert read["label"] == predicted["label"] or first - second <= 2e-3  # a tie within the noise
        for name, probability in predicted["probabilities"].items():
            # Noise with an SD of 7e-5 at most, and rounding to .0005: of 6, one is beyond with 5e-12.
            assert read["probabilities"][name] == pytest.approx(probability, abs=1e-3)
            assert round(read["probabilities"][name], 3) == read["probabilities"][name]
    assert world.ok("clinic", "infer", "read", answer_of(world), asks=True) == told  # replayed: the same


def test_no_name_leaves_the_clinic_and_the_csv_alone_has_them(
    answered: Path, copy: Callable[[Path], World]
) -> None:
    world = copy(answered)
    clinic = world["clinic"]
    result = world.type("clinic", "infer", "read", answer_of(world), "--csv", clinic / "r.csv", asks=True)
    assert result.code == 0, result.err
    assert PATIENT not in result.out + result.err
    assert "file #1" in result.out
    with (clinic / "r.csv").open(newline="", encoding="utf-8-sig") as stream:
        table = list(csv.DictReader(stream))
    assert [row["file"] for row in table] == [f"source/images/{PATIENT}_{n}.png" for n in (0, 1)]
    assert stat.S_IMODE((clinic / "r.csv").stat().st_mode) == 0o600
    one_line(world.type("clinic", "infer", "read", answer_of(world), "--csv", clinic / "r.csv", asks=True),
             4, "exists already")  # fmt: skip
    (clinic / "r.csv").unlink()
    shutil.rmtree(clinic / "source")
    for file in world.root.rglob("*"):
        if file.is_file():
            assert PATIENT.encode() not in file.read_bytes(), file


def test_files_are_small_and_a_further_query_is_answered_without_key_words(
    answered: Path, copy: Callable[[Path], World]
) -> None:
    world = copy(answered)
    assert query_of(world).stat().st_size < 75_000
    assert answer_of(world).stat().st_size < 110_000
    second = world.ok("clinic", "infer", "ask", IMAGE, asks=True)
    assert second["bytes"] < 75_000
    world.carry(second["query"], "coordinator")
    told = answer(world, "--json", number=2)  # no key words are wanted any more, and none hurt
    assert told.json["left"] == 2
    assert told.json["bytes"] < 60_000
    one_answer = world.ok("clinic", "infer", "read", world.carry(told.json["answer"], "clinic"), asks=True)
    both = world.ok("clinic", "infer", "read", answer_of(world), asks=True)  # the first has its own key
    for name, probability in one_answer["images"][0]["probabilities"].items():
        # Each is rounded with noise of its own, so they may well be 0.001 apart.
        assert both["images"][0]["probabilities"][name] == pytest.approx(probability, abs=1.5e-3)


def test_what_an_offer_says_that_an_answer_may_give_away(asked: Path, copy: Callable[[Path], World]) -> None:
    """By default a tenth of the model at most, and in words what that counts."""
    world = copy(asked)
    told = world.ok("coordinator", "infer", "offer", asks=True)
    assert 1 <= told["limit"] <= 20
    assert 0.05 < told["share"] <= 0.1
    assert world.ok("coordinator", "infer", "offer", asks=True)["again"]  # the same limit is the same offer
    wide = world.type("coordinator", "infer", "offer", "--limit", "100", asks=True)
    assert wide.code == 0
    assert re.search(r"of the model that one answer gives away .* [0-9.]+% at most", wide.out)
    said = " ".join(wide.err.split())
    for words_of_it in (
        "bind whatever software asks",
        "bind unaltered software only",
        "with 10 answers, altered software",
        "about 30 answers can rebuild",
    ):
        assert words_of_it in said
    # Images are counted, and those of six decimals tell more: so later limits are for these.
    assert "protects an image less" not in said
    precise = world.type("coordinator", "infer", "offer", "--decimals", "6", "--json", asks=True)
    assert "With four to six decimals the encryption protects an image less" in " ".join(precise.err.split())
    precise = precise.json
    seen = world.type("clinic", "inspect", precise["offer"])
    assert "6 decimals, which protect an image less than three do" in " ".join(seen.out.split())
    later = world.ok("coordinator", "infer", "offer", asks=True)
    assert later["limit"] == precise["limit"] < told["limit"]
    assert later["share"] == precise["share"] <= 0.1
    assert later["decimals"] == 3
    assert world.ok("coordinator", "infer", "offer", asks=True)["again"]
    crowd = ("--owners", "100", "--decimals", "6")
    assert world.refused("coordinator", "infer", "offer", *crowd, asks=True) == "offer.no-default-limit"


def test_a_member_of_the_study_offers_its_model_and_another_asks_without_key_words(at: At) -> None:
    world = at("aggregated")
    world.ok("hospital-a", "accept", "received/global-0001.model", asks=True)
    offered = world.ok("hospital-a", "infer", "offer", "--top1", "--decimals", "4", asks=True)
    assert offered["top1"]
    offer = world.carry(offered["offer"], "hospital-b")
    asked = world.type("hospital-b", "infer", "ask", "source/images/img-1-000-0.png", "--offer", offer,
                       "--model", offered["model"][:12], "--json", asks=True)  # fmt: skip
    assert "With four to six decimals the encryption protects an image less" in " ".join(asked.err.split())
    query = asked.json
    told = world.ok("hospital-a", "infer", "answer", world.carry(query["query"], "hospital-a"), asks=True)
    seen = world.ok("hospital-b", "infer", "read", world.carry(told["answer"], "hospital-b"), asks=True)
    plain = world.ok("hospital-a", "predict", world["hospital-b"] / "source/images/img-1-000-0.png")
    first, second = sorted(plain["images"][0]["probabilities"].values(), reverse=True)[:2]
    assert seen["images"][0]["label"] == plain["images"][0]["label"] or first - second <= 2e-3  # a tie
    assert seen["images"][0]["probabilities"] is None
    status = world.ok("hospital-a", "status")
    assert status["answered"] == [{"hospital": "hospital-b", "model": offered["model"], "images": 1}]
    assert world.ok("hospital-b", "status")["queries_waiting"] == 0


# Counting


def test_the_same_query_gets_the_same_bytes_and_is_counted_once(
    answered: Path, copy: Callable[[Path], World]
) -> None:
    world = copy(answered)
    first = answer_of(world).read_bytes()
    again = answer(world, "--json")
    assert again.json["again"]
    assert re.fullmatch(r"clinic-[0-9a-f]{8}\.answer", Path(again.json["answer"]).name)
    assert Path(again.json["answer"]).read_bytes() == first
    Path(again.json["answer"]).unlink()
    assert Path(answer(world, "--json").json["answer"]).read_bytes() == first
    assert rows(world, "coordinator", "answered") == 1


@pytest.mark.usefixtures("quick")
def test_the_limit_stops_answers_and_a_new_offer_does_not_forget(
    answered: Path, copy: Callable[[Path], World]
) -> None:
    world = copy(answered)
    images = ["source/images/img-7-000-1.png", "source/images/img-7-001-1.png"]
    for number, left in ((2, 1), (3, None)):
        query = world.ok("clinic", "infer", "ask", *images, asks=True)
        world.carry(query["query"], "coordinator")
        result = answer(world, "--json", number=number)
        if left is not None:
            assert result.json["left"] == left
        else:
            assert result.code == 4
            assert "has 1 of 5 left" in result.json["error"]["what"]
    one = world.ok("clinic", "infer", "ask", images[0], asks=True)
    world.carry(one["query"], "coordinator")
    assert answer(world, "--json", number=4).json["left"] == 0
    wider = world.ok("coordinator", "infer", "offer", "--limit", "6", asks=True)
    one_line(answer(world, number=3), 4, "newer one", wider["offer"].rsplit("/", 1)[1])
    offer = world.carry(wider["offer"], "clinic")
    query = world.ok("clinic", "infer", "ask", images[0], "--offer", offer, asks=True)
    world.carry(query["query"], "coordinator")
    assert answer(world, "--json", number=5).json["left"] == 0
    assert world.ok("coordinator", "status")["answered"][0]["images"] == 6
    all_images = sorted((world["clinic"] / "source" / "images").glob("*"))
    too_many = [shutil.copy(image, world.root / f"{n}{image.name}") for n in "ab" for image in all_images]
    one_line(world.type("clinic", "infer", "ask", *too_many, asks=True), 2, "6 images of a hospital")


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_kill_9_while_answering_counts_once_or_not_at_all(asked: Path, tmp_path: Path) -> None:
    def fresh(number: int) -> World:
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copytree(asked / "coordinator", folder / "coordinator")
        for name in ("passphrase", "clinic-words"):
            shutil.copy(asked / name, folder)
        return World(folder)

    party_words("clinic", identity(World(asked), "clinic").public())  # remembered: scrypt once
    steps, before, after = 0, 0, 0
    while True:
        steps += 5
        world = fresh(steps)
        line = ["-C", str(world["coordinator"]), "infer", "answer", str(query_of(world)),
                *words(world, "clinic"), "--passphrase-file", str(world.passphrase)]  # fmt: skip
        killed = killed_at(steps, lambda line=line: run(line))
        left = [file for file in (world["coordinator"] / "answers").glob("*.answer") if file.name[0] != "."]
        counted = rows(world, "coordinator", "answered")
        assert counted or not left, "an answer left before it was counted"
        kept = [file.read_bytes() for file in left]
        world.ok("coordinator", "status")
        told = json.loads(typed([*line, "--json"]).out)
        assert told["left"] == 3
        assert rows(world, "coordinator", "answered") == 1
        assert not kept or kept == [Path(told["answer"]).read_bytes()]
        assert not list(world["coordinator"].rglob(".*.tmp"))
        before, after = before + (not counted), after + counted
        shutil.rmtree(world.root)
        if not killed:
            break
    assert before > 5
    assert after > 1


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_kill_9_while_asking_leaves_no_query_that_can_t_be_read(asked: Path, tmp_path: Path) -> None:
    party_words("clinic", identity(World(asked), "clinic").public())
    steps = 0
    while True:
        steps += 6
        folder = tmp_path / str(steps)
        shutil.copytree(asked / "clinic", folder / "clinic")
        shutil.copy(asked / "passphrase", folder)
        world = World(folder)
        line = ["-C", str(world["clinic"]), "infer", "ask", IMAGE,
                "--passphrase-file", str(world.passphrase)]  # fmt: skip
        killed = killed_at(steps, lambda line=line: run(line))
        visible = [q for q in (world["clinic"] / "queries").glob("*.query") if q.name[0] != "."]
        assert len(visible) <= rows(world, "clinic", "asked")
        assert all(read_again(query).body_length for query in visible)
        if killed:
            world.ok("clinic", "status")
            assert run(line) == 0
        assert not list(world["clinic"].rglob(".*.tmp"))
        shutil.rmtree(folder)
        if not killed:
            break
    assert steps > 20


# Which model


def test_an_answer_by_another_model_is_shown_with_a_warning(
    answered: Path, copy: Callable[[Path], World]
) -> None:
    world = copy(answered)
    path = forged_answer(world, model="ab" * 32)
    result = world.type("clinic", "infer", "read", path, asks=True)
    assert result.code == 0, result.err
    assert "Warning: the model abababababababab answered" in result.err
    assert not world.ok("clinic", "infer", "read", path, asks=True)["as_asked"]
    assert world.ok("clinic", "infer", "read", path, "--model", "abababab", asks=True)["as_asked"]


@pytest.mark.usefixtures("quick")
def test_a_model_is_picked_by_its_fingerprint(asked: Path, copy: Callable[[Path], World]) -> None:
    world = copy(asked)
    image = IMAGE
    model = read_again(offer_of(world)).envelope.claim(OfferHeader).model
    assert world.ok("clinic", "infer", "ask", image, "--model", model[:8], asks=True)["model"] == model
    one_line(world.type("clinic", "infer", "ask", image, "--model", "00000000", asks=True), 10, "no offer")
    one_line(world.type("clinic", "infer", "ask", image, "--model", "zz", asks=True), 2, "8 or more hex")
    one_line(
        world.type("coordinator", "infer", "offer", "--model", "00000000", asks=True), 10, "no model here"
    )
    again = world.ok("coordinator", "infer", "offer", "--limit", "5", "--model", model)
    assert again["again"]  # the same terms: the same file, and no passphrase is asked for


def test_inspect_reads_all_three_kinds(answered: Path, copy: Callable[[Path], World]) -> None:
    world = copy(answered)
    for party, file, says in (
        ("clinic", offer_of(world), "good, by coordinator"),
        ("coordinator", query_of(world), "good, by clinic"),
        ("hospital-a", query_of(world), "by the key in the query itself"),
        ("clinic", answer_of(world), "good, by coordinator"),
    ):
        told = world.ok(party, "inspect", file)
        assert says in told["signature"]
        assert PATIENT not in json.dumps(told)
        # Read off by anybody but the party whose file it is, its key words would prove nothing.
        assert told["key_words"] is None
    for party, file in (("coordinator", offer_of(world)), ("clinic", query_of(world))):
        words = world.ok(party, "inspect", file)["key_words"]
        assert words == party_words(party, public_keys(Workspace.find(world[party])))


def test_real_radiographs_get_the_probabilities_of_predict(
    asked: Path, copy: Callable[[Path], World], xrays: Path
) -> None:
    """A few of the validation split; tests/benchmarks/inference.py asks about all of it."""
    world = copy(asked)
    with (xrays / "labels.csv").open(newline="") as stream:
        val = [row["image"] for row in csv.DictReader(stream) if row["split"] == "val"]
    images = [xrays / "images" / name for name in val[:: len(val) // 8][:8]]
    wide = world.ok("coordinator", "infer", "offer", "--limit", "8", asks=True)
    offer = world.carry(wide["offer"], "clinic")
    query = world.ok("clinic", "infer", "ask", *images, "--offer", offer, asks=True)
    world.carry(query["query"], "coordinator")
    told = answer(world, "--json", number=2).json
    seen = world.ok("clinic", "infer", "read", world.carry(told["answer"], "clinic"), asks=True)
    plain = world.ok("hospital-a", "predict", *images)
    for read, predicted in zip(seen["images"], plain["images"], strict=True):
        for name, probability in predicted["probabilities"].items():
            assert read["probabilities"][name] == pytest.approx(probability, abs=1e-3)
        first, second = sorted(predicted["probabilities"].values())[-2:][::-1]
        if first - second > 2e-3:
            assert read["label"] == predicted["label"]
