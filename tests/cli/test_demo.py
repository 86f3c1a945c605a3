"""The demo: a small collection of several sites, as its JSON promises; the worked example."""

from __future__ import annotations

import csv
import hashlib
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from played_study import draw_images, typed

from privxray.demo.party import make_party
from privxray.system import console

ROOT = Path(__file__).parents[2]
METRICS = {"macro_auc", "balanced_accuracy", "mcc", "pneumonia_auc"}


def collection(folder: Path, *, splits: tuple[str, ...] = ("train", "val", "test")) -> Path:
    """One csv of three sites."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for place, site in enumerate("ABC"):
        own = draw_images(folder / site, place, patients=12)
        with own.open(newline="") as stream:
            for number, row in enumerate(csv.DictReader(stream)):
                shutil.move(folder / site / "images" / row["image"], folder / "images")
                split = splits[(number // 6) % len(splits)]
                rows.append({**row, "site": site, "split": split})
    path = folder / "labels.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["image", "patient", "label", "site", "split"])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("method", ["linear-probe", "dp-sgd"])
def test_the_demo_on_a_collection_prints_the_promised_object(tmp_path: Path, method: str) -> None:
    labels = collection(tmp_path / "data")
    words = ["demo", str(tmp_path / "out"), "--data", str(labels), "--epsilon", "4", "--method", method]
    result = typed([*words, "--json"])
    assert result.code == 0, result.err
    told = result.json
    assert told["method"] == method
    assert told["rounds"] == {"linear-probe": 1, "dp-sgd": 1}[method]
    assert set(told["epsilon"]) == {"A", "B", "C"}
    assert all(3.9 < value <= 4 for value in told["epsilon"].values())
    assert told["delta"] == 1e-5
    for scores in (told["metrics"], told["reference"], *told["alone"].values()):
        assert set(scores) == {"val", "test"}
        assert all(set(metrics) == METRICS for metrics in scores.values())
    assert set(told["alone"]) == {"A", "B", "C"}
    assert {"features", "train", "export", "aggregate", "evaluate"} <= set(told["seconds"])
    assert told["bytes"]["model"] > 1000
    asked = told["inference"]
    if method == "dp-sgd":
        assert asked is None
    else:
        assert asked["probabilities"][asked["label"]] == max(asked["probabilities"].values())
        assert asked["bytes"]["query"] < 75_000
        assert asked["bytes"]["answer"] < 60_000
        assert set(asked["seconds"]) == {"offer", "ask", "answer", "read"}
    if method == "linear-probe":
        assert told["bytes"]["update"] < 400_000
    image = next((tmp_path / "data").rglob("*.png"))
    seen = typed(["-C", str(tmp_path / "out" / "hospital-a"), "predict", str(image), "--json"])
    assert seen.code == 0, seen.err
    (found,) = seen.json["images"]
    assert sum(found["probabilities"].values()) == pytest.approx(1.0, abs=1e-3)
    again = typed([*words, "--json"])
    assert (again.code, again.json["error"]["reason"]) == (4, "demo.finished")


def test_only_splits_that_are_there_are_scored(tmp_path: Path) -> None:
    labels = collection(tmp_path / "data", splits=("train", "val"))
    told = typed(["demo", str(tmp_path / "out"), "--data", str(labels), "--json"]).json
    assert set(told["metrics"]) == set(told["reference"]) == {"val"}


@pytest.mark.parametrize(
    ("splits", "says"),
    [
        (("train", "test"), "Held-out patients of all sites together (test)"),
        (("train",), "Nothing was scored"),
    ],
)
def test_a_collection_without_a_split_val_is_shown_all_the_same(
    tmp_path: Path, splits: tuple[str, ...], says: str
) -> None:
    labels = collection(tmp_path / "data", splits=splits)
    result = typed(["demo", str(tmp_path / "out"), "--data", str(labels)])
    assert result.code == 0, result.err
    assert says in result.out + result.err


def refusal(*words: str) -> tuple[int, str]:
    """The exit code of a demo that is refused, and the reason."""
    result = typed(["demo", *words, "--json"])
    assert "patient-" not in result.out + result.err
    return result.code, result.json["error"]["reason"]


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert refusal(str(tmp_path), "--force") == (4, "demo.folder-in-use")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("site", "ward", "demo.column-missing"),
        (",C,", ",B,", "demo.too-few-sites"),
        (",C,", ",b,", "demo.sites-alike"),
    ],
)
def test_a_collection_that_makes_no_study_is_refused_before_anything_is_made(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    labels = collection(tmp_path / "data")
    labels.write_text(labels.read_text().replace(old, new))
    assert refusal(str(tmp_path / "out"), "--data", str(labels)) == (11, reason)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "says"), [(",A,", ",B,", "site"), ("label", "class", "label"), (",val", ",later", "split")]
)
def test_a_csv_that_contradicts_itself_is_refused_before_anything_is_made(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    labels = collection(tmp_path / "data")
    labels.write_text(labels.read_text().replace(old, new, 1))
    result = typed(["demo", str(tmp_path / "out"), "--data", str(labels)])
    assert result.code == 11, result.err
    assert says in result.err
    assert "patient-" not in result.err
    assert not (tmp_path / "out").exists()


def test_a_command_that_fails_ends_the_demo_with_its_own_reason_and_exit_code(tmp_path: Path) -> None:
    labels = collection(tmp_path / "data", splits=("train", "val"))
    result = typed(["demo", str(tmp_path / "out"), "--data", str(labels), "--epsilon", "1000", "--json"])
    assert result.code == 2
    error = result.json["error"]
    assert error["what"].startswith("`privxray plan` at coordinator failed: ")
    passphrase = tmp_path / "out" / "passphrases" / "coordinator"
    line = ["-C", str(tmp_path / "out" / "coordinator"), "plan", "cards/*.card", "--epsilon", "1000"]
    again = typed([*line, "--passphrase-file", str(passphrase), "--json"])
    assert (again.code, again.json["error"]["reason"]) == (2, error["reason"])


def test_images_that_the_check_objects_to_end_the_demo(tmp_path: Path) -> None:
    from PIL import Image, PngImagePlugin

    labels = collection(tmp_path / "data")
    image = next((tmp_path / "data" / "images").iterdir())
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", "Example^Hannah")
    Image.open(image).save(image, pnginfo=said)
    assert refusal(str(tmp_path / "out"), "--data", str(labels)) == (3, "demo.images-not-clean")


@pytest.mark.slow
def test_the_demo_from_nothing_ends_with_what_everybody_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from privxray.demo import synthetic_xrays

    real = synthetic_xrays.draw_study
    monkeypatch.setattr(synthetic_xrays, "draw_study", lambda folder: real(folder, patients_per_site=15))
    result = typed(["demo", str(tmp_path / "out")])
    assert result.code == 0, result.err
    for line in ("What each party could see", "Privacy spent", "hospital-a alone", "without privacy"):
        assert line in result.out
    assert "privxray inspect" in result.err
    assert "A clinic outside the study asked about one X-ray" in result.out
    assert "The clinic reads the answer" in result.err


@pytest.mark.slow
def test_real_radiographs_of_three_sites(xrays: Path, tmp_path: Path) -> None:
    """A fifteenth of the patients: the real files pass the check, decode, and train through the commands."""
    with (xrays / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (tmp_path / "labels.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(row for row in rows if hashlib.sha256(row["patient"].encode()).digest()[0] < 17)
    result = typed(["demo", str(tmp_path / "out"), "--data", str(tmp_path / "labels.csv"),
                    "--images", str(xrays / "images"), "--json"])  # fmt: skip
    assert result.code == 0, result.err
    assert result.json["reference"]["val"]["pneumonia_auc"] > 0.8


def test_nobody_is_asked_in_a_demo_typed_at_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    asked = []

    def run(line: list[str]) -> int:
        asked.append(console.is_terminal(sys.stdin))
        print("{}")
        return 0

    party = make_party(tmp_path, "clinic", run)
    assert party.type("init") == {}
    assert asked == [False]
    assert sys.stdin.isatty()
