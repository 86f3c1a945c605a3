"""What an audit can't show, in sentences for a person: they stand in every report, whatever was found."""

from __future__ import annotations

import math

from privxray.audit.inversion import Search
from privxray.audit.membership import Membership
from privxray.audit.one_run import OneRun


def of_one_run(found: OneRun) -> list[str]:
    """What these canaries could not have shown."""
    said = [
        f"With {found.canaries} canaries and {found.guesses} guesses, all of them right, the lower bound "
        f"would be {found.ceiling:.3f}: no larger claim can be refuted by so few, whatever the engine does."
    ]
    if math.isinf(found.unseen):
        said.append(
            f"The claim of {found.claim.epsilon:g} lies above that, so this audit could not have refuted it. "
            "Take more canaries, or audit a smaller claim: the engine is the same."
        )
    else:
        said.append(
            f"Noise that is too small by a factor of up to about {found.unseen:.1f} would probably not have "
            "been noticed, by the best attacker there is; a weaker one notices less."
        )
    said.append(
        "A lower bound of 0 does not mean that nothing leaks. What is proved about the engine is in the "
        "accounting, not in this audit."
    )
    said.append(
        "Only what was run was audited: these constants, this method, this machine. Floating point and side "
        "channels were not looked at."
    )
    return said


def of_membership(found: Membership) -> list[str]:
    """What this comparison could not have shown."""
    few = found.others // 100
    share = f"at most {few}" if few else "none"
    return [
        f"With {found.others} patients who were not trained on, an FPR of 1 % is {share} of them: the TPR "
        "there rests on very few.",
        "The attack looks at the final model and one loss a patient. Attacks with models of their own to "
        "compare with (Carlini et al. 2022) find more.",
        f"All guesses right would give a lower bound of {found.bound.ceiling:.3f}, and no more.",
        "An AUC near 1/2 shows that this attack found nothing, not that there is nothing to be found.",
    ]


def of_inversion(search: Search, images: int, plain: int) -> list[str]:
    """What this search could not have shown.

    :param plain: how many of the images were recognised from the plain update.
    """
    said = [
        f"Searches for each picture: {search.restarts}, of {search.steps} steps, for {images} of the images. "
        "A longer search, or one that knows what radiographs look like, finds more.",
        "Batches of one image, one step, and a small network: the case that gives most away. That a picture "
        "is not recognised does not mean that nothing else about the patient is.",
        "The mask hides a vector from who lacks its keys; the sum of all hospitals is opened, and only the "
        "noise protects a patient in that.",
    ]
    if plain < images:
        said.append(
            f"From the plain update {images - plain} of {images} were not recognised: for those the search "
            "was too weak to say anything about noise or masks."
        )
    return said
