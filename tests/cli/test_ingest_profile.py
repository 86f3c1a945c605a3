"""`ingest` judges by the profile that is typed, keeps it, and says so."""

from __future__ import annotations

import csv
import importlib.util
import io
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from played_study import CLASSES, At, Result, World

sys.path.append(str(Path(__file__).parents[1] / "unit"))
import deid_samples as samples

HOSPITAL = "hospital-a"
SENTINEL = "Zyxwvutsen"
INGEST = ("ingest", "dicom", "--labels", "dicom/labels.csv")
CHARACTERISTICS = "--retain-patient-characteristics"


def radiograph(number: int) -> bytes:
    """De-identified but for sex and age, and a station's name that a profile file may keep."""
    ds = samples.clean()
    ds.PatientID = f"PAT{number:03d}"
    ds.PatientSex, ds.PatientAge, ds.StationName = "F", "007Y", "ROOM 7"
    ds.SOPInstanceUID = f"{ds.SOPInstanceUID[:40]}.{number}"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.Rows = ds.Columns = 32
    ds.PixelData = np.random.default_rng(number).integers(0, 256, 1024).astype("u1").tobytes()
    return samples.encode(ds)


def add(world: World, *numbers: int) -> None:
    folder = world[HOSPITAL] / "dicom"
    folder.mkdir(exist_ok=True)
    for number in numbers:
        (folder / f"im{number}.dcm").write_bytes(radiograph(number))
    names = sorted(path.name for path in folder.glob("*.dcm"))
    with (folder / "labels.csv").open("w", newline="") as stream:
        rows = [(name, CLASSES[place % len(CLASSES)]) for place, name in enumerate(names)]
        csv.writer(stream).writerows([("image", "label"), *rows])


def ingest(world: World, *options: str) -> Result:
    return world.type(HOSPITAL, *INGEST, *options)


@pytest.fixture
def world(at: At) -> World:
    world = at("joined")
    add(world, *range(6))
    return world


def test_an_option_lets_images_in_and_holds_for_the_next_time(world: World) -> None:
    refused = ingest(world)
    assert refused.code == 3
    assert refused.err.count("\n") == 1
    let_in = ingest(world, CHARACTERISTICS, "--json")
    assert let_in.code == 0, let_in.err
    assert let_in.json["profile"] == "profile basic, retain-patient-characteristics"
    add(world, 6)
    again = ingest(world)
    assert again.code == 0
    assert "retain-patient-characteristics, as chosen before" in again.err + again.out


def test_a_change_of_profile_is_told(world: World) -> None:
    assert ingest(world, CHARACTERISTICS).code == 0
    changed = ingest(world, CHARACTERISTICS, "--retain-device-identity", "--replace")
    assert changed.code == 0, changed.err
    assert "the ingest before this one by profile basic, retain-patient-characteristics." in (
        changed.err + changed.out
    )
    narrower = ingest(world, "--profile", "basic", "--replace")
    assert narrower.code == 3


def test_a_profile_file_of_the_site(world: World) -> None:
    ours = world[HOSPITAL] / "ours.yaml"
    ours.write_text(
        "name: ours\nbase: basic\noptions: [retain_patient_characteristics]\n"
        "overrides:\n  - attribute: StationName\n    action: K\n    reason: shared by all rooms\n"
    )
    done = ingest(world, "--profile", "ours.yaml", "--json")
    assert done.code == 0, done.err
    assert done.json["profile"] == "profile ours, retain-patient-characteristics, 1 override"


@pytest.mark.parametrize(
    ("text", "code"),
    [("name: [", 11), ("name: ours\nbase: nothing\n", 2), ("", 11)],
)
def test_a_wrong_profile_is_one_line_and_nothing_enters(world: World, text: str, code: int) -> None:
    (world[HOSPITAL] / f"{SENTINEL}.yaml").write_text(text)
    result = ingest(world, "--profile", f"{SENTINEL}.yaml")
    assert result.code == code, result.err
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err
    assert "Type: privxray ingest" in world.type(HOSPITAL, "train").err


def test_text_in_the_pixels_keeps_all_out_where_they_are_searched(world: World) -> None:
    if importlib.util.find_spec("rapidocr") is None:
        pytest.skip("the extra ocr is not installed")
    ds = pydicom.dcmread(io.BytesIO(radiograph(7)))
    ds.Rows = ds.Columns = 192
    picture = Image.new("L", (192, 192), 90)
    ImageDraw.Draw(picture).text((10, 80), SENTINEL, fill=250, font=ImageFont.load_default(32))
    ds.PixelData = picture.tobytes()
    add(world, 7)
    (world[HOSPITAL] / "dicom" / "im7.dcm").write_bytes(samples.encode(ds))
    result = ingest(world, CHARACTERISTICS, "--ocr")
    assert result.code == 3, result.err
    assert "1 of 7 files did not pass" in result.err
    assert SENTINEL not in result.err + result.out
    assert ingest(world, CHARACTERISTICS).code == 0
    (world[HOSPITAL] / "dicom" / "im7.dcm").write_bytes(radiograph(7))
    searched = ingest(world, "--ocr", "--replace", "--json")
    assert searched.code == 0, searched.err
    assert searched.json["pixels_searched"] is True


def test_options_that_exclude_each_other(world: World) -> None:
    both = ingest(world, "--retain-longitudinal-full-dates", "--retain-longitudinal-modified-dates")
    assert both.code == 2
    assert both.err.count("\n") == 1
