"""The private list of files that ``deidentify`` made no copy of: ``data/not-copied.csv`` in the workspace.

On the terminal such a file may have only a number, for its path may name a patient. Its owner finds it here.

Tested in tests/cli/test_crosswalk.py.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from privxray.deid.cleaning.copies.copy_file import CopyTask
from privxray.workflow.images.make_copies import CopyRun
from privxray.workspace.atomic import write_atomic
from privxray.workspace.folder import Workspace

FILE = "not-copied.csv"


def write_uncopied(workspace: Workspace, tasks: Sequence[CopyTask], run: CopyRun) -> None:
    """Write the list of the last run, or take an earlier one away where every file has a copy."""
    listed = workspace.data / FILE
    reasons = run.reasons
    if not reasons:
        listed.unlink(missing_ok=True)
        return
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("number", "path", "reason"))
    for task in tasks:
        if task.number in reasons:
            path = task.source.path.absolute()
            where = f"{path}/{task.source.inner}" if task.source.inner else str(path)
            writer.writerow((task.number, where, reasons[task.number]))
    write_atomic(listed, text.getvalue().encode("utf-8", "surrogateescape"), overwrite=True)
