"""From an audit's outcome to its report, its JSON and its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from privxray.audit import limits
from privxray.audit.inversion import Reconstruction, Search
from privxray.audit.membership import Membership
from privxray.audit.one_run import OneRun
from privxray.reports.audit_page import Page, Shown, audit_page
from privxray.version import __version__
from privxray.workflow.auditing.audit_engine import Claim, Inverted, OneRunAudit, flagged

_HOW_ONE_RUN = (
    "Canaries, orthogonal to each other and to the patients as far as the method allows, were put into "
    "the training data on fair coins, each as a patient with 30 images. From every noisy answer of one "
    "training an attacker guessed the coins. Theorem 5.2 of Steinke, Nasr and Jagielski (2023), Privacy"
    " auditing with one training run, turns right guesses into a lower bound on epsilon; docs/AUDIT.md "
    "has the rest."
)
_HOW_MEMBERSHIP = (
    "Fair coins decided which patients were trained on. An attacker who sees the model accused those "
    "whose loss is smallest (Yeom et al. 2018), judged as Carlini et al. (2022) ask for: ROC, and TPR "
    "at 1 % FPR. The lower bound is that of a one-run audit (Steinke, Nasr and Jagielski 2023) with "
    "patients as canaries."
)
_HOW_INVERSION = (
    "For the update of one step on one image, the attacker looked for the image whose gradient points "
    "the same way (cosine distance and total variation, Adam on signs; Geiping et al. 2020). The plain "
    "update is that of federated learning without protection; the private one is this engine's; the "
    "masked one is the plain one under the masks shared with two other hospitals, as a coordinator "
    "opens it."
)


@dataclass(frozen=True)
class Told:
    """An audit's outcome for a person and for a program."""

    verdict: str
    flagged: bool
    figures: list[tuple[str, str]]
    limits: list[str]
    json: dict[str, Any]
    page: str


def one_run(audit: OneRunAudit, method: str, who: str, *, inside: bool = False) -> Told:
    """The outcome of a one-run audit."""
    from privxray.reports.audit_plots import one_run_plot

    found = audit.found
    verdict = (
        f"The claim of epsilon {found.claim.epsilon:g} is refuted: at least {found.lower_bound:.3f}, with "
        f"{found.confidence:.0%} confidence"
        if found.refuted
        else f"The claim of epsilon {found.claim.epsilon:g} is not refuted: "
        f"lower bound {found.lower_bound:.3f}"
    )
    figures = [*_terms(method, who, found), ("Canaries", f"{found.canaries}"), *_bound(found)]
    page = Page(
        title="One-run audit",
        verdict=verdict,
        flagged=found.refuted,
        figures=figures,
        limits=limits.of_one_run(found),
        how=_HOW_ONE_RUN,
        plot=one_run_plot(found, audit.scores, audit.coins),
        plot_says="Scores of the canaries that were in and of those left out; the lower bound, the claim, "
        "and what this number of canaries can show at most.",
        inside=inside,
    )
    return _told(page, {"audit": "one-run", "method": method, "patients": who, **_json_bound(found)})


def membership(found: Membership, method: str, who: str, *, inside: bool = False) -> Told:
    """The outcome of membership inference."""
    from privxray.reports.audit_plots import membership_plot

    refuted = found.bound.refuted
    verdict = (
        f"Members are told from others, more often than epsilon {found.bound.claim.epsilon:g} allows"
        if refuted
        else f"Members are not told from others better than epsilon {found.bound.claim.epsilon:g} allows"
    ) + f": AUC {found.auc:.3f}"
    figures = [
        *_terms(method, who, found.bound),
        ("Trained on, and not", f"{found.members} and {found.others} patients"),
        ("AUC", f"{found.auc:.3f} (guessing: 0.5)"),
        ("TPR at 1 % FPR", f"{found.tpr_at_low_fpr:.3f} (guessing: 0.01)"),
        *_bound(found.bound),
    ]
    page = Page(
        title="Membership inference",
        verdict=verdict,
        flagged=refuted,
        figures=figures,
        limits=limits.of_membership(found),
        how=_HOW_MEMBERSHIP,
        plot=membership_plot(found),
        plot_says="The ROC curve of the attack, with guessing and with the most that the claim allows; on "
        "the right with logarithmic axes, for the left end is what matters. With so few patients a curve can "
        "cross that line by chance; the lower bound takes chance into account.",
        inside=inside,
    )
    value = {
        "audit": "membership",
        "method": method,
        "patients": who,
        "members": found.members,
        "others": found.others,
        "auc": found.auc,
        "tpr_at_fpr_0.01": found.tpr_at_low_fpr,
        **_json_bound(found.bound),
    }
    return _told(page, value)


def inversion(found: Sequence[Inverted], claim: Claim, search: Search, who: str) -> Told:
    """The outcome of gradient inversion."""
    from privxray.reports.audit_plots import enlarged

    seen = {kind: [getattr(one, kind) for one in found] for kind in ("plain", "private", "masked")}
    counts = {kind: sum(one.recognised for one in ones) for kind, ones in seen.items()}
    verdict = (
        f"Recognised: {counts['plain']} of {len(found)} from the plain update, {counts['private']} from the "
        f"private one, {counts['masked']} from the masked one"
    )
    figures = [
        ("Claim", str(claim)),
        ("Patients", who),
        *((_NAMES[kind], _range(ones)) for kind, ones in seen.items()),
    ]
    rows = [
        [
            Shown(enlarged(one.truth), "The image"),
            *(_shown(kind, getattr(one, kind), enlarged) for kind in seen),
        ]
        for one in found
    ]
    page = Page(
        title="Gradient inversion",
        verdict=verdict,
        flagged=flagged(found),
        figures=figures,
        limits=limits.of_inversion(search, len(found), counts["plain"]),
        how=_HOW_INVERSION,
        rows=rows,
    )
    value = {
        "audit": "inversion",
        "method": "dp-sgd",
        "patients": who,
        **claim.to_json(),
        "search": {"steps": search.steps, "restarts": search.restarts},
        "images": [{kind: _json_of(getattr(one, kind)) for kind in seen} for one in found],
    }
    return _told(page, value)


_NAMES = {"plain": "Plain update", "private": "Private update", "masked": "Masked update"}


def _told(page: Page, value: dict[str, Any]) -> Told:
    when = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M (UTC%z)")
    value = value | {"flagged": page.flagged, "cannot_show": list(page.limits)}
    return Told(
        page.verdict,
        page.flagged,
        list(page.figures),
        list(page.limits),
        value,
        audit_page(page, __version__, when),
    )


def _terms(method: str, who: str, found: OneRun) -> list[tuple[str, str]]:
    return [("Method", method), ("Patients", who), ("Claim", str(found.claim))]


def _bound(found: OneRun) -> list[tuple[str, str]]:
    return [
        ("Right guesses", f"{found.right} of {found.guesses}"),
        ("Lower bound on epsilon", f"{found.lower_bound:.3f} at {found.confidence:.0%} confidence"),
        ("Most that could be shown", f"{found.ceiling:.3f}, with every guess right"),
    ]


def _json_bound(found: OneRun) -> dict[str, Any]:
    return {
        **found.claim.to_json(),
        "canaries": found.canaries,
        "guesses": found.guesses,
        "right": found.right,
        "confidence": found.confidence,
        "lower_bound": found.lower_bound,
        "ceiling": found.ceiling,
        "unseen_factor": found.unseen if found.unseen < float("inf") else None,
    }


def _range(ones: Sequence[Reconstruction]) -> str:
    low, high = (f"{pick(one.ssim for one in ones):.3f}" for pick in (min, max))
    span = high if low == high else f"{low} to {high}"
    return f"SSIM {span}, PSNR up to {max(one.psnr for one in ones):.1f} dB"


def _shown(kind: str, one: Reconstruction, enlarge: Any) -> Shown:
    lines = (
        f"SSIM {one.ssim:.3f}, PSNR {one.psnr:.1f} dB",
        f"unconcerned images: SSIM up to {one.decoy_ssim:.3f}",
        "recognised" if one.recognised else "not recognised",
    )
    return Shown(enlarge(one.picture), f"From the {_NAMES[kind].lower()}", lines)


def _json_of(one: Reconstruction) -> dict[str, Any]:
    return {
        "ssim": one.ssim,
        "psnr": one.psnr,
        "decoy_ssim": one.decoy_ssim,
        "recognised": one.recognised,
    }
