"""``privxray demo``: a whole study on one machine, as a tour or as a measurement.

Tested in tests/cli/test_demo.py.
"""

from __future__ import annotations

import shutil
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from privxray.cli.demo_view import show
from privxray.cli.options import ImagesFolder, Json
from privxray.cli.output import emit, tell
from privxray.cli.running import run_command
from privxray.errors import RefusedError

if TYPE_CHECKING:
    from privxray.demo.encrypted_inference import Asked
    from privxray.demo.party import Run
    from privxray.demo.sites import Site
    from privxray.demo.study import Played, Say
    from privxray.workflow.hospital.using_model.classifier import Classifier

_MARKER = ".privxray-demo"
_RUNNING, _DONE = "running\n", "done\n"
"""What the marker says of the demo in its folder."""


def demo(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to play it.")] = Path("privxray-demo"),
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="A csv with the columns image, patient, label, site, split, instead of synthetic X-rays.",
            show_default=False,
        ),
    ] = None,
    images: ImagesFolder = None,
    epsilon: Annotated[float, typer.Option("--epsilon", help="Per patient, over the whole study.")] = 6.0,
    delta: Annotated[
        float | None,
        typer.Option(
            "--delta",
            help="The chance that this promise fails.  [default: what is advised for the hospitals' sizes]",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        Literal["linear-probe", "dp-sgd"], typer.Option("--method", help="How hospitals train.")
    ] = "linear-probe",
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier demo in this folder.")] = False,
    as_json: Json = False,
) -> None:
    """Play a whole study with several hospitals in one folder."""
    from privxray.demo.sites import read_sites
    from privxray.demo.study import StudyTerms, play

    start = time.perf_counter()
    root = folder.resolve()
    run = partial(run_command, ctx.find_root().command.main)
    sites = read_sites(data, images) if data else None
    _make_empty(root, force)
    say = _say_nothing if as_json else tell
    if sites is None:
        sites = _draw_sites(root, as_json, run)
    models: dict[str, Classifier] = {}

    def remember(played: Played) -> None:
        from privxray.demo.score import own_models

        models.update(own_models(played.hospitals))

    played = play(root, sites, StudyTerms(method, epsilon, delta), run=run, say=say, after_training=remember)
    asked = _ask_encrypted(root, played, sites[0], say) if method == "linear-probe" else None
    (root / _MARKER).write_text(_DONE)
    result = _scored(played, models, method, time.perf_counter() - start)
    result["inference"] = asked.to_json() if asked else None
    if as_json:
        emit(result)
    else:
        show(played, result, asked)


def _ask_encrypted(root: Path, played: Played, site: Site, say: Say) -> Asked:
    """The last part: a prediction on an encrypted image."""
    from privxray.demo.encrypted_inference import ask_outside

    row = next((row for row in site.rows if row.split != "train"), site.rows[0])
    return ask_outside(root, played.coordinator, site.images / row.relative, say)


def _draw_sites(root: Path, as_json: bool, run: Run) -> list[Site]:
    """Draw the X-rays of three sites. For a person, also draw leaky ones, and show what the check says."""
    from privxray.demo.leaky_xrays import draw_leaky
    from privxray.demo.sites import read_sites
    from privxray.demo.synthetic_xrays import draw_study

    if not as_json:
        tell("Drawing synthetic chest X-rays as DICOM files.")
    labels = draw_study(root / "xrays")
    if not as_json:
        tell("A few more come from a device that writes names into its files. privxray check finds them:")
        run(["check", str(draw_leaky(root / "leaky"))])
    return read_sites(labels, None)


def _make_empty(root: Path, force: bool) -> None:
    """Make an empty folder; a demo that did not end is deleted first, and any demo with ``--force``.

    :raises RefusedError: the folder holds other things, or a finished demo without ``--force``.
    """
    marker = root / _MARKER
    if root.exists() and any(root.iterdir()):
        if not marker.exists():
            raise RefusedError(
                "this folder holds other files",
                reason="demo.folder-in-use",
                file=root,
                advice="Name an empty folder, or one that does not exist yet",
            )
        if marker.read_text() == _DONE and not force:
            raise RefusedError(
                "this folder holds a finished demo",
                reason="demo.finished",
                file=root,
                advice="Look at it, or play it again with --force",
            )
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    marker.write_text(_RUNNING)


def _scored(played: Played, models: dict[str, Classifier], method: str, seconds: float) -> dict[str, Any]:
    """The JSON object, but for its part on encrypted inference.

    :param seconds: that the demo has taken so far.
    """
    from privxray.demo.score import compare_on_pool, global_model, score_on_pool, score_reference
    from privxray.demo.study import STUDY

    start = time.perf_counter()
    final = global_model(played.hospitals, STUDY)
    metrics = score_on_pool(final, played.hospitals)
    alone = {name: score_on_pool(model, played.hospitals) for name, model in models.items()}
    reference = score_reference(final, played.hospitals)
    compared = compare_on_pool(final, models, played.hospitals)
    return {
        "method": method,
        "rounds": played.rounds,
        "epsilon": played.epsilon,
        "delta": played.delta,
        "metrics": metrics,
        "alone": alone,
        "reference": reference,
        "compared": {
            name: {"value": one.value, "low": one.low, "high": one.high, "verdict": str(one.verdict)}
            for name, one in compared.items()
        },
        "seconds": {
            **{name: round(value, 2) for name, value in played.seconds.items()},
            "evaluate": round(time.perf_counter() - start, 2),
            "total": round(seconds + time.perf_counter() - start, 2),
        },
        "bytes": {"update": played.update_bytes, "model": played.model.stat().st_size},
    }


def _say_nothing(_: str) -> None:
    """With --json, stdout holds the object alone and stderr only errors."""
