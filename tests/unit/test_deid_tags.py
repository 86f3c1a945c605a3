"""The names of tags, against pydicom's dictionary; and that no module writes a tag as a bare number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pydicom.datadict import keyword_for_tag

import privxray
from privxray.deid import tags

_NAMED = {name: value for name, value in vars(tags).items() if name.isupper()}
_PACKAGE = Path(privxray.__file__).parent


@pytest.mark.parametrize("name", _NAMED)
def test_each_name_is_the_keyword_of_its_tag(name: str) -> None:
    assert name.replace("_", "") == keyword_for_tag(_NAMED[name]).upper()


def test_no_tag_has_two_names() -> None:
    assert len(set(_NAMED.values())) == len(_NAMED) > 100


def test_each_name_is_used() -> None:
    used: set[str] = set()
    for path in _PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "tags"
            ):
                used.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and node.module == "privxray.deid.tags":
                used.update(alias.name for alias in node.names)
    assert set(_NAMED) - used == set()


def test_other_modules_write_no_tag_as_a_number() -> None:
    numbers = {f"{value:08X}" for value in _NAMED.values()}
    found = [
        f"{path.relative_to(_PACKAGE)}: 0x{digits}"
        for path in sorted(_PACKAGE.rglob("*.py"))
        if path.name != "tags.py"
        for digits in re.findall(r"0x([0-9A-Fa-f]{8})\b", path.read_text(encoding="utf-8"))
        if digits.upper() in numbers
    ]
    assert found == []


@pytest.mark.parametrize(("tag", "text"), [(0x00100020, "(0010,0020)"), (0x7FE00010, "(7FE0,0010)")])
def test_a_label_is_how_the_standard_writes_a_tag(tag: int, text: str) -> None:
    assert tags.label(tag) == text
    assert tags.from_label(text) == tag


def test_a_label_with_other_digits_is_refused() -> None:
    with pytest.raises(ValueError):
        tags.from_label("(60xx,3000)")
