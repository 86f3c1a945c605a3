"""``predict``: what the newest global model says about single images. Tested in tests/cli/test_study.py."""

from __future__ import annotations

from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import ImageFiles, Json, Study
from privxray.cli.options.file_patterns import expand
from privxray.cli.output import emit, table, tell


def predict(images: ImageFiles, study: Study = None, as_json: Json = False) -> None:
    """Classify single images by the newest global model."""
    from privxray.naming.public_names import public_names
    from privxray.workflow.hospital.predict import predict as classify

    paths = expand(images)
    names = public_names(paths)
    done = classify(current_workspace(), paths, names, study=study)
    model = done.model
    rows = [
        (name, model.classes[int(row.argmax())], row)
        for name, row in zip(names, done.probabilities, strict=True)
    ]
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
    if known := sum(done.trained_on):
        listed = ", ".join(name for name, seen in zip(names, done.trained_on, strict=True) if seen)
        tell(
            f"Note: this study has trained on {known} of these images, or on their patients ({listed}). What "
            "the model says of those shows nothing about new patients."
        )
    tell("A research model: these are no diagnoses.")
