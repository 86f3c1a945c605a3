"""``succeed``: other keys take the place of these, or of keys that are gone.

Tested in tests/cli/test_revocation.py, tests/cli/test_recovery.py and tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli import prompts
from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.options.known_names import files_for
from privxray.cli.output import emit, tell
from privxray.cli.recovery_prompts import words_from
from privxray.errors import UsageError

if TYPE_CHECKING:
    from privxray.workflow.common.callbacks import Passphrase
    from privxray.workspace.folder import Workspace

_Card = Annotated[
    Path,
    typer.Argument(
        metavar="CARD",
        help="The card of this party's new workspace. With --recovery, the old card or a plan that names the "
        "party. With --votes, the study's last plan.",
        autocompletion=files_for("succeed"),
    ),
]
_File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="A new file, such as hospital-a.revocation or study.succession."),
]
_Recovery = Annotated[
    Path | None,
    typer.Option(
        "--recovery",
        metavar="FILE",
        help="In the new workspace, the old keys being gone: the file with the words of the recovery "
        "key; - asks for them.",
        show_default=False,
    ),
]
_Votes = Annotated[
    Path | None,
    typer.Option(
        "--votes",
        metavar="FOLDER",
        help="In a new coordinator's workspace, the old coordinator's key being lost: the folder with the "
        "hospitals' votes.",
        show_default=False,
    ),
]
_Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        help="With --votes: the model (or summary) of the last plan's round, if that round was closed.",
        show_default=False,
    ),
]


def succeed(
    card: _Card,
    file: _File,
    recovery: _Recovery = None,
    votes: _Votes = None,
    model: _Model = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Put other keys in the place of these, or of lost ones."""
    if (recovery is not None and votes is not None) or (model is not None and votes is None):
        raise UsageError(
            "--recovery is for a party's keys, --votes and --model are for a coordinator's",
            reason="succession.options-contradict",
            advice="Type either --recovery FILE, or --votes FOLDER",
        )
    line = _Line(current_workspace(), card, file, prompts.passphrase(passphrase_file), as_json)
    if votes is not None:
        _by_votes(line, votes, model)
    elif recovery is not None:
        _by_recovery(line, recovery)
    else:
        _by_old_key(line)


@dataclass(frozen=True)
class _Line:
    """What is typed in any case."""

    workspace: Workspace
    source: Path
    file: Path
    passphrase: Passphrase
    as_json: bool


def _by_old_key(line: _Line) -> None:
    from privxray.workflow.custody.revoked import succeed as write

    new = write(line.workspace, line.source, line.file, line.passphrase)
    if line.as_json:
        emit({"revocation": str(line.file), "successor": new.fingerprint})
    tell(
        "Wrote the revocation. Whoever takes it in refuses this workspace's key from then on, and sees that "
        f"it names the key {new.fingerprint[:16]} in its place. The new key words are compared all the same."
    )
    close("succeed", line.workspace, file=seen_from_here(line.file))


def _by_recovery(line: _Line, recovery: Path) -> None:
    from privxray.workflow.custody.succeed_by_recovery import succeed_by_recovery

    words = words_from(recovery)
    made = succeed_by_recovery(line.workspace, line.source, line.file, words, line.passphrase)
    if line.as_json:
        emit({"succession": str(line.file), "old": made.old, "successor": made.new})
    tell(
        f"Wrote the succession: the recovery key names this workspace's key {made.new[:16]} in place of "
        f"{made.old[:16]}. Whoever takes it in refuses the old key from then on. The new key words are "
        "compared all the same. These words are used up: make other ones with privxray recovery make."
    )
    close("succeed", line.workspace, file=seen_from_here(line.file))


def _by_votes(line: _Line, votes: Path, model: Path | None) -> None:
    from privxray.workflow.coordinator.take_over_study import Lineage, take_over

    lineage = Lineage(line.source, model)
    taken = take_over(line.workspace, lineage, votes, line.file, line.passphrase)
    if line.as_json:
        emit(
            {
                "succession": str(line.file),
                "study": taken.study,
                "round": taken.round,
                "voters": list(taken.voters),
                "has_model": taken.has_model,
                "until": taken.until,
            }
        )
    for reason in taken.passed_over:
        tell(f"Not counted: {reason}")
    by = f", by the votes of {' and '.join(taken.voters)}" if taken.voters else ""
    state = "is closed" if taken.has_model else "is void, and its updates can't be opened"
    tell(f"This workspace coordinates the study {taken.study} from now on{by}. Round {taken.round} {state}.")
    if taken.until:
        tell(f"Every party has to take the succession in by {taken.until}, the last day of the votes.")
    close("succeed --votes", line.workspace, file=seen_from_here(line.file))
