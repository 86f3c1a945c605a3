"""Recall of burned-in text by size and contrast, and what is found on radiographs that have none.

    python tests/benchmarks/ocr_recall.py --strings 12 --radiographs 100 --seed 1

Synthetic names, dates and numbers are drawn into pictures of 1024 x 1024 at random places, in four
orientations, brighter or darker than what lies under them. **Size** is the height of a capital letter in
pixels, **contrast** the difference in grey values of 255. A string counts as *found* where boxes cover at
least half of its rectangle, and as *covered* where at least 95 % of its ink lies in boxes, which is what
blacking the boxes needs. Backgrounds: cuts of pydicom-data's chest radiograph RG1 at its own resolution, and
by turns the paediatric radiographs, enlarged from 224 px with noise of 2 grey values; without them, those of
``privxray demo``.

False findings are counted on radiographs as they are (224 px). They have side markers, and a few have
technique text: a finding there is not false by itself, so the boxes can be drawn with ``--pictures DIR``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont

from privxray.deid.pixels.text.text_finder import TextFinder
from privxray.imaging.chest_picture import Child
from privxray.imaging.chest_picture import draw as drawn

SIZES = (6, 8, 10, 12, 16, 24, 40)
CONTRASTS = (15, 30, 60, 120, 200)
SIDE = 1024
EACH = 7
XRAYS = Path(__file__).parents[3] / "shared" / "data" / "paediatric-cxr" / "images"

SURNAMES = ["Miller", "Okafor", "Johansson", "Brown", "Petrov", "Garcia", "Nguyen", "Schmidt", "Kowalski"]
FIRST = ["Anna", "John", "Peter", "Maria", "Li", "Fatima", "Jan", "Sofia", "Omar", "Ines"]

_OPTIONS = argparse.Namespace(xrays=XRAYS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--strings", type=int, default=12, help="for each size and contrast")
    parser.add_argument("--radiographs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pictures", type=Path, help="folder for radiographs with findings drawn in")
    parser.add_argument("--xrays", type=Path, default=XRAYS)
    options = parser.parse_args(namespace=_OPTIONS)
    print(f"seed {options.seed}")
    rng = np.random.default_rng(options.seed)
    finder = TextFinder(options.threads)
    measure_recall(finder, rng, options.strings)
    measure_false(finder, rng, options.radiographs, options.pictures)


def measure_recall(finder: TextFinder, rng: np.random.Generator, strings: int) -> None:
    jobs = [(size, contrast) for size in SIZES for contrast in CONTRASTS] * strings
    rng.shuffle(jobs)
    tally: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    background = backgrounds(rng)
    seconds, computed, extra, count = [], [], 0, 0
    for start in range(0, len(jobs), EACH):
        picture = background()
        placed = []
        for size, contrast in jobs[start : start + EACH]:
            turns = int(rng.integers(4))
            spot = draw(picture, rng, int(size), int(contrast), turns, [place for *_, place, _ in placed])
            if spot is not None:
                placed.append((int(size), int(contrast), turns, *spot))
        begin, before = time.perf_counter(), time.process_time()
        boxes = finder.find(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
        seconds.append(time.perf_counter() - begin)
        computed.append(time.process_time() - before)
        mask = np.zeros((SIDE, SIDE), bool)
        for box in boxes:
            mask[box.y : box.y + box.height, box.x : box.x + box.width] = True
        owned = np.zeros((SIDE, SIDE), bool)
        for size, contrast, turns, (left, top, right, bottom), ink in placed:
            part = mask[top:bottom, left:right]
            found, covered = part.mean() >= 0.5, part[ink].mean() >= 0.95
            for key in ((size, contrast), ("turns", turns)):
                tally[key][0] += 1
                tally[key][1] += int(found)
                tally[key][2] += int(covered)
            owned[top:bottom, left:right] = True
        count += 1
        extra += sum(not owned[b.y : b.y + b.height, b.x : b.x + b.width].any() for b in boxes)
    for title, column in (("found", 1), ("covered", 2)):
        print(f"\n{title} | " + " | ".join(f"contrast {contrast}" for contrast in CONTRASTS))
        for size in SIZES:
            cells = (tally[size, contrast] for contrast in CONTRASTS)
            print(f"{size} px | " + " | ".join(f"{cell[column]}/{cell[0]}" for cell in cells))
    print()
    for turns in range(4):
        total, found, covered = tally["turns", turns]
        print(f"turned {90 * turns} degrees: found {found}, covered {covered} of {total}")
    print(f"findings beside the strings, on {count} pictures: {extra}")
    times = f"median {np.median(seconds):.2f}, least {min(seconds):.2f}"
    print(f"seconds a picture of {SIDE} x {SIDE}: {times}; of one core {np.median(computed):.2f}")


def measure_false(finder: TextFinder, rng: np.random.Generator, wanted: int, pictures: Path | None) -> None:
    folder = _xrays()
    if folder is None:
        print("\nno radiographs here to count false findings on")
        return
    files = sorted(folder.iterdir())
    found: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    for index in rng.permutation(len(files))[:wanted]:
        with Image.open(files[index]) as opened:
            grey = opened.convert("L")
        boxes = finder.find(np.asarray(grey))
        found.update(box.severity for box in boxes)
        flagged.update({box.severity for box in boxes})
        if boxes and pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            shown = grey.convert("RGB").resize((672, 672))
            pen = ImageDraw.Draw(shown)
            for box in boxes:
                colour = "red" if box.severity == "error" else "cyan"
                corner = (3 * (box.x + box.width), 3 * (box.y + box.height))
                pen.rectangle(((3 * box.x, 3 * box.y), corner), outline=colour)
                pen.text((3 * box.x, 3 * box.y - 12), f"{box.text} {box.confidence}", fill=colour)
            shown.save(pictures / f"{index}.png")
    print(f"\n{wanted} radiographs: findings {dict(found)}, radiographs with one {dict(flagged)}")


def draw(
    picture: np.ndarray,
    rng: np.random.Generator,
    size: int,
    contrast: int,
    turns: int,
    taken: list[tuple[int, int, int, int]],
) -> tuple[tuple[int, int, int, int], np.ndarray] | None:
    """Draw one string where there is room for it and for its contrast: its rectangle and its ink."""
    fonts = _fonts(size)
    ink = np.rot90(_ink(_string(rng), fonts[rng.integers(len(fonts))]), turns)
    height, width = ink.shape
    for _ in range(300):
        top = int(rng.integers(8, picture.shape[0] - height - 8))
        left = int(rng.integers(8, picture.shape[1] - width - 8))
        place = (left, top, left + width, top + height)
        if any(_near(place, other) for other in taken):
            continue
        under = picture[top : top + height, left : left + width]
        mean = under.mean()
        ways = [sign for sign, room in ((1, 255 - mean), (-1, mean)) if room >= contrast]
        if ways:
            under += contrast * ways[rng.integers(len(ways))] * ink
            np.clip(under, 0, 255, out=under)
            return place, ink > 0.5
    return None


def backgrounds(rng: np.random.Generator) -> Callable[[], np.ndarray]:
    """Each call gives another picture, float32 ``[1024, 1024]`` from 0 to 255."""
    film = _film()
    folder = _xrays()
    files = sorted(folder.iterdir()) if folder else []
    calls = 0

    def next_one() -> np.ndarray:
        nonlocal calls
        calls += 1
        if film is not None and calls % 2:
            top, left = (int(rng.integers(0, length - SIDE)) for length in film.shape)
            return film[top : top + SIDE, left : left + SIDE].copy()
        if files:
            with Image.open(files[rng.integers(len(files))]) as opened:
                small = opened.convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        else:
            child = Child.invent("normal", rng)
            small = Image.fromarray(255 * drawn(child, SIDE, SIDE, rng).astype(np.float32))
        noisy = np.asarray(small).astype(np.float32) + rng.normal(0, 2, (SIDE, SIDE))
        return np.clip(noisy, 0, 255).astype(np.float32)

    return next_one


def _film() -> np.ndarray | None:
    try:
        import data_store
    except ImportError:
        return None
    path = Path(data_store.__path__[0], "data", "RG1_UNCR.dcm")
    values = pydicom.dcmread(path).pixel_array.astype(np.float32)
    low, high = np.percentile(values, (0.5, 99.5))
    return np.clip((values - low) * (255 / (high - low)), 0, 255)


def _xrays() -> Path | None:
    return _OPTIONS.xrays if _OPTIONS.xrays.is_dir() else None


def _string(rng: np.random.Generator) -> str:
    surname, first = SURNAMES[rng.integers(len(SURNAMES))], FIRST[rng.integers(len(FIRST))]
    date = f"{rng.integers(1, 29):02d}.{rng.integers(1, 13):02d}.{rng.integers(1930, 2020)}"
    kinds = (
        f"{surname.upper()}^{first.upper()}",
        f"{surname}, {first}",
        date,
        f"DOB {date}",
        f"ID {rng.integers(10**6, 10**8)}",
        f"{surname} {first} {date}",
    )
    return kinds[rng.integers(len(kinds))]


_FONTS: dict[int, list[ImageFont.FreeTypeFont]] = {}


def _fonts(size: int) -> list[ImageFont.FreeTypeFont]:
    if size not in _FONTS:
        sources: list[Callable[[int], ImageFont.FreeTypeFont]] = [ImageFont.load_default]
        try:
            import matplotlib

            folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
            sources += [
                lambda points, file=str(folder / name): ImageFont.truetype(file, points)
                for name in ("DejaVuSansMono.ttf", "DejaVuSans-Bold.ttf")
            ]
        except ImportError:
            pass
        _FONTS[size] = [_of_height(source, size) for source in sources]
    return _FONTS[size]


def _of_height(source: Callable[[int], ImageFont.FreeTypeFont], size: int) -> ImageFont.FreeTypeFont:
    for points in range(size, 4 * size):
        font = source(points)
        _, top, _, bottom = font.getbbox("H")
        if bottom - top >= size:
            return font
    raise AssertionError("no such size")


def _ink(text: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    picture = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(picture).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(picture).astype(np.float32) / 255


def _near(one: tuple[int, int, int, int], other: tuple[int, int, int, int], gap: int = 16) -> bool:
    return (
        one[0] - gap < other[2]
        and one[2] + gap > other[0]
        and one[1] - gap < other[3]
        and one[3] + gap > other[1]
    )


if __name__ == "__main__":
    sys.exit(main())
