"""``labels``: a csv of labels to fill in. Tested in tests/cli/test_labels_command.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.options import Force, Json
from privxray.cli.options.written_files import require_free
from privxray.cli.output import counted, emit, tell
from privxray.naming.public_names import lone_name
from privxray.steps import step


def labels(
    images: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="A folder of DICOM, JPEG or PNG files, a DICOMDIR, or a zip."),
    ],
    out: Annotated[Path, typer.Option("--out", help="The csv to write.")] = Path("labels.csv"),
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a csv of labels to fill in, a row for each image.

    The columns are file, patient (Patient ID), accession_number, study_date and label.
    """
    from privxray.workflow.images.labels_skeleton import write_skeleton

    require_free({"--out": out}, force=force)
    with step("Reading headers") as bar:
        done = write_skeleton(images, out, force=force, progress=bar)
    if as_json:
        emit(
            {
                "file": lone_name(out),
                "images": done.images,
                "without_patient": done.without_patient,
                "passed_over": done.skipped,
            }
        )
    tell(f"{lone_name(out)} has {counted(done.images, 'row')}. Fill in the column `label`.")
    if done.without_patient:
        have = "has" if done.without_patient == 1 else "have"
        tell(
            f"{counted(done.without_patient, 'row')} {have} no Patient ID: fill in the column `patient` too, "
            "with one pseudonym for all of a patient's images."
        )
    tell("This csv names patients. Only you can read it; keep it inside the hospital.")
    close("labels", file=lone_name(out) if lone_name(out) == out.name else "FILE")
