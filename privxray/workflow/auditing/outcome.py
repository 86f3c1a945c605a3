"""An audit's outcome for a person and for a program, and what the audits' outcomes have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from privxray.audit.claim_test import ClaimTest
from privxray.reports.audit_page import AuditPage
from privxray.version import __version__


@dataclass(frozen=True)
class AuditSubject:
    """What was audited.

    :ivar patients: who they are, in words.
    :ivar inside: they are a hospital's own.
    """

    method: str
    patients: str
    inside: bool = False


@dataclass(frozen=True)
class Outcome:
    """What an audit found.

    :ivar page: in words and pictures.
    :ivar figures: for ``--json``.
    :ivar finding: what it means that the page is flagged: the training gives away more than it claims, or it
        does otherwise than it claims.
    """

    page: AuditPage
    figures: Mapping[str, Any]
    finding: Literal["gives-away-more", "does-otherwise"] = "gives-away-more"

    def to_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {**self.figures, "flagged": self.page.flagged, "cannot_show": list(self.page.caveats)}

    def html(self) -> str:
        """The report, made now."""
        when = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M (UTC%z)")
        return self.page.html(__version__, when)


def terms_rows(subject: AuditSubject, test: ClaimTest) -> list[tuple[str, str]]:
    """The report's rows on what was audited."""
    return [("Method", subject.method), ("Patients", subject.patients), ("Claim", str(test.claim))]


def guess_rows(test: ClaimTest) -> list[tuple[str, str]]:
    """The report's rows on the guesses and the lower bound."""
    return [
        ("Right guesses", f"{test.right} of {test.guesses}"),
        ("Lower bound on epsilon", f"{test.lower_bound:.3f} at {test.confidence:.0%} confidence"),
        ("Most that could be shown", f"{test.ceiling:.3f}, with every guess right"),
    ]


def guess_figures(test: ClaimTest) -> dict[str, Any]:
    """The same for a program."""
    return {
        **test.claim.to_json(),
        "canaries": test.canaries,
        "guesses": test.guesses,
        "right": test.right,
        "confidence": test.confidence,
        "lower_bound": test.lower_bound,
        "ceiling": test.ceiling,
        "unseen_factor": test.unseen_factor if math.isfinite(test.unseen_factor) else None,
    }
