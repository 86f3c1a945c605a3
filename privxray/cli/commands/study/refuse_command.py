"""``refuse``: a keyholder answers nothing in a round. Tested in tests/cli/test_repeats_held.py."""

from __future__ import annotations

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Force, Json, PassphraseFile, Study, To
from privxray.cli.output import emit, tell
from privxray.cli.prompts import passphrase


def refuse(
    study: Study = None,
    to: To = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Swear to answer nothing in the open round, as a keyholder.

    Example: privxray refuse --to /media/stick
    """
    from privxray.workflow.keyholder.refuse import refuse as swear

    workspace = current_workspace()
    done = swear(workspace, passphrase(passphrase_file), study=study, folder=to, force=force)
    if as_json:
        emit(
            {
                "refusal": str(done.path),
                "study": done.plan.study,
                "round": done.plan.round,
                "again": done.again,
            }
        )
    tell(
        f"Wrote {done.path}{', the same bytes as before' if done.again else ''}. This keyholder helps to "
        f"open nothing of round {done.plan.round} of the study {done.plan.study} any more, and that "
        "can't be undone."
    )
    close("refuse", workspace, study=done.plan.study, file=seen_from_here(done.path))
