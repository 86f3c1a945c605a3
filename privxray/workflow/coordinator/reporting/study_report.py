"""``report study``: a page on a study and its model card, in the coordinator's ``reports``.

It is made of signed files alone: plans, updates' headers and models. Nothing of a patient is in them, so it
may be passed on.

Tested in tests/cli/test_report_study.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from privxray.errors import STATUS_SAYS, PrivxrayError, WorkspaceError
from privxray.exchange.admission.admit import read_update
from privxray.exchange.intake import envelope_of
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.summary import SummaryHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.keys.mask_statement import MaskStatement
from privxray.reports.charts import Box, Words, chain
from privxray.reports.study_page import KIND, ModelCard, StudyPage
from privxray.reports.training_page import Chart
from privxray.version import __version__
from privxray.workflow.common.kept_file import read_kept
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.report_file import expect_own, write_report
from privxray.workflow.common.study_cost import whole_cost
from privxray.workflow.common.study_words import study_words
from privxray.workflow.common.summary_told import Told, told_of_round
from privxray.workflow.coordinator.reporting import what_parties_see
from privxray.workflow.coordinator.reporting.counted_section import counted_section
from privxray.workflow.coordinator.reporting.study_model_card import CardFigures, study_model_card
from privxray.workspace.atomic import PUBLIC
from privxray.workspace.drop_folder import dropped
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState

_MOST_DROPPED = 1000
"""Updates in the drop folder that are looked at; anybody may put files there."""


@dataclass(frozen=True)
class StudyReport:
    """What was written.

    :ivar card: the model card as Markdown, and :ivar card_page: as HTML; None as long as there is no model.
    """

    page: Path
    card: Path | None
    card_page: Path | None


@dataclass(frozen=True)
class _Stage:
    """A round with what its signed files say.

    :ivar model: :ivar summary: None where it has none.
    :ivar updates: by fingerprint of the hospital, as far as the files are here.
    :ivar in_sum: fingerprints; None where the round is not closed.
    :ivar told: what a round's summary says; None where it has none.
    """

    round: Round
    plan: PlanHeader
    model: ModelHeader | None
    summary: SummaryHeader | None
    updates: dict[str, UpdateHeader]
    in_sum: frozenset[str] | None
    told: Told | None


def write_study_report(workspace: Workspace, *, licence: str = "") -> StudyReport:
    """Write the page and, once there is a model, its card, in the place of those before.

    :param licence: of the model, in words.
    :raises WorkspaceError: nothing is planned yet.
    :raises RefusedError: another file has the name of one of them.
    :raises MalformedError: a kept plan or model is damaged.
    """
    workspace.require("coordinator", "report study")
    study = workspace.own_study
    names = (f"{study}-study.html", f"{study}-model-card.md", f"{study}-model-card.html")
    page, card, card_page = (workspace.reports / name for name in names)
    with working(workspace) as session:
        rounds = session.state.rounds(study)
        if not rounds:
            raise WorkspaceError(
                "no round is planned yet",
                reason="round.none-planned",
                file=workspace.root,
                advice=STATUS_SAYS,
            )
        for path in (page, card, card_page):
            expect_own(path, KIND)
        stages = [_stage(session, round_) for round_ in rounds]
        made = _card(stages, " ".join(licence.split()))
        now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M (UTC%z)")
        write_report(page, _page(session, stages, made).html(__version__, now), PUBLIC)
        if made is None:
            return StudyReport(page, None, None)
        write_report(card, made.markdown(), PUBLIC)
        write_report(card_page, made.html(__version__, now), PUBLIC)
        return StudyReport(page, card, card_page)


def _stage(session: Session, round_: Round) -> _Stage:
    plan = load_plan(session.workspace, round_)
    workspace, place = session.workspace, (round_.study, round_.number)
    model = summary = in_sum = None
    if round_.model is not None:
        model, _ = read_kept(workspace.model_copy(*place), round_.model, ModelHeader)
    if round_.summary is not None:
        summary, _ = read_kept(workspace.summary_copy(*place), round_.summary, SummaryHeader)
    if model or summary:
        in_sum = frozenset(session.state.next_keys(round_.plan, MaskStatement))
    told = told_of_round(session, round_, len(in_sum or ()))
    return _Stage(round_, plan, model, summary, _updates(workspace, round_, plan), in_sum, told)


def _updates(workspace: Workspace, round_: Round, plan: PlanHeader) -> dict[str, UpdateHeader]:
    """The headers of a round's updates that lie here, whose signatures are good."""
    found: dict[str, UpdateHeader] = {}
    came = (one.path for one in dropped(workspace.incoming, ("enc",), _MOST_DROPPED).files)
    for path in (*sorted(workspace.updates.glob("*.enc")), *came):
        with suppress(PrivxrayError, OSError):  # a stranger's file is none of this page's business
            header, _ = read_update(envelope_of(path), plan.roster.members)
            if header.plan == round_.plan:
                found.setdefault(header.sender, header)
    return found


def _card(stages: Sequence[_Stage], licence: str) -> ModelCard | None:
    for stage in reversed(stages):
        if stage.model is not None:
            digest = str(stage.round.model)
            told = [one.told for one in stages if one.told and one.told.plan.model == digest]
            described = [one.told for one in stages if one.told and one.told.counts]
            about = CardFigures(described[-1] if described else None, told[-1] if told else None)
            return study_model_card(stage.plan, stage.model, digest, licence, about)
    return None


def _page(session: Session, stages: Sequence[_Stage], card: ModelCard | None) -> StudyPage:
    plan = stages[-1].plan
    most = whole_cost(plan)
    closed = [len(stage.in_sum) for stage in stages if stage.in_sum]
    return StudyPage(
        title=f"Study {plan.study_name}",
        facts=[
            ("Coordinator", f"{plan.coordinator_name} {plan.coordinator.fingerprint}"),
            ("Rounds of training", str(plan.training.stages)),
            *([("Tasks", ", then ".join(map(str, plan.schedule)))] if plan.schedule else []),
            ("Method", plan.method),
            ("Classes", ", ".join(plan.classes)),
            ("Mode", plan.mode),
            ("Epsilon and delta", f"{most.epsilon:.4g} and {most.delta:g}, for each patient over all rounds"),
        ],
        key_words=study_words(session.state, plan),
        cohort=list(_cohort(plan)),
        deliveries=[row for stage in stages for row in _deliveries(stage)],
        lineage=_lineage(stages),
        steps=[row for stage in stages for row in _steps(stage)],
        counted=[counted_section(stage.told) for stage in stages if stage.told],
        guarantee=list(what_parties_see.guarantee_words(plan)),
        protections=list(what_parties_see.protections(plan)),
        parties=list(what_parties_see.parties(plan)),
        size=list(what_parties_see.size_words(plan, closed[-1] if closed else None)),
        card=card,
    )


def _cohort(plan: PlanHeader) -> Iterator[list[str]]:
    for party in plan.roster.parties:
        size = plan.sizes.get(party.name)
        seated = plan.committee is not None and plan.committee.seat(party.keys.fingerprint) is not None
        role = f"{party.role}, keyholder" if seated else party.role
        yield [party.name, role, f"{size.bracket:,}" if size else "-", party.keys.fingerprint[:16]]


def _deliveries(stage: _Stage) -> Iterator[list[str]]:
    """A row for each hospital whose update of the round is here or is known to be in the sum."""
    for member in stage.plan.roster.members:
        key = member.keys.fingerprint
        update = stage.updates.get(key)
        if update is None and key not in (stage.in_sum or ()):
            continue
        signed, epsilon = (update.created, f"{update.epsilon:g}") if update else ("-", "-")
        inside = "not opened" if stage.in_sum is None else "yes" if key in stage.in_sum else "no"
        yield [str(stage.plan.round), member.name, signed, epsilon, inside]


def _steps(stage: _Stage) -> Iterator[list[str]]:
    number, state = stage.plan.round, stage.round.state.value
    yield [f"plan of round {number}", stage.round.plan[:16], stage.plan.created, state]
    if stage.summary is not None:
        yield [f"summary of round {number}", str(stage.round.summary)[:16], stage.summary.created, "signed"]
    if stage.model is not None:
        yield [f"model of round {number}", str(stage.round.model)[:16], stage.model.created, "signed"]


def _lineage(stages: Sequence[_Stage]) -> Chart:
    boxes = []
    for stage in stages:
        void = stage.round.state is RoundState.VOID
        gone = " (given up)" if void else ""
        boxes.append(Box([f"plan of round {stage.plan.round}{gone}", stage.round.plan[:16]], dashed=void))
        if stage.told is not None:
            sum_of = f"summary of round {stage.plan.round}, of {stage.told.hospitals} hospitals"
            boxes.append(Box([sum_of, str(stage.round.summary)[:16]]))
        if stage.model is not None:
            count = len(stage.in_sum or ())
            sum_of = f"model of round {stage.plan.round}, of {count} hospitals"
            boxes.append(Box([sum_of, str(stage.round.model)[:16]]))
    says = "From top to bottom: " + ", then ".join(" ".join(box.lines) for box in boxes)
    return Chart(chain(Words("chain", "Plans and models, oldest first", says), boxes), says)
