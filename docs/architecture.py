"""Draws the picture of docs/ARCHITECTURE.md: ``python docs/architecture.py`` writes it between its markers.

The arrows are the imports that the package really has, between its parts. Of two ways from one part to
another only the longer one is drawn: where ``cli`` imports ``workflow`` and ``workflow`` imports ``keys``, an
arrow from ``cli`` to ``keys`` would add nothing. The order of the parts, and of the folders in a part, is
that of the layers in pyproject.toml (``tool.importlinter``).

tests/unit/test_documents.py holds page, contracts and imports together.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "privxray"
PAGE = ROOT / "docs" / "ARCHITECTURE.md"
BEGIN = "<!-- picture: python docs/architecture.py -->"
END = "<!-- end of picture -->"

Layers = Sequence[Sequence[str]]
"""Parts of the package, the highest row first; parts of one row know nothing of each other."""


def contracts() -> dict[str, Layers]:
    """The layers of the package (under ``privxray``) and of each folder that has some, by its dotted name."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        told = tomllib.load(stream)["tool"]["importlinter"]["contracts"]
    return {
        contract["containers"][0]: [row.split(" | ") for row in contract["layers"]]
        for contract in told
        if contract["type"] == "layers"
    }


def imports() -> dict[str, set[str]]:
    """For each part of the package the parts that it imports from."""
    graph = grimp.build_graph("privxray")
    parts = {name: name.split(".")[1] for name in graph.modules if "." in name}
    found: dict[str, set[str]] = {part: set() for part in parts.values()}
    for module, part in parts.items():
        for imported in graph.find_modules_directly_imported_by(module):
            if parts.get(imported, part) != part:
                found[part].add(parts[imported])
    return found


def drawn(links: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The arrows that say all: without those that a longer way implies (the transitive reduction)."""

    def reached(start: str) -> set[str]:
        below = set(links[start])
        for part in links[start]:
            below |= reached(part)
        return below

    return [
        (part, target)
        for part in sorted(links)
        for target in sorted(links[part])
        if not any(target in reached(other) for other in links[part] - {target})
    ]


def picture() -> Iterator[str]:
    """The picture in Mermaid, line by line: parts with the folders in them, and arrows."""
    layers = contracts()
    yield "```mermaid"
    yield "flowchart TD"
    for part in (part for row in layers["privxray"] for part in row):
        folders = [
            ", ".join(name for name in row if (PACKAGE / part / name).is_dir())
            for row in layers.get(f"privxray.{part}", ())
        ]
        yield f'    {part}["<b>{part}</b>{"".join(f"<br/>{names}" for names in folders if names)}"]'
    for part, target in drawn(imports()):
        yield f"    {part} --> {target}"
    yield "```"


def with_picture(page: str) -> str:
    """The page with the picture as it is now."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return "\n".join((f"{before}{BEGIN}", *picture(), f"{END}{after}"))


if __name__ == "__main__":
    PAGE.write_text(with_picture(PAGE.read_text("utf-8")), "utf-8")
