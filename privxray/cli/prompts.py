"""Asking a person, or the option or file that answers for one. Nothing is asked without a terminal."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import typer

from privxray.cli.output import tell
from privxray.errors import RefusedError, SystemTroubleError, UsageError
from privxray.keys.brackets import BRACKETS, USUAL_BRACKET, Bracket
from privxray.system import private_files
from privxray.system.console import is_terminal
from privxray.system.names import quoted

MAX_PASSPHRASE_FILE = 4096
SHORT_PASSPHRASE = 12
FEW_SIGNS = 6
_BY_FILE = "--passphrase-file FILE or set PRIVXRAY_PASSPHRASE_FILE"


def passphrase(
    file: Path | None, *, new: bool = False, words: str = "Passphrase", by_file: str = _BY_FILE
) -> Callable[[], str]:
    """How a command gets its passphrase, once it turns out to need it.

    :param new: ask twice, and remark on a weak one, typed or in the file.
    :param words: what a person is asked for.
    :param by_file: how it is given where nobody can be asked.
    """

    @cache  # asked once a command, however often it is needed
    def ask() -> str:
        if file is not None:
            return _told_if_weak(_from_file(file)) if new else _from_file(file)
        if not is_terminal(sys.stdin):
            raise UsageError(
                "a passphrase is needed and there is no terminal to ask at",
                reason="passphrase.no-terminal",
                advice=f"Give {by_file}",
            )
        typed: str = typer.prompt(words, hide_input=True, confirmation_prompt=new, err=True)
        return _told_if_weak(typed) if new else typed

    return ask


def key_words(given: str | None) -> Callable[[], str]:
    """How ``join`` and ``accept`` get the study's key words, once a plan turns out to need them."""
    question = "Key words, as the coordinator and another hospital read them out"
    return lambda: _words(given, "the study's key words", question)


def party_words(given: str | None, who: str) -> Callable[[str], str]:
    """How ``infer`` gets the key words of a party that is met for the first time, given its name."""

    def ask(name: str) -> str:
        return _words(
            given, f"the key words of the {who}, {name},", f"Key words of {name}, as they read them out"
        )

    return ask


def patients_up_to(given: str | None, *, ask: bool) -> Bracket | None:
    """The size that a hospital states: as typed with the command, or as a person answers.

    :param ask: whether to ask where nothing was typed and there is a terminal.
    :returns: None where nothing was typed and nobody can be asked.
    """
    if given is None and ask and is_terminal(sys.stdin):
        question = "At most how many patients has this hospital? (100, 1000, 10000 or 100000)"
        while given not in [str(bracket) for bracket in BRACKETS]:
            given = typer.prompt(question, default=str(USUAL_BRACKET), err=True)
    return next((bracket for bracket in BRACKETS if str(bracket) == given), None)


def _words(given: str | None, what: str, question: str) -> str:
    if given is not None:
        return given
    if not is_terminal(sys.stdin):
        raise UsageError(
            f"{what} are needed and there is no terminal to ask at",
            reason="key-words.no-terminal",
            advice='Give them with --key-words "twelve words ..."',
        )
    typed: str = typer.prompt(question, err=True)
    return typed


def _told_if_weak(passphrase: str) -> str:
    """The same passphrase, with a remark to the person where it is a weak one."""
    if len(passphrase) < SHORT_PASSPHRASE:
        tell(f"This passphrase is short; {SHORT_PASSPHRASE} characters or more resist guessing.", always=True)
    elif len(set(passphrase)) < FEW_SIGNS:
        tell(
            f"This passphrase repeats few characters; {FEW_SIGNS} different ones or more resist guessing.",
            always=True,
        )
    return passphrase


def _from_file(path: Path) -> str:
    try:
        data, open_to_others = private_files.read_private(path, MAX_PASSPHRASE_FILE)
    except OSError as error:
        raise SystemTroubleError(
            f"the passphrase file can't be read ({error.strerror})",
            reason="passphrase.file-unread",
            file=path,
            advice="Check its path and its permissions",
        ) from None
    if open_to_others:
        raise RefusedError(
            "other accounts can read or change this passphrase file, so it is not used",
            reason="passphrase.file-open-to-others",
            file=path,
            advice=f"Type: {private_files.how_to_close(quoted(str(path)), folder=False)} , and change the "
            "passphrase if others use this machine",
        )
    try:
        line = data.decode(_encoding(data)).split("\n", 1)[0].rstrip("\r")
    except UnicodeDecodeError:
        raise UsageError(
            "the passphrase file is not UTF-8 text",
            reason="passphrase.file-not-text",
            file=path,
            advice="Save it as plain text in UTF-8",
        ) from None
    if not line:
        raise UsageError(
            "the first line of the passphrase file is empty",
            reason="passphrase.file-empty",
            file=path,
            advice="Write the passphrase into its first line",
        )
    return line


def _encoding(data: bytes) -> str:
    """Of a text file: UTF-8 with or without a byte order mark, or UTF-16 with one, as Windows saves it."""
    return "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
