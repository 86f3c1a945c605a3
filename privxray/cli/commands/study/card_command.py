"""``card``: a fresh card of a hospital or trustee, or the candidacy of a new coordinator.

Tested in tests/cli/test_bad_input.py and tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Json, PassphraseFile, PatientsUpTo
from privxray.cli.options.typed_names import require_name
from privxray.cli.output import emit, line, tell
from privxray.cli.prompts import passphrase, patients_up_to
from privxray.errors import UsageError

if TYPE_CHECKING:
    from privxray.keys.brackets import Bracket
    from privxray.workflow.common.callbacks import Passphrase
    from privxray.workspace.folder import Workspace


def card(
    study: Annotated[
        str | None,
        typer.Option("--study", help="Make a card for this study only.", show_default=False),
    ] = None,
    patients: PatientsUpTo = None,
    format_: Annotated[
        Literal["1", "2"],
        typer.Option(
            "--format",
            help="1 for a coordinator whose version of privxray is older and reads no other.",
        ),
    ] = "2",
    candidacy: Annotated[
        bool,
        typer.Option(
            "--candidacy",
            help="In the workspace of a new coordinator: the file by which hospitals vote for it, if the "
            "study's coordinator has lost its key.",
        ),
    ] = False,
    days: Annotated[
        int | None,
        typer.Option(
            "--days",
            min=1,
            max=90,
            help="With --candidacy: for how many days from today votes for it count, 30 by default.",
            show_default=False,
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Write a fresh card, for a study or another try at a round."""
    from privxray.workflow.common.fresh_card import fresh_card

    require_name("--study", study)
    workspace = current_workspace()
    if candidacy:
        if study or patients or format_ == "1":
            raise UsageError(
                "a candidacy is for the workspace's own study, and states no size and no format",
                reason="card.candidacy-options",
                advice="Type: privxray card --candidacy",
            )
        _candidacy(workspace, passphrase(passphrase_file), days, as_json)
        return
    if days is not None:
        raise UsageError(
            "--days is for a candidacy, and a card has no last day",
            reason="card.days-without-candidacy",
            advice="Leave out --days, or type: privxray card --candidacy --days N",
        )
    size = _size(workspace, patients)
    number: Literal[1, 2] = 1 if format_ == "1" else 2
    path = fresh_card(
        workspace, passphrase(passphrase_file), study=study, patients_up_to=size, format_=number
    )
    stated = _stated(workspace) if number > 1 else None
    if as_json:
        emit({"card": str(path), "study": study, "format": number, "patients_up_to": stated})
    says = "" if stated is None else f" It states that this hospital has at most {stated:,} patients."
    tell(f"Wrote {path.name} with fresh keys for one round.{says}")
    close("card", workspace, file=seen_from_here(path))


def _candidacy(workspace: Workspace, secret: Passphrase, days: int | None, as_json: bool) -> None:
    """Write the file by which hospitals can name this workspace's party coordinator."""
    from privxray.workflow.custody.candidacy import make_candidacy

    made = make_candidacy(workspace, secret, days)
    if as_json:
        emit(
            {
                "card": str(made.path),
                "study": workspace.config.study,
                "key_words": made.key_words,
                "until": made.until,
            }
        )
    else:
        line(f"Key words: {made.key_words}")
    tell(
        f"Wrote {made.path.name}, for the case that this study's coordinator has lost its key: hospitals "
        "that the plan names vote with it for this workspace. Read the key words to them by phone. Their "
        f"votes count until {made.until}. A study's first coordinator needs no such file."
    )
    close("card --candidacy", workspace, file=seen_from_here(made.path))


def _size(workspace: Workspace, typed: str | None) -> Bracket | None:
    """The size that a card is to state; None for what was stated before.

    :raises UsageError: a trustee was asked to state one.
    """
    if typed is not None and workspace.config.role == "trustee":
        raise UsageError(
            "--patients-up-to is an option of hospitals, and a trustee holds no patients",
            reason="card.size-without-patients",
            advice="Leave out --patients-up-to",
        )
    return patients_up_to(typed, ask=workspace.config.role == "hospital" and _stated(workspace) is None)


def _stated(workspace: Workspace) -> Bracket | None:
    from privxray.workflow.common.own_size import stated_size
    from privxray.workspace.session import looking

    if not workspace.state_path.exists():
        return None
    with looking(workspace) as session:
        return stated_size(session.state)
