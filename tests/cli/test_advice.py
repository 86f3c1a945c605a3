"""``status`` and every closing line name a command that succeeds, at every stage of the played studies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import played_keyholders  # noqa: F401 - its stages
import pytest
from crash import killed_at
from played_study import BESIDES, HOSPITALS, STAGES, At, Snapshots, World, copy_world, typed
from test_ledger import spend, use_up

from privxray.cli.app import run
from privxray.privacy.ledger import Ledger
from privxray.workflow.upkeep.advice.advise import advise
from privxray.workflow.upkeep.advice.line import Advice
from privxray.workflow.upkeep.advice.look import look
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking


def told(folder: Path) -> list[Advice]:
    with looking(Workspace.find(folder)) as session:
        return list(advise(look(session)))


def parties(world: Path) -> list[str]:
    return sorted(folder.name for folder in world.iterdir() if (folder / "privxray.yaml").exists())


@pytest.mark.slow
@pytest.mark.parametrize("stage", [*STAGES, *BESIDES])
def test_what_status_names_succeeds(stage: str, snapshots: Snapshots, tmp_path: Path) -> None:
    source = snapshots(stage)
    for party in parties(source):
        for number, advice in enumerate(told(source / party)):
            if not advice.types:
                continue
            assert f"privxray {' '.join(advice.types)}" in advice.text
            world = World(copy_world(source, tmp_path / f"{party}-{number}"))
            asks = advice.types[0] in ("export-update", "aggregate", "plan", "card")
            result = world.type(party, *advice.types, asks=asks)
            assert result.code == 0, (party, advice.text, result.err)
            shutil.rmtree(world.root)


def ends_with(world: World, party: str, *words: str, asks: bool = False) -> str:
    os.chdir(world[party])
    result = typed([*words, *(["--passphrase-file", str(world.passphrase)] if asks else [])])
    assert result.code == 0, (words, result.err)
    last = result.err.strip().splitlines()[-1]
    assert last.startswith("Next: ")
    return last.removeprefix("Next: ")


def test_an_ingest_after_the_export_does_not_lead_to_a_training_that_is_refused(at: At) -> None:
    world = at("exported")
    ingest = ("ingest", "source/images", "--labels", "source/labels.csv")
    assert ends_with(world, "hospital-a", *ingest).startswith("carry updates/hospital-a-pneumonia-0001.enc")


def test_a_plan_that_is_accepted_again_does_not_lead_to_a_training_that_is_refused(at: At) -> None:
    world = at("exported")
    world.carry(world["coordinator"] / "plan-0001.plan", "hospital-a")
    assert ends_with(world, "hospital-a", "accept", "received/plan-0001.plan").startswith(
        "carry updates/hospital-a-pneumonia-0001"
    )


def test_a_refused_ingest_leads_to_the_next_one(at: At) -> None:
    world = at("joined")
    labels = world["hospital-a"] / "source" / "labels.csv"
    labels.write_text(labels.read_text().replace("bacteria", "tuberculosis"))
    assert world.type("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv").code != 0
    advice = world.ok("hospital-a", "status")["next"]
    assert advice == ["privxray ingest FOLDER --labels labels.csv; then: privxray train"]


def test_the_coordinator_sees_who_delivered_and_who_is_awaited(at: At) -> None:
    world = at("exported")
    update = world["coordinator"] / "updates" / "hospital-b-pneumonia-0001.enc"
    data = update.read_bytes()
    update.unlink()
    assert world.ok("coordinator", "status")["next"] == [
        "hospital-a and hospital-c have delivered; wait for hospital-b, then type: privxray aggregate "
        "updates/*.enc"
    ]
    update.write_bytes(data[:200])
    assert (
        "take hospital-b-pneumonia-0001.enc out of updates/" in world.ok("coordinator", "status")["next"][0]
    )
    update.write_bytes(data)
    assert world.ok("coordinator", "status")["next"] == [
        "all updates are in updates/; type: privxray aggregate updates/*.enc"
    ]


def test_the_coordinator_sees_which_keyholders_answered(snapshots: Snapshots, tmp_path: Path) -> None:
    exported = told(snapshots("keyholders-exported") / "coordinator")
    assert [one.text.partition(";")[0] for one in exported] == [
        "hospital-a, hospital-b, hospital-c and hospital-d have delivered",
        "or go on without hospital-e for good: privxray aggregate updates/*.enc --without hospital-e",
    ]
    world = World(copy_world(snapshots("keyholders-answered"), tmp_path / "world"))
    enough = world.ok("coordinator", "status")["next"][0]
    assert enough.startswith("hospital-a, notary and university have answered, and that is enough")
    (world["coordinator"] / "shares" / "notary-pneumonia-0001.share").unlink()
    short = world.ok("coordinator", "status")["next"][0]
    assert short.startswith(
        "hospital-a and university have answered; wait for 1 more of hospital-b and notary"
    )


def test_a_begun_training_is_gone_on_with_by_what_status_says(at: At) -> None:
    world = at("untrained")
    words = ["-C", str(world["hospital-a"]), "train", "--epsilon", "1.25"]
    assert killed_at(1, lambda: run(words), only="ledger.db")  # the choice is written, and nothing charged
    (advice,) = told(world["hospital-a"])
    assert advice.types == ("train", "--epsilon", "1.25")
    world.ok("hospital-a", *advice.types)


def test_a_study_that_was_paid_for_and_is_begun_anew_asks_how_much_more(at: At) -> None:
    world = at("exported")
    for party in HOSPITALS:
        world.ok(party, "card", "--study", "pneumonia", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)
    world.ok("hospital-a", "join", world.carry(planned["plan"], "hospital-a"))
    advice = world.ok("hospital-a", "status")["next"][0]
    assert advice.endswith("say how much: privxray train --epsilon E")
    assert world.type("hospital-a", "train").code == 14
    world.ok("hospital-a", "train", "--epsilon", "1")


def test_advice_foresees_a_training_that_the_lifetime_limit_refuses(at: At) -> None:
    world = at("untrained")
    spend(world["hospital-a"], 9)
    (advice,) = told(world["hospital-a"])
    assert advice.types[:2] == ("train", "--epsilon")
    assert "the lifetime limit leaves this study less than its plan asks for" in advice.text
    world.ok("hospital-a", *advice.types)
    assert 9.98 < Ledger.open(world["hospital-a"] / "ledger.db").admitted().epsilon <= 10


def test_where_nothing_of_the_budget_is_left_no_training_is_named(at: At) -> None:
    world = at("untrained")
    use_up(world["hospital-a"])
    assert world.ok("hospital-a", "status")["next"] == [
        "nothing is left of this hospital's privacy budget (privxray budget), so it can't train for this "
        "round; tell the coordinator"
    ]
    assert world.type("hospital-a", "train").code == 14
