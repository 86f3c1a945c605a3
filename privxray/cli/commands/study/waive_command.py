"""``waive``: the round may be repeated without this hospital. Tested in tests/cli/test_repeated_rounds.py."""

from __future__ import annotations

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Force, Json, PassphraseFile, Study, To
from privxray.cli.output import emit, tell
from privxray.cli.prompts import passphrase


def waive(
    study: Study = None,
    to: To = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Let the open round be repeated without this hospital.

    Example: privxray waive --to /media/stick
    """
    from privxray.workflow.hospital.waive import waive as sign

    workspace = current_workspace()
    done = sign(workspace, passphrase(passphrase_file), study=study, folder=to, force=force)
    if as_json:
        emit(
            {
                "waiver": str(done.path),
                "study": done.plan.study,
                "round": done.plan.round,
                "again": done.again,
            }
        )
    tell(
        f"Wrote {done.path}{', the same bytes as before' if done.again else ''}. With it round "
        f"{done.plan.round} of the study {done.plan.study} may be repeated without this hospital. Whoever "
        "sees both sums can then tell this hospital's noisy result from the others'; each patient keeps the "
        "epsilon that was paid."
    )
    close("waive", workspace, study=done.plan.study, file=seen_from_here(done.path))
