"""``plan``: who takes part in a round, and on which terms, signed by the coordinator.

Tested in tests/cli/test_typed_terms.py and tests/cli/test_rounds.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Constants, Force, Json, PassphraseFile, Without
from privxray.cli.options.file_patterns import expand
from privxray.cli.options.known_names import files_for
from privxray.cli.options.option_group import takes
from privxray.cli.options.plan_options import TermsOptions
from privxray.cli.output import emit, line, tell
from privxray.cli.plan_view import plan_json, show_plan
from privxray.cli.prompts import passphrase
from privxray.errors import UsageError

if TYPE_CHECKING:
    from privxray.exchange.messages.plan import PlanHeader
    from privxray.workspace.folder import Workspace


@takes("terms", TermsOptions)
def plan(
    terms: TermsOptions,
    cards: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CARDS", help="The parties' cards, or a pattern.", autocompletion=files_for("plan")
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give up the open round and begin the study anew.")
    ] = False,
    carry_on: Annotated[
        bool,
        typer.Option(
            "--continue",
            help="Plan the next training round, or the open one anew, under the same terms. Only those whose "
            "next key is not here need to send a card.",
        ),
    ] = False,
    repeat: Annotated[
        bool,
        typer.Option(
            "--repeat",
            help="Repeat the open round, whose sum did not open. Give all its updates (with keyholders, once "
            "they were asked, the share files) instead of cards, and waivers, refusals and cards where they "
            "are needed. Hospitals whose update is right send the same noisy numbers again, at no cost.",
        ),
    ] = False,
    without: Without = None,
    force: Force = False,
    constants: Constants = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Enrol hospitals by their cards and sign a round's plan."""
    from privxray.workflow.coordinator.planning.continue_plan import continue_plan
    from privxray.workflow.coordinator.planning.make_plan import make_plan
    from privxray.workflow.coordinator.repeat_round import repeat_round

    workspace = current_workspace()
    workspace.require("coordinator", "plan")  # before patterns are looked up in the folder of another party
    secret, paths = passphrase(passphrase_file), expand(cards or [])
    if repeat:
        if carry_on or replace or terms.typed() or not paths:
            raise UsageError(
                "--repeat keeps the terms of the open round, and takes its files alone",
                reason="plan.repeat-alone",
                advice="Type: privxray plan --repeat updates/*.enc; --without NAME is possible, too",
            )
        planned = repeat_round(workspace, paths, secret, without=without or (), force=force)
    elif carry_on:
        if replace or terms.typed():
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
        planned = make_plan(workspace, paths, terms.terms(workspace), secret, replace=replace, force=force)
    changes = _changes(workspace, planned.plan)
    if as_json:
        emit(
            {
                "plan": str(planned.path),
                "key_words": planned.key_words,
                "warnings": list(planned.warnings),
                "changes": None if changes is None else list(changes),
                **plan_json(planned.plan),
            }
        )
    else:
        show_plan(planned.plan, changes, constants=constants)
        line(f"Key words: {planned.key_words}")
    for warning in planned.warnings:
        tell(f"Note: {warning}.")
    tell(
        "Read the key words to every hospital by phone. They must be the same in every copy of the plan, so "
        "hospitals should compare them with each other, too."
    )
    close("plan", workspace)


def _changes(workspace: Workspace, plan: PlanHeader) -> tuple[str, ...] | None:
    """What a plan changes against the one before it."""
    from privxray.workflow.hospital.taking_in.plan_changes import changes_here
    from privxray.workspace.session import looking

    with looking(workspace) as session:
        return changes_here(session, plan)
