"""``infer read``: a hospital reads the answer to its query. Tested in tests/cli/test_infer.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options.infer_options import ModelOptions
from privxray.cli.options.known_names import files_for
from privxray.cli.options.option_group import takes
from privxray.cli.options.spreadsheet import DecimalComma, spreadsheet
from privxray.cli.options.written_files import require_free
from privxray.cli.output import emit, table, tell

if TYPE_CHECKING:
    from privxray.workflow.inference.read_answer import Reading


@takes("options", ModelOptions)
def read(
    answer: Annotated[
        Path,
        typer.Argument(metavar="ANSWER", help="An owner's answer.", autocompletion=files_for("infer read")),
    ],
    *,
    to_csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Write a private table that names your files, too.", show_default=False),
    ] = None,
    decimal_comma: DecimalComma = False,
    options: ModelOptions,
) -> None:
    """Decrypt an answer: class probabilities of the images."""
    from privxray.workflow.inference.read_answer import read_answer

    require_free({"--csv": to_csv}, force=options.force)
    seen = read_answer(current_workspace(), answer, options.passphrase, model=options.model)
    if to_csv:
        from privxray.workspace.atomic import write_atomic

        write_atomic(to_csv, _csv(seen, comma=decimal_comma), overwrite=options.force)
    if options.as_json:
        emit(_json(seen))
    else:
        table(
            f"By the model {seen.header.model[:16]} of {seen.owner}, which saw none of these images",
            ("image", "most likely", *_shown_classes(seen)),
            ((name, seen.labels[place], *_row(seen, place)) for place, name in enumerate(seen.names)),
        )
    if not seen.as_asked:
        tell(
            f"Warning: the model {seen.header.model[:16]} answered, and you asked {seen.asked_model[:16]}. "
            "Ask the owner before you use these figures."
        )
    if to_csv:
        tell("The csv names your files; keep it inside the hospital.")
    tell("A research model: these are no diagnoses.")
    close("infer read", left=seen.header.left)


def _json(seen: Reading) -> dict[str, object]:
    return {
        "model": seen.header.model,
        "asked": seen.asked_model,
        "as_asked": seen.as_asked,
        "owner": seen.owner,
        "left": seen.header.left,
        "classes": list(seen.classes),
        "images": [
            {"image": name, "label": seen.labels[place], "probabilities": _by_class(seen, place)}
            for place, name in enumerate(seen.names)
        ],
    }


def _by_class(seen: Reading, place: int) -> dict[str, float] | None:
    if seen.probabilities is None:
        return None
    return dict(zip(seen.classes, map(float, seen.probabilities[place]), strict=True))


def _shown_classes(seen: Reading) -> tuple[str, ...]:
    return () if seen.probabilities is None else seen.classes


def _row(seen: Reading, place: int) -> tuple[str, ...]:
    if seen.probabilities is None:
        return ()
    return tuple(f"{p:.{seen.header.decimals}f}" for p in seen.probabilities[place])


def _csv(seen: Reading, *, comma: bool) -> bytes:
    header = ("file", "most_likely", *_shown_classes(seen), "model")
    rows = [
        (path, seen.labels[place], *_row(seen, place), seen.header.model)
        for place, path in enumerate(seen.paths)
    ]
    numbers = range(2, 2 + len(_shown_classes(seen)))
    return spreadsheet(header, rows, numbers=numbers, decimal_comma=comma)
