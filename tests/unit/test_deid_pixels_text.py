"""Text in pixels: what counts as a marker, boxes and tiles, and the networks on drawn captions."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from privxray.deid.pixels.text import contrast, ocr_engine
from privxray.deid.pixels.text.detected_lines import lines_in
from privxray.deid.pixels.text.markers import is_marker
from privxray.deid.pixels.text.reading import Reading, is_text, names_nobody
from privxray.deid.pixels.text.straighten import straightened
from privxray.deid.pixels.text.text_box import TextBox
from privxray.deid.pixels.text.text_finder import TextFinder
from privxray.deid.pixels.text.tiles import OVERLAP, SIDE, STEP, in_tiles, spans
from privxray.deid.pixels.text.tilted_box import TiltedBox, smallest_around
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
    ((box, score),) = lines_in(probability)
    left, top, right, bottom = box.around()
    assert left < 30 < 90 < right
    assert top < 20 < 30 < bottom
    assert box.tilt == 0
    assert score == pytest.approx(0.9, abs=0.2)


@pytest.mark.parametrize("angle", [0, 4, 20, 44, 46, 70, 86, 90])
def test_a_tilted_line_gives_a_box_along_it_and_pieces_that_hold_it(angle: int) -> None:
    bar = np.zeros((300, 300), bool)
    bar[144:156, 50:250] = True
    turned = np.asarray(Image.fromarray(bar).rotate(-angle))
    ((box, _),) = lines_in(turned.astype(np.float32))
    lying = angle < 45
    long, short = (box.width, box.height) if lying else (box.height, box.width)
    grown = 2 * 1.6 * 202 * 14 / (2 * 216)  # of the bar and the pixel that joins marks
    assert (long, short) == (pytest.approx(202 + grown, abs=4), pytest.approx(14 + grown, abs=4))
    assert np.degrees(box.tilt) == pytest.approx(angle if lying else angle - 90, abs=1)
    held = np.zeros_like(bar)
    for left, top, right, bottom in box.pieces():
        held[top:bottom, left:right] = True
    assert held[turned].all()
    assert held.sum() < 2.3 * box.area


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=30))
def test_the_smallest_box_holds_all_points_and_is_no_larger_than_a_straight_one(
    pixels: list[tuple[int, int]],
) -> None:
    places = np.array(pixels, float)
    corners = np.concatenate([places + corner for corner in itertools.product((0, 1), (0, 1))])
    box = smallest_around(corners)
    seen = np.abs((corners - (box.x, box.y)) @ box.axes.T)
    assert (seen <= np.array((box.width, box.height)) / 2 + 1e-6).all()
    assert box.area <= np.prod(np.ptp(corners, axis=0)) + 1e-6
    left, top, right, bottom = box.around()
    assert ((corners >= (left - 1e-6, top - 1e-6)) & (corners <= (right + 1e-6, bottom + 1e-6))).all()


def test_a_round_mark_lies_straight() -> None:
    rows, columns = np.mgrid[:21, :21]
    disc = np.argwhere((rows - 10) ** 2 + (columns - 10) ** 2 <= 100).astype(float)
    assert smallest_around(disc) == TiltedBox(10, 10, 20, 20)


@pytest.mark.parametrize("channels", [0, 3])
def test_a_tilted_line_is_cut_out_straight_and_goes_on_beyond_the_frame(channels: int) -> None:
    rows, columns = np.mgrid[:100, :100]
    tilt = np.radians(20)
    down = (rows + 0.5 - 50) * np.cos(tilt) - (columns + 0.5 - 50) * np.sin(tilt)
    frame = np.where(np.abs(down) < 4, 200, 50).astype(np.float32)
    if channels:
        frame = np.stack([frame, frame / 2, frame * 0], axis=2)
    line = straightened(frame, TiltedBox(50, 50, 60, 20, tilt))
    assert line.shape[:2] == (20, 60)
    first = line[..., 0] if channels else line
    assert first[8:12].mean() == pytest.approx(200, abs=2)
    assert first[[0, 1, 2, 3, 16, 17, 18, 19]].mean() == pytest.approx(50, abs=2)
    if channels:
        assert line[..., 1] == pytest.approx(first / 2, abs=1)
    beyond = straightened(frame, TiltedBox(5, 5, 60, 20, tilt))
    assert beyond.shape == line.shape
    assert straightened(frame, TiltedBox(5, 5, 60, 20)).shape[:2] == (15, 35)


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
    ("readings", "size", "nobody"),
    [
        ([("R", 0.99)], (20, 22), True),
        ([("R", 0.95), ("R", 0.95)], (12, 30), True),  # a narrow letter, or one at the frame's edge
        ([("R", 0.95), ("R", 0.95)], (12, 40), False),  # longer than a letter is
        ([("R", 0.60), ("R", 0.60)], (12, 30), False),  # not surely a letter
        ([("R", 0.30), ("R", 0.95)], (12, 30), False),  # perhaps the beginning of a line that runs upwards
        ([("R", 0.95), ("JIM", 0.70)], (12, 30), False),  # a line that runs upwards
        ([("R", 0.99)], (60, 20), False),  # a line of which one letter was read
        ([("A-P", 0.90)], (40, 20), True),
        ([("AP", 0.90)], (50, 20), True),  # letters with a space
        ([("AP", 0.90)], (70, 20), False),
        ([("ANNA", 0.90)], (60, 20), False),
    ],
)
def test_a_letter_alone_must_fill_its_box(
    readings: list[tuple[str, float]], size: tuple[int, int], nobody: bool
) -> None:
    read = [Reading(*one, turned) for one, turned in zip(readings, (False, True), strict=False)]
    assert names_nobody(read, TiltedBox(0, 0, *size)) is nobody


@pytest.mark.parametrize(
    ("text", "confidence", "size", "counts"),
    [
        ("H", 0.55, (80, 170), False),
        ("H", 0.95, (80, 170), True),
        ("H", 0.55, (30, 170), True),
        ("00dd", 0.72, (60, 168), False),
        ("ANNA", 0.95, (60, 168), True),
        ("ANNA", 0.45, (30, 168), False),
        (".-", 0.99, (10, 30), False),
    ],
)
def test_ribs_are_no_letters(text: str, confidence: float, size: tuple[int, int], counts: bool) -> None:
    assert is_text(Reading(text, confidence), TiltedBox(0, 0, *size), (224, 224)) is counts


# With the networks


@pytest.fixture(scope="module")
def finder() -> TextFinder:
    if importlib.util.find_spec("rapidocr") is None:
        pytest.skip("the extra ocr is not installed")
    return TextFinder(1)


def frame(text: str, *, turns: int = 0, size: int = 20, contrast: int = 120, tilt: int = 0) -> np.ndarray:
    """Noise with one caption in it."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    ink = Image.new("L", (right - left + 8, bottom - top + 8))
    ImageDraw.Draw(ink).text((4 - left, 4 - top), text, fill=255, font=font)
    ink = ink.rotate(tilt, expand=True, resample=Image.Resampling.BICUBIC)
    drawn = np.rot90(np.asarray(ink) / 255, turns)
    picture = np.random.default_rng(3).normal(90, 3, (320, 320))
    picture[60 : 60 + drawn.shape[0], 40 : 40 + drawn.shape[1]] += contrast * drawn
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("turns", "tilt", "size"),
    [(0, 0, 20), (1, 0, 20), (2, 0, 20), (3, 0, 20), (0, 10, 20), (2, 45, 20), (1, -30, 12)],
)
def test_a_name_is_found_at_any_angle_and_covered(
    finder: TextFinder, turns: int, tilt: int, size: int
) -> None:
    boxes = finder.find(frame(NAME, turns=turns, tilt=tilt, size=size), frame=5)
    assert [(box.severity, box.frame) for box in boxes] == [("error", 5)]
    mask = np.zeros((320, 320), bool)
    for left, top, right, bottom in boxes[0].cover:
        mask[top:bottom, left:right] = True
    plain = frame("").astype(int)
    ink = frame(NAME, turns=turns, tilt=tilt, size=size).astype(int) - plain > 60
    assert mask[ink].mean() > 0.95
    assert mask.mean() < 0.15
    assert bool(boxes[0].pieces) is bool(tilt)


def test_letters_of_six_pixels_are_found(finder: TextFinder) -> None:
    _, top, _, bottom = ImageFont.load_default(9).getbbox("H")
    assert bottom - top == 6
    assert [box.severity for box in finder.find(frame(NAME, size=9, contrast=60))] == ["error"]


def test_none_of_the_package_s_code_runs(finder: TextFinder) -> None:
    assert finder.find(frame(NAME))
    assert not {"rapidocr", "cv2"} & set(sys.modules)


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
    if importlib.util.find_spec("rapidocr") is None:
        pytest.skip("the extra ocr is not installed")
    models = ocr_engine._folder()
    shutil.copytree(models, tmp_path / "models")
    weights = tmp_path / "models" / ocr_engine.READER[0]
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
