"""The options of ``check`` that name the originals of copies. Tested in tests/cli/test_check_against.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from privxray.errors import UsageError
from privxray.steps import step

if TYPE_CHECKING:
    from privxray.deid.findings.report import Report
    from privxray.deid.profile.profile import Profile
    from privxray.workflow.images.compare_copies import Comparison

_PANEL: Final = "With the originals at hand (docs/COMMANDS.md)"

_Originals = Annotated[
    list[Path] | None,
    typer.Option(
        "--against",
        metavar="ORIGINALS",
        help="The originals of the files: which values, UIDs, dates and pixels stayed? May be repeated.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
_Crosswalk = Annotated[
    Path | None,
    typer.Option(
        "--crosswalk",
        metavar="FILE",
        help="A csv with the columns original and copy: whose copy is whose, by Patient IDs.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Against:
    """What was typed of the originals.

    :ivar against: files, folders or zips of originals. :ivar crosswalk: a csv, see
        :func:`privxray.deid.comparing.crosswalk.read_crosswalk`.
    """

    against: _Originals = None
    crosswalk: _Crosswalk = None

    def expect_whole(self, *, alone: bool) -> None:
        """Whether the options fit each other, and the others that were typed.

        :param alone: this machine does the whole check.
        :raises UsageError: they don't.
        """
        if self.crosswalk is not None and not self.against:
            raise UsageError(
                "--crosswalk says whose copy is whose, and no originals are named",
                reason="against.crosswalk-alone",
                advice="Name the originals, too: --against ORIGINALS",
            )
        if self.against and not alone:
            raise UsageError(
                "--against is for a check on one machine, which finds the original of each copy",
                reason="against.one-machine",
                advice="Leave --shard and --merge out",
            )

    def compared(self, report: Report, profile: Profile) -> tuple[Report, Comparison | None]:
        """The report with what the originals tell, where some are named."""
        if not self.against:
            return report, None
        from privxray.workflow.images.compare_copies import ComparedWith, compare_report

        terms = ComparedWith(self.against, profile, self.crosswalk)
        with step("Reading originals") as reading, step("Comparing") as bar:
            return compare_report(report, terms, reading=reading, progress=bar)
