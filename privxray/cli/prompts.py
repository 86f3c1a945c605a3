"""Asking a person, or the option or file that answers for one. Nothing is asked without a terminal."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from privxray.errors import SystemTroubleError, UsageError

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="PRIVXRAY_PASSPHRASE_FILE",
        help="Read the passphrase from the first line of this file instead of asking.",
        show_default=False,
    ),
]
Study = Annotated[
    str | None, typer.Option("--study", help="Which study, where several are joined.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a text.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        max=64,
        help="Worker processes.  [default: one a processor, at most 8]",
        show_default=False,
    ),
]
To = Annotated[
    Path | None,
    typer.Option("--to", help="Write into this folder, for instance a stick.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that stands where this one goes.")]

MAX_PASSPHRASE_FILE = 4096
SHORT_PASSPHRASE = 12
MOST_JOBS = 8


def processes(jobs: Jobs) -> int:
    """How many worker processes a command starts."""
    return jobs or min(os.cpu_count() or 1, MOST_JOBS)


def passphrase(file: Path | None, *, new: bool = False) -> Callable[[], str]:
    """How a command gets its passphrase, once it turns out to need it.

    :param new: ask twice, and remark on a short one.
    """

    @cache  # asked once a command, however often it is needed
    def ask() -> str:
        if file is not None:
            return _from_file(file)
        if not sys.stdin.isatty():
            raise UsageError(
                "a passphrase is needed and there is no terminal to ask at",
                advice="Give --passphrase-file FILE or set PRIVXRAY_PASSPHRASE_FILE",
            )
        typed: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True)
        if new and len(typed) < SHORT_PASSPHRASE:
            typer.echo(
                f"This passphrase is short; {SHORT_PASSPHRASE} characters or more resist guessing.", err=True
            )
        return typed

    return ask


def key_words(given: str | None) -> Callable[[], str]:
    """How ``join`` gets the study's key words."""

    def ask() -> str:
        if given is not None:
            return given
        if not sys.stdin.isatty():
            raise UsageError(
                "the study's key words are needed and there is no terminal to ask at",
                advice='Give them with --key-words "twelve words ..."',
            )
        typed: str = typer.prompt(
            "Key words, as the coordinator and another hospital read them out", err=True
        )
        return typed

    return ask


def party_words(given: str | None, who: str) -> Callable[[str], str]:
    """How ``infer`` gets the key words of a party that is met for the first time, given its name."""

    def ask(name: str) -> str:
        if given is not None:
            return given
        if not sys.stdin.isatty():
            raise UsageError(
                f"the key words of the {who}, {name}, are needed and there is no terminal to ask at",
                advice='Give them with --key-words "twelve words ..."',
            )
        typed: str = typer.prompt(f"Key words of {name}, as they read them out", err=True)
        return typed

    return ask


def expand(patterns: Sequence[Path], *, none_is_fine: bool = False) -> list[Path]:
    """File arguments, patterns expanded here where the shell has not done it, without repeats.

    :param none_is_fine: for a command that says better itself what is missing.
    :raises UsageError: a pattern that fits no file.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        text = str(pattern)
        if pattern.exists() or not glob.has_magic(text):
            matches = [text]
        else:
            matches = sorted(glob.glob(text))  # noqa: PTH207 - a pattern may be absolute
            if not matches and not none_is_fine:
                raise UsageError("no file fits this pattern", file=text, advice="Check the folder")
        found.update(dict.fromkeys(map(Path, matches)))
    return list(found)


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_PASSPHRASE_FILE)
    except OSError as error:
        raise SystemTroubleError(f"the passphrase file can't be read ({error.strerror})", file=path) from None
    try:
        line = data.decode("utf-8").split("\n", 1)[0].rstrip("\r")
    except UnicodeDecodeError:
        raise UsageError("the passphrase file is not UTF-8 text", file=path) from None
    if not line:
        raise UsageError("the first line of the passphrase file is empty", file=path)
    return line
