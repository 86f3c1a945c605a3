"""Audits of the engine on invented patients, or on a public data set; nobody's budget is touched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.audit import inversion, membership, running, synthetic_patients, updates
from privxray.audit.inversion import Reconstruction, Search
from privxray.audit.membership import Membership
from privxray.audit.observing import Observed
from privxray.audit.one_run import OneRun, Scores, judge, require_guesses, toss
from privxray.errors import RefusedError, UsageError
from privxray.learning import methods
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.dp_sgd_method import DpSgd
from privxray.privacy.guarantee import Guarantee, require_delta, require_epsilon
from privxray.privacy.noise import NoiseSource, SecureNoise
from privxray.workflow.common.session import Progress

if TYPE_CHECKING:
    from privxray.audit.one_run import Bits
    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod, Constants, Method

DECOYS = 20
"""Unconcerned images that a reconstruction is held against."""


@dataclass(frozen=True)
class Patients:
    """Whom an audit is about: in a method's form, or None for invented ones; their classes; in words."""

    data: TrainingData | None
    classes: tuple[str, ...]
    words: str


INVENTED = Patients(None, synthetic_patients.CLASSES, "invented patients")


@dataclass(frozen=True)
class Claim(Guarantee):
    """What the engine promises a patient, in the range that training accepts.

    :raises UsageError: epsilon or delta out of range.
    """

    def __post_init__(self) -> None:
        require_epsilon(self.epsilon)
        require_delta(self.delta)

    def noise(self, method: Method[Constants], constants: Constants) -> float:
        """The noise that one round under this claim has."""
        return method.plan_noise(constants, self, rounds_left=1, past=())


@dataclass(frozen=True)
class OneRunAudit:
    """A one-run audit: the result, the scores of all canaries, and which were in."""

    found: OneRun
    scores: Scores
    coins: Bits


@dataclass(frozen=True)
class Inverted:
    """One image, and what each of the three updates gave away of it."""

    truth: Any
    plain: Reconstruction
    private: Reconstruction
    masked: Reconstruction


def audit_constants(method: AnyMethod, kind: str) -> MethodConstants:
    """The public constants that an audit of this kind trains by, where no plan has others."""
    if kind == "membership":
        return method.constants(membership.CONSTANTS[method.name])
    if kind == "inversion":
        return method.constants(updates.CONSTANTS)
    return method.constants(running.canaries_of(method).CONSTANTS)


def guesses_of(method: AnyMethod, canaries: int | None, guesses: int | None) -> tuple[int, int]:
    """How many canaries and guesses an audit has.

    :raises UsageError: no canary, or more guesses than canaries.
    """
    kind = running.canaries_of(method)
    number = kind.DEFAULT if canaries is None else canaries
    chosen = kind.default_guesses(number) if guesses is None else guesses
    require_guesses(number, chosen)
    return number, chosen


def audit_one_run(
    name: str,
    claim: Claim,
    patients: Patients,
    *,
    canaries: int | None = None,
    guesses: int | None = None,
    progress: Progress | None = None,
    engine: NoiseSource | None = None,
) -> OneRunAudit:
    """Plant, train once, guess, and hold against the coins.

    :param name: of the method. :param engine: what training draws from: ``SecureNoise()``, except in tests.
    :raises UsageError: numbers that make no audit.
    """
    source = SecureNoise()
    method = methods.get(name)
    number, chosen = guesses_of(method, canaries, guesses)
    constants = audit_constants(method, "one-run")
    planted = running.plant(method, constants, patients.data, len(patients.classes), number, source)
    noise = claim.noise(method, planted.constants)
    start = method.starting_model(planted.constants, patients.classes)
    with tempfile.TemporaryDirectory() as folder:
        store = Observed(Path(folder) / "answers", os.urandom(32))
        running.train(method, planted, patients.classes, noise, start, store, engine or source, progress)
        scores = running.attack(method, planted, patients.classes, start, store)
    found = judge(scores, planted.coins, chosen, claim)
    return OneRunAudit(found, scores, planted.coins)


def audit_membership(
    name: str,
    claim: Claim,
    patients: Patients,
    *,
    progress: Progress | None = None,
    engine: NoiseSource | None = None,
) -> Membership:
    """Train on half of the patients, and tell by the loss which half it was.

    Invented patients have labels by chance, which only learning by heart gets right; a public data set keeps
    its own.

    :raises RefusedError: too few patients.
    """
    source = SecureNoise()
    method = methods.get(name)
    constants = audit_constants(method, "membership")
    data = patients.data
    if data is None:
        invented = synthetic_patients.patients_for(method, constants, membership.PATIENTS, source)
        data = membership.unlearnable(invented, len(patients.classes), source)
    elif method.inputs == "features":
        constants = method.constants({**constants.model_dump(), "feature_dim": data.inputs.shape[1]})
    coins = toss(data.patient_count, source)
    noise = claim.noise(method, constants)
    start = method.starting_model(constants, patients.classes)
    with tempfile.TemporaryDirectory() as folder:
        store = Observed(Path(folder) / "answers", os.urandom(32))
        scores = membership.train(
            method, data, coins, constants, patients.classes, noise, start, store, engine or source, progress
        )
    return membership.compare(scores, coins, claim)


def audit_inversion(
    claim: Claim,
    patients: Patients,
    *,
    images: int,
    search: Search,
    progress: Progress | None = None,
    engine: NoiseSource | None = None,
) -> list[Inverted]:
    """Reconstruct images, each from its plain, its private and its masked update.

    The masked one has no noise under the mask, so that it is the mask alone that is tried.

    :raises RefusedError: too few images.
    """
    if images < 1 or search.steps < 1 or search.restarts < 1:
        raise UsageError("an inversion needs at least one image, one step and one search")
    source = SecureNoise()
    method = DpSgd()
    constants, classes = method.constants(updates.CONSTANTS), patients.classes
    data = patients.data or synthetic_patients.image_patients(images + DECOYS, constants.image_size, source)
    if len(data.labels) <= images:
        raise RefusedError(
            "a reconstruction is held against other images, and there are none", advice="Give it more images"
        )
    start = updates.later_round(method.starting_model(constants, classes), source)
    noise = claim.noise(method, constants)
    order = np.argsort(source.uniform(len(data.labels)))
    decoys = data.inputs[order[images : images + DECOYS]]
    found, done = [], 0
    for place in order[:images]:
        patient = TrainingData(data.inputs[[place]], data.labels[[place]], np.zeros(1, np.int64))
        plain = updates.plain_update(patient, start, constants, len(classes))
        private = updates.private_update(method, patient, start, constants, classes, noise, engine or source)
        masked = updates.masked_update(plain, method, constants, classes)
        seen: list[Reconstruction] = []
        for update in (plain, private, masked):
            picture, distance = inversion.reconstruct(
                update,
                start,
                constants.network,
                len(classes),
                int(patient.labels[0]),
                constants.image_size,
                source,
                search,
                _further(progress, done, images * 3 * search.restarts),
            )
            done += search.restarts
            seen.append(inversion.compare(picture, distance, patient.inputs[0], decoys))
        found.append(Inverted(patient.inputs[0], *seen))
    return found


def flagged(found: Sequence[Inverted]) -> bool:
    """Whether any image was recognised through the noise or through the mask."""
    return any(one.private.recognised or one.masked.recognised for one in found)


def _further(progress: Progress | None, before: int, total: int) -> Progress | None:
    return (lambda done, _: progress(before + done, total)) if progress else None
