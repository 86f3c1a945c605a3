"""``evaluate``: intervals, what stands beside the figures, groups of patients, and the sheet."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest
from played_study import At, Snapshots, World, copy_world

OWN = "rounds/pneumonia-0001/own-scores.json"


@pytest.fixture
def accepted(snapshots: Snapshots, tmp_path: Path) -> World:
    world = World(copy_world(snapshots("unaccepted"), tmp_path / "world"))
    world.ok("hospital-a", "accept", "received/global-0001.model", asks=True)
    return world


def with_columns(labels: Path, **columns: list[str]) -> None:
    """Give a csv further columns, whose values repeat from patient to patient."""
    with labels.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    patients = list(dict.fromkeys(row[1] for row in rows))
    for name, values in columns.items():
        header.append(name)
        for row in rows:
            row.append(values[patients.index(row[1]) % len(values)])
    with labels.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def test_the_own_training_and_the_majority_stand_beside_the_global_model(accepted: World) -> None:
    told = accepted.ok("hospital-a", "evaluate")
    assert told["estimates"]["macro_auc"]["value"] == told["metrics"]["macro_auc"]
    assert told["own_training"].keys() == told["estimates"].keys()
    assert told["majority"]["metrics"]["macro_auc"] in (0.5, None)
    assert sum(one["images"] for one in told["classes"]) == told["images"] == 6
    assert sum(one["images"] for one in told["calibration"]["bins"]) == 6
    shown = accepted.type("hospital-a", "evaluate")
    assert "own training" in shown.out
    assert "always" in shown.out
    assert "On your 3 held-out patients" in shown.err.replace("\n", " ")


def test_the_own_figures_are_those_of_evaluate_local_before_the_export(at: At) -> None:
    world = at("trained")
    local = world.ok("hospital-a", "evaluate", "--local")
    assert local["own_training"] is None
    kept = json.loads((world["hospital-a"] / OWN).read_text())[1]["val"][1]
    for name, one in local["estimates"].items():  # there is more, by which accept warns
        assert kept[name][0] == one["value"], name


def test_what_is_kept_are_figures_and_no_predictions(accepted: World) -> None:
    kept = (accepted["hospital-a"] / OWN).read_text()
    assert len(kept) < 1500  # five figures a split, whatever the number of images
    assert "patient" not in kept


def test_without_kept_figures_it_is_said(accepted: World) -> None:
    (accepted["hospital-a"] / OWN).unlink()
    told = accepted.ok("hospital-a", "evaluate")
    assert told["own_training"] is None
    assert told["says"][0] == (
        "your own training has no figures on these patients, so there is nothing to compare with"
    )
    (accepted["hospital-a"] / OWN).write_text("{")
    assert accepted.ok("hospital-a", "evaluate")["own_training"] is None


def test_figures_that_were_cut_off_are_made_by_typing_train_again(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = at("trained")
    (world["hospital-a"] / OWN).unlink()

    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("privxray.workflow.hospital.using_model.own_scores.write_atomic", cut_off)
        assert world.type("hospital-a", "train").code == 130
    assert not (world["hospital-a"] / OWN).exists()
    assert world.ok("hospital-a", "train")["already"]
    assert (world["hospital-a"] / OWN).exists()


def test_the_sheet_needs_nothing_else_and_names_nobody(accepted: World) -> None:
    done = accepted.type("hospital-a", "evaluate", "--report", "sheet.html")
    assert done.code == 0, done.err
    page = (accepted["hospital-a"] / "sheet.html").read_text()
    told = accepted.ok("hospital-a", "evaluate")
    for expected in (
        told["fingerprints"]["model"], told["fingerprints"]["data"], "hospital-a", "own training",
        "stays inside the hospital", "macro AUC", "fixed on val", "intervals",
    ):  # fmt: skip
        assert expected in page, expected
    assert "://" not in page
    assert "<script" not in page
    assert "patient-0-" not in page
    assert accepted.refused("hospital-a", "evaluate", "--report", "sheet.html") == "file.exists"
    assert accepted.type("hospital-a", "evaluate", "--report", "sheet.html", "--force").code == 0
    assert accepted.refused("hospital-a", "evaluate", "--report", "x/y.html") == "file.no-folder"


def test_groups_come_from_columns_of_the_labels(accepted: World) -> None:
    labels = accepted["hospital-a"] / "source" / "labels.csv"
    before = accepted["hospital-a"] / "data" / "data.db"
    assert accepted.refused("hospital-a", "evaluate", "--group", "sex") == "evaluate.no-such-column"
    with_columns(labels, sex=["f", "M"], age=["007Y", "3"], name=["Quackenbush"], group_ward=["A"])
    accepted.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    told = accepted.ok("hospital-a", "evaluate", "--group", "sex", "--group", "age", "--group", "group_ward")
    assert {one["group"] for one in told["groups"]} == {"sex M", "age 1 to 5", "group_ward A"}
    assert all(one["small"] for one in told["groups"])
    assert any("fewer than 30 patients" in one for one in told["caveats"])
    assert b"Quackenbush" not in before.read_bytes()
    with sqlite3.connect(before) as database:  # by its text, for four bytes are soon among random ones
        assert "007Y" not in "".join(database.iterdump())
    assert accepted.refused("hospital-a", "evaluate", "--group", "name") == "evaluate.no-such-column"


def test_a_model_that_looks_spoilt_is_warned_of_at_accept(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("unaccepted")
    heard = []

    def worse(now: object, own: dict[str, object]) -> list[str]:
        heard.append(sorted(own))
        return ["it is far worse"]

    monkeypatch.setattr("privxray.evaluation.spoilt.worse_than_own", worse)
    told = world.type("hospital-a", "accept", "received/global-0001.model", asks=True)
    assert told.code == 0, told.err
    assert "Warning: it is far worse." in told.err
    assert world.ok("hospital-a", "evaluate")["alarms"] == ["it is far worse"]
    assert "recognised of bacteria" in heard[0]  # kept when the own training was done
