"""``join``, ``export-update``, ``unmask``, ``accept``: a hospital's or a trustee's side of what travels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.output import emit, tell
from privxray.cli.plan_view import plan_json, show_plan
from privxray.cli.prompts import Force, Json, PassphraseFile, Study, To, key_words, passphrase

if TYPE_CHECKING:
    from privxray.exchange.messages.plan import PlanHeader

KeyWords = Annotated[
    str | None,
    typer.Option("--key-words", help="The study's twelve key words, instead of asking.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(join)
    app.command("export-update")(export_update)
    app.command()(unmask)
    app.command()(accept)


def join(
    file: Annotated[Path, typer.Argument(help="The coordinator's plan.", show_default=False)],
    words: KeyWords = None,
    as_json: Json = False,
) -> None:
    """Verify a plan, compare its key words, and follow it."""
    from privxray.workflow.hospital.join import join as join_
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    questions = _Questions(words, as_json)
    joined = join_(workspace, file, questions.ask)
    questions.show(joined.plan, joined.changes)
    if as_json:
        emit({"already": joined.already, "changes": list(joined.changes), **plan_json(joined.plan)})
    done = "was joined before" if joined.already else "is joined"
    tell(f"Round {joined.plan.round} of the study {joined.plan.study} {done}.")
    close("join", workspace, study=joined.plan.study)


def export_update(
    study: Study = None,
    to: To = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Mask, encrypt and sign this round's update. Exporting again gives the same bytes."""
    from privxray.privacy.guarantee import Guarantee
    from privxray.workflow.hospital.export_update import export_update as export
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    done = export(workspace, passphrase(passphrase_file), study=study, folder=to, force=force)
    spent = Guarantee(done.header.epsilon, done.header.delta)
    if as_json:
        emit(
            {
                "update": str(done.path),
                "bytes": done.size,
                "again": done.again,
                "study": done.plan.study,
                "round": done.plan.round,
                **spent.to_json(),
            }
        )
    again = " once more, the same bytes," if done.again else ""
    tell(
        f"Wrote {done.path}{again} ({done.size:,} bytes) and read it back: signature, size and digest are "
        f"good. It says {spent}."
    )
    close("export-update", workspace, study=done.plan.study)


def unmask(
    file: Annotated[Path, typer.Argument(help="The coordinator's request.", show_default=False)],
    to: To = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Help to open a round's sum, as a keyholder. Answered once a round, again only with the same bytes."""
    from privxray.workflow.keyholder.unmask import unmask as unmask_
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    done = unmask_(workspace, file, passphrase(passphrase_file), folder=to, force=force)
    if as_json:
        emit(
            {
                "share": str(done.path),
                "study": done.plan.study,
                "round": done.plan.round,
                "survivors": list(done.survivors),
                "missing": list(done.missing),
                "warnings": list(done.warnings),
                "again": done.again,
            }
        )
    for warning in done.warnings:
        tell(f"Note: {warning}.")
    tell(
        f"Round {done.plan.round} of the study {done.plan.study}: helps to open the sum of "
        f"{', '.join(done.survivors)}" + (f", without {', '.join(done.missing)}." if done.missing else ".")
    )
    tell(f"Wrote {done.path}{', the same bytes as before' if done.again else ''}.")
    close("unmask", workspace, study=done.plan.study)


def accept(
    file: Annotated[Path, typer.Argument(help="A global model, or the next plan.", show_default=False)],
    words: KeyWords = None,
    as_json: Json = False,
) -> None:
    """Take in a global model or the next plan. A model is scored on this hospital's held-out patients."""
    from privxray.cli.commands.training_commands import score_and_show
    from privxray.workflow.hospital.accept import accept as accept_
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    questions = _Questions(words, as_json)
    done = accept_(workspace, file, questions.ask)
    if done.joined:
        study, what = done.joined.plan.study, f"The plan of round {done.joined.plan.round}"
        questions.show(done.joined.plan, done.joined.changes)
        has_model = done.joined.plan.stage > 1 and workspace.config.role == "hospital"
    else:
        assert done.model is not None
        study, what = done.model.study, f"The global model of round {done.model.round}"
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
    close("accept", workspace, study=study)


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
            show_plan(shown)
        for change in changes:
            tell(f"Changed since the last plan: {change}.")
