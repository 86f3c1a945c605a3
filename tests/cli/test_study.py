"""The study by files, as its users type it."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from played_study import HOSPITALS, At, Snapshots, World

from privxray.system import locks

PRIVXRAY = [sys.executable, "-c", "from privxray.cli.app import main; main()"]


def shell(folder: Path, *words: str, passphrase: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if passphrase:
        environment["PRIVXRAY_PASSPHRASE_FILE"] = str(passphrase)
    return subprocess.run(
        [*PRIVXRAY, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_the_three_commands_of_the_card_work_as_typed(at: At, snapshots: Snapshots) -> None:
    world = at("ingested")
    for party in HOSPITALS[1:]:  # hospital-a computes its features in its process; the others have theirs
        shutil.copy(snapshots("untrained") / party / "data" / "data.db", world[party] / "data")
    for party in HOSPITALS:
        deeper = world[party] / "source"  # the workspace is found from the current folder upwards
        trained = shell(deeper, "train", "--epsilon", "6")
        assert trained.returncode == 0, trained.stderr
        assert "per patient, delta 1e-05, add-or-remove-one-patient" in trained.stderr
        exported = shell(deeper, "export-update", passphrase=world.passphrase)
        assert exported.returncode == 0, exported.stderr
        world.carry(world[party] / "updates" / f"{party}-pneumonia-0001.enc", "coordinator", "updates")
    files = sorted(
        str(p.relative_to(world["coordinator"])) for p in world["coordinator"].glob("updates/*.enc")
    )
    summed = shell(world["coordinator"], "aggregate", *files, passphrase=world.passphrase)
    assert summed.returncode == 0, summed.stderr
    assert (world["coordinator"] / "models" / "global-0001.model").is_file()


def test_a_whole_study_ends_with_a_model_that_every_hospital_uses(at: At) -> None:
    world = at("aggregated")
    for party in HOSPITALS:
        accepted = world.ok(party, "accept", "received/global-0001.model", asks=True)
        assert accepted["kind"] == "model"
        assert 0 <= accepted["evaluation"]["metrics"]["balanced_accuracy"] <= 1
        again = world.ok(party, "accept", "received/global-0001.model", asks=True)
        assert again["already"]
        assert world.ok(party, "evaluate")["metrics"] == accepted["evaluation"]["metrics"]
        predicted = world.ok(party, "predict", "source/images/*-000-0.png")
        assert [set(image["probabilities"]) for image in predicted["images"]] == [
            {"normal", "bacteria", "virus"}
        ]
        assert sum(predicted["images"][0]["probabilities"].values()) == pytest.approx(1)
        assert world.ok(party, "status")["rounds"][0]["state"] == "closed"
        spent = world.ok(party, "budget")
        assert 5.9 < spent["spent"]["epsilon"] <= 6
        assert spent["runs"][0]["state"] == "released"


def test_all_hospitals_get_the_same_model_and_no_file_names_a_patient(at: At) -> None:
    world = at("aggregated")
    seen = {(world[party] / "received" / "global-0001.model").read_bytes() for party in HOSPITALS}
    assert len(seen) == 1
    model = seen.pop()
    assert not any(party.encode() in model for party in HOSPITALS)
    for file in (*world["coordinator"].rglob("*.enc"), *world["coordinator"].rglob("*.model"),
                 *world["coordinator"].rglob("*.card"), *world["coordinator"].rglob("*.plan")):  # fmt: skip
        data = file.read_bytes()
        assert b"patient-" not in data
        assert not re.search(rb"img-\d-\d{3}", data)  # img- alone is soon among random bytes
        assert str(world.root).encode() not in data


def test_nothing_of_a_patient_is_readable_in_a_workspace(at: At) -> None:
    world = at("trained")
    own = [p for p in world["hospital-a"].rglob("*") if p.is_file() and "source" not in p.parts]
    assert any(p.name == "data.db" for p in own)
    for file in own:
        data = file.read_bytes()
        assert b"patient-0-" not in data, file
        assert b"img-0-" not in data, file


def test_what_is_private_is_readable_by_its_owner_only(at: At) -> None:
    world = at("exported")
    for file in world["hospital-a"].rglob("*"):
        leaves = file.suffix in (".card", ".enc") and file.parent.name != "pneumonia-0001"
        leaves |= file.name.endswith((".release.html", ".release.json"))
        if file.is_file() and "source" not in file.parts and "received" not in file.parts and not leaves:
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_keys_rest_under_the_passphrase(at: At) -> None:
    world = at("trained")
    right = world.passphrase.read_text()
    world.passphrase.write_text("wrong")
    result = world.type("hospital-a", "export-update", asks=True)
    assert result.code == 12
    assert "passphrase" in result.err
    assert not list((world["hospital-a"] / "updates").iterdir())
    world.passphrase.write_text(right)
    world.ok("hospital-a", "export-update", asks=True)


def test_training_asks_for_no_passphrase_and_signing_never_without_a_terminal(at: At) -> None:
    world = at("untrained")
    assert shell(world["hospital-a"], "train").returncode == 0
    result = shell(world["hospital-a"], "export-update")
    assert result.returncode == 2
    assert "--passphrase-file" in result.stderr
    assert result.stderr.count("\n") == 1


def test_exporting_again_gives_the_same_bytes_and_other_bytes_are_refused(at: At) -> None:
    world = at("exported")
    update = world["hospital-a"] / "updates" / "hospital-a-pneumonia-0001.enc"
    before = update.read_bytes()
    update.unlink()
    again = world.ok("hospital-a", "export-update", asks=True)
    assert again["again"]
    assert update.read_bytes() == before
    update.write_bytes(before[:-1])
    refused = world.type("hospital-a", "export-update", asks=True)
    assert refused.code == 4
    assert update.read_bytes() == before[:-1]
    world.ok("hospital-a", "export-update", "--force", asks=True)
    assert update.read_bytes() == before


def test_a_round_is_trained_once(at: At) -> None:
    world = at("trained")
    ledger = (world["hospital-a"] / "ledger.db").read_bytes()
    assert world.ok("hospital-a", "train", "--epsilon", "6")["already"]
    assert world.refused("hospital-a", "train", "--epsilon", "3") == "round.other-epsilon"
    assert (world["hospital-a"] / "ledger.db").read_bytes() == ledger
    world.ok("hospital-a", "export-update", asks=True)
    assert world.refused("hospital-a", "train") == "round.exported"


@pytest.mark.parametrize(
    ("epsilon", "code"), [("6.001", 14), ("100", 14), ("inf", 2), ("nan", 2), ("0", 2), ("-1", 2), ("x", 2)]
)
def test_an_epsilon_that_is_not_allowed_spends_nothing(at: At, epsilon: str, code: int) -> None:
    world = at("ingested")
    assert world.type("hospital-a", "train", "--epsilon", epsilon).code == code
    assert world.ok("hospital-a", "budget")["runs"] == []


def test_a_smaller_epsilon_is_used_and_the_lifetime_limit_holds(at: At) -> None:
    world = at("untrained")
    told = world.ok("hospital-a", "train", "--epsilon", "2")
    assert 1.99 < told["epsilon"] <= 2
    small = World(world.root)
    (small["tiny"]).mkdir()
    small.ok("tiny", "init", "--role", "hospital", "--name", "tiny", "--budget", "1", asks=True)
    budget = small.ok("tiny", "budget")
    assert budget["limit"] == 1
    assert budget["left"] == pytest.approx(1, abs=0.01)


def test_status_names_the_next_command_at_every_stage(at: At, tmp_path: Path) -> None:
    expected = {
        "initialised": "privxray join",
        "joined": "privxray ingest",
        "ingested": "privxray train",
        "trained": "privxray export-update",
        "exported": "privxray accept",
    }
    for stage, command in expected.items():
        world = at(stage)
        assert command in " ".join(world.ok("hospital-a", "status")["next"]), stage
        world.root.rename(tmp_path / stage)


def test_the_coordinator_is_told_what_to_wait_for(at: At) -> None:
    world = at("joined")
    advice = " ".join(world.ok("coordinator", "status")["next"])
    assert all(party in advice for party in HOSPITALS)


def test_inspect_explains_every_kind_of_file(at: At) -> None:
    world = at("aggregated")
    files = {
        "card": "coordinator/cards/hospital-a.card",
        "plan": "coordinator/plan-0001.plan",
        "update": "coordinator/updates/hospital-a-pneumonia-0001.enc",
        "model": "coordinator/models/global-0001.model",
    }
    for kind, path in files.items():
        told = world.ok("hospital-a", "inspect", world.root / path)
        assert told["header"]["kind"] == kind
        assert told["signature"].startswith("good")
    outside = world.type(".", "inspect", world.root / files["update"], "--json")
    assert outside.code == 0
    assert outside.json["signature"].startswith("not checked")
    shown = world.type("hospital-a", "inspect", world.root / files["plan"])
    assert "hospital-b" in shown.out
    assert shown.err == "File complete and unchanged. Signature: good, by the coordinator of pneumonia.\n"
    unknown = world.type(".", "inspect", world.root / files["update"])
    assert unknown.err.startswith("File complete. Signature: not checked: ")


@pytest.mark.parametrize("command", ["train", "export-update", "evaluate", "status", "budget", "card"])
def test_outside_a_workspace_the_way_in_is_named(tmp_path: Path, command: str) -> None:
    result = shell(tmp_path, command)
    assert result.returncode == 10
    assert "privxray init" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("stage", "party", "words", "names", "reason"),
    [
        ("initialised", "hospital-a", ("train",), "join", "study.none-joined"),
        (
            "initialised",
            "hospital-a",
            ("ingest", "images", "--labels", "labels.csv"),
            "join",
            "study.none-joined",
        ),
        ("joined", "hospital-a", ("train",), "ingest", "dataset.no-patient"),
        ("joined", "hospital-a", ("export-update",), "train", "round.not-trained"),
        ("ingested", "hospital-a", ("evaluate",), "accept", "model.none-accepted"),
        ("initialised", "coordinator", ("aggregate", "cards/*.card"), "plan", "round.none-planned"),
        ("joined", "coordinator", ("train",), "hospital's workspace", "workspace.other-role"),
        (
            "joined",
            "hospital-a",
            ("aggregate", "received/*"),
            "coordinator's workspace",
            "workspace.other-role",
        ),
    ],
)
def test_a_command_that_comes_too_early_names_the_one_before(
    at: At, stage: str, party: str, words: tuple[str, ...], names: str, reason: str
) -> None:
    result = at(stage).type(party, *words, "--json")
    assert (result.code, result.json["error"]["reason"]) == (10, reason)
    assert names in result.err
    assert result.err.count("\n") == 1


def test_a_wrong_role_is_told_before_a_file_that_is_not_there(at: At) -> None:
    world = at("initialised")
    world["notary"].mkdir()
    world.ok("notary", "init", "--role", "trustee", "--name", "notary", asks=True)
    for party, line in (
        ("coordinator", "verify absent.proof"),
        ("coordinator", "predict absent-*.png"),
        ("coordinator", "infer ask absent-*.png"),
        ("coordinator", "infer read absent.answer"),
        ("notary", "infer answer absent.query"),
        ("notary", "infer offer"),
    ):
        asks = "predict" not in line
        assert world.refused(party, *line.split(), asks=asks) == "workspace.other-role", line


def test_starting_is_quick_and_pulls_in_nothing_heavy(at: At) -> None:
    world = at("trained")
    probe = (
        "import sys; from privxray.cli.app import run; run(sys.argv[1:]); "
        "bad = {'torch', 'pydicom', 'sklearn', 'scipy', 'dp_accounting', 'numpy'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    update = str(world["hospital-a"] / "source" / "labels.csv")
    for words in (["--help"], ["-C", str(world["hospital-a"]), "status"], ["inspect", update]):
        done = subprocess.run(
            [sys.executable, "-c", probe, *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr)


def test_two_commands_do_not_change_a_workspace_at_once(at: At) -> None:
    world = at("ingested")
    with locks.exclusive(world["hospital-a"] / ".lock"):
        assert world.refused("hospital-a", "train") == "workspace.busy"
