"""``audit one-run``, ``membership`` and ``inversion``: attacks on the engine, and what they show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.options import Force, Json, Study
from privxray.cli.output import emit, progress, table, tell
from privxray.errors import FindingsError, RefusedError, UsageError

if TYPE_CHECKING:
    from privxray.workflow.auditing.audit_engine import Patients
    from privxray.workflow.auditing.audit_outcome import Told
    from privxray.workflow.auditing.audit_own_patients import Kind

Epsilon = Annotated[
    float, typer.Option("--epsilon", help="The claim that is tried: what a patient is promised.")
]
Delta = Annotated[
    float | None,
    typer.Option(
        "--delta", help="Of that claim.  [default: 1e-05; with --own the plan's]", show_default=False
    ),
]
MethodName = Annotated[
    Literal["linear-probe", "dp-sgd"], typer.Option("--method", help="Which engine; --own takes the plan's.")
]
Public = Annotated[
    Path | None,
    typer.Option(
        "--public",
        help="A public data set: a csv with image, patient, label.  [default: invented patients]",
        show_default=False,
    ),
]
Images = Annotated[
    Path | None,
    typer.Option("--images", help="The images' folder, if not beside the csv.", show_default=False),
]
Own = Annotated[
    bool,
    typer.Option(
        "--own", help="Audit on this hospital's own patients: charged like a training, kept inside."
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="FILE", help="Write a page with figures and pictures.", show_default=False
    ),
]

_DELTA = 1e-5


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module as one group."""
    group = typer.Typer(
        name="audit",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Attack the engine: a lower bound on epsilon, membership inference, gradient inversion.",
    )
    group.command("one-run")(one_run)
    group.command()(membership)
    group.command()(inversion)
    app.add_typer(group)


def one_run(
    epsilon: Epsilon = 1.0,
    delta: Delta = None,
    method: MethodName = "linear-probe",
    canaries: Annotated[
        int | None,
        typer.Option(
            "--canaries", help="How many.  [default: 800; 120 for dp-sgd]", show_default=False, min=1
        ),
    ] = None,
    guesses: Annotated[
        int | None,
        typer.Option(
            "--guesses",
            help="How many of them are guessed, the clearest.  [default: all; half for dp-sgd]",
            show_default=False,
            min=1,
        ),
    ] = None,
    public: Public = None,
    images: Images = None,
    own: Own = False,
    study: Study = None,
    report: Report = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """A lower bound on epsilon, from planted canaries."""
    from privxray.workflow.auditing import audit_engine, audit_outcome

    _require_one_source(public, images, own, study, report)
    if own:
        _audit_own("one-run", epsilon, delta, study, canaries, guesses, as_json)
        return
    _require_free(report, force)
    claim = audit_engine.Claim(epsilon, _DELTA if delta is None else delta)
    patients = _patients(public, images, "one-run", method)
    with progress("Training with canaries") as bar:
        audit = audit_engine.audit_one_run(
            method, claim, patients, canaries=canaries, guesses=guesses, progress=bar
        )
    _tell(audit_outcome.one_run(audit, method, patients.words), report, force, as_json)


def membership(
    epsilon: Epsilon = 1.0,
    delta: Delta = None,
    method: MethodName = "dp-sgd",
    public: Public = None,
    images: Images = None,
    own: Own = False,
    study: Study = None,
    report: Report = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Tell by the loss who was trained on (ROC, TPR)."""
    from privxray.workflow.auditing import audit_engine, audit_outcome

    _require_one_source(public, images, own, study, report)
    if own:
        _audit_own("membership", epsilon, delta, study, None, None, as_json)
        return
    _require_free(report, force)
    claim = audit_engine.Claim(epsilon, _DELTA if delta is None else delta)
    patients = _patients(public, images, "membership", method)
    with progress("Training on half of the patients") as bar:
        found = audit_engine.audit_membership(method, claim, patients, progress=bar)
    _tell(audit_outcome.membership(found, method, patients.words), report, force, as_json)


def inversion(
    epsilon: Epsilon = 1.0,
    delta: Delta = None,
    number: Annotated[int, typer.Option("--number", help="How many images.", min=1, max=20)] = 2,
    steps: Annotated[int, typer.Option("--steps", help="Steps of one search.", min=1, max=100_000)] = 500,
    restarts: Annotated[
        int, typer.Option("--restarts", help="Searches for each picture, from random starts.", min=1, max=100)
    ] = 3,
    public: Public = None,
    images: Images = None,
    own: Own = False,
    report: Report = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Reconstruct images from plain and protected updates."""
    from privxray.audit.inversion import Search
    from privxray.workflow.auditing import audit_engine, audit_outcome

    if own:
        raise RefusedError(
            "gradient inversion is not done on a hospital's own patients: its report would be pictures of "
            "them, and it needs an update without noise",
            advice="Leave --own away: invented or public images show the same engine",
        )
    _require_one_source(public, images, own, None, report)
    _require_free(report, force)
    claim = audit_engine.Claim(epsilon, _DELTA if delta is None else delta)
    patients = _patients(public, images, "inversion", "dp-sgd")
    search = Search(steps, restarts)
    with progress("Searching") as bar:
        found = audit_engine.audit_inversion(claim, patients, images=number, search=search, progress=bar)
    _tell(audit_outcome.inversion(found, claim, search, patients.words), report, force, as_json)


def _require_one_source(
    public: Path | None, images: Path | None, own: bool, study: str | None, report: Path | None
) -> None:
    if own and public:
        raise UsageError("an audit is on public patients (--public) or on your own (--own), not on both")
    if own and report:
        raise UsageError(
            "the report of an audit on your own patients stays in the workspace",
            advice="Leave --report away; the command says where it is",
        )
    if study and not own:
        raise UsageError("--study says whose plan --own takes, and means nothing without it")
    if images and not public:
        raise UsageError("--images is the folder of --public's csv, and means nothing without it")


def _require_free(report: Path | None, force: bool) -> None:
    """Say before a long search, and not after it, that the report has no place."""
    if report is not None and report.exists() and not force:
        raise RefusedError(
            "the file that --report names is there", advice="Name another one, or replace it with --force"
        )


def _patients(public: Path | None, images: Path | None, kind: str, method: str) -> Patients:
    if public is None:
        from privxray.workflow.auditing.audit_engine import INVENTED

        return INVENTED
    from privxray.workflow.auditing.public_patients import read_public

    with progress("Reading images") as bar:
        return read_public(public, images, kind, method, bar)


def _audit_own(
    kind: Kind,
    epsilon: float,
    delta: float | None,
    study: str | None,
    canaries: int | None,
    guesses: int | None,
    as_json: bool,
) -> None:
    from privxray.audit.membership import Membership
    from privxray.workflow.auditing import audit_outcome
    from privxray.workflow.auditing.audit_own_patients import audit_own, finish
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    with progress("Computing features") as features, progress("Training") as steps:
        own = audit_own(
            workspace,
            kind,
            epsilon,
            delta,
            study=study,
            canaries=canaries,
            guesses=guesses,
            progress=steps,
            feature_progress=features,
        )
    who = "this hospital's own patients"
    if isinstance(own.result, Membership):
        told = audit_outcome.membership(own.result, own.method, who, inside=True)
    else:
        told = audit_outcome.one_run(own.result, own.method, who, inside=True)
    finish(workspace, kind, own, told.page)
    told.json["report"] = str(own.report)
    told.json["lifetime"] = {
        "epsilon": own.lifetime.epsilon,
        "limit": own.limit.epsilon,
        "delta": own.lifetime.delta,
    }
    tell(
        f"Charged like a training of epsilon {own.claim.epsilon:g}: lifetime {own.lifetime} of "
        f"{own.limit.epsilon:g}. The report stays in {own.report}."
    )
    _tell(told, None, False, as_json)


def _tell(told: Told, report: Path | None, force: bool, as_json: bool) -> None:
    if report is not None:
        from privxray.workspace.atomic import write_atomic

        write_atomic(report, told.page.encode(), overwrite=force)
        tell("The page is in the file that --report names.")
    if as_json:
        emit(told.json)
    else:
        table("Figures", ("what", "value"), told.figures)
        tell(f"{told.verdict}.")
        for limit in told.limits:
            tell(f"- {limit}")
    if told.flagged:
        raise FindingsError(
            "the audit found more than the engine claims to give away",
            advice="Don't train with it before that is explained",
        )
    if not as_json:
        close("audit")
