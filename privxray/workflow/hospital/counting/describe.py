"""``describe``: how many patients the data set has by class, age and sex, alone or as a part of a sum.

A patient is in one cell, whatever the number of images, so the sensitivity is 1 in the Euclidean norm.

Tested in tests/cli/test_tasks.py and tests/unit/test_patient_counts.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.labelling.patient_traits import AGE_BANDS, SEXES
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.which_study import newest_round
from privxray.workflow.hospital.counting.contribution import (
    Contributed,
    Counts,
    contribute,
    contributed,
    open_contribution,
    reserve_answer,
)
from privxray.workflow.hospital.counting.patient_classes import classes_of_patients
from privxray.workflow.hospital.data_set import open_dataset, require_ingested
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working
from privxray.workspace.transitions import RoundState


@dataclass(frozen=True)
class OwnCounts:
    """Exact counts of this hospital's patients, for its own screen only.

    :ivar counts: [K, bands + 1, sexes + 1]; the last cells are for what is not known.
    """

    study: str
    classes: tuple[str, ...]
    counts: Counts


def own_counts(workspace: Workspace, *, study: str | None = None) -> OwnCounts:
    """Count the patients of the data set, whatever their split; nothing is spent and nothing leaves.

    :raises WorkspaceError: no study is joined, or no data set is ingested.
    """
    workspace.require("hospital", "describe")
    with working(workspace) as session:
        round_ = newest_round(session, study)
        plan = load_plan(workspace, round_)
        with open_dataset(session, round_.study) as dataset:
            require_ingested(session, dataset, round_.study)
            return OwnCounts(round_.study, plan.classes, patient_counts(dataset, plan.classes))


def describe_patients(
    workspace: Workspace, *, study: str | None = None, epsilon: float | None = None
) -> Contributed:
    """Count the patients with noise, for the open round. An interrupted call goes on where it stopped.

    :param epsilon: as it was typed; it can only be the plan's.
    :param study: which one, where several are joined.
    :raises BudgetError: the lifetime limit; nothing was spent.
    :raises RefusedError: the plan is for another task, or the round is exported already.
    :raises UsageError: another epsilon than the plan's was typed.
    :raises WorkspaceError: no study is joined, or no data set is ingested.
    """
    workspace.require("hospital", "describe --contribute")
    with working(workspace) as session:
        paid = open_contribution(session, "describe", study=study, epsilon=epsilon)
        with open_dataset(session, paid.round.study) as dataset:
            require_ingested(session, dataset, paid.round.study)
            exact = patient_counts(dataset, paid.plan.classes)
            patients = {entry.patient for entry in dataset.entries()}
        if paid.round.state is RoundState.TRAINED:
            return contributed(paid, len(patients), already=True)
        return contribute(reserve_answer(paid), exact, patients)


def patient_counts(dataset: Dataset, classes: Sequence[str]) -> Counts:
    """How many patients there are by class, band of age and sex: [K, bands + 1, sexes + 1].

    :raises WorkspaceError: an image has a label that the study does not know.
    """
    ages, sexes = dataset.traits("age"), dataset.traits("sex")
    counts = np.zeros((len(classes), len(AGE_BANDS) + 1, len(SEXES) + 1))
    for patient, number in classes_of_patients(dataset.entries(), classes).items():
        counts[number, _place(ages.get(patient), AGE_BANDS), _place(sexes.get(patient), SEXES)] += 1
    return counts


def _place(value: str | None, names: Sequence[str]) -> int:
    return names.index(value) if value in names else len(names)
