"""Audits on own patients that came to their end: what they found is kept, so that nobody pays for it twice.

Tested in tests/cli/test_audit_again.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from privxray.workflow.auditing.outcome import Outcome
from privxray.workflow.auditing.own_patients.terms import Terms
from privxray.workspace.atomic import PRIVATE, write_atomic
from privxray.workspace.folder import Workspace


@dataclass(frozen=True)
class FinishedAudit:
    """An audit with the same terms that was done before.

    :ivar report: its page.
    :ivar verdict: one sentence without a full stop. :ivar flagged: more was found than is claimed.
    :ivar rows: names and values for a person. :ivar figures: for a program.
    :ivar caveats: what the audit could not have shown.
    """

    report: Path
    verdict: str
    flagged: bool
    rows: tuple[tuple[str, str], ...]
    figures: dict[str, Any]
    caveats: tuple[str, ...]


class _Kept(BaseModel):
    """The file beside a report."""

    terms: Terms
    verdict: str
    flagged: bool
    rows: list[tuple[str, str]]
    figures: dict[str, Any]
    caveats: list[str]


def keep_outcome(report: Path, terms: Terms, outcome: Outcome) -> None:
    """Keep what an audit found beside its report."""
    page = outcome.page
    kept = _Kept(
        terms=terms,
        verdict=page.verdict,
        flagged=page.flagged,
        rows=[(name, value) for name, value in page.figures],
        figures=outcome.to_json(),
        caveats=list(page.caveats),
    )
    data = kept.model_dump_json().encode()
    write_atomic(report.with_suffix(".json"), data, mode=PRIVATE, overwrite=True)


def finished_audit(workspace: Workspace, wanted: Terms) -> FinishedAudit | None:
    """The last audit with these terms, whatever its name; None where there is none."""
    found = None
    for path, kept in _all(workspace):
        if kept.terms.model_copy(update={"run": wanted.run}) == wanted and _kind(kept.terms) == _kind(wanted):
            found = FinishedAudit(
                report=path.with_suffix(".html"),
                verdict=kept.verdict,
                flagged=kept.flagged,
                rows=tuple(kept.rows),
                figures=kept.figures,
                caveats=tuple(kept.caveats),
            )
    return found


def _all(workspace: Workspace) -> Iterator[tuple[Path, _Kept]]:
    """What is kept, the newest last; a file that is damaged can be missed."""
    for path in sorted(workspace.audits.glob("*.json"), key=lambda one: one.stat().st_mtime):
        try:
            yield path, _Kept.model_validate_json(path.read_bytes())
        except ValidationError:
            continue


def _kind(terms: Terms) -> str:
    return terms.run.rpartition("-")[0]
