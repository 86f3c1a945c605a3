"""Text in pixels: what counts as a marker, boxes and tiles, and the networks on drawn captions."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from privxray.deid.pixels.box import Box
from privxray.deid.pixels.text import contrast, ocr_engine
from privxray.deid.pixels.text import text_finder as finding
from privxray.deid.pixels.text.boxes import from_map, merged
from privxray.deid.pixels.text.markers import is_marker
from privxray.deid.pixels.text.text_box import TextBox
from privxray.deid.pixels.text.text_finder import TextFinder
from privxray.deid.pixels.text.tiles import OVERLAP, SIDE, STEP, in_tiles, spans
from privxray.errors import MalformedError, SystemTroubleError, UsageError

NAME = "KOWALSKI ANNA"


@pytest.mark.parametrize(
    "text", ["R", "l", "AP", "A-P", "P.A", "ERECT", "R ERECT", "AP/PA", "Chest PA", "LAT."]
)
def test_markers(text: str) -> None:
    assert is_marker(text)


@pytest.mark.parametrize("text", ["", "-", "ANNA", "R ANNA", "R 1952", "AP2", "A-B", "MR", "RL-17", "KV70"])
def test_other_text_is_no_marker(text: str) -> None:
    assert not is_marker(text)


def test_a_map_gives_boxes_that_grow_and_specks_give_none() -> None:
    probability = np.zeros((64, 128), np.float32)
    probability[20:30, 30:90] = 0.9
    probability[50:52, 5:7] = 0.9
    probability[40:50, 100:120] = 0.4  # above the threshold, but not sure enough on the whole
    (((left, top, right, bottom), score),) = from_map(probability)
    assert left < 30 < 90 < right
    assert top < 20 < 30 < bottom
    assert 0 <= top < bottom <= 64
    assert score == pytest.approx(0.9, abs=0.2)


def test_boxes_of_two_passes_become_one_and_neighbours_stay_two() -> None:
    one, other, far = Box(10, 10, 60, 20), Box(12, 8, 62, 19), Box(10, 40, 60, 50)
    assert merged([(one, 0.6), (other, 0.9), (far, 0.7)]) == [((10, 8, 62, 20), 0.9), (far, 0.7)]


def test_the_same_place_in_two_frames() -> None:
    def box(x: int, width: int = 100) -> TextBox:
        return TextBox(0, x, 10, width, 20, 0.9, "error", NAME)

    assert box(10).is_where(box(14))
    assert not box(10).is_where(box(60))
    assert not box(10).is_where(box(10, width=160))
    assert NAME not in repr(box(10))


@given(st.integers(1, 6000))
def test_tiles_cover_a_side_once_and_overlap(length: int) -> None:
    found = list(spans(length))
    assert found[0][2] == 0
    assert found[-1][3] == length
    assert all(one[3] == other[2] for one, other in itertools.pairwise(found))
    assert all(other[0] <= one[1] - OVERLAP + STEP * 2 for one, other in itertools.pairwise(found))
    for start, stop, first, last in found:
        assert 0 <= start <= first < last <= stop <= max(length, SIDE)
        assert stop - start <= SIDE


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 2500), st.integers(1, 2500))
def test_tiles_put_a_map_together_at_its_own_size(rows: int, columns: int) -> None:
    picture = (np.arange(rows)[:, None] * 7 + np.arange(columns) * 13).astype(np.uint8)
    assert np.array_equal(in_tiles(picture, lambda part: part.astype(np.float32)), picture)


def test_values_of_any_depth_fill_the_same_scale() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (64, 64)).astype(np.uint8)
    assert np.array_equal(contrast.common_scale(grey), grey)
    deep = contrast.common_scale(grey.astype(np.uint16) * 16 + 1000)
    assert np.abs(deep - grey).max() < 6
    assert np.abs(contrast.common_scale(grey.astype(np.float32) / 7) - grey).max() < 6
    assert not contrast.common_scale(np.full((4, 4), 7, np.int32)).any()
    for wrong in (np.zeros((2, 2, 2)), np.zeros(4), np.zeros((0, 4))):
        with pytest.raises(ValueError, match="one frame is needed"):
            contrast.common_scale(wrong)


def test_evening_makes_a_faint_caption_stand_out() -> None:
    frame = np.random.default_rng(1).normal(120, 2, (200, 200)).astype(np.float32)
    frame[90:100, 50:150:4] += 15
    even = contrast.even_contrast(frame).astype(float)
    assert even[90:100, 50:150:4].mean() - even[20:60].mean() > 60


@pytest.mark.parametrize(
    ("text", "confidence", "upright", "size", "nobody"),
    [
        ("R", 0.99, True, (20, 22), True),
        ("R", 0.95, True, (12, 25), True),  # a narrow letter, or one at the frame's edge
        ("R", 0.95, True, (12, 40), False),  # longer than a letter is
        ("R", 0.60, True, (12, 25), False),  # not surely a letter
        ("R", 0.95, False, (12, 25), False),  # perhaps the beginning of a line that runs upwards
        ("R", 0.99, True, (60, 20), False),  # a line of which one letter was read
        ("A-P", 0.9, True, (40, 20), True),
        ("ANNA", 0.9, True, (60, 20), False),
    ],
)
def test_a_letter_alone_must_fill_its_box(
    text: str, confidence: float, upright: bool, size: tuple[int, int], nobody: bool
) -> None:
    reading = finding._Reading(text, confidence, upright)
    assert finding._names_nobody(reading, Box(0, 0, *size)) is nobody


@pytest.mark.parametrize(
    ("text", "confidence", "size", "anatomy"),
    [
        ("H", 0.55, (80, 170), True),
        ("H", 0.95, (80, 170), False),
        ("H", 0.55, (30, 170), False),
        ("HA", 0.55, (80, 170), False),
        (".-", 0.99, (10, 30), True),
    ],
)
def test_ribs_are_no_letters(text: str, confidence: float, size: tuple[int, int], anatomy: bool) -> None:
    assert finding._is_anatomy(finding._Reading(text, confidence), Box(0, 0, *size), (224, 224)) is anatomy


# With the networks


@pytest.fixture(scope="module")
def finder() -> TextFinder:
    pytest.importorskip("rapidocr_onnxruntime")
    return TextFinder(1)


def frame(text: str, *, turns: int = 0, size: int = 20, contrast: int = 120, side: int = 320) -> np.ndarray:
    """Noise with one caption in it."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    ink = Image.new("L", (right - left + 8, bottom - top + 8))
    ImageDraw.Draw(ink).text((4 - left, 4 - top), text, fill=255, font=font)
    drawn = np.rot90(np.asarray(ink) / 255, turns)
    picture = np.random.default_rng(3).normal(90, 3, (side, side))
    picture[60 : 60 + drawn.shape[0], 40 : 40 + drawn.shape[1]] += contrast * drawn
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("turns", range(4))
def test_a_name_is_found_whichever_way_it_runs(finder: TextFinder, turns: int) -> None:
    boxes = finder.find(frame(NAME, turns=turns), frame=5)
    assert boxes
    assert all(box.severity == "error" and box.frame == 5 for box in boxes)
    mask = np.zeros((320, 320), bool)
    for box in boxes:
        mask[box.y : box.y + box.height, box.x : box.x + box.width] = True
    ink = frame(NAME, turns=turns).astype(int) - frame("", turns=turns).astype(int) > 60
    assert mask[ink].mean() > 0.95
    assert mask.mean() < 0.25


def test_depth_and_colour_don_t_matter(finder: TextFinder) -> None:
    plain = frame(NAME)
    deep = plain.astype(np.uint16) * 12 + 300
    red = np.stack([plain, np.full_like(plain, 90), np.full_like(plain, 90)], axis=2)
    for pixels in (deep, red):
        assert [box.severity for box in finder.find(pixels)] == ["error"]


def test_a_side_marker_is_a_notice_and_noise_is_nothing(finder: TextFinder) -> None:
    assert finder.find(frame("")) == []
    assert [box.severity for box in finder.find(frame("R", size=40))] == ["notice"]
    assert {box.severity for box in finder.find(frame("R ANNA 1952", size=30))} == {"error"}


def test_a_missing_extra_and_altered_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    models = ocr_engine._folder()
    shutil.copytree(models, tmp_path / "models")
    weights = tmp_path / "models" / ocr_engine.DIRECTION[0]
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    monkeypatch.setattr(ocr_engine, "_folder", lambda: tmp_path / "models")
    with pytest.raises(MalformedError) as altered:
        TextFinder()
    assert altered.value.reason == "ocr.other-weights"
    weights.unlink()
    with pytest.raises(SystemTroubleError) as unread:
        TextFinder()
    assert unread.value.reason == "ocr.weights-unread"
    monkeypatch.undo()
    monkeypatch.setattr(ocr_engine, "PACKAGE", "no_such_package_at_all")
    with pytest.raises(UsageError) as caught:
        TextFinder()
    assert caught.value.reason == "ocr.not-installed"
    assert "privxray[ocr]" in str(caught.value.advice)
