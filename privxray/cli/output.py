"""The rules of privxray's terminal texts, in one place.

* Data goes to stdout, everything said about it to stderr.
* Lines wrap by the terminal's width, 40 to 160 columns; without a terminal 80 are assumed.
* Colour never carries a meaning alone, and NO_COLOR is obeyed (rich does).
* A command that made or changed something ends with what to do next.
* With ``--quiet`` errors and data are all that is printed.
* With ``--json`` stdout is one JSON object and nothing else, also on failure; with ``--jsonl`` one a line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from privxray.workflow.common.callbacks import Progress


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = 80
    console.width = min(max(console.width, 40), 160)
    return console


quiet: ContextVar[bool] = ContextVar("quiet", default=False)
"""Whether ``--quiet`` was typed: then errors and data are all that is printed."""


def tell(text: str, *, always: bool = False) -> None:
    """Print a message about the work, to stderr. It wraps at a terminal, and is one line anywhere else.

    :param always: with ``--quiet``, too.
    """
    if quiet.get() and not always:
        return
    _print(_console(stderr=True), text, sys.stderr.isatty())


def line(text: str) -> None:
    """Print a line of data, to stdout. It wraps as messages do."""
    _print(_console(), text, sys.stdout.isatty())


def _print(console: Console, text: str, person: bool) -> None:
    if person:
        console.print(printable(text), overflow="fold")
    else:
        console.print(printable(text), soft_wrap=True)


def emit(value: Mapping[str, Any], *, one_line: bool = False) -> None:
    """Print one JSON object, to stdout.

    :raises ValueError: a number in it is infinite or none, which JSON does not know.
    """
    print(json.dumps(value, indent=None if one_line else 2, allow_nan=False))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, to stdout.

    Columns of numbers are aligned to the right. None is printed as a dash. A table without rows is
    the word "none".
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    listed = [["-" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, column in enumerate(columns):
        numeric = bool(listed) and all(_numeric(row[place]) for row in listed)
        shown.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        shown.add_row(*row)

    line(title)  # by itself: as the table's title it would wrap at the table's width
    if listed:
        _console().print(shown)
    else:
        line("none")


def bar(whole: float, reaches: Sequence[tuple[str, float]]) -> None:
    """Print a bar that stands for 0 to ``whole``, to stdout.

    Each sign goes from where the one before ends to as far as it reaches; the rest is dots. Whatever reaches
    further than the one before gets a sign at least. Whatever stays below ``whole`` leaves a dot at least. So
    neither end of the bar lies. There is no colour.

    :param reaches: signs with how far they reach, in rising order.
    """
    width = min(_console().width, 72) - 2
    drawn, before = "", 0.0
    for sign, reach in reaches:
        if reach > before:
            end = max(round(width * reach / whole), len(drawn) + 1)
            drawn += sign * (min(end, width if reach >= whole else width - 1) - len(drawn))
            before = reach
    _console().print(f"[{drawn:.<{width}}]")


@contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """A progress bar on stderr, with rate and time left; nothing where stderr is no terminal."""
    if quiet.get() or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=_console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=None, rate="")
        start = time.monotonic()

        def update(done: int, total: int) -> None:
            rate = done / max(time.monotonic() - start, 1e-3)
            bar.update(task, completed=done, total=total, rate=f"{rate:,.1f}/s")

        yield update


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 file``, ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """Text that may come from somebody else's file, without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


def _numeric(cell: str) -> bool:
    return cell == "-" or cell.replace(".", "", 1).replace("-", "", 1).replace("e", "", 1).isdigit()
