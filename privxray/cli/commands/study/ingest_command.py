"""``ingest``: checking images and taking them into the hospital's data set.

Tested in tests/cli/test_ingest_profile.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.ingest_view import ingest_json, ingest_lines
from privxray.cli.options import Json, Ocr, Study
from privxray.cli.options.profile_options import Typed, takes_profile
from privxray.cli.options.written_files import require_free
from privxray.cli.output import emit, table, tell
from privxray.deid.pixels.text import load_finder
from privxray.imaging.labelling.label_names import read_map
from privxray.steps import step


@takes_profile()
def ingest(
    images: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="A folder of DICOM, JPEG or PNG files, a DICOMDIR, or a zip."),
    ],
    labels: Annotated[
        Path,
        typer.Option(
            "--labels", help="A csv with the columns file (or image), patient, label.", show_default=False
        ),
    ],
    profile: Typed,
    study: Study = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Make this csv the whole data set, instead of adding to it.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Take other labels, patients and splits from this csv.")
    ] = False,
    label_map: Annotated[
        str | None,
        typer.Option(
            "--map",
            metavar="LABEL=CLASS,...",
            help="What further labels of the csv mean; kept with the data set.",
            show_default=False,
        ),
    ] = None,
    ocr: Ocr = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Write a page with every image small, the odd ones first.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of --report where it exists.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check images and take them into the data set. One that fails the check keeps all of them out."""
    from privxray.workflow.hospital.ingest_images import IngestChoices, ingest_folder

    require_free({"--report": report}, force=force)
    workspace = current_workspace()
    choices = IngestChoices(
        study=study,
        profile=profile.load() if profile else None,
        find=load_finder() if ocr else None,
        replace=replace,
        update=update,
        label_map=None if label_map is None else read_map(label_map),
        sheet=report is not None,
    )
    with step("Checking and reading images") as bar:
        done = ingest_folder(workspace, images, labels, choices, progress=bar)
    if report is not None:
        from privxray.workspace.atomic import PRIVATE, write_atomic

        write_atomic(report, done.sheet.encode(), mode=PRIVATE, overwrite=force)
    if as_json:
        emit(ingest_json(done, ocr))
    else:
        table(
            "Data set (these counts stay in this hospital)",
            ("split", "label", "images", "patients"),
            ((*place, *numbers) for place, numbers in sorted(done.report.counts.items())),
        )
    for line in ingest_lines(done, choices):
        tell(line)
    if report is not None:
        tell("The file that --report names shows every image. It stays inside the hospital.")
    close("ingest", workspace, study=study)
