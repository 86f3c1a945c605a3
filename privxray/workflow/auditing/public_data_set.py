"""A public data set for audits: read where it lies, and kept nowhere. Tested in tests/cli/test_audit.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from privxray.errors import MalformedError
from privxray.imaging.labels import csv_name
from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod
from privxray.naming.public_names import public_names
from privxray.privacy.noise import SecureNoise
from privxray.workflow.auditing.audited_patients import AuditedPatients
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.labelled_images import labelled_images
from privxray.workflow.common.method_inputs import InputForm, built_in, default_features, image_inputs

MOST = 400
"""Patients. Of more, so many are picked at random: a further one blurs an audit more than it adds."""

_CHUNK = 64  # images that are read at a time


def read_public(
    labels: Path,
    images: Path | None,
    method: AnyMethod,
    constants: MethodConstants,
    progress: Progress | None = None,
) -> AuditedPatients:
    """The patients of a csv with the columns image (or file), patient and label.

    :param images: the images' folder; by default ``images`` beside the csv if there is one, else its folder.
    :param constants: that the audit trains by; they say how large an image is.
    :raises MalformedError: not such a csv, or an image that does not decode.
    """
    folder, rows = labelled_images(labels, images, None)
    classes = tuple(sorted({row.label for row in rows}))
    if any(row.patient is None for row in rows):
        raise MalformedError(
            "this csv has no column patient, which an audit needs",
            reason="audit.patient-column-missing",
            file=csv_name(labels),
            advice="Its first row is to read: image,patient,label",
        )
    if len(classes) < 2:
        raise MalformedError(
            "all images of this csv have the same label, and an audit needs two classes or more",
            reason="audit.one-class",
            file=csv_name(labels),
            advice="Add images of another class",
        )
    people = list(dict.fromkeys(row.patient for row in rows if row.patient is not None))
    order = np.argsort(SecureNoise().uniform(len(people)))[:MOST]
    number = {people[place]: index for index, place in enumerate(order)}
    chosen = [(row, number[row.patient]) for row in rows if row.patient is not None and row.patient in number]
    paths = [folder / row.relative for row, _ in chosen]
    names = public_names(paths)
    seen = method.inputs(constants)
    form = default_features() if seen == "features" else InputForm.of(method, constants, built_in(seen))
    parts = []
    for at in range(0, len(paths), _CHUNK):
        parts.append(image_inputs(paths[at : at + _CHUNK], names[at : at + _CHUNK], form))
        if progress:
            progress(min(at + _CHUNK, len(paths)), len(paths))
    data = TrainingData(
        np.concatenate(parts),
        np.array([classes.index(row.label) for row, _ in chosen], np.int64),
        np.array([patient for _, patient in chosen], np.int64),
    )
    return AuditedPatients(data, classes, f"{len(number)} patients of a public data set")
