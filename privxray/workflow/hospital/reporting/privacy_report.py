"""``report privacy``: the statement that a data protection officer files, in English and German.

Tested in tests/cli/test_report_privacy.py.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from privxray.formats.features import HYBRID_MASKS
from privxray.privacy.ledger import Ledger
from privxray.reports.privacy_page import KIND, LANGUAGES, PrivacyTerms, privacy_page
from privxray.version import __version__
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.report_file import expect_own, write_report
from privxray.workflow.common.study_cost import whole_cost
from privxray.workflow.common.which_study import newest_round
from privxray.workspace.atomic import PUBLIC
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working

PACKAGES = ("cryptography", "PyNaCl", "numpy", "scipy", "dp-accounting", "torch", "onnxruntime", "pydicom")
"""What privacy, encryption and reading of images rest on."""


def write_privacy_report(workspace: Workspace, *, study: str | None = None) -> tuple[Path, ...]:
    """Write the statement about a study in both languages, in the place of those before.

    :returns: the pages, in the order of :data:`privxray.reports.privacy_page.LANGUAGES`.
    :raises WorkspaceError: no study is joined.
    :raises RefusedError: another file has the name of one of them.
    :raises MalformedError: the ledger or the kept plan is damaged.
    """
    workspace.require("hospital", "report privacy")
    with working(workspace) as session:
        name = newest_round(session, study).study
        paths = tuple(workspace.reports / f"{name}-privacy-{language}.html" for language in LANGUAGES)
        for path in paths:
            expect_own(path, KIND)
        terms = _terms(session, name)
        now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M (UTC%z)")
        for path, language in zip(paths, LANGUAGES, strict=True):
            write_report(path, privacy_page(terms, language, now), PUBLIC)
        return paths


def _terms(session: Session, study: str) -> PrivacyTerms:
    plan = load_plan(session.workspace, session.state.rounds(study)[-1])
    ledger = Ledger.open(session.workspace.ledger_path)
    return PrivacyTerms(
        study=study,
        hospital=session.name,
        coordinator=plan.coordinator_name,
        spent=ledger.cost(study, plan.delta).epsilon,
        planned=whole_cost(plan).epsilon,
        limit=ledger.limit.epsilon,
        delta=plan.delta,
        limit_delta=ledger.limit.delta,
        masked=len(plan.roster.members),
        hybrid=HYBRID_MASKS in plan.features,
        describes=any(entry.task == "describe" for entry in plan.its_schedule),
        evaluates=any(entry.task == "evaluate" for entry in plan.its_schedule),
        left=list(_left(session, study, plan.coordinator_name)),
        software=list(_software()),
    )


def _left(session: Session, study: str, coordinator: str) -> Iterator[list[str]]:
    """What left for the study, and cards, which belong to none."""
    for file in session.state.sent():
        if file.study == study or (file.kind == "card" and file.study is None):
            yield [file.at[:16].replace("T", " "), file.kind, file.name, coordinator, file.sha256]


def _software() -> Iterator[tuple[str, str]]:
    yield "privxray", __version__
    yield "Python", platform.python_version()
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
