"""The outcome of a one-run audit."""

from __future__ import annotations

from privxray.audit import caveats
from privxray.reports.audit_page import AuditPage
from privxray.reports.audit_plots import one_run_plot
from privxray.workflow.auditing.one_run_audit import OneRunAudit
from privxray.workflow.auditing.outcome import AuditSubject, Outcome, guess_figures, guess_rows, terms_rows

_HOW = (
    "Canaries were put into the training data on fair coins, each as a patient with 30 images. They are "
    "orthogonal to each other and to the patients, as far as the method allows. An attacker saw every noisy "
    "answer of one training, and guessed the coins. Theorem 5.2 of Steinke, Nasr and Jagielski (2023), "
    "Privacy auditing with one training run, turns right guesses into a lower bound on epsilon. "
    "docs/AUDIT.md has the details."
)
_CAPTION = (
    "Scores of the canaries that were in and of those left out. The lower bound, the claim, and the most "
    "that this number of canaries can show."
)


def one_run_outcome(audit: OneRunAudit, subject: AuditSubject) -> Outcome:
    """The verdict, the figures and the page of a one-run audit."""
    test = audit.claim_test
    claim = f"The claim of epsilon {test.claim.epsilon:g} is"
    shown = f"{test.lower_bound:.3f}"
    page = AuditPage(
        title="One-run audit",
        verdict=(
            f"{claim} refuted: epsilon is at least {shown}, with {test.confidence:.0%} confidence"
            if test.refuted
            else f"{claim} not refuted: lower bound {shown}"
        ),
        flagged=test.refuted,
        figures=[*terms_rows(subject, test), ("Canaries", f"{test.canaries}"), *guess_rows(test)],
        caveats=caveats.of_one_run(test),
        how=_HOW,
        plot=one_run_plot(test, audit.scores, audit.coins),
        plot_caption=_CAPTION,
        inside=subject.inside,
    )
    named = {"audit": "one-run", "method": subject.method, "patients": subject.patients}
    return Outcome(page, named | guess_figures(test))
