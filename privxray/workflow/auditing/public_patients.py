"""A public data set for audits: read where it lies, and kept nowhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from privxray.errors import MalformedError
from privxray.imaging.labels import csv_name, read_labels
from privxray.learning import methods
from privxray.learning.data import TrainingData
from privxray.naming.public_names import public_names
from privxray.privacy.noise import SecureNoise
from privxray.workflow.auditing.audit_engine import Patients, audit_constants
from privxray.workflow.common.method_inputs import image_inputs
from privxray.workflow.common.session import Progress

MOST = 400
"""Patients; of more, so many are picked at random. A further one blurs an audit more than it adds."""

_CHUNK = 64


def read_public(
    labels: Path, images: Path | None, kind: str, name: str, progress: Progress | None = None
) -> Patients:
    """The patients of a csv with the columns image (or file), patient and label.

    :param images: the images' folder; by default ``images`` beside the csv if there is one, else its folder.
    :param kind: of audit. :param name: of the method.
    :raises MalformedError: not such a csv, or an image that does not decode.
    """
    beside = labels.parent / "images"
    folder = (images or (beside if beside.is_dir() else labels.parent)).resolve()
    rows = read_labels(labels, folder, None)
    classes = tuple(sorted({row.label for row in rows}))
    if any(row.patient is None for row in rows) or len(classes) < 2:
        raise MalformedError(
            "an audit's csv needs the columns image, patient and label, and two classes or more",
            file=csv_name(labels),
        )
    people = sorted({str(row.patient) for row in rows})
    order = np.argsort(SecureNoise().uniform(len(people)))[:MOST]
    number = {people[place]: index for index, place in enumerate(order)}
    chosen = [row for row in rows if str(row.patient) in number]
    method = methods.get(name)
    constants = audit_constants(method, kind)
    paths = [folder / row.relative for row in chosen]
    names = public_names(paths)
    parts = []
    for at in range(0, len(paths), _CHUNK):
        parts.append(image_inputs(paths[at : at + _CHUNK], names[at : at + _CHUNK], method, constants))
        if progress:
            progress(min(at + _CHUNK, len(paths)), len(paths))
    data = TrainingData(
        np.concatenate(parts),
        np.array([classes.index(row.label) for row in chosen], np.int64),
        np.array([number[str(row.patient)] for row in chosen], np.int64),
    )
    return Patients(data, classes, f"{len(number)} patients of a public data set")
