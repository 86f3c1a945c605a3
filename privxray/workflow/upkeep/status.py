"""``status``: where a workspace stands, and what to type next.

Tested in tests/cli/test_study.py and tests/cli/test_advice.py.
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
from privxray.workflow.inference.trust import known_parties
from privxray.workflow.ledger.size_remarks import size_remarks
from privxray.workflow.upkeep.advice.advise import advise
from privxray.workflow.upkeep.advice.look import look
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, looking
from privxray.workspace.study_tables import Round


@dataclass(frozen=True)
class Overview:
    """The rounds of a workspace, oldest first, and what to type next.

    :param answered: hospital, model and number of images that were answered for it.
    :param trained: what the trainings of the studies' newest rounds saw, and what changed since.
    :param key_words: by study, for its parties to compare again.
    :param waiting: how many queries of this hospital have no answer that was read here.
    :param remarks: where a delta is larger than is advised for the size that this hospital states.
    """

    rounds: tuple[Round, ...]
    advice: tuple[str, ...]
    answered: tuple[tuple[str, str, int], ...]
    waiting: int
    key_words: Mapping[str, str]
    trained: tuple[TrainedData, ...] = ()
    remarks: tuple[str, ...] = ()


def overview(workspace: Workspace, place: str = "") -> Overview:
    """Look at a workspace, even one that a crash left in the middle of something.

    :param place: the way from where a person stands to the workspace; empty where they stand in it.
    """
    with looking(workspace) as session:
        state = session.state
        rounds = tuple(state.rounds())
        advice = tuple(one.text for one in advise(look(session, place)))
        counts = state.answer_counts()
        names = {k.fingerprint: name for name, k in known_parties(workspace, state)} if counts else {}
        answered = tuple((names.get(who, who[:16]), model, images) for who, model, images in counts)
        waiting = sum(not row.answered for row in state.asked())
        newest = [last for study in state.studies() if (last := state.last_round(study)) is not None]
        trained = tuple(seen for round_ in newest if (seen := trained_data(session, round_)) is not None)
        lasting = {round_.study: round_ for round_ in rounds}  # of each study its newest
        words = {study: study_words(state, load_plan(workspace, one)) for study, one in lasting.items()}
        return Overview(rounds, advice, answered, waiting, words, trained, _remarks(session))


def _remarks(session: Session) -> tuple[str, ...]:
    """What a hospital should know of its deltas; of a ledger that is damaged ``doctor`` tells."""
    if session.role != "hospital":
        return ()
    with suppress(PrivxrayError), ledger_file.transaction(session.workspace.ledger_path) as database:
        return size_remarks(session, ledger_chain.read(database).limit)
    return ()
