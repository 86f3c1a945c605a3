"""Opening the sum of the files that a round collected, and proving it where the plan has commitments.

Tested in tests/cli/test_rounds.py, tests/cli/test_keyholders.py and tests/cli/test_commitments.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from privxray.errors import CohortError, PrivxrayError, about
from privxray.exchange.commitments.scalars import OpenedSum
from privxray.exchange.messages.proof import write_proof
from privxray.exchange.messages.update import bounds_claim, committed_of, open_update
from privxray.exchange.opening import open_sum
from privxray.exchange.opening_committed import CommittedUpdate, open_committed_sum
from privxray.formats.header import Fingerprint
from privxray.keys.identity import Identity
from privxray.workflow.common.stamp import stamp
from privxray.workflow.coordinator.collected_files import Collected, incomplete
from privxray.workflow.coordinator.restore_masks import masks_left
from privxray.workspace.session import Session


def open_round(session: Session, collected: Collected, identity: Identity) -> OpenedSum:
    """The sum of all updates that were collected, without masks.

    Under a plan without commitments its blinding factor is 0.

    :raises CohortError: an update or a share file is not what its sender says; it names the sender where that
        can be told. Nothing is changed.
    """
    plan = collected.plan
    left_over = masks_left(collected, identity) if plan.committee else []
    try:
        if plan.commitments is None:
            streams = [(one.key, one.was_added) for one in left_over]
            bodies = (
                (member.name, _opened(collected, sender, identity))
                for sender in sorted(collected.updates)
                if (member := plan.roster.hospital(sender))
            )
            return OpenedSum(open_sum(plan, bodies, streams), 0)
        updates = committed_updates(collected, identity)
        with about(session.workspace.updates):
            return open_committed_sum(plan, updates, left_over)
    except CohortError:
        raise
    except PrivxrayError as error:
        what = f"{error.file}: {error.what}" if error.file else error.what
        raise incomplete(session, plan, [], [what]) from error


def committed_updates(collected: Collected, identity: Identity) -> list[CommittedUpdate]:
    """The collected updates under a plan with commitments, by ascending sender."""
    return [
        CommittedUpdate(
            sender,
            committed_of(collected.cohort.updates[sender].header, collected.plan),
            _opened(collected, sender, identity),
            partial(bounds_claim, collected.cohort.updates[sender].header, collected.plan),
        )
        for sender in sorted(collected.updates)
    ]


def proof_of(collected: Collected, opened: OpenedSum, identity: Identity) -> bytes | None:
    """The round's proof; None under a plan without commitments."""
    if collected.plan.commitments is None:
        return None
    starts = [collected.updates[sender].start() for sender in sorted(collected.updates)]
    return write_proof(starts, opened, collected.planned.signed, identity, stamp())


def _opened(collected: Collected, sender: Fingerprint, identity: Identity) -> Iterable[bytes]:
    """The decrypted body of an update, in pieces."""
    received = collected.updates[sender]
    return open_update(collected.cohort.updates[sender].header, received.pieces(), identity)
