"""The files that ``privxray check`` writes: a page to print and sign, and a csv of every finding.

Tested in tests/unit/test_deid_check.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.cli.options.written_files import require_free
from privxray.cli.output import tell
from privxray.steps import step

if TYPE_CHECKING:
    from privxray.deid.findings.report import Report
    from privxray.workflow.images.compare_copies import Comparison
    from privxray.workflow.images.search_pixels import SearchedPixels


@dataclass(frozen=True)
class CheckFiles:
    """What is to be written.

    :ivar page: the file that ``--report`` names. :ivar csv: the file that ``--csv`` names.
    :ivar force: each may replace a file that is there.
    """

    page: Path | None
    csv: Path | None
    force: bool

    def __bool__(self) -> bool:
        return self.page is not None or self.csv is not None

    def require_free(self) -> None:
        """Refuse, before an hour of checking, what could not be written after it.

        :raises UsageError: the folder of a file does not exist.
        :raises RefusedError: a file exists.
        """
        require_free({"--report": self.page, "--csv": self.csv}, force=self.force)

    def write(
        self, report: Report, found: Mapping[int, SearchedPixels] | None, compared: Comparison | None = None
    ) -> None:
        """Write the files, whole or not at all. Neither ever holds text that was read in pixels.

        :param found: what was found in the pixels; None where they were not searched.
        :param compared: what came of comparing with the originals; None where they were not.
        """
        from privxray.workspace.atomic import atomic_file

        if self.csv is not None:
            from privxray.reports.findings_csv import findings_csv

            with atomic_file(self.csv, overwrite=self.force) as stream:
                stream.writelines(findings_csv(report))
            tell("The file that --csv names has every finding.")
        if self.page is not None:
            from privxray.workflow.images.compose_check_page import compose_check_page

            options = ([] if found is None else ["--ocr"]) + ([] if compared is None else ["--against"])
            with step("Drawing") as bar, atomic_file(self.page, overwrite=self.force) as stream:
                parts = compose_check_page(report, found, compared, options=options, progress=bar)
                for piece in parts:
                    stream.write(piece.encode())
            tell("The page that --report names can be printed and signed. It stays in the hospital.")
