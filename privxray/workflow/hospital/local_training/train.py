"""Local training with differential privacy: reserve, compute, draw, keep.

The order is what makes it safe to interrupt:

1. the choice (epsilon, noise, a fresh key for the results) is written to the state;
2. the ledger *reserves* the round's events, or refuses and nothing is spent;
3. features are computed, and who is trained on is noted; no noise yet, so the reservation could still be
   withdrawn;
4. the ledger marks the run as *spending*: from here on it stays charged;
5. the method draws noise, saving each noisy answer before it uses it; a second attempt goes on from those;
6. the resulting vector is saved, the ledger marks the run as *released*, the state says ``trained``.

No passphrase is needed: results are encrypted under a key of the round, which the export destroys.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace

from privxray.exchange.messages.plan import PlanHeader
from privxray.learning.data import TrainingData
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.method_inputs import InputForm, training_data
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.hospital.data_set import open_dataset, require_ingested
from privxray.workflow.hospital.local_training.reserve_budget import another_epsilon, choose_epsilon, reserve
from privxray.workflow.hospital.local_training.train_again import cost_of_another, destroy_result
from privxray.workflow.hospital.local_training.training import Training
from privxray.workflow.hospital.open_round import left_out, open_round, too_late
from privxray.workflow.hospital.patients_beyond import patients_beyond
from privxray.workflow.hospital.trained_on import (
    TrainedData,
    note_earlier_trainings,
    note_training,
    trained_data,
)
from privxray.workflow.hospital.training_results import remove_unreadable, saved_vector
from privxray.workflow.ledger.open_ledger import open_ledger
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working
from privxray.workspace.transitions import Event, RoundState

FEW_PATIENTS = 100


@dataclass(frozen=True)
class Trained:
    """The result of a training, in terms of privacy only: no number that depends on the data.

    ``spent`` is what this study has cost a patient so far, at the plan's delta; ``lifetime`` what all studies
    have, at that of the ledger and its ``limit``. For the hospital's own screen are ``few_patients`` and
    ``remarks``, which depend on the number of patients; ``without_features``, on how many images an extractor
    out of a file failed; ``contradicting``, how many images are the same as one with another label; and
    ``data``: what the training saw, and what changed since. ``again`` is what the study would have cost after
    another training; None where this one was just done.
    """

    plan: PlanHeader
    spent: Guarantee
    lifetime: Guarantee
    limit: Guarantee
    few_patients: bool
    without_features: int
    contradicting: int
    already: bool
    data: TrainedData | None
    again: Guarantee | None
    feature_seconds: float
    training_seconds: float
    remarks: tuple[str, ...] = ()


def train(
    workspace: Workspace,
    *,
    epsilon: float | None = None,
    study: str | None = None,
    again: bool = False,
    progress: Progress | None = None,
    feature_progress: Progress | None = None,
) -> Trained:
    """Train for the round that is open here. An interrupted training goes on where it stopped.

    :param epsilon: for one run through all stages, at most the plan's; see
        :func:`~privxray.workflow.hospital.local_training.reserve_budget.choose_epsilon` for the default.
    :param study: which one, where several are joined.
    :param again: destroy a result that was not exported, and train anew; ``epsilon`` has to be given.
    :param progress: told of the training's steps.
    :param feature_progress: told of the images whose features are computed.
    :raises BudgetError: above the plan's epsilon or the lifetime limit; nothing was spent.
    :raises RefusedError: this round was exported already or is opened without this hospital, an interrupted
        training used another epsilon, or the plan's delta promises nothing.
    :raises WorkspaceError: no study is joined, or no data set is ingested.
    """
    from privxray.workflow.hospital.using_model.own_scores import keep_own_scores

    workspace.require("hospital", "train")
    with working(workspace) as session:
        round_ = open_round(session, study)
        plan = load_plan(workspace, round_)
        remove_unreadable(session)
        ledger = open_ledger(session)
        if (round_.state is RoundState.JOINED or again) and left_out(session, round_):
            raise too_late()
        with open_dataset(session, round_.study) as dataset:
            require_ingested(session, dataset, round_.study)
            patients = dataset.patients("train")
            training = Training.of(session, ledger, round_)
            if round_.state is RoundState.TRAINED and not again:
                note_earlier_trainings(session, dataset, round_.study)
                if epsilon not in (None, round_.epsilon):
                    raise another_epsilon(round_)
                keep_own_scores(session, round_, feature_progress)
                return _trained(training, patients, again=cost_of_another(training))
            if round_.state is RoundState.TRAINED:
                training = replace(training, round=destroy_result(training, epsilon))
            form = InputForm.of(training.method, training.task.constants, plan.features_by, workspace)
            form.require_here()
            training = reserve(training, choose_epsilon(epsilon, training))
            started = time.perf_counter()
            data = training_data(dataset, plan.classes, form, "train", feature_progress)
            note_training(session, dataset, training.round)
        computed = time.perf_counter()
        empty = int((~data.inputs.any(axis=1)).sum()) if form.extractor is not None else 0
        _draw(training, data, progress)
        with session.state.transaction():
            session.state.change_round("hospital", training.round, Event.TRAIN)
        shutil.rmtree(training.folder / "steps", ignore_errors=True)
        seconds = (computed - started, time.perf_counter() - computed)
        keep_own_scores(session, session.state.rounds(round_.study)[-1], feature_progress)
        alike = data.alike_under_other_labels()
        return _trained(training, patients, empty=empty, alike=alike, seconds=seconds)


def _draw(training: Training, data: TrainingData, progress: Progress | None) -> None:
    """Steps 4 to 6, up to the ledger's ``released``."""
    ledger, round_, run = training.ledger, training.round, training.run
    if ledger.state(round_.study, run) == "released":
        return  # interrupted between the ledger's last entry and the state's
    training.expect_charged(training.events())
    ledger.begin(round_.study, run)
    result = saved_vector(training.session, round_)
    if result.load(0) is None:
        vector = training.method.train(data, training.task, training.drawing(progress))
        result.save(0, vector)
    ledger.finish(round_.study, run)


def _trained(
    training: Training,
    patients: int,
    *,
    empty: int = 0,
    alike: int = 0,
    again: Guarantee | None = None,
    seconds: tuple[float, float] = (0.0, 0.0),
) -> Trained:
    ledger, plan = training.ledger, training.plan
    return Trained(
        plan=plan,
        spent=ledger.cost(plan.study, plan.delta),
        lifetime=ledger.cost(),
        limit=ledger.limit,
        few_patients=0 < patients < FEW_PATIENTS,
        without_features=empty,
        contradicting=alike,
        already=again is not None,
        data=trained_data(training.session, training.round),
        again=again,
        feature_seconds=seconds[0],
        training_seconds=seconds[1],
        remarks=tuple(patients_beyond(patients, plan, public_keys(training.session.workspace))),
    )
