"""``privxray help``, and the reason that every error shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from privxray.cli.app import run


def test_a_word_and_a_reason_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "Coordinator"]) == 0
    assert capsys.readouterr().out.startswith("Coordinator: The party that starts a study")
    assert run(["help", "system.memory", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["reason"], told["exit_code"]) == ("system.memory", 1)
    assert told["cause"]
    assert told["remedy"]


def test_several_words_need_no_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "key", "words"]) == 0
    without = capsys.readouterr().out
    assert without.startswith("key words: ")
    assert run(["help", "key words"]) == 0
    assert capsys.readouterr().out == without
    assert run(["help", "Noise", "over", "sensitivity", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["word"] == "Noise over sensitivity"
    assert run(["help", "key", "wards"]) == 2
    assert "Did you mean key words" in capsys.readouterr().err


def test_the_words_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help"]) == 0
    assert "coordinator" in capsys.readouterr().out


def test_an_unknown_word_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "cordinator"]) == 2
    assert "Did you mean coordinator" in capsys.readouterr().err


def test_an_error_shows_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--verbose", "help", "nonsuch"]) == 2
    assert "reason: help.unknown-word; more: privxray help help.unknown-word" in capsys.readouterr().err
    assert run(["help", "nonsuch", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "help.unknown-word"


def test_a_usage_error_has_a_reason_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["-C", str(tmp_path), "train", "--epsilon", "much", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "usage"
