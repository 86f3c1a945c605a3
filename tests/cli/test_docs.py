"""The documents say what the commands do; a command or option without a word in docs fails here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import man_pages
import typer

from privxray import errors
from privxray.cli.app import app
from privxray.cli.json_models import catalogue, pages

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = (DOCS / "COMMANDS.md").read_text()
README = (DOCS.parent / "README.md").read_text()


def rows() -> dict[str, str]:
    """The table's rows by command; a group's are by two words."""
    found = re.findall(r"^\| `([a-z-]+(?: [a-z-]+)*)[^`]*` \|(.*)$", COMMANDS, re.MULTILINE)
    return dict(found)


def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None) or {}
        if not inner or command.invoke_without_command:
            found[name] = command
        found |= {f"{name} {word}": sub for word, sub in inner.items()}
    return found


def test_every_command_and_only_those_are_documented() -> None:
    assert set(rows()) == set(commands())


def test_every_option_and_only_those_are_documented() -> None:
    for name, command in commands().items():
        real = {opt for p in command.params for opt in p.opts if opt.startswith("--")} - {"--help"}
        told = set(re.findall(r"`(--[a-z0-9-]+)`", rows()[name]))
        assert real == told, name


def test_the_usage_lines_name_arguments_as_the_documents_do() -> None:
    told = dict(re.findall(r"^\| `([a-z-]+(?: [a-z-]+)*)([^`]*)` \|", COMMANDS, re.MULTILINE))
    for name, command in commands().items():
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        assert [word.strip("[].") for word in told[name].split()] == [one.metavar for one in arguments], name


def test_every_command_with_json_has_a_model_and_only_those() -> None:
    real = {name for name, one in commands().items() if any("--json" in option.opts for option in one.params)}
    modelled = set(catalogue.OUTPUTS) - {catalogue.ERROR, catalogue.JSONL}
    assert real == modelled, "see CONTRIBUTING.md on how to add a command"


def test_the_schemas_are_up_to_date() -> None:
    kept = {path.name: path.read_text("utf-8") for path in (DOCS / "schemas").glob("*.json")}
    assert kept == pages.schemas(), "python -m privxray.cli.json_models.pages docs/schemas"


def test_the_man_pages_are_up_to_date() -> None:
    kept = {path.name: path.read_text("utf-8") for path in (DOCS / "man").glob("*.1")}
    assert kept == man_pages.man_pages(), "python docs/tools/man_pages.py"


def test_every_option_has_a_help_text() -> None:
    for name, command in commands().items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", "help"), (name, parameter.name)


def test_the_list_of_commands_cuts_no_sentence_off() -> None:
    group: Any = typer.main.get_command(app)
    for name, command in (group.commands | commands()).items():
        assert not command.get_short_help_str(limit=60).endswith("..."), name


def test_the_exit_codes_are_documented() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", COMMANDS, re.MULTILINE)}
    classes = [
        e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.PrivxrayError)
    ]
    assert told == {0, *(c.exit_code for c in classes)}


def test_the_readme_types_commands_that_exist() -> None:
    typed = set(re.findall(r"privxray (?:-C \S+ )?([a-z]+(?:-[a-z]+)*)", README))
    assert {"init", "plan", "join", "train", "export-update", "aggregate", "demo"} <= typed
    first_words = {name.split()[0] for name in commands()}
    for name in re.findall(r"`privxray ([a-z][a-z-]*)", README):
        assert name in first_words, name


def test_every_attack_in_the_threats_is_a_test() -> None:
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", (DOCS / "THREATS.md").read_text()))
    assert len(named) > 30
    defined = {
        name
        for file in (DOCS.parent / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_[a-z0-9_]+)\(", file.read_text(), re.MULTILINE)
    }
    assert named <= defined, named - defined


def test_a_command_is_in_the_module_of_its_name() -> None:
    for name, command in commands().items():
        group, _, inner = name.replace("-", "_").partition(" ")
        module = f"{group}.{inner}_command" if group == "infer" else f"{group}_command{'s' if inner else ''}"
        assert command.callback.__module__.endswith(f".{module}"), name
