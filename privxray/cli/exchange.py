"""``plan``, ``join``, ``export-update``, ``aggregate``, ``accept``: what files travel between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from privxray.cli.asking import Force, Json, PassphraseFile, Study, expand, key_words, passphrase
from privxray.cli.output import emit, line, next_step, privacy, table, tell

if TYPE_CHECKING:
    from privxray.exchange.plan import PlanHeader

KeyWords = Annotated[
    str | None,
    typer.Option("--key-words", help="The study's twelve key words, instead of asking.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(plan)
    app.command()(join)
    app.command("export-update")(export_update)
    app.command()(aggregate)
    app.command()(accept)


def plan(
    cards: Annotated[
        list[Path], typer.Argument(help="The hospitals' cards, or a pattern.", show_default=False)
    ],
    method: Annotated[
        Literal["linear-probe", "dp-sgd"] | None,
        typer.Option("--method", help="How hospitals train.  [default: linear-probe]", show_default=False),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes", help="Labels, by comma.  [default: normal,bacteria,virus]", show_default=False
        ),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", help="Training rounds.", show_default=False)
    ] = None,
    epsilon: Annotated[
        float | None,
        typer.Option(
            "--epsilon", help="Per patient, over the whole study.  [default: 6]", show_default=False
        ),
    ] = None,
    delta: Annotated[
        float | None, typer.Option("--delta", help="[default: 1e-5]", show_default=False)
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option("--from", help="Terms from a YAML file; options override it.", show_default=False),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give up the open round and plan a new one.")
    ] = False,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Enrol the hospitals of these cards and write the signed plan of the next round."""
    from privxray.cli.terms import read_terms
    from privxray.workflow.enrolment import make_plan
    from privxray.workspace import Workspace

    workspace = Workspace.find(Path.cwd())
    terms = read_terms(
        from_file,
        method=method,
        classes=classes,
        rounds=rounds,
        epsilon=epsilon,
        delta=delta,
    )
    planned = make_plan(
        workspace, expand(cards), terms, passphrase(passphrase_file), replace=replace, force=force
    )
    if as_json:
        emit({"plan": str(planned.path), "key_words": planned.key_words, **_plan_json(planned.plan)})
    else:
        _show_plan(planned.plan)
        line(f"Key words: {planned.key_words}")
    tell(
        "Read the key words to every hospital by phone; they must be the same in each plan's copy, and "
        "hospitals should compare them with each other."
    )
    next_step(f"carry {planned.path.name} to every hospital")


def join(
    file: Annotated[Path, typer.Argument(help="The coordinator's plan.", show_default=False)],
    words: KeyWords = None,
    as_json: Json = False,
) -> None:
    """Verify a plan, compare its key words, and follow it."""
    from privxray.workflow.joining import join as join_
    from privxray.workspace import Workspace

    workspace = Workspace.find(Path.cwd())
    questions = _Questions(words, as_json)
    joined = join_(workspace, file, questions.ask)
    questions.show(joined.plan, joined.changes)
    if as_json:
        emit({"already": joined.already, "changes": list(joined.changes), **_plan_json(joined.plan)})
    done = "was joined before" if joined.already else "is joined"
    tell(f"Round {joined.plan.round} of the study {joined.plan.study} {done}.")
    next_step("privxray ingest FOLDER --labels labels.csv (once), then privxray train")


def export_update(
    study: Study = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Write into this folder, for instance a stick.", show_default=False),
    ] = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Mask, encrypt and sign this round's update; exporting again gives the same bytes."""
    from privxray.workflow.export import export_update as export
    from privxray.workspace import Workspace

    workspace = Workspace.find(Path.cwd())
    done = export(workspace, passphrase(passphrase_file), study=study, folder=to, force=force)
    if as_json:
        emit(
            {
                "update": str(done.path),
                "bytes": done.size,
                "again": done.again,
                "study": done.plan.study,
                "round": done.plan.round,
                "epsilon": done.header.epsilon,
                "delta": done.header.delta,
                "adjacency": done.plan.adjacency,
            }
        )
    again = " once more, the same bytes," if done.again else ""
    tell(
        f"Wrote {done.path}{again} ({done.size:,} bytes) and read it back: signature, size and digest are "
        f"good. It says {privacy(done.header.epsilon, done.header.delta)}."
    )
    next_step(f"carry {done.path.name} to the coordinator")


def aggregate(
    files: Annotated[
        list[Path], typer.Argument(help="The hospitals' updates, or a pattern.", show_default=False)
    ],
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Open the sum of all updates of the round and write the signed global model."""
    from privxray.workflow.aggregation import aggregate as aggregate_
    from privxray.workspace import Workspace

    workspace = Workspace.find(Path.cwd())
    done = aggregate_(workspace, expand(files, none_is_fine=True), passphrase(passphrase_file), force=force)
    if as_json:
        emit(
            {
                "model": str(done.model),
                "plan": str(done.next_plan.path) if done.next_plan else None,
                "round": done.plan.round,
                "already": done.already,
                "notes": list(done.notes),
            }
        )
    for note in done.notes:
        tell(f"Note: {note}.")
    if done.already:
        tell(f"Round {done.plan.round} was closed before; nothing was changed. Its model is {done.model}.")
    else:
        tell(
            f"Round {done.plan.round}: opened the sum of {len(done.plan.roster.members)} updates; no single "
            f"one could be. Wrote {done.model}."
        )
    if done.next_plan:
        next_step(f"carry {done.next_plan.path.name} to every hospital; the model is inside")
    else:
        next_step(f"carry {done.model.name} to every hospital")


def accept(
    file: Annotated[Path, typer.Argument(help="A global model, or the next plan.", show_default=False)],
    words: KeyWords = None,
    as_json: Json = False,
) -> None:
    """Take in a global model or the next plan, and score it on this hospital's held-out patients."""
    from privxray.cli.learn import score_and_show
    from privxray.workflow.adoption import accept as accept_
    from privxray.workspace import Workspace

    workspace = Workspace.find(Path.cwd())
    questions = _Questions(words, as_json)
    done = accept_(workspace, file, questions.ask)
    if done.joined:
        study, what = done.joined.plan.study, f"The plan of round {done.joined.plan.round}"
        questions.show(done.joined.plan, done.joined.changes)
        follow = "privxray train"
        has_model = done.joined.plan.stage > 1
    else:
        assert done.model is not None
        study, what = done.model.study, f"The global model of round {done.model.round}"
        follow = "privxray predict IMAGE... uses it; privxray evaluate scores it again"
        has_model = True
    tell(f"{what} is verified and {'was here already' if done.already else 'kept'}.")
    scores = score_and_show(workspace, study, as_json=as_json) if has_model else None
    if as_json:
        emit(
            {
                "kind": "plan" if done.joined else "model",
                "study": study,
                "path": str(done.path) if done.path else None,
                "already": done.already,
                "evaluation": scores,
            }
        )
    next_step(follow)


class _Questions:
    """Shows a plan once, whether its key words are asked for or not, so that no change goes unseen."""

    def __init__(self, words: str | None, as_json: bool) -> None:
        self._words = key_words(words)
        self._as_json = as_json
        self._shown = False

    def ask(self, shown: PlanHeader, changes: tuple[str, ...]) -> str:
        self.show(shown, changes)
        return self._words()

    def show(self, shown: PlanHeader, changes: tuple[str, ...]) -> None:
        if self._shown:
            return
        self._shown = True
        if not self._as_json:
            _show_plan(shown)
        for change in changes:
            tell(f"Changed since the last plan: {change}.")


def _show_plan(shown: PlanHeader) -> None:
    table(
        f"Study {shown.study}, round {shown.round} (training round {shown.stage} of {shown.stages})",
        ("fixed by this plan", "value"),
        ((name, _plain(value)) for name, value in shown.public_constants().items()),
    )
    table(
        f"Roster, version {shown.roster.version}; coordinator {shown.coordinator_name}",
        ("hospital", "signing key"),
        ((member.name, member.keys.fingerprint[:16]) for member in shown.roster.members),
    )


def _plan_json(shown: PlanHeader) -> dict[str, object]:
    return {
        "study": shown.study,
        "round": shown.round,
        "stage": shown.stage,
        "stages": shown.stages,
        "roster": {"version": shown.roster.version, "members": [m.name for m in shown.roster.members]},
        "terms": dict(shown.public_constants()),
    }


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
