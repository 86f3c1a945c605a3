"""Local training with differential privacy: reserve, compute, draw, keep.

The order is what makes it safe to interrupt:

1. the choice (epsilon, noise, a fresh key for the results) is written to the state;
2. the ledger *reserves* the round's events, or refuses and nothing is spent;
3. features are computed; no noise yet, so the reservation could still be withdrawn;
4. the ledger marks the run as *spending*: from here on it stays charged;
5. the method draws noise, saving each noisy answer before it uses it; a second attempt goes on from those;
6. the resulting vector is saved, the ledger marks the run as *released*, the state says ``trained``.

No passphrase is needed: results rest under a key of the round, which the export destroys.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privxray.errors import BudgetError, MalformedError, RefusedError, WorkspaceError
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.tensors import unpack
from privxray.learning import methods
from privxray.learning.data import TrainingData
from privxray.learning.interface import Drawing, Task
from privxray.privacy.events import merge
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore
from privxray.workflow.common.method_inputs import training_data
from privxray.workflow.common.session import Progress, left_out, read_plan, the_study, tidy, too_late
from privxray.workflow.hospital.ingest_images import open_dataset, require_patients
from privxray.workflow.hospital.release_witness import SavedAnswers
from privxray.workflow.hospital.reserve_budget import (
    another_epsilon,
    choose_epsilon,
    open_ledger,
    refuse_too_many,
    reserve,
    round_folder,
)
from privxray.workflow.hospital.runs import run_name
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import Event, RoundState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod

FEW_PATIENTS = 100


@dataclass(frozen=True)
class Trained:
    """The result of a training, in terms of privacy only: no number that depends on the data.

    ``spent`` is what this study has cost a patient so far, at the plan's delta; ``lifetime`` what all studies
    have, at that of the ledger and its ``limit``. ``few_patients`` is for the hospital's own screen.
    """

    plan: PlanHeader
    spent: Guarantee
    lifetime: Guarantee
    limit: Guarantee
    few_patients: bool
    already: bool
    feature_seconds: float
    training_seconds: float


def train(
    workspace: Workspace,
    *,
    epsilon: float | None = None,
    study: str | None = None,
    progress: Progress | None = None,
    feature_progress: Progress | None = None,
) -> Trained:
    """Train for the round that is open here.

    :param epsilon: for one run through all stages, at most the plan's; see
        :func:`~privxray.workflow.hospital.reserve_budget.choose_epsilon` for the default.
    :raises BudgetError: above the plan's epsilon or the lifetime limit; nothing was spent.
    :raises RefusedError: this round was exported already or is opened without this hospital, an interrupted
        training used another epsilon, or there are more patients than the plan's ``n_max``.
    :raises WorkspaceError: nothing is joined, or no data set is ingested.
    """
    workspace.require("hospital", "train")
    with workspace.locked(), State(workspace.state_path) as state:
        round_ = open_round(workspace, state, study)
        plan, file = read_plan(workspace, round_)
        tidy(workspace, state)
        ledger = open_ledger(workspace, state)
        if round_.state is RoundState.JOINED and left_out(workspace, state, round_):
            raise too_late()
        with open_dataset(workspace, state) as dataset:
            require_patients(workspace, dataset)
            few = dataset.patients("train") < FEW_PATIENTS
            if round_.state is RoundState.TRAINED:
                if epsilon not in (None, round_.epsilon):
                    raise another_epsilon(round_)
                return _outcome(ledger, plan, few=few, already=True)
            method = methods.get(plan.method)
            constants = method.constants(plan.constants)
            refuse_too_many(dataset.patients("train"), constants.n_max, plan, ledger)
            chosen = choose_epsilon(epsilon, plan, state, ledger, round_)
            start = unpack(file.body()) if plan.body.length else {}
            round_ = reserve(state, ledger, method, constants, plan, round_, chosen)
            started = time.perf_counter()
            data = training_data(dataset, plan.classes, method, constants, "train", feature_progress)
        computed = time.perf_counter()
        _draw(workspace, state, ledger, method, constants, plan, round_, data, start, progress)
        with state.transaction():
            state.change_round("hospital", round_, Event.TRAIN)
        shutil.rmtree(round_folder(workspace, round_) / "steps", ignore_errors=True)
        seconds = (computed - started, time.perf_counter() - computed)
        return _outcome(ledger, plan, few=few, already=False, seconds=seconds)


def open_round(workspace: Workspace, state: State, study: str | None) -> Round:
    """The round that training and export are about.

    :raises RefusedError: it was exported.
    """
    round_ = state.last_round(the_study(workspace, state, study))
    assert round_ is not None  # a study is recorded together with its first round
    if not round_.state.inside:
        raise RefusedError(
            f"round {round_.number} is exported already, and a round is trained once",
            advice="Carry the update to the coordinator, and type privxray accept FILE when the answer comes",
        )
    return round_


def trained_vector(workspace: Workspace, round_: Round) -> dict[str, NDArray[np.float64]]:
    """The noisy vector that training made and that has not been exported.

    :raises WorkspaceError: there is none yet.
    """
    if round_.state is not RoundState.TRAINED or round_.vector_key is None:
        raise WorkspaceError(
            f"round {round_.number} is not trained yet",
            file=workspace.root,
            advice="Type: privxray train",
        )
    vector = ReleaseStore(round_folder(workspace, round_) / "vector", round_.vector_key).load(0)
    if vector is None:  # it was saved before the state said trained
        raise MalformedError(
            f"the training result of round {round_.number} is gone",
            file=round_folder(workspace, round_),
            advice="Restore this folder from a backup; it can't be made again without paying again",
        )
    return vector


def _draw(
    workspace: Workspace,
    state: State,
    ledger: Ledger,
    method: AnyMethod,
    constants: MethodConstants,
    plan: PlanHeader,
    round_: Round,
    data: TrainingData,
    start: Mapping[str, NDArray[Any]],
    progress: Progress | None,
) -> None:
    """Steps 4 to 6, up to the ledger's ``released``."""
    run = run_name(state, round_)
    if ledger.state(round_.study, run) == "released":
        return  # interrupted between the ledger's last entry and the state's
    assert round_.vector_key is not None
    assert round_.noise is not None
    if ledger.events(round_.study, run) != merge(method.round_events(constants, round_.noise)):
        raise BudgetError(
            "what this training would draw is not what the privacy ledger was charged; nothing was drawn",
            advice="The workspace was altered: restore state.db and ledger.db from one backup",
        )
    ledger.begin(round_.study, run)
    result = ReleaseStore(round_folder(workspace, round_) / "vector", round_.vector_key)
    if result.load(0) is None:
        folder = round_folder(workspace, round_) / "steps"
        advice = "Restore the folder from a backup, or have the round planned and paid anew"
        witness = SavedAnswers(state, round_.study, round_.trained_in, advice)
        steps = ReleaseStore(folder, round_.vector_key, witness)
        task = Task(constants, plan.classes, start)
        vector = method.train(data, task, Drawing(round_.noise, SecureNoise(), steps, progress))
        result.save(0, vector)
    ledger.finish(round_.study, run)


def _outcome(
    ledger: Ledger,
    plan: PlanHeader,
    *,
    few: bool,
    already: bool,
    seconds: tuple[float, float] = (0.0, 0.0),
) -> Trained:
    return Trained(
        plan=plan,
        spent=ledger.cost(plan.study, plan.delta),
        lifetime=ledger.cost(),
        limit=ledger.limit,
        few_patients=few,
        already=already,
        feature_seconds=seconds[0],
        training_seconds=seconds[1],
    )
