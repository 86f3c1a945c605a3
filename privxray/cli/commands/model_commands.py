"""The group ``model``: a global model for other programs. Tested in tests/cli/test_model_export.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Force, Json
from privxray.cli.options.known_names import files_for
from privxray.cli.output import emit, tell
from privxray.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Register the commands on models as one group."""
    group = typer.Typer(
        name="model",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="A global model for other programs: export.",
    )
    group.command()(export)
    app.add_typer(group)


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Its file, or the first 8 or more digits of its fingerprint.",
            autocompletion=files_for("model export"),
        ),
    ],
    onnx: Annotated[
        Path | None,
        typer.Option("--onnx", help="Write one ONNX file, and the model card beside it.", show_default=False),
    ] = None,
    monai_bundle: Annotated[
        Path | None,
        typer.Option("--monai-bundle", help="Write a MONAI bundle into this folder.", show_default=False),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a model that was accepted here for a PACS or MONAI."""
    from privxray.workflow.inference.export_model import export_model

    if onnx is None and monai_bundle is None:
        raise UsageError(
            "it is not said what to write",
            reason="model.export-of-nothing",
            advice="Type --onnx FILE.onnx, or --monai-bundle FOLDER, or both",
        )
    workspace = current_workspace()
    done = export_model(workspace, model, file=onnx, bundle=monai_bundle, force=force)
    header = done.model.header
    if as_json:
        emit(
            {
                "files": [str(path) for path in done.files],
                "model": done.model.digest,
                "study": header.study,
                "round": header.round,
                "classes": list(header.classes),
                "difference": done.difference,
                "written": done.written,
            }
        )
    wrote = "Wrote" if done.written else "The same files are there already:"
    files = ", ".join(map(str, done.files))
    tell(
        f"{wrote} {files}. On drawn radiographs its probabilities differ from those of predict by "
        f"{done.difference:.0e} at most. A research model: these are no diagnoses."
    )
    close("model export", workspace)
