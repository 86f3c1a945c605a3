"""Every command with ``--json`` has a model of what it prints, and tests hold what it prints against it.

The holding is in ``json_outputs.py``: it looks at whatever any test of this folder makes a command print.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import json_outputs
import pytest
from played_study import At, draw_images, typed
from pydantic import BaseModel

from privxray.cli.app import run
from privxray.cli.json_models import catalogue
from privxray.cli.json_models.printed import Printed

HERE = Path(__file__).parent
SCHEMAS = HERE.parents[1] / "docs" / "schemas"
# Typed by a helper with further words, in these files.
BY_A_HELPER = {"passphrase": "test_passphrase.py", "audit inversion": "test_audit.py"}


def test_every_object_is_closed_and_explained() -> None:
    models = list(below(Printed))
    assert len(models) > 80
    for model in models:
        assert model.model_config["extra"] == "forbid", model
        assert model.__doc__, model
        text = json.dumps(model.model_json_schema())
        assert '"default"' not in text, model


def below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for inner in model.__subclasses__():
        yield inner
        yield from below(inner)


def typed_for_programs() -> Iterator[tuple[str, ...]]:
    """The words of every call in the tests that types a command with ``--json``, as ``World.ok`` does."""
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            parts = getattr(node, "args", None) if called else getattr(node, "elts", None)
            words = tuple(one.value for one in parts or () if isinstance(one, ast.Constant))
            if "--json" in words or called.endswith(".ok"):
                yield words


def test_the_tests_type_every_command_with_json() -> None:
    lines = list(typed_for_programs())
    for command in set(catalogue.OUTPUTS) - {catalogue.ERROR, catalogue.JSONL, *BY_A_HELPER}:
        words = tuple(command.split())
        assert any(
            words == line[place : place + len(words)] for line in lines for place in range(len(line))
        ), command
    for command, file in BY_A_HELPER.items():
        text = (HERE / file).read_text("utf-8")
        assert f'"{command.split()[-1]}"' in text
        assert '"--json"' in text


def test_the_steps_of_a_job_on_several_machines(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("initialised")
    draw_images(world["hospital-a"] / "few", 5, patients=1)
    monkeypatch.chdir(world["hospital-a"])
    key, shard = ("--key-file", "job.key"), ("few/images", "--shard", "1/1", "--key-file", "job.key")
    for line in (
        ("check", "key", "job.key", "--json"),
        ("check", "terms", *shard, "--out", "terms.part", "--json"),
        ("check", "terms", "--merge", "terms.part", *key, "--out", "all.terms", "--json"),
        ("check", "few/images", "--jsonl"),
        ("deidentify", "key", "copies.key", "--json"),
        ("deidentify", "terms", *shard[:-1], "copies.key", "--out", "copies.part", "--json"),
    ):
        done = typed(list(line))
        assert done.code in (0, 3), done.err
    assert json_outputs.held >= {"check key", "check terms", catalogue.JSONL, "deidentify terms"}


def test_a_key_more_or_of_another_type_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_outputs, "faults", [])
    good = {"revocation": "x", "why": "lost"}
    for told in (good, good | {"more": 1}, good | {"why": "stolen"}, {"why": "lost"}):
        json_outputs.expect("revoke", json.dumps(told))
    assert len(json_outputs.faults) == 3


def test_what_runs_here_is_held_against_its_model(capsys: pytest.CaptureFixture[str]) -> None:
    json_outputs.held.clear()
    assert run(["help", "epsilon", "--json"]) == 0
    assert run(["help", "nonsuch", "--json"]) == 2
    assert json_outputs.held == {"help", catalogue.ERROR}


def test_help_prints_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "--schema", "infer", "offer"]) == 0
    assert capsys.readouterr().out == (SCHEMAS / "infer-offer.json").read_text("utf-8")
    assert run(["help", "--schema", "budgt", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["reason"] == "help.no-schema"
    assert "budget" in told["advice"]
