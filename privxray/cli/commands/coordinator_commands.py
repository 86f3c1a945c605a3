"""``plan`` and ``aggregate``: the coordinator's side of what travels."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.output import emit, line, tell
from privxray.cli.plan_view import plan_json, show_plan
from privxray.cli.prompts import Force, Json, PassphraseFile, expand, passphrase
from privxray.errors import UsageError

if TYPE_CHECKING:
    from privxray.workflow.coordinator.aggregate import Aggregated
    from privxray.workflow.coordinator.request_shares import Requested

Without = Annotated[
    list[str] | None,
    typer.Option("--without", help="Go on without this one, for good; may be repeated.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(plan)
    app.command()(aggregate)


def plan(
    cards: Annotated[
        list[Path] | None, typer.Argument(help="The parties' cards, or a pattern.", show_default=False)
    ] = None,
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
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", help="dp-sgd: the first round's weights, a safetensors file.", show_default=False
        ),
    ] = None,
    mode: Annotated[
        Literal["strict", "keyholders"] | None,
        typer.Option(
            "--mode",
            help="strict: every hospital must deliver. keyholders: the sum can be opened without some.  "
            "[default: strict]",
            show_default=False,
        ),
    ] = None,
    keyholder: Annotated[
        list[str] | None,
        typer.Option(
            "--keyholder", help="A hospital that is a keyholder too; may be repeated.", show_default=False
        ),
    ] = None,
    threshold: Annotated[
        int | None,
        typer.Option(
            "--threshold",
            help="Keyholders that must answer.  [default: the least that is safe]",
            show_default=False,
        ),
    ] = None,
    corrupt_keyholders: Annotated[
        int | None,
        typer.Option("--corrupt-keyholders", help="How many may be.  [default: 1]", show_default=False),
    ] = None,
    corrupt_hospitals: Annotated[
        int | None,
        typer.Option("--corrupt-hospitals", help="How many may be.  [default: 1]", show_default=False),
    ] = None,
    minimum_cohort: Annotated[
        int | None,
        typer.Option(
            "--minimum-cohort",
            help="Open no sum of fewer hospitals.  [default: the least that is safe]",
            show_default=False,
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give up the open round and begin the study anew.")
    ] = False,
    carry_on: Annotated[
        bool,
        typer.Option(
            "--continue",
            help="Plan the next training round, or the open one anew, under the study's terms; cards are "
            "needed only of those whose next key is not here.",
        ),
    ] = False,
    without: Without = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Enrol hospitals by their cards and sign a round's plan."""
    from privxray.cli.plan_options import read_terms
    from privxray.workflow.coordinator.make_plan import continue_plan, make_plan
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    chosen = {
        "method": method,
        "classes": classes,
        "rounds": rounds,
        "epsilon": epsilon,
        "delta": delta,
        "mode": mode,
        "keyholders": keyholder or None,
        "threshold": threshold,
        "corrupt_keyholders": corrupt_keyholders,
        "corrupt_hospitals": corrupt_hospitals,
        "minimum_cohort": minimum_cohort,
    }
    secret, paths = passphrase(passphrase_file), expand(cards or [])
    if carry_on:
        if replace or from_file or start or any(value is not None for value in chosen.values()):
            raise UsageError("--continue keeps the study's terms: it takes cards and --without, and no terms")
        planned = continue_plan(workspace, paths, secret, without=without or (), force=force)
    else:
        if without:
            raise UsageError("--without goes with --continue; for a first round leave the card away")
        if not paths:
            raise UsageError("a plan needs the parties' cards", advice="Type: privxray plan cards/*.card")
        terms = dataclasses.replace(read_terms(from_file, chosen), start=start)
        planned = make_plan(workspace, paths, terms, secret, replace=replace, force=force)
    if as_json:
        emit(
            {
                "plan": str(planned.path),
                "key_words": planned.key_words,
                "warnings": list(planned.warnings),
                **plan_json(planned.plan),
            }
        )
    else:
        show_plan(planned.plan)
        line(f"Key words: {planned.key_words}")
    for warning in planned.warnings:
        tell(f"Note: {warning}.")
    tell(
        "Read the key words to every hospital by phone; they must be the same in each plan's copy, and "
        "hospitals should compare them with each other."
    )
    close("plan", workspace)


def aggregate(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="The hospitals' updates, then the keyholders' share files; or patterns.", show_default=False
        ),
    ],
    without: Without = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Open the sum of a round's updates and sign the model. With keyholders, ask them first."""
    from privxray.workflow.coordinator.aggregate import aggregate as aggregate_
    from privxray.workflow.coordinator.request_shares import Requested
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    done = aggregate_(
        workspace,
        expand(files, none_is_fine=True),
        passphrase(passphrase_file),
        without=without or (),
        force=force,
    )
    if isinstance(done, Requested):
        _show_request(done, as_json)
    else:
        _show_sum(done, as_json)
    close("aggregate", workspace)


def _show_request(done: Requested, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "request": str(done.path),
                "round": done.plan.round,
                "survivors": list(done.survivors),
                "missing": list(done.missing),
                "keyholders": list(done.keyholders),
                "already": done.already,
                "notes": list(done.notes),
            }
        )
    for note in done.notes:
        tell(f"Note: {note}.")
    tell(
        f"Round {done.plan.round}: the request for the sum of {', '.join(done.survivors)}"
        + (f", without {', '.join(done.missing)}," if done.missing else "")
        + f" {'was made before' if done.already else 'is signed'}. Wrote {done.path}. Nothing is opened yet."
    )


def _show_sum(done: Aggregated, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "model": str(done.model),
                "plan": str(done.next_plan.path) if done.next_plan else None,
                "round": done.plan.round,
                "hospitals": done.hospitals,
                "lacking": list(done.lacking),
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
            f"Round {done.plan.round}: opened the sum of {done.hospitals} updates; no single "
            f"one could be. Wrote {done.model}."
        )
