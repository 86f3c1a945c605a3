"""The two attacks on own patients: each goes on from what was planted and drawn before it was interrupted.

Tested in tests/cli/test_audit.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from privxray.audit import membership
from privxray.audit.canaries import Planted
from privxray.audit.canary_kinds import canaries_of
from privxray.audit.guessing import toss
from privxray.audit.membership import Membership
from privxray.imaging.data_set.dataset import Dataset
from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod, Drawing, Task
from privxray.privacy.noise import SecureNoise
from privxray.workflow.auditing.one_run_audit import OneRunAudit, judged
from privxray.workflow.auditing.own_patients.running_audit import RunningAudit
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.method_inputs import InputForm, training_data


@dataclass(frozen=True)
class OwnTraining:
    """What a hospital would train: its plan's method on its training patients.

    :ivar task: what the plan fixes, with the model that the round starts from.
    :ivar form: how the method takes images.
    :ivar features: told how many features are computed.
    :ivar steps: told how many steps are done.
    """

    method: AnyMethod
    task: Task[MethodConstants]
    form: InputForm
    dataset: Dataset
    features: Progress | None
    steps: Progress | None

    def patients(self) -> TrainingData:
        """The training patients, in the form that the method trains on."""
        return training_data(self.dataset, self.task.classes, self.form, "train", self.features)


def one_run(training: OwnTraining, audit: RunningAudit) -> OneRunAudit:
    """Plant canaries among the patients, train, and guess which of them were in.

    :raises UsageError: more canaries than can be told apart; nothing was drawn.
    :raises BudgetError: an answer that was saved is gone.
    """
    method, task, source = training.method, training.task, SecureNoise()
    kind, kept = canaries_of(method), audit.planted()
    saved = kept.load(0)
    if saved is None:
        patients, classes = training.patients(), len(task.classes)
        planted = kind.plant(patients, task.constants, classes, audit.terms.canaries, source)
        kept.save(0, planted.to_arrays())
    else:
        planted = Planted.from_arrays(saved)
    task, answers = replace(task, constants=kind.fitting(task.constants, planted)), audit.answers()
    audit.begin_drawing()
    planted.train(method, task, Drawing(audit.terms.noise, source, answers, training.steps))
    scores = kind.scores(planted, task, answers)
    guesses, claim = audit.terms.guesses, audit.terms.claim
    return judged(method, task.constants, scores, planted.coins, guesses, claim)


def membership_inference(training: OwnTraining, audit: RunningAudit) -> Membership:
    """Train on half of the patients, and tell by the loss which half it was.

    :raises RefusedError: too few patients; nothing was drawn.
    :raises BudgetError: an answer that was saved is gone.
    """
    source, data, kept = SecureNoise(), training.patients(), audit.planted()
    saved = kept.load(0)
    if saved is None:
        coins = toss(data.patient_count, source)
        membership.members_of(data, coins)  # refuses too few patients before anything is drawn
        kept.save(0, {"coins": coins.astype(np.uint8)})
    else:
        coins = saved["coins"].astype(bool)
    drawing = Drawing(audit.terms.noise, source, audit.answers(), training.steps)
    audit.begin_drawing()
    scores = membership.train_and_score(training.method, data, coins, training.task, drawing)
    return membership.compare(scores, coins, audit.terms.claim)
