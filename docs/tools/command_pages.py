"""The site's pages that are made of the program itself: one a command, exit codes, JSON.

Tested in tests/unit/test_manual.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from manual import Command, Entry, exit_codes

from privxray.cli.json_models import catalogue
from privxray.cli.json_models.pages import file_name
from privxray.explanations.catalogue import reasons


def command_page(command: Command) -> str:
    """The page of one command, in Markdown."""
    return "\n".join(_command_lines(command))


def overview_page(commands: Sequence[Command]) -> str:
    """The list of all commands in Markdown, as ``privxray --help`` has it, with the options of the whole."""
    whole = commands[0]
    lines = ["# All commands", "", *whole.text, "", f"    {whole.usage}", ""]
    lines += ["| command | what it does | who |", "| --- | --- | --- |"]
    lines += [
        f"| [`{one.name}`]({one.page}.md) | {_cell(one.summary)} | {_cell(one.who)} |"
        for one in commands[1:]
        if not one.inner or one.who
    ]
    lines += ["", "## Options of every command", "", *_table(whole.options)]
    lines += ["", "What holds for all of them, such as passphrases, file names and patterns, is in "]
    return "\n".join(lines) + "[Commands](../COMMANDS.md).\n"


def exit_codes_page() -> str:
    """Exit codes in Markdown, each with the reasons that end with it."""
    lines = [
        "# Exit codes",
        "",
        "A command ends with one of these codes. With `--json` the object of an error",
    ]
    lines += ["names its reason, and `privxray help REASON` explains it.", ""]
    lines += ["| code | meaning |", "| --- | --- |"]
    lines += [f"| [{code}](#{code}) | {_cell(meaning)} |" for code, meaning in exit_codes().items()]
    for code, meaning in exit_codes().items():
        named = [f"`{one.name}`" for one in reasons().values() if one.exit_code == code]
        lines += ["", f"## {code} {{ #{code} }}", "", f"{meaning[0].upper()}{meaning[1:]}.", ""]
        if named:
            lines += [f"{len(named)} reasons ([what each means](REASONS.md)):", "", ", ".join(named)]
    return "\n".join(lines) + "\n"


def json_page() -> str:
    """Which command prints which object, in Markdown."""
    lines = [
        "# What `--json` prints",
        "",
        "Every command that makes or tells something has `--json`: stdout is",
    ]
    lines += ["then one JSON object and nothing else. Each has a JSON schema (draft 2020-12), which"]
    lines += [
        "`privxray help --schema COMMAND` prints, too. No object has a key that its schema does not name.",
        "",
    ]
    lines += ["| command | what is printed | schema |", "| --- | --- | --- |"]
    for name in catalogue.OUTPUTS:
        said = " Or: ".join(_first(model.__doc__) for model in catalogue.OUTPUTS[name])
        page = f"[`{name}`](commands/{name.replace(' ', '-')}.md)" if name not in _NO_COMMAND else f"`{name}`"
        lines.append(f"| {page} | {_cell(said)} | [{file_name(name)}](schemas/{file_name(name)}) |")
    return "\n".join(lines) + "\n"


_NO_COMMAND = (catalogue.ERROR, catalogue.JSONL)


def _command_lines(command: Command) -> Iterator[str]:
    yield f"# privxray {command.name}"
    yield ""
    for paragraph in command.text:
        yield _prose(paragraph)
        yield ""
    yield f"    {command.usage}"
    if command.example:
        yield ""
        yield "For instance:"
        yield ""
        yield f"    {command.example}"
    if command.who:
        yield ""
        asks = f" It asks for: {command.asks}." if command.asks else " It asks for nothing."
        yield f"**Who:** {command.who}.{asks}"
    if command.inner:
        yield from ("", "| command | what it does |", "| --- | --- |")
        for one in command.inner:
            words = f"{command.name} {one.typed}"
            yield f"| [`{words}`]({words.replace(' ', '-')}.md) | {_cell(one.what)} |"
    for title, entries in (("Arguments", command.arguments), ("Options", command.options)):
        if entries:
            yield from ("", f"## {title}", "", *_table(entries))
    if command.name in catalogue.OUTPUTS:
        yield from _json_lines(command.name)
    yield ""
    yield "See also [Commands](../COMMANDS.md), for what holds for all of them, and"
    yield "[exit codes](../EXIT-CODES.md)."
    yield ""


def _json_lines(name: str) -> Iterator[str]:
    file = file_name(name)
    yield from ("", "## With `--json`", "", f"One object; its [JSON schema](../schemas/{file}).")
    for model in catalogue.OUTPUTS[name]:
        shown = model.model_json_schema(by_alias=True)
        yield from ("", _prose(" ".join((model.__doc__ or "").split())), "")
        yield from ("| key | type | what it says |", "| --- | --- | --- |")
        for key, value in shown["properties"].items():
            sometimes = "" if key in shown.get("required", ()) else "not always there"
            said = "; ".join(one for one in (value.get("description", "").rstrip("."), sometimes) if one)
            yield f"| `{key}` | {_type(value)} | {_cell(said)} |"


def _type(value: Mapping[str, Any]) -> str:
    """The type of a key, in words."""
    if "$ref" in value:
        return "object"
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_type(one) for one in value["anyOf"]))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"])
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}"
    named = {"object": "object", "integer": "whole number", "number": "number", "string": "text"}
    kind = str(value.get("type", "any"))
    return named.get(kind, kind)


def _table(entries: Sequence[Entry]) -> Iterator[str]:
    yield "| typed | what it is |"
    yield "| --- | --- |"
    for one in entries:
        yield f"| `{one.typed.replace('|', ' or ')}` | {_cell(one.what)} |"


def _prose(text: str) -> str:
    return text.replace("``", "`").replace("<", "&lt;")


def _cell(text: str) -> str:
    return _prose(text).replace("|", "or")


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())
