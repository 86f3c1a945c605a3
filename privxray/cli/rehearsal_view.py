"""What ``train --dry-run`` shows. Tested in tests/cli/test_rehearsal.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from privxray.cli.output import counted, emit, table, tell

if TYPE_CHECKING:
    from privxray.evaluation.measured_accuracy import Expected
    from privxray.workflow.hospital.local_training.rehearse import Rehearsal

_FEW = 100
_MINUTE = 60.0


def show_rehearsal(seen: Rehearsal, *, as_json: bool) -> None:
    """Print what a training would be, cost and reach."""
    if as_json:
        emit(_json(seen))
    else:
        table(
            "Data set (these counts stay in this hospital)",
            ("split", "label", "images", "patients"),
            ((*place, *numbers) for place, numbers in sorted(seen.counts.items())),
        )
    for sentence in _sentences(seen):
        tell(f"{sentence}.")


def _sentences(seen: Rehearsal) -> Iterator[str]:
    if seen.patients < _FEW:
        yield (
            f"Note: {counted(seen.patients, 'patient')} to train on, fewer than {_FEW}: the noise will hide "
            "most of what they teach. Think about it before you spend anything"
        )
    trained_on = counted(seen.patients, "patient")
    yield f"Trained on: {trained_on} of the split train (the plan expects up to {seen.most:,})"
    if seen.held_out:
        yield f"Left out: {counted(seen.held_out, 'patient')} of the other splits, held out for evaluation"
    method, plan = f"{counted(seen.steps, 'step')} of {seen.plan.method}", seen.plan
    yield f"Round {plan.round}: {method}; with it {counted(seen.rounds, 'training round')} to go in the study"
    if seen.trained:
        yield "This round is trained already, so train would change nothing; --again says what another costs"
    else:
        yield f"About {_duration(seen.seconds)} here, of which features for {counted(seen.missing, 'image')}"
    yield (
        f"Budget afterwards, with all rounds that are left: this study {seen.study}; all studies "
        f"{seen.lifetime} of {seen.limit.epsilon:g}"
    )
    if seen.expected is None:
        yield f"What to expect of {plan.method} on other features was not measured (docs/BENCHMARKS.md)"
    else:
        yield from _expectation(seen.expected, seen)


def _expectation(found: Expected, seen: Rehearsal) -> Iterator[str]:
    near = found.nearest
    beyond = ", which is beyond what was measured" if found.beyond else ""
    yield (
        f"To expect at epsilon {seen.epsilon:g}: macro AUC of about {found.alone:.2f} by your own training "
        f"alone{beyond}; the measured study that is most like yours, {near.hospitals} hospitals of "
        f"{near.patients} patients at epsilon {near.epsilon:g}, reached {near.together:.3f} together "
        f"({near.alone:.3f} alone). Measured on children's X-rays (docs/BENCHMARKS.md); yours may differ"
    )


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return counted(max(round(seconds), 1), "second")
    return counted(round(seconds / _MINUTE), "minute")


def _json(seen: Rehearsal) -> dict[str, Any]:
    found = seen.expected
    return {
        "study": seen.plan.study,
        "round": seen.plan.round,
        "method": seen.plan.method,
        "counts": [
            {"split": split, "label": label, "images": images, "patients": patients}
            for (split, label), (images, patients) in sorted(seen.counts.items())
        ],
        "patients": seen.patients,
        "most_patients": seen.most,
        "held_out": seen.held_out,
        "few_patients": seen.patients < _FEW,
        "trained": seen.trained,
        "steps": seen.steps,
        "rounds_left": seen.rounds,
        "images_without_features": seen.missing,
        "seconds": round(seen.seconds, 1),
        "asked": seen.epsilon,
        **seen.study.to_json(),
        "lifetime": {
            "epsilon": seen.lifetime.epsilon,
            "limit": seen.limit.epsilon,
            "delta": seen.lifetime.delta,
        },
        "expected": None
        if found is None
        else {
            "alone": found.alone,
            "beyond_measured": found.beyond,
            "nearest": {
                "hospitals": found.nearest.hospitals,
                "patients": found.nearest.patients,
                "epsilon": found.nearest.epsilon,
                "together": found.nearest.together,
                "alone": found.nearest.alone,
            },
        },
    }
