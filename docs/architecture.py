"""Draws the pictures of docs/ARCHITECTURE.md: ``python docs/architecture.py`` writes them into it.

The arrows are the imports that the package really has, between its parts. Of two ways from one part to
another only the longer one is drawn: where ``cli`` imports ``workflow`` and ``workflow`` imports ``keys``, an
arrow from ``cli`` to ``keys`` would add nothing. The order of the parts, and of the folders in a part, is
that of the layers in pyproject.toml (``tool.importlinter``). The states of a round are those of
:mod:`privxray.workspace.transitions`.

tests/unit/test_documents.py holds page, contracts and imports together.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import grimp

from privxray.workspace.transitions import TABLES, diagram

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "privxray"
PAGE = ROOT / "docs" / "ARCHITECTURE.md"
BEGIN = "<!-- {}: python docs/architecture.py -->"
END = "<!-- end of {} -->"

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


def states() -> Iterator[str]:
    """The states of a round in Mermaid, line by line: a picture for each role."""
    for role in TABLES:
        yield f"A round of a {role}:"
        yield ""
        yield "```mermaid"
        yield diagram(role).rstrip()
        yield "```"
        yield ""


def with_pictures(page: str) -> str:
    """The page with the pictures as they are now."""
    for name, lines in (("picture", picture()), ("states", states())):
        begin, end = BEGIN.format(name), END.format(name)
        before, _, rest = page.partition(begin)
        after = rest.partition(end)[2]
        page = "\n".join((f"{before}{begin}", *lines, f"{end}{after}"))
    return page


if __name__ == "__main__":
    PAGE.write_text(with_pictures(PAGE.read_text("utf-8")), "utf-8")
