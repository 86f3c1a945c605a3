"""``report training``: a page on the data, the model and the budget, in the workspace's ``reports``.

``train`` and ``accept`` write it as well. It shows the newest **global** model only. What the hospital's own
training says of single images is on no page that is kept: from that, somebody who steals the workspace could
compute the training result, which the export destroys (docs/adr/0105, 0133). Its figures, which are kept for
the purpose, stand beside the global model's.

Tested in tests/cli/test_report.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.errors import WorkspaceError
from privxray.exchange.messages.plan_words import place_in_words
from privxray.formats.extractor_file import ExtractorFile
from privxray.privacy.guarantee import Guarantee
from privxray.reports.training_page import KIND, ModelSection, TrainingPage
from privxray.version import __version__
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.report_file import expect_own, write_report
from privxray.workflow.common.study_cost import whole_cost
from privxray.workflow.common.which_study import newest_round
from privxray.workflow.hospital.data_set import open_dataset
from privxray.workflow.hospital.reporting.spending import spending
from privxray.workflow.hospital.using_model.classifier import has_model, newest_model
from privxray.workspace.atomic import PRIVATE
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working

if TYPE_CHECKING:
    from privxray.exchange.messages.plan import PlanHeader
    from privxray.imaging.data_set.dataset import Dataset
    from privxray.workflow.hospital.using_model.evaluate import Scores
    from privxray.workspace.state_tables.study_tables import Round


@dataclass(frozen=True)
class TrainingReport:
    """A page that was written.

    :ivar scores: of the newest global model; None where there is none or it can't be scored.
    :ivar not_scored: why, without a full stop; empty where it is scored.
    """

    path: Path
    study: str
    scores: Scores | None
    not_scored: str


def write_training_report(
    workspace: Workspace, *, study: str | None = None, split: str = "val", progress: Progress | None = None
) -> TrainingReport:
    """Write the page of a study, in the place of the one before.

    :param split: whose patients the global model is shown on, ``val`` or ``test``.
    :param progress: told of the images whose features are computed.
    :raises WorkspaceError: no study is joined.
    :raises RefusedError: another file has the page's name.
    :raises MalformedError: the ledger, the data set or a kept file is damaged.
    """
    workspace.require("hospital", "report training")
    with working(workspace) as session:
        round_ = newest_round(session, study)
        path = workspace.reports / f"{round_.study}-training.html"
        expect_own(path, KIND)
        with open_dataset(session, round_.study) as dataset:
            scores, model, why = _model(session, dataset, round_.study, split, progress)
            page = _page(session, dataset, round_, (model, why))
        text = page.html(__version__, datetime.now().astimezone().strftime("%Y-%m-%d %H:%M (UTC%z)"))
        write_report(path, text, PRIVATE)
        return TrainingReport(path, round_.study, scores, why)


def _model(
    session: Session, dataset: Dataset, study: str, split: str, progress: Progress | None
) -> tuple[Scores | None, ModelSection | None, str]:
    """The newest global model's scores and section, or why there are none."""
    if not has_model(session, study):
        return None, None, "no global model has been accepted yet; the page will show it when one has come"
    from privxray.workflow.hospital.reporting.model_section import model_section
    from privxray.workflow.hospital.using_model.evaluate import Held, scored

    try:
        found = scored(session, dataset, newest_model(session, study), Held(study, split), progress)
    except WorkspaceError as error:
        return None, None, error.what
    return found.scores, model_section(found, dataset), ""


def _page(
    session: Session, dataset: Dataset, round_: Round, about: tuple[ModelSection | None, str]
) -> TrainingPage:
    plan = load_plan(session.workspace, round_)
    model, why = about
    return TrainingPage(
        title=f"Training at {session.name} for {round_.study}",
        study=round_.study,
        data=[
            [split, label, f"{patients:,}", f"{images:,}"]
            for (split, label), (images, patients) in sorted(dataset.counts().items())
        ],
        spending=spending(session.workspace.ledger_path, _plans(session)),
        facts=_facts(plan),
        constants=[(name, _shown(value)) for name, value in plan.constants.items()],
        digests=_digests(session, dataset, round_, plan),
        model=model,
        no_model=why,
        own=[] if model else _own(session, round_),
    )


def _plans(session: Session) -> dict[str, Guarantee]:
    """By study, what its newest plan here allows."""
    newest = [session.state.rounds(name)[-1] for name in session.state.studies()]
    plans = {round_.study: load_plan(session.workspace, round_) for round_ in newest}
    return {name: whole_cost(plan) for name, plan in plans.items()}


def _facts(plan: PlanHeader) -> list[tuple[str, str]]:
    return [
        (
            "Study and round",
            f"{plan.study}, round {plan.round}: {place_in_words(plan)}",
        ),
        ("Coordinator", plan.coordinator_name),
        ("Hospitals", ", ".join(member.name for member in plan.roster.members)),
        ("Mode", plan.mode),
        ("Method", plan.method),
        ("Classes", ", ".join(plan.classes)),
        ("Most that the study may cost", str(whole_cost(plan))),
        ("Made", plan.created),
    ]


def _digests(session: Session, dataset: Dataset, round_: Round, plan: PlanHeader) -> list[tuple[str, str]]:
    extractor = plan.features_by
    named = extractor.sha256 if isinstance(extractor, ExtractorFile) else extractor or "none: it takes pixels"
    models = [r for r in session.state.rounds(round_.study) if r.model is not None]
    return [
        ("Plan", round_.plan),
        ("Feature extractor", named),
        *((f"Model of round {one.number}", str(one.model)) for one in models),
        *([("Own update (SHA-256 of the file)", round_.update_sha256)] if round_.update_sha256 else []),
        ("Training patients (keyed hash)", dataset.fingerprint("train")),
        ("Coordinator's signing key", plan.coordinator.fingerprint),
    ]


def _own(session: Session, round_: Round) -> list[tuple[str, str]]:
    """Figures of the own training that are kept, where no global model stands beside them."""
    from privxray.evaluation import words
    from privxray.evaluation.held_out import METRICS
    from privxray.workflow.hospital.using_model.own_scores import kept_figures

    figures = kept_figures(session, round_)
    return [(words.metric_name(name), words.shown(figures[name])) for name in METRICS if name in figures]


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
