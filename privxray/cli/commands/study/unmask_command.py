"""``unmask``: a keyholder's answer to a coordinator's request. Tested in tests/cli/test_keyholders.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Force, Json, PassphraseFile, To
from privxray.cli.options.known_names import files_for
from privxray.cli.output import emit, tell
from privxray.cli.prompts import passphrase


def unmask(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The coordinator's request.", autocompletion=files_for("unmask")),
    ],
    to: To = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Help to open a round's sum, as a keyholder. Typed again, it writes the same answer."""
    from privxray.workflow.keyholder.unmask import unmask as answer

    workspace = current_workspace()
    done = answer(workspace, file, passphrase(passphrase_file), folder=to, force=force)
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
                "written": done.written,
            }
        )
    for warning in done.warnings:
        tell(f"Note: {warning}.")
    tell(
        f"Round {done.plan.round} of the study {done.plan.study}: this answer helps to open the sum of "
        f"{', '.join(done.survivors)}" + (f", without {', '.join(done.missing)}." if done.missing else ".")
    )
    if done.written:
        tell(f"Wrote {done.path}{', the same bytes as before' if done.again else ''}.")
    else:
        tell(f"{done.path} is here already and was left as it is.")
    close("unmask", workspace, study=done.plan.study, file=seen_from_here(done.path))
