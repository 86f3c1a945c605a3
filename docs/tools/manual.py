"""What every command's help says, as data: for the site's pages and for the man pages.

Tested in tests/unit/test_manual.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from privxray.cli.app import app

DOCS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Entry:
    """An argument or option: how it is typed, and what it is."""

    typed: str
    what: str


@dataclass(frozen=True)
class Command:
    """A command's help.

    :ivar name: as it is typed after ``privxray``, such as ``infer ask``; empty for ``privxray`` itself.
    :ivar usage: how it is typed. :ivar summary: one sentence without a full stop.
    :ivar text: the help, a paragraph each. :ivar example: what to type, for instance; empty where none is.
    :ivar who: whose command it is. :ivar asks: what it asks for; empty where nothing.
    :ivar inner: further words of a group, with what each does.
    """

    name: str
    usage: str
    summary: str
    text: tuple[str, ...]
    example: str
    arguments: tuple[Entry, ...]
    options: tuple[Entry, ...]
    who: str
    asks: str
    inner: tuple[Entry, ...]

    @property
    def page(self) -> str:
        """The name of its page: ``infer-ask``; ``privxray`` for the whole."""
        return self.name.replace(" ", "-") or "privxray"


def commands() -> list[Command]:
    """Every command, in the order of ``privxray --help``; a group's come after the group."""
    return list(_below(typer.main.get_command(app), ()))


def exit_codes() -> dict[int, str]:
    """What each exit code means, by docs/COMMANDS.md, which a test holds against the errors."""
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", (DOCS / "COMMANDS.md").read_text("utf-8"), re.MULTILINE)
    return {int(code): meaning for code, meaning in rows}


def _below(command: Any, words: tuple[str, ...]) -> Iterator[Command]:
    context = command.context_class(command, info_name=" ".join(("privxray", *words)))
    inner = getattr(command, "commands", {})
    names = command.list_commands(context) if inner else ()
    yield _told(command, context, words, tuple(Entry(name, _short(inner[name])) for name in names))
    for name in names:
        yield from _below(inner[name], (*words, name))


def _told(command: Any, context: Any, words: tuple[str, ...], inner: tuple[Entry, ...]) -> Command:
    paragraphs = [" ".join(one.split()) for one in re.split(r"\n\s*\n", command.help or "")]
    text, example = _without_example(paragraphs)
    who, asks = _row(" ".join(words))
    usage = re.sub(r"[{}]", "", " ".join((context.info_name, *command.collect_usage_pieces(context))))
    records = [(one, one.get_help_record(context)) for one in command.get_params(context)]
    return Command(
        name=" ".join(words),
        usage=usage,
        summary=_short(command),
        text=text,
        example=example,
        arguments=tuple(_entries(records, "argument")),
        options=tuple(_entries(records, "option")),
        who=who,
        asks=asks,
        inner=inner,
    )


def _short(command: Any) -> str:
    return str(command.get_short_help_str(limit=200)).rstrip(".")


def _entries(records: list[tuple[Any, tuple[str, str] | None]], kind: str) -> Iterator[Entry]:
    for parameter, record in records:
        if parameter.param_type_name == kind and record is not None:
            typed = record[0].replace("--help", "-h, --help") if record[0] == "--help" else record[0]
            yield Entry(_plain_types(typed, argument=kind == "argument"), " ".join(record[1].split()))


def _plain_types(typed: str, *, argument: bool) -> str:
    """What is typed, with a word for what Typer calls by a type of Python; an argument has a name already."""
    words = {"path": "FILE", "Path": "FILE", "str": "TEXT", "int": "NUMBER", "float": "NUMBER"}
    if argument:
        return re.sub(r" <(?:list\[)?(?:path|Path|str|int|float)(?: range)?\]?>", "", typed).strip()
    named = re.compile(r"<(?:list\[)?(path|Path|str|int|float)(?: range)?\]?>")
    return named.sub(lambda one: words[one[1]], typed).strip()


def _without_example(paragraphs: list[str]) -> tuple[tuple[str, ...], str]:
    """Paragraphs without the example at the end, and the example."""
    found = re.compile(r"\s*(?:For instance|For example|Example): (privxray .*)$")
    example = next((match[1] for one in paragraphs if (match := found.search(one))), "")
    kept = (found.sub("", one) for one in paragraphs)
    return tuple(one for one in kept if one), example


def _row(name: str) -> tuple[str, str]:
    """The columns "who" and "asks" of docs/COMMANDS.md; both empty for a group."""
    for line in (DOCS / "COMMANDS.md").read_text("utf-8").splitlines():
        found = re.match(r"\| `([a-z-]+(?: [a-z-]+)*)", line)
        if found and found[1] == name:
            cells = [cell.strip() for cell in line.strip("|").split(" |")]
            return cells[2].strip("| "), cells[4].strip("| ") if len(cells) > 4 else ""
    return "", ""
