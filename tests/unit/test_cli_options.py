"""What options share: patterns of files, names, and options that stand for one value."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from privxray.cli.options.file_patterns import expand
from privxray.cli.options.option_group import takes
from privxray.cli.options.typed_names import require_name
from privxray.deid.workers.worker_pool import MOST_WORKERS, worker_count
from privxray.errors import UsageError


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names = ["b.card", "a.card", "[c].card", "d.plan"]
    for name in names:
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return names


@pytest.mark.usefixtures("cards")
def test_a_pattern_is_expanded_in_order_and_a_file_counts_once() -> None:
    assert expand([Path("b.card"), Path("*.card")]) == [Path("b.card"), Path("[c].card"), Path("a.card")]


@pytest.mark.usefixtures("cards")
def test_a_file_whose_name_looks_like_a_pattern_is_that_file() -> None:
    assert expand([Path("[c].card")]) == [Path("[c].card")]


@pytest.mark.usefixtures("cards")
def test_a_file_that_is_not_there_is_left_to_the_command() -> None:
    assert expand([Path("absent.card")]) == [Path("absent.card")]


@pytest.mark.usefixtures("cards")
def test_a_pattern_that_fits_nothing_is_refused_without_a_patients_name() -> None:
    with pytest.raises(UsageError) as caught:
        expand([Path("images/Quackenbush*.dcm")])
    assert caught.value.reason == "file.no-match"
    assert "Quackenbush" not in str(caught.value)
    assert expand([Path("*.enc")], none_is_fine=True) == []


@pytest.mark.parametrize("name", ["hospital-a", "A", "9.x_y-z", "x" * 40])
def test_a_name_is_taken(name: str) -> None:
    require_name("--name", name)


@pytest.mark.parametrize("name", ["", "-a", ".a", "a b", "a/b", "S\u00fcd", "x" * 41, "a\n"])
def test_what_could_be_no_file_name_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match=r"^--study: ") as caught:
        require_name("--study", name)
    assert caught.value.reason == "init.not-a-name"


def test_an_option_that_was_not_typed_is_no_name_to_look_at() -> None:
    require_name("--name", None)


def test_as_many_workers_as_wanted_else_one_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker_count(64) == 64
    for processors, workers in ((3, 3), (64, MOST_WORKERS), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda processors=processors: processors)
        assert worker_count() == workers


@dataclass(frozen=True)
class Terms:
    rounds: Annotated[int, typer.Option("--rounds", help="How many.")] = 1
    mode: Annotated[str | None, typer.Option("--mode", help="Which.")] = None


def test_a_group_of_options_is_given_as_one_value() -> None:
    given: list[object] = []

    @takes("terms", Terms)
    def plan(terms: Terms, force: Annotated[bool, typer.Option("--force")] = False) -> None:
        given.append((terms, force))

    app = typer.Typer()
    app.command()(plan)
    assert CliRunner().invoke(app, ["--rounds", "3", "--force"]).exit_code == 0
    assert CliRunner().invoke(app, []).exit_code == 0
    assert given == [(Terms(3, None), True), (Terms(), False)]
    help_page = CliRunner().invoke(app, ["--help"]).output
    assert "--rounds" in help_page
    assert "--mode" in help_page
