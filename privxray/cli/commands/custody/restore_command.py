"""``restore``: a workspace out of its backup. Tested in tests/cli/test_backup.py."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from privxray.cli import prompts
from privxray.cli.closing import close
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.output import emit, tell
from privxray.errors import UsageError
from privxray.privacy.guarantee import MAX_EPSILON
from privxray.system.console import is_terminal

_Spent = Annotated[
    float | None,
    typer.Option(
        "--spent-since",
        metavar="EPSILON",
        help="A hospital: what was spent on its patients after the backup was made; 0 if nothing was trained "
        "and no audit of own patients was run.",
        show_default=False,
    ),
]


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `privxray backup` wrote.")],
    spent_since: _Spent = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Make a workspace again out of its backup, here."""
    from privxray.workflow.custody.restore import restore as put_back

    made = put_back(Path.cwd(), file, prompts.passphrase(passphrase_file), _spent(spent_since))
    role = made.workspace.config.role
    if as_json:
        emit(
            {
                "workspace": str(made.workspace.root),
                "role": role,
                "backup_of": made.created,
                "budget_used_up": made.used_up,
                "card": None if role == "coordinator" else str(made.workspace.card_path),
            }
        )
    tell(
        f"The workspace is as it was on {made.created[:10]}, without images and open rounds. If the old one "
        "still exists, don't use it any more."
    )
    if made.used_up:
        tell("What was spent since is more than the lifetime limit allows: nothing can be trained here.")
    close("restore", made.workspace, file="" if role == "coordinator" else made.workspace.card_path.name)


def _spent(typed: float | None) -> Callable[[str], float]:
    def ask(created: str) -> float:
        given = typed
        if given is None and is_terminal(sys.stdin):
            given = typer.prompt(
                f"Epsilon that was spent on patients here after {created} (0 if none)", type=float, err=True
            )
        if given is None:
            raise UsageError(
                f"what was spent after {created} is not in this backup, and there is no terminal to ask at",
                reason="restore.spent-not-said",
                advice="Give --spent-since EPSILON; 0 if nothing was trained or audited",
            )
        if not (math.isfinite(given) and 0 <= given <= MAX_EPSILON):
            raise UsageError(
                f"--spent-since can't be '{given:g}': it has to be 0 or a number up to {MAX_EPSILON:g}",
                reason="restore.spent-out-of-range",
                advice="The last update says what its study had spent: privxray inspect FILE",
            )
        return given

    return ask
