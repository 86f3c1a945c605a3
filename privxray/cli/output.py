"""The rules of privxray's terminal texts, in one place.

* Data goes to stdout, everything said about it to stderr.
* Lines wrap by the terminal's width, 40 to 160 columns; without a terminal 80 are assumed.
* Colour never carries a meaning alone, and NO_COLOR is obeyed (rich does). The one colour is the terminal's
  own red, beside bold: both read on light and on dark.
* A command that made or changed something ends with what to do next.
* With ``--quiet`` errors and data are all that is printed; with ``--verbose`` also each step.
* With ``--json`` stdout is one JSON object and nothing else, also on failure; with ``--jsonl`` one a line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """A terminal of the width that texts have; without one, 80 columns."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not made.is_terminal:
        made.width = 80
    made.width = min(max(made.width, 40), 160)
    return made


quiet: ContextVar[bool] = ContextVar("quiet", default=False)
"""Whether ``--quiet`` was typed: then errors and data are all that is printed."""
verbose: ContextVar[bool] = ContextVar("verbose", default=False)
"""Whether ``--verbose`` was typed: then steps are told, and the reason of an error is named."""


FAULT, NEXT = "bold red", "bold"
"""How the first word of a message is marked at a terminal: it failed; this is what to type."""


def tell(text: str, *, always: bool = False, mark: str = "") -> None:
    """Print a message about the work, to stderr. It wraps at a terminal, and is one line anywhere else.

    :param always: with ``--quiet``, too.
    :param mark: how its first word is marked at a terminal: :data:`FAULT`, :data:`NEXT` or not at all.
    """
    if quiet.get() and not always:
        return
    _print(console(stderr=True), text, sys.stderr.isatty(), mark)


def line(text: str) -> None:
    """Print a line of data, to stdout. It wraps as messages do."""
    _print(console(), text, sys.stdout.isatty())


def _print(terminal: Console, text: str, person: bool, mark: str = "") -> None:
    from rich.text import Text

    if person:
        shown = Text(printable(text))
        shown.stylize(mark, 0, text.find(" ") if mark else 0)
        terminal.print(shown, overflow="fold")
    else:
        terminal.print(printable(text), soft_wrap=True)


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
        console().print(shown)
    else:
        line("none")


def bar(whole: float, reaches: Sequence[tuple[str, float]]) -> None:
    """Print a bar that stands for 0 to ``whole``, to stdout.

    Each sign goes from where the one before ends to as far as it reaches; the rest is dots. Whatever reaches
    further than the one before gets a sign at least. Whatever stays below ``whole`` leaves a dot at least. So
    neither end of the bar lies. There is no colour.

    :param reaches: signs with how far they reach, in rising order.
    """
    width = min(console().width, 72) - 2
    drawn, before = "", 0.0
    for sign, reach in reaches:
        if reach > before:
            end = max(round(width * reach / whole), len(drawn) + 1)
            drawn += sign * (min(end, width if reach >= whole else width - 1) - len(drawn))
            before = reach
    console().print(f"[{drawn:.<{width}}]")


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 file``, ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """Text that may come from somebody else's file, without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


def _numeric(cell: str) -> bool:
    return cell == "-" or cell.replace(".", "", 1).replace("-", "", 1).replace("e", "", 1).isdigit()
