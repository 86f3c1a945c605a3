"""``status`` at a glance: who is awaited, what came, what is left, and how soon it says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import played_keyholders  # noqa: F401 - its stages
import pytest
from played_study import At, Snapshots, typed

from privxray.privacy.guarantee import Guarantee
from privxray.workflow.ledger.budget_glance import BudgetGlance

HEAVY = ("torch", "numpy", "scipy", "pydicom", "matplotlib", "onnxruntime", "PIL", "pandas")


@pytest.mark.parametrize(
    ("stage", "party"),
    [
        ("initialised", "coordinator"),
        ("trained", "hospital-a"),
        ("exported", "coordinator"),
        ("keyholders-requested", "notary"),
    ],
)
def test_nothing_heavy_is_imported(stage: str, party: str, snapshots: Snapshots) -> None:
    code = (
        "import json, sys\n"
        "from privxray.cli.app import run\n"
        f"code = run(['-C', {str(snapshots(stage) / party)!r}, 'status', '--json', '--quiet'])\n"
        f"print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]), file=sys.stderr)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ended.stderr.splitlines()[-1]) == [0, []]


@pytest.mark.parametrize(
    ("stage", "party", "names", "what", "here"),
    [
        ("joined", "hospital-a", ["hospital-a"], "the images", True),
        ("ingested", "hospital-a", ["hospital-a"], "the training", True),
        ("trained", "hospital-a", ["hospital-a"], "the update", True),
        ("exported", "hospital-a", ["coordinator"], "the model", False),
        ("joined", "coordinator", ["hospital-a", "hospital-b", "hospital-c"], "their updates", False),
        ("exported", "coordinator", ["coordinator"], "the sum", True),
        ("aggregated", "coordinator", [], None, False),
        ("keyholders-exported", "coordinator", ["hospital-e"], "the update", False),
        ("keyholders-exported", "notary", ["coordinator"], "the request", False),
        ("keyholders-answered", "notary", ["coordinator"], "the next plan", False),
        ("keyholders-answered", "coordinator", ["coordinator"], "the sum", True),
    ],
)
def test_it_says_who_is_awaited(
    stage: str, party: str, names: list[str], what: str | None, here: bool, snapshots: Snapshots
) -> None:
    told = json.loads(typed(["-C", str(snapshots(stage) / party), "status", "--json"]).out)
    (study,) = told["studies"]
    assert (study["awaited"], study["awaited_for"], study["awaited_here"]) == (names, what, here)


def test_what_is_left_is_a_bar_and_a_sentence_and_agrees_with_budget(at: At) -> None:
    world = at("trained")
    seen, budget = world.ok("hospital-a", "status")["budget"], world.ok("hospital-a", "budget")
    assert seen["used"] == budget["admitted"]
    assert seen["limit"] == budget["limit"]
    assert 0 <= budget["left"] - seen["left"] < 0.01
    shown = world.type("hospital-a", "status").out
    assert "is used (per patient, delta 1e-05); you can still train once with epsilon" in shown
    (bar,) = [line for line in shown.splitlines() if line.startswith("[")]
    assert bar.count("#") == round((len(bar) - 2) * seen["used"] / 10)
    assert world.ok("coordinator", "status")["budget"] is None


def test_a_budget_that_is_used_up_says_so() -> None:
    used_up = BudgetGlance(10.0, Guarantee(10.0, 1e-5), 0.0)
    assert str(used_up) == ("epsilon 10 of 10 is used (per patient, delta 1e-05); no further training fits")


def test_what_came_is_a_line_each(at: At) -> None:
    world = at("exported")
    shown = world.type("coordinator", "status").out
    assert "\nupdates/hospital-b-pneumonia-0001.enc: an update, from hospital-b; signature good\n" in shown


def test_a_workspace_of_an_earlier_version_has_no_drop_folder(at: At) -> None:
    world = at("joined")
    assert world.ok("hospital-a", "status")["incoming"] == "incoming"
    (world["hospital-a"] / "incoming").rmdir()
    told = world.ok("hospital-a", "status")
    assert (told["incoming"], told["unread"]) == (None, [])


def test_before_any_study_it_says_what_is_awaited(at: At) -> None:
    world = at("initialised")
    assert "the coordinator's plan" in world.type("hospital-a", "status").out
    assert "the hospitals' cards" in world.type("coordinator", "status").out
    assert [one["from"] for one in world.ok("coordinator", "status")["unread"]] == [
        "hospital-a", "hospital-b", "hospital-c"
    ]  # fmt: skip


def test_init_makes_a_private_drop_folder_and_names_it(tmp_path: Path, at: At) -> None:
    world = at("initialised")
    world["new"].mkdir()
    made = world.type("new", "init", "--role", "trustee", "--name", "notary", asks=True)
    assert "into incoming/" in made.err
    assert (world["new"] / "incoming").stat().st_mode & 0o077 == 0
