"""Whether this version of privxray would train what a plan describes, before anything is charged for it.

Tested in tests/attacks/test_masks_and_plans.py and tests/cli/test_ledger.py.
"""

from __future__ import annotations

from privxray.errors import RefusedError
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.formats.extractor_file import ExtractorFile
from privxray.formats.features import BOUND_PROOFS
from privxray.formats.tensors import same_form, unpack
from privxray.imaging.labelling.patient_traits import AGE_BANDS, SEXES
from privxray.learning import methods
from privxray.learning.constants import MethodConstants
from privxray.learning.interface import AnyMethod
from privxray.privacy.guarantee import promises_something
from privxray.workflow.common.method_inputs import InputForm, feature_source, is_of_kind
from privxray.workspace.folder import Workspace


def check_trainable(workspace: Workspace, plan: PlanHeader, body: bytes) -> None:
    """Check a plan's method, constants and starting model against this version.

    :param body: the plan's body: its starting model, or empty.
    :raises UsageError: a method or a constant that does not exist here.
    :raises RefusedError: the plan's delta promises nothing, the constants give another vector, the extractor
        is another one, or the starting model is not what the method starts from.
    :raises WorkspaceError: the extractor is a file that this workspace does not have.
    :raises MalformedError: that file was altered.
    """
    method = methods.get(plan.method)
    constants = method.constants(plan.constants)
    if plan.size_bound is None and not promises_something(plan.delta, constants.n_max):
        raise RefusedError(
            f"the plan's delta {plan.delta:g} promises nothing to one patient of {constants.n_max:,}, its "
            "constant n_max",
            reason="plan.delta-too-large",
            advice="Ask the coordinator for a plan with a smaller delta",
        )
    _check_counted(plan)
    if not (_same_terms(plan, method, constants) and _same_start(plan, body, method, constants)):
        raise RefusedError(
            "this version of privxray would not train what the plan describes",
            reason="plan.other-version",
            advice="Install the version that the coordinator uses (privxray inspect FILE names it)",
        )
    _check_extractor(InputForm.of(method, constants, plan.features_by, workspace))


def _check_counted(plan: PlanHeader) -> None:
    """A plan that describes patients asks for what the data set keeps of them.

    :raises RefusedError: it asks for other bands of age, or sexes.
    """
    if plan.its_task == "describe" and (plan.age_bands, plan.sexes) != (AGE_BANDS, SEXES):
        raise RefusedError(
            "the plan counts patients by bands of age or sexes that this version of privxray does not keep",
            reason="plan.other-bands",
            advice="Install the version that the coordinator uses (privxray inspect FILE names it)",
        )


def _check_extractor(form: InputForm) -> None:
    """An extractor out of a file is here, and reads as the plan says; it is started once, on no image."""
    if isinstance(form.extractor, ExtractorFile):
        with feature_source(form).opened():
            pass


def _same_terms(plan: PlanHeader, method: AnyMethod, constants: MethodConstants) -> bool:
    return (
        constants.stated() == plan.constants
        and (plan.its_task in COUNTED or _same_vector(plan, method, constants))
        and is_of_kind(plan.features_by, method.inputs(constants))
        and InputForm.of(method, constants, plan.features_by).is_known()
    )


def _same_vector(plan: PlanHeader, method: AnyMethod, constants: MethodConstants) -> bool:
    bounds = method.bounds(constants) if BOUND_PROOFS in plan.features and plan.its_task == "train" else None
    vector = (tuple(method.manifest(constants, plan.classes)), method.modulus_bits, bounds)
    return vector == (plan.manifest, plan.modulus_bits, plan.bounds)


def _same_start(plan: PlanHeader, body: bytes, method: AnyMethod, constants: MethodConstants) -> bool:
    """Whether the starting model has the right form and, where it is built in, the right numbers."""
    start = unpack(body) if body else {}
    if plan.carries_model:
        return same_form(start, methods.model_form(method, constants, plan.classes))
    expected = method.starting_model(constants, plan.classes)
    if not same_form(start, expected):
        return False
    if method.starts_from_file(constants):
        return True
    return all((start[name] == expected[name]).all() for name in expected)
