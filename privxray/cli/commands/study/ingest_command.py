"""``ingest``: checking images and taking them into the hospital's data set.

Tested in tests/cli/test_ingest_profile.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, Ocr, Study
from privxray.cli.options.profile_options import Typed, takes_profile
from privxray.cli.output import emit, progress, table, tell
from privxray.deid.pixels.text import load_finder

if TYPE_CHECKING:
    from privxray.imaging.ingest import IngestReport


@takes_profile()
def ingest(
    images: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of DICOM, JPEG or PNG files.")],
    labels: Annotated[
        Path,
        typer.Option(
            "--labels", help="A csv with the columns file (or image), patient, label.", show_default=False
        ),
    ],
    profile: Typed,
    study: Study = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Build the data set anew instead of adding to it.")
    ] = False,
    ocr: Ocr = False,
    as_json: Json = False,
) -> None:
    """Check images and take them into the data set. One that fails keeps all of them out."""
    from privxray.workflow.hospital.ingest_images import IngestChoices, ingest_folder

    workspace = current_workspace()
    typed = profile.load() if profile else None
    find_text = load_finder() if ocr else None
    with progress("Checking and reading images") as bar:
        choices = IngestChoices(study=study, profile=typed, find=find_text, replace=replace)
        done = ingest_folder(workspace, images, labels, choices, progress=bar)
    report, before = done.report, done.profile_before
    if as_json:
        emit(_json(report, ocr))
    else:
        table(
            "Data set (these counts stay in this hospital)",
            ("split", "label", "images", "patients"),
            ((*place, *numbers) for place, numbers in sorted(report.counts.items())),
        )
    searched = "no text but markers was found in their pixels" if ocr else "pixels were not searched for text"
    tell(f"All {report.images:,} images passed the check; {searched}.")
    if report.unlisted:
        tell(f"{report.unlisted:,} images of the folder have no row in the csv, and were left out.")
    if before and before != report.profile:
        tell(f"Judged by {report.profile}; the ingest before this one by {before}.")
    else:
        tell(f"Judged by {report.profile}{', as chosen before' if before and typed is None else ''}.")
    close("ingest", workspace, study=study)


def _json(report: IngestReport, ocr: bool) -> dict[str, object]:
    return {
        "profile": report.profile,
        "pixels_searched": ocr,
        "images": report.images,
        "not_listed": report.unlisted,
        "added": report.added,
        "patients": report.patients,
        "counts": [
            {"split": split, "label": label, "images": images, "patients": patients}
            for (split, label), (images, patients) in sorted(report.counts.items())
        ],
    }
