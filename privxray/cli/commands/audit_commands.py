"""``audit``: a check of the training number by number, and three attacks on it.

Tested in tests/cli/test_audit.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Study
from privxray.cli.options.audit_options import AuditOptions, print_finished, print_outcome
from privxray.cli.options.option_group import takes
from privxray.cli.output import tell
from privxray.errors import RefusedError
from privxray.steps import step

if TYPE_CHECKING:
    from privxray.workflow.auditing.own_patients.audit_own import OwnAuditOrder

MethodName = Annotated[
    Literal["linear-probe", "dp-sgd"],
    typer.Option("--method", help="Which training; --own takes the plan's."),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module as one group."""
    group = typer.Typer(
        name="audit",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Check the training number by number, and attack it: a lower bound on epsilon, membership "
        "inference, gradient inversion.",
        short_help="Check and attack the training, to see what it gives away.",
    )
    group.command()(conformance)
    group.command("one-run")(one_run)
    group.command()(membership)
    group.command()(inversion)
    app.add_typer(group)


@takes("options", AuditOptions)
def conformance(
    *,
    name: MethodName = "linear-probe",
    trainings: Annotated[
        int | None,
        typer.Option(
            "--trainings",
            help="How many; more of them show smaller mistakes.  [default: 5; 2 for dp-sgd]",
            show_default=False,
            min=1,
            max=1000,
        ),
    ] = None,
    options: AuditOptions,
) -> None:
    """Compute every answer again, and test the noise in it."""
    from privxray.learning import methods
    from privxray.workflow.auditing.conformance_audit import (
        TRAININGS,
        audit_conformance,
        conformance_constants,
    )
    from privxray.workflow.auditing.conformance_outcome import conformance_outcome
    from privxray.workflow.auditing.outcome import AuditSubject

    if options.own:
        raise RefusedError(
            "a conformance audit is not done on a hospital's own patients: it looks at exact sums over them",
            reason="audit.conformance-of-own-patients",
            advice="Leave out --own. On invented or public patients the audit runs the same code",
        )
    options.check()
    method, claim = methods.get(name), options.claim()
    patients = options.patients(method, conformance_constants(method))
    number = trainings or TRAININGS[name]
    with step("Training and computing again") as bar:
        found = audit_conformance(method, claim, patients, number, bar)
    options.end(conformance_outcome(found, AuditSubject(name, patients.description)))


@takes("options", AuditOptions)
def one_run(
    *,
    name: MethodName = "linear-probe",
    canaries: Annotated[
        int | None,
        typer.Option(
            "--canaries",
            help="How many.  [default: 4000; 3000 for dp-sgd; with --own 800 and 120]",
            show_default=False,
            min=1,
        ),
    ] = None,
    guesses: Annotated[
        int | None,
        typer.Option(
            "--guesses",
            help="How many of them the attacker guesses: the clearest.  [default: all; half for dp-sgd]",
            show_default=False,
            min=1,
        ),
    ] = None,
    study: Study = None,
    options: AuditOptions,
) -> None:
    """A lower bound on epsilon, from planted canaries."""
    from privxray.learning import methods
    from privxray.workflow.auditing.one_run_audit import AuditSize, audit_one_run, one_run_constants
    from privxray.workflow.auditing.one_run_outcome import one_run_outcome
    from privxray.workflow.auditing.outcome import AuditSubject
    from privxray.workflow.auditing.own_patients.audit_own import OwnAuditOrder

    options.check(study)
    if options.own:
        order = OwnAuditOrder(
            "one-run", options.epsilon, options.delta, study, canaries, guesses, again=options.again
        )
        _audit_own(order, options.as_json)
        return
    method, claim = methods.get(name), options.claim()
    size = AuditSize.of(method, canaries, guesses)
    patients = options.patients(method, one_run_constants(method))
    with step("Training with canaries") as bar:
        audit = audit_one_run(method, claim, patients, size, bar)
    options.end(one_run_outcome(audit, AuditSubject(name, patients.description)))


@takes("options", AuditOptions)
def membership(*, name: MethodName = "dp-sgd", study: Study = None, options: AuditOptions) -> None:
    """Tell by the loss who was trained on (ROC, TPR)."""
    from privxray.learning import methods
    from privxray.workflow.auditing.membership_audit import audit_membership, membership_constants
    from privxray.workflow.auditing.membership_outcome import membership_outcome
    from privxray.workflow.auditing.outcome import AuditSubject
    from privxray.workflow.auditing.own_patients.audit_own import OwnAuditOrder

    options.check(study)
    if options.own:
        order = OwnAuditOrder("membership", options.epsilon, options.delta, study, again=options.again)
        _audit_own(order, options.as_json)
        return
    method, claim = methods.get(name), options.claim()
    patients = options.patients(method, membership_constants(method))
    with step("Training on half of the patients") as bar:
        found = audit_membership(method, claim, patients, bar)
    options.end(membership_outcome(found, AuditSubject(name, patients.description)))


@takes("options", AuditOptions)
def inversion(
    *,
    number: Annotated[int, typer.Option("--number", help="How many images.", min=1, max=20)] = 2,
    steps: Annotated[int, typer.Option("--steps", help="Steps of one search.", min=1, max=100_000)] = 500,
    restarts: Annotated[
        int, typer.Option("--restarts", help="Searches for each picture, from random starts.", min=1, max=100)
    ] = 3,
    options: AuditOptions,
) -> None:
    """Reconstruct images from plain and protected updates."""
    from privxray.audit.inversion import Search
    from privxray.learning import methods
    from privxray.workflow.auditing.inversion_audit import METHOD, audit_inversion, inversion_constants
    from privxray.workflow.auditing.inversion_outcome import inversion_outcome
    from privxray.workflow.auditing.outcome import AuditSubject

    if options.own:
        raise RefusedError(
            "gradient inversion is not done on a hospital's own patients: its report would be pictures of "
            "them, and it needs an update without noise",
            reason="audit.inversion-of-own-patients",
            advice="Leave out --own. On invented or public images the audit tries the same code",
        )
    options.check()
    claim = options.claim()
    patients = options.patients(methods.get(METHOD), inversion_constants())
    search = Search(steps, restarts)
    with step("Searching") as bar:
        found = audit_inversion(claim, patients, number, search, bar)
    options.end(inversion_outcome(found, claim, search, AuditSubject(METHOD, patients.description)))


def _audit_own(order: OwnAuditOrder, as_json: bool) -> None:
    """Audit on own patients, keep the report in the workspace, and say what it was charged."""
    from privxray.audit.membership import Membership
    from privxray.workflow.auditing.membership_outcome import membership_outcome
    from privxray.workflow.auditing.one_run_outcome import one_run_outcome
    from privxray.workflow.auditing.outcome import AuditSubject
    from privxray.workflow.auditing.own_patients.audit_own import audit_own, keep_report
    from privxray.workflow.auditing.own_patients.finished_audits import FinishedAudit

    workspace = current_workspace()
    with step("Computing features") as features, step("Training") as steps:
        audit = audit_own(workspace, order, features=features, steps=steps)
    if isinstance(audit, FinishedAudit):
        print_finished(audit, as_json=as_json)
        return
    subject = AuditSubject(audit.method, "this hospital's own patients", inside=True)
    if isinstance(audit.result, Membership):
        outcome = membership_outcome(audit.result, subject)
    else:
        outcome = one_run_outcome(audit.result, subject)
    keep_report(workspace, audit, outcome)
    tell(
        f"Charged like a training of epsilon {audit.claim.epsilon:g}: lifetime {audit.lifetime} of "
        f"{audit.limit.epsilon:g}. The report stays in {audit.report}. Neither the report nor these figures "
        "carry privacy noise; do not pass them on."
    )
    lifetime = {
        "epsilon": audit.lifetime.epsilon,
        "limit": audit.limit.epsilon,
        "delta": audit.lifetime.delta,
    }
    print_outcome(outcome, as_json=as_json, more={"report": str(audit.report), "lifetime": lifetime})
