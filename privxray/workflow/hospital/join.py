"""``join``: a hospital or a trustee verifies a plan, compares its key words, and follows it.

Tested in tests/cli/test_study.py.
"""

from __future__ import annotations

from pathlib import Path

from privxray.exchange.admission.admit import admit_plan
from privxray.exchange.intake import Received, take_in
from privxray.exchange.messages.plan import PlanHeader
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.hospital.follow_plan import AskWords, Joined, follow
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.study_tables import KnownStudy


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
        known = claimed_study(session, received) if received.envelope.kind == "plan" else None
        signed = admit_plan(received.envelope, known.coordinator if known else None)
        return follow(session, received, signed, ask_words, passphrase)


def claimed_study(session: Session, received: Received) -> KnownStudy | None:
    """The study that a plan says it is of, where that is known here.

    This is a claim only. It selects whose signature the plan must have, which ``admit_plan`` then demands.
    """
    name = received.envelope.claim(PlanHeader).study
    return None if name is None else session.state.study(name)
