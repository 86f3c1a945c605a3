"""Whatever is wrong: one line that names the file and the next step, its exit code, nothing half done."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from damaged import damaged
from played_study import At, Result, World, typed, write_passphrase

SENTINEL = "Quackenbush"


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a workspace, less locks and logs."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock" and path.parent.name != "log"
    }


def one_line(result: Result, code: int, *names: str, reason: str = "") -> None:
    """An error as every error has to be.

    :param reason: that it has; for a command that was typed with ``--json``.
    """
    assert result.code == code, result.err
    lines = result.err.strip().splitlines()
    assert len(lines) == 1, result.err
    assert lines[0].startswith("privxray: ")
    assert "Traceback" not in result.err
    for name in names:
        assert name in lines[0]
    if reason:
        assert result.json["error"]["reason"] == reason
        assert result.json["exit_code"] == code


# Travelling files


@pytest.mark.parametrize("kind", ["card", "plan", "update", "model"])
def test_a_truncated_or_flipped_file_is_refused_by_name_and_changes_nothing(at: At, kind: str) -> None:
    world = at({"card": "initialised", "plan": "joined", "update": "exported", "model": "aggregated"}[kind])
    party, path, command = {
        "card": ("coordinator", "cards/hospital-a.card", ("plan", "cards/*.card")),
        "plan": ("hospital-a", "received/plan-0001.plan", ("join", "received/plan-0001.plan")),
        "update": ("coordinator", "updates/hospital-a-pneumonia-0001.enc", ("aggregate", "updates/*.enc")),
        "model": ("hospital-a", "received/global-0001.model", ("accept", "received/global-0001.model")),
    }[kind]
    asks = party == "coordinator"
    file = world[party] / path
    good = file.read_bytes()
    before = tree(world[party])
    before.pop(str(file.relative_to(world[party])))
    for bad in damaged(good):
        file.write_bytes(bad.content)
        result = world.type(party, *command, "--json", asks=asks)
        if kind == "update":  # it is one of several that were collected
            one_line(result, 15, f"refused: {file.stem[:10]}", file.name, bad.words, reason="cohort.refused")
        else:
            one_line(result, bad.code, file.name, bad.words, reason=bad.reason)
        after = tree(world[party])
        after.pop(str(file.relative_to(world[party])))
        assert after == before
    file.write_bytes(good)


def test_wrong_key_words_are_refused_and_the_plan_is_not_followed(at: At) -> None:
    world = at("initialised")
    planned = world.ok("coordinator", "plan", "cards/*.card", asks=True)
    plan = world.carry(planned["plan"], "hospital-a")
    wrong = " ".join(reversed(planned["key_words"].split()))
    refused = world.type("hospital-a", "join", plan, "--key-words", wrong, "--json")
    one_line(refused, 13, "key words", "phone", reason="plan.wrong-words")
    assert world.ok("hospital-a", "status")["rounds"] == []
    unasked = world.type("hospital-a", "join", plan, "--json")
    one_line(unasked, 2, "--key-words", reason="key-words.no-terminal")


def test_a_missing_update_is_named(at: At) -> None:
    world = at("exported")
    (world["coordinator"] / "updates" / "hospital-b-pneumonia-0001.enc").unlink()
    before = tree(world["coordinator"])
    result = world.type("coordinator", "aggregate", "updates/*.enc", "--json", asks=True)
    one_line(result, 15, "missing: hospital-b", reason="cohort.missing")
    assert tree(world["coordinator"]) == before


def test_an_update_of_a_stranger_is_named_and_keeps_the_round_from_closing(at: At) -> None:
    world, other = at("exported"), None
    stranger = world.root / "other"
    shutil.copytree(world["hospital-c"], stranger / "hospital-c")
    other = World(stranger)
    write_passphrase(other.passphrase, world.passphrase.read_text())
    (other["x"]).mkdir()
    other.ok("x", "init", "--role", "hospital", "--name", "hospital-c", asks=True)
    (world["coordinator"] / "updates" / "hospital-c-pneumonia-0001.enc").write_bytes(
        (other["x"] / "hospital-c.card").read_bytes()
    )
    result = world.type("coordinator", "aggregate", "updates/*.enc", "--json", asks=True)
    one_line(
        result,
        15,
        "missing: hospital-c",
        "hospital-c-pneumonia-0001.enc",
        "kind card",
        reason="cohort.refused",
    )


def test_a_second_different_update_of_one_sender_is_refused(at: At) -> None:
    world = at("exported")
    data = (world["coordinator"] / "updates" / "hospital-a-pneumonia-0001.enc").read_bytes()
    (world["coordinator"] / "updates" / "copy.enc").write_bytes(data)
    again = world.type("coordinator", "aggregate", "updates/*.enc", "--json", asks=True)
    assert again.code == 0, again.err  # the same file twice is one update


def test_updates_of_a_closed_round_are_passed_over_with_a_note(at: At) -> None:
    world = at("aggregated")
    before = tree(world["coordinator"])
    again = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert again["already"]
    assert len(again["notes"]) == 3
    assert tree(world["coordinator"]) == before


def test_a_model_of_another_study_is_refused(at: At) -> None:
    world = at("aggregated")
    other = World(world.root / "elsewhere")
    other.root.mkdir()
    write_passphrase(other.passphrase, "x" * 20)
    other["h"].mkdir()
    other.ok("h", "init", "--role", "hospital", "--name", "h", asks=True)
    model = world.carry(world["coordinator"] / "models" / "global-0001.model", "hospital-a")
    refused = other.type("h", "accept", model, "--json")
    one_line(refused, 4, "global-0001.model", "not joined here", reason="model.unknown-plan")


def test_a_plan_without_this_hospital_is_refused(at: At) -> None:
    world = at("joined")
    world["d"].mkdir()
    world.ok("d", "init", "--role", "hospital", "--name", "hospital-d", asks=True)
    plan = world.carry(world["coordinator"] / "plan-0001.plan", "d")
    refused = world.type("d", "join", plan, "--key-words", world.key_words(), "--json")
    one_line(refused, 4, "roster", "card", reason="plan.party-missing")


def test_a_replayed_plan_is_refused_after_its_successor(at: At) -> None:
    world = at("joined")
    old = world["coordinator"] / "plan-0001.plan"
    for party in ("hospital-a", "hospital-b", "hospital-c"):
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)
    assert planned["round"] == 2
    assert planned["key_words"] == world.key_words()  # the members have not changed
    new = world.carry(planned["plan"], "hospital-a")
    world.ok("hospital-a", "join", new)  # so the words are not asked again
    one_line(world.type("hospital-a", "join", old, "--json"), 4, "round 1", reason="plan.replayed")


def test_an_exported_round_that_was_given_up_is_trained_and_paid_anew(at: At) -> None:
    world = at("exported")
    for party in ("hospital-a", "hospital-b", "hospital-c"):
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)
    plan = world.carry(planned["plan"], "hospital-a")
    world.ok("hospital-a", "join", plan)
    told = world.ok("hospital-a", "train", "--epsilon", "6")
    assert 8 < told["epsilon"] < 10
    assert len(world.ok("hospital-a", "budget")["runs"]) == 2


def test_a_result_that_was_never_exported_serves_the_next_plan_unpaid(at: At) -> None:
    world = at("trained")
    for party in ("hospital-a", "hospital-b", "hospital-c"):
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)
    for party in ("hospital-a", "hospital-b", "hospital-c"):
        world.ok(party, "join", world.carry(planned["plan"], party))
        assert world.ok(party, "train")["already"]
        assert len(world.ok(party, "budget")["runs"]) == 1
        update = world.ok(party, "export-update", asks=True)["update"]
        world.carry(update, "coordinator", "updates")
    assert world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["round"] == 2


def test_the_lifetime_budget_refuses_a_third_training(at: At) -> None:
    world = at("exported")
    ledger = world["hospital-a"] / "ledger.db"
    for number in (2, 3):
        for party in ("hospital-a", "hospital-b", "hospital-c"):
            world.ok(party, "card", asks=True)
            world.carry(world[party] / f"{party}.card", "coordinator", "cards")
        planned = world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)
        world.ok("hospital-a", "join", world.carry(planned["plan"], "hospital-a"))
        before = ledger.read_bytes()
        result = world.type("hospital-a", "train", "--epsilon", "6", "--json")
        if number == 2:
            assert result.code == 0
            world.ok("hospital-a", "export-update", asks=True)
        else:
            one_line(result, 14, "lifetime limit 10", "nothing was spent", reason="budget.exceeded")
            assert ledger.read_bytes() == before


def test_a_tampered_ledger_stops_training(at: At) -> None:
    import sqlite3

    world = at("trained")
    with sqlite3.connect(world["hospital-a"] / "ledger.db") as database:
        named = dict(
            database.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'trigger')")
        )
        for trigger in (name for name, kind in named.items() if kind == "trigger"):
            database.execute(f"DROP TRIGGER {trigger}")
        entries = next(name for name, kind in named.items() if kind == "table" and "entr" in name)
        database.execute(f"DELETE FROM {entries}")
    one_line(world.type("hospital-a", "budget", "--json"), 11, "ledger", reason="ledger.end-altered")


# Images and labels


def csv_of(world: World, text: str) -> Path:
    path = world["hospital-a"] / "labels.csv"
    path.write_text(text)
    return path


def first_image(world: World) -> str:
    return sorted(p.name for p in (world["hospital-a"] / "source" / "images").iterdir())[0]


@pytest.mark.parametrize(
    ("rows", "reason", "names"),
    [
        (
            "image,patient,label\n{0},Quackenbush,measles-Quackenbush\n",
            "labels.unknown-label",
            ("row 2", "normal, bacteria, virus"),
        ),
        ("image,patient,label\n{0},p1,normal\n{0},p1,normal\n", "labels.image-twice", ("row 3", "row 2")),
        (
            "image,patient,label\nQuackenbush.png,p1,normal\n",
            "labels.no-such-image",
            ("row 2", "not in the folder"),
        ),
        (
            "image,patient,label,site\n{0},Quackenbush,normal,A\n{1},Quackenbush,normal,B\n",
            "labels.patient-at-two-sites",
            ("row 3", "site"),
        ),
        (
            "image,patient,label,split\n{0},Quackenbush,normal,val\n{1},Quackenbush,normal,train\n",
            "labels.patient-in-two-splits",
            ("split",),
        ),
        ("image,patient,label\n", "labels.no-rows", ("no rows",)),
        ("picture,patient,label\n{0},p1,normal\n", "labels.image-column", ("image",)),
        ("image,patient,label\n../../etc/passwd,p1,normal\n", "labels.path-outside", ("row 2",)),
        ("image,patient,label\n{0},,normal\n", "labels.empty-cell", ("row 2", "patient")),
    ],
)
def test_an_impossible_csv_is_refused_by_row_without_its_values(
    at: At, rows: str, reason: str, names: tuple[str, ...]
) -> None:
    world = at("joined")
    images = sorted(p.name for p in (world["hospital-a"] / "source" / "images").iterdir())
    csv_of(world, rows.format(*images))
    result = world.type("hospital-a", "ingest", "source/images", "--labels", "labels.csv", "--json")
    one_line(result, 11, "labels.csv", *names, reason=reason)
    assert SENTINEL not in result.err + result.out
    assert "Type: privxray ingest" in world.type("hospital-a", "train").err


def test_what_is_not_there_is_said_to_be_missing(at: At) -> None:
    world = at("joined")
    here = world["hospital-a"]
    nowhere = world.type("hospital-a", "ingest", here / "nowhere", "--labels", "x.csv", "--json")
    one_line(nowhere, 1, "folder of images", reason="labels.no-folder")
    absent = world.type("hospital-a", "ingest", here, "--labels", "none.csv", "--json")
    one_line(absent, 1, "no such file", reason="labels.absent")


def test_an_image_without_a_row_is_told_of(at: At) -> None:
    world = at("joined")
    source = world["hospital-a"] / "source"
    kept = (source / "labels.csv").read_text().splitlines()
    (source / "labels.csv").write_text("\n".join(kept[:-1]) + "\n")
    told = world.ok("hospital-a", "ingest", source / "images", "--labels", source / "labels.csv")
    assert told["not_listed"] == 1


def test_an_image_typed_in_place_of_a_travelling_file_is_not_named(at: At) -> None:
    world = at("joined")
    image = world.root / f"{SENTINEL}.dcm"
    image.write_bytes(b"no privxray file")
    for party, command, code in (
        ("hospital-a", "inspect", 11),
        ("hospital-a", "join", 11),
        ("hospital-a", "accept", 11),
        ("coordinator", "aggregate", 15),
    ):
        refused = world.type(party, command, image, "--json", asks=command == "aggregate")
        one_line(
            refused,
            code,
            "not a privxray file",
            reason="cohort.refused" if code == 15 else "file.not-privxray",
        )
        assert SENTINEL not in refused.err


def test_a_file_that_is_not_there_is_not_named_after_a_patient(at: At) -> None:
    world = at("joined")
    for party, line, code in (
        ("hospital-a", ("inspect", f"{SENTINEL}.dcm"), 1),
        ("hospital-a", ("accept", f"{SENTINEL}.dcm"), 1),
        ("hospital-a", ("check", f"{SENTINEL}.dcm"), 2),
        ("coordinator", ("plan", "cards", "--from", f"{SENTINEL}.dcm"), 1),
    ):
        refused = world.type(party, *line, asks=line[0] == "plan")
        assert refused.code == code, (line, refused.err)
        assert SENTINEL not in refused.out + refused.err, line


def test_a_folder_that_cannot_be_written_to_is_said_with_the_files_name(at: At) -> None:
    world = at("trained")
    refused = world.type("hospital-a", "export-update", "--to", "/proc", asks=True)
    one_line(refused, 1, "hospital-a-pneumonia-0001.enc")


@pytest.mark.parametrize(
    "words", [("export-update",), ("unmask", "a.request"), ("infer", "answer", "a.query")]
)
def test_a_file_in_place_of_a_folder_is_refused_before_anything_is_asked(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / f"{SENTINEL}.txt").touch()
    refused = typed(["-C", str(tmp_path), *words, "--to", f"{SENTINEL}.txt", "--json"])
    one_line(refused, 2, "--to has to be a folder, and this is a file")
    assert refused.json["error"]["reason"] == "output.not-a-folder"
    assert SENTINEL not in refused.out + refused.err


def test_an_image_that_does_not_decode_is_named_and_nothing_enters(at: At) -> None:
    world = at("joined")
    broken = world["hospital-a"] / "source" / "images" / first_image(world)
    broken.write_bytes(broken.read_bytes()[:-200])
    result = world.type("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv", "--json")
    one_line(result, 3, f"1 of 24 files did not pass the check ({broken.name})", reason="ingest.check-failed")
    assert "Type: privxray ingest" in world.type("hospital-a", "train").err


def test_a_file_that_fails_the_check_keeps_everything_out_and_shows_no_value(at: At) -> None:
    from PIL import Image, PngImagePlugin

    world = at("joined")
    file = world["hospital-a"] / "source" / "images" / first_image(world)
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", f"{SENTINEL}^Zephyrine")
    Image.open(file).save(file, pnginfo=text)
    result = world.type("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    one_line(result, 3, "1 of 24", "privxray check")
    assert SENTINEL not in result.err + result.out
    checked = world.type("hospital-a", "check", "source/images", "--json")
    assert checked.code == 3
    assert SENTINEL not in checked.err + checked.out
    told = checked.json
    assert told["verdict"] == "fail"
    assert [f["verdict"] for f in told["files"]].count("fail") == 1
    assert "Type: privxray ingest" in world.type("hospital-a", "train").err


def test_predict_names_a_file_that_may_name_somebody_by_number(at: At) -> None:
    world = at("aggregated")
    world.ok("hospital-a", "accept", "received/global-0001.model", asks=True)
    bad = world["hospital-a"] / f"{SENTINEL}_Zephyrine.png"
    bad.write_bytes(b"no image")
    result = world.type("hospital-a", "predict", bad)
    one_line(result, 11, "file #1")
    assert SENTINEL not in result.err + result.out


# The machine


@pytest.mark.parametrize(
    ("stage", "party", "words", "asks"),
    [
        ("joined", "hospital-a", ("ingest", "source/images", "--labels", "source/labels.csv"), False),
        ("trained", "hospital-a", ("export-update",), True),
        ("exported", "coordinator", ("aggregate", "updates/*.enc"), True),
    ],
)
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(
    at: At, stage: str, party: str, words: tuple[str, ...], asks: bool
) -> None:
    """RLIMIT_FSIZE makes writes fail as a full disk does, at 40 kB a file."""
    world = at(stage)
    line = ["-C", str(world[party]), *words]
    if asks:
        line += ["--passphrase-file", str(world.passphrase)]
    code = "from privxray.cli.app import main; main()"

    import resource

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    full = subprocess.run(
        [sys.executable, "-c", code, *line], capture_output=True, text=True, preexec_fn=limited, check=False
    )
    one_line(Result(full.returncode, full.stdout, full.stderr), 1)
    assert not [p for p in world[party].rglob("*.tmp") if "rounds" not in p.parts]
    world.ok(party, "status")
    world.ok(party, *words, asks=asks)


@pytest.mark.slow
def test_ctrl_c_at_any_moment_of_training_is_one_line_and_costs_nothing_twice(at: At) -> None:
    world = at("ingested")
    code = "from privxray.cli.app import main; main()"
    line = [sys.executable, "-c", code, "-C", str(world["hospital-a"]), "train", "--epsilon", "6"]
    for delay in (0.5, 1.0, 2.0, 3.0):
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        if process.returncode == -signal.SIGINT or "init_import_site" in err:  # before privxray's first line
            continue
        if process.returncode != 0:
            *done, last = err.splitlines(keepends=True)
            one_line(Result(process.returncode, out, last), 130, "cancelled", "same command")
            # Pressed when the training was done and its closing lines were being printed.
            closing = ("Note:", "Round 1 is trained", "The report of the training", "Next:")
            assert all(line.startswith(closing) for line in done), err
    world.ok("hospital-a", "train", "--epsilon", "6")
    spent = world.ok("hospital-a", "budget")
    assert len(spent["runs"]) == 1
    assert spent["spent"]["epsilon"] <= 6


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_ctrl_c_while_the_command_is_read_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    from typer.core import TyperGroup

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TyperGroup, "make_context", interrupted)
    result = typed(["status", *options])
    one_line(result, 130, "cancelled", "same command")
    assert not options or result.json["exit_code"] == 130


def test_a_fault_of_privxray_itself_shows_no_value(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    from privxray.workflow.hospital.local_training import train

    def fail(*_: object, **__: object) -> None:
        patient = f"{SENTINEL}^Zephyrine"
        raise KeyError(patient)

    monkeypatch.setattr(train, "open_dataset", fail)
    world = at("ingested")
    result = world.type("hospital-a", "train")
    one_line(result, 1, "privxray itself failed (KeyError at workflow/hospital/local_training/train.py")
    assert SENTINEL not in result.err + result.out


def test_errors_are_json_too(at: At) -> None:
    world = at("joined")
    result = world.type("hospital-a", "export-update", "--json")
    assert result.code == 10
    assert result.json["exit_code"] == 10
    assert "train" in result.json["error"]["advice"]
