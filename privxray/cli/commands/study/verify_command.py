"""``verify``: whether a model is the sum of what the hospitals committed to.

Tested in tests/cli/test_commitments.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.options.known_names import files_for
from privxray.cli.output import emit, tell
from privxray.cli.prompts import passphrase

if TYPE_CHECKING:
    from privxray.workflow.hospital.taking_in.file_words import FileWords


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A .proof file, the model or summary beside it, or a plan.",
            autocompletion=files_for("verify"),
        ),
    ],
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Check that a sum is what its hospitals committed to.

    It also tells twelve words for the phone, of a plan or a model as well. Whoever was shown the same file
    reads out the same words.
    """
    from privxray.workflow.hospital.taking_in.file_words import FileWords
    from privxray.workflow.hospital.taking_in.prove import verify as check

    workspace = current_workspace()
    done = check(workspace, file, passphrase(passphrase_file))
    if isinstance(done, FileWords):
        _tell_words(done, as_json)
        close("verify", workspace, study=done.study)
        return
    if as_json:
        emit(
            {
                "study": done.study,
                "round": done.round,
                "words": done.words,
                "proof": done.digest,
                "hospitals": list(done.hospitals),
                "own_update": done.own,
                "within_bounds": done.bounded,
                "model": done.model,
            }
        )
    tell(
        f"Round {done.round} of {done.study}: the sum is what {len(done.hospitals)} hospitals committed to, "
        f"each of them once: {', '.join(done.hospitals)}."
    )
    if done.bounded:
        tell("Each of them has proved that its numbers are within the bounds of the plan.")
    if not done.own:
        tell("No update of this hospital is in it.")
    result = "summary" if done.counted else "model"
    if done.model:
        tell(f"The {result} that was accepted here is made of this sum.")
    else:
        tell(f"The {result} of this round has not been accepted here, so it was not compared.")
    tell(f"Whoever has the same proof reads out the same words by phone: {done.words}")
    close("verify", workspace, study=done.study)


def _tell_words(done: FileWords, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "study": done.study,
                "round": done.round,
                "words": done.words,
                "kind": done.kind,
                "digest": done.digest,
            }
        )
    tell(f"Round {done.round} of {done.study}: this {done.kind} was taken in here.")
    tell(f"Whoever has the same {done.kind} reads out the same words by phone: {done.words}")
