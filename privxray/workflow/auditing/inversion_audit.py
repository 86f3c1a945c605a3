"""Gradient inversion: reconstruct images from three kinds of update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from privxray.audit import inversion, patient_updates, synthetic_patients
from privxray.audit.inversion import Picture, Reconstruction, Search
from privxray.audit.patient_updates import Update
from privxray.errors import RefusedError
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.dp_sgd_method import DpSgd
from privxray.learning.interface import Task
from privxray.privacy.noise import SecureNoise
from privxray.workflow.auditing.audited_patients import AuditedPatients
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.common.callbacks import Progress

UpdateKind = Literal["plain", "private", "masked"]
UPDATE_KINDS: tuple[UpdateKind, ...] = ("plain", "private", "masked")
"""Without protection; with noise; and without noise under masks, so that only the mask is tried."""

METHOD = "dp-sgd"
"""The method whose updates are inverted: one whose updates are gradients with respect to images."""

_DECOYS = 20  # images that have nothing to do with an update, for comparison


@dataclass(frozen=True)
class InvertedImage:
    """One image, and what each kind of update gave away of it."""

    truth: Picture
    found: Mapping[UpdateKind, Reconstruction]


def audit_inversion(
    claim: Claim,
    patients: AuditedPatients,
    images: int,
    search: Search,
    progress: Progress | None = None,
) -> list[InvertedImage]:
    """Reconstruct images, each from its plain, its private and its masked update.

    :param images: how many, >= 1; picked at random.
    :raises RefusedError: there are no further images to compare with.
    """
    source, method, classes = SecureNoise(), DpSgd(), patients.classes
    constants = inversion_constants()
    data = patients.data or synthetic_patients.image_patients(images + _DECOYS, constants.image_size, source)
    if len(data.labels) <= images:
        raise RefusedError(
            f"reconstructions are compared with other images, and there are only {len(data.labels)} in all",
            reason="audit.no-images-to-compare",
            advice="Give it more images, or type a smaller --number",
        )
    start = patient_updates.later_round(method.starting_model(constants, classes), source)
    task, noise = Task(constants, classes, start), claim.noise(method, constants)
    order = np.argsort(source.uniform(len(data.labels)))
    decoys = data.inputs[order[images : images + _DECOYS]]
    total = images * len(UPDATE_KINDS) * search.restarts
    inverted: list[InvertedImage] = []
    for place in order[:images]:
        patient = TrainingData(data.inputs[[place]], data.labels[[place]], np.zeros(1, np.int64))
        plain = patient_updates.plain_update(patient, task)
        updates: dict[UpdateKind, Update] = {
            "plain": plain,
            "private": patient_updates.private_update(patient, task, method, noise, source),
            "masked": patient_updates.masked_update(plain, task, method),
        }
        found: dict[UpdateKind, Reconstruction] = {}
        for kind, update in updates.items():
            before = (len(inverted) * len(UPDATE_KINDS) + len(found)) * search.restarts
            bar = _going_on(progress, before, total)
            label = int(patient.labels[0])
            picture, distance = inversion.reconstruct(update, task, label, source, search, bar)
            found[kind] = inversion.compare(picture, distance, patient.inputs[0], decoys)
        inverted.append(InvertedImage(patient.inputs[0], found))
    return inverted


def inversion_constants() -> DpSgdConstants:
    """The public constants of the updates that are inverted."""
    return DpSgd().constants(patient_updates.OVERRIDES)


def found_more_than_claimed(inverted: Sequence[InvertedImage]) -> bool:
    """Whether any image was recognised through the noise or through the mask."""
    return any(one.found[kind].recognised for one in inverted for kind in ("private", "masked"))


def _going_on(progress: Progress | None, before: int, total: int) -> Progress | None:
    """The progress of one search, counted on from those before it."""
    return None if progress is None else lambda done, _: progress(before + done, total)
