"""``train --dry-run`` says beforehand what a training would be, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from played_study import At, World

from privxray.evaluation.measured_accuracy import expected, measured, with_tables

DOCS = Path(__file__).parents[2] / "docs"


def spent(world: World) -> float:
    return float(world.ok("hospital-a", "budget")["charged"]["epsilon"])


def test_a_rehearsal_spends_nothing_and_foretells_what_the_training_costs(at: At) -> None:
    world = at("ingested")
    told = world.ok("hospital-a", "train", "--dry-run", "--epsilon", "2")
    assert spent(world) == 0
    assert world.ok("hospital-a", "status")["rounds"][0]["state"] == "joined"
    assert told["few_patients"]
    assert (told["patients"], told["held_out"]) == (9, 3)
    assert told["images_without_features"] == 24
    assert told["steps"] == 40
    assert told["expected"]["nearest"] in [
        {name: getattr(one, name) for name in ("hospitals", "patients", "epsilon", "together", "alone")}
        for one in (*measured("study"), *measured("dealt"))
    ]
    trained = world.ok("hospital-a", "train", "--epsilon", "2")
    assert told["epsilon"] == pytest.approx(trained["epsilon"], abs=1e-9)
    assert told["lifetime"] == pytest.approx(trained["lifetime"])
    again = world.ok("hospital-a", "train", "--dry-run")
    assert again["trained"]
    assert again["epsilon"] == pytest.approx(trained["epsilon"])


def test_it_warns_before_anything_is_spent_and_names_the_command(at: At) -> None:
    world = at("untrained")
    shown = world.type("hospital-a", "train", "--dry-run", "--epsilon", "2")
    assert shown.code == 0
    assert "fewer than 100" in shown.err.splitlines()[0]
    assert "macro AUC of about" in shown.err
    assert "features for 0 images" in shown.err
    assert shown.err.splitlines()[-1].endswith("train --epsilon 2")
    assert "bacteria" in shown.out


def test_it_refuses_what_the_training_would_refuse(at: At) -> None:
    world = at("untrained")
    assert world.refused("hospital-a", "train", "--dry-run", "--epsilon", "7") == "budget.above-plan"
    assert world.refused("hospital-b", "train", "--dry-run", "--study", "x") == "study.not-joined"
    assert world.refused("coordinator", "train", "--dry-run") == "workspace.other-role"


# The table of what was measured


def test_the_page_has_the_tables_of_the_data() -> None:
    page = (DOCS / "BENCHMARKS.md").read_text()
    assert with_tables(page) == page


def test_what_is_expected_of_a_measured_study_is_what_was_measured() -> None:
    for one in (*measured("study"), *measured("dealt")):
        found = expected(one.hospitals, one.patients, one.epsilon)
        assert (found.nearest.hospitals, found.nearest.epsilon) == (one.hospitals, one.epsilon)
        assert found.alone == pytest.approx(one.alone, abs=0.014)


def test_more_patients_and_more_epsilon_are_never_expected_to_do_worse() -> None:
    values = [expected(3, patients, 1.0).alone for patients in (10, 77, 150, 232, 500, 774, 3000, 50_000)]
    assert values == sorted(values)
    assert expected(3, 10, 1.0).beyond
    assert not expected(3, 300, 1.0).beyond
    assert expected(3, 50_000, 1.0).alone == 0.91
