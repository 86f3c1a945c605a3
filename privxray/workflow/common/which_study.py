"""Which study a command is about, and its newest round.

Tested in tests/cli/test_many_rounds.py and tests/cli/test_study.py.
"""

from __future__ import annotations

from collections.abc import Callable

from privxray.errors import UsageError, WorkspaceError
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round

Fits = Callable[[Round], bool]
"""Whether a command could do its work on a round."""


def the_study(session: Session, wanted: str | None, *fits: Fits) -> str:
    """The study that a command means.

    :param wanted: what ``--study`` says; None where it was not typed.
    :param fits: where several studies are joined, the one whose newest round alone is fit for the command is
        meant. Of several tests the first counts that some study passes.
    :raises UsageError: several are possible, or the one that is named is not joined.
    :raises WorkspaceError: none is joined yet.
    """
    studies = session.state.studies()
    if wanted is not None:
        if wanted not in studies:
            raise UsageError(
                f"no study of this name is joined here (joined: {', '.join(studies) or 'none'})",
                reason="study.not-joined",
                advice="Check the name; privxray status lists the studies",
            )
        return wanted
    if not studies:
        raise WorkspaceError(
            "no study is joined yet",
            reason="study.none-joined",
            file=session.root,
            advice="When the coordinator's plan has come, type: privxray join plan-0001.plan",
        )
    if len(studies) > 1:
        newest = [last for name in studies if (last := session.state.last_round(name))]
        fitting = next((found for fit in fits if (found := [r.study for r in newest if fit(r)])), studies)
        if len(fitting) == 1:
            return fitting[0]
        raise UsageError(
            f"several studies are joined, and {' and '.join(fitting)} are possible here",
            reason="study.several",
            advice=f"Pick one, for example: --study {fitting[0]}",
        )
    return studies[0]


def newest_round(session: Session, study: str | None, *fits: Fits) -> Round:
    """The newest round of the study that a command means.

    :param fits: see :func:`the_study`.
    :raises UsageError: see :func:`the_study`.
    :raises WorkspaceError: no study is joined yet.
    """
    # A study is recorded together with its first round, so it has one.
    return session.state.rounds(the_study(session, study, *fits))[-1]
