"""``status``: where a workspace stands at a glance, and what to type next.

It starts in a fraction of a second: nothing here imports numpy, scipy, torch, pydicom or matplotlib.

Tested in tests/cli/test_status.py, tests/cli/test_study.py and tests/cli/test_advice.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from privxray.errors import PrivxrayError
from privxray.privacy import ledger_chain, ledger_file  # without numpy, which the ledger itself needs
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.study_words import study_words
from privxray.workflow.hospital.trained_on import TrainedData, trained_data
from privxray.workflow.ledger.budget_glance import BudgetGlance, budget_glance
from privxray.workflow.ledger.size_remarks import size_remarks
from privxray.workflow.upkeep.advice.advise import advise
from privxray.workflow.upkeep.advice.awaited import Awaited, awaited
from privxray.workflow.upkeep.advice.look import look
from privxray.workflow.upkeep.arrivals.unread import Unread, unread
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, looking
from privxray.workspace.state_tables.study_tables import Round

_MOST_NAMED = 3
"""Files that came and whose command is named among what to do next; the list of them has all."""


@dataclass(frozen=True)
class StudyGlance:
    """The newest round of a study.

    :param stage: which training round it is. :param stages: how many the study has.
    :param awaited: who is to act next.
    """

    study: str
    round: int
    stage: int
    stages: int
    awaited: Awaited


@dataclass(frozen=True)
class Overview:
    """The rounds of a workspace, oldest first, and what to type next.

    :param studies: the newest round of each.
    :param answered: hospital, model and number of images that were answered for it.
    :param trained: what the trainings of the studies' newest rounds saw, and what changed since.
    :param key_words: by study, for its parties to compare again.
    :param waiting: how many queries of this hospital have no answer that was read here.
    :param remarks: where a delta is larger than is advised for the size that this hospital states.
    :param unread: files that came and were not taken yet.
    :param budget: of a hospital whose ledger can be read.
    :param drop: the drop folder as it is seen from the workspace; None in a workspace of an earlier version.
    """

    rounds: tuple[Round, ...]
    studies: tuple[StudyGlance, ...]
    advice: tuple[str, ...]
    answered: tuple[tuple[str, str, int], ...]
    waiting: int
    key_words: Mapping[str, str]
    unread: Unread
    budget: BudgetGlance | None = None
    trained: tuple[TrainedData, ...] = ()
    remarks: tuple[str, ...] = ()
    drop: str | None = None


def overview(workspace: Workspace, place: str = "") -> Overview:
    """Look at a workspace, even one that a crash left in the middle of something.

    :param place: the way from where a person stands to the workspace; empty where they stand in it.
    """
    with looking(workspace) as session:
        state = session.state
        rounds = tuple(state.rounds())
        situation = look(session, place)
        counts = state.answer_counts()
        names = _names(session) if counts else {}
        newest = {round_.study: round_ for round_ in rounds}
        joined = [newest[study] for study in state.studies() if study in newest]
        plans = {study: load_plan(workspace, one) for study, one in newest.items()}
        came = unread(session, situation)
        book = _book(session)
        return Overview(
            rounds=rounds,
            studies=tuple(
                StudyGlance(
                    one.round.study, one.round.number, one.round.stage, plan.stages, awaited(situation, one)
                )
                for one in situation.studies
                if (plan := plans.get(one.round.study)) is not None
            ),
            advice=(*came.todos[:_MOST_NAMED], *(one.text for one in advise(situation))),
            answered=tuple((names.get(who, who[:16]), model, images) for who, model, images in counts),
            waiting=sum(not row.answered for row in state.asked()),
            key_words={study: study_words(state, plan) for study, plan in plans.items()},
            unread=came,
            budget=None if book is None else budget_glance(book),
            trained=tuple(seen for one in joined if (seen := trained_data(session, one)) is not None),
            remarks=() if book is None else size_remarks(session, book.limit),
            drop=workspace.incoming.name if workspace.incoming.is_dir() else None,
        )


def _names(session: Session) -> dict[str, str]:
    from privxray.workflow.inference.trust import known_parties  # for a model's owner alone

    return {keys.fingerprint: name for name, keys in known_parties(session.workspace, session.state)}


def _book(session: Session) -> ledger_chain.Book | None:
    """A hospital's ledger; of one that is damaged ``doctor`` tells."""
    if session.role != "hospital":
        return None
    with suppress(PrivxrayError), ledger_file.transaction(session.workspace.ledger_path) as database:
        return ledger_chain.read(database)
    return None
