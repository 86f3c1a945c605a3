"""What the audit commands have in common: their options, whom they audit, and how they end.

Tested in tests/cli/test_audit.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.options import Force, ImagesFolder, Json
from privxray.cli.options.written_files import require_free
from privxray.cli.output import emit, table, tell
from privxray.errors import FindingsError, UsageError
from privxray.steps import step

if TYPE_CHECKING:
    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod
    from privxray.workflow.auditing.audited_patients import AuditedPatients
    from privxray.workflow.auditing.claim import Claim
    from privxray.workflow.auditing.outcome import Outcome
    from privxray.workflow.auditing.own_patients.finished_audits import FinishedAudit

_DELTA = 1e-5


@dataclass(frozen=True)
class AuditOptions:
    """The options that every audit takes."""

    epsilon: Annotated[
        float, typer.Option("--epsilon", help="The claim that is attacked: what a patient is promised.")
    ] = 1.0
    delta: Annotated[
        float | None,
        typer.Option(
            "--delta", help="Of that claim.  [default: 1e-05; with --own the plan's]", show_default=False
        ),
    ] = None
    public: Annotated[
        Path | None,
        typer.Option(
            "--public",
            help="A public data set: a csv with image, patient, label.  [default: invented patients]",
            show_default=False,
        ),
    ] = None
    images: ImagesFolder = None
    own: Annotated[
        bool,
        typer.Option(
            "--own", help="Audit on this hospital's own patients: charged like a training, kept inside."
        ),
    ] = False
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="With --own: pay for the audit once more, though it was done before with the same options.",
        ),
    ] = False
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Write a page with figures and pictures.", show_default=False
        ),
    ] = None
    force: Force = False
    as_json: Json = False

    def check(self, study: str | None = None) -> None:
        """Refuse, before a long training, options that contradict each other and a report without a place.

        :raises UsageError: options that can't be typed together, or no folder for the report.
        :raises RefusedError: the report exists.
        """
        if self.own and self.public:
            raise UsageError(
                "an audit is on public patients (--public) or on your own (--own), not on both",
                reason="audit.own-and-public",
                advice="Leave out one of the two",
            )
        if self.own and self.report:
            raise UsageError(
                "the report of an audit on your own patients stays in the workspace",
                reason="audit.report-of-own-patients",
                advice="Leave out --report; the command says where the report is",
            )
        if self.again and not self.own:
            raise UsageError(
                "--again pays once more for an audit on own patients, and --own was not typed",
                reason="audit.again-without-own",
                advice="Leave out --again: an audit on other patients costs nothing",
            )
        if study and not self.own:
            raise UsageError(
                "--study picks the study whose plan --own takes, and --own was not typed",
                reason="audit.study-without-own",
                advice="Type both, or neither",
            )
        if self.images and not self.public:
            raise UsageError(
                "--images is the folder of the images in the csv of --public, and --public was not typed",
                reason="audit.images-without-public",
                advice="Type both, or neither",
            )
        require_free({"--report": self.report}, force=self.force)

    def claim(self) -> Claim:
        """The claim that is tried, of an audit that is not on own patients.

        :raises UsageError: epsilon or delta out of range.
        """
        from privxray.workflow.auditing.claim import Claim

        return Claim(self.epsilon, _DELTA if self.delta is None else self.delta)

    def patients(self, method: AnyMethod, constants: MethodConstants) -> AuditedPatients:
        """Whom an audit is about that is not on own patients.

        :raises MalformedError: the csv of the public data set can't be used.
        """
        from privxray.workflow.auditing.audited_patients import INVENTED
        from privxray.workflow.auditing.public_data_set import read_public

        if self.public is None:
            return INVENTED
        with step("Reading images") as bar:
            return read_public(self.public, self.images, method, constants, bar)

    def end(self, outcome: Outcome) -> None:
        """Write the report where one is wanted, and print the outcome.

        :raises FindingsError: more was found than is claimed.
        """
        if self.report is not None:
            from privxray.workspace.atomic import write_atomic

            write_atomic(self.report, outcome.html().encode(), overwrite=self.force)
            tell("The page is in the file that --report names.")
        print_outcome(outcome, as_json=self.as_json)


def print_outcome(outcome: Outcome, *, as_json: bool, more: dict[str, object] | None = None) -> None:
    """Print an outcome for a person or for a program, and what to do next.

    :param more: further fields for a program.
    :raises FindingsError: more was found than is claimed.
    """
    page = outcome.page
    if as_json:
        emit(outcome.to_json() | (more or {}))
    else:
        table("Figures", ("what", "value"), page.figures)
        tell(f"{page.verdict}.")
        for caveat in page.caveats:
            tell(f"- {caveat}")
    if page.flagged and outcome.finding == "does-otherwise":
        raise FindingsError(
            "the audit found that training does otherwise than it claims",
            reason="audit.otherwise-than-claimed",
            advice="Don't train before that is explained",
        )
    _end(flagged=page.flagged, as_json=as_json)


def print_finished(audit: FinishedAudit, *, as_json: bool) -> None:
    """Print what an audit with the same options found before.

    :raises FindingsError: more was found than is claimed.
    """
    if as_json:
        emit({**audit.figures, "report": str(audit.report), "already": True})
    else:
        table("Figures", ("what", "value"), audit.rows)
        tell(f"{audit.verdict}.")
        for caveat in audit.caveats:
            tell(f"- {caveat}")
    tell(
        "This audit was done before with the same options, on the same patients; nothing was spent. Its "
        f"report is {audit.report}. To pay for it once more, type --again."
    )
    _end(flagged=audit.flagged, as_json=as_json)


def _end(*, flagged: bool, as_json: bool) -> None:
    if flagged:
        raise FindingsError(
            "the audit found that training gives away more than it claims",
            reason="audit.more-than-claimed",
            advice="Don't train before that is explained",
        )
    if not as_json:
        close("audit")
