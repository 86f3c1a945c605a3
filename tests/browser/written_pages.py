"""Every kind of page that privxray writes, out of a played study."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import played_keyholders  # noqa: F401 - its stages
from played_study import HOSPITALS, Snapshots, World, write_passphrase

from privxray.demo.leaky_xrays import draw_leaky
from privxray.reports.audit_page import AuditPage, Illustration
from privxray.reports.audit_plots import enlarged


def _world(snapshots: Snapshots, folder: Path, stage: str) -> World:
    return World(Path(shutil.copytree(snapshots(stage), folder)))


def _check(_: Snapshots, folder: Path, path: Path) -> None:
    folder.mkdir()
    draw_leaky(folder / "leaky")
    world = World(folder.parent)
    assert world.type(folder.name, "check", "leaky", "--report", path).code == 3


def _audit(_: Snapshots, __: Path, path: Path) -> None:
    picture = enlarged(np.random.default_rng(1).integers(0, 255, (28, 28)).astype(np.uint8))
    page = AuditPage(
        title="Audit of a training",
        verdict="nothing was found beyond the claim",
        flagged=False,
        figures=[("Lower bound", "0.4"), ("Claim", "epsilon 6 (per patient, delta 1e-05)")],
        caveats=["it could not have seen a mistake smaller than 2"],
        how="One run with many canaries",
        plot=picture,
        plot_caption="Scores of the canaries",
        rows=[[Illustration(picture, "original"), Illustration(picture, "rebuilt", ("distance 0.3",))]],
        inside=True,
    )
    path.write_text(page.html("1.0", "today"))


def _contact_sheet(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "joined")
    told = world.type(
        "hospital-a", "ingest", "source/images", "--labels", "source/labels.csv", "--report", path
    )
    assert told.code == 0, told.err


def _evaluation(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "trained")
    assert world.type("hospital-a", "evaluate", "--local", "--report", path).code == 0


def _release(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "exported")
    shutil.copy(world["hospital-a"] / "updates/hospital-a-pneumonia-0001.release.html", path)


def _training(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "unaccepted")
    world.ok("hospital-a", "accept", "received/global-0001.model", asks=True)
    shutil.copy(world["hospital-a"] / "reports/pneumonia-training.html", path)


def _training_first(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "trained")
    shutil.copy(world["hospital-a"] / "reports/pneumonia-training.html", path)


def _study(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "keyholders-answered")
    world.ok("coordinator", "aggregate", "shares/*.share", asks=True)
    world.ok("coordinator", "report", "study")
    shutil.copy(world["coordinator"] / "reports/pneumonia-study.html", path)


def _study_counted(snapshots: Snapshots, folder: Path, path: Path) -> None:
    """With its model card, and what the hospitals have counted in both."""
    world = _world(snapshots, folder, "evaluating")
    for party in HOSPITALS:
        world.ok(party, "evaluate", "--contribute")
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    world.ok("coordinator", "report", "study")
    shutil.copy(world["coordinator"] / "reports/pneumonia-study.html", path)


def _card(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "aggregated")
    world.ok("coordinator", "report", "study", "--licence", "CC-BY-4.0")
    shutil.copy(world["coordinator"] / "reports/pneumonia-model-card.html", path)


def _privacy(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "exported")
    world.ok("hospital-a", "report", "privacy")
    shutil.copy(world["hospital-a"] / "reports/pneumonia-privacy-de.html", path)


def _privacy_in_english(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "exported")
    world.ok("hospital-a", "report", "privacy")
    shutil.copy(world["hospital-a"] / "reports/pneumonia-privacy-en.html", path)


def _withdrawal(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "exported")
    write_passphrase(world["hospital-a"] / "who", "patient-0-1\n")  # as private as a passphrase
    world.ok("hospital-a", "withdraw", "--from", "who", "--out", "withdrawal.html")
    shutil.copy(world["hospital-a"] / "withdrawal.html", path)


MAKERS: dict[str, Callable[[Snapshots, Path, Path], None]] = {
    "check": _check,
    "audit": _audit,
    "contact-sheet": _contact_sheet,
    "evaluation": _evaluation,
    "release": _release,
    "training": _training,
    "training-first": _training_first,
    "study": _study,
    "study-counted": _study_counted,
    "card": _card,
    "privacy-de": _privacy,
    "privacy-en": _privacy_in_english,
    "withdrawal": _withdrawal,
}

PAGES = tuple(MAKERS)
