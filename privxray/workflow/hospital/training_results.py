"""What a training leaves in the workspace until it is exported, under a key that the export destroys.

Tested in tests/cli/test_rounds.py and tests/cli/test_keyholders.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.errors import STATUS_SAYS, MalformedError, WorkspaceError
from privxray.privacy.releases import ReleaseStore
from privxray.workflow.common.task_commands import DONE, agreed_only
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def results_folder(session: Session, round_: Round) -> Path:
    """Where the results of the training that a round uses rest."""
    return session.workspace.round_folder(round_.study, round_.trained_in)


def saved_vector(session: Session, round_: Round, key: bytes | None = None) -> ReleaseStore:
    """The place of the noisy vector that a training ends with; it is answer number 0.

    :param key: of a round that repeats another one, whose key rests under the passphrase.
    """
    key = key or round_.vector_key
    if key is None:
        raise _not_readable(session, round_)
    return ReleaseStore(results_folder(session, round_) / "vector", key)


def expect_trained(session: Session, round_: Round) -> None:
    """Check that there is something to export.

    :raises WorkspaceError: a round is not trained, or was exported already.
    :raises RefusedError: nothing is trained under its plan.
    """
    if round_.state is RoundState.AGREED:
        raise agreed_only(round_)
    if round_.state is not RoundState.TRAINED:
        raise _not_trained(session, round_)


def trained_vector(
    session: Session, round_: Round, key: bytes | None = None
) -> dict[str, NDArray[np.float64]]:
    """The noisy vector that training made and that has not been exported: the plan's tensors by name.

    :param key: as for :func:`saved_vector`.
    :raises WorkspaceError: there is none yet, or it rests under the passphrase and no key is given.
    :raises MalformedError: its file is gone.
    """
    expect_trained(session, round_)
    vector = saved_vector(session, round_, key).load(0)
    if vector is None:  # it was saved before the state said trained
        raise MalformedError(
            f"the training result of round {round_.number} is gone",
            reason="round.result-gone",
            file=results_folder(session, round_),
            advice="Restore this folder from a backup "
            "(privxray help backup); it can't be made again without paying again",
        )
    return vector


def remove_unreadable(session: Session) -> None:
    """Remove results whose key is gone: nobody can read them, and a crash may have left them."""
    rounds = session.state.rounds()
    readable = {(r.study, r.trained_in) for r in rounds if r.vector_key is not None}
    readable |= session.state.kept_vectors()
    for round_ in rounds:
        folder = session.workspace.round_folder(round_.study, round_.number)
        if (round_.study, round_.number) not in readable:
            for part in ("steps", "vector"):
                shutil.rmtree(folder / part, ignore_errors=True)


def _not_trained(session: Session, round_: Round) -> WorkspaceError:
    return WorkspaceError(
        f"round {round_.number} is not {DONE[round_.task]} yet",
        reason="round.not-trained",
        file=session.root,
        advice=STATUS_SAYS,
    )


def _not_readable(session: Session, round_: Round) -> WorkspaceError:
    if round_.state is not RoundState.TRAINED:
        return _not_trained(session, round_)
    return WorkspaceError(
        f"the result of round {round_.number} is that of the round before, and rests under the passphrase",
        reason="round.result-sealed",
        file=session.root,
        advice="Type: privxray export-update",
    )
