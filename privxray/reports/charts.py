"""Charts as inline SVG: no script, no other file. Colours come from the page's style sheet, light and dark.

Each chart is one picture with a title and a description, which a screen reader reads in its place. What it
shows stands in a table of the page as well.

Tested in tests/unit/test_charts.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 360, 300
"""Of the drawing in its own units; the page scales it."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 8, 40

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Words:
    """What stands for a chart where it can't be seen, and at its axes.

    :ivar key: of this chart alone on its page, for its identifiers. :ivar title: what it is.
    :ivar says: what it shows, in a sentence.
    """

    key: str
    title: str
    says: str
    across: str = ""
    up: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """Where an axis ends, and its marks. :ivar marks: values with what is written there."""

    low: float
    high: float
    marks: Sequence[tuple[float, str]]


UNIT = Axis(0.0, 1.0, [(0.0, "0"), (0.5, ".5"), (1.0, "1")])


def roc_chart(words: Words, curve: Points, band: Points = ()) -> Markup:
    """A ROC curve.

    :param band: the outline of its band, if there is one.
    """
    plot = _Plot(UNIT, UNIT)
    parts = [plot.polygon("band", band)] if band else []
    parts += [plot.line("guess", [(0, 0), (1, 1)]), plot.line("curve", curve)]
    return _svg(words, Markup("").join([plot.frame(words), *parts]))


def calibration_chart(words: Words, bins: Sequence[tuple[float, float, int]]) -> Markup:
    """Said against right: a dot for each bin, larger where it has more images.

    :param bins: said, right, images.
    """
    plot = _Plot(UNIT, UNIT)
    most = max((images for _, _, images in bins), default=1)
    dots = [plot.dot(said, right, 3 + 7 * (images / most) ** 0.5) for said, right, images in bins]
    return _svg(words, Markup("").join([plot.frame(words), plot.line("guess", [(0, 0), (1, 1)]), *dots]))


def steps_chart(words: Words, steps: Points, limit: float, across: Axis) -> Markup:
    """What was spent over time, as steps, and the limit as a line.

    :param steps: time and what is spent from then on.
    """
    top = max(limit, *(value for _, value in steps)) * 1.1
    plot = _Plot(across, Axis(0.0, top, [(0.0, "0"), (limit, f"{limit:.3g}")]))
    path, before = [(across.low, 0.0)], 0.0
    for when, value in steps:
        path += [(when, before), (when, value)]
        before = value
    path.append((across.high, before))
    limit_line = plot.line("limit", [(across.low, limit), (across.high, limit)])
    return _svg(words, Markup("").join([plot.frame(words), limit_line, plot.line("curve", path)]))


def gauge(words: Words, spent: float, limit: float) -> Markup:
    """A bar that is filled as far as the limit is spent; past the limit it is full."""
    share = min(max(spent / limit, 0.0), 1.0) if limit > 0 else 1.0
    body = Markup(
        '<rect class="empty" x="1" y="1" width="358" height="22" rx="4"/>'
        '<rect class="full" x="1" y="1" width="{:.1f}" height="22" rx="4"/>'
    ).format(358 * share)
    return _svg(words, body, height=24)


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a chain. :ivar lines: what stands in it. :ivar dashed: it is not there yet."""

    lines: Sequence[str]
    dashed: bool = False


def chain(words: Words, boxes: Sequence[Box]) -> Markup:
    """Boxes from top to bottom, with an arrow from each to the next."""
    parts, top = [], 0
    for place, box in enumerate(boxes):
        height = 14 + 16 * len(box.lines)
        if place:
            parts.append(Markup('<path class="arrow" d="M180 {} v18 m-5 -6 l5 6 l5 -6"/>').format(top - 20))
        kind = "box dashed" if box.dashed else "box"
        parts.append(
            Markup('<rect class="{}" x="1" y="{}" width="358" height="{}" rx="5"/>').format(
                kind, top + 1, height
            )
        )
        parts += [
            Markup('<text x="180" y="{}" text-anchor="middle">{}</text>').format(top + 19 + 16 * row, text)
            for row, text in enumerate(box.lines)
        ]
        top += height + 22
    return _svg(words, Markup("").join(parts), height=max(top - 20, 10))


class _Plot:
    """Coordinates between two axes."""

    def __init__(self, across: Axis, up: Axis) -> None:
        self._across, self._up = across, up

    def _x(self, value: float) -> float:
        share = (value - self._across.low) / ((self._across.high - self._across.low) or 1.0)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        share = (value - self._up.low) / ((self._up.high - self._up.low) or 1.0)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def _path(self, points: Points) -> str:
        return " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)

    def line(self, kind: str, points: Points) -> Markup:
        return Markup('<polyline class="{}" points="{}"/>').format(kind, self._path(points))

    def polygon(self, kind: str, points: Points) -> Markup:
        return Markup('<polygon class="{}" points="{}"/>').format(kind, self._path(points))

    def dot(self, x: float, y: float, radius: float) -> Markup:
        return Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(
            self._x(x), self._y(y), radius
        )

    def frame(self, words: Words) -> Markup:
        """The axes with their marks and names."""
        left, right, bottom = self._x(self._across.low), self._x(self._across.high), self._y(self._up.low)
        parts = [
            Markup('<path class="axis" d="M{:.1f} {} V{:.1f} H{:.1f}"/>').format(left, _TOP, bottom, right)
        ]
        anchors = ["start", *["middle"] * max(len(self._across.marks) - 2, 0), "end"]
        parts += [
            Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
                self._x(value), bottom + 15, anchor, text
            )
            for (value, text), anchor in zip(self._across.marks, anchors, strict=False)
        ]
        parts += [
            Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>').format(
                left - 5, self._y(value) + 4, text
            )
            for value, text in self._up.marks
        ]
        middle = (left + right) / 2
        parts.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                middle, HEIGHT - 6, words.across
            )
        )
        turned = (_TOP + bottom) / 2
        parts.append(
            Markup(
                '<text transform="translate(12 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>'
            ).format(turned, words.up)
        )
        return Markup("").join(parts)


def _svg(words: Words, body: Markup, *, height: int = HEIGHT) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="{key}-title {key}-says">'
        '<title id="{key}-title">{}</title><desc id="{key}-says">{}</desc>{}</svg>'
    ).format(WIDTH, height, words.title, words.says, body, key=words.key)
