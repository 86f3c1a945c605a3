"""The outcome of a conformance audit. Tested in tests/unit/test_audit_conformance.py."""

from __future__ import annotations

from typing import Any

from privxray.audit import caveats
from privxray.audit.conformance.verdict import ERROR, Conformance
from privxray.reports.audit_page import AuditPage
from privxray.reports.audit_plots import conformance_plot
from privxray.workflow.auditing.outcome import AuditSubject, Outcome

_HOW = (
    "The method was trained, and every exact answer was computed a second time by code of its own: patient "
    "by patient, with whole gradients. What is left of a noisy answer without its exact value, over the "
    "standard deviation that the ledger is charged for, has to be independent Gaussian noise of deviation "
    "1. The tests look at its size by part, step, class and number, at its dependence between steps, "
    "classes and features, at its form and its largest value, and at what of the exact answers is left in "
    "it. The vector that leaves is computed again from the noisy answers alone, and has to be the same bit "
    "for bit. The test of a hypothesis is flagged at Bonferroni's share of the error that all tests have "
    "together."
)
_CAPTION = (
    "All noise that was seen, beside the normal curve of the claimed deviation; the number of values is on a "
    "logarithmic scale. The p-value of each test: what reaches the dashed line is flagged."
)


def conformance_outcome(found: Conformance, subject: AuditSubject) -> Outcome:
    """The verdict, the figures and the page of a conformance audit."""
    tests = len(found.tests)
    page = AuditPage(
        title="Conformance audit",
        verdict=(
            "Training does otherwise than it claims: " + "; ".join(found.faults[:3])
            if found.flagged
            else f"Training does what it claims in all that was looked at: {len(found.checks)} checks hold, "
            f"and none of {tests} tests is flagged"
        ),
        flagged=found.flagged,
        figures=[
            ("Method", subject.method),
            ("Patients", subject.patients),
            ("Claim", str(found.claim)),
            ("Trainings", f"{found.trainings}, with {found.values:,} noisy numbers"),
            (
                "Error",
                f"an intact engine is flagged in at most {ERROR:.1%} of audits: {tests} tests at "
                f"p {found.level:.1e} each",
            ),
            *((check.name, check.fault or "holds") for check in found.checks),
            *(
                (test.name.capitalize(), f"{test.seen}, p {test.p:.2g}{_mark(test.p <= found.level)}")
                for test in found.tests
            ),
        ],
        caveats=caveats.of_conformance(found),
        how=_HOW,
        plot=conformance_plot(found) if found.values else "",
        plot_caption=_CAPTION,
    )
    figures: dict[str, Any] = {
        "audit": "conformance",
        "method": subject.method,
        "patients": subject.patients,
        **found.claim.to_json(),
        "trainings": found.trainings,
        "values": found.values,
        "error": ERROR,
        "level": found.level,
        "checks": [{"name": check.name, "fault": check.fault or None} for check in found.checks],
        "tests": [
            {"name": test.name, "p": test.p, "seen": test.seen, "flagged": bool(test.p <= found.level)}
            for test in found.tests
        ],
    }
    return Outcome(page, figures, finding="does-otherwise")


def _mark(flagged: bool) -> str:
    return ": FLAGGED" if flagged else ""
