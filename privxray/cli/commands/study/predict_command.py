"""``predict``: what the newest global model says about single images. Tested in tests/cli/test_study.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import ImageFiles, Json, Study
from privxray.cli.options.file_patterns import expand_images
from privxray.cli.options.spreadsheet import DecimalComma, spreadsheet
from privxray.cli.options.written_files import require_free
from privxray.cli.output import emit, table, tell

_LISTED = 5  # names of images in a remark; --json marks all of them


def predict(
    images: ImageFiles,
    study: Study = None,
    to_csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Write a private table that names your files, too.", show_default=False),
    ] = None,
    decimal_comma: DecimalComma = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of --csv where it exists.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Classify images by the newest global model."""
    from privxray.naming.public_names import public_names
    from privxray.workflow.hospital.using_model.predict import predict as classify

    workspace = current_workspace()
    workspace.require("hospital", "predict")  # before patterns are looked up in the folder of another party
    require_free({"--csv": to_csv}, force=force)
    paths = expand_images(images)
    names = public_names(paths)
    done = classify(workspace, paths, names, study=study)
    model = done.model
    rows = [
        (name, model.classes[int(row.argmax())], row)
        for name, row in zip(names, done.probabilities, strict=True)
    ]
    if to_csv is not None:
        from privxray.workspace.atomic import write_atomic

        listed_rows = [
            (str(path), label, *(f"{p:.3f}" for p in row), model.label)
            for path, (_, label, row) in zip(paths, rows, strict=True)
        ]
        header = ("file", "most_likely", *model.classes, "model")
        numbers = range(2, 2 + len(model.classes))
        data = spreadsheet(header, listed_rows, numbers=numbers, decimal_comma=decimal_comma)
        write_atomic(to_csv, data, overwrite=force)
    if as_json:
        emit(
            {
                "model": model.label,
                "classes": list(model.classes),
                "images": [
                    {
                        "image": name,
                        "label": label,
                        "probabilities": dict(zip(model.classes, map(float, row), strict=True)),
                        "trained_on": seen,
                    }
                    for (name, label, row), seen in zip(rows, done.trained_on, strict=True)
                ],
            }
        )
    else:
        table(
            f"By {model.label}",
            ("image", "most likely", *model.classes),
            ((name, label, *(f"{p:.3f}" for p in row)) for name, label, row in rows),
        )
    if any(done.trained_on):
        known = [name for name, seen in zip(names, done.trained_on, strict=True) if seen]
        listed = ", ".join(known[:_LISTED]) + (", ..." if len(known) > _LISTED else "")
        tell(
            f"Note: this study has trained on {len(known)} of these images, or on their patients "
            f"({listed}). What the model says of those shows nothing about new patients."
        )
    if to_csv is not None:
        tell("The csv names your files; keep it inside the hospital.")
    tell("A research model: these are no diagnoses.")
