"""What the documents for developers say is so: paths, pictures, lists."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from privxray.workspace.transitions import TABLES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "privxray"
PAGES = ("CONTRIBUTING.md", "README.md", "SECURITY.md", "docs/ARCHITECTURE.md", "docs/API.md")


@cache
def drawing() -> ModuleType:
    """The script that draws the picture."""
    spec = importlib.util.spec_from_file_location("architecture", DOCS / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page() -> str:
    return (DOCS / "ARCHITECTURE.md").read_text("utf-8")


def arrows() -> list[tuple[str, str]]:
    return re.findall(r"^    (\w+) --> (\w+)$", page().partition("stateDiagram")[0], re.M)


def rows() -> dict[str, int]:
    """The row of each part in the contract, from the top."""
    layers = drawing().contracts()["privxray"]
    return {part: number for number, row in enumerate(layers) for part in row}


def test_the_pictures_are_up_to_date() -> None:
    assert page().count("```mermaid") == 1 + len(TABLES)
    assert drawing().with_pictures(page()) == page(), "python docs/architecture.py"


def test_every_arrow_is_an_import_and_points_down() -> None:
    links = drawing().imports()
    assert len(arrows()) > 20
    for part, target in arrows():
        assert target in links[part], (part, target)
        assert rows()[part] < rows()[target], (part, target)


def test_every_import_has_a_way_in_the_picture() -> None:
    ways: dict[str, set[str]] = {}
    for part, target in sorted(arrows(), key=lambda arrow: -rows()[arrow[0]]):
        ways.setdefault(part, set()).update({target}, ways.get(target, set()))
    for part, targets in drawing().imports().items():
        assert targets <= ways.get(part, set()), part


def test_no_part_is_missing() -> None:
    drawn = set(re.findall(r'^    (\w+)\["', page(), re.M))
    real = {
        entry.stem for entry in PACKAGE.iterdir() if entry.suffix == ".py" or (entry / "__init__.py").exists()
    }
    assert drawn == set(rows()) == real - {"__init__"}
    table = page().partition("| part |")[2]
    told = set(re.findall(r"`(\w+)(?:/|\.py)`", table.partition("\n\n")[0]))
    assert told == drawn - {"__main__"}


@pytest.mark.parametrize("name", PAGES)
def test_paths_that_are_named_exist(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    named = set(
        re.findall(r"(?<![\w/.-])((?:[\w.-]+/)+[\w.-]*\*?[\w.-]*|[\w-]+\.py)(?=[`)\s,;:]|\.\s|$)", text)
    )
    paths = {path.rstrip(".") for path in named if path.startswith(KNOWN) or path.endswith(".py")}
    assert [path for path in sorted(paths) if not exists(path)] == []


KNOWN = ("docs/", "examples/", "privxray/", "tests/", *(f"{entry.name}/" for entry in PACKAGE.iterdir()))


def exists(path: str) -> bool:
    """A path below the repository or the package; docs may leave ``.md`` or an ADR's title out."""
    return any(
        place.exists() or any(place.parent.glob(f"{place.name}*")) for place in (ROOT / path, PACKAGE / path)
    )


def test_functions_that_are_named_exist() -> None:
    defined = {
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert set(re.findall(r"`(\w+)\(\)`", page())) <= defined


def test_each_walk_has_about_ten_lines() -> None:
    walks = re.findall(r"^## [^\n]* from .*?(?=^## |\Z)", page(), re.M | re.S)
    assert len(walks) == 4
    assert all(8 <= len(re.findall(r"^\d+\. ", walk, re.M)) <= 12 for walk in walks)


def test_every_decision_is_in_the_index_by_a_question() -> None:
    index = (DOCS / "adr" / "README.md").read_text("utf-8")
    told = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index)
    assert sorted(told) == sorted(path.name for path in (DOCS / "adr").glob("[0-9]*.md"))
    assert all(f"[{name[:4]}]({name})" in index for name in told)


def test_the_hooks_before_a_commit_are_the_linters_of_make_lint() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert recipe is not None
    linters = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == linters
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_every_module_is_imported_by_a_test_or_says_where_it_is_tested() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")]
    imported = {name for text in texts for name in _imported(ast.parse(text))}
    imported |= {name for text in texts for name in re.findall(r"privxray(?:\.\w+)+", text)}  # to be patched
    untested = []
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        named = re.findall(r"tests/[\w/]+\.py", said)
        assert all((ROOT / name).exists() for name in named), module
        says = named or re.search(r"\b[Tt]ested (in|by)\b|mypy tests them", said)
        if path.name != "__init__.py" and module not in imported and not says:
            untested.append(module)
    assert untested == []
