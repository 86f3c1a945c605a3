"""``ingest``, ``train``, ``evaluate`` and ``predict``: what a hospital does with its own images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.output import emit, progress, table, tell
from privxray.cli.profile_options import Typed, takes_profile
from privxray.cli.prompts import Json, Study, expand

if TYPE_CHECKING:
    from privxray.workflow.hospital.evaluate_and_predict import Scores
    from privxray.workspace.folder import Workspace


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(ingest)
    app.command()(train)
    app.command()(evaluate)
    app.command()(predict)


@takes_profile()
def ingest(
    images: Annotated[Path, typer.Argument(help="A folder of DICOM, JPEG or PNG files.", show_default=False)],
    labels: Annotated[
        Path,
        typer.Option(
            "--labels", help="A csv with the columns file (or image), patient, label.", show_default=False
        ),
    ],
    profile: Typed,
    study: Study = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Build the data set anew instead of adding to it.")
    ] = False,
    ocr: Annotated[
        bool, typer.Option("--ocr", help="Search the pixels for text as well (needs privxray[ocr]).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check images and take them into the data set. One that fails keeps all of them out."""
    from privxray.cli import pixel_options
    from privxray.workflow.hospital.ingest_images import ingest_folder
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    typed = profile.load() if profile else None
    finder = pixel_options.ready(ocr, False, {}, False)
    with progress("Checking and reading images") as bar:
        report, before = ingest_folder(
            workspace,
            images,
            labels,
            study=study,
            profile=typed,
            find=finder.find if finder else None,
            replace=replace,
            progress=bar,
        )
    if as_json:
        emit(
            {
                "profile": report.profile,
                "pixels_searched": ocr,
                "images": report.images,
                "not_listed": report.unlisted,
                "added": report.added,
                "patients": report.patients,
                "counts": [
                    {"split": split, "label": label, "images": images_, "patients": patients}
                    for (split, label), (images_, patients) in sorted(report.counts.items())
                ],
            }
        )
    else:
        table(
            "Data set (these counts stay in this hospital)",
            ("split", "label", "images", "patients"),
            ((*place, *numbers) for place, numbers in sorted(report.counts.items())),
        )
    searched = "no text but markers was found in their pixels" if ocr else "pixels were not searched for text"
    tell(f"All {report.images:,} images passed the check; {searched}.")
    if report.unlisted:
        tell(f"Images of the folder that the csv has no row for, and that are left out: {report.unlisted:,}.")
    if before and before != report.profile:
        tell(f"Judged by {report.profile}; the ingest before this one by {before}.")
    else:
        tell(f"Judged by {report.profile}{', as chosen before' if before and typed is None else ''}.")
    close("ingest", workspace, study=study)


def train(
    epsilon: Annotated[
        float | None,
        typer.Option(
            "--epsilon",
            help="Privacy spent per patient over the whole study, at most the plan's.  [default: the plan's]",
            show_default=False,
        ),
    ] = None,
    study: Study = None,
    as_json: Json = False,
) -> None:
    """Train for the open round with differential privacy."""
    from privxray.workflow.hospital.train import FEW_PATIENTS
    from privxray.workflow.hospital.train import train as train_
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    with progress("Computing features") as features, progress("Training") as steps:
        done = train_(workspace, epsilon=epsilon, study=study, progress=steps, feature_progress=features)
    if as_json:
        emit(
            {
                "study": done.plan.study,
                "round": done.plan.round,
                "method": done.plan.method,
                **done.spent.to_json(),
                "lifetime": {
                    "epsilon": done.lifetime.epsilon,
                    "limit": done.limit.epsilon,
                    "delta": done.lifetime.delta,
                },
                "already": done.already,
                "seconds": {"features": done.feature_seconds, "train": done.training_seconds},
            }
        )
    if done.few_patients:
        tell(f"Note: fewer than {FEW_PATIENTS} patients; the noise will hide most of what they teach.")
    trained = "was trained before" if done.already else "is trained"
    tell(
        f"Round {done.plan.round} {trained} ({done.plan.method}). "
        f"This study so far: {done.spent}; "
        f"all studies: {done.lifetime} of {done.limit.epsilon:g}."
    )
    close("train", workspace, study=done.plan.study)


def evaluate(
    study: Study = None,
    split: Annotated[
        Literal["val", "test"], typer.Option("--split", help="Which held-out patients.")
    ] = "val",
    local: Annotated[
        bool, typer.Option("--local", help="Score this hospital's own, not yet exported, training instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score the newest model on this hospital's own patients. Held-out ones; the figures stay here."""
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    scores = score_and_show(workspace, study, split=split, local=local, as_json=as_json, required=True)
    if as_json:
        emit(scores)
    tell("These figures carry no privacy noise: do not pass them on.")
    close("evaluate", workspace, study=study)


def predict(
    images: Annotated[list[Path], typer.Argument(help="DICOM, JPEG or PNG files.", show_default=False)],
    study: Study = None,
    as_json: Json = False,
) -> None:
    """Classify single images by the newest global model."""
    from privxray.naming.public_names import public_names
    from privxray.workflow.hospital.evaluate_and_predict import predict as predict_
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    paths = expand(images)
    names = public_names(paths)
    model, probabilities = predict_(workspace, paths, names, study=study)
    if as_json:
        emit(
            {
                "model": model.label,
                "classes": list(model.classes),
                "images": [
                    {
                        "image": name,
                        "label": model.classes[int(row.argmax())],
                        "probabilities": dict(zip(model.classes, map(float, row), strict=True)),
                    }
                    for name, row in zip(names, probabilities, strict=True)
                ],
            }
        )
    else:
        table(
            f"By {model.label}",
            ("image", "most likely", *model.classes),
            (
                (name, model.classes[int(row.argmax())], *(f"{p:.3f}" for p in row))
                for name, row in zip(names, probabilities, strict=True)
            ),
        )
    tell("A research model: these are no diagnoses.")


def score_and_show(
    workspace: Workspace,
    study: str | None,
    *,
    split: str = "val",
    local: bool = False,
    as_json: bool,
    required: bool = False,
) -> dict[str, object] | None:
    """Evaluate, print a table unless JSON is wanted, and return the JSON form.

    :param required: raise where there is no data set; otherwise say so and return None.
    """
    from privxray.errors import WorkspaceError
    from privxray.workflow.hospital.evaluate_and_predict import evaluate as evaluate_

    try:
        with progress("Computing features") as bar:
            scores = evaluate_(workspace, study=study, split=split, local=local, progress=bar)
    except WorkspaceError as error:
        if required:
            raise
        tell(f"Not scored: {error.what}.")
        return None
    if not as_json:
        _show(scores)
    return {
        "model": scores.model,
        "split": scores.split,
        "patients": scores.patients,
        "images": scores.images,
        "metrics": dict(scores.metrics),
        "seconds": {"features": scores.feature_seconds},
    }


def _show(scores: Scores) -> None:
    table(
        f"{scores.model[0].upper()}{scores.model[1:]} on {scores.patients} held-out patients "
        f"({scores.split}), {scores.images} images",
        ("metric", "value"),
        (
            (name.replace("_", " "), None if value is None else f"{value:.3f}")
            for name, value in scores.metrics.items()
        ),
    )
