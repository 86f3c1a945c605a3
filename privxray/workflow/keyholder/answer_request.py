"""Making the one answer to a request, and keeping its exact bytes.

Tested in tests/cli/test_keyholders.py and tests/cli/test_crash.py.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import IdentityError, MalformedError, RefusedError, about
from privxray.exchange.admission.admit_opening import admit_survivors
from privxray.exchange.intake import read_again
from privxray.exchange.messages.request import SignedRequest
from privxray.exchange.messages.share import ShareHeader, write_share
from privxray.exchange.sharing.dealing import Dealt, Opened, SecretName, open_box
from privxray.formats.header import Fingerprint
from privxray.keys.sealing_keys import SealingKey
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.new_round_keys import new_unsealing_key, open_unsealing_key
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.planned_round import PlannedRound
from privxray.workflow.common.stamp import stamp
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.state_tables.keyholder_tables import GivenAnswer
from privxray.workspace.transitions import Event


@dataclass(frozen=True)
class Question:
    """A request that passed every rule that needs no body, and the seat that is to answer it."""

    planned: PlannedRound
    asked: SignedRequest
    body: bytes
    seat: int

    @property
    def kept(self) -> Path:
        """Where the exact bytes of the answer are kept."""
        return self.planned.folder / "answer.share"


def not_prepared_for_another(question: Question) -> None:
    """Look for an answer here that the state does not know of.

    A crash right before the state was written leaves one to this request. An answer to another request shows
    that the state is older than its folder: it was restored from a backup, or put back.

    :raises RefusedError: there is one to another request.
    """
    kept = question.kept
    if kept.exists() and read_again(kept).envelope.claim(ShareHeader).request != question.asked.digest:
        raise RefusedError(
            "an answer to another request of this round lies here, and the state does not know of it",
            reason="request.second-of-round",
            advice="If state.db was restored from a backup, don't help: a keyholder answers one request. "
            f"Tell the data officers of the hospitals. (The answer is {kept})",
        )


def answer(session: Session, question: Question, passphrase: Passphrase) -> None:
    """Make the answer's bytes, and in one transaction record them and destroy the key that made them."""
    state, planned, plan = session.state, question.planned, question.planned.plan
    dealt = admit_survivors(question.asked.request, question.body, planned.signed)
    identity = unlock(session.workspace, passphrase)
    key = open_unsealing_key(state, plan.keyholding.seats[question.seat - 1].unsealing.key, identity)
    opened = {owner: _opened(question, owner, boxes, key) for owner, boxes in dealt.items()}
    make_private_folder(question.kept.parent)
    with state.transaction():
        following = new_unsealing_key(state, identity, plan.study)
        data = write_share(opened, question.asked, planned.signed, identity, following, stamp())
        write_atomic(question.kept, data, overwrite=True)
        given = GivenAnswer(question.asked.digest, hashlib.sha256(data).hexdigest())
        state.record_answer(planned.round.plan, given, question.asked.request.survivors)
        state.unsealing_keys.burn_plan(planned.round.plan)
        state.change_round(session.role, planned.round, Event.ANSWER)


def _opened(
    question: Question, owner: Fingerprint, boxes: Dealt, key: SealingKey
) -> dict[SecretName, Opened]:
    """The shares of one hospital's secrets that this keyholder has."""
    try:
        return open_box(boxes, question.planned.signed.dealing(owner), question.seat, key)
    except IdentityError as error:
        member = question.planned.plan.roster.hospital(owner)
        raise IdentityError(
            f"{member.name if member else owner}: {error.what}",
            reason=error.reason,
            advice="Nothing was answered. Tell the coordinator: it can have the round repeated (privxray "
            "plan --repeat), and may ask you for: privxray refuse",
        ) from error


def kept_bytes(state: State, question: Question) -> bytes:
    """The answer as it was recorded.

    :raises MalformedError: the file here is another one.
    """
    given = state.answer_of(question.planned.round.plan)
    with about(question.kept):
        data = question.kept.read_bytes()
        if given is None or hashlib.sha256(data).hexdigest() != given.share_sha256:
            raise MalformedError(
                "this is not the answer that was given",
                reason="workspace.kept-file-altered",
                advice="Restore it from a backup (privxray help backup)",
            )
    return data
