"""The outcome of a one-run audit."""

from __future__ import annotations

from typing import Any

from privxray.audit import caveats
from privxray.audit.bounds.gaussian_test import GaussianTest
from privxray.reports.audit_page import AuditPage
from privxray.reports.audit_plots import one_run_plot
from privxray.workflow.auditing.one_run_audit import OneRunAudit
from privxray.workflow.auditing.outcome import AuditSubject, Outcome, guess_figures, guess_rows, terms_rows

_HOW = (
    "Canaries were put into the training data on fair coins, each as a patient with 2 to 30 images. They "
    "are orthogonal to each other and to the patients, as far as the method allows. An attacker saw every "
    "noisy answer of one training, and guessed the coins. Theorem 5.2 of Steinke, Nasr and Jagielski "
    "(2023), Privacy auditing with one training run, turns right guesses into a lower bound on epsilon, and "
    "takes nothing for granted. Mahloujifar, Melis and Chaudhuri (2024), Auditing f-differential privacy in "
    "one run, hold the whole trade-off curve of Gaussian noise against the clearest quarter of the guesses. "
    "The distance between the scores of canaries in and out gives the sharpest bound, if scores are "
    "Gaussian and independent (after Nasr et al. 2023). docs/AUDIT.md has the details."
)
_CAPTION = (
    "Scores of the canaries that were in and of those left out. The lower bound, the claim, and the most "
    "that this number of canaries can show."
)


def one_run_outcome(audit: OneRunAudit, subject: AuditSubject) -> Outcome:
    """The verdict, the figures and the page of a one-run audit."""
    test = audit.claim_test
    page = AuditPage(
        title="One-run audit",
        verdict=_verdict(audit),
        flagged=audit.flagged,
        figures=[
            *terms_rows(subject, test),
            ("Canaries", f"{test.canaries}"),
            *guess_rows(test),
            *_gaussian_rows(audit.gaussian),
        ],
        caveats=caveats.of_one_run(test, audit.gaussian),
        how=_HOW,
        plot=one_run_plot(test, audit.scores, audit.coins),
        plot_caption=_CAPTION,
        inside=subject.inside,
    )
    named = {"audit": "one-run", "method": subject.method, "patients": subject.patients}
    return Outcome(page, named | guess_figures(test) | {"gaussian": _gaussian_figures(audit.gaussian)})


def _verdict(audit: OneRunAudit) -> str:
    test, gaussian = audit.claim_test, audit.gaussian
    claim = f"The claim of epsilon {test.claim.epsilon:g} is"
    if test.refuted:
        shown = f"{test.lower_bound:.3f}, with {test.confidence:.0%} confidence"
        return f"{claim} refuted: epsilon is at least {shown}"
    shown = f"{test.lower_bound:.3f}"
    if gaussian is None:
        return f"{claim} not refuted: lower bound {shown}"
    most = f"{max(gaussian.curve_bound, gaussian.mean_bound):.3f}"
    if gaussian.refuted:
        return f"{claim} refuted, if its noise is Gaussian of another size: epsilon is then at least {most}"
    return f"{claim} not refuted: lower bound {shown}, and {most} if its noise is Gaussian of some size"


def _gaussian_rows(test: GaussianTest | None) -> list[tuple[str, str]]:
    """The report's rows on the bounds that hold for Gaussian noise."""
    if test is None:
        return []
    return [
        (
            "Lower bound, if the trade-off curve is Gaussian",
            f"{test.curve_bound:.3f} at 95% confidence, from {test.right} right of {test.guesses} guesses",
        ),
        (
            "Lower bound, if scores are Gaussian and independent, too",
            f"{test.mean_bound:.3f} at 95% confidence, from scores {test.distance:.3f} deviations apart",
        ),
    ]


def _gaussian_figures(test: GaussianTest | None) -> dict[str, Any] | None:
    """The same for a program."""
    if test is None:
        return None
    return {
        "guesses": test.guesses,
        "right": test.right,
        "curve_bound": test.curve_bound,
        "distance": test.distance,
        "mean_bound": test.mean_bound,
        "refuted": test.refuted,
    }
