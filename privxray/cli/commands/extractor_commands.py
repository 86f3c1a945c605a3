"""The group ``extractor``: feature extractors that a group of hospitals brings along as files.

Tested in tests/cli/test_extractors.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json
from privxray.cli.options.extractor_options import Layers, Pixels, reading
from privxray.cli.output import emit, line, table, tell

if TYPE_CHECKING:
    from privxray.imaging.extractors.file_extractor import Description

_File = Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX file.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands on extractor files as one group."""
    group = typer.Typer(
        name="extractor",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Feature extractors as ONNX files: add, list, describe.",
    )
    for name, command in (("add", add), ("list", list_), ("describe", describe)):
        group.command(name)(command)
    app.add_typer(group)


def add(file: _File, layers: Layers = None, pixels: Pixels = None, as_json: Json = False) -> None:
    """Check an extractor's file and put it into this workspace."""
    from privxray.workflow.images.extractor_files import add_extractor

    workspace = current_workspace()
    done = add_extractor(workspace, file, reading(layers, pixels))
    if as_json:
        emit({"path": str(done.path), "already": done.already, **_json(done.description)})
    else:
        _show(done.description)
    tell("It was in this workspace already." if done.already else f"Wrote {done.path}.")
    close("extractor add", workspace)


def list_(as_json: Json = False) -> None:
    """List the extractors' files in this workspace."""
    from privxray.workflow.images.extractor_files import kept_extractors

    workspace = current_workspace()
    kept = kept_extractors(workspace)
    if as_json:
        emit({"extractors": [{"sha256": one.sha256, "bytes": one.size} for one in kept]})
    else:
        table("Feature extractors", ("SHA-256", "bytes"), ((one.sha256, one.size) for one in kept))
    close("extractor list", workspace)


def describe(file: _File, layers: Layers = None, pixels: Pixels = None, as_json: Json = False) -> None:
    """Say what is in an extractor's file, and how fast it is here."""
    from privxray.workflow.images.extractor_files import describe_file

    found = describe_file(file, reading(layers, pixels))
    if as_json:
        emit(_json(found))
    else:
        _show(found)
    close("extractor describe")


def _json(found: Description) -> dict[str, Any]:
    return {
        **found.terms.model_dump(mode="json"),
        "bytes": found.size,
        "shapes": {output.name: output.shape for output in found.outputs},
        "operators": found.operators,
        "milliseconds": found.milliseconds,
    }


def _show(found: Description) -> None:
    terms = found.terms
    black, white = terms.offset, 255 * terms.scale + terms.offset
    table(
        "A feature extractor",
        ("what", "value"),
        (
            ("SHA-256", terms.sha256),
            ("bytes", found.size),
            ("image", f"{terms.channels} x {terms.input[0]} x {terms.input[1]}"),
            ("black and white go in as", f"{black:g} and {white:g}"),
            ("numbers an image", terms.dim),
            ("milliseconds an image, here", f"{found.milliseconds:.1f}"),
        ),
    )
    table(
        "What is read",
        ("tensor", "shape", "numbers"),
        (
            (o.name, " x ".join(map(str, o.shape)), f"{o.size} (means)" if o.pool == "mean" else str(o.size))
            for o in found.outputs
        ),
    )
    line("Operators: " + ", ".join(f"{name} {count}" for name, count in found.operators.items()))
