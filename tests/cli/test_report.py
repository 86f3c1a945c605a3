"""``report training``: the page of a hospital's training, which `train` and `accept` write too."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from crash import killed_at
from played_study import PATIENT, At, Snapshots, World, copy_world

from privxray.cli.app import run
from privxray.system import private_files

PAGE = "reports/pneumonia-training.html"


@pytest.fixture
def accepted(snapshots: Snapshots, tmp_path: Path) -> World:
    world = World(copy_world(snapshots("unaccepted"), tmp_path / "world"))
    told = world.type("hospital-a", "accept", "received/global-0001.model", asks=True)
    assert told.code == 0, told.err
    assert "The report of the training is" in told.err
    return world


class Pictures(HTMLParser):
    """The pictures of a page with the text that stands for each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.images: list[str] = []
        self.ids: list[str] = []
        self.charts: list[str] = []
        self.sources: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "img":
            self.images.append(given.get("alt") or "")
            self.sources.append(str(given["src"]))
        if tag == "svg":
            assert given["role"] == "img"
            self.charts.append(given.get("aria-labelledby") or "")


def test_accept_writes_the_page_with_all_its_parts(accepted: World) -> None:
    path = accepted["hospital-a"] / PAGE
    page = path.read_text()
    assert not private_files.others_may_read(path)
    for expected in (
        "stays inside the hospital", "The data set", "against the rest: AUC", "bootstrap",
        "What was taken for what", "own training", "Most confidently right", "Most confidently wrong",
        "Least certain",
        "the map is exact", "lifetime limit", "Epsilon over time",
        "<details><summary>Constants of the method", "noise",
        accepted.ok("hospital-a", "evaluate")["fingerprints"]["model"],
    ):  # fmt: skip
        assert expected in page, expected
    assert "://" not in page
    assert "<script" not in page
    seen = Pictures(page)
    assert all(seen.images)
    assert all(source.startswith("data:image/jpeg;base64,") for source in seen.sources)
    assert len(seen.images) >= 4
    assert any("What spoke for" in text for text in seen.images)
    for chart in seen.charts:
        assert all(one in seen.ids for one in chart.split())
    assert len(set(seen.ids)) == len(seen.ids)


def test_the_page_after_train_has_no_picture_of_the_own_result(at: At) -> None:
    world = at("trained")
    told = world.type("hospital-a", "train")
    assert told.code == 0, told.err
    page = (world["hospital-a"] / PAGE).read_text()
    assert "no global model has been accepted yet" in page.lower()
    assert "macro AUC" in page
    assert "<img" not in page
    told = world.type("hospital-a", "report", "training")
    assert told.code == 0
    assert told.err.splitlines()[-1].startswith("Next: ")
    assert "export-update" in told.err


def test_the_page_names_nobody(accepted: World) -> None:
    source = accepted["hospital-a"] / "source"
    labels = (source / "labels.csv").read_text()
    (source / "labels.csv").write_text(labels.replace("patient-0-3", f"{PATIENT}^Ada"))
    for image in sorted((source / "images").glob("img-0-003-*.png")):
        named = image.name.replace("img", PATIENT)
        image.rename(image.with_name(named))
        (source / "labels.csv").write_text((source / "labels.csv").read_text().replace(image.name, named))
    line = ("ingest", "source/images", "--labels", "source/labels.csv", "--replace")
    assert accepted.type("hospital-a", *line).code == 0
    told = accepted.type("hospital-a", "report", "training")
    assert told.code == 0, told.err
    page = (accepted["hospital-a"] / PAGE).read_text()
    for one in (PATIENT, "patient-0-", "img-0-"):
        assert one not in page
        assert one not in told.out + told.err


def test_a_file_in_the_place_of_the_page_stays(accepted: World) -> None:
    path = accepted["hospital-a"] / PAGE
    path.write_text("notes of mine")
    assert accepted.refused("hospital-a", "report", "training") == "report.in-the-way"
    told = accepted.type("hospital-a", "accept", "received/global-0001.model", asks=True)
    assert told.code == 0
    assert "macro AUC" in told.out
    assert path.read_text() == "notes of mine"
    path.unlink()
    made = accepted.ok("hospital-a", "report", "training")
    assert made["not_scored"] is None
    assert re.search(r"reports.pneumonia-training\.html$", made["report"])
    assert accepted.refused("coordinator", "report", "training") == "workspace.other-role"


def test_kill_9_leaves_no_half_page(accepted: World, tmp_path: Path) -> None:
    source = accepted["hospital-a"]
    whole = source / PAGE
    whole.unlink()
    steps = 0
    while True:
        steps += 23
        folder = copy_world(source, tmp_path / str(steps))
        line = ["-C", str(folder), "report", "training"]
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
        if (folder / PAGE).exists():
            assert (folder / PAGE).read_text().rstrip().endswith("</html>")
        if not killed:
            break
        assert run(line) == 0
        assert (folder / PAGE).read_text().rstrip().endswith("</html>")
        assert not list((folder / "reports").glob(".*.tmp"))
        shutil.rmtree(folder)
    assert steps > 46
