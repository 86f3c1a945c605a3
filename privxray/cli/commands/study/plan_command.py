"""``plan``: who takes part in a round, and on which terms, signed by the coordinator."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Force, Json, PassphraseFile, Without
from privxray.cli.options.file_patterns import expand
from privxray.cli.output import emit, line, tell
from privxray.cli.plan_view import plan_json, show_plan
from privxray.cli.prompts import passphrase
from privxray.errors import UsageError


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
    from privxray.cli.options.plan_terms import read_terms
    from privxray.workflow.coordinator.continue_plan import continue_plan
    from privxray.workflow.coordinator.make_plan import make_plan

    workspace = current_workspace()
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
            raise UsageError(
                "--continue keeps the terms of the study, so no other terms can be typed with it",
                reason="plan.terms-with-continue",
                advice="Type: privxray plan CARDS --continue; --without NAME is possible, too",
            )
        planned = continue_plan(workspace, paths, secret, without=without or (), force=force)
    else:
        if without:
            raise UsageError(
                "--without is for a study that goes on, and --continue is missing",
                reason="plan.without-for-a-first-round",
                advice="For a first round, leave out the card of the one who does not take part",
            )
        if not paths:
            raise UsageError(
                "a plan needs the parties' cards, and none is given",
                reason="plan.no-cards",
                advice="Type: privxray plan cards/*.card",
            )
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
