"""``init`` and ``card``: making a workspace and a hospital's cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.output import emit, tell
from privxray.cli.prompts import Json, PassphraseFile, passphrase
from privxray.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(init)
    app.command()(card)


def init(
    role: Annotated[
        Literal["hospital", "coordinator", "trustee"],
        typer.Option(
            "--role",
            help="A hospital has patients; the coordinator runs the study; a trustee holds no data and "
            "helps to open the sum.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", help="The hospital's name, as the others will see it.", show_default=False),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study",
            help="The study's name. A hospital's first card fits any without it.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            help="A hospital's lifetime limit, as epsilon at delta 1e-5.  [default: 10]",
            show_default=False,
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Make a workspace here: keys, a card, a hospital's ledger."""
    from privxray.privacy.ledger import Ledger
    from privxray.workflow.common.init_workspace import init_coordinator, init_hospital, init_trustee

    secret = passphrase(passphrase_file, new=True)
    if role == "coordinator":
        if study is None:
            raise UsageError("a coordinator's workspace is for one study: name it with --study NAME")
        if budget is not None:
            raise UsageError("--budget is a hospital's: a coordinator holds no patients")
        _check_names(name, study)
        workspace = init_coordinator(Path.cwd(), study, secret, name=name or "coordinator")
        if as_json:
            emit(
                {
                    "role": role,
                    "name": workspace.config.name,
                    "study": study,
                    "workspace": str(workspace.root),
                }
            )
        tell(f"This folder is now the coordinator's workspace of the study {study}.")
        close("init", workspace)
        return
    if name is None:
        raise UsageError(f"a {role}'s workspace needs its name: --name {role}-a")
    _check_names(name, study)
    if role == "trustee":
        if budget is not None:
            raise UsageError("--budget is a hospital's: a trustee holds no patients")
        workspace = init_trustee(Path.cwd(), name, secret, study=study)
        if as_json:
            emit(
                {
                    "role": role,
                    "name": name,
                    "workspace": str(workspace.root),
                    "card": str(workspace.card_path),
                }
            )
        tell(f"This folder is now {name}'s workspace. Keep the passphrase: without it the keys are lost.")
        close("init", workspace)
        return
    workspace = init_hospital(Path.cwd(), name, secret, study=study, budget=budget)
    ledger = Ledger.open(workspace.ledger_path)
    if as_json:
        emit(
            {
                "role": role,
                "name": name,
                "workspace": str(workspace.root),
                "card": str(workspace.card_path),
                "budget": ledger.limit.to_json(),
            }
        )
    tell(
        f"This folder is now {name}'s workspace. Lifetime budget: {ledger.limit}. Keep the "
        "passphrase: without it the keys are lost."
    )
    close("init", workspace)


def card(
    study: Annotated[
        str | None,
        typer.Option("--study", help="Make a card for this study only.", show_default=False),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Write a fresh card, for a study or another try at a round."""
    from privxray.workflow.common.init_workspace import fresh_card
    from privxray.workspace.folder import Workspace

    _check_names(None, study)
    workspace = Workspace.find(Path.cwd())
    path = fresh_card(workspace, passphrase(passphrase_file), study=study)
    if as_json:
        emit({"card": str(path), "study": study})
    tell(f"Wrote {path.name} with fresh keys for one round.")
    close("card", workspace, file=path.name)


def _check_names(*names: str | None) -> None:
    from pydantic import TypeAdapter, ValidationError

    from privxray.formats.header import Name

    for name in names:
        if name is None:
            continue
        try:
            TypeAdapter(Name).validate_python(name)
        except ValidationError:
            raise UsageError(
                "a name has up to 40 letters, digits, dots, dashes or underscores, and no sign first"
            ) from None
