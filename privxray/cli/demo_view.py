"""What ``privxray demo`` shows at the end. Tested in tests/cli/test_demo.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from privxray.cli.closing import close
from privxray.cli.current_workspace import place_of
from privxray.cli.output import table, tell
from privxray.privacy.guarantee import ADJACENCY
from privxray.system.names import quoted

if TYPE_CHECKING:
    from privxray.demo.encrypted_inference import Asked
    from privxray.demo.study import Played


_METRICS = ("macro_auc", "balanced_accuracy", "pneumonia_auc")


def show(played: Played, result: Mapping[str, Any], asked: Asked | None) -> None:
    """Print what each party saw, what was spent, how good the models are, and what to look at next.

    :param result: the object of ``--json``.
    """
    table(
        "What each party could see",
        ("party", "saw", "did not see"),
        (
            (
                "a hospital",
                "its own images; the plan; the global model",
                "any other hospital's image or update",
            ),
            (
                "the coordinator",
                "cards, sealed updates, their sum",
                "any image, any single update, any metric",
            ),
            ("the mail room", "who sent which file to whom, its size", "what is in it"),
        ),
    )
    table(
        f"Privacy spent, per patient at delta {played.delta:g}, {ADJACENCY}",
        ("hospital", "epsilon"),
        ((played.hospitals[site].name, f"{value:.4f}") for site, value in result["epsilon"].items()),
    )
    _show_metrics(played, result)
    if asked:
        _show_asked(asked)
    tell(f"{result['seconds']['total']:.0f} seconds; an update has {result['bytes']['update']:,} bytes.")
    coordinator = played.coordinator.folder
    extra = (asked.answer,) if asked else ()
    updates = sorted(coordinator.glob("updates/*.enc"))
    for path in (played.model, coordinator / "plan-0001.plan", *updates, *extra):
        tell(f"  privxray inspect {path}")
    hospital = next(iter(played.hospitals.values())).folder
    close("demo", file=quoted(place_of(hospital)))


def _show_metrics(played: Played, result: Mapping[str, Any]) -> None:
    split = next((split for split in ("val", "test") if split in result["metrics"]), None)
    if split is None:
        tell("Nothing was scored: the csv holds no patient out (split val or test).")
        return
    rows = [("global model", result["metrics"])]
    rows += [(f"{played.hospitals[site].name} alone", scores) for site, scores in result["alone"].items()]
    rows += [("pooled, without privacy (no study has this)", result["reference"])]
    table(
        f"Held-out patients of all sites together ({split})",
        ("model", "macro AUC", "balanced accuracy", "pneumonia AUC"),
        ((name, *(_three(scores[split].get(metric)) for metric in _METRICS)) for name, scores in rows),
    )
    _tell_differences(played, result["compared"])


def _tell_differences(played: Played, compared: Mapping[str, Mapping[str, Any]]) -> None:
    """Say what the difference of the global model to each hospital alone means."""
    by_verdict: dict[str, list[str]] = {}
    for site, one in compared.items():
        by_verdict.setdefault(one["verdict"], []).append(played.hospitals[site].name)
    for verdict, names in by_verdict.items():
        listed = " and ".join(names)
        if verdict == "within chance":
            tell(f"On these patients the difference of the global model to {listed} alone is within chance.")
        else:
            tell(f"On these patients the global model is {verdict} than {listed} alone, beyond chance.")


def _show_asked(asked: Asked) -> None:
    def row(file: str, holds: str, step: str) -> tuple[object, ...]:
        return file, asked.bytes[file], f"{asked.seconds[step]:.1f}", holds

    table(
        "A clinic outside the study asked about one X-ray, and the coordinator answered without seeing it",
        ("file", "bytes", "seconds to make", "holds"),
        (
            row("offer", "how to prepare an image; terms", "offer"),
            row("query", "the image, encrypted", "ask"),
            row("answer", "class scores, encrypted", "answer"),
        ),
    )
    shown = ", ".join(f"{name} {value:.3f}" for name, value in asked.probabilities.items())
    tell(f"The clinic reads the answer in {asked.seconds['read']:.1f} s: {asked.label} ({shown}).")


def _three(value: float | None) -> str | None:
    """A metric with three decimals."""
    return None if value is None else f"{value:.3f}"
