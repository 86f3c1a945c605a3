"""Workspaces and travelling files of an earlier commit stay readable: tests/fixtures/format1 has them.

Only commands are typed here. What they have to show is in expected.json, as that earlier commit told it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import tarfile
from pathlib import Path
from typing import Any

import pydicom
import pytest
from played_study import Result, World

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format1"
EXPECTED = json.loads((FIXTURE / "expected.json").read_text())
LOOKS = [(name, look) for name, looks in EXPECTED["looks"].items() for look in looks]


def unpacked(name: str, folder: Path) -> World:
    """A study's workspaces in another folder than the one that they were made in, with their file modes."""
    with tarfile.open(FIXTURE / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="tar")
    return World(folder)


@pytest.fixture(scope="module")
def only_looked_at(tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    return {name: unpacked(name, tmp_path_factory.mktemp(name)) for name in EXPECTED["looks"]}


@pytest.fixture
def strict(tmp_path: Path) -> World:
    return unpacked("strict", tmp_path)


@pytest.fixture
def keyholders(tmp_path: Path) -> World:
    return unpacked("keyholders", tmp_path)


def short(value: Any) -> Any:
    """Long texts as make.py writes them down: by a digest."""
    if isinstance(value, dict):
        return {key: short(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [short(inner) for inner in value]
    if isinstance(value, str) and len(value) > 80:
        return "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:16]
    return value


def assert_shows(seen: Any, expected: Any, tolerance: float, where: str = "") -> None:
    """All that was shown then is shown now; a later version may show more."""
    if isinstance(expected, dict):
        assert isinstance(seen, dict), where
        for key, inner in expected.items():
            assert key in seen, f"{where}/{key}"
            assert_shows(seen[key], inner, tolerance, f"{where}/{key}")
    elif isinstance(expected, list):
        assert isinstance(seen, list), where
        assert len(seen) == len(expected), where
        for place, inner in enumerate(expected):
            assert_shows(seen[place], inner, tolerance, f"{where}/{place}")
    elif isinstance(expected, float):
        assert seen == pytest.approx(expected, abs=tolerance), where
    else:
        assert seen == expected, where


def errors_of(result: Result) -> list[str]:
    """What ``doctor`` finds wrong, without this machine's own troubles."""
    return [
        f"{one['check']}: {one['what']}"
        for one in result.json["checks"]
        if one["result"] == "error" and one["check"] not in ("disk", "packages")
    ]


def body(world: World, party: str, file: str | Path) -> str:
    return str(world.ok(party, "inspect", file)["header"]["body"]["sha256"])


def scores(world: World, party: str, file: Path) -> Any:
    return pytest.approx(world.ok(party, "accept", file)["evaluation"]["metrics"], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "look"), LOOKS, ids=[f"{n}-{look['party']}-{'-'.join(look['words'])[:60]}" for n, look in LOOKS]
)
def test_every_look_shows_what_it_showed(
    only_looked_at: dict[str, World], name: str, look: dict[str, Any]
) -> None:
    result = only_looked_at[name].type(look["party"], *look["words"], "--json")
    seen = result.json
    if look["words"][0] == "doctor":
        assert errors_of(result) == []
        seen = {one["check"]: one["result"] for one in seen["checks"]}
    else:
        assert result.code == look["code"], result.err
    shows = look["shows"]
    if look["words"][0] == "budget":  # what was spent is as it was; what is left goes by docs/adr/0072 now
        assert seen["left"] < shows["left"] or seen["left"] == shows["left"] == 0
        shows = {name: value for name, value in shows.items() if name not in ("left", "studies")}
        for now, then in zip(seen["studies"], look["shows"]["studies"], strict=True):
            assert_shows(now, {name: value for name, value in then.items() if name != "left"}, 1e-6)
    # Of new images features are computed, and another processor may round them otherwise (4e-7 was seen).
    assert_shows(short(seen), shows, 1e-5 if look["words"][0] == "predict" else 1e-6)


def test_the_figures_are_those_of_the_studies(only_looked_at: dict[str, World]) -> None:
    """In plain sight what matters most of expected.json."""
    world = only_looked_at["strict"]
    states = {
        "coordinator": "closed",
        "coordinator-waiting": "open",
        "hospital-a": "closed",
        "hospital-b": "exported",
        "hospital-c-trained": "trained",
    }
    for party, state in states.items():
        assert world.ok(party, "status")["rounds"] == [{"study": "pneumonia", "round": 1, "state": state}]
    for party, epsilon, limit in (
        ("hospital-a", 6, 8),
        ("hospital-b", 3, 10),
        ("hospital-c-trained", 4.5, 12),
    ):
        budget = world.ok(party, "budget")
        assert budget["spent"]["epsilon"] == pytest.approx(epsilon, abs=1e-3)
        assert budget["limit"] == limit
    assert world.ok("clinic", "status")["queries_waiting"] == 1
    other = only_looked_at["keyholders"]
    for party, state in {
        "coordinator": "requested",
        "hospital-b": "exported",
        "university": "answered",
    }.items():
        assert other.ok(party, "status")["rounds"] == [{"study": "chests", "round": 1, "state": state}]
    assert other.ok("hospital-b", "budget")["studies"][0]["planned"] == 5
    kinds = {path.suffix for world in only_looked_at.values() for path in world["carried"].iterdir()}
    assert kinds == {".card", ".plan", ".enc", ".model", ".request", ".share", ".offer", ".answer"}


def test_a_training_of_then_is_exported_now_and_sums_with_an_update_of_then(strict: World) -> None:
    assert strict.ok("hospital-c-trained", "train")["already"]
    exported = strict.ok("hospital-c-trained", "export-update", asks=True)
    assert exported["epsilon"] == pytest.approx(4.5, abs=1e-3)
    strict.carry(exported["update"], "coordinator-waiting", "updates")
    model = Path(strict.ok("coordinator-waiting", "aggregate", "updates/*.enc", asks=True)["model"])
    assert body(strict, "hospital-a", model) == EXPECTED["strict"]["model"]
    assert body(strict, "hospital-a", "../carried/global-0001.model") == EXPECTED["strict"]["model"]
    for party, file in (("hospital-b", strict["carried"] / model.name), ("hospital-c-trained", model)):
        assert EXPECTED["strict"]["accepted"][party] == scores(strict, party, file)
        assert strict.ok(party, "status")["rounds"][0]["state"] == "closed"
        assert strict.ok(party, "evaluate")["metrics"] == scores(strict, party, file)


def test_what_is_typed_again_gives_the_bytes_of_then(strict: World) -> None:
    for party in ("hospital-a", "hospital-b"):
        (strict[party] / f"updates/{party}-0001.enc").unlink()
    exported = strict.ok("hospital-b", "export-update", asks=True)
    assert exported["again"]
    assert exported["epsilon"] == pytest.approx(3, abs=1e-3)
    carried = strict["carried"] / "hospital-b-0001.enc"
    assert Path(exported["update"]).read_bytes() == carried.read_bytes()
    assert strict.ok("hospital-a", "accept", "received/global-0001.model")["already"]
    assert strict.type("hospital-a", "train").code == 4
    assert errors_of(strict.type("hospital-a", "doctor", "../carried", "--json")) == []

    (strict["coordinator"] / "models/global-0001.model").unlink()
    summed = strict.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert summed["already"]
    assert Path(summed["model"]).read_bytes() == (strict["carried"] / "global-0001.model").read_bytes()
    planned = strict.ok("coordinator-waiting", "plan", "cards/*.card", asks=True)
    assert planned["key_words"] == EXPECTED["key words"]["plan"]
    assert Path(planned["plan"]).read_bytes() == (strict["carried"] / "plan-0001.plan").read_bytes()


def test_a_plan_of_then_is_joined_now_with_its_key_words(strict: World) -> None:
    words = EXPECTED["key words"]["plan"]
    wrong = " ".join(reversed(words.split()))
    plan = strict["carried"] / "plan-0001.plan"
    assert strict.type("hospital-c-invited", "join", plan, "--key-words", wrong).code == 13
    joined = strict.ok("hospital-c-invited", "join", plan, "--key-words", words)
    assert not joined["already"]
    assert strict.ok("hospital-c-invited", "status")["rounds"][0]["state"] == "joined"


def test_images_and_pseudonyms_are_known_again(strict: World) -> None:
    advice = strict.ok("hospital-a", "status")["next"]
    assert any("privxray deidentify" in one for one in advice)  # of then, which did not come to its end
    ingested = strict.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    assert ingested["added"] == 0
    assert ingested["profile"] == EXPECTED["strict"]["profile"]  # chosen then, and stored
    typed = ("deidentify", "dicom", "anew", "--retain-longitudinal-full-dates", "--jobs", "1")
    assert strict.ok("hospital-a", *typed)["made"] == 2
    clean, anew = strict["hospital-a"] / "clean", strict["hospital-a"] / "anew"
    names = sorted(path.relative_to(clean) for path in clean.rglob("*.dcm"))
    assert sorted(path.relative_to(anew) for path in anew.rglob("*.dcm")) == names
    for name in names:  # the same pseudonyms and UIDs; only the version that made them may differ
        then, now = pydicom.dcmread(clean / name), pydicom.dcmread(anew / name)
        del then.DeidentificationMethod, now.DeidentificationMethod
        assert now == then


def test_a_keyholder_answers_a_request_of_then_and_the_sum_is_opened(keyholders: World) -> None:
    world = keyholders
    (world["university"] / "university-0001.share").unlink()
    again = world.ok("university", "unmask", "received/round-0001.request", asks=True)
    assert again["again"]
    assert again["missing"] == ["hospital-d"]
    carried = world["carried"] / "university-0001.share"
    assert Path(again["share"]).read_bytes() == carried.read_bytes()

    share = world.ok("hospital-b", "unmask", "received/round-0001.request", asks=True)["share"]
    shutil.copy(share, world["coordinator"] / "shares")
    summed = world.ok("coordinator", "aggregate", "shares/*.share", asks=True)
    assert summed["hospitals"] == 3
    assert summed["lacking"] == ["hospital-d"]
    assert body(world, "hospital-b", summed["model"]) == EXPECTED["keyholders"]["model"]
    model = Path(summed["model"])
    assert EXPECTED["keyholders"]["accepted"]["hospital-b"] == scores(world, "hospital-b", model)

    planned = world.ok("coordinator", "plan", "--continue", "--without", "hospital-d", asks=True)
    followed = world.ok("hospital-b", "accept", planned["plan"], "--key-words", planned["key_words"])
    assert followed["kind"] == "plan"
    assert world.ok("hospital-b", "status")["rounds"][-1] == {
        "study": "chests",
        "round": 2,
        "state": "joined",
    }


def test_encrypted_inference_of_earlier_versions_is_refused_by_name_and_goes_on_anew(strict: World) -> None:
    """Their keys let altered software take a whole model (docs/adr/0146); counts and key words stay."""
    answer = next((strict["clinic"] / "received").glob("*.answer"))
    assert strict.refused("clinic", "infer", "read", answer, asks=True) == "answer.old-encryption"
    assert strict.refused("clinic", "infer", "ask", "x.png", asks=True) == "offer.old-encryption"
    assert strict.type("clinic", "inspect", answer).code == 0
    offered = strict.ok("coordinator", "infer", "offer", "--limit", "5", asks=True)
    assert not offered["again"]
    assert offered["key_words"] == EXPECTED["key words"]["owner"]
    image, offer = "source/images/picture-4.png", strict.carry(offered["offer"], "clinic")
    asked = strict.ok("clinic", "infer", "ask", image, "--offer", offer, asks=True)  # its owner is known
    assert asked["key_words"] == EXPECTED["key words"]["clinic"]
    told = strict.ok("coordinator", "infer", "answer", asked["query"], asks=True)  # and so is who asks
    assert told["left"] == 3
    seen = strict.ok("clinic", "infer", "read", told["answer"], asks=True)
    assert seen["as_asked"]
    (predicted,) = (look["shows"]["images"][0] for _, look in LOOKS if look["words"][0] == "predict")
    for label, probability in predicted["probabilities"].items():
        assert seen["images"][0]["probabilities"][label] == pytest.approx(probability, abs=2e-3)


def test_private_files_stay_private_and_a_workspace_moves(strict: World, keyholders: World) -> None:
    private = ("identity.key", "state.db", "ledger.db", "data.db", "deid.db", "vector", "plans", "rounds")
    found = set()
    for path in strict.root.rglob("*"):
        names = {path.name, *(parent.name for parent in path.parents)} & set(private)
        if path.is_file() and names:
            found |= names
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert found == set(private)
    for party in ("hospital-a", "hospital-c-trained", "coordinator", "clinic"):
        before = strict.ok(party, "status")
        moved = f"moved/{party}"
        (strict.root / "moved").mkdir(exist_ok=True)
        strict[party].rename(strict[moved])
        assert before | strict.ok(moved, "status") == before | {"workspace": str(strict[moved])}
        assert errors_of(strict.type(moved, "doctor", "--json")) == []
    assert strict.ok("moved/hospital-a", "evaluate")["split"] == "val"
