"""``verify``: whether a model is the sum of what the hospitals committed to.

Tested in tests/cli/test_commitments.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.output import emit, tell
from privxray.cli.prompts import passphrase


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .proof file, or the model beside it.")],
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Check that a sum is what its hospitals committed to."""
    from privxray.workflow.hospital.prove import verify as check

    workspace = current_workspace()
    done = check(workspace, file, passphrase(passphrase_file))
    if as_json:
        emit(
            {
                "study": done.study,
                "round": done.round,
                "proof": done.digest,
                "hospitals": list(done.hospitals),
                "own_update": done.own,
                "model": done.model,
            }
        )
    tell(
        f"Round {done.round} of {done.study}: the sum is what {len(done.hospitals)} hospitals committed to, "
        f"each of them once: {', '.join(done.hospitals)}."
    )
    if not done.own:
        tell("No update of this hospital is in it.")
    if done.model:
        tell("The model that was accepted here is made of this sum.")
    else:
        tell("The model of this round has not been accepted here, so it was not compared.")
    tell(f"Other hospitals have the same proof if they read out the same number: {done.digest[:16]}.")
    close("verify", workspace, study=done.study)
