"""Reading the lists of reasons and words that come with the package."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Reason:
    """One way in which a command can end without success.

    :param name: stable, such as ``update.other-plan``; scripts and tests may compare it, wording may change.
    :param exit_code: of the process, see :mod:`privxray.cli.failures`.
    :param cause: one or two sentences: what happened, in words that hold for every place that raises it.
    :param remedy: one or two sentences: what to do.
    """

    name: str
    exit_code: int
    cause: str
    remedy: str


@cache
def reasons() -> dict[str, Reason]:
    """Every reason by its name, sorted."""
    found = {}
    for entry in resources.files("privxray.explanations").joinpath("reasons").iterdir():
        if entry.name.endswith(".toml"):
            for name, says in tomllib.loads(entry.read_text(encoding="utf-8")).items():
                found[name] = Reason(name, says["exit"], says["cause"], says["remedy"])
    return dict(sorted(found.items()))


@cache
def glossary() -> dict[str, str]:
    """Every word of the glossary with its sentence, sorted."""
    source = resources.files("privxray.explanations").joinpath("glossary.toml")
    words = tomllib.loads(source.read_text(encoding="utf-8"))
    return dict(sorted(words.items(), key=lambda pair: pair[0].casefold()))
