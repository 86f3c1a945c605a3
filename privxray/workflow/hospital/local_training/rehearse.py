"""``train --dry-run``: what a training would be, before anything is spent. Nothing is changed.

Minutes are measured on this machine: features on a few of the hospital's own images, training on made-up
numbers of the same form, so that no noise is drawn for a patient.

Tested in tests/cli/test_rehearsal.py.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.errors import BudgetError
from privxray.exchange.messages.plan import PlanHeader
from privxray.privacy.accountant import guarantee
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.method_inputs import InputForm, feature_source
from privxray.workflow.hospital.data_set import open_dataset, require_ingested
from privxray.workflow.hospital.local_training.reserve_budget import (
    another_epsilon,
    choose_epsilon,
    what_is_left,
)
from privxray.workflow.hospital.local_training.training import Training
from privxray.workflow.hospital.open_round import left_out, open_round, too_late
from privxray.workflow.ledger.open_ledger import open_ledger
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working
from privxray.workspace.transitions import RoundState

if TYPE_CHECKING:
    from privxray.evaluation.measured_accuracy import Expected
    from privxray.imaging.data_set.dataset import Dataset

_TIMED_IMAGES = 8
_TIMED_PATIENTS = 64


@dataclass(frozen=True)
class Rehearsal:
    """What ``train`` would do, for the hospital's own screen.

    :ivar counts: by split and label: images and patients.
    :ivar patients: who would be trained on. :ivar most: the plan's ``n_max``.
    :ivar held_out: patients of the other splits. They are not trained on.
    :ivar steps: of one round. :ivar rounds: that are left, with this one.
    :ivar missing: images whose features are not computed yet.
    :ivar seconds: that features and training would take here.
    :ivar epsilon: what the study would be limited to.
    :ivar study: what it would have cost a patient after all its rounds.
    :ivar lifetime: the same of all studies. :ivar limit: the ledger's.
    :ivar expected: None for a method or an extractor that nothing was measured with.
    :ivar trained: the round is trained already; another training would need ``--again``.
    """

    plan: PlanHeader
    counts: Mapping[tuple[str, str], tuple[int, int]]
    patients: int
    most: int
    held_out: int
    steps: int
    rounds: int
    missing: int
    seconds: float
    epsilon: float
    study: Guarantee
    lifetime: Guarantee
    limit: Guarantee
    expected: Expected | None
    trained: bool


def rehearse(
    workspace: Workspace, *, epsilon: float | None = None, study: str | None = None, again: bool = False
) -> Rehearsal:
    """Say what ``train`` with the same arguments would do. It refuses what that would refuse.

    :param again: as if the round were trained once more.
    :raises BudgetError: above the plan's epsilon or the lifetime limit; it says what is possible.
    :raises RefusedError: as ``train`` would, and where the round is trained with another epsilon.
    :raises WorkspaceError: no study is joined, or no data set is ingested.
    """
    workspace.require("hospital", "train")
    with working(workspace) as session:
        round_ = open_round(session, study)
        if round_.state is RoundState.JOINED and left_out(session, round_):
            raise too_late()
        training = Training.of(session, open_ledger(session), round_)
        trained = round_.state is RoundState.TRAINED
        if trained and not again and epsilon not in (None, round_.epsilon):
            raise another_epsilon(round_)
        with open_dataset(session, round_.study) as dataset:
            require_ingested(session, dataset, round_.study)
            patients = dataset.patients("train")
            form = InputForm.of(
                training.method, training.task.constants, training.plan.features_by, workspace
            )
            form.require_here()
            chosen, charged = _charge(training, epsilon, trained=trained and not again)
            missing, features = _feature_seconds(dataset, form)
            counts, everybody = dataset.counts(), dataset.patients()
        fitting = 0.0 if trained and not again else _training_seconds(training, form, patients)
        return Rehearsal(
            plan=training.plan,
            counts=counts,
            patients=patients,
            most=training.task.constants.n_max,
            held_out=everybody - patients,
            steps=getattr(training.task.constants, "steps", 1),
            rounds=training.remaining().rounds,
            missing=missing,
            seconds=features + fitting,
            epsilon=chosen,
            study=guarantee([*training.ledger.events(training.plan.study), *charged], training.plan.delta),
            lifetime=guarantee([*training.ledger.events(), *charged], training.ledger.limit.delta),
            limit=training.ledger.limit,
            expected=_expected(training, chosen, patients),
            trained=trained and not again,
        )


def _charge(training: Training, asked: float | None, *, trained: bool) -> tuple[float, list[Event]]:
    """The study's epsilon, and what the rounds that are left would add to what is charged.

    :raises BudgetError: the plan or the lifetime limit does not allow it.
    :raises RefusedError: noise was drawn already with another epsilon.
    """
    ledger, round_ = training.ledger, training.round
    remaining = training.remaining()
    if trained and round_.epsilon is not None:
        later = remaining.rounds - 1
        return round_.epsilon, later * training.events()
    chosen = choose_epsilon(asked, training)
    charged = ledger.state(round_.study, training.run)
    if charged is not None and round_.epsilon == chosen:
        return chosen, (remaining.rounds - 1) * training.events()
    if charged not in (None, "reserved", "released"):
        raise another_epsilon(round_)
    noise = remaining.noise(chosen)
    try:
        ledger.expect_room(training.method.round_events(training.task.constants, noise))
    except BudgetError as refusal:
        refusal.advice = what_is_left(training)
        raise
    return chosen, remaining.events(noise)


def _feature_seconds(dataset: Dataset, form: InputForm) -> tuple[int, float]:
    """How many images have no features yet, and how long theirs would take here."""
    if form.extractor is None:
        return 0, 0.0
    source = feature_source(form)
    kept = dataset.has_features(source.name)
    missing = list(dict.fromkeys(e.content for e in dataset.entries() if e.content not in kept))
    if not missing:
        return 0, 0.0
    import numpy as np

    pixels = np.stack([dataset.pixels(content) for content in missing[:_TIMED_IMAGES]])
    with source.opened() as extract:
        extract(pixels[:1])  # what the first image takes longer is no measure of the others
        started = time.perf_counter()
        extract(pixels)
        seconds = time.perf_counter() - started
    return len(missing), seconds * len(missing) / len(pixels)


def _training_seconds(training: Training, form: InputForm, patients: int) -> float:
    """How long one round's training would take here, by training on made-up images of the same form."""
    import numpy as np

    from privxray.learning.data import TrainingData
    from privxray.learning.interface import Drawing
    from privxray.privacy.noise import SecureNoise
    from privxray.privacy.releases import ReleaseStore

    number = max(1, min(patients, _TIMED_PATIENTS))
    constants, factor = training.task.constants, patients / number
    rate = getattr(constants, "sampling_rate", None)
    if rate is not None:  # steps that see a part of the patients: one that sees all of a few
        factor *= rate * getattr(constants, "steps", 1)
        constants = constants.model_copy(update={"steps": 1, "sampling_rate": 1.0})
    shape = (number, form.size) if form.extractor is not None else (number, form.size, form.size)
    drawn = np.frombuffer(os.urandom(int(np.prod(shape))), np.uint8).reshape(shape)
    inputs = drawn if form.extractor is None else drawn.astype(np.float32) + 1
    labels = np.arange(number) % len(training.plan.classes)
    data = TrainingData(inputs, labels, np.arange(number))
    with tempfile.TemporaryDirectory() as folder:
        store = ReleaseStore(Path(folder) / "steps", os.urandom(32))
        started = time.perf_counter()
        task = replace(training.task, constants=constants)
        training.method.train(data, task, Drawing(1.0, SecureNoise(), store))
        return factor * (time.perf_counter() - started)


def _expected(training: Training, epsilon: float, patients: int) -> Expected | None:
    from privxray.evaluation.measured_accuracy import expected, measured_method
    from privxray.workflow.common.method_inputs import built_in

    plan = training.plan
    if plan.method != measured_method() or plan.extractor != built_in("features"):
        return None
    return expected(len(plan.hospitals), max(1, patients), epsilon)
