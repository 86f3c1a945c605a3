"""The outcome of membership inference."""

from __future__ import annotations

from privxray.audit import caveats
from privxray.audit.membership import Membership
from privxray.reports.audit_page import AuditPage
from privxray.reports.audit_plots import membership_plot
from privxray.workflow.auditing.outcome import AuditSubject, Outcome, guess_figures, guess_rows, terms_rows

_HOW = (
    "Fair coins decided which patients were trained on. An attacker who sees the model accused those whose "
    "loss is smallest (Yeom et al. 2018). The attack is judged as Carlini et al. (2022) ask for: by the ROC "
    "curve, and by the TPR at 1 % FPR. The lower bound is that of a one-run audit (Steinke, Nasr and "
    "Jagielski 2023) with patients as canaries."
)
_CAPTION = (
    "The ROC curve of the attack, with guessing and with the most that the claim allows. The axes on the "
    "right are logarithmic, because the left end is what matters. With so few patients a curve can cross "
    "that line by chance; the lower bound takes chance into account."
)


def membership_outcome(found: Membership, subject: AuditSubject) -> Outcome:
    """The verdict, the figures and the page of membership inference."""
    test = found.claim_test
    allowed = f"epsilon {test.claim.epsilon:g} allows: AUC {found.auc:.3f}"
    page = AuditPage(
        title="Membership inference",
        verdict=(
            f"The attack tells members from others more often than {allowed}"
            if test.refuted
            else f"The attack tells members from others no better than {allowed}"
        ),
        flagged=test.refuted,
        figures=[
            *terms_rows(subject, test),
            ("Trained on, and not", f"{found.members} and {found.others} patients"),
            ("AUC", f"{found.auc:.3f} (guessing: 0.5)"),
            ("TPR at 1 % FPR", f"{found.tpr_at_low_fpr:.3f} (guessing: 0.01)"),
            *guess_rows(test),
        ],
        caveats=caveats.of_membership(found),
        how=_HOW,
        plot=membership_plot(found),
        plot_caption=_CAPTION,
        inside=subject.inside,
    )
    figures = {
        "audit": "membership",
        "method": subject.method,
        "patients": subject.patients,
        "members": found.members,
        "others": found.others,
        "auc": found.auc,
        "tpr_at_fpr_0.01": found.tpr_at_low_fpr,
        **guess_figures(test),
    }
    return Outcome(page, figures)
