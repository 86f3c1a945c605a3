"""Pictures of 1024 x 1024 with names, dates and numbers in them: what the search for text is measured on.

Backgrounds are cuts of pydicom-data's chest radiograph RG1 at its own resolution, and by turns the paediatric
radiographs, enlarged from 224 px with noise of 2 grey values; without them, those of ``privxray demo``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont

from privxray.imaging.chest_picture import Child
from privxray.imaging.chest_picture import draw as drawn

SIDE = 1024
XRAYS = Path(__file__).parents[3] / "shared" / "data" / "paediatric-cxr" / "images"

SURNAMES = ["Miller", "Okafor", "Johansson", "Brown", "Petrov", "Garcia", "Nguyen", "Schmidt", "Kowalski"]
FIRST = ["Anna", "John", "Peter", "Maria", "Li", "Fatima", "Jan", "Sofia", "Omar", "Ines"]

_GAP = 10  # pixels that stay free between strings
_FINE = 4  # what a string is enlarged by while it is turned
_TRIES = 300


@dataclass(frozen=True, slots=True)
class Wanted:
    """A string to draw.

    :ivar size: height of its capitals in pixels.
    :ivar contrast: in grey values, of 255.
    :ivar angle: in degrees, counter-clockwise.
    """

    size: int
    contrast: int
    angle: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """A string in a picture. ``rectangle`` and ``ink`` are masks of its part of the picture."""

    wanted: Wanted
    part: tuple[slice, slice]
    rectangle: np.ndarray
    ink: np.ndarray


def draw(picture: np.ndarray, rng: np.random.Generator, wanted: Wanted, taken: np.ndarray) -> Drawn | None:
    """Draw one string, brighter or darker, where there is room for it and for its contrast.

    :param taken: a mask of the strings that are there already; this one is added.
    """
    fonts = _fonts(wanted.size)
    ink, rectangle = _turned(_ink(_string(rng), fonts[rng.integers(len(fonts))]), wanted.angle)
    rows, columns = ink.shape
    if max(rows, columns) + 16 >= SIDE:
        return None
    for _ in range(_TRIES):
        top, left = (int(rng.integers(8, SIDE - length - 8)) for length in (rows, columns))
        near = np.s_[max(top - _GAP, 0) : top + rows + _GAP, max(left - _GAP, 0) : left + columns + _GAP]
        if taken[near].any():
            continue
        part = np.s_[top : top + rows, left : left + columns]
        mean = picture[part][rectangle].mean()
        ways = [sign for sign, room in ((1, 255 - mean), (-1, mean)) if room >= wanted.contrast]
        if ways:
            changed = picture[part] + wanted.contrast * ways[rng.integers(len(ways))] * ink
            picture[part] = np.clip(changed, 0, 255)
            taken[part] |= rectangle
            return Drawn(wanted, part, rectangle, ink > 0.5)
    return None


def backgrounds(rng: np.random.Generator, folder: Path) -> Callable[[], np.ndarray]:
    """Each call gives another picture, float32 ``[1024, 1024]`` from 0 to 255."""
    film = _film()
    files = sorted(folder.iterdir()) if folder.is_dir() else []
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


def _ink(text: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    picture = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(picture).text((1 - left, 1 - top), text, fill=255, font=font)
    return picture


def _turned(ink: Image.Image, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """The ink (0 to 1) and the rectangle of a string (a mask), turned. Quarter turns change no pixel."""
    if not angle % 90:
        turned = np.rot90(np.asarray(ink).astype(np.float32) / 255, round(angle / 90))
        return turned, np.ones(turned.shape, bool)
    size = (ink.width * _FINE, ink.height * _FINE)
    fine = ink.resize(size, Image.Resampling.BICUBIC), Image.new("L", size, 255)
    both = []
    for picture in fine:
        turned = picture.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)
        columns, rows = -(-turned.width // _FINE), -(-turned.height // _FINE)
        whole = Image.new("L", (columns * _FINE, rows * _FINE))
        whole.paste(turned)
        both.append(np.asarray(whole.resize((columns, rows), Image.Resampling.BOX)).astype(np.float32) / 255)
    return both[0], both[1] > 0.5
