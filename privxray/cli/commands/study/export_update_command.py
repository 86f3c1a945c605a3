"""``export-update``: this hospital's masked, encrypted and signed part of a round.

Tested in tests/cli/test_study.py.
"""

from __future__ import annotations

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Force, Json, PassphraseFile, Study, To
from privxray.cli.output import emit, tell
from privxray.cli.prompts import passphrase


def export_update(
    study: Study = None,
    to: To = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Mask, encrypt and sign this round's update. Exporting again gives the same bytes."""
    from privxray.privacy.guarantee import Guarantee
    from privxray.workflow.hospital.export_update import export_update as export

    workspace = current_workspace()
    done = export(workspace, passphrase(passphrase_file), study=study, folder=to, force=force)
    spent = Guarantee(done.header.epsilon, done.header.delta)
    if as_json:
        emit(
            {
                "update": str(done.path),
                "bytes": done.size,
                "again": done.again,
                "written": done.written,
                "study": done.plan.study,
                "round": done.plan.round,
                **spent.to_json(),
            }
        )
    if done.written:
        again = ", the same as before" if done.again else ""
        did = f"Wrote {done.path} ({done.size:,} bytes{again}) and read it back"
    else:
        did = f"{done.path} is here already ({done.size:,} bytes) and was left as it is; read it back"
    tell(f"{did}: its signature, size and digest are good. It states {spent}.")
    close("export-update", workspace, study=done.plan.study, file=seen_from_here(done.path))
