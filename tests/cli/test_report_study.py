"""``report study``: the page of a study and its model card. Nothing of a patient is in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import played_keyholders  # noqa: F401 - its stages
from crash import killed_at
from played_study import HOSPITALS, PATIENT, At, World, copy_world

from privxray.cli.app import run

FILES = ("pneumonia-study.html", "pneumonia-model-card.md", "pneumonia-model-card.html")


def written(world: World) -> list[str]:
    return [(world["coordinator"] / "reports" / name).read_text() for name in FILES]


def test_the_page_says_who_what_and_how(at: At) -> None:
    world = at("aggregated")
    told = world.ok("coordinator", "report", "study", "--licence", "CC-BY-4.0")
    assert [Path(told[name]).name for name in ("report", "model_card", "model_card_page")] == list(FILES)
    page, card, card_page = written(world)
    model = world.ok("hospital-a", "inspect", "received/global-0001.model")
    update = world.ok("coordinator", "inspect", "updates/hospital-a-pneumonia-0001.enc")
    for expected in (
        *HOSPITALS, world.key_words().strip(), "plan of round 1", "model of round 1, of 3 hospitals",
        "Protection by", "Commitments", "Party by party", "exp(6)",  "3 of 3 hospitals",
        update["header"]["created"], "may be passed on", "CC-BY-4.0", "Intended use",
    ):  # fmt: skip
        assert expected in page or expected.replace("&#39;", "'") in page, expected
    for text in (card, card_page):
        assert model["header"]["created"] in text
        for expected in (
            "normal, bacteria, virus",
            "CC-BY-4.0",
            "No hospital has contributed",
            "no diagnoses",
        ):
            assert expected in text
    assert "://" not in page + card_page
    assert "<script" not in page + card_page


def test_updates_that_stayed_in_the_drop_folder_are_told_of(at: At) -> None:
    """``status`` has them added up from there, so nobody need move them."""
    world = at("aggregated")
    update = world.ok("coordinator", "inspect", "updates/hospital-a-pneumonia-0001.enc")
    for path in (world["coordinator"] / "updates").glob("*.enc"):
        path.rename(world["coordinator"] / "incoming" / path.name)
    world.ok("coordinator", "report", "study")
    assert update["header"]["created"] in written(world)[0]


def test_nothing_of_a_patient_is_in_it(at: At) -> None:
    world = at("aggregated")
    (world["coordinator"] / "updates" / f"{PATIENT}.enc").write_text(f"{PATIENT}^Ada")
    shutil.copy(world["hospital-a"] / "source/images/img-0-000-0.png", world["coordinator"] / "updates/x.enc")
    told = world.type("coordinator", "report", "study")
    assert told.code == 0, told.err
    assert told.err.splitlines()[-1].startswith("Next: ")
    for text in [*written(world), told.out, told.err]:
        for hidden in ("patient-0-", "img-0-", PATIENT):
            assert hidden not in text
        assert "<img" not in text


def test_doctor_knows_that_the_pages_may_be_passed_on(at: At) -> None:
    world = at("aggregated")
    world.ok("coordinator", "report", "study")
    assert world.type("coordinator", "doctor").code == 0


def test_before_a_model_there_is_no_card(at: At) -> None:
    world = at("exported")
    told = world.ok("coordinator", "report", "study")
    assert told["model_card"] is None
    page = (world["coordinator"] / "reports" / FILES[0]).read_text()
    assert "There is no model yet" in page
    assert page.count("not opened") == 3
    assert world.refused("hospital-a", "report", "study") == "workspace.other-role"


def test_without_a_plan_there_is_nothing_to_tell(at: At) -> None:
    assert at("initialised").refused("coordinator", "report", "study") == "round.none-planned"


def test_another_file_stays(at: At) -> None:
    world = at("aggregated")
    (world["coordinator"] / "reports").mkdir()
    other = world["coordinator"] / "reports" / FILES[1]
    other.write_text("notes of mine")
    assert world.refused("coordinator", "report", "study") == "report.in-the-way"
    assert other.read_text() == "notes of mine"
    assert not (world["coordinator"] / "reports" / FILES[0]).exists()


def test_keyholders_are_told_of(at: At) -> None:
    world = at("keyholders-answered")
    world.ok("coordinator", "report", "study")
    page = (world["coordinator"] / "reports" / FILES[0]).read_text()
    for expected in ("Each keyholder", "keyholders have to help", "hospital, keyholder"):
        assert expected in page, expected


def test_kill_9_leaves_no_half_page(at: At, tmp_path: Path) -> None:
    source = at("aggregated")["coordinator"]
    for steps in range(11, 600, 11):
        folder = copy_world(source, tmp_path / str(steps))
        line = ["-C", str(folder), "report", "study"]
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
        for name in FILES:
            path = folder / "reports" / name
            assert not path.exists() or "privxray study report" in path.read_text()
        if not killed:
            assert steps > 22
            return
        assert run(line) == 0
        assert all((folder / "reports" / name).exists() for name in FILES)
        assert not list((folder / "reports").glob(".*.tmp"))
        shutil.rmtree(folder)
