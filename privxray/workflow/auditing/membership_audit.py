"""Membership inference: train on half of the patients, and tell by the loss which half it was.

Tested in tests/cli/test_audit.py.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from privxray.audit import membership, synthetic_patients
from privxray.audit.guessing import toss
from privxray.audit.membership import Membership
from privxray.learning.constants import MethodConstants
from privxray.learning.interface import AnyMethod, Drawing, Task
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore
from privxray.workflow.auditing.audited_patients import AuditedPatients
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.common.callbacks import Progress


def membership_constants(method: AnyMethod) -> MethodConstants:
    """The public constants that membership inference trains by, where no plan has others."""
    return method.constants(membership.OVERRIDES[method.name])


def audit_membership(
    method: AnyMethod, claim: Claim, patients: AuditedPatients, progress: Progress | None = None
) -> Membership:
    """Toss a coin for each patient, train on those who are in, and attack.

    Invented patients have labels by chance, which training can only learn by heart. A public data set keeps
    its own labels.

    :raises RefusedError: too few patients.
    """
    source, classes = SecureNoise(), patients.classes
    constants = membership_constants(method)
    data = patients.data
    if data is None:
        invented = synthetic_patients.patients_for(method, constants, membership.PATIENTS, source)
        data = membership.with_random_labels(invented, len(classes), source)
    elif method.inputs(constants) == "features":
        constants = method.constants({**constants.model_dump(), "feature_dim": data.inputs.shape[1]})
    coins = toss(data.patient_count, source)
    task = Task(constants, classes, method.starting_model(constants, classes))
    with tempfile.TemporaryDirectory() as folder:
        answers = ReleaseStore(Path(folder) / "answers", os.urandom(32))
        drawing = Drawing(claim.noise(method, constants), source, answers, progress)
        scores = membership.train_and_score(method, data, coins, task, drawing)
    return membership.compare(scores, coins, claim)
