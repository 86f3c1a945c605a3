"""``doctor``: what is right and wrong in a workspace. Tested in tests/cli/test_doctor.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json
from privxray.cli.options.file_patterns import expand
from privxray.cli.output import emit, line, tell
from privxray.errors import FindingsError


def doctor(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILES",
            help="This hospital's updates that lie elsewhere, or folders of them, for the ledger's check.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Look for trouble in this workspace; nothing is changed."""
    from privxray.workflow.upkeep.doctor import diagnose

    workspace = current_workspace()
    findings = []
    for finding in diagnose(workspace, expand(files or [], none_is_fine=True)):
        findings.append(finding)
        if not as_json:
            advice = f". {finding.advice}" if finding.advice else ""
            line(f"{finding.level:<6}  {finding.check}: {finding.what}{advice}")
    errors = [finding for finding in findings if finding.level == "error"]
    if as_json:
        emit(
            {
                "checks": [
                    {"check": f.check, "result": f.level, "what": f.what, "advice": f.advice}
                    for f in findings
                ],
                "errors": len(errors),
            }
        )
    if errors:
        raise FindingsError(
            f"{len(errors)} of {len(findings)} checks found something wrong",
            reason="doctor.found-something",
            file=workspace.root,
            advice="Mend the first one, and type privxray doctor again",
        )
    notices = sum(finding.level == "notice" for finding in findings)
    tell(f"{len(findings)} checks, nothing wrong{f', {notices} to note' if notices else ''}.")
    close("doctor", workspace)
