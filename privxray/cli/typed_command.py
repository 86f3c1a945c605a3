"""Which command was typed, and with which options, without a word of what they were given.

Tested in tests/unit/test_cli_typed_command.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def typed_command(group: Any, words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The names of a command and of its options, each as privxray itself spells it.

    :param group: Typer's group of all commands.
    :param words: what was typed after ``privxray``.
    :returns: as ``("infer ask", ("--decimals", "--to"))``; the command is empty where none was recognised.
    """
    path: list[str] = []
    known = _options(group)
    typed: set[str] = set()
    after_folder = False
    for word in words[: words.index("--")] if "--" in words else words:
        if after_folder:
            after_folder = False
        elif word.startswith("-"):
            typed.add(word.partition("=")[0])
            after_folder = word == "-C" and not path
        elif word in (below := getattr(group, "commands", {})):
            group = below[word]
            path.append(word)
            known |= _options(group)
    return " ".join(path), tuple(sorted(typed & known))


def _options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
