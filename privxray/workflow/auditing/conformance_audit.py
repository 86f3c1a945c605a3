"""The conformance audit: whether training does, number by number, what the proofs assume.

Tested in tests/unit/test_audit_conformance.py and tests/cli/test_audit.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from privxray.audit.conformance.awkward_patients import awkward_patients
from privxray.audit.conformance.conform import ConformanceOrder, conform
from privxray.audit.conformance.verdict import Conformance
from privxray.learning.constants import MethodConstants
from privxray.learning.interface import AnyMethod, Task, Tensors
from privxray.privacy.noise import NoiseSource, SecureNoise
from privxray.workflow.auditing.audited_patients import AuditedPatients
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.common.callbacks import Progress

TRAININGS: Mapping[str, int] = {"linear-probe": 5, "dp-sgd": 2}
"""How many trainings an audit holds against a second computation where nobody says."""

# With fewer, the noisy centre of the linear probe would be shrunk to zero, and never used.
_PATIENTS: Mapping[str, int] = {"linear-probe": 240, "dp-sgd": 24}
_CONSTANTS: Mapping[str, Mapping[str, object]] = {
    # Small images, half of the patients in each step, two views of each image, and short steps, so that
    # weights stay where gradients are longer than the clip.
    "dp-sgd": {
        "image_size": 16,
        "sampling_rate": 0.5,
        "steps": 8,
        "views": 2,
        "expected_batch_size": 12.0,
        "learning_rate": 0.02,
    },
}


def conformance_constants(method: AnyMethod) -> MethodConstants:
    """The public constants that a conformance audit trains by: the recipe of new plans, or a small case."""
    return method.constants(_CONSTANTS.get(method.name, method.recipe))


def audit_conformance(
    method: AnyMethod,
    claim: Claim,
    patients: AuditedPatients,
    trainings: int,
    progress: Progress | None = None,
    source: NoiseSource | None = None,
) -> Conformance:
    """Train several times, compute every exact answer again, and test what is left.

    :param trainings: how many, >= 1.
    :param source: what the trainings draw from; only tests give one.
    """
    secure, constants, data = SecureNoise(), conformance_constants(method), patients.data
    if data is None:
        data = awkward_patients(method, constants, _PATIENTS[method.name], secure)
    elif method.inputs(constants) == "features":
        constants = method.constants({**constants.model_dump(), "feature_dim": data.inputs.shape[1]})
    start = _start(method, constants, patients, secure)
    order = ConformanceOrder(claim, claim.noise(method, constants), trainings)
    task = Task(constants, patients.classes, start)
    return conform(method, data, task, order, source or secure, progress)


def _start(
    method: AnyMethod, constants: MethodConstants, patients: AuditedPatients, source: NoiseSource
) -> Tensors:
    """The model that the trainings start from, with a head that is not zero: so all layers have gradients."""
    start = method.starting_model(constants, patients.classes)
    if not start:
        return start
    from privxray.audit.patient_updates import later_round

    return later_round(start, source)
