"""An audit on own patients from its first step to its report."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from privxray.audit.membership import Membership
from privxray.errors import PrivxrayError
from privxray.learning import methods
from privxray.learning.interface import Task
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.auditing.one_run_audit import AuditSize, OneRunAudit
from privxray.workflow.auditing.outcome import Outcome
from privxray.workflow.auditing.own_patients.attacks import OwnTraining, membership_inference, one_run
from privxray.workflow.auditing.own_patients.finished_audits import (
    FinishedAudit,
    finished_audit,
    keep_outcome,
)
from privxray.workflow.auditing.own_patients.running_audit import RunningAudit, discard, running_folder
from privxray.workflow.auditing.own_patients.terms import OwnAuditKind, Terms, begun_or_new
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.method_inputs import InputForm
from privxray.workflow.common.planned_round import planned_round
from privxray.workflow.common.which_study import newest_round
from privxray.workflow.hospital.data_set import open_dataset, require_patients
from privxray.workflow.ledger.open_ledger import open_ledger
from privxray.workspace.atomic import PRIVATE, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working


@dataclass(frozen=True)
class OwnAuditOrder:
    """What somebody asks for.

    :ivar epsilon: what the audit costs a patient, and the claim that it tries to refute.
    :ivar delta: the plan's where it is None.
    :ivar study: needed only where several are joined.
    :ivar again: pay for it once more, though an audit with the same terms is finished.
    :ivar canaries: the method's default where it is None, like ``guesses``; of a one-run audit only.
    """

    kind: OwnAuditKind
    epsilon: float
    delta: float | None = None
    study: str | None = None
    canaries: int | None = None
    guesses: int | None = None
    again: bool = False


@dataclass(frozen=True)
class OwnAudit:
    """A finished audit, whose report is still to be kept.

    :ivar report: where the report goes.
    :ivar lifetime: what a patient has been charged in all.
    :ivar limit: the hospital's lifetime limit.
    """

    kind: OwnAuditKind
    result: OneRunAudit | Membership
    method: str
    report: Path
    terms: Terms
    claim: Claim
    lifetime: Guarantee
    limit: Guarantee


def audit_own(
    workspace: Workspace,
    order: OwnAuditOrder,
    *,
    features: Progress | None = None,
    steps: Progress | None = None,
) -> OwnAudit | FinishedAudit:
    """Audit the method of a study's plan on the patients that it is trained on; then :func:`keep_report`.

    :param features: told how many features are computed. :param steps: told how many steps are done.
    :returns: the audit; or one with the same terms that was finished before, and then nothing is spent.
    :raises BudgetError: the lifetime limit; nothing was spent. Or a saved answer is gone.
    :raises RefusedError: an audit of this kind was begun with other options, or on other patients; or there
        are too few patients, or more than the plan allows.
    :raises WorkspaceError: no study is joined, or nothing is ingested.
    """
    workspace.require("hospital", "audit --own")
    folder = running_folder(workspace, order.kind)
    with working(workspace) as session:
        round_ = newest_round(session, order.study)
        state, planned = session.state, planned_round(workspace, round_)
        plan = planned.plan
        method = methods.get(plan.method)
        constants = method.constants(plan.constants)
        start = planned.start() or method.starting_model(constants, plan.classes)
        claim = Claim(order.epsilon, plan.delta if order.delta is None else order.delta)
        size = (
            AuditSize.of(method, order.canaries, order.guesses, own=True)
            if order.kind == "one-run"
            else AuditSize(0, 0)
        )
        ledger = open_ledger(session)
        with open_dataset(session, round_.study) as dataset:
            require_patients(session, dataset)
            wanted = Terms(
                run=f"{order.kind}-{secrets.token_hex(6)}",
                study=plan.study_name,
                plan=planned.round.plan,
                data=dataset.fingerprint(),
                epsilon=claim.epsilon,
                delta=claim.delta,
                noise=claim.noise(method, constants),
                canaries=size.canaries,
                guesses=size.guesses,
            )
            begun = (folder / "terms.json").exists()
            before = None if begun or order.again else finished_audit(workspace, wanted)
            if before is not None:
                return before
            audit = RunningAudit(begun_or_new(folder, wanted), folder, ledger, state)
            audit.reserve(method.round_events(constants, audit.terms.noise))
            task = Task(constants, plan.classes, start)
            form = InputForm.of(method, constants, plan.features_by, workspace)
            training = OwnTraining(method, task, form, dataset, features, steps)
            attack = one_run if order.kind == "one-run" else membership_inference
            try:
                result = attack(training, audit)
            except PrivxrayError:
                audit.give_back()
                raise
        audit.end_drawing()
        return OwnAudit(
            kind=order.kind,
            result=result,
            method=method.name,
            report=workspace.audits / f"{audit.terms.run}.html",
            terms=audit.terms,
            claim=claim,
            lifetime=ledger.cost(),
            limit=ledger.limit,
        )


def keep_report(workspace: Workspace, audit: OwnAudit, outcome: Outcome) -> None:
    """Keep the report, and forget the answers. If this is interrupted, the same command does it again."""
    with workspace.locked():
        write_atomic(audit.report, outcome.html().encode(), mode=PRIVATE, overwrite=True)
        keep_outcome(audit.report, audit.terms, outcome)
        discard(running_folder(workspace, audit.kind))
