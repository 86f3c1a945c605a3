"""docs/TUTORIAL.md: ``python docs/tools/tutorial.py`` types its commands and writes what they print.

Commands of privxray and Python run in this process, the few others in a shell. tests/cli/test_tutorial.py
plays it too, and compares.
"""

from __future__ import annotations

import contextlib
import glob
import io
import os
import re
import shlex
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from privxray.cli.app import run

PAGE = Path(__file__).parents[1] / "TUTORIAL.md"
WORDS = "THE TWELVE KEY WORDS"
_BLOCK = re.compile(r"(<!-- varies -->\n)?```console\n(.*?)```", re.DOTALL)
_PROMPT = re.compile(r"^([a-z-]*)\$ (.*)$", re.MULTILINE)
_WIDTH = 80


@dataclass(frozen=True)
class Step:
    """A command of the page.

    :ivar folder: of the party that types it; empty for the folder above all.
    :ivar output: what it prints, as the page has it.
    :ivar varies: by the noise, so only its shape is compared.
    """

    folder: str
    command: str
    output: str
    varies: bool = False


def steps(page: str) -> list[Step]:
    """Every command of the page with its output, in order."""
    found: list[Step] = []
    for block in _BLOCK.finditer(page):
        parts = _PROMPT.split(block[2])[1:]
        for folder, command, output in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            found.append(Step(folder, command, output.strip("\n"), bool(block[1])))
    return found


def played(page: str, root: Path) -> list[Step]:
    """The same steps with what they print now. They are typed in ``root``, a folder called ``tutorial``.

    :raises RuntimeError: a command failed.
    """
    player = _Player(root)
    return [replace(step, output=player.type(step)) for step in steps(page)]


def rewritten(page: str, told: Sequence[Step]) -> str:
    """The page with these outputs."""
    rest = iter(told)

    def block(found: re.Match[str]) -> str:
        lines: list[str] = []
        for _ in _PROMPT.findall(found[2]):
            step = next(rest)
            lines += [f"{step.folder}$ {step.command}", *([step.output] if step.output else [])]
        return f"{found[1] or ''}```console\n" + "\n".join(lines) + "\n```"

    return _BLOCK.sub(block, page)


def masked(step: Step) -> list[str]:
    """What must stay the same of an output: without digests, key words, fractions, times and line breaks.

    Of an output that varies with the noise: its first and last line, and the names of a table's rows.
    """
    text = step.output
    if step.varies:
        rows = re.findall(r"^([A-Za-z]+[\w.-]*)(?: \(?[A-Za-z]+\)?)*  ", text, re.MULTILINE)
        lines = _joined(text)
        return [*(_without_figures(one) for one in (lines[0], lines[-1])), *rows]
    return _without_figures(" ".join(text.split())).split(". ")


def _joined(text: str) -> list[str]:
    """The lines of an output, those that were wrapped put together again."""
    return re.sub(r"\n(?=  )", "", text).splitlines() or [""]


def _without_figures(text: str) -> str:
    for pattern, put in (
        (r"Key words( of \w+)?: (?:[a-z]+ ){11}[a-z]+", "Key words"),
        (r"\d{4}-\d\d-\d\d( \d\d:\d\d)?|\b\d\d:\d\d\b", "when"),
        (r"\b[0-9a-f]{8,}\b", "digest"),
        (r"\b\d[\d,]*\.\d+(e-\d+)?\b|\b\d+,\d{3}\b|\b\d+e-\d+\b", "figure"),
        (r"[─#=.\[\]]{4,}", "line"),
    ):
        text = re.sub(pattern, put, text)
    return " ".join(text.split())


class _Player:
    """Types commands in folders below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._words = ""

    def type(self, step: Step) -> str:
        """What a command prints, with the lines of messages wrapped as a terminal does."""
        os.chdir(self._root / step.folder)
        command = step.command.replace(WORDS, self._words)
        if command in ("mkdir tutorial", "cd tutorial"):
            return ""
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            os.environ[name] = value.replace("$PWD", str(self._root))
            return ""
        text = self._run(command)
        if told := re.search(r"^Key words: (.*)$", text, re.MULTILINE):
            self._words = told[1]
        return "\n".join(self._shown(text))

    def _run(self, command: str) -> str:
        command, away, _ = command.partition(" > /dev/null")
        words = shlex.split(command)
        said = io.StringIO()
        code: object = 0
        with contextlib.redirect_stdout(io.StringIO() if away else said), contextlib.redirect_stderr(said):
            if words[0] == "privxray":
                code = run([name for word in words[1:] for name in _matching(word)])
            elif words[:2] == ["python", "-c"]:
                exec(words[2], {})  # noqa: S102 - the page's own words
            else:
                done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
                code = done.returncode
                said.write(done.stdout + done.stderr)
        if code:
            raise RuntimeError(f"{command} ended with {code}: {said.getvalue()}")
        return said.getvalue()

    def _shown(self, text: str) -> Iterator[str]:
        here = text.replace(str(self._root), "/home/you/tutorial")
        for line in here.rstrip().splitlines():
            long = len(line) > _WIDTH
            yield from textwrap.wrap(line, _WIDTH, break_on_hyphens=False) if long else [line.rstrip()]


def _matching(word: str) -> list[str]:
    """The files that a pattern names, as a shell gives them; the word itself where it is none."""
    found = glob.glob(word)  # noqa: PTH207 - as a shell: relative, and with .. in it
    return sorted(found) or [word]


def main() -> None:
    """Play the page and write what came of it."""
    page = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        told = played(page, Path(folder).resolve())
        os.chdir(PAGE.parent)
    PAGE.write_text(rewritten(page, told), "utf-8")


if __name__ == "__main__":
    main()
