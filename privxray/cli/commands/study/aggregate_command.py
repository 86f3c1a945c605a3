"""``aggregate``: the sum of a round's updates, and the model that comes of it.

Tested in tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Force, Json, PassphraseFile, Without
from privxray.cli.options.file_patterns import expand
from privxray.cli.options.known_names import files_for
from privxray.cli.output import emit, tell
from privxray.cli.prompts import passphrase
from privxray.cli.summary_view import show_summary, summary_json

if TYPE_CHECKING:
    from privxray.workflow.coordinator.agreeing.close_agreement import Agreed
    from privxray.workflow.coordinator.close_round import Aggregated
    from privxray.workflow.coordinator.request_shares import Requested


def aggregate(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES",
            help="The hospitals' updates, then the keyholders' share files; or agreements; or patterns.",
            autocompletion=files_for("aggregate"),
        ),
    ],
    without: Without = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Open the sum of a round's updates and sign the model. With keyholders, ask them first.

    Under a plan with hybrid masks, collect the hospitals' agreements first, and sign the plan that trains.
    """
    from privxray.workflow.coordinator.aggregate import aggregate as add_up
    from privxray.workflow.coordinator.agreeing.close_agreement import Agreed
    from privxray.workflow.coordinator.request_shares import Requested

    workspace = current_workspace()
    done = add_up(
        workspace,
        expand(files, none_is_fine=True),
        passphrase(passphrase_file),
        without=without or (),
        force=force,
    )
    if isinstance(done, Requested):
        _show_request(done, as_json)
    elif isinstance(done, Agreed):
        _show_agreed(done, as_json)
    else:
        _show_sum(done, as_json)
    close("aggregate", workspace)


def _show_agreed(done: Agreed, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "model": None,
                "proof": None,
                "plan": str(done.next_plan.path),
                "key_words": done.next_plan.key_words,
                "round": done.plan.round,
                "hospitals": done.hospitals,
                "lacking": [],
                "already": done.already,
                "notes": list(done.notes),
            }
        )
    for note in done.notes:
        tell(f"Note: {note}.")
    if done.already:
        told = f"Round {done.plan.round} was closed before; nothing was changed."
        tell(f"{told} Its plan is {done.next_plan.path}.")
        return
    tell(
        f"Round {done.plan.round}: {done.hospitals} hospitals agreed on secrets for their masks. Wrote "
        f"{done.next_plan.path}, the plan that goes on with them."
    )
    if done.next_plan.plan.roster.version != done.plan.roster.version:
        tell(f"The hospitals have changed, so read out new key words: {done.next_plan.key_words}")


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
                "model": None if done.counted else str(done.model),
                **(
                    {"summary": str(done.model), "counted": summary_json(done.counted)}
                    if done.counted
                    else {}
                ),
                "proof": str(done.proof) if done.proof else None,
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
    what = "summary" if done.counted else "model"
    if done.already:
        tell(f"Round {done.plan.round} was closed before; nothing was changed. Its {what} is {done.model}.")
    else:
        tell(
            f"Round {done.plan.round}: opened the sum of {done.hospitals} updates. No single update can be "
            f"opened. Wrote {done.model}."
        )
    if done.counted and not as_json:
        show_summary(done.counted)
    if done.proof:
        tell(f"Carry {done.proof.name} with it: each hospital checks by it that the {what} is the sum.")
