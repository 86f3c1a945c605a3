"""``train``: this hospital's training for the open round. Tested in tests/cli/test_study.py."""

from __future__ import annotations

from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, Study
from privxray.cli.output import emit, tell
from privxray.cli.rehearsal_view import show_rehearsal
from privxray.cli.written_reports import report_after_training
from privxray.steps import step


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
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Destroy a result that was not exported, and train anew. This costs again; type --epsilon.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what the training would be, cost and reach; nothing is spent or changed."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train for the open round with differential privacy."""
    from privxray.workflow.hospital.local_training import train as training

    workspace = current_workspace()
    if dry_run:
        from privxray.workflow.hospital.local_training.rehearse import rehearse

        show_rehearsal(rehearse(workspace, epsilon=epsilon, study=study, again=again), as_json=as_json)
        close("train --dry-run", workspace, study=study, options=_typed_again(epsilon, study, again=again))
        return
    with step("Computing features") as features, step("Training") as steps:
        done = training.train(
            workspace,
            epsilon=epsilon,
            study=study,
            again=again,
            progress=steps,
            feature_progress=features,
        )
    report = report_after_training(workspace, done.plan.study)
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
                "data": None if done.data is None else done.data.to_json(),
                "seconds": {"features": done.feature_seconds, "train": done.training_seconds},
            }
        )
    if done.few_patients:
        tell(
            f"Note: fewer than {training.FEW_PATIENTS} patients; the noise will hide most of what they teach."
        )
    for remark in done.remarks:
        tell(f"Note: {remark}.")
    if done.data is not None and done.again is not None and done.data.since:
        option = f" --study {study}" if study else ""
        tell(
            f"Note: {done.data}. This result does not have these changes. To train anew, type: privxray "
            f"train --again --epsilon E{option}; with the same noise as before, this study would then have "
            f"cost {done.again}."
        )
    if done.without_features:
        tell(
            f"Note: the study's feature extractor failed on {done.without_features} of your training images; "
            "they count as empty. The coordinator is not told."
        )
    if done.contradicting:
        tell(
            f"Note: {done.contradicting} of your training images are the same picture as another one with "
            "another label. They were trained on as they are, and the coordinator is not told. To correct "
            "labels.csv for the next training, type: privxray ingest FOLDER --labels labels.csv"
        )
    trained = "was trained before" if done.already else "is trained"
    tell(
        f"Round {done.plan.round} {trained} ({done.plan.method}). "
        f"This study so far: {done.spent}; "
        f"all studies: {done.lifetime} of {done.limit.epsilon:g}."
    )
    tell(report)
    close("train", workspace, study=done.plan.study)


def _typed_again(epsilon: float | None, study: str | None, *, again: bool) -> str:
    """The options of a rehearsal, for the training itself."""
    words = ["--again"] if again else []
    words += (
        []
        if epsilon is None
        else ["--epsilon", f"{epsilon:g}" if float(f"{epsilon:g}") == epsilon else repr(epsilon)]
    )
    words += [] if study is None else ["--study", study]
    return "".join(f" {word}" for word in words)
