"""``status`` at a glance: who is awaited, what came, what is left, and how soon it says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import played_keyholders  # noqa: F401 - its stages
import pytest
from played_study import At, Snapshots, typed
from test_ledger import spend

from privxray.privacy.guarantee import Guarantee
from privxray.system import private_files
from privxray.workflow.ledger.budget_glance import BudgetGlance

HEAVY = (
    "privxray.cli.app",
    "torch",
    "numpy",
    "scipy",
    "pydicom",
    "matplotlib",
    "onnxruntime",
    "PIL",
    "pandas",
)


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
    folder = snapshots(stage) / party
    out, loaded = typed_alone("-C", str(folder), "status", "--json", "--quiet")
    assert loaded == []
    assert out == typed(["-C", str(folder), "status", "--json"]).out


def test_nothing_heavy_is_imported_near_the_lifetime_limit(at: At) -> None:
    folder = at("untrained")["hospital-a"]
    spend(folder, 9)
    out, loaded = typed_alone("-C", str(folder), "status")
    assert loaded == []
    assert out == typed(["-C", str(folder), "status"]).out


def test_a_slip_and_the_help_are_those_of_the_whole_program(tmp_path: Path) -> None:
    for words in (["status", "--wotch"], ["--quiet", "status", "--help"]):
        ended = subprocess.run(
            [sys.executable, "-m", "privxray", *words], capture_output=True, text=True, cwd=tmp_path
        )
        whole = typed(words)
        assert (ended.returncode, ended.stdout, ended.stderr) == (whole.code, whole.out, whole.err)


def typed_alone(*words: str) -> tuple[str, list[str]]:
    """What a command prints in a process of its own, and what it loads that takes long."""
    code = (
        "import json, sys\n"
        "from privxray.__main__ import main\n"
        f"sys.argv = ['privxray', *{words!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ended.stdout, json.loads(ended.stderr.splitlines()[-1])


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
    assert not private_files.others_may_read(world["new"] / "incoming")
