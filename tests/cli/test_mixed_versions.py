"""Parties with different versions: the study has the highest format that all read, or is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from forged_files import changed, put
from played_study import HOSPITALS, At, World, draw_images, identity_in

from privxray.exchange.intake import read_again


def form(path: Path | str) -> tuple[int, Any]:
    header = json.loads(read_again(Path(path)).envelope.payload)
    return header["format"], header.get("features")


def test_one_card_of_an_older_version_makes_a_study_of_format_1(at: At) -> None:
    world = at("initialised")
    assert form(world["hospital-a"] / "hospital-a.card")[0] == 2
    old = world.ok("hospital-b", "card", "--format", "1", asks=True)
    assert old["format"] == 1
    assert form(old["card"]) == (1, None)
    world.carry(old["card"], "coordinator", "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", asks=True)
    assert form(planned["plan"]) == (1, None)
    (warning,) = planned["warnings"]
    assert "by the card of hospital-b, the version there lacks commitments and bound-proofs" in warning
    for party in HOSPITALS:
        plan = world.carry(planned["plan"], party)
        world.ok(party, "join", plan, "--key-words", planned["key_words"])
        world.ok(party, "ingest", "source/images", "--labels", "source/labels.csv")
        world.ok(party, "train", "--epsilon", "6")
        update = world.ok(party, "export-update", asks=True)["update"]
        assert form(update) == (1, None)
        world.carry(update, "coordinator", "updates")
    model = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["model"]
    assert form(model) == (1, None)
    world.ok("hospital-a", "accept", world.carry(model, "hospital-a"))


def test_a_study_of_new_versions_is_of_format_2_to_its_end(at: At) -> None:
    world = at("aggregated")
    for path in (
        world["coordinator"] / "plan-0001.plan",
        world["hospital-a"] / "updates" / "hospital-a-pneumonia-0001.enc",
        world["hospital-a"] / "received" / "global-0001.model",
    ):
        assert form(path)[0] == 2


def test_a_newcomer_with_an_older_version_is_named_at_plan(at: At) -> None:
    world: World = at("exported")
    world["hospital-d"].mkdir()
    world.ok("hospital-d", "init", "--role", "hospital", "--name", "hospital-d", asks=True)
    draw_images(world["hospital-d"] / "source", 3)
    old = world.ok("hospital-d", "card", "--format", "1", asks=True)["card"]
    words = ("plan", str(old), "--continue")
    result = world.type("coordinator", *words, "--json", asks=True)
    assert result.json["error"]["reason"] == "plan.version-lacks"
    assert "hospital-d lacks format 2" in result.err + result.out


def test_a_plan_with_a_feature_that_is_not_here_is_refused_at_join_by_its_name(at: At) -> None:
    world = at("joined-not")
    plan = world["hospital-a"] / "received" / "plan-0001.plan"
    coordinator = identity_in(world["coordinator"])
    plan.write_bytes(changed(plan.read_bytes(), put("features", value=["time-travel"]), coordinator))
    result = world.type("hospital-a", "join", plan, "--key-words", world.key_words(), "--json")
    assert (result.code, result.json["error"]["reason"]) == (11, "file.unknown-feature")
    assert "the file needs time-travel, which this version of privxray does not have" in result.err
