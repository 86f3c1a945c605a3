"""A collection of labelled images outside any workspace: a csv, and the folder of images that it names.

Tested by the commands that read one: tests/cli/test_demo.py and tests/cli/test_audit.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from privxray.imaging.labelling.row import Row
from privxray.imaging.labels import read_labels


def labelled_images(
    labels: Path, images: Path | None, classes: Sequence[str] | None
) -> tuple[Path, list[Row]]:
    """The folder of the images, and the rows of the csv.

    :param images: the folder; by default ``images`` beside the csv if there is one, else the csv's folder.
    :param classes: the labels that are allowed; None where any is.
    :raises MalformedError: the csv breaks a rule of :func:`~privxray.imaging.labels.read_labels`.
    :raises SystemTroubleError: the csv can't be read, or there is no such folder.
    """
    beside = labels.parent / "images"
    folder = (images or (beside if beside.is_dir() else labels.parent)).resolve()
    return folder, read_labels(labels, folder, classes)
