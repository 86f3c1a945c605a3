"""What an audit says: the verdict, what it could not have shown, and the fields of ``--json``."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from privxray.audit import caveats
from privxray.audit.bounds.gaussian_test import GaussianTest
from privxray.audit.claim_test import ClaimTest
from privxray.audit.inversion import Reconstruction, Search
from privxray.audit.membership import Membership
from privxray.errors import UsageError
from privxray.learning import methods
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.auditing.inversion_audit import UPDATE_KINDS, InvertedImage, UpdateKind
from privxray.workflow.auditing.inversion_outcome import inversion_outcome
from privxray.workflow.auditing.membership_outcome import membership_outcome
from privxray.workflow.auditing.one_run_audit import AuditSize, OneRunAudit
from privxray.workflow.auditing.one_run_outcome import one_run_outcome
from privxray.workflow.auditing.outcome import AuditSubject, Outcome

CLAIM = Claim(1.0, 1e-5)
QUIET = ClaimTest(CLAIM, 100, 100, 55, lower_bound=0.0, ceiling=3.479, unseen_factor=7.25)
LOUD = dataclasses.replace(QUIET, right=100, lower_bound=3.479)
SUBJECT = AuditSubject("dp-sgd", "invented patients")
GUESSES = {
    "audit", "method", "patients", "epsilon", "delta", "adjacency", "canaries", "guesses", "right",
    "confidence", "lower_bound", "ceiling", "unseen_factor", "flagged", "cannot_show",
}  # fmt: skip


def one_run(test: ClaimTest) -> Outcome:
    audit = OneRunAudit(test, np.arange(100.0), np.arange(100) % 2 == 0)
    return one_run_outcome(audit, SUBJECT)


def membership(test: ClaimTest, others: int = 50) -> Membership:
    curve = np.array([0.0, 0.5, 1.0])
    return Membership(50, others, curve, curve, auc=0.5, tpr_at_low_fpr=0.0, claim_test=test)


def image(**recognised: bool) -> InvertedImage:
    picture = np.zeros((16, 16), np.uint8)
    found: dict[UpdateKind, Reconstruction] = {
        kind: Reconstruction(picture, 0.1, 0.9 if recognised.get(kind) else 0.1, 12.0, decoy_ssim=0.2)
        for kind in UPDATE_KINDS
    }
    return InvertedImage(picture, found)


def inversion(*images: InvertedImage) -> Outcome:
    return inversion_outcome(images, CLAIM, Search(), SUBJECT)


def test_a_claim_is_refuted_or_not() -> None:
    quiet, loud = one_run(QUIET), one_run(LOUD)
    assert (quiet.page.flagged, loud.page.flagged) == (False, True)
    assert quiet.page.verdict == "The claim of epsilon 1 is not refuted: lower bound 0.000"
    assert loud.page.verdict == (
        "The claim of epsilon 1 is refuted: epsilon is at least 3.479, with 95% confidence"
    )
    assert set(quiet.to_json()) == GUESSES | {"gaussian"}
    assert quiet.to_json()["gaussian"] is None
    assert loud.to_json()["flagged"] is True
    assert loud.to_json()["cannot_show"] == caveats.of_one_run(LOUD)


def test_the_bounds_for_gaussian_noise_are_told_with_what_they_take_for_granted() -> None:
    test = GaussianTest(CLAIM, 100, 25, 20, 0.25, 0.3, 0.75, refuted=False)
    scores, coins = np.arange(100.0), np.arange(100) % 2 == 0
    quiet = one_run_outcome(OneRunAudit(QUIET, scores, coins, test), SUBJECT)
    assert quiet.page.verdict == (
        "The claim of epsilon 1 is not refuted: lower bound 0.000, and 0.750 if its noise is Gaussian of "
        "some size"
    )
    assert quiet.to_json()["gaussian"] == {
        "guesses": 25, "right": 20, "curve_bound": 0.25, "distance": 0.3, "mean_bound": 0.75,
        "refuted": False,
    }  # fmt: skip
    said = " ".join(quiet.page.caveats)
    assert "takes nothing for granted but fair coins" in said
    assert f"by a factor of less than {test.seen_factor:.1f} " in said
    loud = dataclasses.replace(test, mean_bound=2.5, refuted=True)
    found = one_run_outcome(OneRunAudit(QUIET, scores, coins, loud), SUBJECT)
    assert found.page.flagged
    assert found.page.verdict == (
        "The claim of epsilon 1 is refuted, if its noise is Gaussian of another size: epsilon is then at "
        "least 2.500"
    )


def test_a_bound_at_the_claim_does_not_refute_it() -> None:
    assert not dataclasses.replace(LOUD, lower_bound=1.0).refuted
    assert dataclasses.replace(LOUD, lower_bound=1.001).refuted


def test_json_has_no_infinity() -> None:
    nothing = dataclasses.replace(QUIET, unseen_factor=math.inf)
    assert one_run(QUIET).to_json()["unseen_factor"] == 7.25
    assert one_run(nothing).to_json()["unseen_factor"] is None


def test_members_are_told_from_others_or_not() -> None:
    quiet, loud = (membership_outcome(membership(test), SUBJECT) for test in (QUIET, LOUD))
    assert (quiet.page.flagged, loud.page.flagged) == (False, True)
    assert "no better than epsilon 1 allows: AUC 0.500" in quiet.page.verdict
    assert "more often than epsilon 1 allows" in loud.page.verdict
    assert set(quiet.to_json()) == GUESSES | {"members", "others", "auc", "tpr_at_fpr_0.01"}


@pytest.mark.parametrize(
    ("recognised", "flagged"),
    [((), False), (("plain",), False), (("private",), True), (("masked",), True)],
)
def test_only_what_shows_through_protection_is_flagged(recognised: tuple[str, ...], flagged: bool) -> None:
    outcome = inversion(image(), image(**dict.fromkeys(recognised, True)))
    assert outcome.page.flagged is flagged
    assert outcome.page.verdict.count("1") == len(recognised)
    told = outcome.to_json()
    assert set(told) == {
        "audit", "method", "patients", "epsilon", "delta", "adjacency", "search", "images", "flagged",
        "cannot_show",
    }  # fmt: skip
    assert set(told["images"][0]["masked"]) == {"ssim", "psnr", "decoy_ssim", "recognised"}


def test_a_page_of_own_patients_says_that_it_stays_inside() -> None:
    audit = OneRunAudit(QUIET, np.arange(100.0), np.arange(100) % 2 == 0)
    own = one_run_outcome(audit, AuditSubject("dp-sgd", "this hospital's own patients", inside=True))
    stays = "stays inside the hospital"
    assert stays in own.html()
    assert stays not in one_run(QUIET).html()


def test_what_could_not_have_been_shown_depends_on_the_numbers() -> None:
    high = dataclasses.replace(QUIET, claim=Claim(6.0, 1e-5), unseen_factor=math.inf)
    assert "could not have refuted it" in " ".join(caveats.of_one_run(high))
    assert "by a factor of up to about 7.2 " in " ".join(caveats.of_one_run(QUIET))
    assert "1 % is none of them" in caveats.of_membership(membership(QUIET, others=99))[0]
    assert "1 % is at most 2 of them" in caveats.of_membership(membership(QUIET, others=250))[0]
    assert "2 of 3 were not recognised" in caveats.of_inversion(Search(), 3, plain=1)[-1]
    assert not any("were not recognised" in said for said in caveats.of_inversion(Search(), 3, plain=3))


@pytest.mark.parametrize(
    ("epsilon", "delta", "reason"),
    [
        (0.0, 1e-5, "epsilon.out-of-range"),
        (math.nan, 1e-5, "epsilon.out-of-range"),
        (1.0, 1.0, "delta.out-of-range"),
    ],
)
def test_a_claim_is_in_the_range_that_training_accepts(epsilon: float, delta: float, reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        Claim(epsilon, delta)
    assert refused.value.reason == reason


def test_canaries_and_guesses_have_defaults_that_depend_on_the_method() -> None:
    probe, sgd = methods.get("linear-probe"), methods.get("dp-sgd")
    assert AuditSize.of(probe) == AuditSize(4000, 4000)
    assert AuditSize.of(probe, own=True) == AuditSize(800, 800)
    assert AuditSize.of(sgd, own=True) == AuditSize(120, 60)
    assert AuditSize.of(sgd) == AuditSize(3000, 1500)
    assert AuditSize.of(sgd, canaries=7) == AuditSize(7, 4)
    assert AuditSize.of(sgd, canaries=7, guesses=7) == AuditSize(7, 7)
    for canaries, guesses in ((7, 8), (7, 0), (0, None)):
        with pytest.raises(UsageError) as refused:
            AuditSize.of(sgd, canaries, guesses)
        assert refused.value.reason == "audit.more-guesses-than-canaries"
