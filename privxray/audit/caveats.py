"""What an audit could not have shown, in sentences that every report has, whatever was found."""

from __future__ import annotations

import math

from privxray.audit.bounds.gaussian_test import GaussianTest
from privxray.audit.claim_test import ClaimTest
from privxray.audit.conformance.verdict import Conformance
from privxray.audit.inversion import Search
from privxray.audit.membership import Membership


def of_conformance(found: Conformance) -> list[str]:
    """What this comparison could not have shown."""
    return [
        f"Noise that is too small everywhere by a factor of less than {found.smallest_seen:.3f} would "
        "probably not have been noticed. A mistake that concerns few numbers has to be larger. More "
        "trainings see more.",
        "Only what was run was audited: these constants, these patients, this machine. Who breaks the "
        "training on purpose can make it behave while it is audited.",
        "The audit compares with a second computation by the same authors. A mistake that both share, in the "
        "recipe or in a proof, is not seen. docs/CLAIMS.md says which claim rests on which proof.",
        "Random numbers are taken for what they look like. Whether they can be predicted, and what rounding "
        "in floating point gives away, was not looked at.",
    ]


def of_one_run(found: ClaimTest, gaussian: GaussianTest | None = None) -> list[str]:
    """What these canaries could not have shown, and what each bound takes for granted."""
    said = [
        f"With {found.canaries} canaries and {found.guesses} guesses, all of them right, the lower bound "
        f"would be {found.ceiling:.3f}. So few canaries can't refute a larger claim, whatever the training "
        "does."
    ]
    if math.isinf(found.unseen_factor):
        said.append(
            f"The claim of {found.claim.epsilon:g} lies above that, so this audit could not have refuted it. "
            "Take more canaries, or audit a smaller claim: the training is the same."
        )
    else:
        said.append(
            f"Noise that is too small by a factor of up to about {found.unseen_factor:.1f} would probably "
            "not have been noticed, even by the best attacker. A weaker attacker notices less."
        )
    if gaussian is None:
        said.append("Where patients are sampled, only the bound that takes nothing for granted is computed.")
    else:
        said.append(
            "The first bound takes nothing for granted but fair coins. The second says what epsilon is if "
            "the training's trade-off curve is that of Gaussian noise of some size. The third also takes "
            "scores for Gaussian and independent. The second and third flag an intact training in at most "
            "one of 1,000 audits each, if what they take for granted is so; the first in at most one of 20."
        )
        said.append(
            f"By the third, noise that is too small by a factor of less than {gaussian.seen_factor:.1f} "
            "would probably not have been noticed."
        )
    said.append(
        "A lower bound of 0 does not mean that nothing leaks. The proof of privacy is in the accounting, not "
        "in this audit."
    )
    said.append(
        "Only what was run was audited: these constants, this method, this machine. Rounding in floating "
        "point and side channels were not looked at."
    )
    return said


def of_membership(found: Membership) -> list[str]:
    """What this comparison could not have shown."""
    few = found.others // 100
    share = f"at most {few}" if few else "none"
    return [
        f"With {found.others} patients who were not trained on, an FPR of 1 % is {share} of them. The TPR "
        "at that FPR rests on very few patients.",
        "The attack looks at the final model and at one loss a patient. Attacks that train models of their "
        "own to compare with (Carlini et al. 2022) find more.",
        f"If all guesses were right, the lower bound would be {found.claim_test.ceiling:.3f}, and no more.",
        "An AUC near 1/2 shows that this attack found nothing. It does not show that nothing can be found.",
    ]


def of_inversion(search: Search, images: int, plain: int) -> list[str]:
    """What this search could not have shown.

    :param images: how many were searched for.
    :param plain: how many of them were recognised from the plain update.
    """
    said = [
        f"For each of {images} images and each update there were {search.restarts} searches of "
        f"{search.steps} steps. A longer search, or one that knows what radiographs look like, finds more.",
        "Each update came from one step on one image by a small network: the case that gives most away. That "
        "a picture is not recognised does not mean that nothing else is known about the patient.",
        "A mask hides an update from everybody who lacks its keys. The sum of all hospitals' updates is "
        "opened, and in the sum only the noise protects a patient.",
    ]
    if plain < images:
        said.append(
            f"From the plain update {images - plain} of {images} were not recognised. For those the search "
            "was too weak to say anything about noise or masks."
        )
    return said
