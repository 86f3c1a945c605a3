"""``join``: a hospital or a trustee verifies a plan, compares its key words, and follows it.

It also takes in that hospitals have named another coordinator, whose plan comes next.

Tested in tests/cli/test_study.py and tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from pathlib import Path

from privxray.exchange.admission.admit import admit_plan
from privxray.exchange.intake import Received, take_in
from privxray.exchange.messages.plan import PlanHeader
from privxray.keys.identity import PublicKeys
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.custody.named_successor import TakenIn, take_election, trusted_coordinator
from privxray.workflow.hospital.taking_in.follow_plan import AskWords, Joined, follow
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working


def join(workspace: Workspace, path: Path, ask_words: AskWords, passphrase: Passphrase) -> Joined:
    """Verify a plan and follow it from now on.

    Key words are asked for once a roster version. Joining the same plan again changes nothing. Under a plan
    that agrees on secrets, a hospital's agreement is written at once.

    :param passphrase: asked for only where the plan begins hybrid masks.
    :raises IdentityError: the words, the signature or the coordinator are wrong.
    :raises RefusedError: an unsafe plan, one without this party, a replayed or a skipped one.
    """
    workspace.require(("hospital", "trustee"), "join")
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        return _join(session, received, ask_words, passphrase)


def join_or_take(
    workspace: Workspace, path: Path, ask_words: AskWords, passphrase: Passphrase
) -> Joined | TakenIn:
    """Follow a plan as :func:`join` does, or take in that hospitals have named another coordinator.

    :raises IdentityError: the words, a signature, a vote or the coordinator are wrong.
    :raises RefusedError: see :func:`join`, and :func:`.named_successor.take_election`.
    """
    workspace.require(("hospital", "trustee"), "join")
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        if received.envelope.kind == "succession":
            return take_election(session, received)
        return _join(session, received, ask_words, passphrase)


def take_in_succession(workspace: Workspace, path: Path) -> TakenIn:
    """Take in that hospitals have named another coordinator, and nothing else.

    :raises MalformedError: the file is of another kind.
    :raises IdentityError: a vote is false.
    :raises RefusedError: see :func:`.named_successor.take_election`.
    """
    workspace.require(("hospital", "trustee"), "join")
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        return take_election(session, received)


def _join(session: Session, received: Received, ask_words: AskWords, passphrase: Passphrase) -> Joined:
    known = claimed_coordinator(session, received) if received.envelope.kind == "plan" else None
    return follow(session, received, admit_plan(received.envelope, known), ask_words, passphrase)


def claimed_coordinator(session: Session, received: Received) -> PublicKeys | None:
    """The coordinator of the study that a plan says it is of, where that study is known here.

    This is a claim only. It selects whose signature the plan must have, which ``admit_plan`` then demands.
    """
    name = received.envelope.claim(PlanHeader).study
    known = None if name is None else session.state.study(name)
    return None if known is None else trusted_coordinator(session.state, known)
