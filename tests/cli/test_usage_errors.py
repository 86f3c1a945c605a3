"""What Typer refuses is one line like every other error: the option, what was typed, what is allowed."""

from __future__ import annotations

import pytest
from played_study import PATIENT, typed

from privxray.cli.usage_errors import usage_error

ADVISED = {
    "trian": "there is no such command. Did you mean train?",
    "audit one-runn": "there is no such command. Did you mean one-run?",
    "train --epsilonn 6": "privxray train has no option --epsilonn. Did you mean --epsilon?",
    "infer ask -C x": "-C has its place before the command. Type: privxray -C DIR infer ask",
    "train --epsilon 6,0": "--epsilon can't be '6,0': it has to be a number. Write 6.0",
    "join a b": "privxray join takes FILE only, and more was typed. Put a name that has blanks into quotes",
    "-C no status": "-C no: this folder can't be entered (No such file or directory). Check its path",
}
"""What to type instead is known."""

REFUSED = {
    "--foo": ("privxray", "privxray has no option --foo"),
    "train --epsilon": ("privxray COMMAND", "--epsilon needs a value after it"),
    "train --json=3": ("privxray COMMAND", "--json takes no value"),
    "train --epsilon much": ("privxray train", "--epsilon can't be 'much': it has to be a number"),
    "plan --rounds 1.5 x": ("privxray plan", "--rounds can't be '1.5': it has to be a whole number"),
    "check x --jobs 0": ("privxray check", "--jobs can't be '0': it has to be a number from 1 to 64"),
    "audit one-run --canaries 0": (
        "privxray audit one-run",
        "--canaries can't be '0': it has to be a number from 1 up",
    ),
    "init --role bishop": (
        "privxray init",
        "--role can't be 'bishop': it has to be hospital, coordinator or trustee",
    ),
    "init": ("privxray init", "--role is missing: hospital, coordinator or trustee"),
    "join": (
        "privxray join",
        "FILE is missing: the coordinator's plan, or the succession of a new coordinator",
    ),
    "ingest images": (
        "privxray ingest",
        "--labels is missing: a csv with the columns file (or image), patient, label",
    ),
    "train x": ("privxray train", "privxray train takes nothing but options, and more was typed"),
}
"""What to type instead is for the person to say, so the command's help is named."""


@pytest.mark.parametrize("line", ADVISED)
def test_a_slip_whose_remedy_is_known_is_one_line_with_it(line: str) -> None:
    result = typed(line.split())
    assert (result.code, result.err) == (2, f"privxray: {ADVISED[line]}\n")


@pytest.mark.parametrize("line", REFUSED)
def test_a_slip_is_one_line_that_says_what_is_allowed(line: str) -> None:
    command, what = REFUSED[line]
    result = typed(line.split())
    assert (result.code, result.err) == (2, f"privxray: {what}. Type {command} --help for the options\n")


@pytest.mark.parametrize("line", ["train --epsilon much --json", "--foo --json", "trian --json"])
def test_it_is_one_object_for_a_program(line: str) -> None:
    result = typed(line.split())
    assert (result.code, result.json["exit_code"]) == (2, 2)
    assert set(result.json["error"]) == {"reason", "what", "file", "advice"}
    assert result.json["error"]["reason"] == "usage"


@pytest.mark.parametrize(
    "line",
    [
        f"join a.plan {PATIENT}.plan",
        f"{PATIENT}.dcm",
        f"train --epsilon {PATIENT}^Zephyrine",
        f"init --role {PATIENT}.dcm",
        f"evaluate --split images/{PATIENT}",
    ],
)
def test_a_file_that_is_typed_in_the_wrong_place_is_not_named(line: str) -> None:
    result = typed(line.split())
    assert result.code == 2
    assert PATIENT not in result.out + result.err


def test_an_error_that_is_not_known_here_keeps_typers_words() -> None:
    class BadParameter(Exception):  # noqa: N818 - the name of Typer's
        ctx = None

        def format_message(self) -> str:
            return "Invalid value for '--epsilon': no."

    told = usage_error(BadParameter())
    assert (told.what, told.reason) == ("Invalid value for '--epsilon': no", "usage")


def test_a_group_without_a_command_shows_its_help() -> None:
    assert typed(["audit"]).err.startswith("Usage: privxray audit")
