"""A study of three hospitals through the Python API: what the commands do, as function calls.

    python examples/three_hospitals.py FOLDER

Each function below belongs to one party and sees only that party's workspace and the files that were carried
to it. ``carry`` is the walk with the stick. FOLDER must be empty; the X-rays are synthetic and drawn there.
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

from privxray import (
    Aggregated,
    Planned,
    Terms,
    Workspace,
    accept,
    aggregate,
    draw_study,
    evaluate,
    export_update,
    ingest,
    init_coordinator,
    init_hospital,
    join,
    make_plan,
    predict,
    train,
)

SITES = ("A", "B", "C")
EPSILON = 6.0


def passphrase() -> str:
    """A real workspace asks its officer; each party has its own."""
    return "an example's passphrase"


def carry(file: Path, folder: Path) -> Path:
    """Copy a file to another party's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(file, folder))


def hospital_before_export(workspace: Workspace, plan: Path, words: str, images: Path, labels: Path) -> Path:
    """Join the plan, take the images in, train, and export; returns the update to carry."""
    join(workspace, plan, words)
    ingest(workspace, images, labels)
    trained = train(workspace, epsilon=EPSILON)
    print(f"{workspace.config.name}: {trained.spent}")
    return export_update(workspace, passphrase).path


def coordinator_plans(workspace: Workspace, cards: list[Path]) -> Planned:
    """Enrol the hospitals and sign the plan."""
    planned = make_plan(workspace, cards, Terms(epsilon=EPSILON), passphrase)
    print(f"key words, read out by phone: {planned.key_words}")
    return planned


def main(root: Path, patients_per_site: int = 120) -> dict[str, float | None]:
    """Play the study in ``root``; returns the last hospital's metrics on its own held-out patients."""
    labels = draw_study(root / "xrays", sites=SITES, patients_per_site=patients_per_site, seed=1)
    coordinator = init_coordinator(root / "coordinator", "pneumonia", passphrase)
    hospitals = {
        site: init_hospital(root / f"hospital-{site.lower()}", f"hospital-{site.lower()}", passphrase)
        for site in SITES
    }
    cards = [carry(w.card_path, coordinator.root / "cards") for w in hospitals.values()]
    planned = coordinator_plans(coordinator, cards)

    updates = []
    for site, workspace in hospitals.items():
        own_labels = _labels_of(labels, site, workspace.root / "labels.csv")
        plan = carry(planned.path, workspace.root / "received")
        update = hospital_before_export(
            workspace, plan, planned.key_words, labels.parent / "images", own_labels
        )
        updates.append(carry(update, coordinator.root / "updates"))

    summed = aggregate(coordinator, updates, passphrase)
    assert isinstance(summed, Aggregated)  # a plan with keyholders would give a request first
    scores = None
    for workspace in hospitals.values():
        if summed.proof:
            carry(summed.proof, workspace.root / "received")
        accept(workspace, carry(summed.model, workspace.root / "received"), passphrase=passphrase)
        scores = evaluate(workspace)
        print(
            f"{workspace.config.name}: macro AUC on its own held-out patients {scores.metrics['macro_auc']}"
        )
    assert scores is not None
    image = min((labels.parent / "images").iterdir())
    told = predict(workspace, [image])[0]
    print(f"{told.image}: most likely {told.label}")
    return dict(scores.metrics)


def _labels_of(labels: Path, site: str, target: Path) -> Path:
    """One site's rows of the study's csv: a hospital only ever sees its own."""
    with (
        labels.open(encoding="utf-8", newline="") as stream,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        rows = csv.DictReader(stream)
        writer = csv.DictWriter(out, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(row for row in rows if row["site"] == site)
    return target


if __name__ == "__main__":
    main(Path(sys.argv[1]))
