"""What an evaluation means, in sentences for a data officer, without full stops.

Tested in tests/unit/test_evaluation.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.evaluation.comparison import Verdict, difference
from privxray.evaluation.held_out import SMALL_GROUP, Evaluation
from privxray.evaluation.resampling import Estimate

FEW = 50
"""Held-out patients; below that every interval is rough."""


def metric_name(name: str) -> str:
    """A metric's key as people write it: macro AUC, MCC (Matthews)."""
    spelled = {"auc": "AUC", "mcc": "MCC (Matthews)"}
    return " ".join(spelled.get(part, part) for part in name.split("_"))


def verdict_on_own(found: Evaluation, own: Estimate | None, model: str) -> str:
    """How the model stands against the hospital's own training, by macro AUC.

    :param own: macro AUC of the own training on the same patients; None where it was not kept.
    :param model: which one, in words.
    """
    patients = "1 held-out patient" if found.patients == 1 else f"{found.patients} held-out patients"
    on = f"on your {patients}"
    area = found.metrics["macro_auc"]
    if own is None:
        return "your own training has no figures on these patients, so there is nothing to compare with"
    apart = difference(area, own)
    if apart is None:
        return f"{on} nothing can be said of the difference to your own training: they are too few"
    figures = f"(macro AUC {_three(area)} against {_three(own)})"
    if apart.verdict is Verdict.WITHIN_CHANCE:
        return f"{on} the difference to your own training is within chance {figures}"
    return (
        f"{on} {model} is {apart.verdict} than your own training {figures}; chance alone would hardly do that"
    )


def verdict_on_majority(found: Evaluation, majority: str) -> str:
    """Whether the model is better than always naming the most frequent class of the training patients."""
    balanced, chance = found.metrics["balanced_accuracy"], 1 / sum(1 for one in found.classes if one.images)
    if balanced.low is None:
        return f"it can't be told from so few patients whether it is better than always saying {majority}"
    better = "better" if balanced.low > chance else "not shown to be better"
    return f"it is {better} than always saying {majority}"


def caveats(found: Evaluation) -> Iterator[str]:
    """What a reader has to keep in mind."""
    if found.patients < FEW:
        yield f"fewer than {FEW} held-out patients: the intervals are rough, and look narrower than they are"
    for one in found.classes:
        if not one.images:
            yield f"no held-out patient has {one.label}, so macro AUC is not defined"
    small = [group.name for group in found.groups if group.small]
    if small:
        yield f"fewer than {SMALL_GROUP} patients, so that the figure says little: {', '.join(small)}"
    if found.pneumonia is not None and found.pneumonia.same_patients:
        yield (
            "the threshold for pneumonia was fixed on these same patients, so sensitivity and specificity "
            "are a little too good"
        )


def shown(one: Estimate) -> str:
    """A figure with its interval, as ``.884 (.801 to .951)`` is written with three decimals."""
    if one.low is None or one.high is None:
        return _three(one)
    return f"{_three(one)} ({one.low:.3f} to {one.high:.3f})"


def _three(one: Estimate) -> str:
    return "not defined" if one.value is None else f"{one.value:.3f}"
