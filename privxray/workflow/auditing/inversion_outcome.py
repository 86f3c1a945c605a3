"""The outcome of gradient inversion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from privxray.audit import caveats
from privxray.audit.inversion import Reconstruction, Search
from privxray.reports.audit_page import AuditPage, Illustration
from privxray.reports.audit_plots import enlarged
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.auditing.inversion_audit import UPDATE_KINDS, InvertedImage, found_more_than_claimed
from privxray.workflow.auditing.outcome import AuditSubject, Outcome

_HOW = (
    "For the update of one step on one image, the attacker looked for the image whose gradient points the "
    "same way (cosine distance and total variation, Adam on signs; Geiping et al. 2020). The plain update is "
    "that of federated learning without protection. The private update is that of privxray's training. The "
    "masked update is the plain one under the masks shared with two other hospitals, as a coordinator opens "
    "it."
)
_NAMES = {"plain": "Plain update", "private": "Private update", "masked": "Masked update"}


def inversion_outcome(
    inverted: Sequence[InvertedImage], claim: Claim, search: Search, subject: AuditSubject
) -> Outcome:
    """The verdict, the figures and the page of gradient inversion."""
    found = {kind: [one.found[kind] for one in inverted] for kind in UPDATE_KINDS}
    counts = {kind: sum(one.recognised for one in ones) for kind, ones in found.items()}
    page = AuditPage(
        title="Gradient inversion",
        verdict=(
            f"Recognised: {counts['plain']} of {len(inverted)} from the plain update, {counts['private']} "
            f"from the private one, {counts['masked']} from the masked one"
        ),
        flagged=found_more_than_claimed(inverted),
        figures=[
            ("Claim", str(claim)),
            ("Patients", subject.patients),
            *((_NAMES[kind], _range(ones)) for kind, ones in found.items()),
        ],
        caveats=caveats.of_inversion(search, len(inverted), counts["plain"]),
        how=_HOW,
        rows=[_row(one) for one in inverted],
    )
    figures = {
        "audit": "inversion",
        "method": subject.method,
        "patients": subject.patients,
        **claim.to_json(),
        "search": {"steps": search.steps, "restarts": search.restarts},
        "images": [{kind: _figures(one.found[kind]) for kind in UPDATE_KINDS} for one in inverted],
    }
    return Outcome(page, figures)


def _range(ones: Sequence[Reconstruction]) -> str:
    low, high = (f"{pick(one.ssim for one in ones):.3f}" for pick in (min, max))
    span = high if low == high else f"{low} to {high}"
    return f"SSIM {span}, PSNR up to {max(one.psnr for one in ones):.1f} dB"


def _row(one: InvertedImage) -> list[Illustration]:
    """The image, and beside it what each kind of update gave away."""
    found = [_illustration(_NAMES[kind], one.found[kind]) for kind in UPDATE_KINDS]
    return [Illustration(enlarged(one.truth), "The image"), *found]


def _illustration(update: str, one: Reconstruction) -> Illustration:
    lines = (
        f"SSIM {one.ssim:.3f}, PSNR {one.psnr:.1f} dB",
        f"unrelated images: SSIM up to {one.decoy_ssim:.3f}",
        "recognised" if one.recognised else "not recognised",
    )
    return Illustration(enlarged(one.picture), f"From the {update.lower()}", lines)


def _figures(one: Reconstruction) -> dict[str, Any]:
    return {
        "ssim": one.ssim,
        "psnr": one.psnr,
        "decoy_ssim": one.decoy_ssim,
        "recognised": one.recognised,
    }
