"""``report privacy``: the statement for the impact assessment, in English and German."""

from __future__ import annotations

import shutil
from pathlib import Path

from crash import killed_at
from played_study import PATIENT, At, World, copy_world

from privxray.cli.app import run

FILES = ("pneumonia-privacy-en.html", "pneumonia-privacy-de.html")


def written(world: World) -> list[str]:
    return [(world["hospital-a"] / "reports" / name).read_text("utf-8") for name in FILES]


def test_the_statement_says_what_left_and_what_is_promised(at: At) -> None:
    world = at("exported")
    told = world.ok("hospital-a", "report", "privacy")
    assert [Path(one).name for one in told["reports"]] == list(FILES)
    listed = world.ok("hospital-a", "exports")["files"]
    assert len(listed) == 2
    english = (
        "What the guarantee does not cover", "epsilon 6 at delta 1e-05", 'lang="en"', "rest on X25519 alone",
        "encrypted to the coordinator and signed",
    )  # fmt: skip
    german = ("umfasst", "Epsilon 6 bei Delta 0,00001", 'lang="de"', "beruhen auf X25519 allein")
    for text, words in zip(written(world), (english, german), strict=True):
        for expected in (*words, "coordinator", "privxray", "cryptography"):
            assert expected in text, expected
        assert all(one["sha256"] in text for one in listed)
        assert "://" not in text
        assert "<script" not in text
        assert not any(more in text for more in ("Before the training", "Vor dem Training"))


def test_doctor_knows_that_the_statement_may_be_passed_on_and_no_other_page(at: At) -> None:
    world = at("aggregated")
    world.ok("hospital-a", "report", "privacy")
    world.ok("hospital-a", "report", "training")
    assert world.type("hospital-a", "doctor").code == 0
    (page,) = (world["hospital-a"] / "reports").glob("*training*.html")
    page.chmod(0o644)
    assert world.type("hospital-a", "doctor").code == 3


def test_before_an_update_only_the_card_has_left(at: At) -> None:
    world = at("joined")
    world.ok("hospital-a", "report", "privacy")
    for text in written(world):
        assert "hospital-a.card" in text
        assert ".enc" not in text
    assert world.refused("coordinator", "report", "privacy") == "workspace.other-role"


def test_the_statement_names_nobody(at: At) -> None:
    world = at("exported")
    labels = world["hospital-a"] / "source/labels.csv"
    labels.write_text(labels.read_text().replace("patient-0-3", f"{PATIENT}^Ada"))
    line = ("ingest", "source/images", "--labels", "source/labels.csv", "--replace")
    assert world.type("hospital-a", *line).code == 0
    told = world.type("hospital-a", "report", "privacy")
    assert told.code == 0, told.err
    assert told.err.splitlines()[-1].startswith("Next: ")
    for text in [*written(world), told.out, told.err]:
        for hidden in (PATIENT, "patient-0-", "img-0-"):
            assert hidden not in text


def test_another_file_stays(at: At) -> None:
    world = at("joined")
    (world["hospital-a"] / "reports").mkdir()
    other = world["hospital-a"] / "reports" / FILES[1]
    other.write_text("notes of mine")
    assert world.refused("hospital-a", "report", "privacy") == "report.in-the-way"
    assert other.read_text() == "notes of mine"


def test_kill_9_leaves_no_half_page(at: At, tmp_path: Path) -> None:
    source = at("joined")["hospital-a"]
    for steps in range(9, 600, 9):
        folder = copy_world(source, tmp_path / str(steps))
        line = ["-C", str(folder), "report", "privacy"]
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
        for name in FILES:
            path = folder / "reports" / name
            assert not path.exists() or path.read_text("utf-8").rstrip().endswith("</html>")
        if not killed:
            assert steps > 18
            return
        assert run(line) == 0
        assert not list((folder / "reports").glob(".*.tmp"))
        shutil.rmtree(folder)
