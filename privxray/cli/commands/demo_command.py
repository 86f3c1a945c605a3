"""``privxray demo``: a whole study on one machine, as a tour or as a measurement."""

from __future__ import annotations

import shutil
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from privxray.cli.output import emit, next_step, table, tell
from privxray.cli.prompts import Json
from privxray.cli.running import run_command
from privxray.errors import RefusedError
from privxray.privacy.guarantee import ADJACENCY

if TYPE_CHECKING:
    from collections.abc import Callable

    from privxray.demo.outside import Asked
    from privxray.demo.sites import Site
    from privxray.demo.study import Played, Run
    from privxray.workflow.hospital.evaluate_and_predict import Classifier

MARKER = ".privxray-demo"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(demo)


def demo(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to play it.")] = Path(
        "privxray-demo"
    ),
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="A csv with the columns image, patient, label, site, split, instead of synthetic X-rays.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", help="The images' folder, if not beside the csv.", show_default=False),
    ] = None,
    epsilon: Annotated[float, typer.Option("--epsilon", help="Per patient, over the whole study.")] = 6.0,
    method: Annotated[
        Literal["linear-probe", "dp-sgd"], typer.Option("--method", help="How hospitals train.")
    ] = "linear-probe",
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier demo in this folder.")] = False,
    as_json: Json = False,
) -> None:
    """Play a whole study with several hospitals in one folder."""
    from privxray.demo.study import play

    start = time.perf_counter()
    root = folder.resolve()
    run = partial(run_command, ctx.find_root().command.main)
    sites = _given_sites(data, images) if data else None
    _clear(root, force)
    say = _quiet if as_json else tell
    if sites is None:
        sites = _drawn_sites(root, as_json, run)
    models: dict[str, Classifier] = {}

    def remember(played: Played) -> None:
        from privxray.demo.score import own_models

        models.update(own_models(played.hospitals))

    played = play(root, sites, run=run, epsilon=epsilon, method=method, say=say, after_training=remember)
    asked = _ask_outside(root, played, sites, say) if method == "linear-probe" else None
    (root / MARKER).write_text("done\n")
    result = _scored(played, models, method, time.perf_counter() - start)
    result["inference"] = asked.to_json() if asked else None
    if as_json:
        emit(result)
    else:
        _show(played, result, asked)


def _ask_outside(root: Path, played: Played, sites: list[Site], say: Callable[[str], None]) -> Asked | None:
    """The last act, where its extra is installed; else a line that says how to see it."""
    from privxray.demo.outside import ask_outside, missing_extra

    advice = missing_extra()
    if advice is not None:
        say(f"The last act, a prediction on an encrypted image, needs an extra package. {advice}")
        return None
    site = sites[0]
    row = next((row for row in site.rows if row.split != "train"), site.rows[0])
    return ask_outside(root, played.coordinator, site.images / row.relative, say)


def _given_sites(data: Path, images: Path | None) -> list[Site]:
    from privxray.demo.sites import read_sites

    return read_sites(data, images)


def _drawn_sites(root: Path, as_json: bool, run: Run) -> list[Site]:
    """Draw the X-rays, and let the check find what some of them should not say."""
    from privxray.demo.sites import read_sites
    from privxray.demo.xrays import draw_leaky, draw_study

    if not as_json:
        tell("Drawing synthetic chest X-rays as DICOM files.")
    labels = draw_study(root / "xrays")
    if not as_json:
        tell("Some come from a device that writes names into headers: privxray check finds them.")
        run(["check", str(draw_leaky(root / "leaky"))])
    return read_sites(labels, None)


def _clear(root: Path, force: bool) -> None:
    """Make an empty folder; an unfinished demo, or with ``--force`` any demo, is cleared away first."""
    marker = root / MARKER
    if root.exists() and any(root.iterdir()):
        if not marker.exists():
            raise RefusedError("this folder holds something else", file=root, advice="Name an empty one")
        if marker.read_text() == "done\n" and not force:
            raise RefusedError(
                "a finished demo is here", file=root, advice="Look at it, or play anew with --force"
            )
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    marker.write_text("running\n")


def _scored(played: Played, models: dict[str, Classifier], method: str, seconds: float) -> dict[str, Any]:
    from privxray.demo.score import global_model, score_on_pool, score_reference
    from privxray.demo.study import STUDY

    start = time.perf_counter()
    final = global_model(played.hospitals, STUDY)
    metrics = score_on_pool(final, played.hospitals)
    alone = {name: score_on_pool(model, played.hospitals) for name, model in models.items()}
    reference = score_reference(final, played.hospitals)
    return {
        "method": method,
        "rounds": played.rounds,
        "epsilon": played.epsilon,
        "delta": played.delta,
        "metrics": metrics,
        "alone": alone,
        "reference": reference,
        "seconds": {
            **{name: round(value, 2) for name, value in played.seconds.items()},
            "evaluate": round(time.perf_counter() - start, 2),
            "total": round(seconds + time.perf_counter() - start, 2),
        },
        "bytes": {"update": played.update_bytes, "model": played.model.stat().st_size},
    }


def _show(played: Played, result: dict[str, Any], asked: Asked | None) -> None:
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
    rows = [("global model", result["metrics"])]
    rows += [(f"{played.hospitals[site].name} alone", scores) for site, scores in result["alone"].items()]
    rows += [("pooled, without privacy (no study has this)", result["reference"])]
    table(
        "Held-out patients of all sites together",
        ("model", "macro AUC", "balanced accuracy", "pneumonia AUC"),
        (
            (
                name,
                *(_three(scores["val"].get(m)) for m in ("macro_auc", "balanced_accuracy", "pneumonia_auc")),
            )
            for name, scores in rows
        ),
    )
    if asked:
        _show_asked(asked)
    tell(f"{result['seconds']['total']:.0f} seconds; an update has {result['bytes']['update']:,} bytes.")
    coordinator = played.coordinator.folder
    extra = (asked.answer,) if asked else ()
    updates = sorted(coordinator.glob("updates/*.enc"))
    for path in (played.model, coordinator / "plan-0001.plan", *updates, *extra):
        tell(f"  privxray inspect {path}")
    hospital = next(iter(played.hospitals.values())).folder
    next_step(f"look around: privxray -C {hospital} status, or budget; privxray inspect on any file above")


def _show_asked(asked: Asked) -> None:
    table(
        "One X-ray, asked by a clinic outside the study: the coordinator answered and saw nothing of it",
        ("file", "bytes", "seconds to make", "holds"),
        (
            (
                "offer",
                asked.bytes["offer"],
                f"{asked.seconds['offer']:.1f}",
                "how to prepare an image; terms",
            ),
            ("query", asked.bytes["query"], f"{asked.seconds['ask']:.1f}", "evaluation keys, the image"),
            ("a further query", asked.bytes["second_query"], None, "the image, encrypted"),
            ("answer", asked.bytes["answer"], f"{asked.seconds['answer']:.1f}", "class scores, encrypted"),
        ),
    )
    shown = ", ".join(f"{name} {value:.3f}" for name, value in asked.probabilities.items())
    tell(f"The clinic reads, in {asked.seconds['read']:.1f} s: {asked.label} ({shown}).")


def _three(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _quiet(_: str) -> None:
    """Says nothing: with --json, stdout is the object and stderr is for errors."""
