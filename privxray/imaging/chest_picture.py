"""Drawing an invented chest radiograph: soft shapes, one of three patterns in the lungs, and grain.

A picture is a map of density: 0 where all rays pass, as in air, and 1 where none does. The chest fills about
-1 to 1 in both coordinates. Shapes are logistic edges of implicit functions. Textures are small grids of
random numbers, interpolated to the size of the picture. Nothing is taken from a photograph or a patient.

The three patterns follow roughly what textbooks say of a child's chest. *normal*: clear lungs with vessels
that fade outwards. *bacteria*: one patch of consolidation in one lobe. *virus*: streaks from both hila, a
fine net and some haze on both sides. The mildest findings are hard to see, and clear lungs have faint streaks
and shadows too, so that no classifier gets every picture right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

DensityMap = npt.NDArray[np.floating[Any]]

FINDINGS = ("normal", "bacteria", "virus")

GRID = 160
"""Side of the grid that anatomy is drawn on; only the grain is drawn pixel by pixel."""


@dataclass(frozen=True)
class Child:
    """What stays the same over a patient's pictures.

    :ivar finding: one of ``FINDINGS``.
    :ivar severity: of the finding, from 0.15 to 1.
    :ivar side: of a consolidation, -1 or 1.
    :ivar lobe: where in that lung, from -1 (upper) to 1 (lower).
    :ivar heart: the heart's size, about 1.
    :ivar width: of the chest, about 1.
    :ivar ribs: how many are in sight on a side.
    :ivar thymus: its size, from 0 to 1.
    """

    finding: str
    severity: float
    side: int
    lobe: float
    heart: float
    width: float
    ribs: float
    thymus: float

    @classmethod
    def invent(cls, finding: str, rng: np.random.Generator) -> Child:
        """A child with this finding."""
        return cls(
            finding=finding,
            severity=0.15 + 0.85 * float(rng.beta(1.7, 1.4)),
            side=int(rng.choice((-1, 1))),
            lobe=float(rng.uniform(-0.9, 0.9)),
            heart=float(rng.normal(1.0, 0.08)),
            width=float(rng.normal(1.0, 0.05)),
            ribs=float(rng.uniform(7.5, 9.5)),
            thymus=float(rng.uniform(0, 1) ** 2),
        )


def draw(
    child: Child, rows: int, columns: int, rng: np.random.Generator, *, grain: float = 1.0
) -> DensityMap:
    """A picture's density, float32 ``[rows, columns]`` from 0 to 1.

    :param grain: how grainy the detector is; 1 is usual.
    """
    x, y = _pose(child, rng)
    lung_left, lung_right = _lung(x, y, -1), _lung(x, y, 1)
    lungs = lung_left + lung_right
    body = _body(x, y)
    path = body * (0.72 - 0.50 * lungs) + body * _bones(x, y, child, lungs) + body * _middle(x, y, child)
    path += lungs * _textures(x, y, child, rng)
    if child.finding == "bacteria":
        path += _consolidation(x, y, child, lung_left if child.side < 0 else lung_right, rng)
    path += body * 0.10 * (_cloud(4, rng) - 0.5)  # skin folds, and what a child has eaten
    density = 1 - np.exp(-1.35 * np.clip(path, 0, None))  # Beer and Lambert's law
    density = _enlarge(density.astype(np.float32), rows, columns)
    noise = rng.standard_normal((rows, columns), dtype=np.float32)
    density += np.float32(0.010 * grain) * (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1))
    return np.clip(density, 0, 1).astype(np.float32)


def _pose(child: Child, rng: np.random.Generator) -> tuple[DensityMap, DensityMap]:
    turn = rng.normal(0, 0.04)
    scale = rng.normal(1.08, 0.05)
    y, x = np.meshgrid(
        np.linspace(-scale, scale, GRID, dtype=np.float32) + np.float32(rng.normal(0, 0.05)),
        np.linspace(-scale, scale, GRID, dtype=np.float32) + np.float32(rng.normal(0, 0.04)),
        indexing="ij",
    )
    cos, sin = np.float32(np.cos(turn) / child.width), np.float32(np.sin(turn))
    return cos * x - sin * y, cos * y + sin * x


def _edge(value: DensityMap, softness: float) -> DensityMap:
    """1 where ``value`` is positive, 0 where negative, over about ``softness``."""
    edge: DensityMap = np.float32(0.5) + np.float32(0.5) * np.tanh(value * np.float32(1 / softness))
    return edge


def _bump(value: DensityMap, width: float) -> DensityMap:
    bump: DensityMap = np.exp(-np.square(value * np.float32(1 / width)))
    return bump


def _body(x: DensityMap, y: DensityMap) -> DensityMap:
    trunk = _edge(1.02 - np.abs(x) + 0.10 * y, 0.04)
    neck = _edge(0.26 - np.abs(x), 0.06)
    shoulders = _edge(y + 0.98 - 0.35 * np.abs(x), 0.06)
    body: DensityMap = np.maximum(trunk * shoulders, neck * 0.9)
    return body


def _lung(x: DensityMap, y: DensityMap, side: int) -> DensityMap:
    across = side * x - 0.47  # 0 in the middle of this lung
    height = (y + 0.10) / 0.74
    taper = 0.34 + 0.05 * y - 0.10 * np.clip(-y - 0.3, 0, 1)
    round_top = (
        np.square(across / taper) + np.square(np.minimum(height, 0)) + np.maximum(height, 0) ** 6 * 0.4
    )
    dome = 0.56 + (0.05 if side > 0 else 0.0) - 0.22 * np.square(across / 0.3 + 0.15)
    shape: DensityMap = _edge(1 - round_top, 0.16) * _edge(dome - y, 0.035)
    return shape


def _bones(x: DensityMap, y: DensityMap, child: Child, lungs: DensityMap) -> DensityMap:
    out = np.abs(x)
    fall = 0.30 * out + 0.38 * np.square(out - 0.45)  # posterior ribs run outwards and down
    phase = (y - fall) * np.float32(child.ribs / 1.7)
    posterior = _bump(phase - np.rint(phase), 0.22)
    phase = (y + 0.9 * out) * np.float32(child.ribs / 1.9) + 0.3
    anterior = _bump(phase - np.rint(phase), 0.20)
    cage = _edge(0.86 - out, 0.05) * _edge(y + 0.85, 0.06)
    bones = cage * (0.10 * posterior + 0.035 * anterior) * (0.35 + 0.65 * lungs)
    collar = _bump(y + 0.66 - 0.22 * np.square(out - 0.35) + 0.10 * (out - 0.1), 0.035)
    bones += 0.10 * collar * _edge(out - 0.10, 0.03) * _edge(0.85 - out, 0.05)
    return bones


def _middle(x: DensityMap, y: DensityMap, child: Child) -> DensityMap:
    """Mediastinum, spine, heart (on the picture's right) and what lies below the diaphragm."""
    discs = np.abs(np.sin(y * 14)) ** 0.3
    spine = _edge(0.12 - np.abs(x), 0.03) * (0.22 + 0.16 * discs)
    vessels = 0.30 * _bump(x - 0.02, 0.16 + 0.10 * child.thymus) * _edge(0.4 - y, 0.2)
    windpipe = -0.28 * _edge(0.045 - np.abs(x + 0.01), 0.02) * _edge(-0.25 - y, 0.08)
    size = child.heart
    heart = np.square((x - 0.14) / (0.36 * size)) + np.square((y - 0.26 + 0.25 * x) / (0.33 * size))
    shape = 0.54 * _edge(1 - heart, 0.2)
    below = 0.42 * _edge(y - 0.52 + 0.15 * np.square(x), 0.06)
    middle: DensityMap = spine + np.maximum(np.maximum(vessels, shape), below) + windpipe
    return middle


def _textures(x: DensityMap, y: DensityMap, child: Child, rng: np.random.Generator) -> DensityMap:
    """Vessels of both lungs; for a virus more streaks, a net and haze, thickest near the hila."""
    sick = child.severity if child.finding == "virus" else 0.0
    streaks = np.float32(0.055 + 0.02 * rng.uniform() + 0.10 * sick)
    reach = np.float32(0.30 + 0.22 * sick)
    total = np.zeros_like(x)
    for side in (-1, 1):
        away, up = side * x - 0.20, y - 0.02
        radius = np.hypot(away, up)
        angle = np.arctan2(up, np.maximum(away, -0.2)) + 0.5 * radius
        spokes = rng.uniform(0, 1, 64).astype(np.float32)
        rays = np.interp(angle, np.linspace(-3.2, 3.2, 64), spokes).astype(np.float32) ** 4
        here = side * x > 0
        total += here * _bump(radius, float(reach)) * (streaks * 2.2 * rays + np.float32(0.045 + 0.07 * sick))
    net = _cloud(40, rng) - 0.5
    lines = np.maximum(0.12 - np.abs(_cloud(26, rng) - 0.5), 0) * 8
    haze = _cloud(6, rng)
    total += np.float32(0.05 + 0.07 * sick) * net
    total += np.float32(0.015 + 0.085 * sick) * lines
    total += np.float32(0.02 + 0.06 * sick) * haze
    return total


def _consolidation(
    x: DensityMap, y: DensityMap, child: Child, lung: DensityMap, rng: np.random.Generator
) -> DensityMap:
    middle_x = child.side * (0.46 + rng.normal(0, 0.02))
    middle_y = -0.02 + 0.42 * child.lobe
    size = 0.20 + 0.16 * child.severity
    distance = np.hypot((x - middle_x) / 1.15, y - middle_y) / size
    ragged = distance + 0.9 * (_cloud(9, rng) - 0.5)
    patch = _edge(1 - ragged, 0.35)
    return lung * patch * np.float32(0.06 + 0.34 * child.severity) * (0.75 + 0.5 * _cloud(14, rng))


def _cloud(cells: int, rng: np.random.Generator) -> DensityMap:
    """Random numbers from 0 to 1 on ``cells`` by ``cells``, interpolated to the grid that is drawn on."""
    corners = rng.random((cells + 1, cells + 1), dtype=np.float32)
    return _enlarge(corners, GRID, GRID, smooth=True)


def _enlarge(small: DensityMap, rows: int, columns: int, *, smooth: bool = False) -> DensityMap:
    """Interpolate along both axes. By indices: a matrix product would start threads, which is slower here."""
    top, down = _places(rows, small.shape[0] - 1, smooth)
    left, right = _places(columns, small.shape[1] - 1, smooth)
    tall = small[top] * (1 - down[:, None]) + small[top + 1] * down[:, None]
    wide: DensityMap = tall[:, left] * (1 - right) + tall[:, left + 1] * right
    return wide


@lru_cache(maxsize=256)
def _places(points: int, cells: int, smooth: bool) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    place = np.linspace(0, cells, points)
    left = np.minimum(place.astype(np.int64), cells - 1)
    part = place - left
    if smooth:
        part = part * part * (3 - 2 * part)
    return left, part.astype(np.float32)
