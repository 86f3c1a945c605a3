"""What the site and the man pages say is what the commands' help says, and every page has its place."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import command_pages
import dialect
import drawings
import man_pages
import manual
import pytest
import yaml

from privxray.cli.json_models import catalogue

DOCS = manual.DOCS
KNOWN = {one.name: one for one in manual.commands()}


def options(name: str) -> set[str]:
    return {word for one in KNOWN[name].options for word in re.findall(r"(?<![\w-])-{1,2}[\w-]+", one.typed)}


def test_every_command_is_told_with_who_types_it() -> None:
    assert len(KNOWN) > 50
    for one in KNOWN.values():
        assert one.summary
        typed = " ".join(entry.typed for entry in (*one.arguments, *one.options))
        assert not re.search(r"<(list|path|Path|str|int|float)\b", typed), one.name
        assert one.who or one.inner, one.name
    assert KNOWN["infer ask"].asks == "passphrase; the owner's key words, once"
    assert KNOWN["help"].example == "privxray help --schema budget"
    assert KNOWN["aggregate"].usage == "privxray aggregate [OPTIONS] FILES..."


def test_a_page_has_options_example_and_keys_of_json() -> None:
    page = command_pages.command_page(KNOWN["budget"])
    assert "| `--steps NUMBER` | Say with how little noise this many more steps fit. |" in page
    assert "| `left` | number |" in page
    assert "(../schemas/budget.json)" in page
    assert "privxray help --schema budget" in command_pages.command_page(KNOWN["help"])
    overview = command_pages.overview_page(list(KNOWN.values()))
    assert all(f"({one.page}.md)" in overview for one in KNOWN.values() if one.who)


def test_exit_codes_and_objects_are_listed() -> None:
    assert "## 14 { #14 }" in command_pages.exit_codes_page()
    assert (
        "`budget.exceeded`" in command_pages.exit_codes_page()
        or "`budget." in command_pages.exit_codes_page()
    )
    page = command_pages.json_page()
    assert all(f"`{name}`" in page for name in catalogue.OUTPUTS)


def test_a_man_page_is_roff_that_no_word_breaks() -> None:
    page = man_pages.man_pages()["privxray-infer-ask.1"]
    assert page.startswith('.TH PRIVXRAY\\-INFER\\-ASK 1 "" "privxray ')
    assert "\\fB\\-\\-offer FILE\\fR\nThe owner\\(aqs offer, the first time.\n" in page
    assert all(line.startswith((".", "\\f", "\\&")) or not line.startswith("'") for line in page.splitlines())
    assert {".TH", ".SH", ".TP", ".PP", ".BR", ".nf", ".fi"} >= set(re.findall(r"^\.[A-Za-z]+", page, re.M))


def test_mermaid_becomes_a_picture_and_tables() -> None:
    page = drawings.without_mermaid((DOCS / "ARCHITECTURE.md").read_text("utf-8"))
    assert "```mermaid" not in page
    assert page.count("<rect") == page.count('font-weight="bold"') > 20
    assert "| trained | exported | the update is fixed (export-update) |" in page


def test_lists_are_written_as_mkdocs_reads_them() -> None:
    page = "Text:\n- one\n  goes on\n- two\n\n      code\n\nText.\n\n1. first\n\n       code\n2. second"
    told = (
        "Text:\n\n- one\n    goes on\n- two\n\n        code\n\nText.\n\n1. first\n\n        code\n\n2. second"
    )
    assert dialect.for_mkdocs(page) == told
    kept = "Text\n\n- one\n- two\n\n```\nx\n- y\n```\n\n    code\n"
    assert dialect.for_mkdocs(kept) == kept


def nav(entries: list[Any]) -> set[str]:
    found: set[str] = set()
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            found |= nav(value) if isinstance(value, list) else {value}
    return found


def test_every_page_of_docs_is_in_the_sidebar() -> None:
    text = (DOCS.parent / "mkdocs.yml").read_text("utf-8")
    listed = nav(yaml.safe_load(text)["nav"])
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if "adr" not in path.parts}
    assert pages <= listed, pages - listed
    made = {"index.md", "EXIT-CODES.md", "JSON.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"}
    assert listed - pages == {*made, "COMMAND PAGES", "DECISIONS"}


def test_links_lead_to_files_of_the_repository() -> None:
    root = DOCS.parent
    for path in (*root.glob("*.md"), *DOCS.rglob("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert "://" in target or (path.parent / target).exists(), (path.name, target)


TYPED = [
    (path.name, line)
    for path in [
        *sorted((DOCS / "guides").glob("*.md")),
        DOCS / "KEYS.md",
        DOCS / "CLUSTER.md",
        DOCS / "TUTORIAL.md",
    ]
    for line in re.findall(
        r"`(privxray [^`]+)`|^(?: {4}|[a-z-]*\$ )(privxray .*)$", path.read_text("utf-8"), re.M
    )
]


@pytest.mark.parametrize(("page", "line"), TYPED)
def test_what_the_guides_type_is_a_command_with_its_options(page: str, line: tuple[str, str]) -> None:
    words = shlex.split((line[0] or line[1]).partition(" #")[0].partition(" > ")[0])[1:]
    if words[0] == "-C":
        words = words[2:]
    name = next((one for one in (" ".join(words[:2]), words[0]) if one in KNOWN), None)
    assert name is not None or words == ["COMMAND"], line
    if name is not None:
        typed = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
        assert typed <= options(name) | {"--quiet"}, line


def test_the_sources_hold_documentation_and_the_wheel_man_pages() -> None:
    root = DOCS.parent
    assert {"graft docs", "graft site"} <= set((root / "MANIFEST.in").read_text("utf-8").splitlines())
    assert '"share/man/man1" = ["docs/man/*.1"]' in (root / "pyproject.toml").read_text("utf-8")
    assert len(list(Path(man_pages.FOLDER).glob("*.1"))) == len(KNOWN)


def test_the_readme_s_pictures_are_small_and_fetch_nothing() -> None:
    named = re.findall(r"\]\(docs/(pictures/[^)]+)\)", (DOCS.parent / "README.md").read_text("utf-8"))
    assert sorted(path.name for path in (DOCS / "pictures").iterdir()) == sorted(
        Path(one).name for one in named
    )
    assert len(named) == 3
    for name in named:
        assert (DOCS / name).stat().st_size < 200_000
    drawn = (DOCS / "pictures" / "demo.svg").read_text("utf-8")
    assert "@font-face" not in drawn
    assert "url(http" not in drawn
    assert "animation-delay" in drawn
