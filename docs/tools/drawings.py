"""Pictures and tables in place of the Mermaid of docs/ARCHITECTURE.md.

A browser draws Mermaid only with a large script, which mkdocs-material would fetch from elsewhere. Tested in
tests/unit/test_manual.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_WIDTH, _ROW, _LINE, _PAD = 860, 44, 17, 16


def without_mermaid(markdown: str) -> str:
    """The page with each flow chart as SVG and each state diagram as a table."""
    return re.sub(r"```mermaid\n(.*?)```\n?", lambda found: _drawn(found[1]), markdown, flags=re.DOTALL)


def _drawn(text: str) -> str:
    return _flow_chart(text) if text.startswith("flowchart") else "\n".join(_states(text)) + "\n"


def _states(text: str) -> Iterator[str]:
    yield "| from | to | when (commands) |"
    yield "| --- | --- | --- |"
    for start, end, when in re.findall(r"^ *(\S+) --> (\S+): (.*)$", text, re.MULTILINE):
        yield f"| {'nothing' if start == '[*]' else start} | {end} | {when} |"


def _flow_chart(text: str) -> str:
    """Boxes in rows, each below all that import it, and curves between them."""
    labels = dict(re.findall(r'^ *(\w+)\["(.*)"\]$', text, re.MULTILINE))
    arrows = re.findall(r"^ *(\w+) --> (\w+)$", text, re.MULTILINE)
    rows = _rows(labels, arrows)
    places: dict[str, tuple[float, float, float, float]] = {}
    drawn: list[str] = []
    top = 10.0
    for row in rows:
        lines = {part: _lines(labels[part]) for part in row}
        height = _PAD + _LINE * max(map(len, lines.values()))
        share = _WIDTH / len(row)
        for place, part in enumerate(row):
            width = min(share - 14, max(90.0, 16 + 7.2 * max(map(len, lines[part]))))
            left = place * share + (share - width) / 2
            places[part] = (left, top, width, _PAD + _LINE * len(lines[part]))
            drawn += _box(lines[part], places[part])
        top += height + _ROW
    curves = [_curve(places[start], places[end]) for start, end in arrows]
    size = f"0 0 {_WIDTH} {top - _ROW + 10:g}"
    said = "The parts of the package and their imports"
    head = f'<figure><svg class="parts" viewBox="{size}" role="img" aria-label="{said}">'
    return f"{head}{''.join((*curves, *drawn))}</svg></figure>\n"  # one line, or Markdown would look into it


def _rows(labels: dict[str, str], arrows: list[tuple[str, str]]) -> list[list[str]]:
    depth = dict.fromkeys(labels, 0)
    for _ in labels:
        for start, end in arrows:
            depth[end] = max(depth[end], depth[start] + 1)
    return [[part for part in labels if depth[part] == row] for row in range(max(depth.values()) + 1)]


def _lines(label: str) -> list[str]:
    return [re.sub(r"</?b>", "", line) for line in label.split("<br/>")]


def _box(lines: list[str], place: tuple[float, float, float, float]) -> Iterator[str]:
    left, top, width, height = place
    yield f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{height:.0f}" rx="5"/>'
    for number, line in enumerate(lines):
        weight = ' font-weight="bold"' if number == 0 else ""
        x, y = left + width / 2, top + 20 + number * _LINE
        yield f'<text x="{x:.0f}" y="{y:.0f}"{weight}>{escape(line)}</text>'


def _curve(start: tuple[float, float, float, float], end: tuple[float, float, float, float]) -> str:
    x1, y1 = start[0] + start[2] / 2, start[1] + start[3]
    x2, y2 = end[0] + end[2] / 2, end[1]
    half = (y1 + y2) / 2
    return f'<path d="M{x1:.0f} {y1:.0f} C{x1:.0f} {half:.0f} {x2:.0f} {half:.0f} {x2:.0f} {y2:.0f}"/>'
