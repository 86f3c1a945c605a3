"""Recall of burned-in text by size, contrast and angle, and what is found on radiographs that have none.

    python tests/benchmarks/ocr_recall.py sizes --strings 24
    python tests/benchmarks/ocr_recall.py angles --strings 12
    python tests/benchmarks/ocr_recall.py captionless

Synthetic names, dates and numbers are drawn into pictures of 1024 x 1024 at random places, brighter or darker
than what lies under them (burned_in_text.py). **Size** is the height of a capital letter in pixels, and
**contrast** the difference in grey values, of 255. A string counts as *found* where boxes of severity
``error`` cover half of its rectangle, and as *covered* where 95 % of its ink lies in what would be blacked.

- ``sizes``: sizes and contrasts, in four orientations.
- ``angles``: sizes and angles from 0 to 90 degrees in steps of 5, at a contrast of 60; half are upside down.
- ``captionless``: the 100 radiographs of ``CAPTIONLESS`` as they are (224 px). They were drawn at random
  (``default_rng(25)``) and chosen by eye alone: they have no text but side and position markers. With
  ``--pictures DIR`` those with an error are drawn.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from burned_in_text import SIDE, XRAYS, Drawn, Wanted, backgrounds, draw
from PIL import Image, ImageDraw

from privxray.deid.pixels.text.text_box import TextBox
from privxray.deid.pixels.text.text_finder import TextFinder

SIZES = (6, 8, 10, 12, 16, 24, 40)
CONTRASTS = (15, 30, 60, 120, 200)
TILTED_SIZES = (8, 12, 16, 24, 40)
TILTED_CONTRAST = 60
EACH = 7

CAPTIONLESS = (
    *(18, 42, 54, 84, 85, 176, 217, 220, 300, 322, 387, 409, 449, 469, 486, 495, 497, 501, 522, 533, 554),
    *(626, 784, 804, 841, 961, 1049, 1135, 1155, 1165, 1187, 1189, 1248, 1293, 1299, 1308, 1389, 1456),
    *(1475, 1486, 1530, 1542, 1602, 1607, 1730, 1817, 1838, 1863, 1908, 1926, 2018, 2148, 2250, 2276),
    *(2377, 2472, 2490, 2508, 2551, 2643, 2672, 2725, 2756, 2767, 2845, 2850, 2855, 2878, 2899, 2951),
    *(2987, 3083, 3102, 3157, 3160, 3236, 3261, 3292, 3348, 3415, 3420, 3514, 3523, 3580, 3726, 3782),
    *(3798, 3813, 3843, 3852, 4105, 4107, 4172, 4197, 4325, 4336, 4355, 4369, 4383, 4511),
)
"""Positions in the sorted list of the 4,512 radiographs."""

CAPTIONLESS_SHA256 = "6b0dc80578023a11bb5f4be6104adc449f5850a0aa54b2219806c1b5cb1c89a2"
"""Of these files' contents, one after the other."""

Table = dict[tuple[float, ...], list[int]]
"""How many strings there are of a kind, how many are found, and how many are covered."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("table", choices=("sizes", "angles", "captionless"))
    parser.add_argument("--strings", type=int, default=12, help="for each cell of the table")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pictures", type=Path, help="folder for radiographs with errors drawn in")
    parser.add_argument("--xrays", type=Path, default=XRAYS)
    options = parser.parse_args()
    finder = TextFinder(options.threads)
    if options.table == "captionless":
        measure_captionless(finder, options.xrays, options.pictures)
        return
    print(f"seed {options.seed}")
    rng = np.random.default_rng(options.seed)
    if options.table == "sizes":
        jobs = [(size, contrast) for size in SIZES for contrast in CONTRASTS] * options.strings
        wanted = [Wanted(size, contrast, 90 * int(rng.integers(4))) for size, contrast in jobs]
    else:
        tilts = [(size, angle) for size in TILTED_SIZES for angle in range(0, 95, 5)] * options.strings
        wanted = [Wanted(size, TILTED_CONTRAST, angle + 180 * int(rng.integers(2))) for size, angle in tilts]
    order = rng.permutation(len(wanted))
    table = measure_recall(finder, rng, [wanted[place] for place in order], options.xrays)
    if options.table == "sizes":
        columns = {f"contrast {contrast}": contrast for contrast in CONTRASTS}
        show(table, {f"{size} px": (size,) for size in SIZES}, columns)
    else:
        columns = {f"{size} px": size for size in TILTED_SIZES}
        show(table, {f"{angle} degrees": (float(angle),) for angle in range(0, 95, 5)}, columns)


def measure_recall(
    finder: TextFinder, rng: np.random.Generator, wanted: Sequence[Wanted], xrays: Path
) -> Table:
    """Search strings, a few to a picture. Keys are (size, contrast) and (angle, size)."""
    table: Table = defaultdict(lambda: [0, 0, 0])
    background = backgrounds(rng, xrays)
    seconds, computed = [], []
    beside = count = 0
    for start in range(0, len(wanted), EACH):
        picture, taken = background(), np.zeros((SIDE, SIDE), bool)
        placed = [draw(picture, rng, one, taken) for one in wanted[start : start + EACH]]
        begin, before = time.perf_counter(), time.process_time()
        boxes = finder.find(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
        seconds.append(time.perf_counter() - begin)
        computed.append(time.process_time() - before)
        _tally(table, [one for one in placed if one is not None], boxes)
        count += 1
        beside += sum(not any(taken[_part(box)].any() for box in found.cover) for found in boxes)
    print(f"findings beside the strings, on {count} pictures: {beside}")
    times = f"median {np.median(seconds):.2f}, least {min(seconds):.2f}, most {max(seconds):.2f}"
    print(f"seconds a picture of {SIDE} x {SIDE}: {times}; of one core {np.median(computed):.2f}")
    return table


def show(table: Table, rows: dict[str, tuple[float]], columns: dict[str, float]) -> None:
    for title, place in (("found", 1), ("covered", 2)):
        print(f"\n| {title} | " + " | ".join(columns) + " |\n| ---: |" + " ---: |" * len(columns))
        for name, row in rows.items():
            cells = (table[(*row, column)] for column in columns.values())
            print(f"| {name} | " + " | ".join(f"{cell[place]} of {cell[0]}" for cell in cells) + " |")
        cells = [table[*row, column] for row in rows.values() for column in columns.values()]
        print(f"all: {sum(cell[place] for cell in cells)} of {sum(cell[0] for cell in cells)}")


def _tally(table: Table, placed: Sequence[Drawn], boxes: Sequence[TextBox]) -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    for found in boxes:
        if found.severity == "error":
            for box in found.cover:
                mask[_part(box)] = True
    for one in placed:
        inside = mask[one.part]
        found, covered = inside[one.rectangle].mean() >= 0.5, inside[one.ink].mean() >= 0.95
        for key in ((one.wanted.size, one.wanted.contrast), (one.wanted.angle % 180, one.wanted.size)):
            table[key] = [had + new for had, new in zip(table[key], (1, found, covered), strict=True)]


def _part(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    left, top, right, bottom = box
    return slice(top, bottom), slice(left, right)


def measure_captionless(finder: TextFinder, xrays: Path, pictures: Path | None) -> None:
    if not xrays.is_dir():
        sys.exit("no radiographs here")
    files = sorted(xrays.iterdir())
    wanted = [files[number] for number in CAPTIONLESS]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in wanted)).hexdigest()
    if digest != CAPTIONLESS_SHA256:
        sys.exit("these are not the radiographs that were looked at")
    found: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    for file in wanted:
        with Image.open(file) as opened:
            grey = opened.convert("L")
        boxes = finder.find(np.asarray(grey))
        found.update(box.severity for box in boxes)
        flagged.update({box.severity for box in boxes})
        if pictures is not None and any(box.severity == "error" for box in boxes):
            _save(grey, boxes, pictures / f"{file.stem}.png")
    print(f"{len(wanted)} radiographs: findings {dict(found)}, radiographs with one {dict(flagged)}")


def _save(grey: Image.Image, boxes: Sequence[TextBox], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = grey.convert("RGB").resize((3 * grey.width, 3 * grey.height))
    pen = ImageDraw.Draw(shown)
    for box in boxes:
        colour = "red" if box.severity == "error" else "cyan"
        corner = (3 * (box.x + box.width), 3 * (box.y + box.height))
        pen.rectangle(((3 * box.x, 3 * box.y), corner), outline=colour)
        pen.text((3 * box.x, 3 * box.y - 12), f"{box.text} {box.confidence}", fill=colour)
    shown.save(path)


if __name__ == "__main__":
    main()
