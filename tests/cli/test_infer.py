"""Encrypted inference by files, as an owner and a hospital outside the study type it."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from crash import killed_at
from played_study import PASSPHRASE, PATIENT, At, Result, Snapshots, World, typed
from test_bad_input import damaged_at, one_line, tree

pytest.importorskip("tenseal", reason="the extra privxray[inference] is not installed")

from privxray.cli.app import run
from privxray.exchange.intake import read_again
from privxray.formats.container import seal_header
from privxray.imaging import features
from privxray.inference import parameters, sandbox
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.inference.sealed_body import open_body, seal_body
from privxray.keys import keyfile
from privxray.keys.identity import Identity
from privxray.keys.party import party_words
from privxray.workflow.inference import ask

REAL = features.Extractor


class Loaded(REAL):
    """The real network, loaded once instead of in every command."""

    _shared: list[REAL] = []  # noqa: RUF012

    def __init__(self, threads: int | None = None) -> None:
        if not self._shared:
            self._shared.append(REAL(threads))
        self.__dict__.update(vars(self._shared[0]))


@pytest.fixture(autouse=True, scope="module")
def _one_load() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "Extractor", Loaded)
        yield


@pytest.fixture
def asked(snapshots: Snapshots) -> Path:
    """A coordinator with an offer, and a clinic with its first query, of two images with telling names."""
    return snapshots("asked")


@pytest.fixture
def answered(snapshots: Snapshots) -> Path:
    """The same, answered."""
    return snapshots("answered")


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[Path], World]:
    return lambda source: World(Path(shutil.copytree(source, tmp_path / "world")))


def offer_of(world: World) -> Path:
    return next((world["clinic"] / "received").glob("*.offer"))


def query_of(world: World, number: int = 1) -> Path:
    return world["coordinator"] / "received" / f"clinic-{number:04d}.query"


def answer_of(world: World) -> Path:
    return next((world["clinic"] / "received").glob("*.answer"))


def words(world: World, whose: str) -> tuple[str, str]:
    return "--key-words", (world.root / f"{whose}-words").read_text()


def identity(world: World, party: str) -> Identity:
    data = (world[party] / "keys" / "identity.key").read_bytes()
    return Identity.from_secret(keyfile.unlock(data, PASSPHRASE))


def rows(world: World, party: str, table: str) -> int:
    with contextlib.closing(sqlite3.connect(world[party] / "state.db")) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def answer(world: World, *more: str | Path, number: int = 1) -> Result:
    line = ("infer", "answer", query_of(world, number), *words(world, "clinic"), *more)
    return world.type("coordinator", *line, asks=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of made-up numbers, questions about no image: for tests that are about files and counts."""
    shape = (1, 1, 2, 1, parameters.DEGREE)
    made_up = np.random.default_rng(0).integers(1, parameters.PRIMES[0], shape, np.uint64)

    def evaluate(head: object, keys: object, queries: np.ndarray, terms: object) -> np.ndarray:
        return np.repeat(made_up, len(queries), axis=0)

    monkeypatch.setattr(sandbox, "evaluate", evaluate)
    monkeypatch.setattr(ask, "_features", lambda _, paths: np.zeros((len(paths), 1280)))


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
    with (clinic / "r.csv").open(newline="") as stream:
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


def test_the_keys_travel_once(answered: Path, copy: Callable[[Path], World]) -> None:
    world = copy(answered)
    assert query_of(world).stat().st_size > parameters.evaluation_keys_bytes(1280)
    world.ok("clinic", "infer", "read", answer_of(world), asks=True)
    second = world.ok("clinic", "infer", "ask", f"source/images/{PATIENT}_0.png", asks=True)
    assert not second["with_keys"]
    assert second["bytes"] < 500_000
    world.carry(second["query"], "coordinator")
    told = answer(world, "--json", number=2)  # no key words are wanted any more, and none hurt
    assert told.json["left"] == 2
    assert told.json["bytes"] < 500_000
    shutil.rmtree(world["coordinator"] / "inference" / "keys")
    third = world.ok("clinic", "infer", "ask", f"source/images/{PATIENT}_1.png", asks=True)
    world.carry(third["query"], "coordinator")
    one_line(answer(world, number=3), 4, "evaluation keys of clinic", "--with-keys")
    again = world.ok("clinic", "infer", "ask", f"source/images/{PATIENT}_1.png", "--with-keys", asks=True)
    world.carry(again["query"], "coordinator")
    assert answer(world, "--json", number=4).json["left"] == 1


def test_a_member_of_the_study_offers_its_model_and_another_asks_without_key_words(at: At) -> None:
    world = at("aggregated")
    world.ok("hospital-a", "accept", "received/global-0001.model")
    offered = world.ok("hospital-a", "infer", "offer", "--top1", asks=True)
    assert offered["top1"]
    offer = world.carry(offered["offer"], "hospital-b")
    query = world.ok("hospital-b", "infer", "ask", "source/images/img-1-000-0.png", "--offer", offer,
                     "--model", offered["model"][:12], asks=True)  # fmt: skip
    told = world.ok("hospital-a", "infer", "answer", world.carry(query["query"], "hospital-a"), asks=True)
    seen = world.ok("hospital-b", "infer", "read", world.carry(told["answer"], "hospital-b"), asks=True)
    plain = world.ok("hospital-a", "predict", world["hospital-b"] / "source/images/img-1-000-0.png")
    assert seen["images"][0]["label"] == plain["images"][0]["label"]
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
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
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
        line = ["-C", str(world["clinic"]), "infer", "ask", f"source/images/{PATIENT}_0.png",
                "--passphrase-file", str(world.passphrase)]  # fmt: skip
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
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


# What is refused


def test_wrong_passphrases_and_key_words_are_refused_and_nothing_is_counted(
    asked: Path, copy: Callable[[Path], World]
) -> None:
    world = copy(asked)
    query = query_of(world)
    one_line(world.type("coordinator", "infer", "answer", query, asks=True), 2, "clinic", "--key-words")
    wrong = " ".join(reversed(words(world, "clinic")[1].split()))
    refused = world.type("coordinator", "infer", "answer", query, "--key-words", wrong, asks=True)
    one_line(refused, 13, "key words of clinic", "phone")
    world.passphrase.write_text("wrong")
    one_line(answer(world), 12, "passphrase")
    one_line(world.type("clinic", "infer", "ask", f"source/images/{PATIENT}_0.png", asks=True), 12)
    one_line(world.type("coordinator", "infer", "offer", "--limit", "7", asks=True), 12)
    assert rows(world, "coordinator", "answered") == 0
    assert not list(world["coordinator"].rglob("*.answer"))
    shutil.rmtree(world["clinic"] / "inference" / "offers")
    with contextlib.closing(sqlite3.connect(world["clinic"] / "state.db")) as database, database:
        database.execute("DELETE FROM party")
    again = world.type("clinic", "infer", "ask", f"source/images/{PATIENT}_0.png", "--offer",
                       offer_of(world), "--key-words", wrong, asks=True)  # fmt: skip
    one_line(again, 13, "key words of coordinator")


def test_a_wrong_passphrase_reads_nothing(answered: Path, copy: Callable[[Path], World]) -> None:
    world = copy(answered)
    world.passphrase.write_text("wrong")
    result = world.type("clinic", "infer", "read", answer_of(world), asks=True)
    one_line(result, 12, "passphrase")
    assert result.out == ""
    world.passphrase.write_text(PASSPHRASE)
    (world["clinic"] / "inference" / "ckks-1280.key").unlink()
    one_line(
        world.type("clinic", "infer", "read", answer_of(world), asks=True),
        10,
        "key that opens this answer is missing",
    )


@pytest.mark.parametrize("kind", ["offer", "query", "answer"])
def test_a_truncated_or_flipped_file_is_refused_by_name_and_changes_nothing(
    answered: Path, asked: Path, copy: Callable[[Path], World], kind: str
) -> None:
    world = copy(asked if kind == "query" else answered)
    party = "coordinator" if kind == "query" else "clinic"
    file = {"offer": offer_of, "query": query_of, "answer": answer_of}[kind](world)
    command = {
        "offer": ("infer", "ask", f"source/images/{PATIENT}_0.png", "--offer", file),
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


def forged_query(world: World, change: Callable[[bytes], bytes], **fields: object) -> Path:
    """A query signed by the clinic with other contents, as altered software could make it."""
    clinic, coordinator = identity(world, "clinic"), identity(world, "coordinator")
    received = read_again(query_of(world))
    header = received.envelope.claim(QueryHeader)
    plain = change(open_body(header, header.offer, received.pieces(), coordinator))
    body, sealed = seal_body(
        "query",
        plain,
        sender=clinic.public().fingerprint,
        recipient=coordinator.public(),
        study=header.study,
        about=header.offer,
    )
    header = header.model_copy(update={"body": body} | fields)
    path = query_of(world, 9)
    path.write_bytes(seal_header(header, clinic.signing, clinic.public().fingerprint) + sealed)
    return path


def with_secret_key(plain: bytes) -> bytes:
    return plain + bytes(4 * parameters.DEGREE * 8)


def other_parameters(plain: bytes) -> bytes:
    return plain[: -parameters.QUERY_BYTES] + np.random.default_rng(0).bytes(parameters.QUERY_BYTES)


def nothing_encrypted(plain: bytes) -> bytes:
    return plain[: -parameters.QUERY_BYTES // 2] + bytes(parameters.QUERY_BYTES // 2)


@pytest.mark.parametrize(
    ("change", "fields", "code", "says"),
    [
        (with_secret_key, {}, 4, "its body has not the length"),
        (lambda plain: plain[parameters.ROTATION_KEY_BYTES :], {}, 4, "its body has not the length"),
        (lambda plain: plain, {"images": 256}, 4, "its body has not the length"),
        (lambda plain: plain, {"with_keys": False}, 4, "its body has not the length"),
        (lambda plain: plain, {"parameters": "ckks/16384/60-49-49-60/1"}, 11, "parameters"),
        (lambda plain: plain, {"images": 100_000}, 11, "images"),
        (lambda plain: plain, {"evaluation_keys": "0" * 64}, 11, "not those that the query names"),
        (lambda plain: plain, {"recipients": ("0" * 64,)}, 4, "another owner"),
        (lambda plain: plain, {"offer": "0" * 64}, 4, "not made here"),
        (lambda plain: plain, {"model": "0" * 64}, 4, "another model"),
        (lambda plain: plain, {"study": "elsewhere"}, 4, "another study"),
        (lambda plain: plain, {"hospital_name": "hospital-a"}, 13, "key words"),
        (other_parameters, {}, 11, "other parameters"),
        (nothing_encrypted, {}, 11, "second half is zero"),
    ],
)
def test_queries_that_no_honest_hospital_sends_are_refused_before_the_library_sees_them(
    asked: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[bytes], bytes],
    fields: dict[str, object],
    code: int,
    says: str,
) -> None:
    folder = tmp_path / "world"
    folder.mkdir()
    shutil.copytree(asked / "coordinator", folder / "coordinator")
    shutil.copytree(asked / "clinic" / "keys", folder / "clinic" / "keys")
    for name in ("passphrase", "clinic-words"):
        shutil.copy(asked / name, folder)
    world = World(folder)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the library was reached")

    monkeypatch.setattr(sandbox, "evaluate", never)
    path = forged_query(world, change, **fields)
    one_line(answer(world, number=9), code, says, path.name)
    assert rows(world, "coordinator", "answered") == 0


@pytest.mark.usefixtures("quick")
def test_a_hospital_can_t_be_taken_for_one_of_the_study(asked: Path, copy: Callable[[Path], World]) -> None:
    """The clinic's own key words, compared once, are for its own name and keys."""
    world = copy(asked)
    assert answer(world).code == 0
    path = forged_query(world, lambda plain: plain, hospital_name="hospital-a")
    one_line(world.type("coordinator", "infer", "answer", path, asks=True), 13, "another name")


@pytest.mark.usefixtures("quick")
def test_a_known_name_with_another_key_is_remarked_on(asked: Path, copy: Callable[[Path], World]) -> None:
    world = copy(asked)
    assert answer(world).code == 0
    shutil.rmtree(world["clinic"])
    world["clinic"].mkdir()
    world.ok("clinic", "init", "--role", "hospital", "--name", "clinic", asks=True)
    path = forged_query(world, lambda plain: plain, hospital=identity(world, "clinic").public(),
                        sender=identity(world, "clinic").public().fingerprint)  # fmt: skip
    told = world.type("coordinator", "infer", "answer", path, asks=True)
    one_line(told, 2, "clinic (a name that is known here with another key)")


def forged_answer(world: World, signer: str = "coordinator", **fields: object) -> Path:
    path = answer_of(world)
    received = read_again(path)
    header = received.envelope.claim(AnswerHeader).model_copy(update=fields)
    key = identity(world, signer)
    path.write_bytes(seal_header(header, key.signing, key.public().fingerprint) + received.body())
    return path


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


@pytest.mark.parametrize(
    ("signer", "fields", "code", "says"),
    [
        ("hospital-a", {}, 13, "another owner"),
        ("coordinator", {"sender": "0" * 64}, 13, "another sender"),
        ("coordinator", {"query": "0" * 64}, 4, "not asked from here"),
        ("coordinator", {"recipients": ()}, 4, "another hospital"),
        ("coordinator", {"images": 1}, 4, "one for one"),
        ("coordinator", {"decimals": 1}, 4, "other terms"),
        ("coordinator", {"top1": True}, 4, "other terms"),
    ],
)
def test_answers_that_no_honest_owner_sends_are_refused(
    answered: Path,
    copy: Callable[[Path], World],
    signer: str,
    fields: dict[str, object],
    code: int,
    says: str,
) -> None:
    world = copy(answered)
    path = forged_answer(world, signer, **fields)
    one_line(world.type("clinic", "infer", "read", path, asks=True), code, says, path.name)


def test_files_of_other_kinds_are_refused_by_name(answered: Path, copy: Callable[[Path], World]) -> None:
    world = copy(answered)
    card = world["clinic"] / "clinic.card"
    image = f"source/images/{PATIENT}_0.png"
    one_line(world.type("clinic", "infer", "read", card, asks=True), 11, "an answer is needed")
    one_line(
        world.type("clinic", "infer", "ask", image, "--offer", card, asks=True), 11, "an offer is needed"
    )
    one_line(world.type("coordinator", "infer", "answer", card, asks=True), 11, "a query is needed")
    one_line(world.type("clinic", "accept", answer_of(world)), 11, "kind answer")
    one_line(
        world.type("coordinator", "infer", "read", answer_of(world), asks=True), 10, "hospital's workspace"
    )
    one_line(world.type("clinic", "infer", "offer", asks=True), 10, "no global model")
    one_line(world.type("clinic", "infer", "ask", card, asks=True), 11, "neither DICOM")
    offer = world.carry(offer_of(world), "coordinator")
    one_line(world.type("coordinator", "infer", "ask", card, "--offer", offer, asks=True), 10)


@pytest.mark.usefixtures("quick")
def test_a_model_is_picked_by_its_fingerprint(asked: Path, copy: Callable[[Path], World]) -> None:
    world = copy(asked)
    image = f"source/images/{PATIENT}_0.png"
    model = read_again(offer_of(world)).envelope.claim(OfferHeader).model
    assert world.ok("clinic", "infer", "ask", image, "--model", model[:8], asks=True)["model"] == model
    one_line(world.type("clinic", "infer", "ask", image, "--model", "00000000", asks=True), 10, "no offer")
    one_line(world.type("clinic", "infer", "ask", image, "--model", "zz", asks=True), 2, "first 8 hex")
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


def test_without_the_extra_one_line_says_how_to_get_it(
    asked: Path, copy: Callable[[Path], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = copy(asked)
    monkeypatch.setitem(__import__("sys").modules, "tenseal.sealapi", None)
    for party, line in (
        ("coordinator", ("offer", "--limit", "9")),
        ("clinic", ("ask", "x.png")),
        ("coordinator", ("answer", query_of(world))),
        ("clinic", ("read", query_of(world))),
    ):
        one_line(world.type(party, "infer", *line, asks=True), 2, "pip install privxray[inference]")


def test_a_dp_sgd_model_is_refused_in_one_line(
    asked: Path, copy: Callable[[Path], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from privxray.workflow.inference import offer

    world = copy(asked)
    real = offer.find_model

    def dp_sgd(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        return replace(found, header=found.header.model_copy(update={"method": "dp-sgd"}))

    monkeypatch.setattr(offer, "find_model", dp_sgd)
    result = world.type("coordinator", "infer", "offer", "--limit", "8", asks=True)
    one_line(result, 4, "linear-probe models only", "dp-sgd")


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
