"""Options that say how the graph of a feature extractor is read. Tested in tests/cli/test_extractors.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from privxray.errors import UsageError

if TYPE_CHECKING:
    from privxray.imaging.extractors.file_extractor import Reading

Layers = Annotated[
    str | None,
    typer.Option(
        "--layers", help="Tensors of its graph to read, by comma.  [default: its outputs]", show_default=False
    ),
]
Pixels = Annotated[
    str | None,
    typer.Option(
        "--pixels",
        metavar="BLACK:WHITE",
        help="What black and white go in as.  [default: 0:1]",
        show_default=False,
    ),
]


def reading(layers: str | None, pixels: str | None) -> Reading:
    """What was typed.

    :raises UsageError: ``--pixels`` is no two numbers.
    """
    from privxray.imaging.extractors.file_extractor import Reading

    names = tuple(name.strip() for name in (layers or "").split(",") if name.strip())
    return Reading(names, None if pixels is None else _levels(pixels))


def _levels(typed: str) -> tuple[float, float]:
    black, colon, white = typed.partition(":")
    try:
        low, high = float(black), float(white)
        if colon and low != high and max(abs(low), abs(high)) <= 1e6:
            return low, high
    except ValueError:
        pass
    raise UsageError(
        "--pixels takes two different numbers with a colon between them",
        reason="extractor.pixels-typed",
        advice="For instance --pixels 0:1, or --pixels=-1024:1024",
    )
